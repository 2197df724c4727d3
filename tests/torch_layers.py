"""Every layer, loss and network once more, with PyTorch's own operations: an opinion that owes nothing to minireid."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from minireid.base.trees import leaves, map_leaves
from tests.judges import upstream

torch.set_num_threads(1)
Tensor = torch.Tensor
Drop = Callable[[Tensor], Tensor]


def assert_same(
    forward: Callable[..., Any], backward: Callable[..., Any], theirs: Callable[..., Any], *arrays: Any, **config: Any
) -> None:
    """Result and every gradient of forward and backward equal those of `theirs` under autograd, to 1e-10 in float64."""
    y, cache = forward(*arrays, **config)
    dy = upstream(np.random.default_rng(3), y)
    returned = backward(dy, cache)
    gradients = dict(enumerate(returned if len(arrays) > 1 else (returned,)))

    tensors = {k: map_leaves(lambda a: torch.tensor(a, requires_grad=True), tree) for k, tree in enumerate(arrays)}
    their_y = theirs(*tensors.values(), **config)
    scalars = [(torch.as_tensor(d) * v).sum() for (_, d), (_, v) in zip(leaves(dy), leaves(their_y), strict=True)]
    sum(scalars).backward()  # type: ignore[union-attr]

    their_gradients = map_leaves(lambda t: torch.zeros_like(t) if t.grad is None else t.grad, tensors)
    for mine, other in ((y, map_leaves(Tensor.detach, their_y)), (gradients, their_gradients)):
        mine, other = dict(leaves({"": mine})), dict(leaves({"": other}))
        assert mine.keys() == other.keys()
        for name in mine:
            np.testing.assert_allclose(mine[name], other[name].numpy(), rtol=1e-10, atol=1e-10, err_msg=str(name))


def conv2d(x: Tensor, p: Any, *, stride: int = 1, padding: int = 0, kernel: Any = None) -> Tensor:
    y = F.conv2d(x.permute(0, 3, 1, 2), p["W"].permute(3, 2, 0, 1).contiguous(), p["b"], stride=stride, padding=padding)
    return y.permute(0, 2, 3, 1)


def maxpool2d(x: Tensor, *, window: tuple[int, int] = (2, 2), stride: int = 2) -> Tensor:
    return F.max_pool2d(x.permute(0, 3, 1, 2), window, stride).permute(0, 2, 3, 1)


def conv_block(x: Tensor, p: Any, *, padding: int = 0, activation: Any = None) -> Tensor:
    """In the papers' order: activation, then pool. activation: minireid's tanh (or None) or relu."""
    relu = activation is not None and activation.__name__.endswith("relu")
    return maxpool2d((F.relu if relu else torch.tanh)(conv2d(x, p, padding=padding)))


def linear(x: Tensor, p: Any) -> Tensor:
    return F.linear(x, p["W"].T, p["b"])


def keep_all(x: Tensor) -> Tensor:
    """The `drop` of a network without dropout."""
    return x


def dropout(rng: np.random.Generator, rate: float) -> Drop:
    """Srivastava et al. 2014, scaled up in training. (F.dropout has its own generator. Here the numbers are rng's.)"""

    def drop(x: Tensor) -> Tensor:
        drawn = torch.as_tensor(rng.random(tuple(x.shape), dtype=np.float32))
        return torch.where(drawn < rate, torch.zeros_like(x), x / (1 - rate))

    return drop


def elman(x: Tensor, p: Any) -> Tensor:
    """torch.rnn_tanh is what torch.nn.RNN calls."""
    start = x.new_zeros(1, len(x), len(p["b"]))
    weights = [p["W"].T, p["U"].T, p["b"], torch.zeros_like(p["b"])]
    return torch.rnn_tanh(x, start, weights, True, 1, 0.0, False, False, True)[0]


def elman_unsquashed(e: Tensor, p: Any, *, drop: Drop = keep_all) -> Tensor:
    o = [e[:, 0] + p["s"]]
    for t in range(1, e.shape[1]):
        o.append(e[:, t] + drop(torch.tanh(o[-1])) @ p["U"] + p["b"])
    return torch.stack(o, 1)


def gru_reset_after(x: Tensor, p: Any) -> Tensor:
    """torch.gru is what torch.nn.GRU calls: gates in the order r, z, n, and z with the opposite sign of ours."""
    start = x.new_zeros(1, len(x), len(p["bz"]))
    w_ih = torch.cat([p["Wr"], -p["Wz"], p["Wc"]], 1).T
    w_hh = torch.cat([p["Ur"], -p["Uz"], p["Uc"]], 1).T
    b_ih = torch.cat([p["br"], -p["bz"], p["bc"]])
    b_hh = torch.cat([torch.zeros_like(p["br"]), torch.zeros_like(p["bz"]), p["vc"]])
    return torch.gru(x, start, [w_ih, w_hh, b_ih, b_hh], True, 1, 0.0, False, False, True)[0]


def gru(x: Tensor, p: Any, *, truncate: int | None = None) -> Tensor:
    """Wu et al. 2016, eq. 1. truncate=k: the state is detached before every k-th frame."""
    h, states = x.new_zeros(len(x), len(p["bz"])), []
    for t in range(x.shape[1]):
        if truncate is not None and t % truncate == 0:
            h = h.detach()
        z = torch.sigmoid(x[:, t] @ p["Wz"] + h @ p["Uz"] + p["bz"])
        r = torch.sigmoid(x[:, t] @ p["Wr"] + h @ p["Ur"] + p["br"])
        c = torch.tanh(x[:, t] @ p["Wc"] + (r * h) @ p["Uc"] + p["bc"])
        h = h - z * h + z * c
        states.append(h)
    return torch.stack(states, 1)


def lstm(x: Tensor, p: Any, *, truncate: int | None = None) -> Tensor:
    """torch.lstm is what torch.nn.LSTM calls: gates in the order i, f, g, o. truncate=k: pieces of k frames, each from
    the detached state and cell of the one before."""
    w_ih, w_hh = (torch.cat([p[letter + gate] for gate in "ifco"], 1).T for letter in "WU")
    bias = torch.cat([p["b" + gate] for gate in "ifco"])
    start = x.new_zeros(1, len(x), len(p["bi"]))
    state, pieces = (start, start), []
    for piece in x.split(truncate or x.shape[1], 1):
        weights = [w_ih, w_hh, bias, torch.zeros_like(bias)]
        h, *state = torch.lstm(piece, [s.detach() for s in state], weights, True, 1, 0.0, False, False, True)
        pieces.append(h)
    return torch.cat(pieces, 1)


def lstm_step(x: Tensor, h_prev: Tensor, c_prev: Tensor, p: Any) -> dict[str, Tensor]:
    """torch.lstm_cell is what torch.nn.LSTMCell calls."""
    w_ih, w_hh = (torch.cat([p[letter + gate] for gate in "ifco"], 1).T for letter in "WU")
    bias = torch.cat([p["b" + gate] for gate in "ifco"])
    h, c = torch.lstm_cell(x, (h_prev, c_prev), w_ih, w_hh, bias, torch.zeros_like(bias))
    return {"h": h, "c": c}


def attentive_rnn(v: Tensor, p: Any, *, attention: str = "softmax", top_k: int = 0) -> Tensor:
    """Clip by clip and state by state; left-out scores are minus infinity."""
    hs: list[list[Tensor]] = [[] for _ in v]
    for clip, h in zip(v, hs):
        for frame in clip:
            a = frame @ p["W"] + p["b"] + (h[-1] @ p["U"] if h else 0)
            if h:
                s = torch.stack([p["w"] @ torch.cat([earlier, torch.tanh(a)]) for earlier in h])
                chosen = s.topk(min(top_k or len(h), len(h))).indices
                left_out = torch.full_like(s, -torch.inf).index_fill(0, chosen, 0.0)
                alpha = torch.softmax(s + left_out, 0) if attention == "softmax" else s * (left_out == 0)
                a = a + alpha @ torch.stack(h) @ p["Wa"]
            h.append(torch.tanh(a))
    return torch.stack([torch.stack(h) for h in hs])


def elman_relu(f: Tensor, p: Any) -> Tensor:
    o = [f[:, 0] @ p["W"]]
    for t in range(1, f.shape[1]):
        o.append(f[:, t] @ p["W"] + F.relu(o[-1]) @ p["U"])
    return torch.stack(o, 1)


def relu_states(f: Any, p: Any) -> Any:
    """torch.nn.RNN with ReLU and without biases, on NumPy arrays."""
    unit = torch.nn.RNN(*p["W"].shape, nonlinearity="relu", bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        unit.weight_ih_l0.copy_(torch.tensor(p["W"].T))
        unit.weight_hh_l0.copy_(torch.tensor(p["U"].T))
        return unit(torch.tensor(f))[0].numpy()


def same_size(x: Tensor, W: Tensor) -> Tensor:
    """x (N, H, W, C), W (k, k, C, O), no bias, padded by PyTorch's own rule."""
    return F.conv2d(x.permute(0, 3, 1, 2), W.permute(3, 2, 0, 1).contiguous(), padding="same").permute(0, 2, 3, 1)


def conv_gru(x: Tensor, p: Any, *, kernel: Any = None) -> Tensor:
    """Wu et al. 2016, eq. 2, frame by frame, gate by gate."""
    return conv_gru_stacked(x, None, p)


def conv_gru_stacked(x: Tensor, lower: Tensor | None, p: Any, *, kernel: Any = None) -> Tensor:
    """Wu et al. 2016, eq. 3; the lower states enter wherever p has a kernel for them."""
    h, states = x.new_zeros(*x[:, 0].shape[:-1], len(p["bz"])), []
    for t in range(x.shape[1]):
        a = {}
        for gate in "zrc":
            a[gate] = same_size(x[:, t], p["W" + gate]) + p["b" + gate]
            if lower is not None and "L" + gate in p:
                a[gate] = a[gate] + same_size(lower[:, t], p["L" + gate])
        z, r = (torch.sigmoid(a[gate] + same_size(h, p["U" + gate])) for gate in "zr")
        c = torch.tanh(a["c"] + same_size(r * h, p["Uc"]))
        h = h - z * h + z * c
        states.append(h)
    return torch.stack(states, 1)


def clips(h: Tensor, lengths: Any) -> list[Tensor]:
    """The real frames of every clip."""
    lengths = [h.shape[1]] * len(h) if lengths is None else [int(n) for n in lengths]
    return [clip[:n] for clip, n in zip(h, lengths)]


def temporal_mean(h: Tensor, *, lengths: Any = None) -> Tensor:
    return torch.stack([clip.mean(0) for clip in clips(h, lengths)])


def temporal_max(h: Tensor, *, lengths: Any = None) -> Tensor:
    return torch.stack([clip.max(0).values for clip in clips(h, lengths)])


def temporal_last(h: Tensor, *, lengths: Any = None) -> Tensor:
    return torch.stack([clip[-1] for clip in clips(h, lengths)])


def temporal_centre(h: Tensor, *, lengths: Any = None) -> Tensor:
    missing = [(0,) * (2 * h.ndim - 3) + (h.shape[1] - len(clip),) for clip in clips(h, lengths)]
    return torch.stack([F.pad(clip - clip.mean(0), at_end) for clip, at_end in zip(clips(h, lengths), missing)])


def pair_distance(x: Tensor, *, pairs: Any) -> Tensor:
    return torch.stack([torch.dist(x[i], x[j]) for i, j in pairs])


def weighted(losses: Tensor, weights: Any) -> Tensor:
    return losses.mean() if weights is None else (torch.as_tensor(weights) * losses).sum()


def contrastive_squared(x: Tensor, *, pairs: Any, same: Any, weights: Any = None, margin: float = 2.0) -> Tensor:
    d = pair_distance(x, pairs=pairs)
    return weighted(torch.where(torch.as_tensor(same), d**2 / 2, F.relu(margin - d) ** 2 / 2), weights)


def contrastive_linear(x: Tensor, *, pairs: Any, same: Any, weights: Any = None, margin: float = 2.0) -> Tensor:
    target = torch.where(torch.as_tensor(same), 1, -1)  # the label meaning of PyTorch's own form
    d = pair_distance(x, pairs=pairs)
    return weighted(F.hinge_embedding_loss(d, target, margin=margin, reduction="none"), weights)


def contrastive_crf(x: Tensor, *, pairs: Any, same: Any, weights: Any = None, margin: float = 2.0) -> Tensor:
    d2 = pair_distance(x, pairs=pairs) ** 2
    return weighted(torch.where(torch.as_tensor(same), d2 / 2, F.relu(margin - d2) ** 2 / 2), weights)


def softmax(x: Tensor, *, labels: Any) -> Tensor:
    return F.cross_entropy(x, torch.as_tensor(labels))


def softmax_smoothed(x: Tensor, *, labels: Any, smoothing: float = 0.1) -> Tensor:
    return F.cross_entropy(x, torch.as_tensor(labels), label_smoothing=smoothing)


def triplet_hard(x: Tensor, *, pairs: Any, same: Any, weights: Any = None, margin: float = 0.3) -> Tensor:
    """Row by row, as sentences say it."""
    d = pair_distance(x, pairs=pairs)
    losses = []
    for row in range(len(x)):
        mine = [p for p, (i, j) in enumerate(pairs) if row in (i, j)]
        positives, negatives = ([d[p] for p in mine if bool(same[p]) == kind] for kind in (True, False))
        if positives and negatives:
            losses.append(F.relu(margin + torch.stack(positives).max() - torch.stack(negatives).min()))
    return torch.stack(losses).mean()


def similarity(embeddings: Any, heads: Any, *, labels: Any, pairs: Any, same: Any, weights: Any = None) -> Tensor:
    loss = torch.zeros((), dtype=torch.float64)
    target = torch.as_tensor(same, dtype=torch.float64)
    for level, x in embeddings.items():
        a, b = (x[torch.as_tensor(pairs)[:, k]] for k in (0, 1))
        u = F.bilinear(a, b, torch.diag(heads[level]["v"])[None])[:, 0] - heads[level]["c"]
        loss = loss + weighted(F.binary_cross_entropy_with_logits(u, target, reduction="none"), weights)
    return loss


def unit_length(x: Tensor) -> Tensor:
    return F.normalize(x, dim=1, eps=0)


def joint(
    embeddings: Any,
    classifiers: Any,
    *,
    labels: Any,
    parts: tuple[float, float],
    on_sphere: tuple[float, float] | None = None,
    verification: Any = contrastive_squared,
    identification: Any = softmax,
    **pairs: Any,
) -> Tensor:
    """verification, identification: functions of this page; parts: their weights. on_sphere: for both, the length of
    the embeddings. pairs: what `verification` takes, the margin included."""
    loss = torch.zeros((), dtype=torch.float64)
    for level, e in embeddings.items():
        short, long = (e, e) if on_sphere is None else (length * unit_length(e) for length in on_sphere)
        loss = loss + parts[0] * verification(short, **pairs)
        loss = loss + parts[1] * identification(linear(long, classifiers[level]), labels=labels)
    return loss


def src(x: Tensor, p: Any, *, lengths: Any = None, drop: Drop = keep_all) -> dict[str, Tensor]:
    m = x.flatten(0, 1)
    for name in ("conv1", "conv2", "conv3"):
        m = conv_block(m, p[name], padding=4)
    e = linear(drop(m.reshape(*x.shape[:2], -1)), p["linear"])
    return {"clip": temporal_mean(elman_unsquashed(e, p["recurrence"], drop=drop), lengths=lengths)}


def msp_src(
    x: Tensor,
    p: Any,
    *,
    lengths: Any = None,
    unit: Any = gru,
    pool: Any = temporal_mean,
    centred: bool = False,
    drop: Drop = keep_all,
) -> dict[str, Tensor]:
    """unit, pool: functions of this page. Levels that have no parameters are left out. centred: as msp_src_motion."""
    N, T = x.shape[:2]
    m2 = conv_block(conv_block(x.flatten(0, 1), p["conv1"], padding=2), p["conv2"], padding=2)
    levels = {}
    if "low" in p:
        a = pool(m2.unflatten(0, (N, T)), lengths=lengths)
        levels["low"] = linear(drop(maxpool2d(a).flatten(1)), p["low"]["linear"])
    if "high" in p:
        m3 = conv_block(m2, p["high"]["conv3"], padding=2)
        h = linear(drop(m3.reshape(N, T, -1)), p["high"]["linear"])
        h = temporal_centre(h, lengths=lengths) if centred else h
        for name in sorted(name for name in p["high"] if name.startswith("unit")):
            h = unit(h, p["high"][name])
        levels["high"] = pool(h, lengths=lengths)
    return levels


def baseline_cnn(x: Tensor, p: Any, *, padding: int, activation: Any, drop: Drop = keep_all) -> Tensor:
    """From frames to vectors, the activation after the pool: C'(s) = ReLU(Maxpool(Conv(s))) in Chen et al. 2017."""
    m = x.flatten(0, 1)
    for name in ("conv1", "conv2", "conv3"):
        m = activation(maxpool2d(conv2d(m, p[name], padding=padding)))
    return linear(drop(m.flatten(1)), p["linear"]).unflatten(0, x.shape[:2])


def crf(
    x: Tensor,
    p: Any,
    *,
    lengths: Any = None,
    spatial: bool = True,
    temporal: bool = True,
    drop: Drop = keep_all,
    **_: Any,
) -> dict[str, Tensor]:
    """Chen et al. 2017, eq. 1 to 6. spatial, temporal: xC and xR, either of which an ablation leaves out."""
    f = baseline_cnn(x, p, padding=2, activation=F.relu, drop=drop)
    xF = x.new_zeros(len(x), f.shape[2])
    if spatial:
        xF = xF + temporal_mean(f, lengths=lengths)
    if temporal:
        xF = xF + temporal_mean(elman_relu(f, p["recurrence"]), lengths=lengths)
    return {"clip": xF}


def crf_parts(x: Tensor, p: Any, *, lengths: Any = None, drop: Drop = keep_all) -> dict[str, Tensor]:
    """Chen et al. 2017, eq. 10. `detach`: separate models, so the fusion teaches none of them."""
    upper, lower = x.chunk(2, dim=2)
    parts = {
        part: crf(seen, p[part], lengths=lengths, drop=drop)["clip"]
        for part, seen in (("whole", x), ("upper", upper), ("lower", lower))
    }
    fused = sum((e.detach() @ p["fusion"][part] for part, e in parts.items()), torch.zeros((), dtype=x.dtype))
    return {**parts, "fused": fused}


def utrcnn(
    x: Tensor, p: Any, *, lengths: Any = None, attention: str = "softmax", top_k: int = 0, drop: Drop = keep_all
) -> dict[str, Tensor]:
    v = baseline_cnn(x, p, padding=4, activation=torch.tanh, drop=drop)
    h = attentive_rnn(v, p["recurrence"], attention=attention, top_k=top_k)
    return {"clip": temporal_last(h, lengths=lengths)}


def deep_rcn(
    x: Tensor, p: Any, *, lengths: Any = None, stacked: bool = True, pool: Any = temporal_last, drop: Drop = keep_all
) -> dict[str, Tensor]:
    """Wu et al. 2016, table 1 (padded), eq. 2 and 3. stacked=False: RCN-Ind. pool: a function of this page."""
    N, T = x.shape[:2]
    m, below, summaries = F.relu(conv2d(x.flatten(0, 1), p["conv0"], padding=1)), None, []
    for level in (1, 2, 3):
        m = F.relu(conv2d(maxpool2d(m), p[f"conv{level}"], padding=1))
        below = maxpool2d(below.flatten(0, 1)).unflatten(0, (N, T)) if stacked and below is not None else None
        below = conv_gru_stacked(m.unflatten(0, (N, T)), below, p[f"level{level}"])
        summaries.append(pool(below, lengths=lengths).permute(0, 3, 1, 2))
    grid = summaries[-1].shape[2:]
    y = torch.cat([F.adaptive_avg_pool2d(s, grid) for s in summaries], 1)
    return {"clip": drop(y.permute(0, 2, 3, 1).flatten(1))}

"""One gradient-check case for each thing that has a derivative here: what `minireid gradcheck` runs.

Sizes are pairwise different primes where they can be, so that a mean for a sum, or a transposed axis, cannot hide
behind two equal sizes. Inputs of layers with kinks (max, ReLU, hinge) keep their distance from them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minireid.kernels import fastest, im2col, loops
from minireid.layers import (
    attentive_rnn,
    conv2d,
    conv_block,
    conv_gru,
    conv_gru_stacked,
    dropout,
    elman,
    elman_relu,
    elman_unsquashed,
    gru,
    gru_projected,
    gru_reset_after,
    linear,
    lstm,
    maxpool2d,
    relu,
    sigmoid,
    tanh,
    temporal_centre,
    temporal_last,
    temporal_max,
    temporal_mean,
    unit_length,
)
from minireid.losses import (
    contrastive_crf,
    contrastive_linear,
    contrastive_squared,
    joint,
    joint_on_sphere,
    pair_distance,
    similarity,
    softmax,
    softmax_smoothed,
    triplet_hard,
)
from minireid.networks import (
    cnn,
    crf,
    crf_parts,
    crf_spatial,
    crf_temporal,
    deep_rcn,
    deep_rcn_independent,
    msp_src,
    msp_src_high,
    msp_src_low,
    msp_src_motion,
    src,
    utrcnn,
)


class Case(NamedTuple):
    """Something to check: its name, its two functions, its positional arrays and its configuration."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    arrays: tuple[Any, ...]
    config: dict[str, Any] = {}  # noqa: RUF012 never changed


class Sizes(NamedTuple):
    """Clips N, frames T, features D, states S; maps H x W with C channels; kernels KH x KW to O channels; K classes."""

    N: int = 3
    T: int = 5
    D: int = 7
    S: int = 11
    H: int = 7
    W: int = 5
    C: int = 2
    O: int = 5
    KH: int = 3
    KW: int = 2
    K: int = 7
    rows: int = 5
    stride: int = 2
    padding: int = 1
    pairs: tuple[tuple[int, int], ...] = (
        (0, 1),
        (2, 1),
        (3, 4),
        (0, 4),
        (2, 3),
        (1, 3),
        (4, 0),
    )  # rows in several pairs


USUAL = Sizes()
OTHER = Sizes(
    5,
    4,
    3,
    7,
    6,
    9,
    4,
    6,
    2,
    7,
    5,
    7,
    3,
    2,
    ((6, 0), (1, 2), (3, 6), (4, 5), (5, 0), (2, 0), (1, 4), (3, 2), (0, 3), (6, 1), (2, 5)),
)


def all_cases(seed: int = 0, sizes: Sizes = USUAL) -> Iterator[Case]:
    """Every layer, loss and network, in the order in which a reader meets them."""
    rng = np.random.default_rng(seed)
    yield from page_cases(rng, sizes)
    yield from network_cases(rng)


def page_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    """Every layer and loss: what stands on one page."""
    yield from layer_cases(rng, sizes)
    yield from recurrent_cases(rng, sizes)
    yield from loss_cases(rng, sizes)
    (own,) = rng.spawn(1)  # its numbers take nothing from rng: the cases above and the networks' stay as they are
    yield from published_layer_cases(own, sizes)
    yield from published_loss_cases(own, sizes)


def layer_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    N, T, D, S, H, W, C, O, KH, KW, *_ = sizes
    maps = (N, H, W, C)
    x = rng.normal(size=maps)
    f64 = {"dtype": np.float64}
    p = conv2d.init(rng, KH, KW, C, O, **f64)
    for kernel in (loops, im2col, fastest()):
        name = f"conv2d/{kernel.__name__.rpartition('.')[2]}"
        small = x[:1, :5, :4] if kernel is loops else x  # Python loops are slow, and loops are loops at any size
        yield Case(
            name,
            conv2d.forward,
            conv2d.backward,
            (small, p),
            {"stride": sizes.stride, "padding": sizes.padding, "kernel": kernel},
        )
    yield Case("maxpool2d", maxpool2d.forward, maxpool2d.backward, (spaced(rng, *maps),))
    overlap = {"window": (3, 2), "stride": 1}
    yield Case("maxpool2d/overlap", maxpool2d.forward, maxpool2d.backward, (spaced(rng, *maps),), overlap)
    yield Case("conv_block", conv_block.forward, conv_block.backward, (x, p), {"padding": 1})
    plain = {"padding": 1, "kernel": im2col}
    yield Case("conv_block/plain", conv_block.forward, conv_block.backward, (x, p), plain)
    yield Case("sigmoid", sigmoid.forward, sigmoid.backward, (rng.normal(size=(N, T)),))
    yield Case("tanh", tanh.forward, tanh.backward, (rng.normal(size=(N, T)),))
    yield Case("relu", relu.forward, relu.backward, (spaced(rng, N, T),))
    yield Case("linear", linear.forward, linear.backward, (rng.normal(size=(N, T, D)), linear.init(rng, D, S, **f64)))
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    yield Case("dropout", dropout.forward, dropout.backward, (rng.normal(size=(N, T)),), config)


def recurrent_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    N, T, D, S, *_ = sizes
    x = rng.normal(size=(N, T, D))
    for unit in (elman, gru, gru_reset_after):
        name = unit.__name__.rpartition(".")[2]
        p = unit.init(rng, D, S, dtype=np.float64)
        step = (rng.normal(size=(N, D)), rng.normal(size=(N, S)), p)
        yield Case(f"{name}/step", unit.step_forward, unit.step_backward, step)
        yield Case(name, unit.forward, unit.backward, (x, p))
        if unit is gru:
            yield Case("gru_projected", gru_projected.forward, gru_projected.backward, (x, p))
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    p = elman_unsquashed.init(rng, D, dtype=np.float64)
    yield Case("elman_unsquashed", elman_unsquashed.forward, elman_unsquashed.backward, (x, p), config)
    lengths = {"lengths": np.resize([T, 1, T - 1], N)}
    for pool in (temporal_mean, temporal_max, temporal_last, temporal_centre):
        yield Case(pool.__name__.rpartition(".")[2], pool.forward, pool.backward, (spaced(rng, N, T, D),), lengths)


def published_layer_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    """The recurrent layers of the published systems beside the GRUs."""
    N, T, D, S, *_ = sizes
    x = rng.normal(size=(N, T, D))
    yield Case("lstm", lstm.forward, lstm.backward, (x, lstm.init(rng, D, S, dtype=np.float64)))
    for name, config in (
        ("attentive_rnn", {"attention": "softmax"}),
        ("attentive_rnn/raw", {"attention": "raw"}),
        ("attentive_rnn/top_k", {"attention": "softmax", "top_k": 2}),
        ("attentive_rnn/raw_top_k", {"attention": "raw", "top_k": 2}),
    ):
        arrays = attended(rng, sizes, config)
        yield Case(name, attentive_rnn.forward, attentive_rnn.backward, arrays, config)
    yield Case("elman_relu", elman_relu.forward, elman_relu.backward, clear_of_zero(rng, sizes))
    maps, plain = rng.normal(size=(4, 3, 2, 3, sizes.C)), {"kernel": im2col}
    p = conv_gru.init(rng, sizes.C, 2, kernel_input=3, kernel_state=3, dtype=np.float64)
    yield Case("conv_gru", conv_gru.forward, conv_gru.backward, (maps, p), plain)
    lower = rng.normal(size=(*maps.shape[:4], 3))
    for name, in_candidate in (("conv_gru_stacked", False), ("conv_gru_stacked/in_candidate", True)):
        p = conv_gru_stacked.init(
            rng, sizes.C, 3, 2, kernel_input=1, kernel_state=3, lower_in_candidate=in_candidate, dtype=np.float64
        )
        yield Case(name, conv_gru_stacked.forward, conv_gru_stacked.backward, (maps, lower, p), plain)


def loss_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    rows, K, pairs = sizes.rows, sizes.K, np.array(sizes.pairs)
    x = rng.normal(size=(rows, sizes.D)) / 2
    same = np.resize([True, False, True, False, False, True, True], len(pairs))
    config = {"pairs": pairs, "same": same, "weights": rng.random(len(pairs))}
    yield Case("pair_distance", pair_distance.forward, pair_distance.backward, (x,), {"pairs": pairs})
    for loss, margin in ((contrastive_squared, 2.0), (contrastive_linear, 2.0), (contrastive_crf, 4.0)):
        name = loss.__name__.rpartition(".")[2]
        yield Case(name, loss.forward, loss.backward, (x,), {**config, "margin": margin})
    labels = {"labels": np.resize([3, 0, K - 1, 3, K - 2], rows)}
    yield Case("softmax", softmax.forward, softmax.backward, (rng.normal(size=(rows, K)),), labels)
    embeddings = {"low": x, "high": rng.normal(size=(rows, 3)) / 2}
    classifiers = {level: linear.init(rng, e.shape[1], K, dtype=np.float64) for level, e in embeddings.items()}
    weights = {"verification_weight": 0.7, "identification_weight": 1.3, "margin": 2.0}
    for together in (joint, joint_on_sphere):
        name = together.__name__.rpartition(".")[2]
        yield Case(
            name, together.forward, together.backward, (embeddings, classifiers), {**config, **labels, **weights}
        )
    yield Case("unit_length", unit_length.forward, unit_length.backward, (x,))


def published_loss_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    """The losses of the published systems beside the contrastive ones, and today's."""
    rows, K, pairs = sizes.rows, sizes.K, np.array(sizes.pairs)
    config = {"pairs": pairs, "same": np.resize([True, False, True, False, False, True, True], len(pairs))}
    weights, labels = rng.random(len(pairs)), np.resize([3, 0, K - 1, 3, K - 2], rows)
    embeddings = {"low": rng.normal(size=(rows, sizes.D)), "high": rng.normal(size=(rows, 3))}
    heads = {level: {"v": rng.normal(size=e.shape[1]), "c": np.array(0.3)} for level, e in embeddings.items()}
    told = {**config, "weights": weights, "labels": labels}
    yield Case("similarity", similarity.forward, similarity.backward, (embeddings, heads), told)
    hinge = {**config, "margin": 1.0}
    x = without_ties(rng, sizes, hinge)
    yield Case("triplet_hard", triplet_hard.forward, triplet_hard.backward, (x,), hinge)
    smoothed = {"labels": labels, "smoothing": 0.2}
    yield Case(
        "softmax_smoothed", softmax_smoothed.forward, softmax_smoothed.backward, (rng.normal(size=(rows, K)),), smoothed
    )


def network_cases(rng: np.random.Generator) -> Iterator[Case]:
    clips = rng.normal(size=(2, 3, 8, 9, 1))
    sizes = {"height": 8, "width": 9, "channels": 1, "filters": (1, 2, 2), "features": 5, "dtype": np.float64}
    config = {"lengths": np.array([3, 2]), "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    for network in (src, msp_src, msp_src_low, msp_src_motion):
        p = network.init(rng, **sizes)
        yield Case(network.__name__.rpartition(".")[2], network.forward, network.backward, (clips, p), config)
    for unit, depth, pool in ((elman, 2, temporal_max), (gru_reset_after, 1, temporal_last), (gru, 0, temporal_mean)):
        p = msp_src_high.init(rng, **sizes, unit=unit, depth=depth)
        name = f"msp_src_high/{unit.__name__.rpartition('.')[2]} x {depth}"
        chosen = {**config, "unit": unit, "pool": pool}
        yield Case(name, msp_src_high.forward, msp_src_high.backward, (clips, p), chosen)
    yield from system_cases(np.random.default_rng([5, 0]))


def system_cases(rng: np.random.Generator) -> Iterator[Case]:
    """The other published systems. On im2col: the complex step then needs nothing compiled."""
    clips = rng.normal(size=(2, 3, 8, 10, 1))
    sizes = {"height": 8, "width": 10, "channels": 1, "filters": (2, 3, 3), "features": 5, "dtype": np.float64}
    config = {
        "lengths": np.array([3, 2]),
        "rng": np.random.default_rng(1),
        "dropout_rate": 0.3,
        "kernel": im2col,
    }
    p = cnn.init(rng, 8, 10, 1, (3, 2, 2), 5, padding=2, dtype=np.float64)
    per_frame = {key: value for key, value in config.items() if key != "lengths"}
    yield Case("cnn", cnn.forward, cnn.backward, (clips, p), {**per_frame, "padding": 2, "activation": relu})
    for network in (crf, crf_spatial, crf_temporal, utrcnn):
        p = network.init(rng, **sizes)
        yield Case(network.__name__.rpartition(".")[2], network.forward, network.backward, (clips, p), config)
    for attention, top_k in (("raw", 0), ("softmax", 2)):
        chosen = {**config, "attention": attention, "top_k": top_k}
        yield Case(f"utrcnn/{attention} {top_k}", utrcnn.forward, utrcnn.backward, (clips, p), chosen)
    tall = rng.normal(size=(2, 3, 16, 9, 1))
    p = crf_parts.init(rng, **{**sizes, "height": 16, "width": 9})
    fusion = {part: rng.normal(size=(5, 5)) for part in p.pop("fusion")}
    yield Case("crf_parts/parts", crf_parts.parts_forward, crf_parts.parts_backward, (tall, p), config)
    embeddings = {part: rng.normal(size=(3, 5)) for part in fusion}
    maps = rng.normal(size=(2, 3, 8, 16, 1))
    wide = {"height": 8, "width": 16, "channels": 1, "filters": (3, 2, 3, 2), "kernels": (3, 1), "dtype": np.float64}
    for network, pool in ((deep_rcn, temporal_last), (deep_rcn_independent, temporal_mean)):
        p = network.init(rng, **wide)
        name = network.__name__.rpartition(".")[2]
        yield Case(name, network.forward, network.backward, (maps, p), {**config, "pool": pool})
    yield Case("crf_parts/fusion", crf_parts.fuse_forward, crf_parts.fuse_backward, (embeddings, fusion))


def clear_of_zero(rng: np.random.Generator, sizes: Sizes) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sequence and parameters for elman_relu whose outputs keep away from the kink at 0."""
    N, T, D, S, *_ = sizes
    while True:
        f, p = rng.normal(size=(N, T, D)), elman_relu.init(rng, D, S, dtype=np.float64)
        if np.abs(elman_relu.forward(f, p)[0]).min() > 0.005:
            return f, p


def attended(
    rng: np.random.Generator, sizes: Sizes, config: dict[str, Any]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sequence and parameters for attentive_rnn whose scores lie apart: no small step changes the choice."""
    N, T, D, S, *_ = sizes
    while True:
        v, p = rng.normal(size=(N, T, D)), attentive_rnn.init(rng, D, S, dtype=np.float64)
        _, cache = attentive_rnn.forward(v, p, **config)
        scores = np.concatenate([np.diff(np.sort(cache["s"][:, t, :t])).ravel() for t in range(T)])
        if not scores.size or scores.min() > 0.01:
            return v, p


def without_ties(rng: np.random.Generator, sizes: Sizes, config: dict[str, Any]) -> np.ndarray:
    """Embeddings for triplet_hard: no two distances of a kind are close, no triplet is at the margin, some are over."""
    while True:
        x = rng.normal(size=(sizes.rows, sizes.D))
        _, (d, gap, *_) = triplet_hard.forward(x, **config)
        of_a_kind = np.concatenate([np.diff(np.sort(d[config["same"] == kind])) for kind in (True, False)])
        if min(of_a_kind.min(), np.abs(gap).min(), d.min()) > 0.01 and (gap > 0).any():
            return x


def spaced(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random values that are all at least 0.05 apart and 0.025 from 0: no kink of max or ReLU within a step."""
    n = int(np.prod(shape))
    return 0.05 * (rng.permutation(n).reshape(shape) - n // 2 + 0.5)

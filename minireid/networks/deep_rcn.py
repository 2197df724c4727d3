"""Deep RCN: convolutional GRUs on three levels of maps, each reading the level below (Wu, Shen, van den Hengel 2016).

For every frame by itself, 3x3 convolutions (padding 1) with ReLU, 2x2 max-pools between them:

    F1  m0 = pool(relu(conv(x)))       C1 channels, half the frame's height and width
    F2  m1 = relu(conv(m0))            level 1
    F3  m2 = relu(conv(pool(m1)))      level 2, half of that
    F4  m3 = relu(conv(pool(m2)))      level 3, half again

In order, a convolutional GRU on each level (eq. 2, 3); the gates of levels 2 and 3 also read the states of the level
below, halved by a max-pool:

    F5  h1 = conv_gru(m1)
    F6  h2 = conv_gru_stacked(m2, pool(h1))
    F7  h3 = conv_gru_stacked(m3, pool(h2))

    F8  s_l = h_l of the last frame, for each level (or another pool over time, `pool`)
    F9  y   = s1, s2 and s3, brought to the size of s3 by the mean over 4x4, 2x2 and 1x1 places, side by side; dropout

Shapes: x (N, T, H, W, C) clips, H and W multiples of 8; of level l = 1, 2, 3: m_l (N, T, H/2^l, W/2^l, C1), h_l (N, T,
H/2^l, W/2^l, S_l), s_l (N, H/2^l, W/2^l, S_l); y (N, (H/8) (W/8) (S1 + S2 + S3)). `filters` is (C1, S1, S2, S3). In
F1 to F7 pool is the 2x2 max-pool. 0.7 of y's values are dropped in training (the paper's).

Where the paper leaves a choice, or contradicts itself:
- Its table of layers starts with a 3x3 convolution that takes 3 pixels off 160 x 60, not 2, and goes on like that; here
  padding keeps the size. The text says three convolutional layers, then four; the table has four, as here. The last
  three of them are the three levels, since max-pools stand between the GRUs "for the compatibility of the dimensions".
- It gives 32 channels to all convolutions and 128, 256, 256 to the GRUs. Recipes scale that down.
- Eq. 4 takes the mean over the levels' last states, which differ in size and in channels. Here they stand side by side
  on the smallest grid, and the similarity's weights v (eq. 5, minireid/losses/similarity.py) weigh them.
- Two fully connected layers of 4096 and hash layers, mentioned once, play no part in its equations, and none here.

The two clips of a pair are compared by the learned similarity, not by a distance: `score` takes the loss's weights.
deep_rcn_independent is the variant without F6's and F7's second input.

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

from types import ModuleType
from typing import Any

import numpy as np

from minireid.layers import conv2d, conv_gru, conv_gru_stacked, dropout, maxpool2d, relu, temporal_last
from minireid.losses.similarity import score
from minireid.networks.euclidean import side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "describe", "embed", "forward", "init", "score"]

LEVELS = ("level1", "level2", "level3")


def init(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    channels: int,
    filters: tuple[int, ...] = (32, 128, 256, 256),
    kernels: tuple[int, int] = (5, 5),
    lower_in_candidate: bool = False,
    dtype: type = np.float32,
) -> dict:
    """Parameters. kernels: of the GRUs' inputs and states, 5 and 5 or 9 and 1 in the paper. lower_in_candidate: the
    other reading of eq. 3, see conv_gru_stacked.py. Raises ValueError where the frames cannot be halved three times."""
    C1, S1, S2, S3 = filters
    settings: dict[str, Any] = {"kernel_input": kernels[0], "kernel_state": kernels[1], "dtype": dtype}
    stacked = {**settings, "lower_in_candidate": lower_in_candidate}
    return {
        **init_convolutions(rng, height, width, channels, C1, dtype),
        "level1": conv_gru.init(rng, C1, S1, **settings),
        "level2": conv_gru_stacked.init(rng, C1, S1, S2, **stacked),
        "level3": conv_gru_stacked.init(rng, C1, S2, S3, **stacked),
    }


def forward(
    x,
    p,
    *,
    lengths=None,
    rng: np.random.Generator | None = None,
    dropout_rate: float = 0.7,
    pool: ModuleType = temporal_last,
    kernel: ModuleType | None = None,
    watch=ignore,
):
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, D)}, cache. rng=None: evaluation, no dropout."""
    (m1, m2, m3), maps = maps_forward(x, p, kernel, watch)  # F1 to F4
    h1, level1 = conv_gru.forward(m1, p["level1"], kernel=kernel)  # F5 (N, T, H/2, W/2, S1)
    watch("level1", h1)
    below1, halved1 = halve_forward(h1)
    h2, level2 = conv_gru_stacked.forward(m2, below1, p["level2"], kernel=kernel)  # F6 (N, T, H/4, W/4, S2)
    watch("level2", h2)
    below2, halved2 = halve_forward(h2)
    h3, level3 = conv_gru_stacked.forward(m3, below2, p["level3"], kernel=kernel)  # F7 (N, T, H/8, W/8, S3)
    watch("level3", h3)
    y, summary = summary_forward((h1, h2, h3), lengths, pool, rng, dropout_rate)  # F8, F9 (N, D)
    watch("clip", y)
    return {"clip": y}, (maps, level1, halved1, level2, halved2, level3, summary)


# h1 is used twice, in the summary and by level 2; h2 alike. Their gradients are the sums.


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, D)} -> dx (N, T, H, W, C) (None where need_dx is False), grads. The forward, read upwards."""
    maps, level1, halved1, level2, halved2, level3, summary = cache
    grads = {}
    dy = dembeddings["clip"]
    watch("dclip", dy)
    dh1, dh2, dh3 = summary_backward(dy, summary)  # F9, F8
    watch("dlevel3", dh3)
    dm3, dbelow2, grads["level3"] = conv_gru_stacked.backward(dh3, level3)  # F7
    dh2 = dh2 + halve_backward(dbelow2, halved2)
    watch("dlevel2", dh2)
    dm2, dbelow1, grads["level2"] = conv_gru_stacked.backward(dh2, level2)  # F6
    dh1 = dh1 + halve_backward(dbelow1, halved1)
    watch("dlevel1", dh1)
    dm1, grads["level1"] = conv_gru.backward(dh1, level1)  # F5
    dx, maps_grads = maps_backward((dm1, dm2, dm3), maps, need_dx, watch)  # F4 to F1
    return dx, {**grads, **maps_grads}


def embed(x, p, *, lengths=None, pool: ModuleType = temporal_last, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, D): what `score` compares. No dropout. unit_length: scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, pool=pool)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)


def describe(x, p, *, forward=forward) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, T, D), a descriptor of every frame: what `embed` says of the clip that ends there, by
    its last state. For pools that are not trained with the network (minireid/evaluation/fisher.py).
    forward: the network's own; deep_rcn_independent has another."""
    N, T = x.shape[:2]
    states: dict[str, np.ndarray] = {}
    forward(x, p, watch=states.__setitem__)
    one_by_one = [states[level].reshape(N * T, 1, *states[level].shape[2:]) for level in LEVELS]
    y, _ = summary_forward(one_by_one, None, temporal_last, None, 0.0)
    return y.reshape(N, T, -1)


# The maps of every frame: F1 to F4.


def init_convolutions(rng, height, width, channels, C1, dtype) -> dict:
    if height % 8 or width % 8:
        raise ValueError(f"deep_rcn: expected height and width to be multiples of 8, got {height} x {width}")
    inputs = {"conv0": channels, "conv1": C1, "conv2": C1, "conv3": C1}
    return {name: conv2d.init(rng, 3, 3, C, C1, dtype=dtype) for name, C in inputs.items()}


def maps_forward(x, p, kernel, watch):
    """x (N, T, H, W, C) -> m1, m2, m3, each (N, T, H/2^l, W/2^l, C1), cache."""
    N, T = x.shape[:2]
    m, caches, levels = x.reshape(N * T, *x.shape[2:]), [], []
    for name in ("conv0", "conv1", "conv2", "conv3"):
        a, conv = conv2d.forward(m, p[name], padding=1, kernel=kernel)
        r, active = relu.forward(a)
        watch(name, r)
        levels.append(r.reshape(N, T, *r.shape[1:]))
        m, space = maxpool2d.forward(r) if name != "conv3" else (None, None)
        caches.append((name, conv, active, r.shape, space))
    return levels[1:], (x.shape, caches)


def maps_backward(dlevels, cache, need_dx, watch):
    """dm1, dm2, dm3 -> dx, grads. The maps of a level go to its GRU and, through the pool, to the next convolution."""
    x_shape, caches = cache
    grads, dm = {}, None
    for (name, conv, active, shape, space), dlevel in reversed(list(zip(caches, (None, *dlevels)))):
        from_next = 0 if dm is None else maxpool2d.backward(dm, space)
        dr = from_next if dlevel is None else from_next + dlevel.reshape(shape)
        watch(f"d{name}", dr)
        dm, grads[name] = conv2d.backward(relu.backward(dr, active), conv, need_dx=need_dx or name != "conv0")
    return None if dm is None else dm.reshape(x_shape), grads


# From the states of a level to the input of the next: half the size.


def halve_forward(h):
    """h (N, T, H, W, S) -> (N, T, H/2, W/2, S), cache."""
    N, T = h.shape[:2]
    m, space = maxpool2d.forward(h.reshape(N * T, *h.shape[2:]))
    return m.reshape(N, T, *m.shape[1:]), (h.shape, m.shape, space)


def halve_backward(dm, cache):
    h_shape, m_shape, space = cache
    return maxpool2d.backward(dm.reshape(m_shape), space).reshape(h_shape)


# From the states of all levels to one vector: F8, F9.


def summary_forward(levels, lengths, pool, rng, dropout_rate):
    """h1, h2, h3 -> y (N, D), cache. H and W here: of the smallest grid."""
    _, _, H, W, _ = levels[-1].shape
    parts, caches = [], []
    for h in levels:
        s, pool_cache = pool.forward(h, lengths=lengths)  # F8 (N, H_l, W_l, S_l)
        N, H_l, W_l, S = s.shape
        tiles = (N, H, H_l // H, W, W_l // W, S)
        parts.append(s.reshape(tiles).mean(axis=(2, 4)))  # (N, H, W, S_l)
        caches.append((pool_cache, s.shape, tiles))
    together = np.concatenate(parts, axis=-1)
    y, drop = dropout.forward(together.reshape(len(together), -1), rate=dropout_rate, rng=rng)  # F9
    return y, (pool, caches, together.shape, drop)


def summary_backward(dy, cache):
    pool, caches, together_shape, drop = cache
    dtogether = dropout.backward(dy, drop).reshape(together_shape)  # F9
    dlevels, first = [], 0
    for pool_cache, s_shape, tiles in caches:
        N, H, high, W, wide, S = tiles
        dpart = dtogether[..., first : first + S].reshape(N, H, 1, W, 1, S)
        first += S
        ds = np.broadcast_to(dpart / (high * wide), tiles).reshape(s_shape)  # a mean: everybody gets an equal share
        dlevels.append(pool.backward(ds, pool_cache))  # F8
    return dlevels

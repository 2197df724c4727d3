"""The main network: CNN, GRU and two levels of description, trained as Siamese twins (Wang, Pan, Sun 2026: MSP-SRC).

This page maps clips to embeddings; the pairs of twins are made by the losses (minireid/losses/pair_distance.py).

Shared by both levels, for every frame by itself:

    F1  m1 = conv_block(x)            5x5, padding 2, 16 filters, tanh, 2x2 max-pool
    F2  m2 = conv_block(m1)           32 filters

Low level, texture and pattern: what the early maps show on average over the clip.

    L1  a = mean (or another `pool`) over the frames of m2
    L2  b = maxpool2d(a)              2x2
    L3  low = linear(dropout(b))      b as one vector; 128 features

High level, read in order:

    H1  m3 = conv_block(m2)           32 filters
    H2  e = linear(dropout(m3))       m3 as one vector; 128 features for every frame
    H3  h = gru(e)                    `depth` of them, each reading the states of the one before
    H4  high = mean (or another `pool`) over the frames of h

Shapes: x (N, T, H, W, C) clips, low and high (N, 128). An embedding is both side by side.

The published summary names the parts (early features pooled over all frames; later features through a GRU and averaged;
both losses at both levels; one to two million parameters) but no sizes. Ours, and why: filters, 5x5 kernels, tanh and
128 features are the baseline's, so that the two differ only in what the paper adds. Padding 2 keeps the map size and
the arithmetic plain. The pool L2 makes the low level's linear layer as large as the high level's, so that neither
outweighs the other; the mean L1 comes first, so that one map is pooled and not T. At 128 x 64
that makes 1.2 million parameters with two classifiers for 100 persons.

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

from types import ModuleType

import numpy as np

from minireid.layers import conv_block, dropout, gru, linear, maxpool2d, temporal_mean
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def init(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    channels: int,
    filters: tuple[int, ...] = (16, 32, 32),
    features: int = 128,
    unit: ModuleType = gru,
    depth: int = 1,
    dtype: type = np.float32,
) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **init_shared(rng, channels, filters, dtype),
        "low": init_low(rng, height, width, filters, features, dtype),
        "high": init_high(rng, height, width, filters, features, unit, depth, dtype),
    }


def forward(
    x,
    p,
    *,
    lengths=None,
    rng: np.random.Generator | None = None,
    dropout_rate: float = 0.6,
    unit: ModuleType = gru,
    pool: ModuleType = temporal_mean,
    kernel: ModuleType | None = None,
    watch=ignore,
):
    """x (N, T, H, W, C), lengths (N,) or None -> {"low": (N, 128), "high": (N, 128)}, cache.

    rng=None: evaluation, no dropout. unit: gru, gru_reset_after, elman or lstm. pool: temporal_mean, temporal_max or
    temporal_last, in L1 and H4. kernel: one of minireid/kernels, None for the quickest.
    """
    m2, shared = shared_forward(x, p, kernel, watch)  # F1, F2 (N, T, H/4, W/4, 32)
    low, low_cache = low_forward(m2, p["low"], lengths, rng, dropout_rate, pool, watch)  # L1 to L3 (N, 128)
    high, high_cache = high_forward(
        m2, p["high"], lengths, rng, dropout_rate, unit, pool, kernel, watch
    )  # H1 to H4 (N, 128)
    return {"low": low, "high": high}, (shared, low_cache, high_cache)


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"low": (N, 128), "high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    shared, low_cache, high_cache = cache
    dm2_high, high_grads = high_backward(dembeddings["high"], high_cache, watch)
    dm2_low, low_grads = low_backward(dembeddings["low"], low_cache, watch)
    dm2 = dm2_high + dm2_low  # both levels use m2
    dx, grads = shared_backward(dm2, shared, need_dx, watch)
    return dx, {**grads, "low": low_grads, "high": high_grads}


def embed(
    x, p, *, lengths=None, unit: ModuleType = gru, pool: ModuleType = temporal_mean, unit_length: bool = False
) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 256): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, unit=unit, pool=pool)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)


# The first two blocks, shared by the levels.


def init_shared(rng, channels, filters, dtype) -> dict:
    return {
        "conv1": conv_block.init(rng, 5, 5, channels, filters[0], dtype=dtype),
        "conv2": conv_block.init(rng, 5, 5, filters[0], filters[1], dtype=dtype),
    }


def shared_forward(x, p, kernel, watch):
    N, T = x.shape[:2]
    frames = x.reshape(N * T, *x.shape[2:])
    m1, conv1 = conv_block.forward(frames, p["conv1"], padding=2, kernel=kernel)  # F1 (N T, H/2, W/2, 16)
    watch("conv1", m1)
    m2, conv2 = conv_block.forward(m1, p["conv2"], padding=2, kernel=kernel)  # F2 (N T, H/4, W/4, 32)
    watch("conv2", m2)
    return m2.reshape(N, T, *m2.shape[1:]), (x.shape, conv1, conv2)


def shared_backward(dm2, cache, need_dx, watch):
    x_shape, conv1, conv2 = cache
    grads = {}
    dm2 = dm2.reshape(-1, *dm2.shape[2:])
    watch("dconv2", dm2)
    dm1, grads["conv2"] = conv_block.backward(dm2, conv2)  # F2
    watch("dconv1", dm1)
    dframes, grads["conv1"] = conv_block.backward(dm1, conv1, need_dx=need_dx)  # F1
    return dframes if dframes is None else dframes.reshape(x_shape), grads


# Low level.


def init_low(rng, height, width, filters, features, dtype) -> dict:
    return {"linear": linear.init(rng, (height // 8) * (width // 8) * filters[1], features, dtype=dtype)}


def low_forward(m2, p, lengths, rng, dropout_rate, pool, watch):
    a, pool_cache = pool.forward(m2, lengths=lengths)  # L1 (N, H/4, W/4, 32)
    b, space = maxpool2d.forward(a)  # L2 (N, H/8, W/8, 32)
    watch("low.pool", b)
    f, drop = dropout.forward(b.reshape(len(b), -1), rate=dropout_rate, rng=rng)
    low, fc = linear.forward(f, p["linear"])  # L3 (N, 128)
    watch("low.linear", low)
    return low, (pool, pool_cache, space, b.shape, drop, fc)


def low_backward(dlow, cache, watch):
    pool, pool_cache, space, b_shape, drop, fc = cache
    grads = {}
    watch("dlow.linear", dlow)
    df, grads["linear"] = linear.backward(dlow, fc)  # L3
    db = dropout.backward(df, drop).reshape(b_shape)
    watch("dlow.pool", db)
    da = maxpool2d.backward(db, space)  # L2
    dm2 = pool.backward(da, pool_cache)  # L1
    return dm2, grads


# High level.


def init_high(rng, height, width, filters, features, unit, depth, dtype) -> dict:
    units = {f"unit{d}": unit.init(rng, features, features, dtype=dtype) for d in range(1, depth + 1)}
    return {
        "conv3": conv_block.init(rng, 5, 5, filters[1], filters[2], dtype=dtype),
        "linear": linear.init(rng, (height // 8) * (width // 8) * filters[2], features, dtype=dtype),
        **units,
    }


def high_forward(m2, p, lengths, rng, dropout_rate, unit, pool, kernel, watch):
    e, frames_cache = frames_forward(m2, p, rng, dropout_rate, kernel, watch)  # H1, H2 (N, T, 128)
    high, sequence_cache = sequence_forward(e, p, lengths, unit, pool, watch)  # H3, H4 (N, 128)
    return high, (frames_cache, sequence_cache)


def high_backward(dhigh, cache, watch):
    frames_cache, sequence_cache = cache
    de, sequence_grads = sequence_backward(dhigh, sequence_cache, watch)
    dm2, frames_grads = frames_backward(de, frames_cache, watch)
    return dm2, {**frames_grads, **sequence_grads}


def frames_forward(m2, p, rng, dropout_rate, kernel, watch):
    N, T = m2.shape[:2]
    maps = m2.reshape(N * T, *m2.shape[2:])
    m3, conv3 = conv_block.forward(maps, p["conv3"], padding=2, kernel=kernel)  # H1 (N T, H/8, W/8, 32)
    watch("high.conv3", m3)
    f, drop = dropout.forward(m3.reshape(N, T, -1), rate=dropout_rate, rng=rng)
    e, fc = linear.forward(f, p["linear"])  # H2 (N, T, 128)
    watch("high.linear", e)
    return e, (m2.shape, conv3, m3.shape, drop, fc)


def frames_backward(de, cache, watch):
    m2_shape, conv3, m3_shape, drop, fc = cache
    grads = {}
    watch("dhigh.linear", de)
    df, grads["linear"] = linear.backward(de, fc)  # H2
    dm3 = dropout.backward(df, drop).reshape(m3_shape)
    watch("dhigh.conv3", dm3)
    dm2, grads["conv3"] = conv_block.backward(dm3, conv3)  # H1
    return dm2.reshape(m2_shape), grads


def sequence_forward(e, p, lengths, unit, pool, watch):
    h, units = e, {}
    for name in [name for name in p if name.startswith("unit")]:
        h, units[name] = unit.forward(h, p[name])  # H3 (N, T, 128)
        watch(f"high.{name}", h)
    high, pool_cache = pool.forward(h, lengths=lengths)  # H4 (N, 128)
    watch("high.pool", high)
    return high, (unit, units, pool, pool_cache)


def sequence_backward(dhigh, cache, watch):
    unit, units, pool, pool_cache = cache
    grads = {}
    watch("dhigh.pool", dhigh)
    dh = pool.backward(dhigh, pool_cache)  # H4
    for name in reversed(units):  # they were called in the order of init
        watch(f"dhigh.{name}", dh)
        dh, grads[name] = unit.backward(dh, units[name])  # H3
    return dh, grads

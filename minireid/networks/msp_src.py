"""The main network: CNN, GRU and two levels of features, trained as a Siamese network (Wang, Pan, Sun 2026: MSP-SRC).

Both levels share the first maps. Each frame by itself:

    F1  m1 = conv_block(x)             5x5 kernels, padding 2, 16 filters, 2x2 max-pool, tanh
    F2  m2 = conv_block(m1)            32 filters

Low level: texture and pattern. The early maps, averaged over the clip.

    L1  a = mean over the frames of m2
    L2  b = maxpool2d(a)               2x2
    L3  low = dropout_linear(b)        128 features

High level: the frames in order.

    H1  m3 = conv_block(m2)            32 filters; each frame by itself
    H2  e = dropout_linear(m3)         128 features for every frame
    H3  h = gru(e)                     `depth` of them, each reads the states of the one before
    H4  high = mean over the frames of h

Shapes: x (N, T, H, W, C) clips; m1, m2, m3 (N, T, height, width, filters); a and b (N, height, width, 32); e and h
(N, T, 128); low and high (N, 128). The embedding of a clip is both, side by side.

This page maps clips to embeddings. The losses compare the clips of a pair (minireid/losses/pair_distance.py).

The published summary names the parts: early features pooled over all frames; later features through a GRU and averaged;
both losses at both levels; one to two million parameters. It gives no sizes. The filters, the 5x5 kernels, tanh and the
128 features here are those of the baseline (src.py), so that little else differs. The baseline has padding 4. Padding 2
keeps the size of the maps. The pool L2 makes the linear layers of both levels equally large. The mean L1 comes first,
so that one map is pooled and not T. At 128 x 64 this makes 1.2 million parameters with two classifiers for 100 persons.
"""

from types import ModuleType

import numpy as np

from minireid.layers import conv_block, dropout_linear, gru, maxpool2d, temporal_mean
from minireid.networks.euclidean import score
from minireid.networks.facts import DISTANCE_LOSSES, POOLS, Facts, Setting
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = Facts(
    "msp_src",
    filters=3,
    losses=DISTANCE_LOSSES,
    settings={
        "unit": Setting("gru", ("gru", "gru_reset_after", "elman", "lstm"), layer=True),  # the recurrent layer of H3
        "depth": Setting(1),  # how many of them; 0: none
        "pool": POOLS,  # of L1 and H4: the mean, or another one over time
    },
)


def init(
    rng, *, height, width, channels, filters=(16, 32, 32), features=128, unit=gru, depth=1, dtype=np.float32
) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **init_shared(rng, channels, filters, dtype),
        "low": init_low(rng, height, width, filters, features, dtype),
        "high": init_high(rng, height, width, filters, features, unit, depth, dtype),
    }


def forward(x, p, *, unit: ModuleType = gru, pool: ModuleType = temporal_mean, **how):
    """x (N, T, H, W, C) -> {"low": (N, 128), "high": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    m2 = shared_forward(run, x)  # F1, F2 (N, T, H/4, W/4, 32)
    low = low_forward(run, m2, pool)  # L1 to L3 (N, 128)
    high = high_forward(run, m2, unit, pool)  # H1 to H4 (N, 128)
    return {"low": low, "high": high}, run.cache


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"low": (N, 128), "high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dm2_high = high_backward(back, dembeddings["high"])  # H4 to H1
    dm2_low = low_backward(back, dembeddings["low"])  # L3 to L1
    dx = shared_backward(back, dm2_high + dm2_low, need_dx=need_dx)  # both levels use m2; F2, F1
    return dx, back.grads


# The shared maps: F1, F2.


def init_shared(rng, channels, filters, dtype) -> dict:
    return {
        "conv1": conv_block.init(rng, 5, 5, channels, filters[0], dtype=dtype),
        "conv2": conv_block.init(rng, 5, 5, filters[0], filters[1], dtype=dtype),
    }


def shared_forward(run: Forward, x):
    m1 = run.per_frame("conv1", run.block, x, padding=2)  # F1 (N, T, H/2, W/2, 16)
    return run.per_frame("conv2", run.block, m1, padding=2)  # F2 (N, T, H/4, W/4, 32)


def shared_backward(back: Backward, dm2, *, need_dx: bool):
    dm1 = back("conv2", dm2)  # F2
    return back("conv1", dm1, need_dx=need_dx)  # F1


# The low level: L1 to L3.


def init_low(rng, height, width, filters, features, dtype) -> dict:
    return {"linear": dropout_linear.init(rng, (height // 8) * (width // 8) * filters[1], features, dtype=dtype)}


def low_forward(run: Forward, m2, pool: ModuleType):
    a = run("low.mean", pool, m2, lengths=run.lengths)  # L1 (N, H/4, W/4, 32)
    b = run("low.pool", maxpool2d, a)  # L2 (N, H/8, W/8, 32)
    return run("low.linear", dropout_linear, b, **run.dropout)  # L3 (N, 128)


def low_backward(back: Backward, dlow):
    db = back("low.linear", dlow)  # L3
    da = back("low.pool", db)  # L2
    return back("low.mean", da)  # L1


# The high level: H1 to H4, in two parts; msp_src_motion puts a step between them.


def init_high(rng, height, width, filters, features, unit, depth, dtype) -> dict:
    units = {f"unit{d}": unit.init(rng, features, features, dtype=dtype) for d in range(1, depth + 1)}
    return {
        "conv3": conv_block.init(rng, 5, 5, filters[1], filters[2], dtype=dtype),
        "linear": dropout_linear.init(rng, (height // 8) * (width // 8) * filters[2], features, dtype=dtype),
        **units,
    }


def high_forward(run: Forward, m2, unit: ModuleType, pool: ModuleType):
    e = frames_forward(run, m2)
    return sequence_forward(run, e, unit, pool)


def high_backward(back: Backward, dhigh):
    de = sequence_backward(back, dhigh)
    return frames_backward(back, de)


def frames_forward(run: Forward, m2):
    m3 = run.per_frame("high.conv3", run.block, m2, padding=2)  # H1 (N, T, H/8, W/8, 32)
    return run("high.linear", dropout_linear, m3, **run.dropout)  # H2 (N, T, 128)


def frames_backward(back: Backward, de):
    dm3 = back("high.linear", de)  # H2
    return back("high.conv3", dm3)  # H1


def sequence_forward(run: Forward, e, unit: ModuleType, pool: ModuleType):
    h = e
    for name in [name for name in run.p["high"] if name.startswith("unit")]:
        h = run(f"high.{name}", unit, h)  # H3 (N, T, 128)
    return run("high.pool", pool, h, lengths=run.lengths)  # H4 (N, 128)


def sequence_backward(back: Backward, dhigh):
    dh = back("high.pool", dhigh)  # H4
    for name in reversed([name for name in back.cache if name.startswith("high.unit")]):
        dh = back(name, dh)  # H3
    return dh

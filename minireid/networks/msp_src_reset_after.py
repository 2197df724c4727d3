"""msp_src with a recurrent unit at both levels: the GRU of cuDNN and PyTorch (minireid/layers/gru_reset_after.py).

F1, F2 of minireid/networks/msp_src.py. Low level: the early maps of the frames in order.

    L1  b = maxpool2d(m2)              2x2; each frame by itself
    L2  e = dropout_linear(b)          128 features for every frame
    L3  h = gru_reset_after(e)
    L4  low = mean over the frames of h

High level: H1 to H4 of msp_src.py, with gru_reset_after at H3.

Shapes: x (N, T, H, W, C) clips; m2 and b (N, T, height, width, 32); e and h (N, T, 128); low and high (N, 128).

In msp_src the low level averages the maps first, so it does not depend on the order of the frames. Here it does. So
the linear layer runs on every frame, and not once for a clip.
"""

from types import ModuleType

import numpy as np

from minireid.layers import dropout_linear, gru_reset_after, maxpool2d, temporal_mean
from minireid.networks import msp_src
from minireid.networks.euclidean import score
from minireid.networks.facts import DISTANCE_LOSSES, POOLS, Facts
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = Facts("msp_src_reset_after", filters=3, losses=DISTANCE_LOSSES, settings={"pool": POOLS})  # pool: L4 and H4


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    low = msp_src.init_low(rng, height, width, filters, features, dtype)
    return {
        **msp_src.init_shared(rng, channels, filters, dtype),
        "low": {**low, "unit": gru_reset_after.init(rng, features, features, dtype=dtype)},
        "high": msp_src.init_high(rng, height, width, filters, features, gru_reset_after, 1, dtype),
    }


def forward(x, p, *, pool: ModuleType = temporal_mean, **how):
    """x (N, T, H, W, C) -> {"low": (N, 128), "high": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    m2 = msp_src.shared_forward(run, x)  # F1, F2 (N, T, H/4, W/4, 32)
    b = run.per_frame("low.pool", maxpool2d, m2)  # L1 (N, T, H/8, W/8, 32)
    e = run("low.linear", dropout_linear, b, **run.dropout)  # L2 (N, T, 128)
    h = run("low.unit", gru_reset_after, e)  # L3 (N, T, 128)
    low = run("low.mean", pool, h, lengths=run.lengths)  # L4 (N, 128)
    high = msp_src.high_forward(run, m2, gru_reset_after, pool)  # H1 to H4 (N, 128)
    return {"low": low, "high": high}, run.cache


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"low": (N, 128), "high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dm2_high = msp_src.high_backward(back, dembeddings["high"])  # H4 to H1
    dh = back("low.mean", dembeddings["low"])  # L4
    de = back("low.unit", dh)  # L3
    db = back("low.linear", de)  # L2
    dm2_low = back("low.pool", db)  # L1
    dx = msp_src.shared_backward(back, dm2_high + dm2_low, need_dx=need_dx)  # both levels use m2; F2, F1
    return dx, back.grads

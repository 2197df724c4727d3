"""Ablation of msp_src: the low level alone. F1, F2, L1 to L3 of minireid/networks/msp_src.py."""

from types import ModuleType

import numpy as np

from minireid.layers import temporal_mean
from minireid.networks import msp_src
from minireid.networks.euclidean import score
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = msp_src.FACTS


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **msp_src.init_shared(rng, channels, filters, dtype),
        "low": msp_src.init_low(rng, height, width, filters, features, dtype),
    }


def forward(x, p, *, pool: ModuleType = temporal_mean, **how):
    """x (N, T, H, W, C) -> {"low": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    m2 = msp_src.shared_forward(run, x)  # F1, F2
    return {"low": msp_src.low_forward(run, m2, pool)}, run.cache  # L1 to L3


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"low": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dm2 = msp_src.low_backward(back, dembeddings["low"])  # L3 to L1
    return msp_src.shared_backward(back, dm2, need_dx=need_dx), back.grads  # F2, F1

"""Ablation of deep_rcn: the GRUs of the three levels do not read each other (RCN-Ind in Wu et al. 2016, table 2).

Uses F1 to F5, F8 and F9 of minireid/networks/deep_rcn.py. F6 and F7 become  h2 = conv_gru(m2),  h3 = conv_gru(m3).
"""

from types import ModuleType

import numpy as np

from minireid.layers import conv_gru, temporal_last
from minireid.losses.similarity import score
from minireid.networks import deep_rcn
from minireid.networks.deep_rcn import LEVELS
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "describe", "forward", "init", "score"]

FACTS = deep_rcn.FACTS


def init(
    rng, *, height, width, channels, filters=(32, 128, 256, 256), kernels=(5, 5), dtype: type = np.float32
) -> dict:
    """Parameters. kernels: kernel sizes of the GRUs' inputs and states. Raises ValueError as deep_rcn.init does."""
    C1, *states = filters
    settings = {"kernel_input": kernels[0], "kernel_state": kernels[1], "dtype": dtype}
    return {
        **deep_rcn.init_convolutions(rng, height, width, channels, C1, dtype),
        **{level: conv_gru.init(rng, C1, S, **settings) for level, S in zip(LEVELS, states)},
    }


def forward(x, p, *, pool: ModuleType = temporal_last, **how):
    """x (N, T, H, W, C) -> {"clip": (N, D)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    maps = deep_rcn.maps_forward(run, x)  # F1 to F4
    states = [run(level, conv_gru, m, kernel=run.kernel) for level, m in zip(LEVELS, maps)]  # F5
    return {"clip": deep_rcn.summary_forward(run, states, pool)}, run.cache  # F8, F9


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, D)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dstates = deep_rcn.summary_backward(back, dembeddings["clip"])  # F9, F8
    dmaps = [back(level, dh) for level, dh in zip(LEVELS, dstates)]  # F5
    return deep_rcn.maps_backward(back, *dmaps, need_dx=need_dx), back.grads  # F4 to F1


def describe(x, p, **how) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, T, D), a descriptor of every frame, as deep_rcn.describe."""
    return deep_rcn.describe(x, p, forward=forward, **how)

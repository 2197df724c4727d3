"""Ablation of msp_src: the high level alone. F1, F2, H1 to H4 of minireid/networks/msp_src.py.

With depth=0 there is no recurrent unit. The embedding is then the mean-pooled CNN features, which do not depend on the
order of the frames.
"""

from types import ModuleType

import numpy as np

from minireid.layers import gru, temporal_mean
from minireid.networks import msp_src
from minireid.networks.euclidean import score
from minireid.networks.running import Backward, Forward, ignore

__all__ = ["FACTS", "backward", "forward", "init", "score"]

FACTS = msp_src.FACTS


def init(
    rng, *, height, width, channels, filters=(16, 32, 32), features=128, unit=gru, depth=1, dtype=np.float32
) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **msp_src.init_shared(rng, channels, filters, dtype),
        "high": msp_src.init_high(rng, height, width, filters, features, unit, depth, dtype),
    }


def forward(x, p, *, unit: ModuleType = gru, pool: ModuleType = temporal_mean, **how):
    """x (N, T, H, W, C) -> {"high": (N, 128)}, cache. how: see Forward in running.py."""
    run = Forward(p, **how)
    m2 = msp_src.shared_forward(run, x)  # F1, F2
    return {"high": msp_src.high_forward(run, m2, unit, pool)}, run.cache  # H1 to H4


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    back = Backward(cache, watch)
    dm2 = msp_src.high_backward(back, dembeddings["high"])  # H4 to H1
    return msp_src.shared_backward(back, dm2, need_dx=need_dx), back.grads  # F2, F1

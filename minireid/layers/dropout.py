"""Inverted dropout (Srivastava et al. 2014): each value is kept with probability 1 - rate, and then scaled up.

    F1  mask = 1 / (1 - rate) with probability 1 - rate, else 0
    F2  y = x mask

Any shape. The mean of mask is 1, so no scaling is needed at test time. With rng=None the layer is the identity.
"""

import numpy as np


def forward(x, *, rate: float, rng: np.random.Generator | None = None):
    """x of any shape, rate in [0, 1) -> y, cache. rng=None means evaluation: y is x."""
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate must lie in [0, 1), got {rate}")
    if rng is None or rate == 0:
        return x, None
    kept = rng.random(x.shape, dtype=np.float32) >= rate
    mask = kept.astype(x.real.dtype) / x.real.dtype.type(1 - rate)  # F1
    return x * mask, mask  # F2


def backward(dy, cache):
    """dy, shaped like x -> dx."""
    mask = cache
    return dy if mask is None else dy * mask

"""From maps to features: dropout, then a linear layer (the end of the baseline's CNN).

    F1  f = x as one vector         for each clip, or for each frame of each clip
    F2  d = dropout(f)
    F3  y = linear(d)

Shapes: x (..., H, W, C), f and d (..., H W C), W (H W C, D), b (D,), y (..., D).
"""

import numpy as np

from minireid.layers import dropout, linear

init = linear.init


def forward(x, p, *, rate: float, rng: np.random.Generator | None = None):
    """x (..., H, W, C) -> y (..., D), cache. rng=None means evaluation: no dropout."""
    f = x.reshape(*x.shape[:-3], -1)  # F1 (..., H W C)
    d, dropout_cache = dropout.forward(f, rate=rate, rng=rng)  # F2 (..., H W C)
    y, linear_cache = linear.forward(d, p)  # F3 (..., D)
    return y, (x.shape, dropout_cache, linear_cache)


def backward(dy, cache):
    """dy (..., D) -> dx (..., H, W, C), grads."""
    x_shape, dropout_cache, linear_cache = cache
    dd, grads = linear.backward(dy, linear_cache)  # F3
    df = dropout.backward(dd, dropout_cache)  # F2
    dx = df.reshape(x_shape)  # F1
    return dx, grads

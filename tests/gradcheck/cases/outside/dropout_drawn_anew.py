import numpy as np


def forward(x, *, rate, rng=None):
    if rng is None or rate == 0:
        return x, (1.0, None, rate)
    D = rng.random(x.shape, dtype=np.float32)
    D = (D >= rate).astype(float)
    A = x * D
    A = A / (1 - rate)
    return A, (D, rng, rate)


def backward(dA, cache):
    D, rng, rate = cache
    dx = dA * (rng.random(dA.shape, dtype=np.float32) >= rate) if rng is not None else dA
    dx = dx / (1 - rate) if rng is not None else dx
    return dx

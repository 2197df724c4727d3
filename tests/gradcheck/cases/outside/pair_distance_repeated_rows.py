import numpy as np


def forward(x, *, pairs):
    i, j = np.asarray(pairs).T
    diff = x[i] - x[j]
    d = np.sqrt(np.sum(diff**2, axis=1))
    return d, (x, i, j, diff, d)


def backward(dd, cache):
    x, i, j, diff, d = cache
    safe = np.where(d > 0, d, 1)
    g = (dd / safe)[:, None] * diff
    dx = np.zeros_like(x)
    dx[i] += g
    np.subtract.at(dx, j, g)
    return dx

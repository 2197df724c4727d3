"""The distances between pairs of embeddings, and their gradient: shared by the losses on distances.

    F1  v[p] = x[i] - x[j]         for pair p = (i, j)
    F2  d[p] = sqrt(v[p] . v[p])   Euclidean distance

Shapes: x (N, D), pairs (P, 2) row numbers in x, d (P,). The two clips of a pair are two rows of x. A clip may be in
many pairs; its gradient is the sum over these pairs.
"""

import numpy as np


def forward(x, *, pairs):
    """x (N, D), pairs (P, 2) -> d (P,), cache."""
    pairs = np.asarray(pairs)
    v = x[pairs[:, 0]] - x[pairs[:, 1]]  # F1 (P, D)
    d = np.sqrt((v * v).sum(axis=1))  # F2 (P,)
    return d, (v, d, pairs, x.shape)


# The derivative of d with respect to v is v / d, a unit vector. 0 is used at d = 0, so that it is not NaN there.


def backward(dd, cache):
    """dd (P,) -> dx (N, D)."""
    v, d, pairs, x_shape = cache
    dv = v * np.divide(dd, d, out=np.zeros_like(dd), where=d != 0)[:, None]
    dx = np.zeros(x_shape, dv.dtype)
    np.add.at(dx, pairs[:, 0], dv)  # add.at, not +=: a row in several pairs gets the sum
    np.add.at(dx, pairs[:, 1], -dv)
    return dx

"""Vectors scaled to length 1 (L2 normalisation).

    F1  s = sqrt(x . x)
    F2  u = x / s

Shapes: x (N, D), s (N, 1), u (N, D). Distances between such vectors lie between 0 and 2 and depend only on the angle:
|u - v|^2 = 2 - 2 cos. A vector of zeros has no direction; it stays 0, with gradient 0.
"""

import numpy as np


def forward(x):
    """x (N, D) -> u (N, D), cache."""
    s = np.sqrt((x * x).sum(axis=1, keepdims=True))  # F1 (N, 1)
    u = np.divide(x, s, out=np.zeros_like(x), where=s != 0)  # F2 (N, D)
    return u, (u, s)


# A change of x along u only changes the length of x, and F2 removes the length. So the part of du along u is removed.
# The rest is divided by s, as x is in F2.


def backward(du, cache):
    """du (N, D) -> dx (N, D)."""
    u, s = cache
    across = du - u * (u * du).sum(axis=1, keepdims=True)
    return np.divide(across, s, out=np.zeros_like(du), where=s != 0)

"""Derivatives from one complex value: the complex step (Squire & Trapp 1998).

    F1  f(x + i h e_k) = f(x) + i h df/dx[k] - h^2 ... / 2 ...          Taylor, with an imaginary step
    F2  df/dx[k] = Im f(x + i h e_k) / h                                the terms left out are of order h^2
    F3  df along v = Im f(x + i h v) / h                                v is any direction

No difference is taken, so nothing cancels, and h may be 1e-30. f must take complex numbers: no |x|, no comparison.
Here f may be huge, such as 10^9: differences would be useless.

Shapes: x is a float64 array of any shape, f(x) a number; v and the gradient are shaped like x; F3 is a number.
"""

import numpy as np


def gradient(f, x):
    """f: a function of an array, real or complex, that returns a number; x an array -> the gradient, real (F2)."""
    slope = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[k] += 1e-30j
        slope[k] = f(moved).imag / 1e-30
    return slope


def along(f, x, v):
    """f, x as for gradient, v a direction shaped like x -> the derivative along v, a real number (F3)."""
    return f(x + 1e-30j * v).imag / 1e-30

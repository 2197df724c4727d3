"""Derivatives from values alone: differences.

    F1  D(h)[k] = (f(x + h e_k) - f(x - h e_k)) / (2 h)          central difference, error of order h^2
    F2  R(h)    = (4 D(h) - D(2 h)) / 3                          Richardson: the h^2 terms cancel, error of order h^4

e_k is 1 at entry k and 0 elsewhere.

Shapes: x is a float64 array of any shape, f(x) a number; D and R are shaped like x. x is the same after the call.
"""

import numpy as np


def central(f, x, h):
    """f: a function of an array that returns a number, x an array, h a small number -> D(h), shaped like x."""
    slope = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[k] += h
        down[k] -= h
        slope[k] = (f(up) - f(down)) / (2 * h)  # F1
    return slope


def richardson(f, x, h):
    """f, x, h as for central -> R(h), shaped like x."""
    return (4 * central(f, x, h) - central(f, x, 2 * h)) / 3  # F2

"""The hyperbolic tangent, element by element.

    F1  y = tanh(x)

Any shape. tanh' = 1 - tanh^2: the output alone is enough for the derivative, so the output is the cache.
"""

import numpy as np


def forward(x):
    """x of any shape -> y in (-1, 1), cache."""
    y = np.tanh(x)  # F1
    return y, y


def backward(dy, cache):
    """dy, shaped like x -> dx."""
    y = cache
    return dy * (1 - y * y)

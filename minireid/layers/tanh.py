"""The hyperbolic tangent, element by element.

    F1  y = tanh(x)

Any shape.
"""

import numpy as np


def forward(x):
    """x of any shape -> y in (-1, 1), cache."""
    y = np.tanh(x)  # F1
    return y, y


# tanh' = 1 - tanh^2 = 1 - y^2: the output alone is enough, so the output is the cache.


def backward(dy, cache):
    """dy, shaped like x -> dx."""
    y = cache
    return dy * (1 - y * y)

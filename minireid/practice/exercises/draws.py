"""Numbers and sizes that exercises are tried with: small, and no two sizes equal, so that no wrong axis fits."""

import numpy as np


def sizes(rng: np.random.Generator, count: int, low: int = 3, high: int = 8) -> list[int]:
    """`count` different sizes from low to high."""
    return rng.choice(np.arange(low, high + 1), count, replace=False).tolist()


def uniform(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Between -1.5 and 1.5: a tanh is neither linear nor saturated there."""
    return rng.uniform(-1.5, 1.5, shape)

"""The checker's own random numbers.

A user's x is often `default_rng(0).normal(...)`. If the upstream gradient came from `default_rng(0)` too, it would be
equal to x, and some wrong backward passes would look right. So no number here comes from a stream that a user may have
used: the streams start from a constant of our own. Each use and each array has a stream for itself.
"""

import numpy as np

OURS = 0x6D696E6972656964  # "minireid" in ASCII: nobody else starts a stream from it


def stream(seed: int, use: str, array: object = "") -> np.random.Generator:
    """The generator for one use, such as "upstream", and one array, by its name or number."""
    key = tuple(f"{use}/{array}".encode())  # other words give another stream
    return np.random.default_rng(np.random.SeedSequence([OURS, seed], spawn_key=key))

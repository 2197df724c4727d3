"""The hook through which one looks inside a network: `watch(name, array)`, called with every result it computes."""

import numpy as np


def ignore(name: str, array: np.ndarray) -> None:
    """Nobody is looking."""

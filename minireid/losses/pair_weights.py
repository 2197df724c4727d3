"""The weights of the pairs of a batch: shared by the losses over pairs."""

import numpy as np


def pair_weights(weights, values: np.ndarray) -> np.ndarray:
    """weights (P,), or None for the mean over P pairs -> weights (P,) of the dtype of values (P,)."""
    P = len(values)
    return np.full(P, 1 / P, values.dtype) if weights is None else np.asarray(weights, values.dtype)

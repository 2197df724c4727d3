"""How the networks that learn a distance compare clips: Euclidean distance, turned round to a score."""

from typing import Any

import numpy as np

ROWS = 256


def side_by_side(embeddings: dict[str, np.ndarray]) -> np.ndarray:
    """{level: (N, D)} -> (N, D of all levels together). Squared distances of the levels add up."""
    return np.concatenate(list(embeddings.values()), axis=1)


def to_unit_length(embeddings: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each level's embeddings scaled to length 1, so that no level outweighs another: {level: (N, D)} -> the same."""
    return {level: e / (np.linalg.norm(e, axis=1, keepdims=True) + 1e-12) for level, e in embeddings.items()}


def score(a: np.ndarray, b: np.ndarray, heads: Any = None) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the Euclidean distance: larger means more alike. heads: nothing of the losses
    is needed here; networks that learn a similarity do.

    |a - b|^2 = |a|^2 - 2 a.b + |b|^2, in float64: the differences cancel digits, which float32 does not have to spare.
    ROWS rows of the result at a time, so that nothing else of its size is ever held.
    """
    scores = np.empty((len(a), len(b)))
    b = b.astype(np.float64)
    b_squared, minus_two_b = (b * b).sum(axis=1), -2 * b.T
    for start in range(0, len(a), ROWS):
        some = a[start : start + ROWS].astype(np.float64)
        squared = scores[start : start + ROWS]
        np.matmul(some, minus_two_b, out=squared)
        squared += (some * some).sum(axis=1)[:, None]
        squared += b_squared
        np.sqrt(np.maximum(squared, 0, out=squared), out=squared)
        np.negative(squared, out=squared)
    return scores

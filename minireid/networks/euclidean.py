"""How the networks that learn a distance compare clips: Euclidean distance, turned round to a score."""

import numpy as np


def side_by_side(embeddings: dict[str, np.ndarray]) -> np.ndarray:
    """{level: (N, D)} -> (N, D of all levels together). Squared distances of the levels add up."""
    return np.concatenate(list(embeddings.values()), axis=1)


def to_unit_length(embeddings: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each level's embeddings scaled to length 1, so that no level outweighs another: {level: (N, D)} -> the same."""
    return {level: e / (np.linalg.norm(e, axis=1, keepdims=True) + 1e-12) for level, e in embeddings.items()}


def score(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the Euclidean distance: larger means more alike.

    |a - b|^2 = |a|^2 - 2 a.b + |b|^2, in float64: the differences cancel digits, which float32 does not have to spare.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    squared = (a * a).sum(axis=1)[:, None] - 2 * a @ b.T + (b * b).sum(axis=1)
    return -np.sqrt(np.maximum(squared, 0))

"""How the networks that learn a distance compare clips: the score is minus the Euclidean distance."""

from typing import Any

import numpy as np

ROWS = 256


def side_by_side(embeddings: dict[str, np.ndarray]) -> np.ndarray:
    """{level: (N, D)} -> (N, sum of all D): the levels concatenated. Their squared distances add up."""
    return np.concatenate(list(embeddings.values()), axis=1)


def to_unit_length(embeddings: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each level's embeddings scaled to length 1, so that all levels have the same weight. The shapes stay the same."""
    return {level: e / (np.linalg.norm(e, axis=1, keepdims=True) + 1e-12) for level, e in embeddings.items()}


def score(a: np.ndarray, b: np.ndarray, heads: Any = None) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the Euclidean distance: larger means more alike.

    heads: not used. Networks with a learned similarity need the parameters of their loss here.

    |a - b|^2 = |a|^2 - 2 a.b + |b|^2, in float64: the subtraction loses digits, and float32 has too few. The
    result is computed ROWS rows at a time, so that it is the only large array.
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

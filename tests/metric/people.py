"""Embeddings of made-up persons in two cameras, and the formulas of the metrics written the long way round."""

from types import SimpleNamespace

import numpy as np

from minireid.metric import kissme, lfda, pca, xqda

NO_SCIPY = "needs SciPy: pip install -e '.[torch]'"
NO_SCIKIT_LEARN = "needs scikit-learn: pip install -e '.[torch]'"
METRICS = {"pca": pca, "lfda": lfda, "kissme": kissme, "xqda": xqda}


def draw(rng: np.random.Generator, *, persons: int = 12, clips: int = 3, D: int = 6, cameras: int = 2) -> tuple:
    """x (N, D), persons, cameras (N,) in no order; numbers with gaps; not everybody has equally many clips.

    A person is a point; a camera turns and moves all of them; the noise is small along some axes, large along others.
    """
    turn = rng.normal(size=(cameras, D, D)) * 0.1 + np.eye(D)
    offset = rng.normal(size=(cameras, D))
    noise = np.linspace(0.1, 1.5, D)
    rows, person, camera = [], [], []
    for p in range(persons):
        centre = rng.normal(size=D)
        for c in range(cameras):
            for _ in range(1 + (p + c) % clips):
                rows.append(centre @ turn[c] + offset[c] + noise * rng.normal(size=D))
                person.append(7 * p + 3)
                camera.append("ab?"[c])
    order = rng.permutation(len(rows))
    return np.array(rows)[order], np.array(person)[order], np.array(camera)[order]


def covariances_by_hand(x: np.ndarray, persons: np.ndarray, cameras: np.ndarray) -> SimpleNamespace:
    """Loops over all pairs across the cameras."""
    same, different = [], []
    for i in range(len(x)):
        for j in range(i):
            if cameras[i] != cameras[j]:
                (same if persons[i] == persons[j] else different).append(np.outer(x[i] - x[j], x[i] - x[j]))
    return SimpleNamespace(same=np.mean(same, axis=0), different=np.mean(different, axis=0))


def distances_by_hand(a: np.ndarray, b: np.ndarray, M: np.ndarray) -> np.ndarray:
    """sqrt((a - b)^T M (a - b)), one pair after the other."""
    return np.array([[np.sqrt(max((p - q) @ M @ (p - q), 0)) for q in b] for p in a])

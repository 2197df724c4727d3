"""LFDA against the paper's sums over all pairs, and SciPy's eigenproblem.

metric-learn is no judge here: version 0.7 takes sigma from the wrong axis of a partition, adds Sw to Sb where
Sugiyama's program takes it off, and does not run with scikit-learn 1.8. With these mended it gives the same
directions.
"""

import numpy as np
import pytest

from minireid.metric import lfda
from tests.metric.people import NO_SCIPY, draw


def scatters_by_hand(x: np.ndarray, persons: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sugiyama 2007: every pair of samples, with its two weights."""
    N, D = x.shape
    Sw, Sb = np.zeros((D, D)), np.zeros((D, D))

    def sigma(i: int) -> float:
        others = sorted(np.linalg.norm(x[i] - x[j]) for j in range(N) if persons[j] == persons[i] and j != i)
        return others[min(k, len(others)) - 1] if others else 0.0

    for i in range(N):
        for j in range(N):
            d = x[i] - x[j]
            ww, wb = 0.0, 1 / N
            if persons[i] == persons[j]:
                n = int((persons == persons[i]).sum())
                scale = sigma(i) * sigma(j)
                A = np.exp(-d @ d / scale) if scale > 0 else 0.0
                ww, wb = A / n, A * (1 / N - 1 / n)
            Sw += ww / 2 * np.outer(d, d)
            Sb += wb / 2 * np.outer(d, d)
    return Sw, Sb


@pytest.mark.parametrize("k", [1, 2, 7])
def test_scatters_by_hand(rng, k):
    x, persons, _ = draw(rng, persons=6, clips=4, D=4)
    number = np.unique(persons, return_inverse=True)[1]
    for found, expected in zip(lfda.scatters(x, number, k), scatters_by_hand(x, persons, k)):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dimensions", [2, 4])
@pytest.mark.parametrize("shrinkage", [0.0, 0.2])
def test_against_scipy(rng, dimensions, shrinkage):
    linalg = pytest.importorskip("scipy.linalg", reason=NO_SCIPY)
    x, persons, cameras = draw(rng, persons=8, clips=4, D=5)
    Sw, Sb = scatters_by_hand(x, persons, 7)
    Sw = (1 - shrinkage) * Sw + shrinkage * np.diag(Sw).mean() * np.eye(5)
    values, T = linalg.eigh(Sb, Sw)
    T = T[:, ::-1][:, :dimensions] * np.sqrt(values[::-1][:dimensions])
    expected = -np.linalg.norm((x[:6] @ T)[:, None] - x[6:] @ T, axis=2)
    metric = lfda.fit(x, persons, cameras, dimensions=dimensions, shrinkage=shrinkage)
    np.testing.assert_allclose(metric["eigenvalues"], values[::-1][:dimensions], rtol=1e-8)
    np.testing.assert_allclose(lfda.score(x[:6], x[6:], metric), expected, rtol=1e-7)


def test_two_clouds_of_a_person_may_stay_apart(rng):
    """Two close samples in each of two far clouds: with the nearest neighbour as scale, A is near 0 between them."""
    x = np.array([[0.0, 0], [0, 1], [50, 0], [50, 1]])
    A = lfda.affinity(x, 1)
    np.testing.assert_allclose(A[0], [1, np.exp(-1), 0, 0], atol=1e-12)
    np.testing.assert_allclose(lfda.affinity(x, 7)[0, 2], np.exp(-2500 / 2501), rtol=1e-12)


def test_coinciding_samples_and_a_person_seen_once(rng):
    """sigma = 0 divides nothing by zero, and one sample alone counts between persons only."""
    x, persons, cameras = draw(rng, persons=6)
    x, persons = np.concatenate([x, x[:1], x[:1]]), np.concatenate([persons, persons[:1], [500]])
    metric = lfda.fit(x, persons, np.concatenate([cameras, ["b", "a"]]), neighbours=1)
    assert all(np.isfinite(value).all() for value in metric.values())


def test_no_neighbour_or_dimension_is_a_mistake(rng):
    for wrong in ({"neighbours": 0}, {"dimensions": 0}):
        with pytest.raises(ValueError, match="1 or more"):
            lfda.fit(*draw(rng), **wrong)

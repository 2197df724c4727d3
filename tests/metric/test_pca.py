import numpy as np
import pytest

from minireid.metric import pca
from tests.metric.people import NO_SCIKIT_LEARN, draw


@pytest.mark.parametrize("dimensions", [1, 3, 6])
def test_against_scikit_learn(rng, dimensions):
    decomposition = pytest.importorskip("sklearn.decomposition", reason=NO_SCIKIT_LEARN)
    x, persons, cameras = draw(rng)
    judge = decomposition.PCA(dimensions, svd_solver="full").fit(x)
    metric = pca.fit(x, persons, cameras, dimensions=dimensions)
    np.testing.assert_allclose(abs(metric["projection"].T), abs(judge.components_), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(metric["variances"], judge.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(abs(pca.project(x, metric)), abs(judge.transform(x)), rtol=1e-8, atol=1e-12)
    a, b = judge.transform(x[:4]), judge.transform(x[4:9])
    expected = -np.linalg.norm(a[:, None] - b, axis=2)
    np.testing.assert_allclose(pca.score(x[:4], x[4:9], metric), expected, rtol=1e-8)


def test_by_hand():
    """Points on the line y = x, 1, 2 and 6 steps of (1, 1) from 0: one direction, variance 2 x 7."""
    x = np.array([[1, 1], [2, 2], [6, 6]])
    metric = pca.fit(x, np.array([1, 1, 2]), np.array([0, 1, 0]), dimensions=2)
    assert metric["projection"].shape == (2, 1), "the second direction is empty"
    np.testing.assert_allclose(metric["mean"], [3, 3])
    np.testing.assert_allclose(abs(metric["projection"]), np.sqrt(0.5))
    np.testing.assert_allclose(metric["variances"], 14)
    np.testing.assert_allclose(pca.score(x[:1], x, metric), -np.sqrt(2) * np.array([[0, 1, 5]]), atol=1e-12)


def test_all_dimensions_keep_every_distance(rng):
    x, persons, cameras = draw(rng)
    metric = pca.fit(x, persons, cameras)
    expected = -np.linalg.norm(x[:, None] - x, axis=2)
    np.testing.assert_allclose(pca.score(x, x, metric), expected, atol=1e-6)


def test_no_dimension_is_a_mistake(rng):
    with pytest.raises(ValueError, match="1 or more"):
        pca.fit(*draw(rng), dimensions=0)

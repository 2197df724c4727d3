import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric import kissme, xqda
from tests.metric.people import NO_SCIPY, covariances_by_hand, distances_by_hand, draw


@pytest.mark.parametrize("regulariser", [1e-3, 0.1])
@pytest.mark.parametrize("dimensions", [None, 2])
def test_against_loops_and_scipy(rng, regulariser, dimensions):
    """The paper's steps: loops over the pairs, the generalised problem by SciPy, the metric by two inverses."""
    linalg = pytest.importorskip("scipy.linalg", reason=NO_SCIPY)
    x, persons, cameras = draw(rng, clips=4)
    x[::2, 1] *= 3  # and one axis or another with an eigenvalue below 1
    pairs = covariances_by_hand(x, persons, cameras)
    spread = np.mean([np.sum((row - x.mean(axis=0)) ** 2) for row in x])
    same = pairs.same + regulariser * spread * np.eye(6)
    values, vectors = linalg.eigh(pairs.different, same)
    assert (values > 1).any() and (values < 1).any()
    W = vectors[:, values > 1][:, ::-1][:, :dimensions]
    M = linalg.inv(W.T @ same @ W) - linalg.inv(W.T @ pairs.different @ W)
    metric = xqda.fit(x, persons, cameras, dimensions=dimensions, regulariser=regulariser)
    np.testing.assert_allclose(metric["eigenvalues"], values[values > 1][::-1][:dimensions], rtol=1e-9)
    expected = -distances_by_hand(x[:5], x[5:], W @ M @ W.T)
    np.testing.assert_allclose(xqda.score(x[:5], x[5:], metric), expected, rtol=1e-6)


def test_kissme_is_the_same_where_every_eigenvalue_is_above_one(rng):
    x, persons, cameras = draw(rng, clips=4)
    x += 3 * np.random.default_rng(1).normal(size=(200, 6))[persons]  # two persons differ by much in every direction
    metric = xqda.fit(x, persons, cameras, regulariser=0.0)
    assert metric["projection"].shape == (6, 6)
    plain = kissme.fit(x, persons, cameras, shrinkage=0.0)
    np.testing.assert_allclose(metric["projection"] @ metric["projection"].T, plain["M"], rtol=1e-7, atol=1e-10)


def test_nothing_to_find_is_named():
    """Everybody's two pictures are further apart than those of two persons."""
    persons, cameras = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    x = (1.0 - 2 * cameras) * (1 - 2 * (persons % 2))
    with pytest.raises(InputError, match="further apart"):
        xqda.fit(x[:, None], persons, cameras)


def test_wrong_parameters(rng):
    for wrong in ({"regulariser": -1.0}, {"dimensions": 0}):
        with pytest.raises(ValueError, match="expected dimensions"):
            xqda.fit(*draw(rng), **wrong)

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric import kissme
from tests.metric.people import covariances_by_hand, distances_by_hand, draw


def by_hand(x: np.ndarray, persons: np.ndarray, cameras: np.ndarray, share: float) -> np.ndarray:
    """M+ from loops over all pairs; the cone by adding up the positive eigenvalues' outer products."""
    pairs = covariances_by_hand(x, persons, cameras)
    D = x.shape[1]
    same, different = (
        S * (1 - share) + share * np.linalg.eigvalsh(S).mean() * np.eye(D) for S in (pairs.same, pairs.different)
    )
    values, vectors = np.linalg.eigh(np.linalg.solve(same, np.eye(D)) - np.linalg.solve(different, np.eye(D)))
    return sum(value * np.outer(v, v) for value, v in zip(values, vectors.T) if value > 0)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("cameras", [2, 3])
def test_against_loops_over_all_pairs(rng, share, cameras):
    x, persons, where = draw(rng, cameras=cameras)
    x[:, 4] += persons  # one axis on which two persons differ by much
    expected = by_hand(x, persons, where, share)
    metric = kissme.fit(x, persons, where, shrinkage=share)
    np.testing.assert_allclose(metric["M"], expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        kissme.score(x[:5], x[5:], metric), -distances_by_hand(x[:5], x[5:], expected), rtol=1e-6
    )


def test_what_varies_more_within_a_person_than_between_is_dropped(rng):
    """The second value is 9 or -9 in turn for everybody, within a person always the opposite: M there is negative."""
    persons, cameras = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    x = np.stack([10.0 * persons, 9.0 * (1 - 2 * cameras) * (1 - 2 * (persons % 2)), 0 * persons], axis=1)
    x += 0.1 * rng.normal(size=x.shape)
    metric = kissme.fit(x[:, :2], persons, cameras, shrinkage=0.0)
    assert np.linalg.eigvalsh(metric["M"]).min() > -1e-12 and metric["projection"].shape == (2, 1)
    with pytest.raises(InputError, match="further apart"):
        kissme.fit(x[:, 1:2], persons, cameras)


def test_singular_without_shrinkage_is_named(rng):
    x, persons, cameras = draw(rng)
    with pytest.raises(InputError, match="raise the shrinkage"):
        kissme.fit(np.concatenate([x, np.zeros((len(x), 1))], axis=1), persons, cameras, shrinkage=0.0)

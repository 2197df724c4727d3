import warnings

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric import gmm
from tests.metric.people import NO_SCIKIT_LEARN


def three_clouds(rng: np.random.Generator) -> np.ndarray:
    centres = np.array([[0, 0, 0], [4, 1, 0], [0, 5, 3]])
    return np.concatenate([c + rng.normal(size=(n, 3)) * [0.5, 1, 1.5] for c, n in zip(centres, (40, 70, 110))])


@pytest.mark.parametrize("rounds", [1, 3, 40])
def test_against_scikit_learn_from_the_same_start(rng, rounds):
    mixture = pytest.importorskip("sklearn.mixture", reason=NO_SCIKIT_LEARN)
    frames = three_clouds(rng)
    begun = gmm.start(frames, 3, np.random.default_rng(3))
    judge = mixture.GaussianMixture(
        3,
        covariance_type="diag",
        reg_covar=0,
        tol=0,
        max_iter=rounds,
        weights_init=begun["weights"],
        means_init=begun["means"],
        precisions_init=1 / begun["variances"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it was stopped, which is meant
        judge.fit(frames)
    found = gmm.climb(frames, begun, rounds=rounds, tolerance=-1.0)
    np.testing.assert_allclose(found["weights"], judge.weights_, rtol=1e-7)
    np.testing.assert_allclose(found["means"], judge.means_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["variances"], judge.covariances_, rtol=1e-6)
    log_p, g = gmm.responsibilities(frames, found)
    np.testing.assert_allclose(log_p, judge.score_samples(frames), rtol=1e-7)
    np.testing.assert_allclose(g, judge.predict_proba(frames), atol=1e-7)


def test_finds_three_clouds(rng):
    mixture = gmm.fit(three_clouds(rng), 3, np.random.default_rng(0))
    order = mixture["weights"].argsort()
    np.testing.assert_allclose(mixture["weights"][order], [2 / 11, 3.5 / 11, 5.5 / 11], atol=0.03)
    np.testing.assert_allclose(mixture["means"][order], [[0, 0, 0], [4, 1, 0], [0, 5, 3]], atol=0.5)
    np.testing.assert_allclose(np.sqrt(mixture["variances"]), [[0.5, 1, 1.5]] * 3, atol=0.35)


def test_no_round_makes_the_fit_worse(rng):
    frames = three_clouds(rng)
    mixture = gmm.start(frames, 4, rng)
    fits = []
    for _ in range(25):
        fits.append(gmm.responsibilities(frames, mixture)[0].mean())
        mixture = gmm.climb(frames, mixture, rounds=1, tolerance=0.0)
    assert min(np.diff(fits)) > -1e-12 and fits[-1] > fits[0] + 0.01


def test_stops_where_nothing_is_gained(rng):
    frames = three_clouds(rng)
    few, many = (gmm.fit(frames, 3, np.random.default_rng(0), rounds=n, tolerance=1e-3) for n in (60, 600))
    for key in few:
        np.testing.assert_array_equal(few[key], many[key])


def test_the_generator_alone_decides(rng):
    frames = three_clouds(rng)
    first, second, other = (gmm.fit(frames, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(first[key].tobytes() == second[key].tobytes() for key in first)
    assert not np.array_equal(first["means"], other["means"])


def test_start_never_draws_the_same_frame_twice(rng):
    frames = np.repeat(np.eye(4), 5, axis=0)
    for seed in range(10):
        mixture = gmm.start(frames, 4, np.random.default_rng(seed))
        np.testing.assert_allclose(mixture["weights"], 0.25)
    with pytest.raises(InputError, match="at least 5 different frame descriptors, got 4"):
        gmm.start(frames, 5, rng)


def test_far_frames_and_empty_dimensions_stay_finite(rng):
    frames = np.concatenate([three_clouds(rng), np.full((220, 1), 3.0)], axis=1)
    frames[0, :3] = 1e4  # alone in its component: variance 0 but for the floor; and exp(F1) underflows
    mixture = gmm.fit(frames, 4, np.random.default_rng(0))
    log_p, g = gmm.responsibilities(np.concatenate([frames, frames[:1] * 10]), mixture)
    assert all(np.isfinite(value).all() for value in (*mixture.values(), log_p, g))
    np.testing.assert_allclose(g.sum(axis=1), 1)
    assert (mixture["variances"] >= np.maximum(1e-3 * frames.var(axis=0), 1e-12)).all()


def test_bad_frames(rng):
    with pytest.raises(InputError, match="NaN"):
        gmm.fit(np.array([[1.0, np.nan]]), 1, rng)
    with pytest.raises(ValueError, match="expected frames"):
        gmm.fit(np.zeros(4), 1, rng)

import tracemalloc

import numpy as np

from minireid.networks import euclidean


def test_score_is_minus_the_euclidean_distance(rng):
    a, b = rng.normal(size=(3, 7)), rng.normal(size=(5, 7))
    expected = -np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))
    np.testing.assert_allclose(euclidean.score(a, b), expected, rtol=1e-12)


def test_score_by_hand():
    scores = euclidean.score(np.array([[0.0, 0]]), np.array([[3.0, 4], [0, 1], [0, 0]]))
    assert scores.tolist() == [[-5, -1, 0]]  # larger means more alike


def test_score_is_symmetric_and_nobody_is_more_alike_than_oneself(rng):
    a, b = rng.normal(size=(5, 7)), rng.normal(size=(3, 7))
    np.testing.assert_allclose(euclidean.score(a, b), euclidean.score(b, a).T, rtol=1e-13)
    own = euclidean.score(a, a)
    np.testing.assert_allclose(np.diag(own), 0, atol=1e-6)
    assert (own.argmax(axis=1) == np.arange(5)).all()


def test_float32_embeddings_far_from_zero_keep_their_digits(rng):
    a = (1000 + rng.normal(size=(4, 7))).astype(np.float32)
    b = (1000 + rng.normal(size=(3, 7))).astype(np.float32)
    expected = -np.linalg.norm(a[:, None].astype(np.float64) - b[None], axis=2)
    np.testing.assert_allclose(euclidean.score(a, b), expected, rtol=1e-7)


def test_equal_embeddings_never_give_nan(rng):
    a = 1e3 * rng.normal(size=(100, 50))  # rounding leaves some of the squares below zero
    with np.errstate(all="raise"):
        assert np.isfinite(euclidean.score(a, a)).all()


def test_nan_stays_nan():
    assert np.isnan(euclidean.score(np.array([[np.nan, 0.0]]), np.zeros((2, 2)))).all()


def test_side_by_side_and_the_squares_add_up(rng):
    a = {"low": rng.normal(size=(3, 2)), "high": rng.normal(size=(3, 5))}
    both = euclidean.side_by_side(a)
    np.testing.assert_array_equal(both[:, :2], a["low"])
    np.testing.assert_array_equal(both[:, 2:], a["high"])
    parts = euclidean.score(a["low"], a["low"]) ** 2 + euclidean.score(a["high"], a["high"]) ** 2
    np.testing.assert_allclose(euclidean.score(both, both) ** 2, parts, rtol=1e-12, atol=1e-12)


def test_unit_length(rng):
    levels = {"low": np.array([[3.0, 4.0], [0.0, 0.0]]), "high": rng.normal(size=(2, 5)).astype(np.float32)}
    with np.errstate(all="raise"):
        unit = euclidean.to_unit_length(levels)
    np.testing.assert_allclose(unit["low"], [[0.6, 0.8], [0, 0]], rtol=1e-11)
    np.testing.assert_allclose((unit["high"] ** 2).sum(axis=1), 1, rtol=1e-6)
    assert unit["high"].dtype == np.float32


def test_large_galleries_are_compared_a_few_rows_at_a_time(rng):
    a, b = rng.normal(size=(2000, 16)).astype(np.float32), rng.normal(size=(3000, 16)).astype(np.float32)
    tracemalloc.start()
    scores = euclidean.score(a, b)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most - scores.nbytes < 4e6
    for row in (0, euclidean.ROWS - 1, euclidean.ROWS, 1999):
        distance = np.linalg.norm(a[row].astype(np.float64) - b, axis=1)
        np.testing.assert_allclose(-scores[row], distance, rtol=1e-12)

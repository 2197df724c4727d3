import warnings

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.losses import pair_distance
from tests.judges import assert_complex_step, assert_manners

PAIRS = [[0, 1], [2, 1], [3, 4], [0, 4], [2, 3], [1, 3], [4, 0], [0, 1]]  # both ways round, and one of them twice


@pytest.mark.parametrize("pairs", [PAIRS, PAIRS[:1]], ids=["eight pairs", "one pair"])
@pytest.mark.parametrize("D", [7, 1])
def test_derivatives(pairs, D, rng):
    assert_gradients(pair_distance.forward, pair_distance.backward, rng.normal(size=(5, D)), pairs=np.array(pairs))


def test_against_pytorch(rng, judge):
    x = rng.normal(size=(5, 7))
    judge.assert_same(pair_distance.forward, pair_distance.backward, judge.pair_distance, x, pairs=PAIRS)


def test_by_hand():
    x = np.array([[0.0, 0], [3, 4], [0, 5]])
    d, cache = pair_distance.forward(x, pairs=[[0, 1], [2, 0]])
    assert d.tolist() == [5, 5]
    dx = pair_distance.backward(np.array([10.0, 1.0]), cache)
    np.testing.assert_allclose(dx, [[-6, -9], [6, 8], [0, 1]], rtol=1e-15)  # row 0 is in both pairs and gets both


def test_at_distance_0_the_gradient_is_0():
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        d, cache = pair_distance.forward(np.ones((3, 4)), pairs=[[0, 1], [2, 2]])
        dx = pair_distance.backward(np.array([1.0, 1.0]), cache)
    assert d.tolist() == [0, 0] and not dx.any()


def test_a_distance_too_small_for_its_square_counts_as_0():
    d, cache = pair_distance.forward(np.array([[0.0], [1e-200]]), pairs=[[0, 1]])
    assert d == 0 and not pair_distance.backward(np.array([1.0]), cache).any()


def test_nan_stays_nan():
    d, cache = pair_distance.forward(np.array([[np.nan, 1.0], [3.0, 4.0], [3.0, 5.0]]), pairs=[[0, 1], [1, 2]])
    dx = pair_distance.backward(np.array([1.0, 1.0]), cache)
    assert np.isnan(d[0]) and d[1] == 1 and np.isnan(dx[:2]).all() and dx[2].tolist() == [0, 1]


def test_the_order_within_a_pair_changes_nothing(rng):
    x, pairs, dd = rng.normal(size=(5, 7)), np.array(PAIRS), rng.normal(size=len(PAIRS))
    one, one_cache = pair_distance.forward(x, pairs=pairs)
    two, two_cache = pair_distance.forward(x, pairs=pairs[:, ::-1])
    np.testing.assert_array_equal(one, two)
    dx = pair_distance.backward(dd, one_cache)
    np.testing.assert_allclose(dx, pair_distance.backward(dd, two_cache), rtol=1e-13, atol=1e-15)


def test_manners(rng):
    assert_manners(pair_distance.forward, pair_distance.backward, rng.normal(size=(5, 7)), pairs=lambda: PAIRS)


def test_complex_step(rng):
    assert_complex_step(pair_distance.forward, pair_distance.backward, rng.normal(size=(5, 7)), pairs=PAIRS)

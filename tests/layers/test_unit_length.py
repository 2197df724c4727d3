import warnings

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import unit_length
from tests.judges import assert_complex_step, assert_manners


@pytest.mark.parametrize("shape", [(3, 5), (1, 2), (5, 7)])
def test_derivatives(shape, rng):
    assert_gradients(unit_length.forward, unit_length.backward, rng.normal(size=shape))


def test_against_pytorch(rng, judge):
    judge.assert_same(unit_length.forward, unit_length.backward, judge.unit_length, 3 * rng.normal(size=(5, 7)))


def test_by_hand():
    u, cache = unit_length.forward(np.array([[3.0, 4.0]]))
    np.testing.assert_allclose(u, [[0.6, 0.8]], rtol=1e-15)
    np.testing.assert_allclose(unit_length.backward(np.array([[3.0, 4.0]]), cache), 0, atol=1e-15)  # along u: nothing
    np.testing.assert_allclose(unit_length.backward(np.array([[-4.0, 3.0]]), cache), [[-0.8, 0.6]], rtol=1e-15)


def test_one_feature_has_a_direction_but_no_gradient():
    u, cache = unit_length.forward(np.array([[-7.0], [2.0]]))
    assert u.tolist() == [[-1], [1]] and not unit_length.backward(np.ones((2, 1)), cache).any()


def test_nan_stays_nan():
    u, cache = unit_length.forward(np.array([[np.nan, 1.0], [3.0, 4.0]]))
    dx = unit_length.backward(np.ones((2, 2)), cache)
    assert np.isnan([u[0], dx[0]]).all() and np.isfinite([u[1], dx[1]]).all()


def test_a_vector_of_zeros_stays_zero_with_gradient_zero():
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        u, cache = unit_length.forward(np.array([[0.0, 0.0], [0.0, 2.0]]))
        dx = unit_length.backward(np.ones((2, 2)), cache)
    assert u.tolist() == [[0, 0], [0, 1]] and dx.tolist() == [[0, 0], [0.5, 0]]


def test_manners(rng):
    assert_manners(unit_length.forward, unit_length.backward, rng.normal(size=(3, 5)))


def test_complex_step(rng):
    assert_complex_step(unit_length.forward, unit_length.backward, rng.normal(size=(3, 5)))

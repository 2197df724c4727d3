import math
import warnings

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import sigmoid
from tests.judges import assert_complex_step, assert_manners


@pytest.mark.parametrize("shape", [(3, 5), (1,), (2, 3, 1, 5)])
def test_derivatives(shape, rng):
    assert_gradients(sigmoid.forward, sigmoid.backward, 2 * rng.normal(size=shape))


def test_against_pytorch(rng, judge):
    x = 5 * rng.normal(size=(7, 11))
    judge.assert_same(sigmoid.forward, sigmoid.backward, judge.torch.sigmoid, x)


def test_by_hand():
    y, cache = sigmoid.forward(np.array([0, math.log(3), -math.log(3)]))
    np.testing.assert_allclose(y, [1 / 2, 3 / 4, 1 / 4], rtol=1e-15)
    np.testing.assert_allclose(sigmoid.backward(np.ones(3), cache), [1 / 4, 3 / 16, 3 / 16], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_arguments_give_no_warning(dtype):
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        y, cache = sigmoid.forward(np.array([-1000, 1000, -np.inf, np.inf], dtype))
        dx = sigmoid.backward(np.ones(4, dtype), cache)
    assert y.tolist() == [0, 1, 0, 1] and dx.tolist() == [0, 0, 0, 0]


def test_small_probabilities_keep_their_digits():
    y, _ = sigmoid.forward(np.array([-30.0, -700.0]))
    np.testing.assert_allclose(y, [math.exp(-30) / (1 + math.exp(-30)), math.exp(-700)], rtol=1e-14)


def test_nan_stays_nan():
    assert np.isnan(sigmoid.forward(np.array([np.nan]))[0]).all()


def test_manners(rng):
    assert_manners(sigmoid.forward, sigmoid.backward, rng.normal(size=(3, 5)))


def test_complex_step(rng):
    assert_complex_step(sigmoid.forward, sigmoid.backward, 3 * rng.normal(size=(3, 5)))

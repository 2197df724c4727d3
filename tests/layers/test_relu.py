import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.gradcheck.cases.pages import spaced
from minireid.layers import relu
from tests.judges import assert_manners


@pytest.mark.parametrize("shape", [(3, 5), (1,), (2, 3, 1, 5)])
def test_derivatives(shape, rng):
    assert_gradients(relu.forward, relu.backward, spaced(rng, *shape))


def test_against_pytorch(rng, judge):
    x = rng.normal(size=(7, 11))
    x[0, :3] = 0  # PyTorch takes 0 at the kink as well
    judge.assert_same(relu.forward, relu.backward, judge.torch.relu, x)


def test_by_hand():
    y, cache = relu.forward(np.array([-2.0, -0.0, 0.0, 1e-300, 3.0, -np.inf, np.inf]))
    assert y.tolist() == [0, 0, 0, 1e-300, 3, 0, np.inf]
    assert relu.backward(np.arange(1.0, 8), cache).tolist() == [0, 0, 0, 4, 5, 0, 7]


def test_nan_stays_nan():
    y, cache = relu.forward(np.array([np.nan, -1.0]))
    assert np.isnan(y[0]) and y[1] == 0
    assert relu.backward(np.ones(2), cache).tolist() == [0, 0]  # but it passes no gradient


def test_manners(rng):
    assert_manners(relu.forward, relu.backward, rng.normal(size=(3, 5)))

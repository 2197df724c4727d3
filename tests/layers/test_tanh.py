import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import tanh
from tests.judges import assert_complex_step, assert_manners


@pytest.mark.parametrize("shape", [(3, 5), (1,), (2, 3, 1, 5)])
def test_derivatives(shape, rng):
    assert_gradients(tanh.forward, tanh.backward, rng.normal(size=shape))


def test_against_pytorch(rng, judge):
    judge.assert_same(tanh.forward, tanh.backward, judge.torch.tanh, 3 * rng.normal(size=(7, 11)))


def test_by_hand():
    y, cache = tanh.forward(np.array([0, np.log(2), -1000, 1000]))
    np.testing.assert_allclose(y, [0, 3 / 5, -1, 1], rtol=1e-15)  # (2 - 1/2) / (2 + 1/2)
    np.testing.assert_allclose(tanh.backward(np.full(4, 2.0), cache), [2, 32 / 25, 0, 0], rtol=1e-15)


def test_manners(rng):
    assert_manners(tanh.forward, tanh.backward, rng.normal(size=(3, 5)))


def test_complex_step(rng):
    assert_complex_step(tanh.forward, tanh.backward, rng.normal(size=(3, 5)))

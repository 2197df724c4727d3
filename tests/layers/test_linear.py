import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import linear
from tests.judges import assert_complex_step, assert_draws, assert_manners

SHAPES = [((3, 5), 7), ((2, 3, 5), 7), ((1, 1), 1), ((5,), 3), ((2, 1, 3, 5), 2)]


@pytest.mark.parametrize(("shape", "D_out"), SHAPES, ids=str)
def test_derivatives(shape, D_out, rng):
    p = linear.init(rng, shape[-1], D_out, dtype=np.float64)
    assert_gradients(linear.forward, linear.backward, rng.normal(size=shape), p)


@pytest.mark.parametrize(("shape", "D_out"), SHAPES, ids=str)
def test_against_pytorch(shape, D_out, rng, judge):
    p = linear.init(rng, shape[-1], D_out, dtype=np.float64)
    judge.assert_same(linear.forward, linear.backward, judge.linear, rng.normal(size=shape), p)


def test_by_hand():
    x, p = np.array([[1.0, 2], [3, 4]]), {"W": np.array([[5.0], [6]]), "b": np.array([7.0])}
    y, cache = linear.forward(x, p)
    assert y.tolist() == [[24], [46]]
    dx, grads = linear.backward(np.array([[1.0], [10]]), cache)
    assert dx.tolist() == [[5, 6], [50, 60]]
    assert grads["W"].tolist() == [[31], [42]] and grads["b"].tolist() == [11]  # sums over the rows, not means


def test_manners(rng):
    assert_manners(linear.forward, linear.backward, rng.normal(size=(2, 3, 5)), linear.init(rng, 5, 7))


def test_complex_step(rng):
    p = linear.init(rng, 5, 7, dtype=np.float64)
    assert_complex_step(linear.forward, linear.backward, rng.normal(size=(2, 3, 5)), p)


def test_init_is_uniform_within_one_over_the_root_of_the_inputs(rng):
    p = linear.init(rng, 100, 301)
    assert p["W"].shape == (100, 301) and p["b"].shape == (301,) and p["W"].dtype == np.float32
    for values in p.values():
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    assert_draws(linear.init, 4, 3, bound=1 / 2, shapes={"W": (4, 3), "b": (3,)})

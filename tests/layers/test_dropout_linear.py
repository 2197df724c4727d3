import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import dropout, dropout_linear, linear
from tests.judges import assert_complex_step, assert_manners

SHAPES = [(3, 2, 5, 7), (2, 3, 2, 1, 5), (1, 1, 1, 1)]  # clips of maps; clips of frames of maps; one number


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple:
    return rng.normal(size=shape), dropout_linear.init(rng, int(np.prod(shape[-3:])), 4, dtype=np.float64)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape, rng):
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    assert_gradients(dropout_linear.forward, dropout_linear.backward, *draw(rng, shape), **config)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_dropout_and_then_a_linear_layer_on_the_map_as_one_vector(shape, rng):
    x, p = draw(rng, shape)
    y, _ = dropout_linear.forward(x, p, rate=0.5, rng=np.random.default_rng(3))
    d, _ = dropout.forward(x.reshape(*shape[:-3], -1), rate=0.5, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(y, linear.forward(d, p)[0])
    assert y.shape == (*shape[:-3], 4)


def test_against_pytorch(rng, judge):
    def theirs(x, p):
        return judge.linear(x.reshape(3, -1), p)

    def forward(x, p):
        return dropout_linear.forward(x, p, rate=0.5)

    judge.assert_same(forward, dropout_linear.backward, theirs, *draw(rng, SHAPES[0]))


def test_without_a_generator_nothing_is_dropped(rng):
    x, p = draw(rng, SHAPES[0])
    plain, _ = dropout_linear.forward(x, p, rate=0.9)
    np.testing.assert_array_equal(plain, dropout_linear.forward(x, p, rate=0.0, rng=rng)[0])


def test_manners(rng):
    config = {"rate": lambda: 0.4, "rng": lambda: np.random.default_rng(1)}
    assert_manners(dropout_linear.forward, dropout_linear.backward, *draw(rng, SHAPES[0]), **config)


def test_complex_step(rng):
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    x, p = draw(rng, SHAPES[0])

    def forward(x, p):
        return dropout_linear.forward(x, p, rate=0.4, rng=np.random.default_rng(1))

    assert config["rate"] == 0.4
    assert_complex_step(forward, dropout_linear.backward, x, p)

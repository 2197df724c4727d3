import copy
from types import SimpleNamespace

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import dropout
from tests.judges import assert_complex_step, assert_manners


@pytest.mark.parametrize("shape", [(3, 5), (1,), (2, 3, 5, 7)])
def test_derivatives(shape, rng):
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    assert_gradients(dropout.forward, dropout.backward, rng.normal(size=shape), **config)


def test_without_a_generator_it_is_the_identity(rng):
    x = rng.normal(size=(3, 5))
    y, cache = dropout.forward(x, rate=0.6)
    assert y is x
    assert dropout.backward(x, cache) is x


def test_rate_0_keeps_everything(rng):
    x = rng.normal(size=(30, 5))
    before = copy.deepcopy(rng)
    y, cache = dropout.forward(x, rate=0, rng=rng)
    assert y is x and dropout.backward(x, cache) is x
    assert rng.random() == before.random()  # nothing was drawn


def test_a_draw_as_large_as_the_rate_keeps():
    """Draws lie in [0, 1), so 1 - rate of them are rate or more."""
    draws = SimpleNamespace(random=lambda shape, dtype: np.array([0.25, 0.5, 0.75], dtype))
    y, _ = dropout.forward(np.ones(3), rate=0.5, rng=draws)
    assert y.tolist() == [0, 2, 2]


@pytest.mark.parametrize("rate", [0.2, 0.6, 0.9])
def test_the_mean_is_preserved(rate, rng):
    n = 200_000
    y, _ = dropout.forward(np.ones(n), rate=rate, rng=rng)
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-15)
    kept = np.count_nonzero(y)
    assert abs(kept - n * (1 - rate)) < 5 * np.sqrt(n * rate * (1 - rate))
    assert abs(y.mean() - 1) < 5 * np.sqrt(rate / (1 - rate) / n)


def test_forward_and_backward_drop_the_same_values(rng):
    x = rng.normal(size=(7, 11))
    y, cache = dropout.forward(x, rate=0.5, rng=rng)
    np.testing.assert_array_equal(dropout.backward(x, cache), y)
    assert 0 < np.count_nonzero(y) < y.size


def test_every_value_is_dropped_by_itself_and_every_call_anew(rng):
    x = np.ones((40, 50))
    first, _ = dropout.forward(x, rate=0.5, rng=rng)
    second, _ = dropout.forward(x, rate=0.5, rng=rng)
    assert (first != second).any()
    assert first.std(axis=0).all() and first.std(axis=1).all()


def test_the_generator_decides_and_nothing_else():
    x = np.ones((5, 7))
    one, two, single = (
        dropout.forward(x.astype(dtype), rate=0.5, rng=np.random.default_rng(3))[0]
        for dtype in (np.float64, np.float64, np.float32)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, single)  # the same mask in single precision
    draws = np.random.default_rng(3).random((5, 7), dtype=np.float32)
    np.testing.assert_array_equal(one, np.where(draws >= 0.5, 2, 0))


def test_manners(rng):
    config = {"rate": lambda: 0.3, "rng": lambda: np.random.default_rng(1)}
    assert_manners(dropout.forward, dropout.backward, rng.normal(size=(3, 5)), **config)
    assert_manners(dropout.forward, dropout.backward, rng.normal(size=(3, 5)), rate=lambda: 0.3)


def test_complex_numbers():
    x = np.random.default_rng(0).normal(size=(3, 5))

    def forward(x):
        return dropout.forward(x, rate=0.4, rng=np.random.default_rng(1))

    assert_complex_step(forward, dropout.backward, x)


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, np.nan])
def test_a_rate_that_is_no_share_is_refused(rate, rng):
    with pytest.raises(ValueError, match="rate"):
        dropout.forward(np.ones(3), rate=rate, rng=rng)

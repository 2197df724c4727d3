import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import gru, gru_projected
from tests.judges import SEQUENCES, assert_complex_step, assert_manners, upstream


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), gru.init(rng, D, S, dtype=np.float64)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_it_is_the_gru(shape, rng):
    x, p = draw(rng, shape)
    (h, cache), (expected, steps) = gru_projected.forward(x, p), gru.forward(x, p)
    np.testing.assert_allclose(h, expected, rtol=1e-13, atol=1e-13)
    dh = upstream(rng, h)
    (dx, grads), (expected_dx, expected_grads) = gru_projected.backward(dh, cache), gru.backward(dh, steps)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-12, atol=1e-13)
    assert list(grads) == list(expected_grads)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected_grads[name], rtol=1e-12, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(gru_projected.forward, gru_projected.backward, *draw(rng, shape))


def test_padding_after_the_end_cannot_be_seen(rng):
    x, p = draw(rng, SEQUENCES[0])
    h, _ = gru_projected.forward(x, p)
    x[:, 3:] = 1e6
    np.testing.assert_array_equal(gru_projected.forward(x, p)[0][:, :3], h[:, :3])


def test_manners(rng):
    assert_manners(gru_projected.forward, gru_projected.backward, *draw(rng, SEQUENCES[0]))


def test_complex_step(rng):
    assert_complex_step(gru_projected.forward, gru_projected.backward, *draw(rng, SEQUENCES[0]))

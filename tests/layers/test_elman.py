import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import elman
from tests.judges import SEQUENCES, assert_complex_step, assert_draws, assert_manners


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), elman.init(rng, D, S, dtype=np.float64)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(elman.forward, elman.backward, *draw(rng, shape))


def test_derivatives_of_the_step(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    assert_gradients(elman.step_forward, elman.step_backward, x[:, 0], rng.normal(size=(3, 5)), p)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_against_pytorch(shape, rng, judge):
    judge.assert_same(elman.forward, elman.backward, judge.elman, *draw(rng, shape))


def test_two_frames_by_hand():
    """Scalars: h1 = tanh(x1 w + b), h2 = tanh(x2 w + h1 u + b); loss on the last frame only."""
    x1, x2, w, u, b = 0.5, -0.3, 0.8, -1.1, 0.2
    h, cache = elman.forward(np.array([[[x1], [x2]]]), {"W": np.array([[w]]), "U": np.array([[u]]), "b": np.array([b])})
    h1 = math.tanh(x1 * w + b)
    h2 = math.tanh(x2 * w + h1 * u + b)
    np.testing.assert_allclose(h.ravel(), [h1, h2], rtol=1e-15)
    dx, grads = elman.backward(np.array([[[0.0], [1.0]]]), cache)
    da2 = 1 - h2**2
    da1 = da2 * u * (1 - h1**2)
    np.testing.assert_allclose(dx.ravel(), [da1 * w, da2 * w], rtol=1e-14)
    np.testing.assert_allclose(grads["W"], [[x1 * da1 + x2 * da2]], rtol=1e-14)
    np.testing.assert_allclose(grads["U"], [[h1 * da2]], rtol=1e-14)
    np.testing.assert_allclose(grads["b"], [da1 + da2], rtol=1e-14)


def test_one_frame_is_the_step_from_a_state_of_zero(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    h, cache = elman.forward(x, p)
    step, step_cache = elman.step_forward(x[:, 0], np.zeros((3, 5)), p)
    np.testing.assert_array_equal(h[:, 0], step)
    dh = rng.normal(size=h.shape)
    dx, grads = elman.backward(dh, cache)
    step_dx, _, step_grads = elman.step_backward(dh[:, 0], step_cache)
    np.testing.assert_array_equal(dx[:, 0], step_dx)
    for name in grads:
        np.testing.assert_array_equal(grads[name], step_grads[name])


def test_padding_reaches_no_earlier_state_and_gets_no_gradient(rng):
    x, p = draw(rng, (3, 5, 2, 4))
    h, cache = elman.forward(x, p)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dx, grads = elman.backward(dh, cache)
    x[:, 3:] = 1e6
    padded_h, padded_cache = elman.forward(x, p)
    padded_dx, padded_grads = elman.backward(dh, padded_cache)
    assert padded_h[:, :3].tobytes() == h[:, :3].tobytes()
    assert padded_dx.tobytes() == dx.tobytes() and not padded_dx[:, 3:].any()
    for name in grads:
        assert padded_grads[name].tobytes() == grads[name].tobytes()


def test_manners(rng):
    assert_manners(elman.forward, elman.backward, *draw(rng, (3, 4, 2, 5)))
    x, p = draw(rng, (3, 1, 2, 5))
    assert_manners(elman.step_forward, elman.step_backward, x[:, 0], rng.normal(size=(3, 5)), p)


def test_complex_step(rng):
    assert_complex_step(elman.forward, elman.backward, *draw(rng, (3, 4, 2, 5)))


def test_init_is_uniform_within_one_over_the_root_of_the_state(rng):
    p = elman.init(rng, 200, 100)
    assert {name: value.shape for name, value in p.items()} == {"W": (200, 100), "U": (100, 100), "b": (100,)}
    for values in p.values():
        assert values.dtype == np.float32
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    assert_draws(elman.init, 2, 4, bound=1 / 2, shapes={"W": (2, 4), "U": (4, 4), "b": (4,)})

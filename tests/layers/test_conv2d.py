import re

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col, loops
from minireid.layers import conv2d
from tests.judges import CONVOLUTIONS, assert_complex_step, assert_draws, assert_manners


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple:
    """x, p and the configuration of a convolution given as in CONVOLUTIONS."""
    N, H, W, C, KH, KW, O, stride, padding = shape
    p = conv2d.init(rng, KH, KW, C, O, dtype=np.float64)
    return rng.normal(size=(N, H, W, C)), p, {"stride": stride, "padding": padding}


@pytest.mark.parametrize("shape", CONVOLUTIONS, ids=str)
def test_derivatives(shape, rng):
    x, p, config = draw(rng, shape)
    assert_gradients(conv2d.forward, conv2d.backward, x, p, **config)


@pytest.mark.parametrize("shape", CONVOLUTIONS[5:7], ids=str)
def test_derivatives_of_the_definition(shape, rng):
    x, p, config = draw(rng, shape)
    assert_gradients(conv2d.forward, conv2d.backward, x, p, **config, kernel=loops)


@pytest.mark.parametrize("shape", CONVOLUTIONS, ids=str)
def test_against_pytorch(shape, rng, judge):
    x, p, config = draw(rng, shape)
    judge.assert_same(conv2d.forward, conv2d.backward, judge.conv2d, x, p, **config)
    judge.assert_same(conv2d.forward, conv2d.backward, judge.conv2d, x, p, **config, kernel=im2col)


def test_manners(rng):
    x, p, _ = draw(rng, CONVOLUTIONS[2])
    assert_manners(conv2d.forward, conv2d.backward, x, p, stride=lambda: 2, padding=lambda: 1)


def test_complex_step(rng):
    x, p, config = draw(rng, CONVOLUTIONS[2])
    assert_complex_step(conv2d.forward, conv2d.backward, x, p, **config, kernel=im2col)


@pytest.mark.parametrize("C_in", [2, 300])
def test_a_1x1_kernel_is_a_linear_layer_on_every_pixel(C_in, rng):
    x, p, _ = draw(rng, (3, 5, 7, C_in, 1, 1, 3, 1, 0))
    y, _ = conv2d.forward(x, p)
    np.testing.assert_allclose(y, x @ p["W"][0, 0] + p["b"], rtol=1e-12)


def test_the_kernel_is_not_flipped():
    """One bright pixel leaves the kernel turned round in y: y[i, j] = W[2 - i, 2 - j] (a cross-correlation)."""
    x = np.zeros((1, 3, 3, 1))
    x[0, 1, 1] = 1
    p = {"W": np.arange(9.0).reshape(3, 3, 1, 1), "b": np.zeros(1)}
    y, _ = conv2d.forward(x, p, padding=1)
    np.testing.assert_array_equal(y[0, :, :, 0], p["W"][::-1, ::-1, 0, 0])


def test_a_first_layer_can_do_without_dx(rng):
    x, p, config = draw(rng, CONVOLUTIONS[2])
    y, cache = conv2d.forward(x, p, **config)
    dy = rng.normal(size=y.shape)
    _, grads = conv2d.backward(dy, cache)
    dx, same_grads = conv2d.backward(dy, cache, need_dx=False)
    assert dx is None
    for name in grads:
        np.testing.assert_array_equal(grads[name], same_grads[name])


def test_init_is_uniform_within_one_over_the_root_of_fan_in(rng):
    p = conv2d.init(rng, 5, 4, 5, 101)
    assert p["W"].shape == (5, 4, 5, 101) and p["b"].shape == (101,) and p["W"].dtype == np.float32
    for values in p.values():
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09  # fan_in = 100
    assert abs(p["W"].mean()) < 0.002
    assert_draws(conv2d.init, 2, 3, 6, 5, bound=1 / 6, shapes={"W": (2, 3, 6, 5), "b": (5,)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.zeros((1, 5, 5, 3))}, "expected x (N, H, W, C_in) and W (KH, KW, C_in, C_out), got (1, 5, 5, 3) and"),
        ({"x": np.zeros((1, 5, 5, 1))}, "C_in"),
        ({"x": np.zeros((5, 5, 2))}, "C_in"),
        ({"x": np.zeros((1, 5, 5, 2, 1))}, "C_in"),
        ({"W": np.zeros((4, 5, 2))}, "C_in"),
        ({"W": np.zeros((4, 5, 2, 1, 1))}, "C_in"),
        ({"x": np.zeros((1, 5, 5, 2), np.float32)}, "x is float32, W float64, b float64; convert them to one dtype"),
        ({"W": np.zeros((4, 5, 2, 1), np.float32)}, "dtype"),
        ({"b": np.zeros(1, np.float32)}, "dtype"),
        ({"b": np.zeros(1, np.complex128)}, "dtype"),
        ({"x": np.zeros((1, 5, 5, 2), np.complex128)}, "dtype"),
        ({"x": np.zeros((1, 3, 7, 2))}, "kernel (4, 5) is larger than the map (3, 7) with padding 0"),
        ({"x": np.zeros((1, 7, 4, 2))}, "kernel (4, 5) is larger than the map (7, 4) with padding 0"),
        ({"x": np.zeros((1, 1, 7, 2)), "padding": 1}, "larger than the map (1, 7) with padding 1"),
        ({"x": np.zeros((1, 7, 2, 2)), "padding": 1}, "larger than the map (7, 2) with padding 1"),
        ({"stride": 0}, "stride must be 1 or more and padding 0 or more, got 0 and 0"),
        ({"padding": -1}, "stride must be 1 or more and padding 0 or more, got 1 and -1"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    given = {"x": np.zeros((1, 7, 7, 2)), "W": np.zeros((4, 5, 2, 1)), "b": np.zeros(1)} | change
    p = {"W": given.pop("W"), "b": given.pop("b")}
    with pytest.raises(ValueError, match=re.escape(words)):
        conv2d.forward(p=p, **given)


@pytest.mark.parametrize(("H", "W", "padding"), [(4, 5, 0), (2, 3, 1)])
def test_a_kernel_as_large_as_the_padded_map_fits_once(H, W, padding, rng):
    y, _ = conv2d.forward(np.ones((1, H, W, 2)), conv2d.init(rng, 4, 5, 2, 3, dtype=np.float64), padding=padding)
    assert y.shape == (1, 1, 1, 3)

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import conv2d, conv_relu, relu
from tests.judges import assert_complex_step, assert_manners, counted

# N, H, W, C_in, K, C_out
BLOCKS = [(3, 7, 5, 2, 3, 2), (1, 5, 4, 1, 1, 3), (2, 3, 4, 2, 5, 3)]


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple:
    N, H, W, C, K, O = shape
    return rng.normal(size=(N, H, W, C)), conv_relu.init(rng, K, K, C, O, dtype=np.float64)


@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(conv_relu.forward, conv_relu.backward, *draw(rng, shape))


@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_the_size_is_kept_and_it_is_a_convolution_and_a_relu(shape, rng):
    x, p = draw(rng, shape)
    y, cache = conv_relu.forward(x, p)
    a, conv_cache = conv2d.forward(x, p, padding=shape[4] // 2)
    expected, relu_cache = relu.forward(a)
    np.testing.assert_array_equal(y, expected)
    assert y.shape == (*x.shape[:3], shape[5]) and (y == 0).any() and (y > 0).any()
    dy = rng.normal(size=y.shape)
    dx, grads = conv_relu.backward(dy, cache)
    expected_dx, expected_grads = conv2d.backward(relu.backward(dy, relu_cache), conv_cache)
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_array_equal(grads["W"], expected_grads["W"])


def test_against_pytorch(rng, judge):
    def theirs(x, p):
        return judge.F.relu(judge.conv2d(x, p, padding=1))

    judge.assert_same(conv_relu.forward, conv_relu.backward, theirs, *draw(rng, BLOCKS[0]))


def test_the_kernel_is_passed_on_and_dx_can_be_left_out(rng):
    kernel, calls = counted(im2col)
    y, cache = conv_relu.forward(*draw(rng, BLOCKS[0]), kernel=kernel)
    assert conv_relu.backward(y, cache, need_dx=False)[0] is None
    assert calls == {"forward": 1, "backward_weights": 1}


def test_manners(rng):
    assert_manners(conv_relu.forward, conv_relu.backward, *draw(rng, BLOCKS[0]))


def test_complex_step(rng):
    assert_complex_step(conv_relu.forward, conv_relu.backward, *draw(rng, BLOCKS[0]))

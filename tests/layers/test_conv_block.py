import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import conv2d, conv_block, maxpool2d, relu, tanh
from tests.judges import assert_manners, counted

# N, H, W, C_in, KH, KW, C_out, padding
BLOCKS = [(3, 7, 5, 2, 3, 3, 2, 1), (1, 5, 4, 1, 1, 1, 3, 0), (2, 3, 4, 2, 5, 5, 3, 4), (1, 6, 7, 3, 4, 3, 1, 2)]


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple:
    N, H, W, C, KH, KW, O, _ = shape
    return rng.normal(size=(N, H, W, C)), conv_block.init(rng, KH, KW, C, O, dtype=np.float64)


@pytest.mark.parametrize("activation", [tanh, relu], ids=["tanh", "relu"])
@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_derivatives(shape, activation, rng):
    x, p = draw(rng, shape)
    assert_gradients(conv_block.forward, conv_block.backward, x, p, padding=shape[-1], activation=activation)


@pytest.mark.parametrize("activation", [tanh, relu], ids=["tanh", "relu"])
@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_against_pytorch_in_the_papers_order(shape, activation, rng, judge):
    x, p = draw(rng, shape)
    config = {"padding": shape[-1], "activation": activation}
    judge.assert_same(conv_block.forward, conv_block.backward, judge.conv_block, x, p, **config)


@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_it_is_the_composition_of_the_plain_layers(shape, rng):
    x, p = draw(rng, shape)
    z, conv_cache = conv2d.forward(x, p, padding=shape[-1], kernel=im2col)
    m, pool_cache = maxpool2d.forward(z)
    y, tanh_cache = tanh.forward(m)
    dy = rng.normal(size=y.shape)
    dz = maxpool2d.backward(tanh.backward(dy, tanh_cache), pool_cache)
    dx, grads = conv2d.backward(dz, conv_cache)
    block, cache = conv_block.forward(x, p, padding=shape[-1])
    block_dx, block_grads = conv_block.backward(dy, cache)
    for mine, plain in ((block, y), (block_dx, dx), (block_grads["W"], grads["W"]), (block_grads["b"], grads["b"])):
        np.testing.assert_allclose(mine, plain, rtol=1e-12, atol=1e-12)


def test_maps_and_kernels_are_measured_each_in_its_own_direction(rng):
    """A convolution of 2 x 2 pixels is the least that a window fits on, whichever way they lie; less is refused."""
    for shape in ((1, 2, 6, 1, 1, 5, 1, 0), (1, 6, 2, 1, 5, 1, 1, 0), (1, 4, 2, 1, 5, 3, 1, 1)):
        assert conv_block.forward(*draw(rng, shape), padding=shape[-1])[0].shape == (1, 1, 1, 1)
    for shape in ((1, 6, 5, 1, 1, 5, 1, 0), (1, 5, 6, 1, 5, 1, 1, 0), (1, 3, 9, 1, 5, 3, 1, 1)):
        with pytest.raises(ValueError, match=r"window \(2, 2\) is larger than the map"):
            conv_block.forward(*draw(rng, shape), padding=shape[-1])


def test_there_is_no_padding_by_default(rng):
    x, p = draw(rng, BLOCKS[0])
    np.testing.assert_array_equal(conv_block.forward(x, p)[0], conv_block.forward(x, p, padding=0)[0])


def test_the_kernel_is_passed_on(rng):
    kernel, calls = counted(im2col)
    y, cache = conv_block.forward(*draw(rng, BLOCKS[1]), kernel=kernel)
    conv_block.backward(y, cache)
    assert calls == {"forward": 1, "backward_input": 1, "backward_weights": 1}


def test_manners(rng):
    assert_manners(conv_block.forward, conv_block.backward, *draw(rng, BLOCKS[0]), padding=lambda: 1)


def test_a_first_block_can_do_without_dx(rng):
    y, cache = conv_block.forward(*draw(rng, BLOCKS[0]))
    dy = rng.normal(size=y.shape)
    dx, grads = conv_block.backward(dy, cache, need_dx=False)
    _, same_grads = conv_block.backward(dy, cache)
    assert dx is None
    for name in grads:
        np.testing.assert_array_equal(grads[name], same_grads[name])

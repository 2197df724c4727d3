import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import conv_block, relu, sigmoid, tanh
from tests.judges import assert_manners
from tests.layers.test_conv_block import BLOCKS, draw

fused = pytest.importorskip("minireid.layers.conv_block_fused", reason="needs numba: pip install -e .")


@pytest.mark.parametrize("activation", [tanh, relu], ids=["tanh", "relu"])
@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_derivatives(shape, activation, rng):
    x, p = draw(rng, shape)
    assert_gradients(fused.forward, fused.backward, x, p, padding=shape[-1], activation=activation, method="central")


@pytest.mark.parametrize("activation", [tanh, relu], ids=["tanh", "relu"])
@pytest.mark.parametrize("shape", BLOCKS, ids=str)
def test_it_is_the_definition_but_for_rounding(shape, activation, rng):
    x, p = draw(rng, shape)
    how = {"padding": shape[-1], "activation": activation}
    y, cache = conv_block.forward(x, p, **how)
    dy = rng.normal(size=y.shape)
    dx, grads = conv_block.backward(dy, cache)
    mine, my_cache = fused.forward(x, p, **how)
    my_dx, my_grads = fused.backward(dy, my_cache)
    for one, other in ((mine, y), (my_dx, dx), (my_grads["W"], grads["W"]), (my_grads["b"], grads["b"])):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_maps_and_kernels_are_measured_each_in_its_own_direction(rng):
    """A convolution of 2 x 2 pixels is the least that a window fits on, whichever way they lie; less is refused."""
    for shape in ((1, 2, 6, 1, 1, 5, 1, 0), (1, 6, 2, 1, 5, 1, 1, 0), (1, 4, 2, 1, 5, 3, 1, 1)):
        assert fused.forward(*draw(rng, shape), padding=shape[-1])[0].shape == (1, 1, 1, 1)
    for shape in ((1, 6, 5, 1, 1, 5, 1, 0), (1, 5, 6, 1, 5, 1, 1, 0), (1, 3, 9, 1, 5, 3, 1, 1)):
        with pytest.raises(ValueError, match=r"window \(2, 2\) is larger than the map"):
            fused.forward(*draw(rng, shape), padding=shape[-1])


def test_what_it_does_not_compute(rng):
    x, p = draw(rng, BLOCKS[0])
    with pytest.raises(ValueError, match="expected float32 or float64 and tanh or relu, got complex128"):
        fused.forward(x + 0j, {name: a + 0j for name, a in p.items()}, padding=1)
    with pytest.raises(ValueError, match=r"tanh or relu, got float64, <module 'minireid\.layers\.sigmoid'"):
        fused.forward(x, p, padding=1, activation=sigmoid)


def test_the_activation_takes_the_place_of_the_pooled_maps(rng, monkeypatch):
    """Another array of that size would be time and memory for nothing."""
    pooled, plain = [], fused.fused.forward
    monkeypatch.setattr(fused.fused, "forward", lambda *x, **how: pooled.append(plain(*x, **how)) or pooled[-1])
    for activation in (tanh, relu):
        y, _ = fused.forward(*draw(rng, BLOCKS[0]), activation=activation)
        assert y is pooled[-1][0]


def test_there_is_no_padding_by_default(rng):
    x, p = draw(rng, BLOCKS[0])
    np.testing.assert_array_equal(fused.forward(x, p)[0], fused.forward(x, p, padding=0)[0])


def test_manners(rng):
    assert_manners(fused.forward, fused.backward, *draw(rng, BLOCKS[0]), padding=lambda: 1)


def test_a_first_block_can_do_without_dx(rng):
    y, cache = fused.forward(*draw(rng, BLOCKS[0]))
    dy = rng.normal(size=y.shape)
    dx, grads = fused.backward(dy, cache, need_dx=False)
    _, same_grads = fused.backward(dy, cache)
    assert dx is None
    for name in grads:
        np.testing.assert_array_equal(grads[name], same_grads[name])

import re

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.kernels import direct, im2col, loops
from minireid.layers import conv_gru, gru
from tests.judges import assert_complex_step, assert_manners, counted

# N, T, H, W, C, S, kernel_input, kernel_state: one frame, one pixel, kernels larger than the map and of one pixel.
SHAPES = [
    (2, 3, 4, 5, 2, 3, 3, 3),
    (1, 1, 3, 4, 2, 2, 3, 3),
    (3, 2, 2, 3, 1, 2, 5, 3),
    (2, 4, 3, 2, 3, 1, 3, 1),
    (2, 3, 2, 2, 1, 2, 1, 5),
    (3, 3, 1, 1, 2, 3, 3, 3),
]


def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple:
    N, T, H, W, C, S, k, l = shape
    x = rng.normal(size=(N, T, H, W, C))
    return x, conv_gru.init(rng, C, S, kernel_input=k, kernel_state=l, dtype=np.float64)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(conv_gru.forward, conv_gru.backward, *draw(rng, shape), kernel=im2col)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_pytorch(shape, rng, judge):
    x, p = draw(rng, shape)
    judge.assert_same(conv_gru.forward, conv_gru.backward, judge.conv_gru, x, p)
    judge.assert_same(conv_gru.forward, conv_gru.backward, judge.conv_gru, x, p, kernel=im2col)


def test_the_definition_of_the_convolution_gives_the_same(rng):
    x, p = draw(rng, (1, 2, 3, 2, 1, 2, 3, 3))
    (h, cache), (expected, expected_cache) = (conv_gru.forward(x, p, kernel=k) for k in (loops, im2col))
    np.testing.assert_allclose(h, expected, rtol=1e-13)
    dh = rng.normal(size=h.shape)
    (dx, grads), (expected_dx, expected_grads) = conv_gru.backward(dh, cache), conv_gru.backward(dh, expected_cache)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-12, atol=1e-15)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected_grads[name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_on_maps_of_one_pixel_it_is_the_gru(rng):
    """Of every kernel only the middle meets the pixel; all else meets zeros, and gets no gradient."""
    x, p = draw(rng, (3, 5, 1, 1, 2, 4, 5, 3))
    middle = {name: value if value.ndim == 1 else value[len(value) // 2, len(value) // 2] for name, value in p.items()}
    h, cache = conv_gru.forward(x, p)
    expected, steps = gru.forward(x[:, :, 0, 0], middle)
    np.testing.assert_allclose(h[:, :, 0, 0], expected, rtol=1e-13)
    dh = rng.normal(size=h.shape)
    (dx, grads), (expected_dx, expected_grads) = conv_gru.backward(dh, cache), gru.backward(dh[:, :, 0, 0], steps)
    np.testing.assert_allclose(dx[:, :, 0, 0], expected_dx, rtol=1e-12)
    for name, grad in grads.items():
        if grad.ndim == 4:
            k = len(grad) // 2
            np.testing.assert_allclose(grad[k, k], expected_grads[name], rtol=1e-12, err_msg=name)
            grad[k, k] = 0
            assert not grad.any()
        else:
            np.testing.assert_allclose(grad, expected_grads[name], rtol=1e-12, err_msg=name)


def test_one_frame_by_hand():
    """One channel, one bright pixel, from h' = 0: h = sigmoid(az) tanh(ac), and no state is convolved."""
    x = np.zeros((1, 1, 3, 3, 1))
    x[0, 0, 1, 1] = 2
    p = conv_gru.init(np.random.default_rng(0), 1, 1, kernel_input=3, kernel_state=3, dtype=np.float64)
    h, cache = conv_gru.forward(x, p)
    az, ac = (2 * p["W" + gate][::-1, ::-1, 0, 0] + p["b" + gate] for gate in "zc")  # a pixel leaves the kernel turned
    np.testing.assert_allclose(h[0, 0, :, :, 0], np.tanh(ac) / (1 + np.exp(-az)), rtol=1e-13)
    _, grads = conv_gru.backward(np.random.default_rng(1).normal(size=h.shape), cache)
    assert not any(grads[name].any() for name in ("Wr", "br", "Uz", "Ur", "Uc"))
    assert all(grads[name].any() for name in ("Wz", "bz", "Wc", "bc"))


@pytest.mark.parametrize(("kernel_state", "reach"), [(1, 0), (3, 2), (5, 4)])
def test_at_every_frame_a_state_reaches_two_half_kernels_further(kernel_state, reach, rng):
    """The candidate sees the neighbours' r h', and their r sees theirs. Input kernels of one pixel spread nothing."""
    p = conv_gru.init(rng, 1, 2, kernel_input=1, kernel_state=kernel_state, dtype=np.float64)
    x = rng.normal(size=(1, 3, 1, 21, 1))
    h, _ = conv_gru.forward(x, p)
    x[0, 0, 0, 10] += 1
    moved = (conv_gru.forward(x, p)[0] != h)[0, :, 0].any(axis=2)  # (T, W)
    for t in range(3):
        assert np.flatnonzero(moved[t]).tolist() == list(range(10 - t * reach, 11 + t * reach))


def test_the_inputs_of_all_frames_are_convolved_at_once_and_two_convolutions_a_frame_are_left(rng):
    x, p = draw(rng, SHAPES[0])
    kernel, calls = counted(im2col)
    h, cache = conv_gru.forward(x, p, kernel=kernel)
    assert calls == {"forward": 1 + 2 * 3}
    calls.clear()
    conv_gru.backward(h, cache)
    assert calls == {"backward_input": 1 + 2 * 3, "backward_weights": 3}


@pytest.mark.parametrize("kernel", [direct, im2col])
def test_padding_reaches_no_earlier_state_and_gets_no_gradient(kernel, rng):
    x, p = draw(rng, (2, 5, 3, 4, 2, 3, 3, 3))
    h, cache = conv_gru.forward(x, p, kernel=kernel)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dx, grads = conv_gru.backward(dh, cache)
    x[:, 3:] = 1e6
    padded_h, padded_cache = conv_gru.forward(x, p, kernel=kernel)
    padded_dx, padded_grads = conv_gru.backward(dh, padded_cache)
    np.testing.assert_array_equal(padded_h[:, :3], h[:, :3])
    np.testing.assert_array_equal(padded_dx, dx)
    assert not padded_dx[:, 3:].any()
    for name in grads:
        np.testing.assert_allclose(padded_grads[name], grads[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_manners(rng):
    assert_manners(conv_gru.forward, conv_gru.backward, *draw(rng, SHAPES[0]))
    assert_manners(conv_gru.forward, conv_gru.backward, *draw(rng, SHAPES[0]), kernel=lambda: im2col)


def test_complex_step(rng):
    assert_complex_step(conv_gru.forward, conv_gru.backward, *draw(rng, SHAPES[0]), kernel=im2col)


def test_gradients_lie_in_one_piece_each(rng):
    h, cache = conv_gru.forward(*draw(rng, SHAPES[0]))
    _, grads = conv_gru.backward(h, cache)
    assert all(array.flags.c_contiguous for array in (h, *grads.values()))


@pytest.mark.parametrize("sizes", [(4, 3), (3, 2), (0, 3)])
def test_even_kernels_are_refused(sizes, rng):
    words = re.escape(f"conv_gru: kernels must be odd, so that maps keep their size, got {sizes}")
    with pytest.raises(ValueError, match=words):
        conv_gru.init(rng, 2, 3, kernel_input=sizes[0], kernel_state=sizes[1])
    x, p = draw(rng, SHAPES[0])
    with pytest.raises(ValueError, match="kernels must be odd"):
        conv_gru.forward(x, p | {"Uz": p["Uz"][:2]})
    with pytest.raises(ValueError, match="kernels must be odd"):
        conv_gru.forward(x, p | {"Wz": p["Wz"][:, :2]})


def test_init_is_uniform_within_one_over_the_root_of_each_fan_in():
    p, drawn = conv_gru.init(np.random.default_rng(3), 8, 12), np.random.default_rng(3)
    assert list(p) == ["Wz", "Uz", "bz", "Wr", "Ur", "br", "Wc", "Uc", "bc"]
    for name, value in p.items():
        shape = {"W": (5, 5, 8, 12), "U": (5, 5, 12, 12), "b": (12,)}[name[0]]
        bound = 1 / np.sqrt(25 * (12 if name[0] == "U" else 8))
        np.testing.assert_array_equal(value, drawn.uniform(-bound, bound, shape).astype(np.float32), err_msg=name)
    p = conv_gru.init(np.random.default_rng(3), 8, 12, kernel_input=9, kernel_state=1)
    assert p["Wc"].shape == (9, 9, 8, 12) and p["Uc"].shape == (1, 1, 12, 12)

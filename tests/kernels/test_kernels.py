"""The three convolution kernels: each held against the others, and all against the definition by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minireid.kernels import direct, im2col, loops
from tests.judges import CONVOLUTIONS

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12, np.complex128: 1e-12}


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> tuple[np.ndarray, ...]:
    """x, W, b and dy of a convolution given as in CONVOLUTIONS."""
    N, H, W, C, KH, KW, O, s, p = shape
    HO, WO = (H + 2 * p - KH) // s + 1, (W + 2 * p - KW) // s + 1
    arrays = [rng.normal(size=size) for size in ((N, H, W, C), (KH, KW, C, O), (O,), (N, HO, WO, O))]
    if dtype is np.complex128:
        arrays = [a + 1j * rng.normal(size=a.shape) for a in arrays]
    return tuple(a.astype(dtype) for a in arrays)


def run(kernel, shape: tuple[int, ...], x, W, b, dy) -> tuple[np.ndarray, ...]:
    """forward, backward_input and backward_weights."""
    how = {"stride": shape[-2], "padding": shape[-1]}
    return (
        kernel.forward(x, W, b, **how),
        kernel.backward_input(dy, W, x_shape=x.shape, **how),
        kernel.backward_weights(dy, x, W_shape=W.shape, **how),
    )


def assert_all_agree(shape: tuple[int, ...], kernels: tuple, arrays: tuple[np.ndarray, ...], dtype: type) -> None:
    expected = run(loops, shape, *arrays)
    assert expected[0].shape == arrays[3].shape
    for kernel in kernels:
        for mine, definition in zip(run(kernel, shape, *arrays), expected):
            assert mine.dtype == dtype and mine.shape == definition.shape
            np.testing.assert_allclose(mine, definition, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("shape", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_three_agree(shape, dtype, rng):
    assert_all_agree(shape, (im2col, direct), draw(rng, shape, dtype), dtype)


@pytest.mark.parametrize("shape", CONVOLUTIONS[1:5], ids=str)
def test_complex_numbers_pass_through_loops_and_im2col(shape, rng):
    assert_all_agree(shape, (im2col,), draw(rng, shape, np.complex128), np.complex128)


@settings(deadline=None, derandomize=True, max_examples=30, database=None)
@given(st.data())
def test_all_three_agree_at_any_size(data):
    N, H, W, C, KH, KW, O = (data.draw(st.integers(1, 4)) for _ in range(7))
    s, p = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
    if min(H, W) + 2 * p < max(KH, KW):
        return
    shape = (N, H, W, C, KH, KW, O, s, p)
    assert_all_agree(shape, (im2col, direct), draw(np.random.default_rng(0), shape, np.float64), np.float64)


@pytest.mark.parametrize("kernel", [loops, im2col, direct])
def test_by_hand(kernel):
    """Two pixels, a kernel of two, padding 1: y = [x0 w1, x0 w0 + x1 w1, x1 w0] + b in the row that meets the map."""
    x, W, b = np.array([[[[3.0], [5.0]]]]), np.array([[[[7.0]], [[11.0]]]]), np.array([2.0])
    y = kernel.forward(x, W, b, stride=1, padding=1)
    assert y[0, :, :, 0].tolist() == [[2, 2, 2], [35, 78, 37], [2, 2, 2]]
    dy = np.arange(1.0, 10).reshape(1, 3, 3, 1)  # the middle row is 4, 5, 6
    dx = kernel.backward_input(dy, W, x_shape=x.shape, stride=1, padding=1)
    assert dx.ravel().tolist() == [4 * 11 + 5 * 7, 5 * 11 + 6 * 7]
    dW = kernel.backward_weights(dy, x, W_shape=W.shape, stride=1, padding=1)
    assert dW.ravel().tolist() == [5 * 3 + 6 * 5, 4 * 3 + 5 * 5]


@pytest.mark.parametrize("kernel", [loops, im2col, direct])
def test_a_nan_reaches_the_pixels_that_it_touches_and_no_other(kernel, rng):
    shape = (2, 5, 6, 2, 3, 2, 3, 1, 1)
    x, W, b, dy = draw(rng, shape, np.float64)
    x[1, 2, 3, 0] = np.nan
    y = kernel.forward(x, W, b, stride=1, padding=1)
    touched = np.zeros(y.shape, bool)
    touched[1, 1:4, 3:5] = True  # rows 2 + 1 - kh for kh in 0..2, columns 3 + 1 - kw for kw in 0, 1
    np.testing.assert_array_equal(np.isnan(y), touched)
    dy[0, 0, 0, 1] = np.nan
    dx = kernel.backward_input(dy, W, x_shape=x.shape, stride=1, padding=1)
    assert np.isnan(dx[0, :2, 0]).all() and np.isnan(dx).sum() == 4  # window rows -1..1, columns -1..0, two channels
    dW = kernel.backward_weights(dy, x, W_shape=W.shape, stride=1, padding=1)
    assert np.isnan(dW[:, :, 0]).all() and np.isfinite(dW[0, :, 1, 0]).all()


@pytest.mark.parametrize("kernel", [loops, im2col, direct])
def test_arguments_stay_as_they_are_and_views_are_welcome(kernel, rng):
    shape = (2, 5, 4, 3, 3, 2, 2, 2, 1)
    arrays = draw(rng, shape, np.float64)
    views = tuple(np.asfortranarray(a)[::-1] for a in arrays[:2]) + (arrays[2], np.asfortranarray(arrays[3]))
    copies = tuple(np.ascontiguousarray(v) for v in views)
    for from_view, from_copy in zip(run(kernel, shape, *views), run(kernel, shape, *copies)):
        np.testing.assert_allclose(from_view, from_copy, rtol=1e-13, atol=1e-13)
    for view, copy in zip(views, copies):
        np.testing.assert_array_equal(view, copy)


def test_direct_gives_the_same_bits_on_one_thread_and_two(rng):
    import numba

    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba was given one thread (one core, or NUMBA_NUM_THREADS=1): there is nothing to compare")
    shape = (37, 12, 9, 3, 3, 3, 5, 1, 1)
    arrays = draw(rng, shape, np.float32)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = run(direct, shape, *arrays)
        numba.set_num_threads(2)
        two = [run(direct, shape, *arrays) for _ in range(5)]
    finally:
        numba.set_num_threads(before)
    for mine, expected in zip(one, run(im2col, shape, *arrays)):  # more images than there are partial sums
        np.testing.assert_allclose(mine, expected, rtol=2e-4, atol=2e-4)
    for again in two:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, again))


@pytest.mark.parametrize("changed", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1), (-1, 0, 0, 0)], ids=str)
def test_direct_refuses_shapes_that_would_lead_it_out_of_its_arrays(changed, rng):
    """Compiled, an index too large is a crash of the whole process, or a wrong number."""
    x, W = rng.normal(size=(2, 6, 5, 3)), rng.normal(size=(3, 3, 3, 4))
    wrong = tuple(n + more for n, more in zip((2, 6, 5, 4), changed))
    config = {"stride": 1, "padding": 1}
    with pytest.raises(ValueError, match=r"expected dy of shape \(2, 6, 5, 4\)"):
        direct.backward_input(rng.normal(size=wrong), W, x_shape=x.shape, **config)
    with pytest.raises(ValueError, match=r"expected dy of shape \(2, 6, 5, 4\)"):
        direct.backward_weights(rng.normal(size=wrong), x, W_shape=W.shape, **config)


@pytest.mark.parametrize("channels", [2, 4])
def test_direct_refuses_maps_of_other_channels(channels, rng):
    x, W = rng.normal(size=(2, 6, 5, channels)), rng.normal(size=(3, 3, 3, 4))
    dy, config = rng.normal(size=(2, 6, 5, 4)), {"stride": 1, "padding": 1}
    with pytest.raises(ValueError, match="for maps of 3 channels"):
        direct.forward(x, W, np.zeros(4), **config)
    with pytest.raises(ValueError, match="expected dy of shape"):
        direct.backward_input(dy, W, x_shape=x.shape, **config)
    with pytest.raises(ValueError, match="expected dy of shape"):
        direct.backward_weights(dy, x, W_shape=W.shape, **config)

"""The fused kernel: held against the block's definition on every shape, and its manners."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minireid.kernels import fused, vectors
from minireid.layers import conv_block, conv_block_fused, relu, tanh
from tests.judges import upstream

TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}
# N, H, W, C_in, KH, KW, C_out, padding: one window, one channel, odd maps, no padding and more than the kernel, kernels
# of one pixel, wide, high and large ones, more output channels than a register and no multiple of one, the networks'.
SHAPES = [
    (1, 2, 2, 1, 1, 1, 1, 0),
    (3, 7, 5, 2, 3, 3, 2, 1),
    (2, 3, 4, 2, 5, 5, 3, 4),
    (1, 6, 9, 3, 4, 3, 17, 2),
    (2, 9, 6, 33, 2, 1, 8, 0),
    (1, 5, 12, 1, 1, 7, 33, 3),
    (2, 16, 4, 5, 7, 2, 16, 1),
    (1, 12, 11, 4, 11, 11, 5, 5),
    (17, 8, 6, 16, 5, 5, 32, 2),
    (9, 12, 8, 5, 5, 5, 16, 2),
    (1, 4, 70, 8, 3, 3, 24, 1),
]


def draw(shape: tuple[int, ...], dtype: type, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    N, H, W, C, KH, KW, O, _ = shape
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, H, W, C)).astype(dtype), conv_block.init(rng, KH, KW, C, O, dtype=dtype)


def run(x, p, padding: int, activation, block=conv_block_fused, dy=None) -> dict[str, np.ndarray]:
    y, cache = block.forward(x, p, padding=padding, activation=activation)
    dy = upstream(np.random.default_rng(3), y) if dy is None else dy
    dx, grads = block.backward(dy, cache)
    return {"y": y, "dx": dx, "dW": grads["W"], "db": grads["b"]}


def assert_close(mine: dict[str, np.ndarray], definition: dict[str, np.ndarray], dtype: type) -> None:
    for name, array in definition.items():
        assert mine[name].dtype == dtype and mine[name].shape == array.shape and mine[name].flags.c_contiguous, name
        scale = max(1.0, float(abs(array).max()))
        np.testing.assert_allclose(mine[name], array, rtol=0, atol=TOLERANCE[dtype] * scale, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [tanh, relu], ids=["tanh", "relu"])
@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=str(shape), marks=[pytest.mark.slow] if n % 3 else []) for n, shape in enumerate(SHAPES)],
)
def test_it_is_the_definition(shape, activation, dtype):
    x, p = draw(shape, dtype)
    assert_close(run(x, p, shape[-1], activation), run(x, p, shape[-1], activation, conv_block), dtype)


@settings(deadline=None, derandomize=True, max_examples=25, database=None)
@given(st.data())
def test_it_is_the_definition_at_any_size(data):
    N, C, O = (data.draw(st.integers(1, most)) for most in (20, 9, 20))
    KH, KW = (data.draw(st.integers(1, 6)) for _ in range(2))
    padding = data.draw(st.integers(0, 4))
    H, W = (data.draw(st.integers(max(1, K + 1 - 2 * padding), K + 12)) for K in (KH, KW))
    x, p = draw((N, H, W, C, KH, KW, O, padding), np.float64, seed=N)
    assert_close(run(x, p, padding, tanh), run(x, p, padding, tanh, conv_block), np.float64)


@pytest.mark.parametrize("order", ["F", "reversed"])
def test_arrays_may_lie_in_memory_as_they_like(order):
    x, p = draw(SHAPES[1], np.float64)
    y = conv_block_fused.forward(x, p, padding=1)[0]
    dy = upstream(np.random.default_rng(3), y)

    def laid_out(array):
        return np.asfortranarray(array) if order == "F" else np.ascontiguousarray(array[..., ::-1])[..., ::-1]

    other = {name: laid_out(array) for name, array in p.items()}
    assert_close(run(laid_out(x), other, 1, tanh, dy=laid_out(dy)), run(x, p, 1, tanh, conv_block, dy=dy), np.float64)


def test_of_equal_corners_the_first_gets_the_gradient():
    x, p = np.ones((1, 6, 6, 2)), draw((1, 6, 6, 2, 3, 3, 4, 0), np.float64)[1]
    assert not fused.forward(x, p["W"], p["b"], padding=0)[1].any()
    assert_close(run(x, p, 1, relu), run(x, p, 1, relu, conv_block), np.float64)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "W", "b", "dy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_never_comes_out_as_a_number(where, bad, dtype):
    """y is not finite where the definition's is not, and every gradient that has a NaN there has one here.

    (Not at the same places: the definition multiplies also with the three gradients of a window that are 0, and 0 times
    NaN is NaN. With relu, because tanh makes 1 of infinity.)
    """
    x, p = draw((2, 7, 8, 5, 3, 3, 20, 1), dtype)
    dy = upstream(np.random.default_rng(3), conv_block_fused.forward(x, p, padding=1)[0])
    {"x": x[1, 3, 4], "W": p["W"][1, 1, 2], "b": p["b"], "dy": dy[1, 2, 3]}[where][3:4] = bad
    with np.errstate(invalid="ignore", over="ignore"):
        mine, definition = (run(x, p, 1, relu, block, dy) for block in (conv_block_fused, conv_block))
    assert (where == "b" and bad == -np.inf) or not all(np.isfinite(array).all() for array in definition.values())
    np.testing.assert_array_equal(np.isfinite(mine["y"]), np.isfinite(definition["y"]))
    for name, array in definition.items():
        assert np.isfinite(array).all() or not np.isfinite(mine[name]).all(), name


def test_numbers_next_to_zero_count_as_zero():
    x, p = draw(SHAPES[1], np.float32)
    tiny = np.full_like(x, 1e-39)
    y, cache = conv_block_fused.forward(tiny, p, padding=1)
    np.testing.assert_array_equal(y, conv_block_fused.forward(np.zeros_like(x), p, padding=1)[0])
    dx, grads = conv_block_fused.backward(np.full_like(y, 1e-39), cache)
    assert not dx.any() and not grads["W"].any() and not grads["b"].any()


def test_every_number_of_threads_gives_the_same_bits():
    x, p = draw((19, 16, 12, 5, 5, 5, 16, 2), np.float32)
    before, runs = numba.get_num_threads(), []
    try:
        for threads in range(1, numba.config.NUMBA_NUM_THREADS + 1):
            numba.set_num_threads(threads)
            runs += [run(x, p, 2, tanh) for _ in range(2)]
    finally:
        numba.set_num_threads(before)
    for other in runs[1:]:
        assert all(other[name].tobytes() == array.tobytes() for name, array in runs[0].items())


def test_an_image_is_computed_alike_alone_and_among_others():
    x, p = draw((5, 9, 8, 5, 5, 5, 16, 2), np.float32)
    y, _ = conv_block_fused.forward(x, p, padding=2)
    np.testing.assert_array_equal(conv_block_fused.forward(x[3:4], p, padding=2)[0][0], y[3])


def test_no_images_and_a_map_without_a_window():
    x, p = draw(SHAPES[1], np.float32)
    y, cache = conv_block_fused.forward(x[:0], p, padding=1)
    dx, grads = conv_block_fused.backward(y, cache)
    assert y.shape == (0, 3, 2, 2) and dx.shape == (0, *x.shape[1:]) and not grads["W"].any()
    with pytest.raises(ValueError, match="window"):
        conv_block_fused.forward(x[:, :1, :1], {"W": p["W"][:1, :1], "b": p["b"]})


@pytest.mark.parametrize("changed", [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, -1, 0), (0, 0, 0, 3)], ids=str)
def test_a_gradient_of_another_shape_is_refused(changed):
    """Compiled, an index too large is a crash of the whole process, or a wrong number."""
    x, p = draw(SHAPES[1], np.float32)
    y, cache = conv_block_fused.forward(x, p, padding=1)
    with pytest.raises(ValueError, match="expected dy of y's shape"):
        conv_block_fused.backward(np.ones([n + more for n, more in zip(y.shape, changed)], np.float32), cache)


OTHER_PROCESSORS = {  # NUMBA_CPU_NAME, NUMBA_CPU_FEATURES, LANES
    "AVX2": ("haswell", "+avx,+avx2,+fma,+sse2,+cx16,+64bit", 8),
    "no AVX": ("x86-64", "+sse2,+cx16,+64bit", 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("processor", OTHER_PROCESSORS)
def test_it_is_right_on_other_processors_too(processor, tmp_path):
    name, features, lanes = OTHER_PROCESSORS[processor]
    mine = vectors.features_compiled_for()
    if "+sse2" not in mine or ("avx2" in features and "+avx2" not in mine):
        pytest.skip(f"this machine is no x86 processor with {processor}")
    program = (
        "import numpy as np\n"
        "from minireid.kernels import vectors\n"
        "from tests.kernels.test_fused import *\n"
        f"assert vectors.LANES == {lanes}, vectors.LANES\n"
        "for shape in SHAPES[1:4] + SHAPES[-3:]:\n"
        "    x, p = draw(shape, np.float32)\n"
        "    assert_close(run(x, p, shape[-1], tanh), run(x, p, shape[-1], tanh, conv_block), np.float32)\n"
    )
    environment = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

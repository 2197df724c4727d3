"""The adjoint identity <dy, f(x)> = <backward(dy), x> of every linear map, for any x and dy.

It also holds for maps that only select, such as a max-pool or ReLU: f(2 x) = 2 f(x), and near x the selection is fixed
(Euler's identity).
"""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minireid.kernels import direct, im2col, loops
from minireid.layers import (
    average_pool2d,
    conv_block,
    conv_block_fused,
    conv_relu,
    dropout,
    elman_relu,
    linear,
    maxpool2d,
    relu,
    temporal_centre,
    temporal_last,
    temporal_max,
    temporal_mean,
)
from tests.properties.drawn import Convolution, blocks, bounded, clips, convolutions, generators, inner


def assert_adjoint(y: np.ndarray, dy: np.ndarray, *parts: tuple[np.ndarray, np.ndarray]) -> None:
    """<dy, y> is <dx, x> for each (dx, x), up to the rounding of a sum of so many products."""
    size = 1e-12 * (1 + np.abs(dy * y).sum())
    for dx, x in parts:
        assert abs(inner(dx, x) - inner(dy, y)) <= size


@pytest.mark.parametrize("kernel", [loops, im2col, direct])
@bounded
@given(drawn=convolutions(), rng=generators)
def test_convolutions(kernel: ModuleType, drawn: Convolution, rng: np.random.Generator) -> None:
    """Linear in x and in W, so both gradients keep to it."""
    x, W, how = drawn
    y = kernel.forward(x, W, np.zeros(W.shape[3]), **how)
    dy = rng.normal(size=y.shape)
    dx = kernel.backward_input(dy, W, x_shape=x.shape, **how)
    dW = kernel.backward_weights(dy, x, W_shape=W.shape, **how)
    assert_adjoint(y, dy, (dx, x), (dW, W))


@pytest.mark.parametrize("block", [conv_block, conv_block_fused])
@bounded
@given(drawn=blocks(), rng=generators)
def test_blocks_with_relu(block: ModuleType, drawn: Convolution, rng: np.random.Generator) -> None:
    """Convolution, max-pool and ReLU, without a bias."""
    x, W, how = drawn
    p = {"W": W, "b": np.zeros(W.shape[3])}
    y, cache = block.forward(x, p, **how, activation=relu)
    dy = rng.normal(size=y.shape)
    dx, grads = block.backward(dy, cache)
    assert_adjoint(y, dy, (dx, x), (grads["W"], W))


@bounded
@given(rng=generators, C=st.integers(1, 4), O=st.integers(1, 4))
def test_conv_relu(rng: np.random.Generator, C: int, O: int) -> None:
    x, W = rng.normal(size=(2, 5, 4, C)), rng.normal(size=(3, 3, C, O))
    y, cache = conv_relu.forward(x, {"W": W, "b": np.zeros(W.shape[3])})
    dy = rng.normal(size=y.shape)
    dx, grads = conv_relu.backward(dy, cache)
    assert_adjoint(y, dy, (dx, x), (grads["W"], W))


@bounded
@given(rng=generators, sizes=st.lists(st.integers(1, 5), min_size=3, max_size=4))
def test_linear(rng: np.random.Generator, sizes: list[int]) -> None:
    *of_x, D_out = sizes
    x, W = rng.normal(size=of_x), rng.normal(size=(of_x[-1], D_out))
    y, cache = linear.forward(x, {"W": W, "b": np.zeros(D_out)})
    dy = rng.normal(size=y.shape)
    dx, grads = linear.backward(dy, cache)
    assert_adjoint(y, dy, (dx, x), (grads["W"], W))


@bounded
@given(rng=generators, rate=st.floats(0, 0.95), seed=st.integers(0, 99))
def test_dropout(rng: np.random.Generator, rate: float, seed: int) -> None:
    x, dy = rng.normal(size=(2, 3, 4, 5))
    y, mask = dropout.forward(x, rate=rate, rng=np.random.default_rng(seed))
    assert_adjoint(y, dy, (dropout.backward(dy, mask), x))


@bounded
@given(rng=generators, grid=st.tuples(st.integers(1, 3), st.integers(1, 3)), tile=st.integers(1, 3))
def test_pools_of_maps(rng: np.random.Generator, grid: tuple[int, int], tile: int) -> None:
    x = rng.normal(size=(2, grid[0] * tile, grid[1] * 2, 3))
    pools: list[tuple[Any, dict[str, Any]]] = [(average_pool2d, {"size": grid})]
    if tile > 1:
        pools.append((maxpool2d, {"window": (2, 2), "stride": tile}))
    for pool, how in pools:
        y, cache = pool.forward(x, **how)
        dy = rng.normal(size=y.shape)
        assert_adjoint(y, dy, (pool.backward(dy, cache), x))


@pytest.mark.parametrize("pool", [temporal_mean, temporal_max, temporal_last, temporal_centre])
@bounded
@given(drawn=clips())
def test_pools_over_time(pool: ModuleType, drawn: tuple) -> None:
    h, lengths, rng = drawn
    y, cache = pool.forward(h, lengths=lengths)
    dy = rng.normal(size=y.shape)
    assert_adjoint(y, dy, (pool.backward(dy, cache), h))


@bounded
@given(drawn=clips())
def test_a_recurrence_with_relu_and_without_biases(drawn: tuple) -> None:
    """elman_relu: twice the frames, twice the outputs."""
    f, _, rng = drawn
    p = elman_relu.init(rng, f.shape[2], 3, dtype=np.float64)
    o, cache = elman_relu.forward(f, p)
    do = rng.normal(size=o.shape)
    df, grads = elman_relu.backward(do, cache)
    assert_adjoint(o, do, (df, f), (grads["W"], p["W"]))

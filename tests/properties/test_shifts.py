"""Convolutions and pools do not know where they are: a shifted map gives the shifted result."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minireid.kernels import direct, im2col, loops
from minireid.layers import average_pool2d, conv_block, conv_block_fused, maxpool2d
from tests.properties.drawn import Convolution, blocks, bounded, convolutions, generators

moves = st.tuples(st.integers(0, 2), st.integers(0, 2))  # steps of the result, down and to the right


def assert_moves(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, move: tuple[int, int], step: int) -> None:
    """x in the midst of zeros, and x moved by step * move: the results differ by the move alone."""
    down, right = move
    edge = 3 * step  # wide enough that nothing leaves the map
    down_to, right_to = (edge + (-n) % step for n in x.shape[1:3])  # a multiple of step
    still = np.pad(x, ((0, 0), (edge, down_to), (edge, right_to), (0, 0)))
    y, moved = function(still), function(np.roll(still, (step * down, step * right), axis=(1, 2)))
    H, W = y.shape[1:3]
    np.testing.assert_allclose(moved[:, down:, right:], y[:, : H - down, : W - right], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", [loops, im2col, direct])
@bounded
@given(drawn=convolutions(), move=moves)
def test_convolutions(kernel: ModuleType, drawn: Convolution, move: tuple[int, int]) -> None:
    if kernel is loops:  # seven loops in Python
        drawn = drawn._replace(x=drawn.x[:1, :3, :3, :1], W=drawn.W[:, :, :1, :1])
    b = np.ones(drawn.W.shape[3])
    assert_moves(lambda x: kernel.forward(x, drawn.W, b, **drawn.how), drawn.x, move, drawn.how["stride"])


@pytest.mark.parametrize("block", [conv_block, conv_block_fused])
@bounded
@given(drawn=blocks(), move=moves)
def test_blocks(block: ModuleType, drawn: Convolution, move: tuple[int, int]) -> None:
    p = {"W": drawn.W, "b": np.ones(drawn.W.shape[3])}
    assert_moves(lambda x: block.forward(x, p, **drawn.how)[0], drawn.x, move, 2)


@bounded
@given(rng=generators, move=moves, window=st.integers(1, 3), stride=st.integers(1, 3))
def test_pools(rng: np.random.Generator, move: tuple[int, int], window: int, stride: int) -> None:
    x = rng.normal(size=(2, 4, 5, 2))
    assert_moves(lambda x: maxpool2d.forward(x, window=(window, 2), stride=stride)[0], x, move, stride)

    def average(x: np.ndarray) -> np.ndarray:
        return average_pool2d.forward(x, size=(x.shape[1] // stride, x.shape[2] // stride))[0]

    assert_moves(average, x, move, stride)

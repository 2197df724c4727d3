import re

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.gradcheck.cases.pages import spaced
from minireid.layers import maxpool2d
from tests.judges import assert_manners

# shape, window, stride: one pixel, rows or columns left over, overlaps in one and in both directions, gaps
POOLS = [
    ((3, 7, 5, 2), (2, 2), 2),
    ((1, 5, 7, 3), (3, 3), 1),
    ((2, 7, 4, 1), (3, 2), 2),
    ((1, 4, 5, 2), (1, 1), 1),
    ((1, 3, 2, 5), (3, 2), 2),
    ((2, 7, 8, 1), (2, 1), 3),
    ((1, 6, 6, 2), (3, 3), 2),
    ((2, 5, 7, 1), (2, 2), 2),
]


@pytest.mark.parametrize(("shape", "window", "stride"), POOLS, ids=str)
def test_derivatives(shape, window, stride, rng):
    assert_gradients(maxpool2d.forward, maxpool2d.backward, spaced(rng, *shape), window=window, stride=stride)


@pytest.mark.parametrize(("shape", "window", "stride"), POOLS, ids=str)
def test_against_pytorch(shape, window, stride, rng, judge):
    x = spaced(rng, *shape)
    judge.assert_same(maxpool2d.forward, maxpool2d.backward, judge.maxpool2d, x, window=window, stride=stride)


@pytest.mark.parametrize(("shape", "window", "stride"), POOLS, ids=str)
def test_every_y_is_the_maximum_of_its_window(shape, window, stride, rng):
    x = rng.normal(size=shape)
    y, _ = maxpool2d.forward(x, window=window, stride=stride)
    (_, H, W, _), (KH, KW) = shape, window
    assert y.shape[1:3] == (len(range(0, H - KH + 1, stride)), len(range(0, W - KW + 1, stride)))
    for i, j in np.ndindex(y.shape[1:3]):
        here = x[:, i * stride : i * stride + KH, j * stride : j * stride + KW]
        np.testing.assert_array_equal(y[:, i, j], here.max(axis=(1, 2)))


def test_manners(rng):
    x = spaced(rng, 2, 5, 4, 3)
    assert_manners(maxpool2d.forward, maxpool2d.backward, x, window=lambda: (3, 2), stride=lambda: 1)


def test_by_hand():
    x = np.array([[1.0, 9, 2], [4, 3, 8], [7, 6, 5]]).reshape(1, 3, 3, 1)
    y, cache = maxpool2d.forward(x, window=(2, 2), stride=1)
    assert y.ravel().tolist() == [9, 9, 7, 8]
    dx = maxpool2d.backward(np.array([1.0, 10, 100, 1000]).reshape(1, 2, 2, 1), cache)
    assert dx[0, :, :, 0].tolist() == [[0, 11, 0], [0, 0, 1000], [100, 0, 0]]  # 9 wins two windows and gets both


def test_the_default_is_2x2_with_stride_2(rng):
    x = rng.normal(size=(2, 5, 6, 3))
    y, _ = maxpool2d.forward(x)
    np.testing.assert_array_equal(y, x[:, :4].reshape(2, 2, 2, 3, 2, 3).max(axis=(2, 4)))


def test_of_equal_values_the_first_gets_all_of_the_gradient():
    y, cache = maxpool2d.forward(np.full((1, 3, 3, 1), 5.0), window=(3, 3))
    dx = maxpool2d.backward(np.full_like(y, 2), cache)
    assert dx.ravel().tolist() == [2] + 8 * [0]
    x = np.array([1.0, 3, 3, 2]).reshape(1, 2, 2, 1)
    y, cache = maxpool2d.forward(x)
    assert maxpool2d.backward(np.ones_like(y), cache).ravel().tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("position", range(4))
def test_nan_comes_through(position):
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    x[0, position // 2, position % 2] = np.nan
    y, _ = maxpool2d.forward(x)
    assert np.isnan(y[0, 0, 0, 0]) and y.ravel()[1:].tolist() == [7, 13, 15]


def test_minus_infinity_is_a_value_like_any_other():
    y, cache = maxpool2d.forward(np.full((1, 2, 2, 1), -np.inf))
    assert y.item() == -np.inf and maxpool2d.backward(np.ones_like(y), cache).sum() == 1


def test_a_window_that_is_larger_than_the_map_is_refused():
    for window in ((4, 1), (1, 5)):
        with pytest.raises(ValueError, match=re.escape(f"window {window} is larger than the map (3, 4)")):
            maxpool2d.forward(np.zeros((1, 3, 4, 1)), window=window)


def test_the_size_of_the_default_window(rng):
    """output_size's defaults are forward's: who asks before pooling (conv_block) gets the same answer."""
    for H, W in ((2, 2), (5, 4), (6, 7), (9, 3)):
        y, _ = maxpool2d.forward(rng.normal(size=(1, H, W, 1)))
        assert maxpool2d.output_size(H, W) == y.shape[1:3]

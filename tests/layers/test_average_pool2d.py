import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import average_pool2d
from tests.judges import assert_complex_step, assert_manners

SIZES = [((3, 6, 5, 2), (2, 1)), ((1, 4, 4, 3), (4, 4)), ((2, 3, 8, 1), (1, 2)), ((1, 1, 1, 1), (1, 1))]


@pytest.mark.parametrize(("shape", "size"), SIZES, ids=str)
def test_derivatives(shape, size, rng):
    assert_gradients(average_pool2d.forward, average_pool2d.backward, rng.normal(size=shape), size=size)


@pytest.mark.parametrize(("shape", "size"), SIZES, ids=str)
def test_against_pytorch(shape, size, rng, judge):
    def theirs(x, *, size):
        return judge.F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)

    judge.assert_same(average_pool2d.forward, average_pool2d.backward, theirs, rng.normal(size=shape), size=size)


def test_by_hand():
    x = np.arange(8.0).reshape(1, 2, 4, 1)
    y, cache = average_pool2d.forward(x, size=(1, 2))
    assert y.ravel().tolist() == [(0 + 1 + 4 + 5) / 4, (2 + 3 + 6 + 7) / 4]
    dx = average_pool2d.backward(np.array([[[[4.0], [8.0]]]]), cache)
    assert dx[0, :, :, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


def test_windows_that_do_not_fit():
    with pytest.raises(ValueError, match=r"a map of 5 x 4 cannot be cut into 2 x 2 equal windows"):
        average_pool2d.forward(np.zeros((1, 5, 4, 1)), size=(2, 2))
    with pytest.raises(ValueError, match=r"a map of 4 x 5 cannot be cut into 2 x 2 equal windows"):
        average_pool2d.forward(np.zeros((1, 4, 5, 1)), size=(2, 2))


def test_manners(rng):
    shape, size = SIZES[0]
    assert_manners(average_pool2d.forward, average_pool2d.backward, rng.normal(size=shape), size=lambda: size)


def test_complex_step(rng):
    shape, size = SIZES[0]
    assert_complex_step(average_pool2d.forward, average_pool2d.backward, rng.normal(size=shape), size=size)

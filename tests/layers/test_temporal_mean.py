import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import temporal_mean
from tests.judges import assert_complex_step, assert_manners

CASES = [((3, 5, 7), [5, 1, 4]), ((1, 1, 2), [1]), ((3, 2, 2, 3, 1), [2, 2, 1]), ((2, 5), [3, 5]), ((3, 5, 2), None)]


@pytest.mark.parametrize(("shape", "lengths"), CASES, ids=str)
def test_derivatives(shape, lengths, rng):
    assert_gradients(temporal_mean.forward, temporal_mean.backward, rng.normal(size=shape), lengths=lengths)


@pytest.mark.parametrize(("shape", "lengths"), CASES, ids=str)
def test_against_pytorch(shape, lengths, rng, judge):
    h = rng.normal(size=shape)
    judge.assert_same(temporal_mean.forward, temporal_mean.backward, judge.temporal_mean, h, lengths=lengths)


def test_by_hand():
    h = np.array([[[1.0], [5.0], [1e6]], [[2.0], [4.0], [9.0]]])
    y, cache = temporal_mean.forward(h, lengths=np.array([2, 3]))
    assert y.tolist() == [[3], [5]]
    dh = temporal_mean.backward(np.array([[6.0], [6.0]]), cache)
    assert dh[..., 0].tolist() == [[3, 3, 0], [2, 2, 2]]


def test_whatever_stands_in_the_padding_changes_nothing(rng):
    h, lengths = rng.normal(size=(3, 5, 2, 7)), np.array([3, 5, 1])
    dy = rng.normal(size=(3, 2, 7))
    y, cache = temporal_mean.forward(h, lengths=lengths)
    dh = temporal_mean.backward(dy, cache)
    padding = np.arange(5) >= lengths[:, None]
    h[padding] = 1e6
    padded_y, padded_cache = temporal_mean.forward(h, lengths=lengths)
    padded_dh = temporal_mean.backward(dy, padded_cache)
    assert padded_y.tobytes() == y.tobytes() and padded_dh.tobytes() == dh.tobytes()
    assert not padded_dh[padding].any()
    for n, length in enumerate(lengths):
        alone, _ = temporal_mean.forward(h[n : n + 1, :length])
        np.testing.assert_allclose(alone[0], y[n], rtol=1e-14, atol=1e-15)


def test_manners(rng):
    lengths = {"lengths": lambda: np.array([4, 1, 3])}
    assert_manners(temporal_mean.forward, temporal_mean.backward, rng.normal(size=(3, 4, 5)), **lengths)


def test_complex_step(rng):
    h = rng.normal(size=(3, 4, 5))
    assert_complex_step(temporal_mean.forward, temporal_mean.backward, h, lengths=np.array([4, 1, 3]))


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="lengths"):
        temporal_mean.forward(np.zeros((2, 3, 5)), lengths=np.array([3, 4]))

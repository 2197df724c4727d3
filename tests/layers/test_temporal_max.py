import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.gradcheck.cases.pages import spaced
from minireid.layers import temporal_max
from tests.judges import assert_complex_step, assert_manners

CASES = [((3, 5, 7), [5, 1, 4]), ((1, 1, 2), [1]), ((3, 2, 2, 3, 1), [2, 2, 1]), ((2, 5), [3, 5]), ((3, 5, 2), None)]


@pytest.mark.parametrize(("shape", "lengths"), CASES, ids=str)
def test_derivatives(shape, lengths, rng):
    assert_gradients(temporal_max.forward, temporal_max.backward, spaced(rng, *shape), lengths=lengths)


@pytest.mark.parametrize(("shape", "lengths"), CASES, ids=str)
def test_against_pytorch(shape, lengths, rng, judge):
    h = spaced(rng, *shape)
    judge.assert_same(temporal_max.forward, temporal_max.backward, judge.temporal_max, h, lengths=lengths)


def test_by_hand():
    h = np.array([[[1.0], [5.0], [1e6]], [[2.0], [9.0], [4.0]]])
    y, cache = temporal_max.forward(h, lengths=np.array([2, 3]))
    assert y.tolist() == [[5], [9]]
    dh = temporal_max.backward(np.array([[6.0], [7.0]]), cache)
    assert dh[..., 0].tolist() == [[0, 6, 0], [0, 7, 0]]


def test_of_equal_frames_the_first_gets_all_of_the_gradient():
    _, cache = temporal_max.forward(np.array([[[2.0], [3.0], [3.0], [3.0]]]), lengths=np.array([3]))
    assert temporal_max.backward(np.array([[1.0]]), cache).ravel().tolist() == [0, 1, 0, 0]


def test_padding_does_not_win_over_negative_values():
    y, _ = temporal_max.forward(np.array([[[-3.0], [-2.0], [0.0]]]), lengths=np.array([2]))
    assert y.item() == -2


def test_nan_comes_through():
    y, _ = temporal_max.forward(np.array([[[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0]]]))
    assert np.isnan(y[0, 0]) and y[0, 1] == 3


def test_whatever_stands_in_the_padding_changes_nothing(rng):
    h, lengths = rng.normal(size=(3, 5, 2, 7)), np.array([3, 5, 1])
    dy = rng.normal(size=(3, 2, 7))
    y, cache = temporal_max.forward(h, lengths=lengths)
    dh = temporal_max.backward(dy, cache)
    padding = np.arange(5) >= lengths[:, None]
    h[padding] = 1e6
    padded_y, padded_cache = temporal_max.forward(h, lengths=lengths)
    padded_dh = temporal_max.backward(dy, padded_cache)
    assert padded_y.tobytes() == y.tobytes() and padded_dh.tobytes() == dh.tobytes()
    assert not padded_dh[padding].any()
    for n, length in enumerate(lengths):
        alone, _ = temporal_max.forward(h[n : n + 1, :length])
        np.testing.assert_allclose(alone[0], y[n], rtol=1e-14, atol=1e-15)


def test_manners(rng):
    lengths = {"lengths": lambda: np.array([4, 1, 3])}
    assert_manners(temporal_max.forward, temporal_max.backward, rng.normal(size=(3, 4, 5)), **lengths)


def test_complex_step(rng):
    h = rng.normal(size=(3, 4, 5))
    assert_complex_step(temporal_max.forward, temporal_max.backward, h, lengths=np.array([4, 1, 3]))


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="lengths"):
        temporal_max.forward(np.zeros((2, 3, 5)), lengths=np.array([3, 4]))

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import temporal_centre
from tests.judges import assert_complex_step, assert_manners

CASES = [((3, 5, 7), [5, 1, 4]), ((1, 1, 2), [1]), ((3, 2, 2, 3, 1), [2, 2, 1]), ((2, 5), [3, 5]), ((3, 5, 2), None)]


@pytest.mark.parametrize(("shape", "lengths"), CASES, ids=str)
def test_derivatives(shape, lengths, rng):
    assert_gradients(temporal_centre.forward, temporal_centre.backward, rng.normal(size=shape), lengths=lengths)


@pytest.mark.parametrize(("shape", "lengths"), CASES, ids=str)
def test_against_pytorch(shape, lengths, rng, judge):
    h = rng.normal(size=shape)
    judge.assert_same(temporal_centre.forward, temporal_centre.backward, judge.temporal_centre, h, lengths=lengths)


def test_by_hand():
    h = np.array([[[1.0], [5.0], [1e6]], [[2.0], [4.0], [9.0]]])
    y, cache = temporal_centre.forward(h, lengths=np.array([2, 3]))
    assert y[..., 0].tolist() == [[-2, 2, 0], [-3, -1, 4]]
    dh = temporal_centre.backward(np.array([[[1.0], [3.0], [99.0]], [[0.0], [0.0], [3.0]]]), cache)
    np.testing.assert_allclose(dh[..., 0], [[-1, 1, 0], [-1, -1, 2]], rtol=1e-15)


def test_one_frame_and_what_never_changes_become_zero(rng):
    assert not temporal_centre.forward(rng.normal(size=(3, 1, 2)))[0].any()
    still, _ = temporal_centre.forward(np.broadcast_to(rng.normal(size=(3, 1, 2)), (3, 4, 2)))
    np.testing.assert_allclose(still, 0, atol=1e-15)


def test_whatever_stands_in_the_padding_changes_nothing(rng):
    h, lengths = rng.normal(size=(3, 5, 2, 7)), np.array([3, 5, 1])
    padding = np.arange(5) >= lengths[:, None]
    dy = rng.normal(size=h.shape)
    y, cache = temporal_centre.forward(h, lengths=lengths)
    dh = temporal_centre.backward(dy, cache)
    h[padding] = dy[padding] = 1e6  # a gradient that arrives in the padding is nobody's either
    padded_y, padded_cache = temporal_centre.forward(h, lengths=lengths)
    padded_dh = temporal_centre.backward(dy, padded_cache)
    np.testing.assert_array_equal(padded_y, y)
    np.testing.assert_array_equal(padded_dh, dh)
    assert not padded_y[padding].any() and not padded_dh[padding].any()
    for n, length in enumerate(lengths):
        alone, _ = temporal_centre.forward(h[n : n + 1, :length])
        np.testing.assert_allclose(alone[0], y[n, :length], rtol=1e-13, atol=1e-15)


def test_manners(rng):
    lengths = {"lengths": lambda: np.array([4, 1, 3])}
    assert_manners(temporal_centre.forward, temporal_centre.backward, rng.normal(size=(3, 4, 5)), **lengths)


def test_complex_step(rng):
    h = rng.normal(size=(3, 4, 5))
    assert_complex_step(temporal_centre.forward, temporal_centre.backward, h, lengths=np.array([4, 1, 3]))


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="lengths"):
        temporal_centre.forward(np.zeros((2, 3, 5)), lengths=np.array([3, 4]))

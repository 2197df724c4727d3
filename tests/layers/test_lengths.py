import numpy as np
import pytest

from minireid.layers.lengths import valid_frames


def test_the_first_frames_of_every_clip_are_real():
    valid = valid_frames(np.zeros((3, 4, 2, 5)), np.array([4, 1, 3]))
    assert valid.shape == (3, 4, 1, 1) and valid.dtype == bool
    assert valid[:, :, 0, 0].astype(int).tolist() == [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]]


def test_without_lengths_all_are_real():
    assert valid_frames(np.zeros((3, 4)), None).all()
    assert valid_frames(np.zeros((3, 4)), None).shape == (3, 4)


@pytest.mark.parametrize("lengths", [[4, 4], [4, 4, 4, 4], [0, 1, 2], [-1, 1, 2], [1, 2, 5], [1.0, 2.0, 3.0], 4])
def test_lengths_that_do_not_fit_are_refused(lengths):
    with pytest.raises(ValueError, match="3 integers from 1 to 4"):
        valid_frames(np.zeros((3, 4, 2)), np.array(lengths))


def test_a_list_will_do():
    assert valid_frames(np.zeros((2, 3)), [1, 3]).sum() == 4


def test_no_clip_needs_to_be_as_long_as_the_batch():
    assert valid_frames(np.zeros((2, 4)), np.array([1, 2])).sum() == 3

"""Clips: which frames of a track, and how a batch of them is padded."""

import numpy as np
import pytest

from minireid.data.clips import Clip, first_clip, last_clip, random_clip, read
from minireid.data.prepared import Prepared, Track
from tests import small_data

TRACK = Track(1, "a", start=10, length=5)


def test_random_clips_start_everywhere_and_stay_inside_the_track() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_clip(rng, TRACK, 3) for _ in range(300)]
    starts, counts = np.unique([clip.start for clip in drawn], return_counts=True)
    assert starts.tolist() == [10, 11, 12]
    assert counts.min() > 70  # of 100
    assert {clip.length for clip in drawn} == {3}


@pytest.mark.parametrize("T", [5, 6, 100])
def test_a_short_track_is_taken_whole(T: int) -> None:
    assert random_clip(np.random.default_rng(0), TRACK, T) == Clip(10, 5)


@pytest.mark.parametrize("T, first, last", [(2, (10, 2), (13, 2)), (5, (10, 5), (10, 5)), (9, (10, 5), (10, 5))])
def test_first_and_last_frames(T: int, first: tuple[int, int], last: tuple[int, int]) -> None:
    assert first_clip(TRACK, T) == Clip(*first)
    assert last_clip(TRACK, T) == Clip(*last)


def test_all_frames() -> None:
    assert first_clip(TRACK, None) == last_clip(TRACK, None) == Clip(10, 5)


def test_reading_pads_at_the_end_with_zeros() -> None:
    frames = np.random.default_rng(0).integers(1, 256, size=(20, 4, 3, 5), dtype=np.uint8)
    prepared = Prepared(None, frames, (), small_data.index())  # type: ignore[arg-type]
    batch, lengths = read(prepared, [Clip(2, 3), Clip(10, 1), Clip(15, 5)])
    assert batch.dtype == np.uint8 and batch.shape == (3, 5, 4, 3, 5)
    assert lengths.tolist() == [3, 1, 5]
    for n, (start, length) in enumerate([(2, 3), (10, 1), (15, 5)]):
        np.testing.assert_array_equal(batch[n, :length], frames[start : start + length])
        assert not batch[n, length:].any()
    batch[:] = 0
    assert frames.all(), "a clip is a copy: augmentation works in place"

"""Clips: consecutive frames cut from a track of a prepared folder."""

from typing import NamedTuple

import numpy as np

from minireid.data.prepared import Prepared, Track


class Clip(NamedTuple):
    """frames[start : start + length] of a prepared folder, all of one track."""

    start: int
    length: int


def random_clip(rng: np.random.Generator, track: Track, T: int) -> Clip:
    """T consecutive frames from a random start; the whole track where it is shorter."""
    if track.length <= T:
        return Clip(track.start, track.length)
    return Clip(track.start + int(rng.integers(track.length - T + 1)), T)


def first_clip(track: Track, T: int | None) -> Clip:
    """The first T frames (the baseline's probe), all of them where T is None or the track is shorter."""
    return Clip(track.start, min(T or track.length, track.length))


def last_clip(track: Track, T: int | None) -> Clip:
    """The last T frames (the baseline's gallery), all of them where T is None or the track is shorter."""
    length = min(T or track.length, track.length)
    return Clip(track.start + track.length - length, length)


def middle_frame(prepared: Prepared, clip: Clip | Track) -> np.ndarray:
    """uint8 (H, W, C): the frame in the middle of a clip or track."""
    return prepared.frames[clip.start + clip.length // 2]


def read(prepared: Prepared, clips: list[Clip]) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (N, T, H, W, C) and lengths (N,). T is the longest length; shorter clips end with zeros."""
    lengths = np.array([clip.length for clip in clips])
    frames = np.empty((len(clips), lengths.max(), *prepared.frames.shape[1:]), np.uint8)
    for n, (start, length) in enumerate(clips):
        frames[n, :length] = prepared.frames[start : start + length]
        frames[n, length:] = 0
    return frames, lengths

"""Mirrors and crops: a mirror twice is nothing; a crop and a mirror, and two crops, may change places."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_tools import optical_flow
from minireid.data import images
from tests.properties.drawn import bounded, generators

channels = st.sampled_from([3, 5])


def bytes_of(rng: np.random.Generator, C: int) -> np.ndarray:
    """Two clips of two frames."""
    return rng.integers(0, 256, size=(2, 2, 9, 7, C), dtype=np.uint8)


@bounded
@given(rng=generators, C=channels, negate_flow=st.booleans())
def test_a_mirror_twice_is_nothing(rng: np.random.Generator, C: int, negate_flow: bool) -> None:
    """Bit for bit, for every byte of the flow; and clips that are not to be mirrored stay."""
    frames, which = bytes_of(rng, C), np.array([True, False])
    once = frames.copy()
    images.mirror(once, which, negate_flow=negate_flow)
    np.testing.assert_array_equal(once[1], frames[1])
    assert (once[0] != frames[0]).any()
    images.mirror(once, which, negate_flow=negate_flow)
    np.testing.assert_array_equal(once, frames)


@bounded
@given(rng=generators, scale=st.integers(1, 127))
def test_a_mirrored_flow_points_the_other_way(rng: np.random.Generator, scale: int) -> None:
    frames = np.minimum(bytes_of(rng, 5), 254)  # the bytes that flow has
    flow = optical_flow.dequantise(frames[..., 3:], scale)
    images.mirror(frames, np.array([True, True]))
    mirrored = optical_flow.dequantise(frames[..., 3:], scale)
    np.testing.assert_array_equal(mirrored[..., 0], -flow[:, :, :, ::-1, 0])
    np.testing.assert_array_equal(mirrored[..., 1], flow[:, :, :, ::-1, 1])


place = st.tuples(st.integers(-3, 8), st.integers(-2, 6))  # at least one pixel of a 4 x 3 window is inside
places = st.tuples(place, place).map(np.array)
zooms = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=2).map(np.array)


@bounded
@given(rng=generators, C=channels, offsets=places)
def test_crop_and_mirror_change_places(rng: np.random.Generator, C: int, offsets: np.ndarray) -> None:
    """The crop of a mirrored frame is the mirrored crop from the other side. Also over the edges."""
    x, (height, width) = rng.normal(size=(2, 2, 9, 7, C)), (4, 3)
    from_other_side = np.stack([offsets[:, 0], 7 - width - offsets[:, 1]], axis=1)
    mirrored_first = images.crop(x[:, :, :, ::-1], from_other_side, (height, width))
    np.testing.assert_array_equal(mirrored_first, images.crop(x, offsets, (height, width))[:, :, :, ::-1])


@bounded
@given(rng=generators, offsets=places, zoom=zooms)
def test_window_and_mirror_change_places(rng: np.random.Generator, offsets: np.ndarray, zoom: np.ndarray) -> None:
    x, (height, width) = rng.normal(size=(2, 2, 9, 7, 3)), (4, 3)
    from_other_side = np.stack([offsets[:, 0], 7 - width - offsets[:, 1]], axis=1)
    mirrored_first = images.window(x[:, :, :, ::-1], from_other_side, zoom, (height, width))
    mirrored_last = images.window(x, offsets, zoom, (height, width))[:, :, :, ::-1]
    np.testing.assert_allclose(mirrored_first, mirrored_last, atol=1e-5)


@bounded
@given(rng=generators, C=channels, which=st.lists(st.booleans(), min_size=2, max_size=2), square_root=st.booleans())
def test_mirror_and_normalisation_change_places(
    rng: np.random.Generator, C: int, which: list[bool], square_root: bool
) -> None:
    frames = bytes_of(rng, C)
    mirrored = frames.copy()
    images.mirror(mirrored, np.array(which), negate_flow=False)
    expected = images.normalise(frames, square_root=square_root)
    expected[which] = expected[which][:, :, :, ::-1]
    np.testing.assert_allclose(images.normalise(mirrored, square_root=square_root), expected, atol=2e-5)


@bounded
@given(rng=generators, offsets=places, second=st.tuples(st.integers(0, 3), st.integers(0, 2)))
def test_two_crops_are_one(rng: np.random.Generator, offsets: np.ndarray, second: tuple[int, int]) -> None:
    x = rng.normal(size=(2, 2, 9, 7, 3))
    first = images.crop(x, offsets, (6, 5))
    twice = images.crop(first, np.array([second, second]), (3, 3))
    np.testing.assert_array_equal(twice, images.crop(x, offsets + np.array(second), (3, 3)))


@bounded
@given(rng=generators, offsets=places)
def test_a_window_without_zoom_is_a_crop(rng: np.random.Generator, offsets: np.ndarray) -> None:
    x = rng.normal(size=(2, 2, 9, 7, 3)).astype(np.float32)
    windows = images.window(x, offsets, np.ones(2), (4, 3))
    np.testing.assert_allclose(windows, images.crop(x, offsets, (4, 3)), atol=1e-6)

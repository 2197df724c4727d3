"""From bytes to what a network reads: colours, normalisation, mirrors, crops, windows, views."""

import numpy as np
import pytest

from minireid.data import images


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).integers(0, 255, shape, dtype=np.uint8)  # 254 at most, as flow bytes are


def normalised(channel: np.ndarray) -> np.ndarray:
    return (channel - channel.mean()) / channel.std()


# Colours.


def test_yuv_of_known_colours() -> None:
    """BT.601: grey has no chroma; the extremes of U belong to blue and yellow, those of V to red and cyan."""
    rgb = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], np.float32)
    expected = [
        [1.000, 0.000, 0.000],
        [0.000, 0.000, 0.000],
        [0.299, -0.147, 0.615],
        [0.587, -0.289, -0.515],
        [0.114, 0.436, -0.100],
        [0.886, -0.436, 0.100],
    ]
    np.testing.assert_allclose(rgb @ images.RGB_TO_YUV, expected, atol=1e-3)


def test_normalised_images_against_the_formula() -> None:
    frames = noise(2, 3, 6, 4, 5)
    x = images.normalise(frames)
    assert x.shape == frames.shape and x.dtype == np.float32
    for n in range(2):
        for t in range(3):
            R, G, B, fx, fy = np.moveaxis(frames[n, t].astype(float), -1, 0)
            Y = (0.299 * R + 0.587 * G + 0.114 * B) / 255
            yuv_and_flow = [Y, 0.492 * (B / 255 - Y), 0.877 * (R / 255 - Y), fx - 127, fy - 127]
            for c, channel in enumerate(yuv_and_flow):
                np.testing.assert_allclose(x[n, t, ..., c], normalised(channel), atol=2e-5)
    np.testing.assert_allclose(x.mean(axis=(2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=(2, 3)), 1, atol=1e-5)


def test_three_channels_are_those_of_five() -> None:
    frames = noise(1, 2, 6, 4, 5)
    np.testing.assert_allclose(images.normalise(frames[..., :3]), images.normalise(frames)[..., :3], atol=1e-6)


@pytest.mark.parametrize("square_root", [False, True])
def test_a_constant_channel_becomes_zero(square_root: bool) -> None:
    """Whatever its value, and whatever rounding does to the mean of thousands of equal numbers."""
    frames = np.empty((255, 1, 64, 48, 5), np.uint8)
    frames[:] = np.arange(255)[:, None, None, None, None]  # 127 of them: the flow of a track's first frame
    assert not images.normalise(frames, square_root=square_root).any()


def test_a_grey_image_has_no_colour() -> None:
    frames = np.repeat(noise(1, 2, 64, 48, 1), 3, axis=-1)
    x = images.normalise(frames)
    assert x[..., 0].std() > 0.99
    assert not x[..., 1:].any()


def test_the_square_root_quirk_keeps_the_root_of_the_contrast() -> None:
    frames = noise(1, 2, 6, 4, 5)
    x = images.normalise(frames, square_root=True)
    fy = frames[0, 1, ..., 4].astype(float)
    np.testing.assert_allclose(x[0, 1, ..., 4], (fy - fy.mean()) / np.sqrt(fy.std()), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(x[0, 1, ..., 4].std(), np.sqrt(fy.std()), rtol=1e-4)


def test_bytes_are_not_changed() -> None:
    frames = noise(1, 2, 6, 4, 5)
    before = frames.copy()
    images.normalise(frames)
    np.testing.assert_array_equal(frames, before)


# Mirror.


def test_mirrored_flow_is_the_flow_of_the_mirrored() -> None:
    frames = noise(3, 2, 4, 5, 5)
    mirrored = frames.copy()
    images.mirror(mirrored, np.array([True, False, True]))
    np.testing.assert_array_equal(mirrored[1], frames[1])
    for n in (0, 2):
        np.testing.assert_array_equal(mirrored[n, ..., :3], frames[n, :, :, ::-1, :3])
        np.testing.assert_array_equal(mirrored[n, ..., 4], frames[n, :, :, ::-1, 4])
        motion = mirrored[n, ..., 3].astype(int) - 127
        np.testing.assert_array_equal(motion, -(frames[n, :, :, ::-1, 3].astype(int) - 127))


def test_a_mirror_in_a_mirror_is_what_was() -> None:
    for channels in (3, 5):
        frames = noise(2, 2, 4, 5, channels)
        twice = frames.copy()
        images.mirror(twice, np.array([True, True]))
        assert not np.array_equal(twice, frames)
        images.mirror(twice, np.array([True, True]))
        np.testing.assert_array_equal(twice, frames)


def test_every_flow_byte_has_an_exact_opposite() -> None:
    frames = np.zeros((1, 1, 255, 1, 5), np.uint8)
    frames[0, 0, :, 0, 3] = np.arange(255)
    images.mirror(frames, np.array([True]))
    assert frames[0, 0, :, 0, 3].tolist() == list(range(254, -1, -1))


def test_the_baseline_does_not_negate() -> None:
    frames = noise(1, 2, 4, 5, 5)
    mirrored = frames.copy()
    images.mirror(mirrored, np.array([True]), negate_flow=False)
    np.testing.assert_array_equal(mirrored, frames[:, :, :, ::-1])


# Crops and windows.


def test_crops_are_cut_where_asked() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2, 7, 6, 5)).astype(np.float32)
    offsets = np.array([[0, 0], [3, 2], [1, 2]])
    cut = images.crop(x, offsets, (4, 3))
    assert cut.shape == (3, 2, 4, 3, 5) and cut.dtype == np.float32
    for n, (i, j) in enumerate(offsets):
        np.testing.assert_array_equal(cut[n], x[n, :, i : i + 4, j : j + 3])


def test_beyond_the_edge_there_are_zeros() -> None:
    x = np.random.default_rng(0).normal(size=(2, 1, 4, 3, 1)).astype(np.float32)
    cut = images.crop(x, np.array([[-1, 1], [2, -2]]), (4, 3))
    expected = np.zeros((2, 4, 3))
    expected[0, 1:, :2] = x[0, 0, :3, 1:, 0]
    expected[1, :2, 2:] = x[1, 0, 2:, :1, 0]
    np.testing.assert_array_equal(cut[:, 0, ..., 0], expected)


def test_recentred_crops_have_mean_zero() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 6, 5)).astype(np.float32)
    offsets = np.array([[1, 2], [0, 1]])
    plain, recentred = images.crop(x, offsets, (4, 3)), images.crop(x, offsets, (4, 3), recentre=True)
    assert np.abs(plain.mean(axis=(2, 3))).max() > 0.1
    np.testing.assert_allclose(recentred.mean(axis=(2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(recentred, plain - plain.mean(axis=(2, 3), keepdims=True), atol=1e-6)


@pytest.mark.parametrize("i, j", [(0, 0), (3, 2), (-1, 1), (2, -2), (-2, -1)])
def test_a_window_without_zoom_is_a_crop(i: int, j: int) -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, 7, 6, 5)).astype(np.float32)
    offsets = np.array([[i, j]])
    seen = images.window(x, offsets, np.ones(1), (5, 4))
    np.testing.assert_allclose(seen, images.crop(x, offsets, (5, 4)), atol=1e-6)


def test_zoom_two_shows_half_pixels() -> None:
    """Five places around the middle of the ramp 0, 1, ... 8, each half a pixel apart."""
    ramp = np.arange(9, dtype=np.float32)
    tall = np.broadcast_to(ramp[:, None], (9, 9)).reshape(1, 1, 9, 9, 1)
    wide = np.broadcast_to(ramp, (9, 9)).reshape(1, 1, 9, 9, 1)
    for x, axis in ((tall, 0), (wide, 1)):
        seen = images.window(x, np.array([[2, 2]]), np.array([2.0]), (5, 5))[0, 0, ..., 0]
        line = seen[:, 0] if axis == 0 else seen[0]
        np.testing.assert_allclose(line, [3, 3.5, 4, 4.5, 5], atol=1e-6)
        np.testing.assert_allclose(seen.std(axis=1 - axis), 0, atol=1e-6)


def test_zoom_a_half_sees_twice_as_far_and_zeros_beyond() -> None:
    x = np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5, 1, 1)
    seen = images.window(x, np.array([[0, 0]]), np.array([0.5]), (5, 1))[0, 0, :, 0, 0]
    np.testing.assert_allclose(seen, [0, 1, 3, 5, 0], atol=1e-6)


def test_every_clip_has_its_own_zoom() -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, 9, 8, 3)).astype(np.float32)
    both = images.window(np.concatenate([x, x]), np.array([[1, 2], [1, 2]]), np.array([1.3, 0.8]), (4, 4))
    for n, zoom in enumerate((1.3, 0.8)):
        np.testing.assert_array_equal(both[n : n + 1], images.window(x, np.array([[1, 2]]), np.array([zoom]), (4, 4)))
    assert not np.allclose(both[0], both[1])


# Views.


def test_the_baselines_views() -> None:
    """8 crops of 56 x 40 along the diagonal of 64 x 48, corner to corner, each mirrored and not: 16."""
    views = images.diagonal_views(64, 48, (56, 40), crops=8, mirrored=True)
    assert len(views) == len(set(views)) == 16
    places = [(i, j) for i, j, mirrored in views if not mirrored]
    assert [(i, j) for i, j, mirrored in views if mirrored] == places
    assert places == [(k, k) for k in (0, 1, 2, 3, 5, 6, 7, 8)]


def test_views_of_a_frame_with_other_room() -> None:
    assert images.diagonal_views(10, 6, (6, 4), crops=3, mirrored=False) == [
        (0, 0, False),
        (2, 1, False),
        (4, 2, False),
    ]


def test_one_view_is_the_middle() -> None:
    assert images.diagonal_views(10, 6, (6, 4), crops=1, mirrored=False) == [(2, 1, False)]
    assert images.diagonal_views(10, 6, (6, 4), crops=1, mirrored=True) == [(2, 1, False), (2, 1, True)]


def test_shifted_views_reach_over_the_edge() -> None:
    views = images.diagonal_views(10, 6, (6, 4), crops=3, mirrored=False, shift=2)
    assert views == [(-2, -2, False), (2, 1, False), (6, 4, False)]
    assert images.diagonal_views(10, 6, (6, 4), crops=1, mirrored=False, shift=2) == [(2, 1, False)]

"""Lucas-Kanade: known movements are found, mirrored frames give mirrored bytes, nothing gives no movement."""

import warnings

import numpy as np
import pytest

from data_tools.optical_flow import (
    FRAMES_AT_ONCE,
    dequantise,
    gaussian,
    lucas_kanade,
    luma,
    quantise,
    track_flow,
    warp,
    window_sum,
)


def texture(dx: float = 0.0, dy: float = 0.0, height: int = 48, width: int = 40, seed: int = 0) -> np.ndarray:
    """(1, H, W): a smooth pattern that has moved by dx to the right and dy down, defined everywhere by a formula."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    image = np.full((height, width), 127.0)
    for _ in range(12):
        wavelength, angle, phase = rng.uniform(7, 12), rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
        along = (x - dx) * np.cos(angle) + (y - dy) * np.sin(angle)
        image += 15 * np.sin(2 * np.pi * along / wavelength + phase)
    return image[None]


def noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("dx, dy", [(0.3, -0.2), (-0.45, 0.5), (0.5, 0.0), (1.3, 0.6), (-0.7, -2.1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_known_translation(dx: float, dy: float, seed: int) -> None:
    flow = lucas_kanade(texture(seed=seed), texture(dx, dy, seed=seed))[0]
    error = flow[8:-8, 8:-8] - (dx, dy)
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.03
    # Reading between pixels is linear, so a point is off by about curvature / (8 gradient) at half a pixel.
    assert np.median(np.abs(error)) < 0.05
    assert np.percentile(np.abs(error), 90) < 0.1


def test_refinement_by_warping_is_what_finds_movements_over_a_pixel() -> None:
    pair = texture(), texture(2.2, -1.6)
    once, refined = (lucas_kanade(*pair, iterations=n)[0, 8:-8, 8:-8] for n in (1, 4))
    assert np.median(np.abs(once - (2.2, -1.6))) > 0.2
    assert np.median(np.abs(refined - (2.2, -1.6))) < 0.05


def test_flow_stands_on_the_grid_of_the_current_frame() -> None:
    """A textured square moves three pixels to the right: the flow is where the square is now."""
    square = texture(height=20, width=20)[0]
    previous, current = np.full((2, 1, 40, 60), 60.0)
    previous[0, 10:30, 10:30] = square
    current[0, 10:30, 13:33] = square
    flow = lucas_kanade(previous, current, sigma=1.5)[0]
    assert np.median(flow[14:26, 28:32, 0]) == pytest.approx(3, abs=0.1)
    assert np.all(flow[:, 45:] == 0)


def test_window_sum_is_the_plain_double_sum() -> None:
    image, weights = np.random.default_rng(0).normal(size=(1, 7, 9)), gaussian(1.0)
    expected = np.zeros((7, 9))
    for y, x in np.ndindex(7, 9):
        for v, u in np.ndindex(7, 9):
            if abs(v - y) < len(weights) and abs(u - x) < len(weights):
                expected[y, x] += weights[abs(v - y)] * weights[abs(u - x)] * image[0, v, u]
    np.testing.assert_allclose(window_sum(image, weights)[0], expected, atol=1e-12)
    assert weights[0] + 2 * sum(weights[1:]) == pytest.approx(1)


def test_warp_reads_where_the_pixel_came_from() -> None:
    ramp = np.arange(12.0)[None, None, :] + 100 * np.arange(10.0)[None, :, None]
    moved = warp(ramp, np.broadcast_to([1.25, -0.5], (1, 10, 12, 2)))
    np.testing.assert_allclose(moved[0, :-1, 2:], ramp[0, :-1, 2:] - 1.25 + 50)
    assert moved[0, 0, 0] == 50  # column -1.25 repeats column 0


def test_against_opencv() -> None:
    """OpenCV looks for a point of its first image in its second; ours stands on the current frame: that goes first."""
    cv2 = pytest.importorskip("cv2", reason="needs OpenCV: pip install -e '.[torch]'")
    y, x = np.mgrid[:48, :40].astype(float)
    movement = np.stack([0.8 + 0.3 * np.sin(y / 12), -0.5 + 0.3 * np.cos(x / 10)], axis=-1)
    previous = np.rint(texture()).astype(np.uint8)
    current = np.rint(warp(previous.astype(float), movement[None])).astype(np.uint8)
    points = np.argwhere(np.ones((48, 40)))[:, None, ::-1].astype(np.float32)
    found, _, _ = cv2.calcOpticalFlowPyrLK(current[0], previous[0], points, None, winSize=(9, 9), maxLevel=0)
    theirs = (points - found).reshape(48, 40, 2)[8:-8, 8:-8]
    ours = lucas_kanade(previous.astype(float), current.astype(float))[0, 8:-8, 8:-8]
    assert np.median(np.abs(ours - theirs)) < 0.06
    # the judge and we are both right: each is near the movement that was put in
    assert np.median(np.abs(ours - movement[8:-8, 8:-8])) <= np.median(np.abs(theirs - movement[8:-8, 8:-8])) + 0.02


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flow_of_mirrored_frames_is_the_mirrored_flow_to_the_last_bit(dtype: type) -> None:
    previous, current = noise((2, 3, 17, 13), 5).astype(dtype)
    flow, mirrored = lucas_kanade(previous, current), lucas_kanade(previous[..., ::-1], current[..., ::-1])[:, :, ::-1]
    assert flow.dtype == dtype
    np.testing.assert_array_equal(mirrored[..., 0], -flow[..., 0])
    np.testing.assert_array_equal(mirrored[..., 1], flow[..., 1])


def test_mirrored_frames_give_mirrored_bytes() -> None:
    frames = noise((FRAMES_AT_ONCE + 5, 64, 32, 3), 3)
    flow, mirrored = track_flow(frames, 16), track_flow(frames[:, :, ::-1], 16)
    np.testing.assert_array_equal(mirrored[:, :, ::-1, 0], 254 - flow[..., 0])
    np.testing.assert_array_equal(mirrored[:, :, ::-1, 1], flow[..., 1])
    assert flow[1:].std() > 5  # there is something to mirror


@pytest.mark.parametrize("value", [0, 128, 255])
def test_no_texture_no_movement_no_warning(value: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.all(track_flow(np.full((3, 16, 8, 3), value, np.uint8), 16) == 127)


def test_lone_edge_moves_across_itself() -> None:
    """The aperture problem: along the edge nothing is seen, and nothing is made up."""
    x = np.broadcast_to(np.arange(40.0), (1, 40, 40))
    edges = [100 + 60 * np.tanh((x - 20 - moved) / 3) for moved in (0.0, 0.5)]
    flow = lucas_kanade(*edges)[0, 8:-8, 18:22]
    assert np.allclose(flow[..., 0], 0.5, atol=0.05)
    assert np.all(flow[..., 1] == 0)


def test_first_frame_and_single_frame_are_127_and_each_frame_looks_at_the_one_before() -> None:
    frames = noise((FRAMES_AT_ONCE * 2 + 2, 12, 10, 3), 1)
    flow = track_flow(frames, 16)
    assert np.all(flow[0] == 127)
    assert np.all(track_flow(frames[:1], 16) == 127)
    for t in range(1, len(frames)):
        before, now = luma(frames[t - 1 : t]), luma(frames[t : t + 1])
        np.testing.assert_array_equal(flow[t], quantise(lucas_kanade(before, now), 16)[0])


def test_quantise() -> None:
    flow = np.array([0.0, 1 / 16, -1 / 16, 1.0, -1.0, 100.0, -100.0, 7.9375, -7.9375])
    np.testing.assert_array_equal(quantise(flow, 16), [127, 128, 126, 143, 111, 254, 0, 254, 0])
    np.testing.assert_array_equal(dequantise(quantise(flow, 16), 16)[:5], flow[:5])
    values = np.random.default_rng(0).uniform(-7.9, 7.9, 1000)
    assert np.abs(dequantise(quantise(values, 16), 16) - values).max() <= 1 / 32 + 1e-6


def test_luma_is_bt601() -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]], np.uint8)
    np.testing.assert_allclose(luma(colours), [76.245, 149.685, 29.07, 255, 0], atol=1e-3)

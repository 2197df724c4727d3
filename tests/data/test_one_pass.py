"""The compiled view against its definition in images.py: every shape, zoom, place, mirror; constants; threads."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minireid.data import images, one_pass


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).integers(0, 255, shape, dtype=np.uint8)


def both(frames: np.ndarray, which: list[bool], offsets: list, zoom: list[float], size: tuple[int, int], **how: bool):
    args = (frames, np.array(which), np.array(offsets), np.array(zoom), size)
    return one_pass.normalised_windows(*args, **how), images.normalised_windows(*args, **how)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_view_is_the_definitions(data: st.DataObject) -> None:
    N, T, H, W = (data.draw(st.integers(1, most)) for most in (3, 3, 9, 7))
    C, size = data.draw(st.sampled_from([3, 5])), data.draw(st.tuples(st.integers(1, 9), st.integers(1, 7)))
    which = data.draw(st.lists(st.booleans(), min_size=N, max_size=N))
    offsets = data.draw(st.lists(st.tuples(*[st.integers(-4, 6)] * 2), min_size=N, max_size=N))
    zoom = data.draw(st.lists(st.sampled_from([1.0, 0.5, 2.0, 0.87, 1.16]), min_size=N, max_size=N))
    how = {name: data.draw(st.booleans()) for name in ("negate_flow", "square_root")}
    got, expected = both(noise(N, T, H, W, C), which, offsets, zoom, size, **how)
    assert got.shape == expected.shape and got.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=5e-5 if how["square_root"] else 1e-5)


def test_without_zoom_it_is_a_crop() -> None:
    frames = noise(2, 3, 9, 8, 5)
    seen, _ = both(frames, [False, False], [[1, 2], [-2, 3]], [1, 1], (5, 4))
    expected = images.crop(images.normalise(frames), np.array([[1, 2], [-2, 3]]), (5, 4))
    np.testing.assert_allclose(seen, expected, atol=1e-5)
    assert not seen[1, :, :2].any(), "over the edge there are zeros"


@pytest.mark.parametrize("square_root", [False, True])
def test_a_constant_channel_becomes_exactly_zero(square_root: bool) -> None:
    frames = np.empty((255, 1, 64, 48, 5), np.uint8)
    frames[:] = np.arange(255)[:, None, None, None, None]
    seen = one_pass.normalised_windows(
        frames, np.arange(255) % 2 == 0, np.zeros((255, 2), int), np.ones(255), (64, 48), square_root=square_root
    )
    assert not seen.any()


def test_a_grey_image_has_no_colour() -> None:
    seen, _ = both(np.repeat(noise(1, 2, 64, 48, 1), 3, axis=-1), [False], [[0, 0]], [1], (64, 48))
    assert seen[..., 0].std() > 0.99 and not seen[..., 1:].any()


def test_bytes_are_not_changed_and_may_lie_anyhow() -> None:
    frames = noise(2, 3, 6, 4, 5)
    before = frames.copy()
    apart = frames[..., :3]  # a slice: as a recipe without flow reads it
    seen, expected = both(apart, [True, False], [[0, 0], [1, 0]], [1.1, 0.9], (5, 4))
    np.testing.assert_allclose(seen, expected, atol=1e-5)
    np.testing.assert_array_equal(frames, before)


def test_same_bits_for_any_number_of_threads() -> None:
    frames, rng = noise(4, 5, 20, 12, 5), np.random.default_rng(0)
    args = (frames, rng.random(4) < 0.5, rng.integers(-2, 3, (4, 2)), 1.2 ** rng.uniform(-1, 1, 4), (20, 12))
    before, seen = numba.get_num_threads(), []
    try:
        for count in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(count)
            seen.append(one_pass.normalised_windows(*args))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*seen)

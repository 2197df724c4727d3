"""The plain baselines: known colours give known values, and chance is what random orders give on average."""

import colorsys
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minireid.data.clips import Clip
from minireid.data.prepared import Prepared
from minireid.evaluation import baselines, ranking
from tests import small_data


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


def test_mean_colour() -> None:
    frames = np.zeros((2, 6, 4, 5), np.uint8)
    frames[..., 0], frames[1, ..., 1], frames[..., 3:] = 255, 102, 200  # flow must not count
    np.testing.assert_allclose(baselines.mean_colour(frames), [1.0, 0.2, 0.0])


def test_raw_pixels_are_the_mean_frame() -> None:
    frames = noise(3, 6, 4, 5)
    expected = frames[..., :3].astype(float).mean(axis=0).ravel() / 255
    np.testing.assert_allclose(baselines.raw_pixels(frames), expected)


def test_colour_histograms_against_pixels_counted_one_by_one() -> None:
    frames = noise(2, 13, 4, 3)  # 13 rows: the first stripe has three, the others two
    expected = np.zeros((6, 8, 8, 8))
    first = [0, 3, 5, 7, 9, 11]
    for t, i, j in itertools.product(range(2), range(13), range(4)):
        stripe = max(k for k in range(6) if first[k] <= i)
        hsv = colorsys.rgb_to_hsv(*(frames[t, i, j] / 255))
        bins = [min(int(v * 255) // 32, 7) for v in hsv]  # bytes, as an image holds them
        expected[stripe, bins[0], bins[1], bins[2]] += 1 / (2 * 4 * (3 if stripe == 0 else 2))
    np.testing.assert_allclose(baselines.colour_histograms(frames), np.sqrt(expected.ravel()), atol=1e-12)


def test_colour_histograms_of_a_plain_red_clip() -> None:
    frames = np.zeros((1, 12, 4, 3), np.uint8)
    frames[..., 0] = 255
    found = baselines.colour_histograms(frames).reshape(6, 8, 8, 8)
    assert found.sum() == 6 and (found[:, 0, 7, 7] == 1).all()


def test_colour_histograms_see_where_a_colour_is_but_mean_colour_does_not() -> None:
    frames = np.zeros((1, 12, 4, 3), np.uint8)
    frames[:, :6] = (255, 0, 0)
    upside_down = frames[:, ::-1]
    assert np.linalg.norm(baselines.colour_histograms(frames) - baselines.colour_histograms(upside_down)) > 1
    np.testing.assert_array_equal(baselines.mean_colour(frames), baselines.mean_colour(upside_down))


def test_scores_find_a_clip_among_others_and_read_only_its_frames() -> None:
    frames = noise(12, 12, 6, 3)
    prepared = Prepared(Path("."), frames, (), small_data.index())
    clips = [Clip(0, 3), Clip(3, 4), Clip(7, 5)]
    found = baselines.scores(prepared, clips[:2], clips)
    assert list(found) == ["mean colour", "colour histograms", "raw pixels"]
    for score in found.values():
        assert score.shape == (2, 3)
        np.testing.assert_array_equal(ranking.rank_of_match(score, np.arange(2), np.arange(3)), [1, 1])
    apart = np.linalg.norm(baselines.raw_pixels(frames[:3]) - baselines.raw_pixels(frames[7:]))
    assert found["raw pixels"][0, 2] == pytest.approx(-apart)


def test_chance_with_one_match_is_k_over_G_and_mean_reciprocal_rank() -> None:
    CMC, mAP = baselines.chance(np.arange(50), np.arange(50), ranks=(1, 5, 50, 80))
    np.testing.assert_allclose(CMC, [1 / 50, 5 / 50, 1, 1])
    assert mAP == pytest.approx(sum(1 / k for k in range(1, 51)) / 50)


def test_chance_inside_groups_is_one_over_the_group() -> None:
    group = np.repeat(np.arange(5), 4)
    CMC, _ = baselines.chance(np.arange(20), np.arange(20), ranks=(1, 4), allowed=group[:, None] == group)
    np.testing.assert_allclose(CMC, [1 / 4, 1])


def test_chance_is_the_mean_over_all_orders_of_the_gallery() -> None:
    probe, gallery = np.array([1, 2]), np.array([1, 1, 2, 3, 4, 1])
    allowed = np.array([[1, 1, 1, 0, 1, 1], [0, 1, 1, 1, 1, 1]], bool)
    curves, precisions = [], []
    for row in itertools.permutations(range(6)):
        score = np.array([row, row], float)
        curves.append(ranking.cmc(score, probe, gallery, ranks=range(1, 7), allowed=allowed))
        precisions.append(ranking.mean_average_precision(score, probe, gallery, allowed=allowed))
    CMC, mAP = baselines.chance(probe, gallery, ranks=range(1, 7), allowed=allowed)
    np.testing.assert_allclose(CMC, np.mean(curves, axis=0))
    assert mAP == pytest.approx(np.mean(precisions))


def test_real_people_are_hard_for_all_of_them() -> None:
    root = os.environ.get("MINIREID_REAL_FRAMES")
    if not root:
        pytest.skip("MINIREID_REAL_FRAMES names no folder")
    folder = Path(root) / "cuhk03_300" / "multi_shot"
    persons = np.arange(201, 301)
    frames = [read_track(folder / f"cam_{camera}/person_{p:04d}") for camera in "ab" for p in persons]
    starts = np.cumsum([0, *(len(track) for track in frames)]).tolist()
    clips = [Clip(start, len(track)) for start, track in zip(starts, frames)]
    prepared = Prepared(Path("."), np.concatenate(frames), (), small_data.index())
    found = baselines.scores(prepared, clips[:100], clips[100:])
    rank_1 = {name: 100 * ranking.cmc(score, persons, persons)[0] for name, score in found.items()}
    assert rank_1["raw pixels"] == pytest.approx(2, abs=1.5) and rank_1["colour histograms"] == pytest.approx(7, abs=3)


def read_track(folder: Path) -> np.ndarray:
    files = sorted(file for file in folder.iterdir() if file.suffix in (".png", ".jpg", ".jpeg"))
    return np.stack(
        [np.asarray(Image.open(file).convert("RGB").resize((32, 64), Image.Resampling.BOX)) for file in files]
    )

"""Every picture: a valid PNG of the expected size, small, whole or not at all, and showing what it is said to show."""

import os
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from minireid.base.errors import InputError
from minireid.plots import (
    clip_strip,
    cmc_curve,
    distances,
    filters,
    gallery,
    learning_curves,
    style,
)

DOTS = style.DOTS_PER_INCH[0]


def opened(path: Path) -> np.ndarray:
    """The picture's pixels (height, width, 3), after a look at the file."""
    assert path.stat().st_size <= style.LARGEST
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing else may be left behind"
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def count(pixels: np.ndarray, colour: str, *, within: int = 12) -> int:
    """How many pixels have this colour, nearly."""
    wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    return int((np.abs(pixels.astype(int) - wanted).max(axis=-1) <= within).sum())


def records(steps: int = 60, per_epoch: int = 20) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    found = []
    for step in range(1, steps + 1):
        record: dict[str, Any] = {"step": step, "epoch": (step - 1) // per_epoch + 1, "loss": 5 + rng.random()}
        for level in ("low", "high"):
            for part in ("identification", "verification", "same", "different"):
                record[f"{level} {part}"] = float(rng.random())
        if step % per_epoch == 0:
            record |= {"validation rank-1": 0.5, "validation mAP": 0.6}
        found.append(record)
    return found


# Learning curves


def test_learning_curves_have_five_panels_with_validation_and_four_without(tmp_path: Path) -> None:
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    log = records()
    learning_curves.draw(tmp_path / "with" / "a.png", log)
    learning_curves.draw(tmp_path / "without" / "a.png", [{k: r[k] for k in r if "valid" not in k} for r in log])
    with_it, without = opened(tmp_path / "with" / "a.png"), opened(tmp_path / "without" / "a.png")
    assert with_it.shape[:2] == pytest.approx((3 * 3.1 * DOTS, 8.4 * DOTS), abs=2)
    assert without.shape[0] == pytest.approx(2 * 3.1 * DOTS, abs=2)
    assert count(with_it, style.GREEN) > 100 > count(without, style.GREEN) == 0


@pytest.mark.parametrize("log", [records(1), [{"step": 1, "epoch": 1, "loss": 2.0}]])
def test_learning_curves_of_a_run_that_has_only_begun(tmp_path: Path, log: list[dict[str, Any]]) -> None:
    learning_curves.draw(tmp_path / "a.png", log)
    opened(tmp_path / "a.png")


def test_learning_curves_of_several_levels_can_be_told_apart(tmp_path: Path) -> None:
    levels = ("whole", "upper", "lower", "fused")
    some = [{"step": k, "epoch": 1, "loss": 1.0} for k in range(1, 21)]
    for n, level in enumerate(levels):
        some = [{**record, f"{level} verification": float(n + 1)} for record in some]
    learning_curves.draw(tmp_path / "a.png", some)
    pixels = opened(tmp_path / "a.png")
    assert all(count(pixels, learning_curves.LEVEL_COLOURS[level]) > 100 for level in levels)
    assert len({learning_curves.LEVEL_COLOURS[level] for level in levels}) == 4


def test_learning_curves_of_batches_that_lack_a_kind_of_pairs(tmp_path: Path) -> None:
    """No negative pairs in some batches, or in all: no distance of different people is written down for them."""
    log = records()
    some = [{k: r[k] for k in r if "different" not in k or r["step"] % 3} for r in log]
    learning_curves.draw(tmp_path / "a.png", some)
    opened(tmp_path / "a.png")
    assert [len(values) for values in learning_curves.series(some, "low different")] == [40, 40]
    learning_curves.draw(tmp_path / "a.png", [{k: r[k] for k in r if "different" not in k} for r in log])
    opened(tmp_path / "a.png")


def test_epochs_are_counted_by_steps_also_where_the_last_one_is_unfinished() -> None:
    x = learning_curves.epochs(records(50))
    assert (x[19], x[39], x[49]) == (1, 2, 2.5)


def test_the_moving_average_keeps_the_mean_and_has_no_lag() -> None:
    np.testing.assert_allclose(learning_curves.moving_average(np.arange(9.0), 3)[1:-1], np.arange(1.0, 8))
    np.testing.assert_allclose(learning_curves.moving_average(np.array([1.0, 5, 3]), 1), [1, 5, 3])
    np.testing.assert_allclose(learning_curves.moving_average(np.array([2.0, 4, 9]), 3), [3, 5, 6.5])


def test_no_records_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one record"):
        learning_curves.draw(tmp_path / "a.png", [])
    assert not list(tmp_path.iterdir())


# CMC


def test_cmc_curve_stands_at_its_height(tmp_path: Path) -> None:
    rows = {}
    for share in (0.25, 0.75):
        folder = tmp_path / str(share)
        folder.mkdir()
        cmc_curve.draw(folder / "cmc.png", {"msp_src": np.full(50, share)})
        pixels = opened(folder / "cmc.png")
        assert pixels.shape == (5 * DOTS, 6 * DOTS, 3)
        blue = np.abs(pixels.astype(int) - np.array([0, 0x72, 0xB2])).max(axis=-1) < 12
        rows[share] = int(blue.sum(axis=1).argmax())
    axes_height = (rows[0.25] - rows[0.75]) * 2  # half of it lies between 25 % and 75 %
    assert 0.5 * 5 * DOTS < axes_height < 0.9 * 5 * DOTS


def test_cmc_curve_of_many_methods_and_of_a_tiny_gallery(tmp_path: Path) -> None:
    names = ("msp_src", "mean colour", "colour histograms", "raw pixels", "chance")
    cmc_curve.draw(tmp_path / "cmc.png", {name: np.linspace(k / 10, 1, 80) for k, name in enumerate(names)})
    pixels = opened(tmp_path / "cmc.png")
    for colour in (*style.SERIES[:4], style.GREY):
        assert count(pixels, colour) > 50, colour
    cmc_curve.draw(tmp_path / "cmc.png", {"chance": np.ones(1)})
    opened(tmp_path / "cmc.png")


# Gallery


def draw_gallery(path: Path, right: np.ndarray | None, **extra: Any) -> np.ndarray:
    grey = np.full((2, 64, 32, 5), 128, np.uint8)
    ranked = np.full((2, 3, 64, 32, 5), 128, np.uint8)
    apart = np.array([[1.0, 2, 3], [1, 2, 3]])
    gallery.draw(path, grey, ranked, apart, right=right, probe_names=["person 1", "person 2"], **extra)
    return opened(path)


def test_long_names_are_shortened_to_fit_under_a_picture() -> None:
    assert (
        gallery.shortened("p25/entrance/monday") == "p25/…/monday" and gallery.shortened("person_0001") == "person_0001"
    )
    assert all(
        len(gallery.shortened(name)) <= gallery.LETTERS for name in ("a" * 40, "a/" * 20, "abc/defghijklmno/pqrst")
    )


def test_gallery_frames_are_green_and_thick_where_right_and_red_where_wrong(tmp_path: Path) -> None:
    right = np.array([[True, False, False], [False, False, True]])
    pixels = draw_gallery(tmp_path / "gallery.png", right)
    height = gallery.CELL * 2
    row = height + gallery.LINE + 0.24
    for p in range(2):
        for k in range(3):
            top, left = gallery.HEADER + p * row, gallery.place(k)
            around = pixels[
                round((top - 0.068) * DOTS) : round((top + height + 0.068) * DOTS),
                round((left - 0.068) * DOTS) : round((left + gallery.CELL + 0.068) * DOTS),
            ]
            green, red = count(around, style.GREEN), count(around, gallery.COLOUR[False])
            border = 2 * (height + gallery.CELL) * DOTS  # pixels along the frame's edge
            if right[p, k]:
                assert red == 0 and green > 7 * border
            else:
                assert green == 0 and 2 * border < red < 5 * border
            assert count(around, "#808080", within=0) >= 0.97 * height * gallery.CELL * DOTS**2, "the image is covered"


def test_gallery_of_a_search_knows_neither_right_nor_wrong(tmp_path: Path) -> None:
    pixels = draw_gallery(tmp_path / "search.png", None, ranked_names=[["b 1", "b 2", "b 3"]] * 2)
    assert count(pixels, style.GREEN) == count(pixels, gallery.COLOUR[False]) == 0
    assert count(pixels, gallery.COLOUR[None]) > 1000


def test_gallery_shows_each_image_where_it_belongs(tmp_path: Path) -> None:
    ranked = np.zeros((1, 2, 64, 32, 3), np.uint8)
    ranked[0, 0, :, :, 0], ranked[0, 1, :32, :, 2] = 200, 200  # first red; second blue above black
    probe, apart = np.full((1, 64, 32, 3), 90, np.uint8), np.array([[0.5, 0.6]])
    gallery.draw(tmp_path / "g.png", probe, ranked, apart, right=None, probe_names=["x"], ranks=np.array([np.inf]))
    pixels = opened(tmp_path / "g.png")

    def at(left: float, down: float) -> list[int]:
        x, y = (left + gallery.CELL / 2) * DOTS, (gallery.HEADER + down * gallery.CELL * 2) * DOTS
        return pixels[round(y), round(x)].tolist()

    assert at(gallery.GAP, 0.5) == [90, 90, 90]
    assert at(gallery.place(0), 0.25) == [200, 0, 0]
    assert at(gallery.place(1), 0.25) == [0, 0, 200] and at(gallery.place(1), 0.75) == [0, 0, 0]


def test_a_large_noisy_gallery_is_small_all_the_same_and_keeps_its_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    probes = rng.integers(0, 256, (8, 64, 32, 3), dtype=np.uint8)
    ranked = rng.integers(0, 256, (8, 10, 64, 32, 3), dtype=np.uint8)
    right = np.eye(8, 10, dtype=bool)
    names = [f"person {k}" for k in range(8)]
    apart = rng.random((8, 10))
    gallery.draw(tmp_path / "g.png", probes, ranked, apart, right=right, probe_names=names, ranks=np.arange(8.0))
    pixels = opened(tmp_path / "g.png")
    assert count(pixels, style.GREEN, within=30) > 1000


def test_spread_goes_from_the_best_rank_to_the_worst() -> None:
    ranks = np.array([9, 1, np.inf, 3, 5])
    assert gallery.spread(ranks, 3).tolist() == [1, 4, 2]
    assert gallery.spread(ranks, 99).tolist() == [1, 3, 4, 0, 2]


def test_gallery_of_more_than_ten() -> None:
    with pytest.raises(ValueError, match="at most 10"):
        frames = np.zeros((1, 11, 8, 4, 3), np.uint8)
        gallery.draw(Path("no.png"), frames[:, 0], frames, np.zeros((1, 11)), right=None, probe_names=["x"])


# Filters


def test_filters_share_one_symmetric_scale(tmp_path: Path) -> None:
    W = np.zeros((5, 5, 2, 4))
    W[..., 0, 0], W[..., 1, 3] = 0.5, -1.0  # half positive: pale red; fully negative: deepest blue
    filters.draw(tmp_path / "filters.png", W)
    pixels = opened(tmp_path / "filters.png")
    assert count(pixels, "#053061") > 2000
    assert count(pixels, to_hex(matplotlib.colormaps["RdBu_r"](0.75))) > 2000
    assert count(pixels, "#67001F") < 1000, "0.5 is drawn as if it were the largest"


def test_filters_of_zeros_and_of_any_number(tmp_path: Path) -> None:
    for shape in ((5, 5, 5, 16), (3, 7, 3, 1), (1, 1, 1, 2)):
        filters.draw(tmp_path / "filters.png", np.zeros(shape), names=[f"channel {c}" for c in range(shape[2])])
        assert count(opened(tmp_path / "filters.png"), "#053061") < 1000, "0 is white, not the lowest of the scale"


# Clip strip


def test_flow_colours_turn_with_the_direction() -> None:
    right, down, left, nothing = np.array([[1.0, 0], [0, 1], [-1, 0], [0, 0]])
    np.testing.assert_allclose(clip_strip.flow_colours(right), [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(clip_strip.flow_colours(down), [0.5, 1, 0], atol=1e-9)
    np.testing.assert_allclose(clip_strip.flow_colours(left), [0, 1, 1], atol=1e-9)
    np.testing.assert_allclose(clip_strip.flow_colours(nothing), [1, 1, 1])
    np.testing.assert_allclose(clip_strip.flow_colours(right * 9), [1, 0, 0], atol=1e-9)


def test_clip_strip_shows_flow_below_its_frame(tmp_path: Path) -> None:
    frames = np.full((3, 64, 32, 5), 127, np.uint8)
    frames[..., :3], frames[1, ..., 3], frames[2, ..., 3] = 77, 127 + 32, 127 - 32  # 2 pixels right, 2 pixels left
    clip_strip.draw(tmp_path / "strip.png", frames, title="Person 1", flow_scale=16)
    pixels = opened(tmp_path / "strip.png")
    cell = clip_strip.CELL

    def at(k: int, row: int) -> list[int]:
        x = 2 * clip_strip.GAP + k * (cell + clip_strip.GAP) + cell / 2
        y = clip_strip.HEADER + row * (2 * cell + clip_strip.GAP) + cell
        return pixels[round(y * DOTS), round(x * DOTS)].tolist()

    assert [at(k, 0) for k in range(3)] == [[77, 77, 77]] * 3
    assert [at(k, 1) for k in range(3)] == [[255, 255, 255], [255, 0, 0], [0, 255, 255]]


def test_clip_strip_without_flow_is_one_row_and_long_clips_are_thinned(tmp_path: Path) -> None:
    clip_strip.draw(tmp_path / "strip.png", np.full((100, 64, 32, 3), 50, np.uint8), title="Person 1")
    pixels = opened(tmp_path / "strip.png")
    shown = count(pixels, "#323232", within=0) / (2 * (clip_strip.CELL * DOTS) ** 2)
    assert shown == pytest.approx(12, abs=0.2)  # every ninth of 100
    assert pixels.shape[0] == pytest.approx((clip_strip.HEADER + 2 * clip_strip.CELL + 0.1) * DOTS, abs=2)


def test_clip_strip_needs_the_scale_of_the_flow(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="flow_scale"):
        clip_strip.draw(tmp_path / "strip.png", np.zeros((2, 8, 4, 5), np.uint8), title="x")


# Distances


def test_distances_draws_both_kinds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    distances.draw(tmp_path / "d.png", rng.normal(2, 1, 30), rng.normal(5, 1, 900))
    pixels = opened(tmp_path / "d.png")
    assert count(pixels, style.BLUE) > 200 and count(pixels, style.ORANGE) > 200


def test_distances_may_be_another_measure(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(2, 1, 30), rng.normal(5, 1, 900)
    for name, more in (("plain", {}), ("same", {"what": "distance"}), ("other", {"what": "minus the similarity"})):
        distances.draw(tmp_path / name, *values, **more)
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "same").read_bytes() != (tmp_path / "other").read_bytes()


def test_distances_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    distances.draw(tmp_path / "without", np.array([1.0, 2]), np.array([2.0, 3]))
    distances.draw(tmp_path / "with", np.array([1.0, 2, np.nan]), np.array([np.inf, 2, 3]))
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()


def test_closer_counts_pairs_and_not_ties() -> None:
    assert distances.closer(np.array([1.0, 4.0]), np.array([2.0, 4.0, 5.0])) == pytest.approx((3 + 1) / 6)
    assert distances.closer(np.ones(4), np.ones(7)) == 0


# Style


def test_a_picture_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d.png"
    distances.draw(path, np.array([1.0]), np.array([2.0]))
    before = path.read_bytes()

    def full_disk(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InputError, match="no space left on device") as fault:
        distances.draw(path, np.array([1.0]), np.array([3.0]))
    assert str(path) in str(fault.value) and "\n" not in str(fault.value)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_nobody_elses_matplotlib_changes(tmp_path: Path) -> None:
    with matplotlib.rc_context({"font.size": 7.5, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        distances.draw(tmp_path / "d.png", np.array([1.0]), np.array([2.0]))
        assert dict(matplotlib.rcParams) == before
    from matplotlib import pyplot

    assert not pyplot.get_fignums()


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        distances.draw(tmp_path / name, np.array([1.0, 2]), np.array([2.0, 3]))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

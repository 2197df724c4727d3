"""Result rows: the means and their errors, the table, the caption, and the files."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from minireid.base.errors import InputError
from minireid.evaluation import results


def row(method: str = "msp_src", rank_1: float = 0.6, **changes: Any) -> results.Row:
    facts = {
        "method": method, "dataset": "walkers", "protocol": "200", "split": 0, "seed": 0, "clip length": 16,
        "frames": 0, "views": 10, "probes": 100, "gallery": 100,
    }  # fmt: skip
    plain = {} if method == "msp_src" else {"seed": None, "clip length": None, "views": None}
    measures = {"rank-1": rank_1, "rank-5": 0.7, "rank-10": 0.8, "rank-20": 1.0, "mAP": 0.65}
    return facts | plain | measures | changes


def test_standard_error_over_splits() -> None:
    rows = [row(rank_1=value, split=k) for k, value in enumerate((0.5, 0.6, 0.7, 0.8))]
    mean, error = results.means(rows)["msp_src"]["rank-1"]
    assert mean == pytest.approx(0.65)
    assert error == pytest.approx((0.05 / 3) ** 0.5 / 2)  # s^2 = (0.15^2 + 0.05^2 + 0.05^2 + 0.15^2) / 3
    assert "65.0 ± 6.5" in results.table(rows)


def test_seeds_of_a_split_are_averaged_before_the_splits() -> None:
    rows = [row(rank_1=0.2, seed=0), row(rank_1=0.4, seed=1), row(rank_1=0.6, seed=2), row(rank_1=0.8, split=1)]
    mean, error = results.means(rows)["msp_src"]["rank-1"]
    assert (mean, error) == (pytest.approx((0.4 + 0.8) / 2), pytest.approx(0.2))


def test_standard_error_over_seeds_where_there_is_one_split() -> None:
    rows = [row(rank_1=0.2, seed=0), row(rank_1=0.4, seed=1)]
    assert results.means(rows)["msp_src"]["rank-1"] == (pytest.approx(0.3), pytest.approx(0.1))


def test_a_single_number_has_no_error_and_a_repeated_baseline_is_one_number() -> None:
    rows = [row(seed=0), row("raw pixels", 0.02), row(seed=1), row("raw pixels", 0.02)]
    assert results.means(rows)["raw pixels"]["rank-1"] == (0.02, None)
    assert results.cells(rows)[2] == ["raw pixels", "2.0", "70.0", "80.0", "100.0", "65.0"]


def test_the_table_is_aligned() -> None:
    rows = [row(rank_1=0.61, split=0), row(rank_1=0.99, split=1), row("mean colour", 0.0, split=0)]
    lines = results.table(rows).splitlines()
    assert lines[0].split() == ["%", "rank-1", "rank-5", "rank-10", "rank-20", "mAP"]
    assert lines[2].startswith("msp_src      80.0 ± 19.0  70.0 ± 0.0")
    assert len({len(line) for line in lines}) == 1
    assert lines[3].split() == ["mean", "colour", "0.0", "70.0", "80.0", "100.0", "65.0"]


def test_the_table_of_splits_has_every_row() -> None:
    rows = [row(rank_1=0.9, split=1), row("raw pixels", 0.02), row(rank_1=0.5)]
    lines = [line.split() for line in results.table_of_splits(rows).splitlines()[2:]]
    assert [line[:4] for line in lines] == [
        ["0", "-", "raw", "pixels"], ["0", "0", "msp_src", "50.0"], ["1", "0", "msp_src", "90.0"]
    ]  # fmt: skip


def test_the_caption_states_the_protocol() -> None:
    rows = [row(split=k, seed=3) for k in range(10)] + [row("raw pixels", split=k) for k in range(10)]
    assert results.caption(rows) == (
        "walkers, protocol 200; splits 0 to 9, seed 3; trained on clips of 16 frames; camera A against camera B, 100 "
        "probes, each against 100 in the gallery; whole tracks; 10 views averaged"
    )


def test_the_caption_of_one_split_two_seeds_and_few_frames() -> None:
    rows = [row(seed=seed, frames=5, views=1, gallery=4) for seed in (0, 4)]
    assert results.caption(rows) == (
        "walkers, protocol 200; split 0, seeds 0, 4; trained on clips of 16 frames; camera A against camera B, 100 "
        "probes, each against 4 in the gallery; a probe's first 5 frames against a gallery track's last 5; 1 view "
        "averaged"
    )


def test_the_caption_of_queries_against_other_cameras() -> None:
    rows = [row(protocol="mars" + results.FILTERED, dataset="mars", probes=14, gallery=33)]
    assert results.caption(rows) == (
        "mars, protocol mars, same person in same camera left out; split 0, seed 0; trained on clips of 16 frames; 14 "
        "probes, each against up to 33 in the gallery; whole tracks; 10 views averaged"
    )


@pytest.mark.parametrize(
    "splits, words", [((4,), "split 4"), ((3, 4, 5), "splits 3 to 5"), ((1, 2, 5), "splits 1, 2, 5")]
)
def test_the_caption_names_the_splits(splits: tuple[int, ...], words: str) -> None:
    assert f"; {words}, seed 0;" in results.caption([row(split=k) for k in splits])


def test_the_caption_of_baselines_alone_has_no_training() -> None:
    assert "seed" not in results.caption([row("chance")]) and "trained" not in results.caption([row("chance")])


@pytest.mark.parametrize("key, value", [("protocol", "178"), ("dataset", "prid2011"), ("frames", 5)])
def test_protocols_are_never_mixed(key: str, value: Any) -> None:
    for use in (results.caption, results.table, results.table_of_splits, results.means):
        with pytest.raises(InputError, match=f"one {key}.*not comparable"):
            use([row(), row(split=1, **{key: value})])


def test_rows_with_other_keys() -> None:
    with pytest.raises(ValueError, match="expected rows with the keys"):
        results.table([row(extra=1)])
    with pytest.raises(ValueError, match="expected rows with the keys"):
        results.table([])


def test_the_files(tmp_path: Path) -> None:
    rows = [row(rank_1=1 / 3, split=0), row(rank_1=0.5, split=1), row("chance", 0.01)]
    results.save(tmp_path, rows)
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["rows"] == rows and kept["caption"] == results.caption(rows)
    assert kept["means"][0]["rank-1"]["standard error"] == pytest.approx(1 / 12)
    assert kept["means"][1]["rank-1"] == {"mean": 0.01, "standard error": None}
    with (tmp_path / "results.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == list(results.COLUMNS)
    assert float(lines[0]["rank-1"]) == 1 / 3 and lines[2]["seed"] == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.csv", "results.json"]


def test_a_failed_save_leaves_the_old_files(tmp_path: Path) -> None:
    results.save(tmp_path, [row()])
    before = [(tmp_path / name).read_bytes() for name in ("results.json", "results.csv")]
    with pytest.raises(ValueError):
        results.save(tmp_path, [row(rank_1=float("nan"))])
    assert [(tmp_path / name).read_bytes() for name in ("results.json", "results.csv")] == before

"""`minireid table`: means and deviations by hand, what is stated in the caption, what stands in columns."""

import csv
import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minireid.cli import main
from minireid.evaluation import results
from minireid.experiments import folder, rows
from minireid.experiments.cost import flops_per_frame
from minireid.experiments.start import checked
from minireid.experiments.trial import sealed
from minireid.recipes.recipe import load
from minireid.recipes.text import to_toml
from tests import small_data

Capture = pytest.CaptureFixture[str]
BASELINES = {"mean colour": (0.1, 0.2), "chance": (0.05, 0.05)}  # on split 0, on split 1
NETWORK = {(0, 0): 0.5, (0, 1): 0.7, (1, 0): 0.9, (1, 1): 0.6}  # rank-1 by split and seed


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data.write_prepared(tmp_path_factory.mktemp("data") / "prepared").path


def made_up(out: Path, prepared: Path, *texts: str, splits: int = 2, seeds: int = 2, **measured: Any) -> Path:
    """A sweep whose results are made up: a [[row]] for each text."""
    (out.parent / "small.toml").write_text(to_toml(small_data.recipe()))
    heading = 'title = "A title"\n'
    (out.parent / "rows.toml").write_text(
        heading + "".join(f'[[row]]\nrecipe = "small.toml"\n{text}\n' for text in texts)
    )
    title, found = rows.of_file(str(out.parent / "rows.toml"))
    sweep = folder.planned(out, title, prepared, None, found, splits, seeds)
    folder.keep(sweep)
    for trial in sweep.trials():
        write_trial(sweep, trial, **measured)
    return out


def write_trial(sweep: folder.Sweep, trial: folder.Trial, parameters: int = 397828) -> None:
    row, home = sweep.row(trial.row), sweep.home(trial)
    rank_1 = {row.name: NETWORK[trial.split, trial.seed]} | {name: v[trial.split] for name, v in BASELINES.items()}
    recipe = str(sweep.path / trial.row / "recipe.toml")
    start = checked(sweep.prepared_path, recipe, ("evaluation.protocol=200",), number=trial.split)
    seeded = load(recipe, (f"training.seed={trial.seed}",))
    small_data.runs.create(home, *start._replace(recipe=seeded))
    results.save(home, [result_of(row, trial, method, value) for method, value in rank_1.items()])
    curves = {name: [value, 1.0] for name, value in rank_1.items() if name != "chance"}
    facts = {"seconds per epoch": 1.0 + trial.split, "parameters": parameters, "threads": 1, "curves": curves}
    seal(home, {"format": "minireid-trial", "version": 2, **facts})


def seal(home: Path, record: dict[str, Any]) -> None:
    """Write trial.json, with the checksum that goes over results.json too."""
    (home / "trial.json").write_text(json.dumps({**record, "sha256": sealed(home, record)}))


def result_of(row: rows.Row, trial: folder.Trial, method: str, rank_1: float) -> results.Row:
    wanted, trained = row.recipe, method == row.name
    return {
        "method": method, "dataset": "walkers", "protocol": wanted.evaluation.protocol, "split": trial.split,
        "seed": trial.seed if trained else None, "clip length": wanted.clips.length if trained else None,
        "frames": wanted.evaluation.frames, "views": 4 if trained else None, "probes": 5, "gallery": 5,
        "rank-1": rank_1, "rank-5": 1.0, "rank-10": 1.0, "rank-20": 1.0, "mAP": rank_1 / 2,
    }  # fmt: skip


def lines_of(text: str) -> dict[str, list[str]]:
    """{first cell: the other cells} of every line of a Markdown table."""
    cells = [[cell.strip() for cell in line[2:-2].split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return {line[0]: line[1:] for line in cells}


def test_numbers_against_a_hand_calculation(tmp_path: Path, prepared: Path, capsys: Capture) -> None:
    """0.5, 0.7, 0.9, 0.6: mean 0.675; squares of the differences 0.0306 + 0.0006 + 0.0506 + 0.0056 = 0.0875, / 3."""
    out = made_up(tmp_path / "sweep", prepared, 'name = "GRU | one"\npaper = { walkers = [70, 90.5, 95, 100] }')
    assert main(["table", str(out)]) == 0
    page = (out / "table.md").read_text()
    table = lines_of(page)
    assert page.startswith(
        "# A title\n\nwalkers, protocol 200; splits 0, 1, seeds 0, 1; trained on clips of 3 frames; "
    )
    assert "Mean ± standard deviation over the trials (baselines: over the splits), %." in page
    assert "Paper: rank-1 / 5 / 10 / 20 as printed there." in page and "MISSING" not in page
    assert table["%"] == [*results.MEASURES, "paper", "trials", "seconds per epoch", "parameters", "FLOPs per frame"]
    flops = flops_per_frame(folder.open_sweep(out).rows[0].recipe)
    measured = ["67.5 ± 17.1", "100.0 ± 0.0", "100.0 ± 0.0", "100.0 ± 0.0", "33.8 ± 8.5"]
    assert table["GRU \\| one"] == [*measured, "70 / 90.5 / 95 / 100", "4", "1.5", "397,828", f"{flops / 1e6:,.1f} M"]
    assert table["mean colour"][:5] == ["15.0 ± 7.1", *["100.0 ± 0.0"] * 3, "7.5 ± 3.5"]
    assert table["chance"] == ["5.0 ± 0.0", *["100.0 ± 0.0"] * 3, "2.5 ± 0.0", "", "", "", "", ""]
    assert page.rstrip() in "# A title\n" + capsys.readouterr().out
    assert (out / "cmc.png").is_file() and not (out / "cmc_2.png").exists()


def test_the_csv_has_all_digits(tmp_path: Path, prepared: Path) -> None:
    out = made_up(tmp_path / "sweep", prepared, 'name = "GRU"\npaper = { walkers = [70, 90.5, 95, 100] }')
    assert main(["table", str(out), "--out", str(tmp_path / "table")]) == 0
    network, *others = csv.DictReader((tmp_path / "table" / "table.csv").open(newline=""))
    assert [line["method"] for line in others] == ["mean colour", "chance"]
    values = list(NETWORK.values())
    assert float(network["rank-1"]) == pytest.approx(statistics.mean(values), rel=1e-15)
    assert float(network["rank-1 deviation"]) == pytest.approx(statistics.stdev(values), rel=1e-14)
    assert float(network["mAP deviation"]) == pytest.approx(statistics.stdev(values) / 2, rel=1e-14)
    assert [network[f"paper rank-{k}"] for k in (1, 5, 10, 20)] == ["0.7", "0.905", "0.95", "1.0"]
    flops = flops_per_frame(folder.open_sweep(out).rows[0].recipe)
    facts = ("dataset", "protocol", "trials", "clip length", "frames", "views", "parameters", "FLOPs per frame")
    assert [network[key] for key in facts] == ["walkers", "200", "4", "3", "0", "4", "397828.0", repr(flops)]
    assert others[0]["seconds per epoch"] == others[0]["paper rank-1"] == ""
    assert sorted(path.name for path in (tmp_path / "table").iterdir()) == ["cmc.png", "table.csv", "table.md"]


def test_the_same_bytes_every_time(tmp_path: Path, prepared: Path) -> None:
    out = made_up(tmp_path / "sweep", prepared, 'name = "GRU"', 'name = "LSTM"')
    for name in ("one", "two"):
        assert main(["table", str(out), "--out", str(tmp_path / name)]) == 0
    one, two = (list(small_data.listing(tmp_path / name).values()) for name in ("one", "two"))
    assert one == two and len(one) == 3


def test_what_differs_between_rows_is_a_column(tmp_path: Path, prepared: Path) -> None:
    """A row on shuffled frames and one on few frames stand beside the others; so do the baselines on few frames."""
    few = 'name = "few"\nset = ["evaluation.frames=4"]'
    shuffled = 'name = "shuffled"\nset = ["evaluation.shuffle=true"]'
    out = made_up(tmp_path / "sweep", prepared, 'name = "all"', few, shuffled)
    assert main(["table", str(out)]) == 0
    page = (out / "table.md").read_text()
    table = lines_of(page)
    assert table["%"][:3] == ["frames", "order", "rank-1"] and page.count("| mean colour") == 2
    assert [table[name][:2] for name in ("all", "few", "shuffled")] == [
        ["all", "as filmed"], ["4", "as filmed"], ["all", "shuffled"]
    ]  # fmt: skip
    assert "whole tracks" not in page and "first 4 frames" not in page


def test_missing_trials_are_named(tmp_path: Path, prepared: Path) -> None:
    out = made_up(tmp_path / "sweep", prepared, 'name = "GRU"', 'name = "LSTM"')
    shutil.rmtree(out / "gru" / "split1_seed0")
    for trial in list((out / "lstm").glob("split*")):
        shutil.rmtree(trial)
    assert main(["table", str(out)]) == 0
    page = (out / "table.md").read_text()
    named = ["GRU split 1 seed 0", *(f"LSTM split {k} seed {n}" for n, k in ((0, 0), (0, 1), (1, 0), (1, 1)))]
    assert f"MISSING: 5 of 8 trials ({', '.join(named)})." in page
    table = lines_of(page)
    assert "LSTM" not in table and table["GRU"][0] == "60.0 ± 10.0" and table["GRU"][5] == "3"


def test_one_trial_has_no_deviation(tmp_path: Path, prepared: Path) -> None:
    out = made_up(tmp_path / "sweep", prepared, 'name = "GRU"', splits=1, seeds=1)
    assert main(["table", str(out)]) == 0
    page = (out / "table.md").read_text()
    assert lines_of(page)["GRU"][0] == "50.0" and "±" not in page


def test_two_protocols_are_two_tables(tmp_path: Path, prepared: Path) -> None:
    papers = 'paper = { "walkers/178" = [1, 2, 3, 4], walkers = [5, 6, 7, 8] }\n'
    wider = papers + 'name = "wider"\nset = ["evaluation.protocol=178"]'
    out = made_up(tmp_path / "sweep", prepared, papers + 'name = "GRU"', wider)
    assert main(["table", str(out)]) == 0
    _, first, second = (out / "table.md").read_text().split("walkers, protocol ")
    assert first.startswith("200;") and second.startswith("178;")
    assert "wider" not in lines_of(first) and lines_of(first)["GRU"][5] == "5 / 6 / 7 / 8"
    assert "GRU" not in lines_of(second) and lines_of(second)["wider"][5] == "1 / 2 / 3 / 4"
    assert (out / "cmc_2.png").is_file()


def test_several_sweeps_in_one_table(tmp_path: Path, prepared: Path, capsys: Capture) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made_up(tmp_path / name / "sweep", prepared, f'name = "{name}"')
    both = [str(tmp_path / name / "sweep") for name in ("one", "two")]
    assert main(["table", *both, "--out", str(tmp_path / "table")]) == 0
    assert {"one", "two"} < set(lines_of((tmp_path / "table" / "table.md").read_text()))
    assert main(["table", *both]) == 2
    assert "expected --out FOLDER" in capsys.readouterr().err
    assert main(["table", both[0], both[0], "--out", str(tmp_path / "table")]) == 2
    assert "two rows are called one under protocol 200" in capsys.readouterr().err


def test_sweeps_on_other_data_are_other_tables(tmp_path: Path, prepared: Path) -> None:
    (tmp_path / "other").mkdir()
    other = small_data.write_prepared(tmp_path / "other" / "prepared", persons=range(1, 9)).path
    one = made_up(tmp_path / "sweep", prepared, 'name = "GRU"')
    two = made_up(tmp_path / "other" / "sweep", other, 'name = "GRU"')
    assert main(["table", str(one), str(two), "--out", str(tmp_path / "table")]) == 0
    assert (tmp_path / "table" / "table.md").read_text().count("| GRU") == 2


def test_what_cannot_be_a_table(tmp_path: Path, prepared: Path, capsys: Capture) -> None:
    out = made_up(tmp_path / "sweep", prepared, 'name = "GRU"', splits=1, seeds=1)
    (tmp_path / "file").write_text("")
    for words, says in (
        ([str(prepared)], "expected a sweep folder (with sweep.json)"),
        ([str(out), "--out", str(tmp_path / "file")], "expected --out to be a folder"),
    ):
        assert main(["table", *words]) == 2
        assert says in capsys.readouterr().err
    trial = out / "gru" / "split0_seed0"
    (trial / "trial.json").write_text("{")
    assert main(["table", str(out)]) == 2
    assert "trial.json is damaged" in capsys.readouterr().err
    shutil.rmtree(trial)
    assert main(["table", str(out)]) == 2
    assert "no trial of" in capsys.readouterr().err and not (out / "table.md").exists()


@pytest.mark.parametrize(
    "name, key, value",
    [
        ("results.json", "rank-1", 5.0),
        ("results.json", "rank-1", "0.5"),
        ("results.json", "rank-1", None),
        ("results.json", "mAP", -0.1),
        ("results.json", "split", -1),
        ("results.json", "method", 3),
        ("trial.json", "curves", {"small": [0.5, 1.5]}),
        ("trial.json", "curves", [0.5]),
        ("trial.json", "threads", 0),
        ("trial.json", "parameters", 1e30),
        ("trial.json", "seconds per epoch", None),
        ("trial.json", "version", 3),
    ],
)
def test_results_that_cannot_be_right(
    name: str, key: str, value: Any, tmp_path: Path, prepared: Path, capsys: Capture
) -> None:
    """A rank-1 of 500 %, say: refused, not printed."""
    sweep = made_up(tmp_path / "sweep", prepared, 'name = "small"')
    file = sweep / "small" / "split0_seed0" / name
    content = json.loads(file.read_text())
    entries = content["rows"][0] if name == "results.json" else content
    file.write_text(
        json.dumps(content | {"rows": [entries | {key: value}]} if "rows" in content else content | {key: value})
    )
    seal(file.parent, json.loads((file.parent / "trial.json").read_text()))  # as if it had been computed
    capsys.readouterr()
    assert main(["table", str(sweep)]) == 2
    said = capsys.readouterr()
    assert str(file) in said.err and "is damaged" in said.err and said.err.count("\n") == 1 and said.out == ""
    assert not (sweep / "table.md").exists()


def replaced(old: str, new: str, name: str) -> Callable[[Path], None]:
    def change(sweep: Path) -> None:
        text = (sweep / name).read_text()
        assert old in text
        (sweep / name).write_text(text.replace(old, new, 1))

    return change


def copied(source: str, target: str) -> Callable[[Path], None]:
    def change(sweep: Path) -> None:
        shutil.rmtree(sweep / target)
        shutil.copytree(sweep / source, sweep / target)

    return change


@pytest.mark.parametrize(
    "change, says",
    [
        (replaced("0.5", "0.9", "small/split0_seed0/results.json"), "was changed after it was written"),
        (replaced("397828", "7", "small/split0_seed0/trial.json"), "was changed after it was written"),
        (replaced("margin = 2", "margin = 1", "small/split0_seed0/recipe.toml"), "found another trial"),
        (replaced("margin = 2", "margin = 1", "small/recipe.toml"), "found another trial"),
        (copied("small/split0_seed0", "small/split1_seed0"), "expected split 1 with seed 0 of small"),
        (copied("small/split0_seed0", "small/split0_seed1"), "expected split 0 with seed 1 of small"),
        (copied("../other/small/split0_seed0", "small/split0_seed0"), "found another trial"),
        (copied("../wider/small/split0_seed0", "small/split0_seed0"), "found another trial"),
        (replaced('"splits": 2', '"splits": 1', "sweep.json"), "sweep.json was changed"),
        (replaced('"name": "small"', '"name": "large"', "sweep.json"), "sweep.json was changed"),
    ],
)
def test_a_trial_belongs_to_its_sweep_and_is_not_edited(
    change: Callable[[Path], None], says: str, tmp_path: Path, prepared: Path, capsys: Capture
) -> None:
    """Everything is whole and possible, but it is not what the sweep has computed."""
    data = small_data.write_prepared(tmp_path / "data", persons=range(1, 9)).path
    made_up(tmp_path / "other", data, 'name = "small"', splits=1, seeds=1)
    made_up(tmp_path / "wider", prepared, 'name = "small"\nset = ["losses.margin=3"]', splits=1, seeds=1)
    sweep = made_up(tmp_path / "sweep", prepared, 'name = "small"')
    assert main(["table", str(sweep), "--out", str(tmp_path / "right")]) == 0
    change(sweep)
    capsys.readouterr()
    assert main(["table", str(sweep)]) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and said.out == "" and not (sweep / "table.md").exists()

"""`minireid sweep` in one process: what it leaves, what it skips, what it adds, what it refuses, how it is stopped."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.locks import alone_in
from minireid.cli import main
from minireid.evaluation.evaluate import measure
from minireid.experiments import folder
from minireid.experiments.folder import Trial, open_sweep
from minireid.experiments.trial import finish, take_over, trial
from minireid.recipes.text import to_toml
from minireid.training import loop
from minireid.training.run import open_run
from tests import small_data

Capture = pytest.CaptureFixture[str]
TRIALS = [f"{row}/split{split}_seed0" for row in ("small", "wide") for split in (0, 1)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder, two recipes, and a finished sweep of both: 2 rows x 2 splits x 1 seed."""
    place = tmp_path_factory.mktemp("place")
    small_data.write_prepared(place / "prepared")
    (place / "small.toml").write_text(to_toml(small_data.recipe()))
    (place / "wide.toml").write_text(to_toml(small_data.recipe("network.name=msp_src_high", "network.depth=0")))
    assert main(sweep(place, place / "sweep")) == 0
    return place


def sweep(place: Path, out: Path, *words: str, recipes: str = "small wide", splits: int = 2) -> list[str]:
    named = [word for name in recipes.split() for word in ("--recipe", str(place / f"{name}.toml"))]
    return [
        "sweep",
        str(place / "prepared"),
        *named,
        "--splits",
        str(splits),
        "--workers",
        "0",
        "--out",
        str(out),
        *words,
    ]


def copied(place: Path, out: Path) -> Path:
    shutil.copytree(place / "sweep", out)
    return out


def trials_of(out: Path) -> dict[str, dict[str, bytes]]:
    """{trial: the arrays of its checkpoint, and its results}: what must be the same wherever it is computed."""
    return {
        str(home.relative_to(out)): {
            **small_data.bits(home / "checkpoint.npz"),
            "results": (home / "results.json").read_bytes() + (home / "results.csv").read_bytes(),
            "log": json.dumps(small_data.log_of(open_run(home))).encode(),
        }
        for home in sorted(out.glob("*/split*_seed?"))
    }


def test_what_a_sweep_leaves(place: Path) -> None:
    out = place / "sweep"
    assert sorted(trials_of(out)) == TRIALS
    files = ["checkpoint.npz", "log.jsonl", "recipe.toml", "results.csv", "results.json", "run.json", "trial.json"]
    assert all(sorted(os.listdir(out / trial)) == files for trial in TRIALS)
    facts = json.loads((out / "sweep.json").read_text())
    assert (facts["splits"], facts["seeds"]) == (2, 1)
    assert facts["prepared_path"] == str(place / "prepared")
    assert sorted(os.listdir(out)) == ["cmc.png", "small", "sweep.json", "table.csv", "table.md", "wide"]


def test_a_trial_is_the_run_that_train_and_evaluate_make(place: Path, tmp_path: Path) -> None:
    home = place / "sweep" / "small" / "split1_seed0"
    words = ["train", str(place / "prepared"), "--recipe", str(place / "small.toml"), "--split", "1", "--threads", "1"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert small_data.bits(home / "checkpoint.npz") == small_data.bits(tmp_path / "run" / "checkpoint.npz")
    rows, _, _ = measure(open_run(tmp_path / "run"), progress=False)
    rows[0]["method"] = "small"
    assert json.loads((home / "results.json").read_text())["rows"] == rows
    facts = json.loads((home / "trial.json").read_text())
    assert facts["parameters"] == sum(array.size for array in params_of(home))
    assert facts["curves"]["small"][0] == rows[0]["rank-1"] and len(facts["curves"]["small"]) == 5
    assert facts["seconds per epoch"] > 0


def params_of(home: Path) -> list[np.ndarray]:
    with np.load(home / "checkpoint.npz") as arrays:
        return [array for name, array in arrays.items() if name.startswith("params/")]


def test_a_second_run_computes_nothing(place: Path, tmp_path: Path, capsys: Capture, monkeypatch: Any) -> None:
    out = copied(place, tmp_path / "sweep")
    before = small_data.listing(out)
    monkeypatch.setattr(loop, "gradients_at", None)  # whoever trains, stumbles
    assert main(sweep(place, out)) == 0
    said = capsys.readouterr().out
    assert "2 rows x 2 splits x 1 seed = 4 trials, 4 finished already" in said and "about" not in said
    assert small_data.listing(out) == before


def test_splits_seeds_and_rows_may_be_added(place: Path, tmp_path: Path, capsys: Capture) -> None:
    out = copied(place, tmp_path / "sweep")
    before = trials_of(out)
    assert main(sweep(place, out, "--seeds", "2", recipes="small", splits=3)) == 0
    assert "1 row x 3 splits x 2 seeds = 6 trials, 2 finished already" in capsys.readouterr().out
    after = trials_of(out)
    assert {name: after[name] for name in before} == before and len(after) == 4 + 4
    assert open_run(out / "small" / "split2_seed1").recipe == small_data.recipe("training.seed=1")
    kept = open_sweep(out)
    assert [row.name for row in kept.rows] == ["small", "wide"] and (kept.splits, kept.seeds) == (3, 2)
    assert "MISSING: 4 of 12 trials (wide split 2 seed 0, wide split 0 seed 1" in (out / "table.md").read_text()


def test_a_row_that_has_not_been_trained_may_be_changed(place: Path, tmp_path: Path, capsys: Capture) -> None:
    out = copied(place, tmp_path / "sweep")
    for name in TRIALS[:2]:
        shutil.rmtree(out / name)
    assert main(sweep(place, out, "--set", "training.epochs=1", recipes="small", splits=1)) == 0
    assert open_run(out / "small" / "split0_seed0").recipe.training.epochs == 1


def test_a_bad_row_fails_alone(place: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "bad.toml").write_text(to_toml(small_data.recipe("clips.crop=[25, 8]")))
    words = sweep(place, tmp_path / "sweep", "--recipe", str(tmp_path / "bad.toml"), recipes="small", splits=1)
    assert main(words) == 1
    said = capsys.readouterr().out
    line = "at least 25 x 8 (clips.crop), got 24 x 16"
    assert f"bad: cannot be trained: expected frames of {line}" in said
    assert said.splitlines()[-1].startswith("failed: bad split 0 seed 0: expected frames of " + line)
    assert list(trials_of(tmp_path / "sweep")) == ["small/split0_seed0"] and "Traceback" not in said
    assert "MISSING: 1 of 2 trials (bad split 0 seed 0)." in said


def test_a_mistake_of_ours_fails_one_trial_with_its_traceback(
    place: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.update

    def broken(training: Any, params: Any, *arguments: Any) -> None:
        if "unit1" not in params["network"]["high"]:
            raise ZeroDivisionError("ours")
        real(training, params, *arguments)

    monkeypatch.setattr(loop, "update", broken)
    assert main(sweep(place, tmp_path / "sweep", splits=1)) == 1
    said = capsys.readouterr()
    assert "wide split 0 seed 0 FAILED: ZeroDivisionError: ours" in said.out and "Traceback" in said.out
    assert list(trials_of(tmp_path / "sweep")) == ["small/split0_seed0"]


def test_ctrl_c_and_on(place: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the third trial: two are kept, and the third goes on from its checkpoint; to the same bits."""
    out, real, seen = tmp_path / "sweep", loop.update, []

    def pressed(*arguments: Any) -> None:
        seen.append(1)
        if len(seen) == 4 + 4 + 3:  # of 4 steps each
            os.kill(os.getpid(), signal.SIGINT)
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "update", pressed)
        assert main(sweep(place, out)) == 130
    said = capsys.readouterr()
    assert "stopped: 2 of 4 trials finished; the same command continues" in said.out
    assert "Traceback" not in said.err
    assert main(sweep(place, out)) == 0
    assert "going on after step 3" in capsys.readouterr().out
    assert trials_of(out) == trials_of(place / "sweep")
    assert not list(out.glob("*/split*.*")), "unfinished attempts are left"


def test_an_attempt_that_is_taken_over_ends_and_disturbs_nobody(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker is taken for dead, and is not: its folder is renamed under its hands."""
    out, real, seen = copied(place, tmp_path / "sweep"), loop.update, []
    home = out / "small" / "split0_seed0"
    shutil.rmtree(home)

    def overtaken(*arguments: Any) -> None:
        seen.append(1)
        if len(seen) == 4:  # after the checkpoint of the first epoch, of two steps
            take_over(home)
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "update", overtaken)
        assert "cannot write" in trial(str(out), "small", 0, 0)["failed"]
    assert not home.exists()
    assert trial(str(out), "small", 0, 0)["went on after"] == 2
    assert trials_of(out) == trials_of(place / "sweep")


def test_an_unfinished_trial_of_something_else_is_begun_anew(place: Path, tmp_path: Path) -> None:
    out = copied(place, tmp_path / "sweep")
    for name, source in (("split0_seed0", "wide/split0_seed0"), ("split1_seed0", "small/split0_seed0")):
        shutil.rmtree(out / "small" / name, ignore_errors=True)
        shutil.copytree(place / "sweep" / source, out / "small" / f"{name}.12345678")
    (out / "small" / "split0_seed0.0").mkdir()
    assert trial(str(out), "small", 0, 0)["went on after"] == 0
    assert trial(str(out), "small", 1, 0)["went on after"] == 0
    assert trials_of(out) == trials_of(place / "sweep")


def test_two_sweeps_at_once(place: Path, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("fcntl", reason="locks of folders: not on Windows")
    out = copied(place, tmp_path / "sweep")
    with alone_in(out, "minireid sweep"):
        assert main(sweep(place, out)) == 2
    assert "another minireid sweep is at work in" in capsys.readouterr().err
    assert main(sweep(place, out)) == 0


def test_the_order_of_trials(place: Path) -> None:
    """One table's worth after the other, so that a sweep that is stopped has whole tables."""
    assert open_sweep(place / "sweep").trials() == [
        Trial("small", 0, 0), Trial("wide", 0, 0), Trial("small", 1, 0), Trial("wide", 1, 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words, says",
    [
        (["--set", "training.epochs=3"], "has a row small with training.epochs = 2, not 3: give the row another name"),
        (["other"], "is a sweep on"),
        (["--splits-file", "splits.json"], "has its splits from the recipe's protocol, not from"),
        (["--out", "prepared"], "is not empty and is no sweep folder: choose another --out"),
        (["--out", "small.toml"], "cannot make the folder"),
        (["--out", "damaged"], "is damaged"),
        (["--splits", "0"], "expected --splits of 1 or more, got 0"),
        (["--splits", "11"], "expected --splits from 1 to 10 (all there are), got 11"),
        (["--set", "evaluation.protocol=mars", "--splits", "2"], "expected --splits from 1 to 1"),
        (["--seeds", "0"], "expected --seeds from 1 to 100000, got 0"),
        (["--workers", "-1"], "expected --workers from 0 to 10000, got -1"),
        (["--scheduler", "127.0.0.1:8786"], "expected either --scheduler or --workers"),
        (["--splits-file", "nowhere.json"], "expected a split file at nowhere.json"),
        (["--splits-file", "splits.json", "--splits", "2"], "expected --splits from 1 to 1"),
        (["--recipe", "src", "--rows", "systems"], "expected one --recipe with --rows"),
        (["nowhere"], "expected a prepared folder, found none at nowhere"),
    ],
)
def test_sweep_refuses(
    words: list[str], says: str, place: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copied(place, tmp_path / "sweep")
    shutil.copytree(place / "prepared", tmp_path / "prepared")
    small_data.write_prepared(tmp_path / "other", persons=range(1, 9))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "sweep.json").write_text('{"format": "minireid-sweep", "version": 1')
    (tmp_path / "splits.json").write_text(json.dumps([{"train": [1, 2, 3], "test": [4, 5]}]))
    (tmp_path / "small.toml").write_text((place / "small.toml").read_text())
    before = small_data.listing(tmp_path), sorted(tmp_path.rglob("*"))
    prepared = [words.pop(0)] if not words[0].startswith("--") else ["prepared"]
    usual = ["--recipe", "small.toml", "--splits", "1", "--workers", "0", "--out", "sweep"]
    assert main(["sweep", *prepared, *usual, *words]) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and said.out == ""
    assert (small_data.listing(tmp_path), sorted(tmp_path.rglob("*"))) == before


@pytest.mark.parametrize(
    "change, says",
    [
        ({"version": 4}, "expected version 3 of minireid-sweep"),
        ({"format": "minireid-run"}, "expected minireid-sweep"),
        ({"splits": 0}, "is damaged"),
        ({"seeds": 10**30}, "is damaged"),
        ({"rows": {}}, "is damaged"),
        ({"rows": [{"name": "x", "folder": "../../x", "paper": {}}]}, "is damaged"),
        ({"rows": [{"name": "x", "folder": "/x", "paper": {}}]}, "is damaged"),
        ({"rows": [{"name": "x", "folder": "..", "paper": {}}]}, "is damaged"),
        ({"rows": [{"name": "x", "folder": "x", "paper": {}}]}, "found none"),  # no recipe.toml there
        ({"prepared_path": 3}, "is damaged"),
        ({"more": 1}, "is damaged"),
        ({"splits_file": "../splits.json"}, "splits_file without splits_sha256"),
    ],
)
def test_another_sweep_json(change: dict[str, Any], says: str, place: Path, tmp_path: Path) -> None:
    """No name in it leads out of the folder, no number is taken that no sweep can have."""
    out = copied(place, tmp_path / "sweep")
    write_header(out, json.loads((out / "sweep.json").read_text()) | change)
    with pytest.raises(InputError, match=says) as fault:
        open_sweep(out)
    assert "\n" not in str(fault.value)


def test_a_sweep_that_was_ended_before_it_wrote_sweep_json(place: Path, tmp_path: Path) -> None:
    """The same command begins it anew; another folder with a file of somebody else stays as it is."""
    out = tmp_path / "sweep"
    for row in ("small", "wide"):
        (out / row).mkdir(parents=True)
    (out / "small" / "recipe.toml").write_text("half a rec")
    (out / "sweep.json.partial").write_text("{")
    assert main(sweep(place, out, splits=1)) == 0
    assert not list(out.rglob("*.partial"))
    (tmp_path / "other" / "small").mkdir(parents=True)
    (tmp_path / "other" / "small" / "notes.txt").write_text("mine")
    assert main(sweep(place, tmp_path / "other", splits=1)) == 2
    assert os.listdir(tmp_path / "other") == ["small"] and os.listdir(tmp_path / "other" / "small") == ["notes.txt"]


def test_a_split_file(place: Path, tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text(json.dumps([{"train": [1, 2, 3], "test": [4, 5, 6]}]))
    out = tmp_path / "sweep"
    assert main(sweep(place, out, "--splits-file", str(tmp_path / "own.json"), recipes="small", splits=1)) == 0
    assert open_run(out / "small" / "split0_seed0").test == (4, 5, 6)
    assert "protocol own.json; split 0" in (out / "table.md").read_text()


def test_importing_minireid_needs_no_dask(place: Path, tmp_path: Path, capsys: Capture, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(sweep(place, tmp_path / "serial", recipes="small", splits=1)) == 0
    capsys.readouterr()
    words = sweep(place, tmp_path / "new", recipes="small")
    assert main([word for word in words if word not in ("--workers", "0")]) == 2
    said = capsys.readouterr().err
    assert 'pip install "dask[distributed]"' in said and said.count("\n") == 1 and not (tmp_path / "new").exists()


def test_a_sweep_from_before_the_checksums_goes_on(place: Path, tmp_path: Path) -> None:
    """sweep.json of version 2, trial.json of version 1."""
    out = copied(place, tmp_path / "sweep")
    for file, version in ((out / "sweep.json", 2), *((home, 1) for home in out.glob("*/*/trial.json"))):
        facts = json.loads(file.read_text()) | {"version": version}
        del facts["sha256"]
        file.write_text(json.dumps(facts))
    before = trials_of(out)
    assert main(sweep(place, out)) == 0
    assert trials_of(out) == before and json.loads((out / "sweep.json").read_text())["version"] == 3


def write_header(out: Path, facts: dict[str, Any]) -> None:
    """sweep.json, with the checksum that fits it."""
    (out / "sweep.json").write_text(json.dumps(facts | {"sha256": folder.sealed(facts)}))


def test_data_that_have_changed_since(place: Path, tmp_path: Path) -> None:
    out = copied(place, tmp_path / "sweep")
    shutil.rmtree(out / "small" / "split0_seed0")
    small_data.write_prepared(tmp_path / "other", persons=range(1, 9))
    (tmp_path / "splits.json").write_text("[]")
    facts = json.loads((out / "sweep.json").read_text())
    for change in (
        {"prepared_path": str(tmp_path / "other")},
        {"splits_file": str(tmp_path / "splits.json"), "splits_sha256": "0"},
    ):
        write_header(out, {**facts, **change})
        assert "has changed since" in trial(str(out), "small", 0, 0)["failed"]
        assert len(trials_of(out)) == 3


@pytest.mark.parametrize(
    "mine, home, says",
    [
        (True, None, ""),  # all went well
        (True, "results.json", ""),  # another attempt was quicker
        (False, "results.json", ""),  # another attempt took this one over, and has finished it
        (False, None, "another attempt has taken over split0_seed0.aa"),
        (True, "something", "is in the way of its trial"),
    ],
)
def test_the_end_of_an_attempt(mine: bool, home: str | None, says: str, tmp_path: Path) -> None:
    """A trial is finished whoever finished it; else the error says which of two things has happened."""
    own, final = tmp_path / "split0_seed0.aa", tmp_path / "split0_seed0"
    for path, file in ((own, "results.json" if mine else None), (final, home)):
        if file:
            path.mkdir()
            (path / file).write_text(path.name)
    if says:
        with pytest.raises(InputError, match=says):
            finish(own, final)
    else:
        finish(own, final)
        assert (final / "results.json").read_text() == (final.name if home else own.name)
        assert list(tmp_path.iterdir()) == [final]

"""The command line: bad input is one line on stderr and exit code 2, with nothing written."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minireid.cli import main
from minireid.recipes.text import to_toml
from tests import small_data

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a prepared folder with flow, one without, a raw dataset, split files, recipes and a run."""
    place = tmp_path_factory.mktemp("place")
    prepared = small_data.write_prepared(place / "prepared", flow=True)
    colours = small_data.write_prepared(place / "colours")
    small_data.write_prepared(place / "small", size=(12, 8))
    small_data.write_prepared(place / "three", persons=(1, 2, 3))
    small_data.write_prepared(place / "brief", lengths=(2,))
    (place / "raw" / "multi_shot" / "cam_a").mkdir(parents=True)
    (place / "splits.json").write_text(json.dumps([{"train": [1, 2, 3], "test": ["person_0004", "person_0005"]}]))
    (place / "overlap.json").write_text(json.dumps([{"train": [1, 2, 3], "test": [3, 4]}]))
    (place / "strangers.json").write_text(json.dumps([{"train": [1, 2, 3], "test": [4, 99]}]))
    (place / "cut.json").write_text('[{"train": [1, 2')
    (place / "whole.toml").write_text(to_toml(small_data.recipe()))
    (place / "cut.toml").write_text(to_toml(small_data.recipe())[:200])
    small_data.trained(place / "run", colours)
    assert prepared.has_flow
    return place


def fault(words: list[str], capsys: Capture, place: Path) -> str:
    """What bad input is answered with: exit code 2, one line on stderr, nothing on stdout, nothing written."""
    before = small_data.listing(place), sorted(place.rglob("*"))
    assert main(words) == 2
    assert (small_data.listing(place), sorted(place.rglob("*"))) == before, "something was written"
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("minireid: error: ") and said.err.count("\n") == 1, said
    return said.err


@pytest.mark.parametrize(
    "words, says",
    [
        (["nowhere"], "found none at nowhere"),
        (["raw"], "looks like a raw dataset folder: run python -m data_tools.prepare"),
        (["raw/multi_shot"], "index.json is missing"),
        (["small"], "at least 16 x 8 (clips.crop), got 12 x 8"),
        (["colours", "--set", "clips.flow=true"], "expected optical flow in colours"),
        (["colours", "--set", "clips.crop=[25, 8]"], "at least 25 x 8 (clips.crop), got 24 x 16"),
        (["colours", "--recipe", "resnet"], "expected a recipe (crf"),
        (["colours", "--recipe", "nowhere.toml"], "expected a recipe at nowhere.toml"),
        (["colours", "--recipe", "cut.toml"], "cut.toml"),
        (["colours", "--set", "training.sead=1"], "no key training.sead"),
        (["colours", "--set", "training.seed=one"], "expected training.seed of msp_src as int, got 'one'"),
        (["colours", "--set", "training.epochs=0"], "training.epochs of msp_src as int, 1 or more, got 0"),
        (["colours", "--set", "training.epochs"], "expected --set section.key=value, got 'training.epochs'"),
        (["colours", "--set", "network.unit=elman_unsquashed"], "one of gru, gru_reset_after, elman, lstm"),
        (["colours", "--threads", "0"], "expected --threads of 1 or more, got 0"),
        (["colours", "--threads", "9999"], "expected --threads from 1 to"),
        (["colours", "--split", "99"], "split number from 0 to 9 for protocol 200, got 99"),
        (["colours", "--split", "-1"], "expected --split of 0 or more, got -1"),
        (["colours", "--splits", "nowhere.json"], "expected a split file at nowhere.json"),
        (["colours", "--splits", "cut.json"], "cut.json is damaged"),
        (["colours", "--splits", "whole.toml"], "whole.toml is damaged"),
        (["colours", "--splits", "splits.json", "--split", "1"], "split number from 0 to 0 for splits.json, got 1"),
        (["colours", "--splits", "overlap.json"], "person 3 is in train and in test"),
        (["colours", "--splits", "strangers.json"], "person 99 of strangers.json is not in both cameras"),
        (["colours", "--set", 'evaluation.protocol="178"'], "at least 4 persons whom protocol 178 admits"),
        (["colours", "--set", "evaluation.protocol=178"], "at least 4 persons whom protocol 178 admits"),
        (["three"], "at least 4 persons whom protocol 200 admits in three, got 3"),
        (["colours", "--set", "pairs.persons=6"], "at least 6 training persons with 3 frames in both cameras, got 5"),
        (["brief"], "at least 2 training persons with 3 frames in both cameras, got 0"),
        (["colours", "--set", "validation.persons=4"], "expected to hold out 0 to 3 of 5"),
        (["colours", "--set", "pairs.persons=1"], "pairs.persons of 2 or more for the sampler shared, got 1"),
        (["colours", "--set", "augment.shift=8"], "less than clips.crop, 16 x 8"),
        (["colours", "--set", "validation.persons=2", "--set", "validation.every=3"], "validation.every of at most"),
        (["colours", "--resume", "run"], "expected --resume RUN alone"),
    ],
)
def test_train_refuses(
    words: list[str], says: str, place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert says in fault(["train", *small_data.as_changes(), "--out", "new", *words], capsys, place)


@pytest.mark.parametrize(
    "words",
    [
        ["colours"],
        ["--out", "new"],
        ["--recipe", "msp_src"],
        ["--split", "0"],
        ["--splits", "splits.json"],
        ["--set", "training.epochs=9"],
    ],
)
def test_a_run_goes_on_with_its_own_data_recipe_and_split(
    words: list[str], place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert "expected --resume RUN alone" in fault(["train", "--resume", "run", *words], capsys, place)


def test_train_needs_a_folder_and_a_place(place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    for words in (["train"], ["train", "colours"], ["train", "--out", "new"]):
        assert "expected minireid train PREPARED --out RUN" in fault(words, capsys, place)


def test_train_never_writes_over_what_is_there(place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    words = ["train", "colours", *small_data.as_changes(), "--out"]
    assert "run is not empty: choose another --out, or go on with" in fault([*words, "run"], capsys, place)
    assert "whole.toml" in fault([*words, "whole.toml"], capsys, place)


@pytest.mark.parametrize(
    "words, says",
    [
        (["train", "--resume", "nowhere"], "expected a run folder"),
        (["train", "--resume", "colours"], "expected a run folder"),
        (["evaluate", "nowhere"], "expected a run folder"),
        (["evaluate", "run", "run"], "expected --out FOLDER"),
        (["evaluate", "run", "--out", "whole.toml"], "whole.toml"),
        (["embed", "nowhere", "colours", "--out", "e.npz"], "expected a run folder"),
        (["embed", "run", "nowhere", "--out", "e.npz"], "found none at nowhere"),
        (["embed", "run", "raw", "--out", "e.npz"], "raw dataset folder"),
        (["embed", "run", "small", "--out", "e.npz"], "at least 16 x 8"),
        (["embed", "run", "colours", "--out", "e.csv"], "end in .npz, got e.csv"),
        (["embed", "run", "colours", "--out", "nowhere/e.npz"], "nowhere"),
        (["search", "run", "colours", "nowhere", "--out", "s.png"], "found none at nowhere"),
        (["search", "run", "colours", "small", "--out", "s.png"], "at least 16 x 8"),
        (["search", "run", "colours", "colours", "--out", "s.jpg"], "end in .png, got s.jpg"),
        (["search", "run", "colours", "colours", "--out", "nowhere/s.png"], "nowhere"),
        (["search", "run", "colours", "colours", "--out", "s.png", "--top", "0"], "--top of 1 or more, got 0"),
        (["embed", "run", "colours", "--out", "e.npz", "--threads", "0"], "--threads of 1 or more"),
        (["trace", "nowhere"], "found none at nowhere"),
        (["trace", "--recipe", "resnet"], "expected a recipe"),
        (["trace", "--persons", "1"], "--persons of 2 or more, got 1"),
        (["trace", "--set", "clips.crop=[3, 3]"], "clips.crop"),
        (["gradcheck", "lstmm"], "there is nothing called lstmm to check"),
    ],
)
def test_the_other_commands_refuse(
    words: list[str], says: str, place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert says in fault(words, capsys, place)


def test_trace_of_a_folder_with_too_few_persons(place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    for folder, persons in (("brief", 2), ("three", 4)):
        words = ["trace", folder, *small_data.as_changes(f"pairs.persons={persons}")]
        assert f"at least {persons}" in fault(words, capsys, place)


# Damaged files that a run needs.


def cut(share: float) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])  # type: ignore[func-returns-value]


def other_version(file: Path) -> None:
    if file.suffix == ".json":
        file.write_text(json.dumps(json.loads(file.read_text()) | {"version": 5}))
        return
    with np.load(file) as saved:
        arrays = dict(saved)
    header = json.loads(str(arrays.pop("header"))) | {"version": 5}
    np.savez(file, header=np.array(json.dumps(header)), **arrays)


def other_shape(file: Path) -> None:
    if file.name == "index.json":
        file.write_text(json.dumps(json.loads(file.read_text()) | {"width": 15}))
    elif file.suffix == ".npy":
        np.save(file, np.load(file)[:, :-1])
    else:
        with np.load(file) as saved:
            arrays = dict(saved)
        name = next(name for name in arrays if name.startswith("params/"))
        np.savez(file, **{**arrays, name: arrays[name][..., :-1]})


DAMAGE = [
    *[("run/checkpoint.npz", damage) for damage in (cut(0), cut(0.3), cut(0.99), other_version, other_shape)],
    *[("run/run.json", damage) for damage in (cut(0), cut(0.5), other_version)],
    *[("run/recipe.toml", damage) for damage in (cut(0), cut(0.3))],
    *[("prepared/index.json", damage) for damage in (cut(0), cut(0.5), other_version, other_shape)],
    *[("prepared/frames.npy", damage) for damage in (cut(0), cut(0.01), cut(0.9), other_shape)],
    ("run/checkpoint.npz", Path.unlink),
    ("prepared/frames.npy", Path.unlink),
]


@pytest.mark.parametrize("name, damage", DAMAGE)
def test_damaged_files(name: str, damage: Callable[[Path], None], tmp_path: Path, capsys: Capture) -> None:
    prepared = small_data.write_prepared(tmp_path / "prepared")
    run = small_data.new_run(tmp_path / "run", prepared)
    small_data.train(run, stop_after=1)
    capsys.readouterr()
    damage(tmp_path / name)
    run_, folder = str(tmp_path / "run"), str(tmp_path / "prepared")
    for words in (
        ["train", "--resume", run_],
        ["evaluate", run_, "--out", str(tmp_path / "new")],
        ["embed", run_, folder, "--out", str(tmp_path / "new.npz")],
        ["search", run_, folder, folder, "--out", str(tmp_path / "new.png")],
    ):
        assert str((tmp_path / name).parent) in fault(words, capsys, tmp_path), words


@pytest.mark.parametrize("damage", [Path.unlink, cut(0), lambda file: file.write_text('{"step": 1, oops}\n')])
def test_evaluate_with_a_damaged_log(damage: Callable[[Path], None], tmp_path: Path, capsys: Capture) -> None:
    run = small_data.trained(tmp_path / "run", small_data.write_prepared(tmp_path / "prepared"))
    capsys.readouterr()
    damage(run.path / "log.jsonl")
    before = small_data.listing(tmp_path)
    assert main(["evaluate", str(run.path)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("minireid: error: ") and "log.jsonl" in last
    assert small_data.listing(tmp_path) == before


@pytest.mark.parametrize("broken", ['{"step": 2, oops}\n', '{"step": 2', "[2]\n", '{"epoch": 1}\n', "\0\xff\n"])
def test_resuming_with_a_damaged_log(broken: str, tmp_path: Path, capsys: Capture) -> None:
    """A step that the checkpoint has is not in the log: somebody changed it, since the log is on the disk first."""
    run = small_data.new_run(tmp_path / "run", small_data.write_prepared(tmp_path / "prepared"))
    small_data.train(run, stop_after=2)
    first, _ = (run.path / "log.jsonl").read_text().splitlines()
    (run.path / "log.jsonl").write_bytes((first + "\n" + broken).encode("latin-1"))
    before = small_data.listing(run.path)
    capsys.readouterr()
    assert main(["train", "--resume", str(run.path), "--threads", "1"]) == 2
    assert "log.jsonl does not hold steps 1 to 2 of this run as they were: put the original" in capsys.readouterr().err
    assert small_data.listing(run.path) == before


# In a process of its own.


def minireid(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), root]).strip(os.pathsep),
    }
    command = [sys.executable, "-m", "minireid.cli", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_exit_codes_of_the_process(place: Path) -> None:
    found = minireid("train", "nowhere", "--out", "new", cwd=place)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "minireid: error: expected a prepared folder, found none at nowhere: check the path\n"


def test_a_diverging_run_says_one_line(tmp_path: Path) -> None:
    """And keeps it to one: no warnings of NumPy's around it."""
    small_data.write_prepared(tmp_path / "prepared")
    changes = small_data.as_changes("training.learning_rate=1e6", "training.epochs=3")
    found = minireid("train", "prepared", *changes, "--out", "run", "--threads", "1", cwd=tmp_path)
    assert found.returncode == 2
    lines = [line.rpartition("\r")[2] for line in found.stderr.splitlines()]
    assert lines[-1].startswith("minireid: error: the loss ")
    for word in ("at step 2", "the checkpoint after step 0 is kept", "lower training.learning_rate"):
        assert word in lines[-1]
    assert "Traceback" not in found.stderr and "Warning" not in found.stderr


def test_help_of_every_command(capsys: Capture) -> None:
    for command in ("demo", "train", "evaluate", "embed", "search", "trace", "gradcheck", "paper"):
        with pytest.raises(SystemExit) as leaving:
            main([command, "--help"])
        assert leaving.value.code == 0 and command in capsys.readouterr().out
    assert main(["fly"]) == 2
    said = capsys.readouterr().err
    assert "fly" in said and said.count("\n") == 1


def test_gradcheck_of_one_layer(capsys: Capture) -> None:
    assert main(["gradcheck", "linear"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("all right")

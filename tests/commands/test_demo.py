"""`minireid demo`: it ends with a report, and the commands that it prints do the same by hand."""

import contextlib
import io
import json
import shlex
from pathlib import Path

import pytest

from data_tools.commands import prepare, verify, walkers
from minireid.cli import main
from tests import small_data

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def said(place: Path) -> str:
    """What the demo prints; its files are in place / "demo"."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["demo", "--quick", "--out", str(place / "demo"), "--threads", "1"]) == 0
    return printed.getvalue()


def commands(said: str) -> list[list[str]]:
    return [shlex.split(line[2:]) for line in said.splitlines() if line.startswith("$ ")]


def test_it_ends_with_a_report(place: Path, said: str) -> None:
    out = place / "demo"
    page = (out / "run" / "evaluation" / "report.html").read_text()
    assert page.count("<img") == 6 and "mean colour" in page
    assert said.splitlines()[-1].endswith(f"open {out}/run/evaluation/report.html")
    assert sorted(entry.name for entry in out.iterdir()) == ["prepared", "run", "walkers"]
    assert json.loads((out / "walkers" / "walkers.json").read_text())["seed"] == 0


def test_every_step_is_said(place: Path, said: str) -> None:
    out = str(place / "demo")
    starts = [
        ["python", "-m", "data_tools.walkers", f"{out}/walkers"],
        ["python", "-m", "data_tools.verify", "walkers", f"{out}/walkers"],
        ["python", "-m", "data_tools.prepare", "walkers", f"{out}/walkers", f"{out}/prepared"],
        ["minireid", "train", f"{out}/prepared"],
        ["minireid", "evaluate", f"{out}/run"],
    ]
    found = commands(said)
    assert [command[: len(start)] for command, start in zip(found, starts, strict=True)] == starts


def test_the_commands_do_the_same_by_hand(place: Path, said: str, capsys: Capture) -> None:
    """Each one, in another folder: the same frames, parameters and numbers."""
    tools = {"data_tools.walkers": walkers.main, "data_tools.verify": verify.main, "data_tools.prepare": prepare.main}
    for command in commands(said):
        command = [word.replace(f"{place}/demo", f"{place}/hand") for word in command]
        if command[0] == "minireid":
            assert main([*command[1:], "--threads", "1"]) == 0
        else:
            assert tools[command[2]](command[3:]) == 0
    for name in ("prepared/frames.npy", "prepared/index.json", "run/recipe.toml", "run/evaluation/results.json"):
        assert (place / "hand" / name).read_bytes() == (place / "demo" / name).read_bytes(), name
    one, other = (small_data.bits(place / folder / "run" / "checkpoint.npz") for folder in ("demo", "hand"))
    assert one == other


@pytest.mark.parametrize("there", ["folder", "file"])
def test_what_is_there_is_left_alone(tmp_path: Path, capsys: Capture, there: str) -> None:
    out = tmp_path / "demo"
    if there == "folder":
        out.mkdir()
    else:
        out.write_text("years of work")
    assert main(["demo", "--quick", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err == f"minireid: error: {out} exists already: remove it, or choose another --out\n"
    assert list(tmp_path.rglob("*")) == [out] and (out.is_dir() or out.read_text() == "years of work")


@pytest.mark.parametrize(
    "words, says",
    [(["--seed", "-1"], "--seed of 0 or more, got -1"), (["--threads", "0"], "--threads")],
)
def test_bad_options_before_anything_is_written(tmp_path: Path, capsys: Capture, words: list[str], says: str) -> None:
    assert main(["demo", "--quick", "--out", str(tmp_path / "demo"), *words]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "demo").exists()

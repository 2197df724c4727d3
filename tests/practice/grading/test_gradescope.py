"""The zip file, unpacked and run as Gradescope does, below a folder of one's own."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minireid import cli
from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.exercises.stub import stub
from minireid.practice.grading import gradescope
from tests.practice.grading.cheats import HONEST, RIGHT, START

PYTHON = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("zip") / "autograder.zip"
    gradescope.pack(out, ["linear", "gru_step"], hints=3)
    return out


def autograder(packed: Path, top: Path, **submission: str) -> Path:
    """top/source, top/submission, top/results and top/run_autograder, as the specification says."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(top / "source")
        for entry in archive.infolist():
            os.chmod(top / "source" / entry.filename, entry.external_attr >> 16)
    (top / "submission").mkdir()
    (top / "results").mkdir()
    (top / "run_autograder").write_bytes((top / "source" / "run_autograder").read_bytes())
    (top / "run_autograder").chmod(0o755)
    for name, text in submission.items():
        (top / "submission" / f"{name}.py").write_text(text)
    return top


def run(top: Path) -> dict:
    environment = {"PATH": os.environ["PATH"], "AUTOGRADER": str(top), "AUTOGRADER_PYTHON": sys.executable}
    done = subprocess.run([str(top / "run_autograder")], env=environment, capture_output=True, text=True, cwd=top)
    assert done.returncode == 0, done.stderr
    return json.loads((top / "results" / "results.json").read_text())


@pytest.mark.skipif(os.name == "nt", reason="Gradescope runs Linux")
def test_a_submission_is_graded_in_the_documented_form(packed: Path, tmp_path: Path) -> None:
    found = run(autograder(packed, tmp_path, linear=START + HONEST))
    assert found["score"] == pytest.approx(5 / 3, abs=0.01)
    linear, gru_step = found["tests"]
    assert linear["score"] == found["score"] and linear["max_score"] == 5 and linear["status"] == "failed"
    assert "all zero" in linear["output"] and "probably" in linear["output"]
    assert gru_step["score"] == 0 and "found none" in gru_step["output"]
    allowed = {"name", "number", "score", "max_score", "status", "output", "output_format", "visibility"}
    assert all(set(test) <= allowed for test in found["tests"])
    assert found["stdout_visibility"] == "hidden" and isinstance(found["execution_time"], int)


@pytest.mark.skipif(os.name == "nt", reason="Gradescope runs Linux")
def test_a_right_one_has_all_points_and_a_cheat_writes_no_result(packed: Path, tmp_path: Path) -> None:
    trick = f"\ntry: open({str(tmp_path / 'results' / 'results.json')!r}, 'w').write('5')\nexcept OSError: pass\n"
    found = run(autograder(packed, tmp_path, linear=START + RIGHT + trick, gru_step=stub(EXERCISES["gru_step"])))
    assert [test["score"] for test in found["tests"]] == [5, 0]
    assert found["tests"][0]["status"] == "passed" and found["score"] == 5


def test_the_zip_has_its_scripts_at_the_root_and_nothing_of_this_machine(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
        everything = b"".join(archive.read(name) for name in names[:3])
    assert {"setup.sh", "run_autograder"} <= set(names) and not any("__pycache__" in name for name in names)
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert b"/home" not in everything and str(Path.cwd()).encode() not in everything


def test_the_same_package_gives_the_same_zip(packed: Path, tmp_path: Path) -> None:
    gradescope.pack(tmp_path / "again.zip", ["linear", "gru_step"], hints=3)
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_setup_is_a_script_that_bash_can_read(packed: Path, tmp_path: Path) -> None:
    autograder(packed, tmp_path)
    for script in ("setup.sh", "run_autograder"):
        assert subprocess.run(["bash", "-n", str(tmp_path / "source" / script)]).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["linaer", "--gradescope", "a.zip"], "did you mean linear"),
        (["linear", "--gradescope", "a.tar"], "to end in .zip"),
    ],
)
def test_bad_words_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["exercise", "pack", *words]) == 2
    assert said in capsys.readouterr().err

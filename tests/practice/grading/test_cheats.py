"""None of the cheats changes a grade, hangs the grader, or leaves anything behind."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from minireid.base.errors import InputError
from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.grading import process
from minireid.practice.grading.grader import grade_file
from minireid.practice.grading.process import Limits
from tests.practice.grading.cheats import CHEATS, HONEST, RIGHT, START

ROOT = Path(__file__).parents[3]
LIMITS = Limits(seconds=6.0, processor=2)
LINEAR = EXERCISES["linear"]


def processes_of(marker: str) -> list[int]:
    """The numbers of running processes with this text in their command line. Linux only; elsewhere none are found."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_changes_no_grade(name: str, tmp_path: Path) -> None:
    cheat = CHEATS[name]
    folder = tmp_path / "precious"
    folder.mkdir()
    file = tmp_path / "linear.py"
    file.write_text(START + cheat.source.replace("{root}", str(ROOT)).replace("{folder}", str(folder)))
    before, began = file.read_text(), time.monotonic()
    grade = grade_file(file, LINEAR, limits=LIMITS)
    assert grade.points == pytest.approx(cheat.points, abs=0.01), grade.word
    assert cheat.word in grade.word
    assert "\n" not in grade.word
    assert time.monotonic() - began < 60  # a hang would be for ever
    assert file.read_text() == before and list(folder.iterdir()) == [] and not (tmp_path / "results.json").exists()


def test_the_bases_have_the_points_that_tricks_are_measured_by(tmp_path: Path) -> None:
    file = tmp_path / "linear.py"
    for source, points in ((HONEST, 5 / 3), (RIGHT, 5)):
        file.write_text(START + source)
        assert grade_file(file, LINEAR).points == pytest.approx(points, abs=0.01)


def test_nothing_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # stands in the command line of its processes
    file = tmp_path / "linear.py"
    for name in ("an endless loop that ignores signals", "sleep", "fork"):
        file.write_text(START + CHEATS[name].source)
        grade_file(file, LINEAR, limits=LIMITS._replace(seconds=2.0))
    assert processes_of(str(tmp_path)) == []


@pytest.mark.parametrize(
    "name", ["fork", "another program", "sleep", "exit in backward", "the network", "kill the grader"]
)
def test_the_same_where_unshare_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "apart", lambda: ())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = tmp_path / "linear.py"
    file.write_text(START + CHEATS[name].source)
    grade = grade_file(file, LINEAR, limits=LIMITS._replace(seconds=3.0))
    assert grade.points == pytest.approx(CHEATS[name].points, abs=0.01)
    assert processes_of(str(tmp_path)) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "linear.py"
    link.symlink_to(ROOT / "minireid" / "layers" / "linear.py")
    with pytest.raises(InputError, match="link"):
        grade_file(link, LINEAR)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "linear.py"
    file.write_bytes(b"#" * 10**6)
    with pytest.raises(InputError, match="bytes"):
        grade_file(file, LINEAR)


@pytest.mark.parametrize("content", [b"\x00", b"\xff\xfe", b"def forward(", b"", b"import tensorflow", b"forward = 3"])
def test_a_broken_file_gets_no_points_and_one_sentence(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "linear.py"
    file.write_bytes(content)
    grade = grade_file(file, LINEAR)
    assert grade.points == 0 and grade.word and "\n" not in grade.word


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs user numbers")
def test_the_environment_is_empty_and_its_folder_is_its_own(tmp_path: Path) -> None:
    file = tmp_path / "linear.py"
    file.write_text(
        START
        + RIGHT
        + "assert set(os.environ) <= {'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'LC_CTYPE'}, os.environ\n"
        "assert os.listdir('.') == ['linear.py'] and sys.argv == ['']\n"
    )
    assert grade_file(file, LINEAR).ok

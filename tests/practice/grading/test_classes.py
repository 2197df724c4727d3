"""A class: one bad file does not stop it, and every table says the same."""

import csv
import io
import os
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from minireid import cli
from minireid.base.errors import InputError
from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.exercises.stub import stub
from minireid.practice.grading import classes, feedback, tables
from minireid.practice.grading.process import Limits
from tests.practice.grading.cheats import HONEST, RIGHT, START

LIMITS = Limits(seconds=5.0, processor=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five students: right, honest, a stub, a loop, nothing."""
    made = tmp_path / "class"
    for student, text in (
        ("ada", START + RIGHT),
        ("bob", START + HONEST),
        ("<b>eve", "while True: pass"),
        ("stub", stub(EXERCISES["linear"])),
        ("zoe", None),
    ):
        (made / student).mkdir(parents=True)
        if text:
            (made / student / "linear.py").write_text(text)
    (made / "README.txt").write_text("not a student")
    return made


def test_every_student_has_a_grade(folder: Path) -> None:
    told: list[str] = []
    works = classes.grade_class(folder, limits=LIMITS, seed=4, tell=lambda work: told.append(work.student))
    got = {work.student: work.grade.points for work in works}
    assert got == {"<b>eve": 0, "ada": 5, "bob": pytest.approx(5 / 3, abs=0.01), "stub": 0, "zoe": 0}
    assert sorted(told) == list(got)
    assert {work.grade.seed for work in works} == {4}
    assert "found none" in works[-1].grade.word


def test_tables_say_the_same(folder: Path) -> None:
    works = classes.grade_class(folder, limits=LIMITS)
    lines = tables.table(works).splitlines()
    assert lines[1].split() == ["points", "5", "5"] and "ada          5     5" in lines[3]
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(works))))
    assert [float(row["points"]) for row in rows] == [work.grade.points for work in works]
    suites = xml.fromstring(tables.junit(works)).findall("testsuite")
    assert [suite.get("name") for suite in suites] == [work.student for work in works]
    failures = {suite.get("name"): len(suite.findall("testcase/failure")) for suite in suites}
    assert failures == {"<b>eve": 4, "ada": 0, "bob": 3, "stub": 4, "zoe": 1}
    assert all(int(suite.get("failures") or 0) == len(suite.findall("testcase/failure")) for suite in suites)


def test_feedback_is_a_page_that_runs_nothing_of_the_students(folder: Path) -> None:
    (folder / "bob" / "linear.py").write_text("raise ValueError('<script>alert(1)</script>')")
    works = classes.grade_class(folder, limits=LIMITS)
    page = feedback.page("<b>eve", [work for work in works if work.student in ("<b>eve", "bob")])
    assert "<script>" not in page and "&lt;script&gt;" in page and "<b>" not in page
    assert feedback.page("x", works, hints=0).count("<table>") == 0


def test_a_formula_in_a_name_stays_text() -> None:
    assert tables.shown("=cmd()") == "'=cmd()" and tables.shown("ada") == "ada"


def test_a_file_for_each_student(tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.py").write_text(START + RIGHT)
    with pytest.raises(InputError, match="expected --exercise"):
        classes.grade_class(tmp_path)
    works = classes.grade_class(tmp_path, ["linear"])
    assert [(work.student, work.grade.points) for work in works] == [("ada", 5), ("bob", 5)]


ANSWERS = Path(__file__).parents[1] / "cells" / "answers"


def test_each_student_is_graded_on_a_cell_of_their_own(tmp_path: Path) -> None:
    """s4, s7 and s9 handed in right cells; a copy of s7's gets nothing; a name that is no name stops nobody."""
    strange = "n" * 150
    for student, answer in (("s4", "s4"), ("s7", "s7"), ("s9", "s9"), ("copy", "s7"), (strange, "s7")):
        (tmp_path / student).mkdir()
        (tmp_path / student / "cell.py").write_text((ANSWERS / f"cell_{answer}.py").read_text("utf-8"), "utf-8")
    works = classes.grade_class(tmp_path, seed=3)
    assert {w.student: w.grade.points for w in works} == {"s4": 20, "s7": 20, "s9": 20, "copy": 0, strange: 0}
    assert "1 to 100 signs" in next(w.grade.word for w in works if w.student == strange)
    other = classes.grade_class(tmp_path, ["cell"], course="another", seed=3)
    assert not any(w.grade.ok for w in other)
    with pytest.raises(InputError, match="--course"):
        classes.grade_class(tmp_path, course=" ")


def test_losses_of_ones_own(tmp_path: Path) -> None:
    for student in ("s1", "s3"):
        (tmp_path / f"{student}.py").write_text((ANSWERS / f"loss_{student}.py").read_text("utf-8"), "utf-8")
    assert all(w.grade.ok for w in classes.grade_class(tmp_path, ["loss"], seed=5))


def test_a_fault_of_the_grader_costs_nobody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = classes.grade_file

    def fails_for_bob(path: Path, *arguments: object, **options: object) -> object:
        if path.parent.name == "bob":
            raise RuntimeError("broken")
        return right(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(classes, "grade_file", fails_for_bob)
    works = {work.student: work.grade for work in classes.grade_class(folder, limits=LIMITS)}
    assert works["ada"].points == 5 and "the grader failed" in works["bob"].word


@pytest.mark.skipif(os.name == "nt", reason="such names are not possible there")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    home = os.path.join(os.fsencode(tmp_path), b"a\xff")
    try:
        os.mkdir(home)
    except OSError:
        pytest.skip("the file system refuses the name")
    Path(os.fsdecode(home), "linear.py").write_text(START + RIGHT)
    (work,) = classes.grade_class(tmp_path)
    assert work.grade.ok and tables.as_csv([work]).encode() and feedback.page(work.student, [work]).encode()


def test_the_command_writes_everything(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "<b>eve" / "linear.py").unlink()
    out = tmp_path / "out"
    assert cli.main(["grade", str(folder), "--out", str(out), "--seed", "1", "--hints", "3"]) == 0
    assert "ada" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["feedback", "grades.csv", "grades.xml"]
    assert len(list((out / "feedback").glob("*.html"))) == 5


@pytest.mark.parametrize("words", [["nothing_here"], ["."], [".", "--exercise", "linaer"]])
def test_bad_input_is_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["grade", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1

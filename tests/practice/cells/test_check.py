"""`minireid exercise cell`: as a student uses it, with right answers, typical mistakes, stubs and bad input."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from minireid import cli
from minireid.base.errors import InputError
from minireid.gradcheck import Report
from minireid.gradcheck.cases.user_module import imported
from minireid.practice.cells.check import check_own, judged, told
from minireid.practice.cells.compare import Row
from minireid.practice.cells.student import definition_of, stub

Capture = pytest.CaptureFixture[str]
ANSWERS = Path(__file__).parent / "answers"
NAMES = sorted(path.stem for path in ANSWERS.glob("*.py"))


def checked(answer: str, tmp_path: Path, old: str = "", new: str = "") -> tuple[list[Row], Report]:
    """The rows and the report on an answer in which `old` is replaced."""
    source = (ANSWERS / f"{answer}.py").read_text(encoding="utf-8")
    assert old in source
    path = tmp_path / f"{answer}.py"
    path.write_text(source.replace(old, new, 1), encoding="utf-8")
    kind, student = answer.split("_")
    return judged(path, imported(path), definition_of(student, kind=kind), 0)


@pytest.mark.parametrize("answer", NAMES)
def test_answers_by_hand_are_right(answer: str, capsys: Capture) -> None:
    kind, student = answer.split("_")
    loss = ["--loss"] if kind == "loss" else []
    assert cli.main(["exercise", "cell", "check", str(ANSWERS / f"{answer}.py"), "--student", student, *loss]) == 0
    said = capsys.readouterr().out
    assert said.startswith("forward   right: ") and f"\n{kind} of your own  right   seed 0, complex step\n" in said
    assert "WRONG" not in said and "not stable" not in said


@pytest.mark.parametrize(
    ("answer", "old", "new", "wrong", "cause"),
    [
        ("cell_s7", "+ h_prev.T @ daz", "", "dU", "term missing"),
        ("cell_s7", "g - f * h_prev", "g - h_prev", "dz", "factor missing"),
        ("cell_s7", "dr = dq * h_prev", "dr = dq * q", "dr", "wrong variable"),
        ("cell_s9", "do = dh * (s - h_prev)", "do = dh * s", "do", "term missing"),
        ("cell_s9", "dhU = dhU + dai", "dhU = dai", "dhU", "= for +="),
        ("cell_s9", "daf.sum(0)", "daf.mean(0)", '["bf"]', "constant factor"),
        ("cell_s4", "dc * (c_prev - g)", "dc * (g - c_prev)", "df", "sign"),
        ("cell_s4", '(dnf + dar) @ params["U"].T', '(dnf + dar) @ params["U"]', "dh_prev", "transposed"),
        ("loss_s1", "np.add.at(dx, i, dv *", "dx[i] += (dv *", "dx", "= for +="),
        ("loss_s1", "np.add.at(dx, j, -dv", "np.add.at(dx, j, dv", "dx", "sign"),
        ("loss_s1", " / v.shape[1]", "", "dv", "constant factor"),
    ],
)  # fmt: skip
def test_typical_mistakes_are_told_apart(
    answer: str, old: str, new: str, wrong: str, cause: str, tmp_path: Path
) -> None:
    rows, report = checked(answer, tmp_path, old, new)
    assert all(row.ok for row in rows) and not report.forward
    assert report.line is not None and report.line.variable == wrong, report
    assert new in report.line.text
    assert report.causes[0].cause == cause


@pytest.mark.parametrize(
    ("answer", "old", "new", "results", "fix"),
    [
        ("cell_s4", "f * c_prev + (1 - f) * g", "(1 - f) * c_prev + f * g", ["h", "c"], "(1 - f) * g + f * c_prev"),
        ("cell_s4", "ng = 1 + q @", "ng = 1 + h_prev @", ["h", "c"], "ng = 1 + q @"),
        ("cell_s9", "h = (1 - o) * h_prev + o * s", "h = o * h_prev + o * s", ["h"], "1 - o"),
        ("cell_s9", "return h, c, (x,", "return h, c_prev, (x,", ["c"], ""),
        ("loss_s1", "0.65 * same * pull", "0.65 * same * d", ["loss"], "pull"),
    ],
)  # fmt: skip
def test_a_wrong_forward_is_told_before_the_backward(
    answer: str, old: str, new: str, results: list[str], fix: str, tmp_path: Path
) -> None:
    rows, report = checked(answer, tmp_path, old, new)
    assert [row.name for row in rows if not row.ok] == results
    assert report.forward and not report.ok and told(rows, report, 1).startswith("forward   ")
    if fix:
        assert report.line is not None and new in report.line.text
        assert fix in report.causes[0].fix


def test_hints_tell_more_step_by_step(tmp_path: Path) -> None:
    rows, report = checked("cell_s4", tmp_path, "dc * (c_prev - g)", "dc * (g - c_prev)")
    texts = [told(rows, report, hints) for hints in range(5)]
    assert texts[0].splitlines() == ["cell of your own  WRONG   seed 0, complex step"]
    new = ["forward   right: h, c", "line 30", "probably sign", "everything comes out right with"]
    for hints, words in enumerate(new, start=1):
        assert words in texts[hints] and words not in texts[hints - 1]


@pytest.mark.parametrize("kind", ["cell", "loss"])
def test_the_file_of_the_start_is_not_written_yet(kind: str, tmp_path: Path, capsys: Capture) -> None:
    file, loss = tmp_path / "mine.py", ["--loss"] if kind == "loss" else []
    assert cli.main(["exercise", "cell", "start", str(file), "--student", "s7", *loss]) == 0
    command = capsys.readouterr().out.partition("When it is done: minireid ")[2].split()
    assert file.read_text(encoding="utf-8") == stub(definition_of("s7", kind=kind), "s7")
    assert cli.main(command) == 1
    name = "step_forward" if kind == "cell" else "loss_forward"
    assert f"not written yet: NotImplementedError: write {name} at line" in capsys.readouterr().out


def test_a_right_forward_is_said_to_be_right_while_the_backward_is_a_stub(tmp_path: Path) -> None:
    rows, report = checked("cell_s7", tmp_path, "    dz = dh", '    raise NotImplementedError("write it")\n    dz = dh')
    said = told(rows, report, 4)
    assert said.startswith("forward   right: h\n") and "not written yet" in said and not report.ok


def test_another_students_answer_is_wrong(capsys: Capture) -> None:
    assert cli.main(["exercise", "cell", "check", str(ANSWERS / "cell_s7.py"), "--student", "s8"]) == 1
    assert "right   " not in capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def step_forward(x):\n    return x", "no function step_backward"),
        ("", "no function step_forward and no step_backward"),
        ("def step_forward(:", "line 1: "),
        ("raise ValueError('a\\nb')", "cannot be imported: ValueError: a at line 1"),
        ("import sys\nsys.exit(0)", "cannot be imported: SystemExit"),
        ("import os\nos._exit(0)", "ended the check itself, with exit code 0"),
    ],
)
def test_bad_files_are_one_line(source: str, said: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.py"
    file.write_text(source, encoding="utf-8")
    assert cli.main(["exercise", "cell", "check", str(file), "--student", "s7"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and len(captured.err.splitlines()) == 1 and not captured.out


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("3", "h has the shape (); expected (5, 3)"),
        ("(None, None)", "y"),
        ("(x[:, :1], None)", "shape"),
        ("(x @ x, None)", "ValueError"),
        ("1 / 0", "ZeroDivisionError: division by zero at line 2"),
    ],
)
def test_wrong_results_are_reports(returned: str, said: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.py"
    text = f"def step_forward(x, h_prev, params):\n    return {returned}\ndef step_backward(dh, cache):\n    return 1\n"
    file.write_text(text, encoding="utf-8")
    assert cli.main(["exercise", "cell", "check", str(file), "--student", "s7"]) == 1
    captured = capsys.readouterr()
    assert said in captured.out and "Traceback" not in captured.out + captured.err


def test_an_endless_loop_ends(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("while True:\n    pass\n", encoding="utf-8")
    with pytest.raises(InputError, match="not finished after 3 seconds"):
        check_own(file, "s7", seconds=3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check"], "expected a file with start and check"),
        (["start"], "expected a file with start and check"),
        (["check", "none.py"], "there is no file none.py"),
        (["start", "mine.txt"], "to end in .py"),
        (["start", "no/mine.py"], "expected a folder no"),
        (["check", "none.py", "--seed", "-1"], "--seed of 0 or more"),
        (["--picture", "p.pdf"], "to end in .svg or .png"),
        (["--picture", "no/p.svg"], "expected a folder no"),
        (["--course", " "], "expected --course"),
    ],
)
def test_bad_input_is_one_line(words: list[str], said: str, capsys: Capture) -> None:
    assert cli.main(["exercise", "cell", *words, "--student", "s7"]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and len(captured.err.splitlines()) == 1 and not captured.out


def test_work_is_not_overwritten(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.py"
    file.write_text("my work", encoding="utf-8")
    assert cli.main(["exercise", "cell", "start", str(file), "--student", "s7"]) == 2
    assert "exists already" in capsys.readouterr().err and file.read_text(encoding="utf-8") == "my work"


def test_page_latex_and_picture(tmp_path: Path, capsys: Capture) -> None:
    for name in ("cell.svg", "cell.png"):
        assert cli.main(["exercise", "cell", "--student", "s9", "--picture", str(tmp_path / name)]) == 0
    assert "F11 h = (1 - o) * h_prev + o * s " in capsys.readouterr().out
    assert cli.main(["exercise", "cell", "--student", "s9", "--latex"]) == 0
    assert capsys.readouterr().out.startswith(r"\begin{align}")
    with Image.open(tmp_path / "cell.png") as picture:
        assert picture.size[0] > 800
    written = (tmp_path / "cell.svg").read_bytes()
    root = ElementTree.fromstring(written)
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert (
        title is not None
        and title.text == "A gated cell of your own: 3 gates, a cell state, one matrix for several gates."
    )
    assert b"F11 h = (1 - o)" in written
    assert cli.main(["exercise", "cell", "--student", "s9", "--picture", str(tmp_path / "again.svg")]) == 0
    assert (tmp_path / "again.svg").read_bytes() == written

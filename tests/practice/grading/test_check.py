"""`minireid exercise` and `check_exercise`, as a student uses them."""

import re
from pathlib import Path

import pytest

from minireid import cli
from minireid.base.errors import InputError
from minireid.layers import attentive_rnn, gru, linear
from minireid.practice import check_cell, check_exercise
from minireid.practice.cells.exercise import functions
from minireid.practice.cells.student import definition_of
from minireid.practice.grading import grade
from tests.practice.grading.cheats import BACKWARD, RIGHT, START
from tests.practice.grading.solved import GRU_STEP

SIGN = START + RIGHT.replace('dy @ p["W"].T', '-dy @ p["W"].T')


def test_from_the_stub_to_all_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["exercise", "start", "linear"]) == 0
    file = tmp_path / "linear.py"
    file.write_text(capsys.readouterr().out)
    assert cli.main(["exercise", "check", str(file)]) == 1
    assert "forward is not written yet (line" in capsys.readouterr().out
    file.write_text(
        file.read_text().replace('raise NotImplementedError("write this")', 'return x @ p["W"] + p["b"], (x, p)', 1)
    )
    assert cli.main(["exercise", "check", str(file)]) == 1
    assert "forward is right; backward is not written yet (line" in capsys.readouterr().out
    head = file.read_text().partition("def backward")[0]
    file.write_text(head + BACKWARD)
    assert cli.main(["exercise", "check", str(file)]) == 0
    assert "5 of 5 points" in capsys.readouterr().out


def test_hints_come_in_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gru_step.py"
    file.write_text(GRU_STEP.replace("dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)"))
    said = []
    for hints in "01234":
        assert cli.main(["exercise", "check", str(file), "--hints", hints, "--seed", "5"]) == 1
        said.append(capsys.readouterr().out)
    (number,) = (n for n, line in enumerate(file.read_text().splitlines(), 1) if "dz = dh * (h_prev - c)" in line)
    line = f"line {number} in step_backward"
    for stage, sign in enumerate(("points", "wrong  step_backward", line, "probably sign", "dz = dh * (c - h_prev)")):
        assert [sign in text for text in said] == [n >= stage for n in range(5)], sign


def test_the_readme_shows_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(grade.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    ((shown, seed),) = re.findall(r"^```\n(gru_step .* seed (\d+)\n.*?)\n```", readme, re.MULTILINE | re.DOTALL)
    file = tmp_path / "gru_step.py"
    file.write_text(GRU_STEP.replace("dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)"))
    assert cli.main(["exercise", "check", str(file), "--seed", seed]) == 1
    assert capsys.readouterr().out.startswith(shown + "\n")


def test_a_file_of_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SIGN)
    assert cli.main(["exercise", "check", str(file), "--exercise", "linear"]) == 1
    assert "a sign" in capsys.readouterr().out
    assert cli.main(["exercise", "check", str(file)]) == 2
    assert "there is no exercise mine" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["start", "nope"], ["check", "linear.py"], ["check", "nope.py"]])
def test_what_does_not_exist_is_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["exercise", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["start"], ["check"], ["start", "a", "b"], ["pack", "linear"], ["nope"]])
def test_missing_words_are_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["exercise", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("minireid: error: ") and "; see minireid" in said and said.count("\n") == 1


def test_in_a_notebook() -> None:
    shown = check_exercise("linear", linear.forward, linear.backward)
    assert shown.grade.ok and "all right" in str(shown) and 'class="right"' in shown._repr_html_()


def test_in_a_notebook_with_a_mistake() -> None:
    def back(dh, cache):
        dx, dh_prev, grads = gru.step_backward(dh, cache)
        return dx, dh_prev, {**grads, "bz": -grads["bz"]}

    shown = check_exercise("gru_step", gru.step_forward, back, hints=2)
    assert not shown.grade.ok and "10 of 11 are right, dbz" in str(shown) and shown.grade.reports
    assert "a sign" in shown._repr_html_()


def test_a_notebook_shows_the_wrong_line_in_its_function() -> None:
    def back(dh, cache):
        dx, dh_prev, grads = gru.step_backward(dh, cache)
        twice = grads["Uz"] * 2
        return dx, dh_prev, {**grads, "Uz": twice}

    for hints in range(5):
        shown = check_exercise("gru_step", gru.step_forward, back, hints=hints, seed=1)
        page = shown._repr_html_()
        marked = re.findall(r'<div class="row wrong">(.*?)</div>', page)
        assert len(marked) == (2 if hints >= 2 else 0) and ("Probable cause" in page) is (hints >= 3)
        assert ("comes out right with" in page) is (hints >= 4) and "<pre>" not in page
    assert 'aria-label="wrong line"' in marked[0] and "computed <b>" in marked[1]
    assert "twice = grads[&quot;Uz&quot;] * 2" in re.sub(r"<[^>]*>", "", marked[0])
    assert "twice = grads" in str(shown)  # as text too


def test_in_a_notebook_not_written_yet() -> None:
    def forward(x, p):
        raise NotImplementedError

    def linear_forward(x, p):
        raise NotImplementedError

    assert "not written yet" in str(check_exercise("linear", forward, forward))
    assert "wrong  forward          3 tensors" in str(check_exercise("linear", lambda x, p: None, forward))
    assert "returned nothing; expected results and a cache" in str(check_exercise("linear", lambda x, p: None, forward))
    shown = check_exercise("linear", linear_forward, forward)
    assert "linear_forward is not written yet" in str(shown) and repr(shown) == str(shown)
    with pytest.raises(InputError, match="expected 2 functions for linear"):
        check_exercise("linear", forward)


def test_a_cell_of_ones_own_in_a_notebook() -> None:
    forward, backward = functions(definition_of("s7"))
    assert check_cell("s7", forward, backward).grade.points == 20

    def turned(dh, cache):
        dx, *others = backward(dh, cache)
        return -dx, *others

    shown = check_cell("s7", forward, turned, hints=1, seed=1)
    assert not shown.grade.ok and "dx is wrong (right but for a sign" in str(shown)
    with pytest.raises(InputError, match="expected 2 functions for loss"):
        check_cell("s7", forward, loss=True)


def test_a_wrong_forward_is_told_before_its_backward() -> None:
    def step_forward(x, h_prev, p):
        h, cache = gru.step_forward(x, h_prev, {**p, "bz": p["br"]})
        return h, cache._replace(p=p)

    shown = check_exercise("gru_step", step_forward, gru.step_backward, hints=4, seed=1)
    assert "Mend step_forward first" in str(shown)
    (report,) = shown.grade.reports
    assert "the forward differs from the reference" in report and "in step_backward" not in report
    assert "correct the forward first" in report


def test_attention_has_a_line_too() -> None:
    """The forward is given; the backward alone is the reader's."""

    def backward(dh, cache):
        dv, grads = attentive_rnn.backward(dh, cache)
        return dv, {**grads, "Wa": grads["Wa"].T}

    (report,) = check_exercise("attention", backward, hints=4, seed=1).grade.reports
    assert 'return dv, {**grads, "Wa": grads["Wa"].T}' in report

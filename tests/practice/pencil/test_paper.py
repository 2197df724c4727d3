"""The paper doctor: exact backward passes against the layers and losses, diagnoses, and the command."""

import builtins
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from fractions import Fraction as F
from functools import cache
from typing import Any

import numpy as np
import pytest

from minireid import cli
from minireid.gradcheck.cause.causes import Cause
from minireid.layers import gru
from minireid.practice.pencil import contrastive, doctor
from minireid.practice.pencil import gru as gru_paper
from minireid.practice.pencil.problem import LONGEST, Problem

Capture = pytest.CaptureFixture[str]
SEEDS = range(50)
SOURCE = inspect.getsource(gru)
CAUSES = {str(cause) for cause in Cause}


@cache
def problem_of(kind: str, seed: int) -> Problem:
    return doctor.draw(kind, seed)[0]


# The lines of the GRU are those of its layer.


def floats(value: Any) -> np.ndarray:
    """As the layer wants them: (1, 1) where the problem has a number."""
    return np.atleast_2d(np.array(value, dtype=object)).astype(np.float64)


def step_of(problem: Problem) -> tuple[np.ndarray, dict[str, Any]]:
    """dh, and what gru.step_forward keeps for this problem; with the biases that give its z, r and c."""
    given = {name: floats(value) for name, value in problem.given.items()}
    h_prev, z, r, c = (given[name] for name in ("h_prev", "z", "r", "c"))
    S = z.shape[1]
    x = given.get("x", np.ones((1, S)))
    p = {name: given.get(name, np.full((S, S), 0.3)) for name in ("Wz", "Uz", "Wr", "Ur", "Wc", "Uc")}
    p["bz"] = (np.log(z / (1 - z)) - x @ p["Wz"] - h_prev @ p["Uz"])[0]
    p["br"] = (np.log(r / (1 - r)) - x @ p["Wr"] - h_prev @ p["Ur"])[0]
    p["bc"] = (np.arctanh(c) - x @ p["Wc"] - (r * h_prev) @ p["Uc"])[0]
    h, kept = gru.step_forward(x, h_prev, p)
    np.testing.assert_allclose(h, floats(problem.values()["h"]), rtol=1e-10)
    return given["dh"], kept


def backward_of(source: str, problem: Problem) -> dict[str, np.ndarray]:
    """Everything that the step_backward of this text of gru.py computes: dz to dx, and dWz to dUc."""
    scope: dict[str, Any] = {}
    exec(source.replace("    return dx, dh_prev, grads", "    return locals()"), scope)
    found = scope["step_backward"](*step_of(problem))
    return {**found, **{f"d{name}": value for name, value in found["grads"].items()}}


def assert_same(problem: Problem, ours: dict[str, Any], theirs: dict[str, np.ndarray], what: str) -> None:
    for name in problem.lines:
        if name.startswith("d"):
            np.testing.assert_allclose(floats(ours[name]), theirs[name], rtol=1e-9, err_msg=f"{name}, {what}")


@pytest.mark.parametrize("kind", ["gru", "gru_vectors"])
def test_gru_against_the_layer(kind: str) -> None:
    for seed in SEEDS:
        problem = problem_of(kind, seed)
        assert_same(problem, problem.values(), backward_of(SOURCE, problem), f"seed {seed}")


def test_the_logarithms_are_those_of_the_gates() -> None:
    ln = {f"ln {n}": np.log(n) for n in (2, 3, 4)} | {"(ln 2)/2": np.log(2) / 2}
    ln |= {"-" + name: -a for name, a in ln.items()}
    for z, a in gru_paper.SIGMOIDS.items():
        assert 1 / (1 + np.exp(-ln[a])) == pytest.approx(float(z), rel=1e-12)
    for c, a in gru_paper.TANHS.items():
        assert np.tanh(ln[a]) == pytest.approx(float(c), rel=1e-12)


def test_lines_and_equations_are_those_of_the_layer() -> None:
    plain = SOURCE.replace('p["', "").replace('"]', "")
    for name, (text, equation) in gru_paper.LINES.items():
        expected = f'"{name[1:]}": {text},' if re.match("d[WU]", name) else f"    {name} = {text}  # {equation}"
        assert expected in plain, name


def test_a_mistake_leads_where_the_layer_with_that_mistake_leads() -> None:
    """The line is changed in the layer's own text: all that comes after goes wrong as it does on paper."""
    tried = 0
    for seed, mistake in enumerate(problem_of("gru", 0).mistakes):
        problem = problem_of("gru", seed % len(SEEDS))
        ((name, text),) = mistake.lines.items()
        if name[1] not in "WU":  # those stand in a dict
            text = re.sub(r"\b([WU][zrc])\b", r'p["\1"]', text)
            start = SOURCE.index(f"\n    {name} = ")
            end = SOURCE.index("\n", start + 1)
            broken = f"{SOURCE[:start]}\n    {name} = {text}{SOURCE[end:]}"
            assert_same(problem, problem.values(mistake.lines), backward_of(broken, problem), str(mistake))
            tried += 1
    assert tried > 30


# Contrastive losses.


@pytest.mark.parametrize("form", contrastive.FORMS)
def test_contrastive_against_the_loss(form: str) -> None:
    loss = importlib.import_module(f"minireid.losses.{form}")
    for seed in SEEDS:
        problem = problem_of(form, seed)
        x = np.array([problem.given[name] for name in ("x0", "x1", "x2")], dtype=np.float64)
        config = {"pairs": [(0, 1), (0, 2), (1, 2)], "same": np.array([True, False, False])}
        _, kept = loss.forward(x, **config, margin=float(problem.given["margin"]))
        values = problem.values()
        ours = np.array([values[name] for name in ("dx0", "dx1", "dx2")], dtype=np.float64)
        np.testing.assert_allclose(ours, loss.backward(1.0, kept), rtol=1e-9, atol=1e-12, err_msg=f"seed {seed}")
        assert values["gap02"] > 0 and values["gap12"] == 0 < values["d12"]


def worked(form: str, margin: F) -> set[tuple[str, F]]:
    """Answer for dx0[0], right and after each mistake, with v01 = (3, 4), v02 = (-3, 4), v12 = (-6, 0)."""
    given = {name: np.array([F(a), F(b)]) for name, (a, b) in (("x0", (0, 0)), ("x1", (-3, -4)), ("x2", (3, -4)))}
    problem = dataclasses.replace(problem_of(form, 0), given={**given, "margin": margin}, asks={"dx0": (0,)})
    return {("right", problem.answer("dx0")), *((mistake.cause, end) for mistake, end in problem.outcomes("dx0"))}


def test_mistakes_worked_out_by_hand() -> None:
    # d = 5, 5, 6; gap02 = 1/2; dd01 = 5/3, dd02 = -1/6; dv01 = v01 / 3 = (1, 4/3), dv02 = -v02 / 30 = (1/10, -2/15)
    assert worked("contrastive_squared", F(11, 2)) == {
        ("right", F(11, 10)),
        ("constant factor", F(33, 10)),  # P = 1
        ("constant factor", F(33, 20)),  # P = 2
        ("constant factor", F(22, 10)),  # 1/2
        ("sign", F(-9, 10)),  # of v01
        ("sign", F(9, 10)),  # of dd02
        ("factor missing", F(11, 2)),  # 1/d: 3 * 5/3 + 3/6
        ("factor too many", F(11, 50)),  # 1/d
        ("factor missing", F(6, 5)),  # dd02 = -1/3
        ("= for +=", F(1, 10)),
        ("term missing", F(1)),
        ("wrong index", F(6, 5)),
        ("wrong variable", F(2)),  # dd02 = -5/3
        ("wrong mask", F(-11, 10)),  # dd01 = -1/6, dd02 = 5/3
    }
    linear = worked("contrastive_linear", F(11, 2))  # dv = 1/5 and 1/5
    assert {("right", F(2, 5)), ("constant factor", F(1, 5)), ("factor too many", F(3, 10))} <= linear
    crf = worked("contrastive_crf", F(30))  # gap02 = 5, dd02 = -50/3, dv02 = 10
    assert {("right", F(11)), ("forward differs", F(51)), ("factor missing", F(2)), ("constant factor", F(6))} <= crf


# Every problem.


@pytest.mark.parametrize("kind", doctor.KINDS)
def test_no_two_answers_meet(kind: str) -> None:
    """Over 250 problems: whatever is asked, the right answer and those of all mistakes differ; and are short."""
    for seed in SEEDS:
        problem = problem_of(kind, seed)
        right = problem.values()
        wrong = [(mistake, problem.values(mistake.lines)) for mistake in problem.mistakes]
        for ask in problem.asks:
            way = set(problem.needed(ask))
            ends = [problem.entry(ask, right), *(problem.entry(ask, v) for m, v in wrong if way & set(m.lines))]
            assert len(set(ends)) == len(ends) >= 3, f"{ask}, seed {seed}"
            assert all(type(end) is F for end in ends)
            assert max(abs(ends[0].numerator), ends[0].denominator) <= LONGEST


def test_enough_mistakes_with_known_causes() -> None:
    for kind, least in (("gru", 50), ("gru_vectors", 20), *((form, 15) for form in contrastive.FORMS)):
        problem = problem_of(kind, 0)
        assert len(problem.mistakes) >= least
        assert {mistake.cause for mistake in problem.mistakes} <= set(CAUSES)
        assert {name for mistake in problem.mistakes for name in mistake.lines} <= set(problem.lines)
        reached = {str(mistake) for ask in problem.asks for mistake, _ in problem.outcomes(ask)}
        assert reached == set(map(str, problem.mistakes)), "no question shows this mistake"


@pytest.mark.parametrize("kind", doctor.KINDS)
def test_each_mistake_is_diagnosed_as_itself(kind: str) -> None:
    for seed in range(4):
        problem = problem_of(kind, seed)
        for ask in problem.asks:
            assert doctor.grade(problem, ask, problem.answer(ask)) == (
                True,
                f"right: {problem.name(ask)} = {problem.answer(ask)}",
            )
            for mistake, end in problem.outcomes(ask):
                right, verdict = doctor.grade(problem, ask, end)
                assert not right and f"    {mistake.cause} (" in verdict and mistake.why in verdict
                for name, text in mistake.lines.items():  # only what is on the way of this question
                    assert (f"{name} = {text}" in verdict) == (name in problem.needed(ask))


# The command.


def said(capsys: Capture, *words: str) -> tuple[int, str]:
    code = cli.main(["paper", *words])
    return code, capsys.readouterr().out


def asked(page: str) -> str:
    return re.search(r"Asked: (\w+)", page)[1]  # type: ignore[index]


@pytest.mark.parametrize("words", [(), ("gru_vectors",), ("contrastive",), ("contrastive_crf", "--seed", "3")])
def test_a_problem_and_its_commands(words: tuple[str, ...], capsys: Capture) -> None:
    code, page = said(capsys, *words)
    assert code == 0 and page == said(capsys, *words)[1], "the same seed, the same problem"
    assert page != said(capsys, *words, "--seed", "17")[1]
    answering, solving = re.findall(r"minireid paper (.*)", page)
    code, solved = said(capsys, *solving.split())
    assert code == 0 and solved.startswith(page[: page.index("answer it")])
    answer = solved.split()[-1]
    assert said(capsys, *answering.replace("FRACTION", answer).split())[0] == 0
    assert said(capsys, *words, "--answer", answer)[0] == 0, "without --ask: the quantity that the problem asks for"
    assert F(answer) == problem_of(answering.split()[0], int(answering.split()[2])).answer(asked(page))


def test_a_wrong_answer_is_named(capsys: Capture) -> None:
    problem = problem_of("gru", 1)
    ends = {(m.cause, *m.lines): end for m, end in problem.outcomes("dh_prev")}
    words = ("--seed", "1", "--ask", "dh_prev", "--answer")
    code, verdict = said(capsys, *words, str(ends["wrong variable", "dh_prev"]))
    assert code == 1 and "wrong variable (F5, F3, F2, F1): az has Uz, ar has Ur" in verdict
    code, verdict = said(capsys, *words, str(ends["activation left out", "dar"]))
    assert code == 1 and "activation left out (F2)" in verdict and "as if dar = dr\n" in verdict


def test_an_unknown_answer_gets_a_hint(capsys: Capture) -> None:
    problem = problem_of("gru", 1)
    values = problem.values()
    for ask, answer, hint in (
        ("dh_prev", F(7, 311), "check dq and dar and daz first, alone (--ask dq)"),
        ("dz", F(7, 311), "only F5 is needed here"),
        ("dh_prev", -values["dh_prev"], "right but for a factor -1"),
        ("dUr", values["dUr"] * F(1001, 1000), "do not round"),
        ("dUr", values["dq"], "this is dq, a step on the way"),
    ):
        code, verdict = said(capsys, "--seed", "1", "--ask", ask, "--answer", str(answer))
        assert code == 1 and hint in verdict and f"no known mistake leads to {answer}" in verdict, verdict


@pytest.mark.parametrize("form", ["{}", " {} ", "+{}", "{0.numerator} / {0.denominator}"])
def test_ways_to_write_a_fraction(form: str) -> None:
    assert doctor.read(form.format(F(3, 20))) == F(3, 20)


@pytest.mark.parametrize(
    "text, number", [("-3/20", F(-3, 20)), ("−3/20", F(-3, 20)), ("-2", F(-2)), ("0.15", F(3, 20)), ("-.5", F(-1, 2))]
)
def test_numbers_with_signs_and_points(text: str, number: F, capsys: Capture) -> None:
    assert doctor.read(text) == number
    assert f" {number}" in said(capsys, "--answer", text)[1], "a minus begins a number, not an option"


@pytest.mark.parametrize(
    "words, says",
    [
        *(
            (["--answer", text], "expected a fraction such as 3/20, -2 or 0.15, got")
            for text in ("abc", "1/0", "", "1/2/3", "1 1/2", "nan", "1e9999999999", "9" * 5000, "٣")
        ),
        (["--ask", "dw"], "expected --ask with one of dz, dc,"),
        (["gru_vectors", "--ask", "dx"], "expected --ask with one of dq,"),
        (["--seed", "-1"], "expected --seed of 0 or more, got -1"),
    ],
)
def test_bad_input(words: list[str], says: str, capsys: Capture) -> None:
    assert cli.main(["paper", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"minireid: error: {says}") and err.count("\n") == 1 and len(err) < 200


def test_kinds_of_the_command_line(capsys: Capture) -> None:
    for kind in (*doctor.KINDS, "contrastive"):
        assert said(capsys, kind)[0] == 0
    assert cli.main(["paper", "lstm"]) == 2


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> None:
    typed: Iterator[str] = iter(answers)

    def read_line(prompt: str) -> str:
        print(prompt, end="")
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(builtins, "input", read_line)


def test_at_a_terminal_until_right(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    problem = problem_of("gru", 0)
    answer = problem.answer("dar")
    at_a_terminal(monkeypatch, ["abc", str(problem.values()["dr"]), str(answer)])
    code, page = said(capsys, "--ask", "dar")
    assert code == 0 and page.count("dar = expected a fraction") == 1 and "activation left out (F2)" in page
    assert page.endswith(f"right: dar = {answer}\nthe next: minireid paper gru --seed 1\n")


def test_at_a_terminal_until_the_end_of_input(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    at_a_terminal(monkeypatch, ["7/311"])
    code, page = said(capsys, "--ask", "dar")
    assert code == 1 and page.endswith("the solution: minireid paper gru --seed 0 --ask dar --solve\n")

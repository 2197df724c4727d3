"""The judge, without a process: whatever comes from the other side, it gives a grade, and only numbers give points."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.grading import numerical
from minireid.practice.grading.judge import judge
from minireid.practice.grading.process import Failure
from minireid.practice.grading.tensors import compare

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(np.zeros(3)),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.tuples(inside, inside)
        | st.dictionaries(st.sampled_from(["results", "arguments", "calls", "complex", "W", "x"]), inside, max_size=3)
    ),
    max_leaves=6,
)
ANSWER = st.dictionaries(st.sampled_from(["results", "arguments", "watched", "functions", "ok"]), JUNK, max_size=4)


class Fake:
    """Answers what it was given, and after that nothing."""

    def __init__(self, answers: list[dict[str, Any]], functions: list[str]) -> None:
        self.answers, self.functions = answers, functions

    def ask(self, **request: Any) -> dict[str, Any] | Failure:
        if request["do"] == "load":
            return {"functions": self.functions}
        return self.answers.pop() if self.answers else Failure("ended", "the file ended its process")


@given(st.sampled_from(sorted(EXERCISES)), st.lists(ANSWER, max_size=9))
@settings(max_examples=150, deadline=None)
def test_junk_gets_no_points(name: str, answers: list[dict[str, Any]]) -> None:
    exercise = EXERCISES[name]
    names = [n for asked in exercise.asked for n in (asked.name, asked.backward_name) if n]
    grade = judge(exercise, Fake(answers, names), "x.py", 3)
    assert grade.points == 0 and grade.word


@given(JUNK)
def test_a_process_that_invents_what_was_watched_is_not_believed_nor_crashed_on(junk: Any) -> None:
    calls, complex_seen = numerical.watched({"watched": junk})
    assert isinstance(calls, dict) and complex_seen in (True, False)


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (None, "missing"),
        ("right", "expected real numbers"),
        ([[1.0], [2.0, 3.0]], "rows of different lengths"),
        (np.zeros((3, 2)), "shape (3, 2), expected (2, 3); transposed?"),
        (np.zeros((2, 3)), "all zero"),
        (np.full((2, 3), np.nan), "NaN in 6 of 6 entries"),
        (-np.arange(6.0).reshape(2, 3), "right but for a sign (times -1)"),
        (4 * np.arange(6.0).reshape(2, 3), "a factor 4, the number of rows: a sum where a mean belongs"),
        (np.arange(6.0).reshape(2, 3) / 4, "a factor 1/4, 4 rows: a mean where a sum belongs"),
        (3.5 * np.arange(6.0).reshape(2, 3), "right but for a factor 3.5"),
        (np.arange(6.0).reshape(2, 3)[::-1], "6 of 6 entries wrong"),
        (np.arange(6.0).reshape(2, 3) + 1j, "complex128; expected real numbers"),
        (np.full((2, 3), np.inf), "infinite in 6 of 6 entries"),
        (np.arange(6.0).reshape(2, 3) / 30, "right but for a factor 1/30"),
    ],
)
def test_how_it_is_wrong_is_said(got: Any, said: str) -> None:
    comparison = compare(got, np.arange(6.0).reshape(2, 3), rows=4)
    assert not comparison.ok and said in comparison.said


def test_a_gradient_in_anothers_place_is_named() -> None:
    true = {"Wz": np.arange(6.0), "Wr": np.ones(6)}
    assert compare(np.arange(6.0), true["Wr"], others=true).said == "this is the value of Wz"

"""`check_exercise` for notebooks: the same grader, on functions of the notebook, in the notebook's own process.

It is for the author of the functions. For a grade, a file runs in a process of its own (grader.py).
"""

import inspect
import re
import secrets
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck import Report, check
from minireid.gradcheck.forward import Draw, compare_forwards, with_forward
from minireid.practice.cells.exercise import own_exercise
from minireid.practice.exercises.catalogue import exercise_of
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.grading import feedback
from minireid.practice.grading.grade import Grade, text
from minireid.practice.grading.judge import DRAWS, judge
from minireid.practice.grading.listening import listened
from minireid.practice.grading.process import Failure
from minireid.practice.grading.results import revived
from minireid.practice.grading.variant import known_variants


class Shown(NamedTuple):
    """A grade that a notebook shows as HTML. hints: how much it tells. reports: those whose text the grade has."""

    grade: Grade
    hints: int
    reports: tuple[Report, ...] = ()

    def __str__(self) -> str:
        return text(self.grade, self.hints)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        reports = [report.to_html(self.hints) for report in self.reports]
        return f"<style>{feedback.COLOURS}</style>\n{feedback.section(self.grade, self.hints, reports)}"


class Direct:
    """Calls functions here, as child.py does in its process."""

    def __init__(self, functions: dict[str, Callable[..., Any]]) -> None:
        self.functions = functions
        self.slots: dict[str, Any] = {}

    def ask(self, **request: Any) -> dict[str, Any] | Failure:
        do = request.pop("do")
        if do not in ("call", "backward"):
            return {"functions": list(self.functions)}
        try:
            return self.call(**request) if do == "call" else self.backward(**request)
        except Exception as fault:  # the functions are the reader's: whatever they raise is told
            file = inspect.getsourcefile(inspect.unwrap(self.functions[request["function"]]))
            own = [step for step in traceback.extract_tb(fault.__traceback__) if step.filename == file]
            line, name = (own[-1].lineno, own[-1].name) if own else (None, "")
            return Failure(type(fault).__name__, str(fault), line, name)

    def call(self, function: str, arguments: Any, config: Any, slot: str = "") -> dict[str, Any]:
        arguments, config = copies(arguments), copies(config)
        results, warned = listened(self.functions[function], *arguments, **config)
        if slot:
            if not isinstance(results, (tuple, list)) or len(results) < 2:
                came = "nothing" if results is None else "one value"
                raise TypeError(f"{function} returned {came}; expected results and a cache")
            *results, self.slots[slot] = results
        return {"results": tuple(results) if slot else results, "arguments": arguments, "warned": warned}

    def backward(self, function: str, upstream: Any, slot: str, config: Any) -> dict[str, Any]:
        given = copies(upstream)
        results, warned = listened(self.functions[function], *given, self.slots[slot], **config)
        changed = not all(np.array_equal(one, other) for one, other in zip(given, upstream))
        return {"results": results, "warned": warned, "changed": changed}


def copies(value: Any) -> Any:
    if isinstance(value, dict):
        return revived(Inputs((), value))[1]
    return revived(Inputs(tuple(value)))[0]


def check_exercise(name: str, *functions: Callable[..., Any], hints: int = 1, seed: int | None = None) -> Shown:
    """Check functions of a notebook: check_exercise("gru_step", step_forward, step_backward).

    hints: 0 the verdict, 1 tensors, 2 the wrong line, 3 the cause, 4 the fix. seed: None draws a fresh one.
    InputError for an unknown exercise, or if functions are missing. They may have any names: their order counts.
    """
    return checked(exercise_of(name), functions, hints, seed)


def check_cell(
    student: str,
    *functions: Callable[..., Any],
    course: str = "",
    loss: bool = False,
    hints: int = 1,
    seed: int | None = None,
) -> Shown:
    """Check a cell of your own: check_cell("ada", step_forward, step_backward). loss=True: a loss of your own.

    student, course: those that it was drawn from. hints, seed: as in check_exercise. InputError for a bad name.
    """
    return checked(own_exercise(student, course=course, kind="loss" if loss else "cell"), functions, hints, seed)


def checked(exercise: Exercise, functions: tuple[Callable[..., Any], ...], hints: int, seed: int | None) -> Shown:
    wanted = [n for a in exercise.asked for n in ("" if a.given else a.name, a.backward_name) if n]
    if len(functions) != len(wanted):
        raise InputError(
            f"expected {len(wanted)} functions for {exercise.name} ({', '.join(wanted)}), got {len(functions)}"
        )
    named = dict(zip(wanted, functions)) | {a.name: a.function for a in exercise.asked if a.given}
    seed = secrets.randbelow(2**31) if seed is None else seed
    grade = judge(exercise, Direct(named), "the notebook", seed)
    found = reports(exercise, named, seed) if not grade.ok and hints >= 2 else ()
    grade = grade._replace(reports=tuple(report.text(hints) for report in found))
    own_names = {name: getattr(named[name], "__name__", name) for name in wanted}
    return Shown(in_own_names(grade, own_names), hints, found)


def in_own_names(grade: Grade, names: dict[str, str]) -> Grade:
    """The same grade with the reader's names of the functions. names: {the exercise's name: the reader's}."""
    known = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
    rows = tuple(row._replace(part=names.get(row.part, row.part)) for row in grade.rows)
    return grade._replace(word=known.sub(lambda found: names[found[0]], grade.word), rows=rows)


def reports(exercise: Exercise, named: dict[str, Callable[..., Any]], seed: int) -> tuple[Report, ...]:
    """What the gradient checker says of each pair that is wrong: of the forward first, if that is another function."""
    found = []
    for asked in exercise.asked:
        draws = asked.draws(np.random.default_rng(seed), DRAWS)
        if asked.backward and not any(draw.backward_config for draw in draws):  # a truncated gradient is no derivative
            try:
                with warnings.catch_warnings(action="ignore"):  # the grade has a note of them
                    report = report_on(exercise.name, asked, named, [revived(draw) for draw in draws], seed)
            except Exception:  # of the reader's functions: the grade tells it
                continue
            found += [report] if report and not report.ok else []
    return tuple(found)


def report_on(
    name: str, asked: Asked, named: dict[str, Callable[..., Any]], draws: list[Draw], seed: int
) -> Report | None:
    """The checker's report on the first draw that is wrong; None if none is."""
    forward, backward = named[asked.name], named[asked.backward_name]
    differs = None if asked.given else compare_forwards(forward, asked.function, draws, known_variants(asked))
    for arrays, config in draws:
        report = check(forward, backward, *arrays, name=name, seed=seed, diagnosis=not differs, **config)
        if differs:
            return with_forward(report, differs, forward)
        if not report.ok:
            return report
    return None

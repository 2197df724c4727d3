"""Tries a student's functions on fresh numbers and compares, tensor by tensor. All of it runs in the parent.

A pair of functions: each result of forward and each gradient of backward is a row. Every row must be right for all
draws. Forward has a third of the points, backward two thirds; within them all tensors count alike.
"""

import re
from typing import Any, Protocol

import numpy as np

from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.grading import numerical
from minireid.practice.grading.cause import cause_of
from minireid.practice.grading.found import Found, merged, nothing
from minireid.practice.grading.grade import Grade, Row, total
from minireid.practice.grading.process import Failure
from minireid.practice.grading.results import (
    leaves_of,
    listed,
    named_gradients,
    named_results,
    plain_results,
    revived,
)
from minireid.practice.grading.tensors import Comparison, compare, equal
from minireid.practice.grading.variant import variant_of
from minireid.practice.grading.words import absent, sentence, word

DRAWS = 3
FORWARD = 1 / 3
CHANGED = "it changes the upstream gradient in place: whoever handed it over has other numbers now"


class Answers(Protocol):
    """Who calls the student's functions: process.Student."""

    def ask(self, **request: Any) -> dict[str, Any] | Failure: ...


def judge(exercise: Exercise, student: Answers, file: str, seed: int) -> Grade:
    """The grade of a file that a process is ready to import."""
    loaded = student.ask(do="load", file=file)
    failure = loaded if isinstance(loaded, Failure) else None
    names = [] if isinstance(loaded, Failure) else [str(name) for name in listed(loaded.get("functions"))]
    rows: list[Row] = []
    words: list[str] = []
    causes: list[str] = []
    for number, asked in enumerate(exercise.asked):
        rng = np.random.default_rng([seed, number])
        draws = asked.draws(rng, DRAWS)
        parts, cause = examined(exercise, asked, draws, student, rng, failure or absent(asked, names))
        causes += [cause] if cause else []
        rows += rows_of(asked, parts, exercise.points / len(exercise.asked))
        words.append(word(asked, parts, file))
    if failure:
        words = [sentence(failure, "the file", file)]
    elif all(row.ok for row in rows):
        words = ["all right"]
    return total(exercise, rows, ". ".join(dict.fromkeys(words)), seed, tuple(dict.fromkeys(causes)))


def examined(
    exercise: Exercise,
    asked: Asked,
    draws: list[Inputs],
    student: Answers,
    rng: np.random.Generator,
    missing: Failure | None,
) -> tuple[dict[str, Found], str]:
    """({name of the student's function: what was found}, the known mistake that leads to it or "")."""
    if asked.judge:
        return {asked.name: judged(asked, draws, student, missing)}, ""
    settings = [setting_of(draw) for draw in draws]
    if not asked.backward:
        calls = [plain_call(asked, draw, student, missing) for draw in draws]
        return {asked.name: merged(calls, settings)}, cause_of(exercise, asked, draws, [None] * DRAWS, calls)
    tries = [Try(asked, draw, rng) for draw in draws]
    forwards = [forward_call(asked, one, student, missing, str(n)) for n, one in enumerate(tries)]  # all before any
    backwards = [backward_call(asked, one, student, missing, str(n)) for n, one in enumerate(tries)]  # backward
    cause = cause_of(exercise, asked, draws, [None] * DRAWS, forwards)
    cause = cause or cause_of(exercise, asked, draws, [one.upstream for one in tries], backwards)
    return {asked.name: merged(forwards, settings), asked.backward_name: merged(backwards, settings)}, cause


def plain_call(asked: Asked, draw: Inputs, student: Answers, missing: Failure | None) -> Found:
    """A function without a backward: its results, and the arguments that it changes."""
    true = plain_results(asked, asked.function, draw)
    answer = missing or student.ask(do="call", function=asked.name, arguments=draw.arrays, config=draw.config)
    if isinstance(answer, Failure):
        return nothing(true, answer)
    came = answer.get("results")
    got = named_results(asked, came if len(asked.results) > 1 else (came,))
    after = dict(zip(asked.arguments(), listed(answer.get("arguments"))))
    after = leaves_of({name: after.get(name) for name in asked.changes})
    got |= after
    before = leaves_of({name: value for name, value in zip(asked.arguments(), draw.arrays) if name in asked.changes})
    compared = {name: compare(got.get(name), value, others=true) for name, value in true.items()}
    return found(earned(compared, true, before, after), answer, came=got)


def earned(
    compared: dict[str, Comparison], true: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> dict[str, Comparison]:
    """An argument that must stay as it was counts beside a right result: a function that does nothing leaves it too."""
    alone = {name for name in before if compared[name].ok and equal(before[name], true[name])}
    result = any(compared[name].ok for name in true if name not in before)
    other = {name for name in alone if not np.array_equal(before[name], after[name])}
    free = Comparison(False, "as before; counts when the result is right")
    moved = Comparison(False, "not as before to the last digit: work on a copy")
    return {
        name: moved if name in other else free if name in alone and not result else one
        for name, one in compared.items()
    }


def found(tensors: dict[str, Comparison], answer: Any, **more: Any) -> Found:
    """With a note: what NumPy warned of while the function ran, or that it changed what is not its own."""
    warned = printable(answer.get("warned", ""))
    note = f"NumPy warns: {warned}" if warned else CHANGED if answer.get("changed") is True else ""
    return Found(tensors, note=note, **more)


def printable(text: Any) -> str:
    """What came from the process may be anything."""
    return re.sub(r"[^ -~]", "?", text)[:100] if isinstance(text, str) else ""


def setting_of(draw: Inputs) -> str:
    """The shape of the first array, and the options."""
    said = [f"an array of the shape {a.shape}" for a in draw.arrays if isinstance(a, np.ndarray)][:1]
    plain = {name: v for name, v in draw.config.items() if isinstance(v, (int, float, str, tuple))}
    return ", ".join(said + [f"{name}={v:.3g}" if isinstance(v, float) else f"{name}={v}" for name, v in plain.items()])


class Try:
    """One draw for a pair: the right results, the upstream gradients and the right gradients.

    After the forward: answered, whether it gave an answer. With a known variant, the gradients are the variant's.
    """

    def __init__(self, asked: Asked, draw: Inputs, rng: np.random.Generator) -> None:
        assert asked.backward
        self.draw = draw
        self.arrays, config = revived(draw)
        *values, cache = asked.function(*self.arrays, **config)
        self.rows = len(self.arrays[0])
        self.true = named_results(asked, values)
        self.upstream = tuple(rng.normal(size=np.shape(value)) for value in values)
        right = asked.backward(*self.upstream, cache, **draw.backward_config)
        self.gradients = named_gradients(asked, self.arrays, right)
        self.answered = False


def forward_call(asked: Asked, one: Try, student: Answers, missing: Failure | None, slot: str) -> Found:
    call = {"function": asked.name, "arguments": one.draw.arrays, "config": one.draw.config, "slot": slot}
    answer = missing or student.ask(do="call", **call)
    if isinstance(answer, Failure):
        return nothing(one.true, answer)
    one.answered = True
    got = named_results(asked, answer.get("results"))
    tensors = {name: compare(got.get(name), value, one.rows) for name, value in one.true.items()}
    variant = None if all(c.ok for c in tensors.values()) else variant_of(asked, one.draw, got, one.upstream)
    if variant:
        one.gradients = named_gradients(asked, one.arrays, variant.gradients)
    return found(tensors, answer, extra=f"this is {variant.name}" if variant else "", came=got)


def backward_call(asked: Asked, one: Try, student: Answers, missing: Failure | None, slot: str) -> Found:
    if not one.answered:
        return nothing(one.gradients, missing or Failure("before", f"it needs {asked.name}"))
    student.ask(do="watch", on=True)
    call = {"function": asked.backward_name, "upstream": one.upstream, "config": one.draw.backward_config, "slot": slot}
    answer = student.ask(do="backward", **call)
    seen = student.ask(do="watch", on=False)
    if isinstance(answer, Failure):
        return nothing(one.gradients, answer)
    came = named_gradients(asked, one.arrays, answer.get("results"))
    compared = {name: compare(came.get(name), value, one.rows, one.gradients) for name, value in one.gradients.items()}
    told, extra = numerical.told_apart(compared, one.gradients, asked, seen)
    seen_once = found(told, answer, extra=extra, came=came)
    again = student.ask(do="backward", **call) if slot == "0" and not seen_once.note else answer
    if isinstance(again, Failure) or not same(came, named_gradients(asked, one.arrays, again.get("results"))):
        return seen_once._replace(note="a second call with the same cache gives other gradients: backward changes it")
    return seen_once


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(equal(array, other.get(name)) for name, array in one.items())


def judged(asked: Asked, draws: list[Inputs], student: Answers, missing: Failure | None) -> Found:
    """A function that draws: what must be true of its results."""
    assert asked.judge
    came = []
    draws = [*draws, draws[-1]]  # the same once more: a generator decides alone
    for draw in draws:
        answer = missing or student.ask(do="call", function=asked.name, arguments=draw.arrays, config=draw.config)
        if isinstance(answer, Failure):
            rules = asked.judge(draws, [asked.function(*arrays, **config) for arrays, config in map(revived, draws)])
            return Found({rule: Comparison(False, "no answer") for rule, _ in rules}, answer)
        came.append(answer.get("results"))
    return Found({rule: Comparison(ok, "right" if ok else "not so") for rule, ok in asked.judge(draws, came)})


def rows_of(asked: Asked, parts: dict[str, Found], share: float) -> list[Row]:
    """The rows of all parts; forward, backward: a third and two thirds of the points."""
    shares = {asked.name: 1.0} if not asked.backward else {asked.name: FORWARD, asked.backward_name: 1 - FORWARD}
    if asked.given:
        shares = {asked.backward_name: 1.0}
    rows = []
    for name, part in shares.items():
        tensors = parts[name].tensors
        of = share * part / len(tensors)
        for tensor, c in tensors.items():
            note = "float32: compute in the dtype of the input" if c.single and c.ok else numerical.note(c)
            shown = f"d{tensor}" if asked.backward and name == asked.backward_name else tensor
            rows.append(
                Row(name, shown, c.ok, of if c.ok else 0.0, of, c.said, note or (parts[name].note if c.ok else ""))
            )
    return rows

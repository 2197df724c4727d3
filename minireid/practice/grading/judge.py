"""Tries a student's functions on fresh numbers and compares, tensor by tensor. All of it runs in the parent.

A pair of functions: each result of forward and each gradient of backward is a row. Every row must be right for all
draws. Forward has a third of the points, backward two thirds; within them all tensors count alike.
"""

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from minireid.base.trees import leaves
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.exercises.known import Wrong, wrong_versions
from minireid.practice.grading import numerical
from minireid.practice.grading.grade import Grade, Row, total
from minireid.practice.grading.process import Failure
from minireid.practice.grading.tensors import Comparison, compare, equal
from minireid.practice.grading.variant import variant_of
from minireid.practice.grading.wire import Code, Seed

DRAWS = 3
FORWARD = 1 / 3


class Answers(Protocol):
    """Who calls the student's functions: process.Student."""

    def ask(self, **request: Any) -> dict[str, Any] | Failure: ...


class Found(NamedTuple):
    """What is known of one function: a comparison for each tensor, or why it gave no answer."""

    tensors: dict[str, Comparison]
    failure: Failure | None = None
    extra: str = ""  # a sentence: the variant, numerical differences
    came: dict[str, Any] = {}  # noqa: RUF012 the student's arrays


def judge(exercise: Exercise, student: Answers, file: str, seed: int) -> Grade:
    """The grade of a file that a process is ready to import."""
    loaded = student.ask(do="load", file=file)
    failure = loaded if isinstance(loaded, Failure) else None
    names = (
        []
        if isinstance(loaded, Failure)
        else [str(name) for name in listed(loaded.get("functions")) if str(name).isidentifier()]
    )
    rows: list[Row] = []
    words: list[str] = []
    causes: list[str] = []
    for number, asked in enumerate(exercise.asked):
        rng = np.random.default_rng([seed, number])
        draws = [asked.draw(rng) for _ in range(DRAWS)]
        missing = failure or absent(asked, names)
        parts, cause = examined(exercise, asked, draws, student, rng, missing)
        causes += [cause] if cause else []
        share = exercise.points / len(exercise.asked)
        rows += rows_of(asked, parts, share)
        words.append(word(asked, parts, file))
    if failure:
        word_ = sentence(failure, "the file", file)
    elif all(row.ok for row in rows):
        word_ = "all right"
    else:
        word_ = ". ".join(dict.fromkeys(words))
    return total(exercise, rows, word_, seed, tuple(dict.fromkeys(causes)))


def absent(asked: Asked, names: list[str]) -> Failure | None:
    for name in (asked.name, asked.backward_name):
        if name and name not in names:
            found = f"found {', '.join(names[:6])}" if names else "found none"
            return Failure("absent", f"expected a function {name}; {found}")
    return None


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
    if not asked.backward:
        calls = [plain_call(asked, draw, student, missing) for draw in draws]
        return {asked.name: merged(calls)}, cause_of(exercise, asked, draws, [None] * DRAWS, calls)
    tries = [Try(asked, draw, rng) for draw in draws]
    forwards = [forward_call(asked, one, student, missing, str(n)) for n, one in enumerate(tries)]  # all before any
    backwards = [backward_call(asked, one, student, missing, str(n)) for n, one in enumerate(tries)]  # backward
    cause = cause_of(exercise, asked, draws, [None] * DRAWS, forwards)
    cause = cause or cause_of(exercise, asked, draws, [one.upstream for one in tries], backwards)
    return {asked.name: merged(forwards), asked.backward_name: merged(backwards)}, cause


def merged(found: list[Found]) -> Found:
    """Several draws: a tensor's worst comparison, with a word if it is right for some of them."""
    failure = next((one.failure for one in found if one.failure), None)
    extra = next((one.extra for one in found if one.extra), "")
    tensors = {}
    for name in found[0].tensors:
        each = [one.tensors[name] for one in found]
        worst = next((c for c in each if not c.ok), max(each, key=lambda c: c.error))
        right = sum(c.ok for c in each)
        if right and not worst.ok:
            worst = worst._replace(said=f"{worst.said}; right for {right} of {len(each)} draws")
        tensors[name] = worst
    return Found(tensors, failure, extra)


def plain_call(asked: Asked, draw: Inputs, student: Answers, missing: Failure | None) -> Found:
    """A function without a backward: its results, and the arguments that it changes."""
    true = plain_results(asked, asked.function, draw)
    answer = missing or student.ask(do="call", function=asked.name, arguments=draw.arrays, config=draw.config)
    if isinstance(answer, Failure):
        return nothing(true, answer)
    came = answer.get("results")
    got = named_results(asked, came if len(asked.results) > 1 else (came,))
    after = dict(zip(asked.arguments(), listed(answer.get("arguments"))))
    got |= leaves_of({name: after.get(name) for name in asked.changes})
    return Found({name: compare(got.get(name), value, others=true) for name, value in true.items()}, came=got)


def plain_results(asked: Asked, function: Callable[..., Any], draw: Inputs) -> dict[str, Any]:
    """What a function without a backward returns and changes."""
    arrays, config = revived(draw)
    results = function(*arrays, **config)
    found = named_results(asked, results if len(asked.results) > 1 else (results,))
    return found | leaves_of({name: array for name, array in zip(asked.arguments(), arrays) if name in asked.changes})


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
    return Found(tensors, extra=f"this is {variant.name}" if variant else "", came=got)


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
    return Found(told, extra=extra, came=came)


def cause_of(exercise: Exercise, asked: Asked, draws: list[Inputs], upstreams: list[Any], found: list[Found]) -> str:
    """The known mistake that leads to exactly these wrong numbers, for every draw; "" if there is none."""
    if any(one.failure for one in found) or all(c.ok for one in found for c in one.tensors.values()):
        return ""
    for wrong in wrong_versions(exercise, asked):
        if all(leads_to(wrong, asked, *one) for one in zip(draws, upstreams, found)):
            return wrong.said
    return ""


def leads_to(wrong: Wrong, asked: Asked, draw: Inputs, upstream: Any, found: Found) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            values = wrong_values(wrong, asked, draw, upstream)
    except Exception:  # whatever a wrong page raises
        return False
    return all(name in values and equal(found.came.get(name), values[name]) for name in found.tensors)


def wrong_values(wrong: Wrong, asked: Asked, draw: Inputs, upstream: Any) -> dict[str, Any]:
    """Of forward, or of backward where there is an upstream gradient."""
    if not asked.backward:
        return plain_results(asked, wrong.function, draw)
    arrays, config = revived(draw)
    *values, cache = wrong.function(*arrays, **config)
    if upstream is None:
        return named_results(asked, values)
    assert wrong.backward
    return named_gradients(asked, arrays, wrong.backward(*upstream, cache, **draw.backward_config))


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


def nothing(true: Mapping[str, Any], failure: Failure) -> Found:
    said = "not written" if failure.kind in ("NotImplementedError", "absent") else "no answer"
    return Found({name: Comparison(False, said) for name in leaves_of(dict(true))}, failure)


def revived(draw: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Copies for the reference: generators and functions in place of their descriptions."""

    def one(value: Any) -> Any:
        if isinstance(value, Seed):
            return np.random.default_rng(value.value)
        return value.function() if isinstance(value, Code) else copy.deepcopy(value)

    return tuple(one(value) for value in draw.arrays), {name: one(value) for name, value in draw.config.items()}


def named_results(asked: Asked, values: Any) -> dict[str, np.ndarray]:
    return leaves_of(dict(zip(asked.results, listed(values))))


def listed(values: Any) -> tuple[Any, ...]:
    """What came from the process may be anything."""
    return tuple(values) if isinstance(values, (tuple, list)) else ()


def named_gradients(asked: Asked, arrays: tuple[Any, ...], gradients: Any) -> dict[str, np.ndarray]:
    """{"x": dx, "W": dW}. Parameters of a dict may come as W or dW."""
    names = asked.arguments()
    if len(names) == 1 and not (isinstance(gradients, tuple) and len(gradients) == 1):
        gradients = (gradients,)
    gradients = listed(gradients)
    found: dict[str, Any] = {}
    for name, array, gradient in zip(names, arrays, gradients):
        if not isinstance(array, dict):
            found[name] = gradient
        else:
            found |= {path: at(gradient, path.split(".")) for path, _ in leaves(array)}
    return found


def at(gradients: Any, path: list[str]) -> Any:
    """The gradient at ["shared", "W"], or None."""
    for key in path:
        if not isinstance(gradients, dict):
            return None
        gradients = gradients.get(key, gradients.get(f"d{key}"))
    return gradients


def leaves_of(tree: dict[str, Any]) -> dict[str, Any]:
    return dict(leaves(tree))


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
            rows.append(Row(name, tensor, c.ok, of if c.ok else 0.0, of, c.said, note))
    return rows


def word(asked: Asked, parts: dict[str, Found], file: str) -> str:
    """One helpful sentence about a function or a pair."""
    told = [verdict(name, found, file) for name, found in parts.items() if not (asked.given and name == asked.name)]
    first = next((found.failure for found in parts.values() if found.failure), None)
    if first and first.kind == "absent":
        return first.text
    if len(told) == 2 and all(f.failure and f.failure.kind == "NotImplementedError" for f in [parts[asked.name]]):
        return told[0]
    return "; ".join(told)


def verdict(name: str, found: Found, file: str) -> str:
    if found.extra and not all(c.ok for c in found.tensors.values()):
        return f"{name}: {found.extra}"
    if found.failure:
        return sentence(found.failure, name, file)
    wrong = {tensor: c for tensor, c in found.tensors.items() if not c.ok}
    if not wrong:
        return f"{name} is right"
    first, c = next(
        ((tensor, c) for tensor, c in wrong.items() if not c.said.endswith("entries wrong")), next(iter(wrong.items()))
    )
    count = f"{len(found.tensors) - len(wrong)} of {len(found.tensors)} are right, " if len(found.tensors) > 1 else ""
    others = [tensor for tensor in wrong if tensor != first]
    more = f"; {', '.join(others)} too" if others else ""
    return f"{name}: {count}{first} is wrong ({c.said}){more}"


def sentence(failure: Failure, name: str, file: str) -> str:
    """Why there is no answer."""
    where = f" in line {failure.line} of {file}" if failure.line else ""
    if failure.kind == "NotImplementedError":
        return f"{name} is not written yet ({where.removeprefix(' in ') or file})"
    if failure.kind in ("before", "time", "ended", "nonsense", "absent", "TimeoutError"):
        return f"{name}: {failure.text}{where}"
    if failure.kind in ("ModuleNotFoundError", "ImportError"):
        return f"{name}: {failure.text}{where}; the grader has NumPy alone, and only this file"
    return f"{name} raises {failure.kind}{where}: {failure.text}"

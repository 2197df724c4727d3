"""Everything in a file that can be checked, one after another; and a line for what could not be checked."""

import copy
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import leaves
from minireid.gradcheck.check import check, check_loss
from minireid.gradcheck.front.conventions import choices, class_of, setting
from minireid.gradcheck.front.draws import Draw, draws, first_that_runs
from minireid.gradcheck.front.functions import Found, found_in
from minireid.gradcheck.front.networks import LOSSES
from minireid.gradcheck.front.objects import FORWARDS, method_of, object_problem
from minireid.gradcheck.front.shapes import Wish, from_dict, only_for
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.faults import raised
from minireid.gradcheck.tensor.problem import Problem

Known = Callable[[Found], tuple[tuple[Any, ...], dict[str, Any]] | None]
SIZES = (  # for what a class is made with, by the name
    (("in", "input", "fan_in", "din", "d_in", "idim"), 5),
    (("hid", "hidden"), 6),
    (("out", "output", "dout", "units", "classes", "odim", "n_out"), 7),
)


class Unchecked(Exception):
    """Something that could not be checked; its text says why, in one line."""


def check_module(
    module: ModuleType, source: str, wishes: dict[str, Wish], seed: int, known: Known
) -> Iterator[Report | str]:
    """For each thing in the file a report, or a line that says why there is none.

    Of what is wrong there are two reports: first the verdict, then, of the same name, with the line and the cause.
    known: arguments for functions that are recognised, or None. wishes: from the command line; those of the file are
    read here.
    """
    found, alone = found_in(module)
    own = getattr(module, "shapes", None)
    wishes = {**(from_dict(own) if isinstance(own, dict) else {}), **wishes}
    for one in found:
        try:
            report = report_on(one, source, only_for(one.name, wishes), seed, known, diagnosis=False)
            yield report
            if not report.ok:
                report = report_on(one, source, only_for(one.name, wishes), seed, known, diagnosis=True)
                report.faults = [("not written yet: " if "NotImplementedError" in f else "") + f for f in report.faults]
                yield report
        except (Unchecked, InputError, TypeError) as reason:
            yield f"{title(one)}: {str(reason).splitlines()[0] if str(reason) else type(reason).__name__}"
        except NotImplementedError as error:
            yield Report(one.name, [], [f"not written yet: {raised(error, one.forward)}"], seed, "")
    yield from alone


def title(one: Found) -> str:
    return one.name if one.kind != "pair" else f"{one.forward.__name__}, {one.backward.__name__}"


def report_on(one: Found, source: str, wishes: dict[str, Wish], seed: int, known: Known, *, diagnosis: bool) -> Report:
    how: dict[str, Any] = {"seed": seed, "name": one.name, "diagnosis": diagnosis}
    if one.kind in ("class", "network"):
        return report_on_class(one, source, wishes, how)
    given = known(one) if not any(is_argument(name, one.forward) for name in wishes) else None
    if given is not None:
        report = check(one.forward, one.backward, *given[0], **how, **given[1])
        report.notes.insert(0, f"checked with {told_arrays(one.forward, given[0])}")
        return report
    if one.kind == "loss":
        draw = chosen(
            draws(one.forward, wishes, source, seed, labels=True), lambda d: loss_runs(one.forward, d), lambda d: True
        )
        report = check_loss(one.forward, *draw.arguments, **how, **draw.config)
    else:
        draw = chosen(
            draws(one.forward, wishes, source, seed),
            lambda d: forward_runs(one.forward, one.backward, d),
            lambda d: backward_runs(one.forward, one.backward, d),
        )
        report = check(one.forward, one.backward, *draw.arguments, **how, **draw.config)
    report.notes.insert(0, f"checked with {draw.about}")
    return report


def is_argument(name: str, function: Any) -> bool:
    return name.partition(".")[0] in inspect.signature(function).parameters


def chosen(found: Iterator[Draw], forward: Callable[[Draw], bool], backward: Callable[[Draw], bool]) -> Draw:
    draw, why = first_that_runs(found, forward, backward)
    if draw is None:
        raise Unchecked(f'{why}. Say them: --shapes "x:3,5 w:5,7"')
    return draw


def forward_runs(forward: Any, backward: Any, draw: Draw) -> bool:
    """Whether it gives finite floats, or anything else that the check itself can complain about."""
    problem = Problem(forward, backward, draw.arguments, draw.config, 0)
    result = problem.call(forward)
    return bool(problem.arrays) and (problem.form is None or fine(result[0]))


def backward_runs(forward: Any, backward: Any, draw: Draw) -> bool:
    problem = Problem(forward, backward, draw.arguments, draw.config, 0).drawn()
    found: dict[str, Any] = dict(leaves(problem.gradients()))
    return all(np.shape(found.get(name, 0.0)) == np.shape(array) for name, array in leaves(problem.inputs()))


def loss_runs(loss: Any, draw: Draw) -> bool:
    result = loss(*Problem(loss, loss, draw.arguments, draw.config, 0).named().values(), **draw.config)
    return fine(result[0] if isinstance(result, tuple) else result)


def fine(y: Any) -> bool:
    arrays = [np.asarray(array) for _, array in leaves(y)]
    return all(a.dtype.kind == "f" and a.size > 0 and bool(np.all(np.isfinite(a))) for a in arrays)


# Classes


def report_on_class(one: Found, source: str, wishes: dict[str, Wish], how: dict[str, Any]) -> Report:
    """The first way to make the object with which its forward runs."""
    why, labels = "", one.kind == "network"
    for given in makings(one.forward, wishes.get(one.name)):
        try:
            thing = one.forward(*given)
        except Exception as error:
            why = why or f"{one.name}{given} raises {type(error).__name__}: {error}"
            continue
        run = getattr(thing, method_of(thing, LOSSES if one.kind == "network" else FORWARDS))
        about = f"{one.name}({', '.join(map(brief, given))})"
        try:
            runs = lambda d, thing=thing, run=run: object_runs(thing, run.__name__, d)  # noqa: E731
            back = lambda d, thing=thing: labels or object_backward_runs(thing, d)  # noqa: E731
            draw = chosen(draws(run, wishes, source, how["seed"], labels=labels), runs, back)
        except Unchecked as reason:
            why = f"{about}: {reason}"
            continue
        test: Callable[..., Report] = check_loss if one.kind == "network" else check
        report = test(thing, *draw.arguments, **how, **draw.config)
        report.notes.insert(0, f"checked with {about}, {draw.about}")
        return report
    raise Unchecked(why or f"it is not known what {one.name} is made with: say it with --shapes {one.name}=5,7")


def brief(value: Any) -> str:
    return f"array {value.shape}" if isinstance(value, np.ndarray) else repr(value)


def object_runs(thing: Any, method: str, draw: Draw) -> bool:
    result = getattr(copy.deepcopy(thing), method)(*draw.arguments, **draw.config)
    return fine(result[0] if isinstance(result, tuple) else result)


def object_backward_runs(thing: Any, draw: Draw) -> bool:
    problem, _ = object_problem(thing, draw.arguments, draw.config, 0)
    found: dict[str, Any] = dict(leaves(problem.drawn().gradients()))
    return all(np.shape(found.get(name, 0.0)) == np.shape(array) for name, array in leaves(problem.inputs()))


def makings(kind: type, wish: Wish | None) -> Iterator[tuple[Any, ...]]:
    """Arguments to make an object with."""
    if wish is not None:
        value = wish.value if wish.kind == "value" else wish.shape
        yield value if isinstance(value, tuple) else (value,)
        return
    if kind.__init__ is object.__init__:  # type: ignore[misc]
        yield ()
        return
    parameters = list(inspect.signature(kind).parameters.values())
    names = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if any(class_of(name) in ("w", "b", "gamma") for name in names):  # Affine(W, b)
        for convention in ("rows", "columns"):
            rng = np.random.default_rng(0)
            yield tuple(choices(name, convention)[0].draw(rng) for name in names)
    yield tuple(size_for(name, n, len(names)) for n, name in enumerate(names))
    yield tuple({5: 3, 7: 5}.get(v, v) if isinstance(v, int) else v  # channels of images
                for v in (size_for(name, n, len(names)) for n, name in enumerate(names)))  # fmt: skip


def size_for(name: str, position: int, count: int) -> Any:
    if "kernel" in name or "window" in name:
        return 3
    for word, size in SIZES:
        if any(name.lower() == w or f"{w}_" in f"{name.lower()}_" or f"_{w}" in name.lower() for w in word):
            return size
    if values := setting(name):
        return values[0].value
    return 5 if position == 0 or count == 1 else 7 if position == count - 1 else 6


def told_arrays(forward: Any, arguments: tuple[Any, ...]) -> str:
    problem = Problem(forward, forward, arguments, {}, 0)
    return ", ".join(f"{name} {array.shape}" for name, array in leaves(problem.inputs()))

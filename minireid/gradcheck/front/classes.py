"""Classes of a file: how to make an object of one, and what to give to it."""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.check import check, check_loss
from minireid.gradcheck.front.conventions import choices, class_of, setting
from minireid.gradcheck.front.draws import Draw, draws
from minireid.gradcheck.front.functions import Found
from minireid.gradcheck.front.layer import FORWARDS, method_of
from minireid.gradcheck.front.networks import LOSSES
from minireid.gradcheck.front.objects import object_problem
from minireid.gradcheck.front.shapes import Wish
from minireid.gradcheck.front.tries import Unchecked, chosen, fine
from minireid.gradcheck.report import Report

SIZES = (  # for what a class is made with, by the name
    (("in", "input", "fan_in", "din", "d_in", "idim"), 5),
    (("hid", "hidden"), 6),
    (("out", "output", "dout", "units", "classes", "odim", "n_out"), 7),
)


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

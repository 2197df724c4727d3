"""The functions and classes of a file that can be checked: pairs, losses in one call, and classes."""

import inspect
import re
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from minireid.gradcheck.front.layer import BACKWARDS, FORWARDS
from minireid.gradcheck.front.networks import LOSSES

WORDS = {"forward": "backward", "fwd": "bwd", "fprop": "bprop", "fw": "bw", "Forward": "Backward"}
LOSS = re.compile(r"(^|_)loss(_|$)")


@dataclass(frozen=True)
class Found:
    """name: affine for affine_forward. kind: pair, loss, class or network. forward: a function, or the class."""

    name: str
    kind: str
    forward: Any
    backward: Any
    line: int


def found_in(module: ModuleType) -> tuple[list[Found], list[str]]:
    """(what can be checked, in the file's order; a line for every function that lacks its other half)."""
    own = {name: thing for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__}
    functions = {name: thing for name, thing in own.items() if inspect.isfunction(thing)}
    found, alone = pairs_of(functions)
    taken = {thing for pair in found for thing in (pair.forward, pair.backward)}
    found += [
        Found(name, "loss", f, None, line_of(f))
        for name, f in functions.items()
        if LOSS.search(name) and f not in taken and not halves(name)
    ]
    for name, thing in own.items():
        if inspect.isclass(thing) and not any(issubclass(o, thing) and o is not thing for o in classes(own)):
            kind = kind_of(thing)
            if kind:
                found.append(Found(name, kind, thing, None, line_of(thing)))
    return sorted(found, key=lambda one: one.line), alone


def classes(own: dict[str, Any]) -> list[type]:
    return [thing for thing in own.values() if inspect.isclass(thing)]


def kind_of(thing: type) -> str:
    """class: forward and backward. network: a loss with gradients. Else empty."""
    has = lambda names: any(callable(vars_of(thing, name)) for name in names)  # noqa: E731
    if has(BACKWARDS) and has(FORWARDS):
        return "class"
    return "network" if has(LOSSES) else ""


def vars_of(thing: type, name: str) -> Any:
    """The method, if the class or a base of it wrote it: every class inherits __call__ from type."""
    return next((vars(base)[name] for base in thing.__mro__ if name in vars(base)), None)


def pairs_of(functions: dict[str, Any]) -> tuple[list[Found], list[str]]:
    found, alone = [], []
    for name, function in functions.items():
        for before, word, after in halves(name):
            other = f"{before}{WORDS[word]}{after}"
            title = (before + after).replace("__", "_").strip("_") or name
            if other in functions:
                found.append(Found(title, "pair", function, functions[other], line_of(function)))
            else:
                alone.append(f"{name}: there is no {other}")
    backwards = {word: back for back, word in WORDS.items()}
    for name in functions:
        for before, word, after in halves(name, backwards):
            if f"{before}{backwards[word]}{after}" not in functions:
                alone.append(f"{name}: there is no {before}{backwards[word]}{after}")
    return found, alone


def halves(name: str, words: dict[str, str] = WORDS) -> list[tuple[str, str, str]]:
    """[(before, word, after)] if a name has one of the words as a part of its own: [("conv_", "forward", "_naive")]."""
    for word in words:
        small = word.islower()
        pattern = rf"((?:.*_)?)({word})((?:_.*)?)" if small else rf"(.+)({word})(.*)"
        if match := re.fullmatch(pattern, name):
            return [(match[1], match[2], match[3])]
    return []


def line_of(thing: Any) -> int:
    """The line of a function, or of the first method of a class."""
    methods = [m for m in vars(thing).values() if inspect.isfunction(m)] if inspect.isclass(thing) else [thing]
    return min((m.__code__.co_firstlineno for m in methods if hasattr(m, "__code__")), default=0)

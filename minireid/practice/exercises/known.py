"""Which known mistake leads to these numbers? The page is run with the mistake in it, and the results are compared.

The mistakes are those of the zoo that are planted in the page, and those of mistakes.py. As in `minireid paper`, a
wrong answer is recognised by its value; nobody looks at the student's code.
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from minireid.practice.exercises.exercise import Asked, Exercise
from minireid.practice.exercises.mistakes import OWN, Mistake
from minireid.practice.zoo.bugs import BUGS
from minireid.practice.zoo.plant import source


class Wrong(NamedTuple):
    """The functions of a page with a mistake in it. said: what to tell the student."""

    said: str
    function: Callable[..., Any]
    backward: Callable[..., Any] | None


def wrong_versions(exercise: Exercise, asked: Asked) -> Iterable[Wrong]:
    """One for each known mistake in this function or pair."""
    for mistake in mistakes_of(exercise):
        page = (asked.backward if asked.given and asked.backward else asked.function).__module__
        module = broken(page, mistake.module, mistake.old, mistake.new)
        if module:
            function = asked.function if asked.given else vars(module)[asked.function.__name__]
            backward = vars(module)[asked.backward.__name__] if asked.backward else None
            yield Wrong(mistake.said, function, backward)


@cache
def mistakes_of(exercise: Exercise) -> tuple[Mistake, ...]:
    """Of the zoo and of mistakes.py, for the pages of the exercise and for the modules that they import."""
    pages = {asked.function.__module__ for asked in exercise.asked}
    modules = pages | {helper for page in pages for helper in helpers(page)}
    asked = {
        f.__name__ for a in exercise.asked for f in (a.function, a.backward) if f and not (a.given and f is a.function)
    }
    given = {thing.__name__ for thing in exercise.given}
    zoo = tuple(
        Mistake(f"minireid.{bug.module}", "", source(bug)[0], f"{bug.cause}: {bug.hint}")
        for bug in BUGS
        if f"minireid.{bug.module}" in modules
        and bug.function not in given
        and (f"minireid.{bug.module}" not in pages or bug.function in asked)
    )
    return OWN.get(exercise.name, ()) + zoo


def helpers(page: str) -> list[str]:
    """The modules of minireid that a page calls: pair_distance of contrastive_squared, im2col of conv2d."""
    found = [value.__name__ for value in vars(sys.modules[page]).values() if isinstance(value, ModuleType)]
    return [name for name in found if name.startswith("minireid.")]


@cache
def broken(page: str, module: str, old: str, new: str) -> ModuleType | None:
    """The page with the mistake in it or in a module that it calls; None if the page has nothing to do with it.

    old: a text that stands once in the module, or "": then `new` is the whole text. ValueError if it does not.
    """
    if module != page and module not in helpers(page):
        return None
    text = text_of(module)
    if old and text.count(old) != 1:
        raise ValueError(f"expected {old!r} once in {module}, found it {text.count(old)} times: adapt mistakes.py")
    changed = executed(module, text.replace(old, new) if old else new)
    if module == page:
        return changed
    whole = executed(page, text_of(page))
    for name, value in vars(sys.modules[page]).items():
        if isinstance(value, ModuleType) and value.__name__ == module:
            setattr(whole, name, changed)
    defaults = (
        function.__kwdefaults__ for function in vars(whole).values() if getattr(function, "__kwdefaults__", None)
    )
    for given in defaults:  # conv2d has its kernel as a default
        given.update({k: changed for k, v in given.items() if getattr(v, "__name__", "") == module})
    return whole


def text_of(module: str) -> str:
    return Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8")


def executed(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(text, f"<{name} with a mistake>", "exec"), module.__dict__)
    return module

"""Right files for every exercise: the pages themselves, made to stand alone, with or without a mistake in them."""

import ast
from pathlib import Path

from minireid.practice.exercises.exercise import Exercise

ROOT = Path(__file__).parents[3]
LOADER = '''
import sys, types

SOURCES = {sources!r}


def page(name):
    """The module of this name, from its text."""
    if name not in sys.modules:
        for depth in range(1, name.count(".") + 1):
            parent = name.rsplit(".", depth)[0]
            sys.modules.setdefault(parent, types.ModuleType(parent)).__path__ = []
        module = sys.modules[name] = types.ModuleType(name)
        for other in SOURCES[name][0]:
            package, _, child = other.rpartition(".")
            setattr(sys.modules.setdefault(package, types.ModuleType(package)), child, page(other))
        exec(compile(SOURCES[name][1], name, "exec"), module.__dict__)
    return sys.modules[name]

'''


def file_of(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def imported(text: str) -> list[str]:
    """The modules of minireid that a page imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minireid"):
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in named if file_of(name).is_file()] or [node.module]
    return found


def sources(modules: list[str], changed: dict[str, str]) -> dict[str, tuple[list[str], str]]:
    """{module: (what it imports, its text)}, with all that they import. changed: texts in place of the files."""
    found: dict[str, tuple[list[str], str]] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            text = changed.get(name) or file_of(name).read_text(encoding="utf-8")
            found[name] = (imported(text), text)
            waiting += found[name][0]
    return found


def solution(exercise: Exercise, changed: dict[str, str] | None = None) -> str:
    """A file that solves the exercise with NumPy alone. changed: {module: another text of it}."""
    names = {}
    for asked in exercise.asked:
        names[asked.name] = (asked.function.__module__, asked.function.__name__)
        if asked.backward:
            names[asked.backward_name] = (asked.backward.__module__, asked.backward.__name__)
    text = LOADER.format(sources=sources([module for module, _ in names.values()], changed or {}))
    return (
        text + "\n".join(f"{name} = page({module!r}).{function}" for name, (module, function) in names.items()) + "\n"
    )

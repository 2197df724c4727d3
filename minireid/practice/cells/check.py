"""A student's own file, checked in the student's hand: the forward against the equations, the backward by gradcheck."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck import Report, check
from minireid.gradcheck.cases.check_file import SECONDS, answered
from minireid.gradcheck.cases.user_module import failed, line_of, said_unwritten
from minireid.gradcheck.forward import compare_forwards, with_forward
from minireid.practice.cells.compare import Row, compare_forward
from minireid.practice.cells.definition import SIZES, Arrays, Definition, draw_arrays
from minireid.practice.cells.reference import reference
from minireid.practice.cells.student import definition_of

OTHER_SIZES = {"N": 3, "D": 5, "S": 4, "P": 14, "E": 3}


def check_own(
    path: Path,
    student: str,
    *,
    course: str = "",
    kind: str = "cell",
    seed: int = 0,
    hints: int = 4,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """{"ok", "text", "check": the report as data, "forward": rows, "finished"}. The file runs in a process of its own.

    hints: how much the text tells (Report.text). Raises InputError for a file that cannot be checked.
    """
    definition_of(student, course=course, kind=kind)  # a bad name is told before the process starts
    order = {"student": student, "course": course, "kind": kind, "seed": seed, "hints": hints}
    return answered(path, order, seconds, "minireid.practice.cells.check_process")


def functions_of(module: ModuleType, definition: Definition, path: Path) -> list[Callable[..., Any]]:
    """[forward, backward] of a student's file."""
    found = [getattr(module, name, None) for name in definition.functions()]
    missing = [name for name, function in zip(definition.functions(), found) if not callable(function)]
    if missing:
        raise InputError(
            f"{path} has no function {' and no '.join(missing)}; expected those of the file that "
            f"minireid exercise cell start writes{' with --loss' if definition.kind == 'loss' else ''}"
        )
    return found  # type: ignore[return-value]


def judged(path: Path, module: ModuleType, definition: Definition, seed: int) -> tuple[list[Row], Report]:
    """(rows of the forward, none if it raised; the report on both functions)."""
    forward, backward = functions_of(module, definition, path)
    draws = [
        draw_arrays(definition, np.random.default_rng(seed + n), sizes)
        for n, sizes in enumerate((SIZES, SIZES, OTHER_SIZES))
    ]
    name = f"{definition.kind} of your own"
    try:
        y = results(definition, forward(*positional(definition, draws[0])))
        rows = compare_forward(definition, draws[0], y)
        return rows, report_on(name, definition, forward, backward, draws, seed)
    except Exception as error:
        if line_of(error, path) is None:
            raise  # not an error of the user's file
        return [], failed(name, seed, error, path)


def report_on(
    name: str,
    definition: Definition,
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    draws: list[Arrays],
    seed: int,
) -> Report:
    first, *others = (positional(definition, arrays) for arrays in draws)
    how: dict[str, Any] = {"seed": seed, "name": name}
    quick = check(forward, backward, *first, **how, diagnosis=False)
    mine = lambda *arrays: named(definition, results(definition, forward(*arrays)))  # noqa: E731 lambdas are not followed
    differs = compare_forwards(mine, reference(definition), [(arrays, {}) for arrays in (first, *others)], [])
    if differs:
        return with_forward(quick, differs, forward)
    more: Any = [(arrays, {}) for arrays in others]
    return said_unwritten(quick if quick.ok else check(forward, backward, *first, **how, more=more))


def positional(definition: Definition, arrays: Arrays) -> tuple[Any, ...]:
    """Copies, in the order of the arguments: a forward may change what it is given."""
    found = [arrays[name] for name in definition.arguments()]
    return tuple({k: v.copy() for k, v in a.items()} if isinstance(a, dict) else a.copy() for a in found)


def results(definition: Definition, returned: Any) -> tuple[Any, ...]:
    """What forward returned, without the cache."""
    return tuple(returned[: len(definition.outputs)]) if isinstance(returned, (tuple, list)) else (returned,)


def named(definition: Definition, y: tuple[Any, ...]) -> dict[str, Any]:
    return {name: np.asarray(value) for name, value in zip(definition.outputs, y)}


def told(rows: list[Row], report: Report, hints: int) -> str:
    """The forward in one line, then the report."""
    wrong = [row.name for row in rows if not row.ok]
    right = [row.name for row in rows if row.ok]
    parts = [f"right: {', '.join(right)}"] * bool(right) + [f"WRONG: {', '.join(wrong)}"] * bool(wrong)
    forward = [f"forward   {'   '.join(parts)}"] if rows and hints >= 1 else []
    return "\n".join([*forward, report.text(hints)])

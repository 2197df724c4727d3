"""Following functions: for a while, their code reports every value that it computes. Their source stays as it is.

    with following(tracer, lambda: backward(*forward(x))) as program:
        ...                                      the functions run as before, and report to the tracer

Whatever runs in the given call is followed: functions, methods, closures, helpers in other files. Only the libraries
(NumPy, the standard library, installed packages) are not. Each function gets new code, made from its syntax tree with
*taps* (taps.py): calls that pass a value on and report it. Its name, globals, defaults and identity stay the same, so
every place that refers to it reaches the new code.
"""

import ast
import contextlib
import gc
import linecache
import os
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minireid.gradcheck.line.program import Program, first_line, waits
from minireid.gradcheck.line.taps import TRACER, Taps

LIBRARIES = {os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "purelib", "platlib")}
PACKAGES = {"site-packages", "dist-packages"}  # those of the user or the system are beside the environment's own
PACKAGE = str(Path(__file__).parents[2]) + os.sep
OURS = str(Path(__file__).parents[1]) + os.sep


@contextlib.contextmanager
def following(
    tracer: Any,
    call: Callable[[], Any],
    taps: Callable[[Program, str], Any] | None = None,
    only: Callable[[types.CodeType], bool] = lambda code: True,
) -> Iterator[Program]:
    """Follow every function that `call` runs. They report to tracer.before, .value, .store, .enter, .leave, .loop.

    taps: gives, for a file, what puts the taps into a function, in place of `Taps`. only: which functions to follow.
    """
    program = Program()
    functions = [f for f in functions_of(set(filter(only, codes_run_by(call)))) if TRACER not in f.__globals__]
    by_file: dict[str, list[types.FunctionType]] = {}
    for function in functions:
        by_file.setdefault(function.__code__.co_filename, []).append(function)
    changed: list[tuple[types.FunctionType, types.CodeType]] = []
    spaces: list[dict[str, Any]] = []
    try:
        for filename, several in by_file.items():
            new = with_taps(program, filename, [f.__code__ for f in several], taps or Taps)
            for function in several:
                code = new.get(key_of(function.__code__))
                if code is None or code.co_freevars != function.__code__.co_freevars:
                    continue
                changed.append((function, function.__code__))
                function.__code__ = code
                program.functions.setdefault(function.__code__.co_name, []).append(function)
                if TRACER not in function.__globals__:
                    function.__globals__[TRACER] = tracer
                    spaces.append(function.__globals__)
        yield program
    finally:
        old = {key_of(inner): inner for _, code in changed for inner in inner_codes(code)}
        left = {inner for function, _ in changed for inner in inner_codes(function.__code__)}
        for function in functions_of(left):  # made while they were followed, and kept: in a cache, in an object
            function.__code__ = old.get(key_of(function.__code__), function.__code__)
        for function, code in changed:
            function.__code__ = code
        for space in spaces:
            space.pop(TRACER, None)


def codes_run_by(call: Callable[[], Any]) -> set[types.CodeType]:
    """The code of all functions that run, except that of libraries and of the checker itself."""
    found: set[types.CodeType] = set()

    def profile(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "call":
            found.add(frame.f_code)

    old = sys.getprofile()  # a debugger or a profiler may be at work
    sys.setprofile(profile)
    try:
        with contextlib.suppress(Exception):  # what ran before an exception is of use too
            call()
    finally:
        sys.setprofile(old if callable(old) else None)
    return {code for code in found if is_users(code.co_filename)}


def is_users(filename: str) -> bool:
    """Whether a file is neither a library's nor the checker's."""
    path = os.path.realpath(filename)
    if path.startswith(PACKAGE):
        return not path.startswith(OURS) and not path.startswith(PACKAGE + "base")
    if PACKAGES & set(Path(path).parts):
        return False
    return not filename.startswith("<frozen") and not any(path.startswith(folder) for folder in LIBRARIES)


def functions_of(codes: set[types.CodeType]) -> list[types.FunctionType]:
    return [f for f in gc.get_referrers(*codes) if isinstance(f, types.FunctionType)] if codes else []


def with_taps(
    program: Program, filename: str, codes: list[types.CodeType], taps: Callable[[Program, str], Any]
) -> dict[tuple[str, int], types.CodeType]:
    """The new code of these functions of a file, by qualified name and first line. Empty if there is no source."""
    lines = linecache.getlines(filename)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return {}
    wanted = {(code.co_name, code.co_firstlineno) for code in codes}
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and (n.name, first_line(n)) in wanted
             and not waits(n)]  # fmt: skip
    for node in nodes:
        taps(program, filename).function(node)
    try:
        module = compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    followed = {(node.name, first_line(node)) for node in nodes}  # no lambdas: one line may have several
    return {key_of(code): code for code in inner_codes(module) if (code.co_name, code.co_firstlineno) in followed}


def key_of(code: types.CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def inner_codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from inner_codes(constant)

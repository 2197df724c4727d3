"""The same program on smaller arrays. The search for a line needs a run of the forward for each entry of many values.

Every axis of the length 256 becomes 5 long, say, everywhere at once: in the inputs, and in what is configuration, in
attributes of objects and in defaults of functions; a whole number 256 there becomes 5 too. A new length is kept only
if the same lines run in the same order: so an axis over which a loop runs keeps its length, and each value of the
smaller program stands for one of the person's own. In the end the same gradients must be wrong.
"""

import contextlib
import copy
import functools
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.front.parameters import Parameter, parts_of
from minireid.gradcheck.line.follow import is_users
from minireid.gradcheck.tensor.problem import Problem, is_large
from minireid.gradcheck.tensor.proof import wrong_along
from minireid.gradcheck.tensor.slopes import Slopes

LONGEST = 12  # an axis up to this length keeps it
ATOMS = (np.generic, np.random.Generator, np.random.RandomState, types.ModuleType, types.CodeType, type, Parameter)

Sizes = dict[int, int]  # the new length, by the old one


def smaller(problem: Problem, wrong: set[str]) -> tuple[Problem, Sizes] | None:
    """(the problem on smaller arrays, the new lengths); None if it is small, or cannot be made smaller.

    problem: with an upstream gradient. wrong: the names of the tensors whose gradients are wrong, the same in both.
    """
    if not is_large(problem):
        return None
    found, sizes, lines = problem, Sizes(), lines_run(problem)
    lengths = sorted({size for array in arrays_in(problem) for size in array.shape})
    for length in lengths:
        for new in () if length in sizes or length <= LONGEST else choices(length, sizes, lengths):
            tried = resized(problem, sizes | new)
            if tried is not None and lines_run(tried) == lines:
                found, sizes = tried, sizes | new
                break
    return (found, sizes) if sizes and wrong_in(found) == wrong else None


def wrong_in(problem: Problem) -> set[str]:
    """The names of the tensors whose gradients are wrong; none where backward raises."""
    try:
        with quiet():
            return set(wrong_along(problem, Slopes(problem))(problem.backward))
    except Exception:  # the backward that is searched may raise
        return set()


def choices(length: int, sizes: Sizes, lengths: list[int]) -> Iterator[Sizes]:
    """New lengths to be tried: any, even ones (for pools), multiples of 4 (for heads).

    Other lengths that are its multiples stay; or become as much shorter (4 H beside H); or become so twice (the pixels
    of an image beside its side). All lengths stay different: a transposed axis cannot hide then.
    """
    used = (set(lengths) - {length}) | set(sizes.values())
    for first, step in ((5, 1), (6, 2), (8, 4)):
        for power in (0, 1, 2):
            whole = length ** max(power, 1)
            others = [other for other in lengths if other % whole == 0 and other > length and other not in sizes]
            for new in range(first, length, step) if others or not power else ():
                made = {length: new} | {other: other // whole * new**power for other in others if power}
                if not set(made.values()) & used:
                    yield made
                    break


def resized(problem: Problem, sizes: Sizes) -> Problem | None:
    """The problem with these lengths; None where it does not run."""
    memo: dict[int, Any] = {}
    try:
        with quiet():
            made = {name: shrunk(getattr(problem, name), sizes, memo)
                    for name in ("forward", "backward", "arrays", "config", "frame")}  # fmt: skip
            return replace(problem, **made).drawn()
    except Exception:  # a person's program with other sizes may fail in any way
        return None


def shrunk(thing: Any, sizes: Sizes, memo: dict[int, Any]) -> Any:
    """A copy of anything in which arrays and whole numbers have the new lengths. memo: the copies so far, by id."""
    if id(thing) in memo:
        return memo[id(thing)]
    if isinstance(thing, np.ndarray):
        memo[id(thing)] = cut(thing, sizes)
    elif type(thing) is int:
        return sizes.get(thing, thing)
    elif isinstance(thing, types.FunctionType):
        return shrunk_function(thing, sizes, memo)
    elif isinstance(thing, ATOMS):
        return thing
    elif isinstance(thing, tuple):
        parts = [shrunk(part, sizes, memo) for part in thing]
        return type(thing)(*parts) if hasattr(thing, "_fields") else tuple(parts)
    elif parts := parts_of(thing):
        new = memo[id(thing)] = copy.copy(thing)
        for key, part in parts:
            part = shrunk(part, sizes, memo)
            if isinstance(new, (dict, list)):
                new[key] = part
            else:
                object.__setattr__(new, key, part)  # also of a frozen dataclass
    return memo.get(id(thing), thing)


def shrunk_function(function: types.FunctionType, sizes: Sizes, memo: dict[int, Any]) -> Any:
    """The function with other values in its closure and its defaults."""
    cells = tuple(types.CellType() for _ in function.__closure__ or ())
    new = memo[id(function)] = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, closure=cells or None
    )
    vars(new).update(vars(function))
    new.__qualname__, new.__module__ = function.__qualname__, function.__module__
    new.__defaults__ = shrunk(function.__defaults__, sizes, memo)
    new.__kwdefaults__ = shrunk(function.__kwdefaults__, sizes, memo)
    for cell, old in zip(cells, function.__closure__ or ()):
        with contextlib.suppress(ValueError):  # an empty cell
            cell.cell_contents = shrunk(old.cell_contents, sizes, memo)
    return new


def cut(array: np.ndarray, sizes: Sizes) -> np.ndarray:
    """The first entries along each axis. Labels stay below the new number of classes."""
    new = np.array(array[tuple(slice(sizes.get(size)) for size in array.shape)])
    if array.dtype.kind in "iu" and array.size:
        above = [length for length in sizes if array.min() >= 0 and sizes[length] <= array.max() < length]
        new = new % sizes[min(above)] if above else new
    return new


def arrays_in(problem: Problem) -> list[np.ndarray]:
    """All arrays of the program, also those of its configuration and of its objects."""
    memo: dict[int, Any] = {}
    shrunk([problem.forward, problem.backward, problem.arrays, problem.config, problem.frame], {}, memo)
    return [copied for copied in memo.values() if isinstance(copied, np.ndarray)]


def lines_run(problem: Problem) -> tuple[Any, ...]:
    """Which lines run, in their order, how it ends, and the tensors whose gradients have the right shape."""
    lines, theirs = 0, functools.cache(is_users)

    def trace(frame: types.FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        nonlocal lines
        if event == "line":
            lines = hash((lines, frame.f_code.co_filename, frame.f_lineno))
        return trace if theirs(frame.f_code.co_filename) else None

    old, ends, fits = sys.gettrace(), "", list[str]()
    sys.settrace(trace)
    try:
        with quiet():
            returned = problem.backwards(problem.backward)
    except Exception as error:  # the backward that is searched may raise
        ends = type(error).__name__
    finally:
        sys.settrace(old)
    if not ends:
        given, arrays = dict(leaves(problem.by_name(returned))), dict(leaves(problem.inputs()))
        fits = [name for name in arrays if name in given and np.shape(given[name]) == arrays[name].shape]
    return lines, ends, fits


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Python and NumPy warn about some numbers, and a program may print."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        yield

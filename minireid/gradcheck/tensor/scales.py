"""Is a right pair of functions right for large inputs too?

exp(1000) is infinite in float64. So a softmax of exp(x) / sum exp(x) gives NaN for a logit of 1000, though every
gradient at ordinary numbers is right. The inputs are made larger, and NaN and infinity are looked for.

Two things are no instability. exp itself and x ** 9 must grow without bound: from one size to the next by a factor of
EXPLODES or more. And log(1 - x) has no value at x = 10: then NaN comes without an overflow or the like before it.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.tensor.problem import Problem

SIZES = (10, 100, 1000)  # typical sizes of the inputs
EXPLODES = 1e10
BEFORE = {"overflow": "an overflow", "divide by zero": "a division by zero (or log 0)", "underflow": "an underflow"}


def instability(problem: Problem) -> str:
    """A sentence if forward or backward gives NaN or infinity for large inputs, or an empty string."""
    values = np.concatenate([np.ravel(a) for _, a in leaves(problem.inputs())] or [np.zeros(0)])
    typical = float(np.sqrt(np.mean(values**2))) if values.size else 0.0
    for size in SIZES:
        if typical and size > typical and (found := breakdown(problem, size / typical)):
            return f"right, but not stable: {found[0]} at inputs of the size {size} ({found[1]})" if found[0] else ""
    return ""


def breakdown(problem: Problem, factor: float) -> tuple[str, str] | None:
    """(NaN or infinity, details in words) of forward and backward at larger inputs; None if all is finite there.

    ("", "") if a function has to give infinity there, or has no value.
    """
    seen: dict[str, tuple[str, str]] = {}
    for name, run in (("forward", outputs), ("backward", gradients)):
        bad, after = what_is_bad(run, problem, factor)
        if bad and not seen and (not after or explodes(run, problem, factor)):
            return "", ""
        if bad in ("NaN", "infinity"):
            seen[name] = bad, after
    if not seen:
        return None
    words = [
        f"{name} gives {bad} after {after}" if after else f"{name} gives {bad}" for name, (bad, after) in seen.items()
    ]
    return ("NaN" if any(bad == "NaN" for bad, _ in seen.values()) else "infinity"), ", ".join(words)


def outputs(problem: Problem) -> Any:
    return problem.call(problem.forward)[0]


def gradients(problem: Problem) -> Any:
    return problem.gradients()


def what_is_bad(run: Callable[[Problem], Any], problem: Problem, factor: float) -> tuple[str, str]:
    """(NaN or infinity or neither, the overflow or the like that came with it) of the result at larger inputs."""
    with recorded() as seen:
        try:
            result = run(larger(problem, factor))
        except Exception:  # nobody has promised to take such numbers
            return "an exception", ""
    arrays = [np.asarray(a) for _, a in leaves(result) if np.asarray(a).dtype.kind == "f"]
    after = next((words for kind, words in BEFORE.items() if kind in seen), "")
    if any(np.any(np.isnan(a)) for a in arrays):
        return "NaN", after
    return ("infinity" if any(np.any(np.isinf(a)) for a in arrays) else ""), after


def explodes(run: Callable[[Problem], Any], problem: Problem, factor: float) -> bool:
    """Whether the result was growing so fast, up to a tenth of these inputs, that it has to leave the range."""
    with recorded():
        try:
            now, before = (largest(run(larger(problem, factor * by))) for by in (0.1, 0.01))
        except Exception:  # out of range already: smaller inputs tell nothing
            return True
    return not now < EXPLODES * before if before else False


def largest(result: Any) -> float:
    return max((float(np.abs(a).max(initial=0)) for _, a in leaves(result)), default=0.0)


def larger(problem: Problem, factor: float) -> Problem:
    return replace(problem, arrays=tuple(map_leaves(lambda a: a * a.dtype.type(factor), a) for a in problem.arrays))


@contextlib.contextmanager
def recorded() -> Iterator[set[str]]:
    """The kinds of floating-point errors that come up, such as "overflow"; no warning is printed."""
    seen: set[str] = set()
    with warnings.catch_warnings(), np.errstate(all="call", call=lambda kind, flag: seen.add(kind)):
        warnings.simplefilter("ignore")
        yield seen

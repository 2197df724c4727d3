"""Does a function of float64 arrays compute in float32 inside?

    F1  rest(h) = the typical distance of f(x + t u), 0 < t < h, from a straight line

Of a smooth f the rest becomes 100 times smaller where h becomes 10 times smaller, and 10 times at a kink. Where values
are rounded to float32, f moves in steps of about 6e-8. Then the rest stays what it is. f is the loss, or a weighted sum
of what backward returns.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.problem import Problem

POINTS = 12
NEAR, FAR = 1e-6, 1e-5  # the two values of h, relative to the largest entry of each array


def forward_rounds(problem: Problem) -> bool:
    """Whether y moves in steps of float32's size. problem has its upstream gradient."""
    return in_steps(problem, lambda moved: moved.call(moved.forward)[0])


def backward_rounds(problem: Problem) -> bool:
    """Whether the gradients move in steps of float32's size."""
    return in_steps(problem, lambda moved: moved.gradients())


def in_steps(problem: Problem, result: Callable[[Problem], Any]) -> bool:
    """Whether a result moves in steps of float32's size where all arrays move a little."""
    arrays = [np.asarray(a) for _, a in leaves(result(problem))]
    if any(a.dtype.kind != "f" for a in arrays):
        return False
    arrays = [a.astype(np.float64) for a in arrays]
    weights = [stream(problem.seed, "weights", k).normal(size=a.shape) for k, a in enumerate(arrays)]
    magnitude = sum(float(np.abs(w * a).sum()) for w, a in zip(weights, arrays)) or 1.0
    t = np.sort(stream(problem.seed, "points").random(POINTS))

    def rest(h: float) -> float:
        moves = [leaves(result(moved(problem, h * step))) for step in t]
        values = np.array([sum(np.sum(w * (b - a)) for w, a, (_, b) in zip(weights, arrays, m)) for m in moves])
        return float(np.median(np.abs(values - np.polyval(np.polyfit(t, values, 1), t)))) / magnitude

    near, far = rest(NEAR), rest(FAR)
    return bool(1e-12 < near < 1e-6 and far < 5 * near)


def moved(problem: Problem, by: float) -> Problem:
    """The problem with every array, and the upstream gradient, moved along random directions."""
    rng = stream(problem.seed, "rounding")

    def one(array: Any) -> Any:
        return array + by * (np.abs(array).max(initial=0) or 1.0) * rng.uniform(-1, 1, size=np.shape(array))

    arrays = tuple(map_leaves(one, a) for a in problem.arrays)
    return replace(problem, arrays=arrays, upstream=map_leaves(one, problem.upstream))


def forward_sentence(forward: Callable[..., Any]) -> str:
    return (
        f"forward rounds to float32 inside{line_with_float32(forward)}: its true gradient is known to 3 digits only; "
        "compute in float64 there, or give it float32 arrays"
    )


def backward_sentence(backward: Callable[..., Any]) -> str:
    return (
        f"backward rounds to float32 inside{line_with_float32(backward)}: its gradients are compared with float32's "
        "tolerance only; compute in float64 there, or give it float32 arrays"
    )


def line_with_float32(function: Callable[..., Any]) -> str:
    """The first line of a function that speaks of float32, or an empty string."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):  # no source to be read
        return ""
    for number, line in enumerate(lines, first or 1):
        if "float32" in line.partition("#")[0]:
            return f" (line {number}: {line.strip()})"
    return ""

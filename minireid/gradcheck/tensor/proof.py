"""Is a backward right at some inputs? A quick answer: along two random directions through every tensor."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes


def proof(problem: Problem, slopes: Slopes) -> Callable[[Callable[..., Any]], bool]:
    """A function that tells whether a backward is right."""
    wrong = wrong_along(problem, slopes)
    return lambda backward: next(wrong(backward), None) is None


def wrong_along(problem: Problem, slopes: Slopes) -> Callable[[Callable[..., Any]], Iterator[str]]:
    """A function that gives the names of the tensors of which the gradient by a backward is wrong."""
    wanted = []
    for name, array in leaves(problem.inputs()):
        for number in range(2):
            u = stream(problem.seed, f"proof {number}", name).normal(size=array.shape)
            # two steps: a kink within the larger step may be outside the smaller one
            wanted.append((name, u, [slopes.along(name, step * u)[0] / step for step in (1, 0.01)]))

    def wrong(backward: Callable[..., Any]) -> Iterator[str]:
        returned = dict(leaves(problem.gradients(backward)))
        for name, u, near in wanted:
            a = returned.get(name)
            if a is None or np.shape(a) != u.shape:
                yield name
                continue
            scale = max(abs(near[0]), float(np.linalg.norm(np.asarray(a, float))))
            slope = float((np.asarray(a) * u).sum())
            if not any(abs(slope - true) <= 1e-6 * scale + 1e-9 for true in near):
                yield name

    return wrong

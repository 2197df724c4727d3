"""Does a function run with what was drawn for it?"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.front.draws import Draw, first_that_runs
from minireid.gradcheck.tensor.problem import Problem


class Unchecked(Exception):
    """Something that could not be checked; its text says why, in one line."""


def chosen(found: Iterator[Draw], forward: Callable[[Draw], bool], backward: Callable[[Draw], bool]) -> Draw:
    draw, why = first_that_runs(found, forward, backward)
    if draw is None:
        raise Unchecked(f'{why}. Say them: --shapes "x:3,5 w:5,7"')
    return draw


def forward_runs(forward: Any, backward: Any, draw: Draw) -> bool:
    """Whether it gives finite floats, or anything else that the check itself can complain about."""
    problem = Problem(forward, backward, draw.arguments, draw.config, 0)
    result = problem.call(forward)
    return bool(problem.arrays) and (problem.form is None or fine(result[0]))


def backward_runs(forward: Any, backward: Any, draw: Draw) -> bool:
    problem = Problem(forward, backward, draw.arguments, draw.config, 0).drawn()
    found: dict[str, Any] = dict(leaves(problem.gradients()))
    return all(np.shape(found.get(name, 0.0)) == np.shape(array) for name, array in leaves(problem.inputs()))


def loss_runs(loss: Any, draw: Draw) -> bool:
    result = loss(*Problem(loss, loss, draw.arguments, draw.config, 0).named().values(), **draw.config)
    return fine(result[0] if isinstance(result, tuple) else result)


def fine(y: Any) -> bool:
    arrays = [np.asarray(array) for _, array in leaves(y)]
    return all(a.dtype.kind == "f" and a.size > 0 and bool(np.all(np.isfinite(a))) for a in arrays)

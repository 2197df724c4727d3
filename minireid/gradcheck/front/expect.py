"""Before a check: is there something to differentiate, and for which arguments does backward give gradients?"""

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.front.arguments import soft_leaves
from minireid.gradcheck.front.gradients import for_constants
from minireid.gradcheck.tensor.problem import Problem

CONVERT = "convert it with .astype(np.float64)"


def something(problem: Problem) -> None:
    """Raises TypeError where no argument is an array of floats."""
    if not problem.arrays:
        given = [f"{n} is {kind_of(a)}" for n, a in zip(problem.whole.names, problem.whole.arguments(()))]
        came = ", ".join(given) or "no positional argument came"
        raise TypeError(f"gradcheck needs arrays of float64, to differentiate by them: {came}; {CONVERT}")


def kind_of(value: Any) -> str:
    return str(value.dtype) if isinstance(value, np.ndarray) else type(value).__name__


def differentiated(problem: Problem) -> tuple[Problem, list[str]]:
    """(problem, notes): a Python float for which backward gives no gradient is taken as configuration.

    Raises TypeError if backward gives a gradient for an array of integers: rounding would hide every mistake.
    """
    returned = sample(problem)
    if returned is None:
        return problem, []
    for path, value in for_constants(returned, problem.whole):
        raise TypeError(f"gradcheck needs arrays of float64: {path} is {kind_of(value)}; {CONVERT}")
    problem, notes = first_output(problem, returned)
    soft = [leaf for n, s in zip(problem.whole.names, problem.whole.skeletons) for leaf in soft_leaves(s, n)]
    found = dict(leaves(problem.matched(returned) or {}))
    missing = [name for name in soft if found.get(name) is None]
    if not missing or len(missing) == len(leaves(problem.inputs())):
        return problem, notes
    said = f"backward gives no gradient for {', '.join(missing)}: taken as configuration"
    return problem.without(missing), [*notes, said]


def first_output(problem: Problem, returned: Any) -> tuple[Problem, list[str]]:
    """Where backward takes the gradient of the first output alone, parameters of the others need no gradient."""
    if problem.form is None or not problem.form.left_out:
        return problem, []
    found = dict(leaves(problem.matched(returned) or {}))
    missing = [name for name, _ in leaves(problem.inputs()) if found.get(name) is None]
    notes = [f"UNCHECKED: backward takes the gradient of one output, forward has {problem.form.left_out + 1}"]
    notes += [f"UNCHECKED: {name}: backward returns no gradient for it" for name in missing]
    return (problem.without(missing) if len(missing) < len(leaves(problem.inputs())) else problem), notes


def strangers(problem: Problem) -> list[str]:
    """Gradients in a dict for all arguments whose names no argument has, as faults."""
    names = set(problem.names())
    found = problem.matched(sample(problem)) or {}
    return [
        f"backward returns a gradient named {name}, but there is no such input" for name in found if name not in names
    ]


def sample(problem: Problem) -> Any:
    """What backward returns; None if it raises: faults.py reports that."""
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return problem.backwards(problem.backward)
    return None

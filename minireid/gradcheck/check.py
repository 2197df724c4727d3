"""Is this backward the derivative of that forward, and if not, where and why?

    F1  L = sum of dy * forward(...)         dy: random, drawn once from the seed

The functions are plain: `forward(*arrays, **config) -> (y, cache)`, `backward(dy, cache) -> gradients`, one gradient
for every positional argument (a tuple where there is more than one). Arguments, y and gradients may be nested dicts of
arrays; the cache may be anything. Keyword arguments are configuration; a numpy Generator among them is copied before
every call, so that each call draws the same numbers. A random dy matters: with dy all ones many a wrong backward passes
(the gradient of a softmax would be zero, right or wrong).

Where something is wrong, the diagnosis follows: inside.py finds the line, repair.py and patterns.py the cause.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck import faults
from minireid.gradcheck.compare import TOLERANCE, TensorReport, compare
from minireid.gradcheck.diagnose import diagnose
from minireid.gradcheck.numerical import Slopes
from minireid.gradcheck.problem import Problem
from minireid.gradcheck.report import Report

ENTRIES = 2000  # of a tensor, looked at one by one; of a larger one a sample
SAMPLE = {True: 24, False: 8}  # of a large tensor: with the complex step, which takes one run an entry, and without


def check(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *arrays: Any,
    seed: int = 0,
    name: str = "",
    method: str = "auto",
    diagnosis: bool = True,
    entries: int = ENTRIES,
    more: Sequence[tuple[tuple[Any, ...], dict[str, Any]]] = (),
    **config: Any,
) -> Report:
    """A report on every array among the arguments.

    arrays: float64, or nested dicts of such; moved during the check and put back. config: passed to forward. method:
    "auto", "complex" or "central" (minireid/gradcheck/numerical.py). entries: of a tensor with more, so many are
    compared, and sums over all of them. more: (arrays, config) of
    other numbers and other sizes, for the diagnosis; without them it draws other numbers of the same shapes.
    Raises TypeError where an array is not float64: in float32 no derivative can be told from a wrong one. What forward
    raises comes through; what backward raises is in the report.
    """
    problem = Problem(forward, backward, arrays, config, seed)
    for path, array in leaves(problem.inputs()):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise TypeError(f"gradcheck needs arrays of float64: {path} is {kind}; convert it with .astype(np.float64)")
    report = Report(name or title(forward), [], faults.forward_faults(problem), seed, "")
    if report.faults:
        return report
    problem = problem.drawn()
    report.faults = faults.backward_faults(problem)
    slopes = Slopes(problem, method)
    report.method = "complex step" if slopes.complex else "central differences"
    gradients = returned(problem)
    report.tensors = tensors(problem, gradients, slopes, entries)
    keep_arrays(report, gradients, slopes)
    wrong = [tensor for tensor in report.tensors if not tensor.ok and (tensor.fault or tensor.error > TOLERANCE)]
    raised = not gradients and not any("NotImplementedError" in fault for fault in report.faults)
    if (wrong or raised) and diagnosis:  # not where there is nothing but kinks
        diagnose(
            report,
            problem,
            slopes,
            [Problem(forward, backward, tuple(other), settings, seed + 1) for other, settings in more],
        )
    return report


def title(forward: Callable[..., Any]) -> str:
    module = inspect.getmodule(forward)
    return f"{getattr(module, '__name__', '').rpartition('.')[2]}.{getattr(forward, '__name__', 'forward')}".lstrip(".")


def returned(problem: Problem) -> dict[str, Any]:
    """What backward returns, by the tensor's name; empty where it raises."""
    try:
        return dict(leaves(problem.gradients()))
    except Exception:  # told among the faults
        return {}


def tensors(problem: Problem, gradients: dict[str, Any], slopes: Slopes, entries: int) -> list[TensorReport]:
    """A report for every tensor; none where backward returned nothing at all."""
    if not gradients:
        return []
    named = list(leaves(problem.inputs()))
    large = sum(array.size for _, array in named) > 10 * ENTRIES
    limit = SAMPLE[slopes.complex] if large else entries
    return [compare(name, gradients.get(name), slopes, limit) for name, array in named]


def keep_arrays(report: Report, gradients: dict[str, Any], slopes: Slopes) -> None:
    """Both gradients of the worst tensor in full, for report.plot() and the diagnosis."""
    for tensor in report.tensors:
        if not tensor.ok and not tensor.fault and not tensor.looked_at[1]:
            n = np.zeros(tensor.shape)
            for index in np.ndindex(tensor.shape):
                n[index] = slopes.at(tensor.name, index)[0]
            report.arrays[tensor.name] = (np.asarray(gradients[tensor.name]), n)


def assert_gradients(forward: Callable[..., Any], backward: Callable[..., Any], *arrays: Any, **config: Any) -> None:
    """For a test suite: AssertionError with the whole report where something is wrong. Arguments as for `check`."""
    report = check(forward, backward, *arrays, **config)
    if not report.ok:
        raise AssertionError(f"wrong gradient\n{report}")

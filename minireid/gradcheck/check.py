"""Is this backward the derivative of that forward, and if not, where and why?

    F1  L = sum of dy * forward(...)         dy: random, drawn once from the seed

The functions are plain: `forward(*arrays, **config) -> (y, cache)` and `backward(dy, cache) -> gradients`. There is one
gradient for every positional argument (a tuple where there are several). Arguments, y and gradients may be nested dicts
of arrays. The cache may be anything. Keyword arguments are configuration. A NumPy Generator among them is copied before
every call, so each call draws the same numbers. dy must be random: with dy all ones many wrong backward passes are
accepted (the gradient of a softmax is then zero, right or wrong).

Where something is wrong, the diagnosis follows: inside.py finds the line, repair.py and patterns.py the cause.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.diagnose import diagnose
from minireid.gradcheck.front import expect
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor import faults
from minireid.gradcheck.tensor.compare import TOLERANCE, TensorReport, compare
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes

ENTRIES = 2000  # entries of a tensor that are compared; of a larger tensor a sample
# entries of each tensor of a large problem: with the complex step (one run for each entry), and without
SAMPLE = {True: 24, False: 8}


def check(
    forward: Any,
    backward: Any = None,
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

    forward, backward: two functions; or one object with these methods and its parameters, check(Linear(5, 7), x).
    arrays: float64 arrays, or dicts, lists and tuples of them. They are copied. Integers, booleans, words and labels
    among them are configuration.
    config: passed to forward.
    seed: draws the upstream gradient. name: the title of the report; the name of forward by default.
    method: "auto", "complex" or "central" (minireid/gradcheck/tensor/slopes.py).
    diagnosis: whether to look for the line and the cause.
    entries: of a tensor with more entries, so many are compared, and random directions.
    more: (arrays, config) with other numbers and sizes, for the diagnosis. Without them it draws other numbers of the
    same shapes.
    Raises TypeError where an array is not float64: rounding in float32 hides mistakes. An exception of forward is
    passed on. An exception of backward is in the report.
    """
    problem, notes = pair_of(forward, backward, arrays, config, seed)
    others = [pair_of(forward, backward, tuple(other), settings, seed + 1)[0] for other, settings in more]
    report = examine(problem, name or title(problem.forward), method, diagnosis, entries, others)
    report.notes = [*notes, *report.notes]
    return report


def check_loss(
    loss: Any,
    *arguments: Any,
    seed: int = 0,
    name: str = "",
    method: str = "auto",
    diagnosis: bool = True,
    entries: int = ENTRIES,
    **config: Any,
) -> Report:
    """A report on a function that returns the loss and its gradients in one call, or on a network with such a method.

    loss: f(*arguments, **config) -> (loss, gradients); or an object: net.loss(*arguments) -> (loss, gradients), with
    its parameters as attributes. Labels and other integers among the arguments are configuration.
    An argument for which no gradient is returned is UNCHECKED in report.notes. The rest is as for `check`.
    """
    from minireid.gradcheck.front.losses import loss_of

    problem, notes = loss_of(loss, arguments, config, seed)
    report = examine(problem, name or title(problem.forward), method, diagnosis, entries, [])
    report.notes = [*notes, *report.notes]
    return report


def pair_of(
    forward: Any, backward: Any, arrays: tuple[Any, ...], config: dict[str, Any], seed: int
) -> tuple[Problem, list[str]]:
    """(problem, notes) of two functions, or of an object with two methods; then `backward` is its first argument."""
    from minireid.gradcheck.front.contexts import context_problem, methods
    from minireid.gradcheck.front.objects import object_problem, owner_of

    pair = methods(forward, backward)
    if pair:
        rest = (backward, *arrays) if inspect.isclass(forward) else arrays
        return context_problem(*pair, rest, config, seed), []
    owner = owner_of(forward, backward)
    if owner is None and callable(forward) and callable(backward) and not inspect.isclass(forward):
        return Problem(forward, backward, arrays, config, seed), []
    first = () if backward is None or callable(backward) else (backward,)
    return object_problem(forward if owner is None else owner, (*first, *arrays), config, seed)


def examine(problem: Problem, name: str, method: str, diagnosis: bool, entries: int, more: list[Problem]) -> Report:
    """The report on a problem. more: the same functions with other numbers and sizes, for the diagnosis."""
    expect.floats(problem)
    report = Report(name, [], faults.forward_faults(problem.plain()), problem.seed, "")
    if report.faults:
        return report
    problem, report.notes = expect.differentiated(problem.drawn())
    report.faults = faults.backward_faults(problem.plain()) or expect.strangers(problem)
    slopes = Slopes(problem, method)
    report.method = "complex step" if slopes.complex else "central differences"
    gradients = returned(problem)
    report.tensors = tensors(problem, gradients, slopes, entries)
    keep_arrays(report, gradients, slopes)
    wrong = [tensor for tensor in report.tensors if not tensor.ok and (tensor.fault or tensor.error > TOLERANCE)]
    raised = not gradients and not any("NotImplementedError" in fault for fault in report.faults)
    if (wrong or raised) and diagnosis:  # not if kinks are the only problem
        diagnose(report, problem, slopes, more)
    if not report.ok:
        from minireid.gradcheck.front.html import shown

        report.sources = shown([problem.forward, problem.backward], report.line)
    return report


def title(forward: Callable[..., Any]) -> str:
    module = inspect.getmodule(forward)
    return f"{getattr(module, '__name__', '').rpartition('.')[2]}.{getattr(forward, '__name__', 'forward')}".lstrip(".")


def returned(problem: Problem) -> dict[str, Any]:
    """What backward returns, by the tensor's name; empty if it raises."""
    try:
        return dict(leaves(problem.gradients()))
    except Exception:  # faults.py reports it
        return {}


def tensors(problem: Problem, gradients: dict[str, Any], slopes: Slopes, entries: int) -> list[TensorReport]:
    """A report for every tensor; none if backward returned nothing."""
    if not gradients:
        return []
    named = list(leaves(problem.inputs()))
    large = sum(array.size for _, array in named) > 10 * ENTRIES
    limit = SAMPLE[slopes.complex] if large else entries
    return [compare(name, gradients.get(name), slopes, limit) for name, array in named]


def keep_arrays(report: Report, gradients: dict[str, Any], slopes: Slopes) -> None:
    """Both gradients of every wrong tensor in full (not of a sampled one), for report.plot() and the diagnosis."""
    for tensor in report.tensors:
        if not tensor.ok and not tensor.fault and not tensor.looked_at[1]:
            n = np.zeros(tensor.shape)
            for index in np.ndindex(tensor.shape):
                n[index] = slopes.at(tensor.name, index)[0]
            report.arrays[tensor.name] = (np.asarray(gradients[tensor.name]), n)


def assert_gradients(forward: Any, backward: Any = None, *arrays: Any, **config: Any) -> None:
    """For tests: raises AssertionError with the whole report if something is wrong. Arguments as for `check`."""
    report = check(forward, backward, *arrays, **config)
    if not report.ok:
        raise AssertionError(f"wrong gradient\n{report}")

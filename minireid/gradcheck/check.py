"""Is this backward the derivative of that forward, and if not, where and why?

    F1  L = sum of dy * forward(...)         dy: random, drawn once from the seed

The functions are plain: `forward(*arrays, **config) -> (y, cache)` and `backward(dy, cache) -> gradients`. There is one
gradient for every positional argument (a tuple where there are several). Arguments, y and gradients may be nested dicts
of arrays. The cache may be anything. Keyword arguments are configuration. A NumPy Generator among them is copied before
every call, so each call draws the same numbers. dy must be random: with dy all ones many wrong backward passes are
accepted (the gradient of a softmax is then zero, right or wrong).

Where something is wrong, the diagnosis follows: line/ finds the line, cause/ the cause.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.diagnose import diagnose
from minireid.gradcheck.finding import Finding, Line
from minireid.gradcheck.front import expect
from minireid.gradcheck.line.exercised import elsewhere
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor import faults
from minireid.gradcheck.tensor.compare import TensorReport, compare
from minireid.gradcheck.tensor.problem import Problem, is_large, own
from minireid.gradcheck.tensor.rounding import backward_rounds, backward_sentence, forward_rounds, forward_sentence
from minireid.gradcheck.tensor.scales import instability
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
    drawn: bool = False,
    **config: Any,
) -> Report:
    """A report on every array among the arguments.

    forward, backward: two functions; or one object with these methods and its parameters, check(Linear(5, 7), x).
    arrays: float64 arrays, or dicts, lists and tuples of them. They are copied, one for each argument. Integers,
    booleans, words and labels among them are configuration.
        All float32: the gradients are compared with float32's tolerance, 1e-3 of the largest entry.
        float32 and float64 together: all are converted to float64, and the report says so.
    config: passed to forward. Arrays in it are copied too.
    seed: draws the upstream gradient; a forward with an argument of this name is given it too.
    name: the title of the report; the name of forward by default.
    method: "auto", "complex" or "central" (minireid/gradcheck/tensor/slopes.py).
    diagnosis: whether to look for the line and the cause.
    entries: of a tensor with more entries, so many are compared, and random directions.
    more: (arrays, config) with other numbers and sizes, for the diagnosis. Without them it draws other numbers of the
    same shapes.
    drawn: whether the arrays are any that fit. Then others, at which a gradient is wrong, are checked in their place.
    Else such arrays are told in a note (minireid/gradcheck/line/exercised.py).
    Raises TypeError where an array is neither float64 nor float32. An exception of forward is passed on. An exception
    of backward is in the report.
    """
    if takes_seed(forward):
        config = {"seed": seed, **config}
    problem, notes = pair_of(forward, backward, arrays, own(config), seed)
    others = [pair_of(forward, backward, tuple(other), own(settings), seed + 1)[0] for other, settings in more]
    report = examine(problem, name or title(problem.forward), method, diagnosis, entries, others, drawn)
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
    drawn: bool = False,
    **config: Any,
) -> Report:
    """A report on a function that returns the loss and its gradients in one call, or on a network with such a method.

    loss: f(*arguments, **config) -> (loss, gradients); or an object: net.loss(*arguments) -> (loss, gradients), with
    its parameters as attributes. Labels and other integers among the arguments are configuration.
    An argument for which no gradient is returned is UNCHECKED in report.notes. The rest is as for `check`.
    """
    from minireid.gradcheck.front.losses import loss_of

    problem, notes = loss_of(loss, arguments, config, seed)
    report = examine(problem, name or title(problem.forward), method, diagnosis, entries, [], drawn)
    report.notes = [*notes, *report.notes]
    return report


def takes_seed(forward: Any) -> bool:
    try:
        return "seed" in inspect.signature(forward).parameters
    except (TypeError, ValueError):
        return False


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


def examine(
    problem: Problem, name: str, method: str, diagnosis: bool, entries: int, more: list[Problem], drawn: bool
) -> Report:
    """The report on a problem; if it is right, also on what other inputs show."""
    report, slopes = examine_here(problem, name, method, diagnosis, entries, more)
    if not report.ok or slopes is None or slopes.coarse or faults.in_float32(slopes.problem):
        return report
    try:
        found = elsewhere(slopes.problem, method, drawn)
    except Exception:  # the verdict stands, whatever a person's program does to this search
        return report
    report.notes += found.notes
    if found.other is None:
        return report
    if not drawn:
        report.notes.append(
            f"at other inputs ({found.change}) the gradient of {', '.join(found.wrong)} is wrong: here {found.place}"
        )
        return report
    there, _ = examine_here(found.other, name, method, diagnosis, entries, more)
    there.notes.insert(0, f"drawn again ({found.change}), because before {found.place}")
    return report if there.ok else there


def examine_here(
    problem: Problem, name: str, method: str, diagnosis: bool, entries: int, more: list[Problem]
) -> tuple[Report, Slopes | None]:
    """(the report on a problem at its inputs, its slopes; None where the forward is at fault).

    more: the same functions with other numbers and sizes, for the diagnosis.
    """
    expect.something(problem)
    problem, notes = one_kind(problem)
    report = Report(name, [], faults.forward_faults(problem.plain()), problem.seed, "", notes=notes)
    if report.faults:
        return report, None
    problem, more_notes = expect.differentiated(problem.drawn())
    report.notes += more_notes
    report.faults, side_effects = faults.backward_faults(problem.plain())
    report.faults = report.faults or expect.strangers(problem)
    report.notes += side_effects
    slopes = slopes_of(problem, method)
    report.method = "complex step" if slopes.complex else "central differences"
    gradients = returned(problem)
    report.tensors = tensors(slopes, gradients, entries, faults.in_float32(problem))
    if not slopes.coarse and any(not tensor.ok or tensor.kinks for tensor in report.tensors):
        slopes = rounded(report, problem, slopes, gradients, entries)
    if not problem.is_loss:
        report.notes += blind_spots(report, problem)
    if report.ok and not slopes.coarse and (unstable := instability(slopes.problem)):
        report.notes.append(unstable)
    keep_arrays(report, returned(slopes.problem), slopes)
    left_behind = any(fault.startswith(faults.LEFT_BEHIND) for fault in report.faults)
    if diagnosis and left_behind and (line := faults.line_left_behind(problem.backward)):
        report.findings = [Finding(Line(*line))]
    if diagnosis and worth_a_look(report):
        if slopes.coarse:
            report.notes.append("the line was not searched for: that needs a forward in float64")
        else:
            look_inside(report, slopes, more)
    if not report.ok:
        from minireid.gradcheck.front.html import shown

        report.sources = shown([problem.forward, problem.backward], report.line)
    return report, slopes


def one_kind(problem: Problem) -> tuple[Problem, list[str]]:
    """(the problem with arrays of one dtype, float64 or float32; notes on it). Raises TypeError for any other dtype."""
    kinds: dict[Any, list[str]] = {np.dtype(np.float64): [], np.dtype(np.float32): []}
    for path, array in leaves(problem.inputs()):
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        if not isinstance(array, np.ndarray) or kind not in kinds:
            raise TypeError(f"gradcheck needs arrays of float64: {path} is {kind}; convert it with .astype(np.float64)")
        kinds[kind].append(path)
    double, single = kinds.values()
    if double and single:
        return problem.in_float64(), [f"converted to float64, as {', '.join(double)} is: {', '.join(single)}"]
    if single:
        return problem, [
            "the arrays are float32: their gradients are compared with float32's tolerance, 1e-3 of the largest entry; "
            "convert the arrays with .astype(np.float64) to compare 7 digits"
        ]
    return problem, []


def slopes_of(problem: Problem, method: str) -> Slopes:
    """The true derivatives. Those of float32 arrays are computed in float64 too, if the forward takes such arrays."""
    if not faults.in_float32(problem):
        return Slopes(problem, method)
    double = problem.in_float64()
    try:
        y = double.call(double.forward)[0]
    except Exception:  # it takes float32 only
        return Slopes(problem, coarse=True)
    if any(np.asarray(leaf).dtype != np.float64 for _, leaf in leaves(y)):
        return Slopes(problem, coarse=True)
    return Slopes(double, method)


def rounded(report: Report, problem: Problem, slopes: Slopes, gradients: dict[str, Any], entries: int) -> Slopes:
    """The slopes. Is a tensor wrong because numbers are rounded to float32 inside? Then the report says so instead.

    Steps of float32 can also look like kinks.
    """
    if forward_rounds(slopes.problem):
        slopes = Slopes(slopes.problem, coarse=True)
        report.method = "central differences"
        report.unchecked = [] if faults.in_float32(problem) else [forward_sentence(problem.forward)]
    elif nearly_right(report) and not faults.in_float32(problem) and backward_rounds(problem):
        report.unchecked = [backward_sentence(problem.backward)]
    else:
        return slopes
    report.tensors = tensors(slopes, gradients, entries, float32=True)
    return slopes


def nearly_right(report: Report) -> bool:
    """Whether values are wrong, and so little that rounding can be all that is wrong."""
    wrong = [tensor for tensor in report.tensors if not tensor.ok and not tensor.other_dtype]
    return bool(wrong) and all(tensor.error < 1e-2 for tensor in wrong)


def blind_spots(report: Report, problem: Problem) -> list[str]:
    """Sentences on what the check could not see."""
    if upstream := faults.blind_spot(problem):
        return [upstream]
    flat = [tensor.name for tensor in report.tensors if tensor.ok and tensor.flat]
    if not flat:
        return []
    return [
        f"the true gradient of {', '.join(flat)} is 0 at these numbers: a wrong factor in it cannot be seen; "
        "try other numbers, or return y before it is summed up"
    ]


def worth_a_look(report: Report) -> bool:
    """Whether backward raised, or a tensor is wrong: not if kinks or a dtype are the only problem."""
    if not report.tensors:
        return not any("NotImplementedError" in fault for fault in report.faults)
    wrong = [tensor for tensor in report.tensors if not (tensor.ok or tensor.unchecked)]
    return any(not tensor.other_dtype or " int" in tensor.fault for tensor in wrong)


def look_inside(report: Report, slopes: Slopes, more: list[Problem]) -> None:
    """Look for the line and the cause. In float64, also where float32 was checked."""
    diagnose(report, slopes.problem, slopes, [other.in_float64() for other in more])


def title(forward: Callable[..., Any]) -> str:
    module = inspect.getmodule(forward)
    return f"{getattr(module, '__name__', '').rpartition('.')[2]}.{getattr(forward, '__name__', 'forward')}".lstrip(".")


def returned(problem: Problem) -> dict[str, Any]:
    """What backward returns, by the tensor's name; empty if it raises."""
    try:
        return dict(leaves(problem.gradients()))
    except Exception:  # faults.py reports it
        return {}


def tensors(slopes: Slopes, gradients: dict[str, Any], entries: int, float32: bool) -> list[TensorReport]:
    """A report for every tensor; none if backward returned nothing."""
    if not gradients:
        return []
    named = list(slopes.real.items())
    limit = SAMPLE[slopes.complex] if is_large(slopes.problem) else entries
    return [compare(name, gradients.get(name), slopes, limit, float32) for name, array in named]


def keep_arrays(report: Report, gradients: dict[str, Any], slopes: Slopes) -> None:
    """Both gradients of every wrong tensor in full (not of a sampled one), for report.plot() and the diagnosis."""
    for tensor in report.tensors:
        # a float32 gradient is compared once more, in float64: it may have a fault there only
        if not tensor.ok and not tensor.fault and not tensor.looked_at[1] and tensor.name in gradients:
            n = np.zeros(tensor.shape)
            for index in np.ndindex(tensor.shape):
                n[index] = slopes.at(tensor.name, index)[0]
            report.arrays[tensor.name] = (np.asarray(gradients[tensor.name]), n)


def assert_gradients(forward: Any, backward: Any = None, *arrays: Any, **config: Any) -> None:
    """For tests: raises AssertionError with the whole report if something is wrong. Arguments as for `check`."""
    report = check(forward, backward, *arrays, **config)
    if not report.ok:
        raise AssertionError(f"{'wrong gradient' if report.state == 'WRONG' else 'not checked'}\n{report}")

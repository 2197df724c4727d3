"""Everything in a file that can be checked, one after another; and a line for what could not be checked."""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import leaves
from minireid.gradcheck.check import check, check_loss
from minireid.gradcheck.front.classes import report_on_class
from minireid.gradcheck.front.draws import draws
from minireid.gradcheck.front.functions import Found, found_in
from minireid.gradcheck.front.shapes import Wish, from_dict, only_for
from minireid.gradcheck.front.tries import Unchecked, backward_runs, chosen, forward_runs, loss_runs
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.raises import raised

Known = Callable[[Found], list[tuple[tuple[Any, ...], dict[str, Any]]]]


def check_module(
    module: ModuleType, source: str, wishes: dict[str, Wish], seed: int, known: Known
) -> Iterator[Report | str]:
    """For each thing in the file a report, or a line that says why there is none.

    Of what is wrong there are two reports: first the verdict, then, of the same name, with the line and the cause.
    known: arguments for functions that are recognised, or none. wishes: from the command line; those of the file are
    read here.
    """
    found, alone = found_in(module)
    own = getattr(module, "shapes", None)
    wishes = {**(from_dict(own) if isinstance(own, dict) else {}), **wishes}
    for one in found:
        try:
            report = report_on(one, source, only_for(one.name, wishes), seed, known, diagnosis=False)
            yield report
            if not report.ok:
                report = report_on(one, source, only_for(one.name, wishes), seed, known, diagnosis=True)
                report.faults = [("not written yet: " if "NotImplementedError" in f else "") + f for f in report.faults]
                yield report
        except (Unchecked, InputError, TypeError) as reason:
            yield f"{title(one)}: {str(reason).splitlines()[0] if str(reason) else type(reason).__name__}"
        except NotImplementedError as error:
            yield Report(one.name, [], [f"not written yet: {raised(error, one.forward)}"], seed, "")
        except Exception as error:  # the functions of a file can raise anything
            yield f"{title(one)}: {raised(error, one.forward)}"
    yield from alone


def title(one: Found) -> str:
    return one.name if one.kind != "pair" else f"{one.forward.__name__}, {one.backward.__name__}"


def report_on(one: Found, source: str, wishes: dict[str, Wish], seed: int, known: Known, *, diagnosis: bool) -> Report:
    how: dict[str, Any] = {"seed": seed, "name": one.name, "diagnosis": diagnosis, "drawn": True}
    if one.kind in ("class", "network"):
        return report_on_class(one, source, wishes, how)
    given = known(one) if not any(is_argument(name, one.forward) for name in wishes) else []
    for arrays, config in given:
        report = check(one.forward, one.backward, *arrays, **how, **config)
        report.notes.insert(0, f"checked with {told_arrays(one.forward, arrays, config)}")
        if not report.ok:
            break
    if given:
        return report
    if one.kind == "loss":
        draw = chosen(
            draws(one.forward, wishes, source, seed, labels=True), lambda d: loss_runs(one.forward, d), lambda d: True
        )
        report = check_loss(one.forward, *draw.arguments, **how, **draw.config)
    else:
        draw = chosen(
            draws(one.forward, wishes, source, seed),
            lambda d: forward_runs(one.forward, one.backward, d),
            lambda d: backward_runs(one.forward, one.backward, d),
        )
        report = check(one.forward, one.backward, *draw.arguments, **how, **draw.config)
    report.notes.insert(0, f"checked with {draw.about}")
    return report


def is_argument(name: str, function: Any) -> bool:
    return name.partition(".")[0] in inspect.signature(function).parameters


def told_arrays(forward: Any, arguments: tuple[Any, ...], config: dict[str, Any]) -> str:
    problem = Problem(forward, forward, arguments, {}, 0)
    said = [f"{name} {array.shape}" for name, array in leaves(problem.inputs())]
    return ", ".join([*said, *(f"{k} = {v}" for k, v in config.items() if np.size(v) < 4 and k != "kernel")])

"""From a wrong gradient to the lines and the causes: what line/ finds, or else what the arrays show."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.cause.effects import effects, size_names
from minireid.gradcheck.finding import Explanation, Finding
from minireid.gradcheck.line.explain import explain
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes


def diagnose(report: Report, problem: Problem, slopes: Slopes, more: list[Problem]) -> None:
    """Fill in report.findings.

    more: other draws and sizes, on which a mend must be right too. Without them other numbers are drawn.
    """
    report.notes.append(f"to see it again: seed {problem.seed}; the upstream gradient is drawn from it")

    @functools.cache
    def proofs() -> list[Callable[[Callable[..., Any]], bool]]:
        others = more or [problem.redrawn(problem.seed + 1), problem.redrawn(problem.seed + 2)]
        drawn = [p if p.upstream is not None else p.drawn() for p in others]
        return [proof(problem, slopes), *(proof(p, Slopes(p)) for p in drawn)]

    try:
        found = explain(problem, proofs) if report.tensors or report.faults else None
    except Exception as error:  # the verdict stands, whatever a person's program does to the search for the line
        report.notes.append(f"the line was not found: the search for it ended with {type(error).__name__}: {error}")
        found = []
    if found is None:
        report.notes.append("the source could not be followed: only the returned arrays were looked at")
    report.findings = found or []
    if not report.findings:
        causes = tensor_effects(report, problem)[:3]
        report.findings = [Finding(None, causes)] if causes else []


def proof(problem: Problem, slopes: Slopes) -> Callable[[Callable[..., Any]], bool]:
    """A function that tells whether a backward is right on a draw: along two directions through every tensor."""
    wanted = []
    for name, array in leaves(problem.inputs()):
        for number in range(2):
            u = stream(problem.seed, f"proof {number}", name).normal(size=array.shape)
            # two steps: a kink within the larger step may be outside the smaller one
            wanted.append((name, u, [slopes.along(name, step * u)[0] / step for step in (1, 0.01)]))

    def right(backward: Callable[..., Any]) -> bool:
        returned = dict(leaves(problem.gradients(backward)))
        for name, u, near in wanted:
            a = returned.get(name)
            if a is None or np.shape(a) != u.shape:
                return False
            scale = max(abs(near[0]), float(np.linalg.norm(np.asarray(a, float))))
            slope = float((np.asarray(a) * u).sum())
            if not any(abs(slope - true) <= 1e-6 * scale + 1e-9 for true in near):
                return False
        return True

    return right


def tensor_effects(report: Report, problem: Problem) -> list[Explanation]:
    """Patterns in the returned arrays themselves, for each wrong tensor."""
    sizes = size_names(dict(leaves(problem.inputs())))
    inputs = {f"the input {name}": array for name, array in leaves(problem.inputs())}
    true = {name: n for name, (_, n) in report.arrays.items()}
    found = []
    for name, (a, n) in report.arrays.items():
        others = {other: array for other, array in true.items() if other != name}
        found += [replace(e, text=f"{name}: {e.text}") for e in effects(a, n, sizes, {**others, **inputs})]
    return found

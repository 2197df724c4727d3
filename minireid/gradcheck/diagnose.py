"""From a wrong gradient to the lines and the causes: what line/ finds, or else what the arrays show."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from minireid.base.trees import leaves
from minireid.gradcheck.cause.effects import effects, size_names
from minireid.gradcheck.finding import Explanation, Finding
from minireid.gradcheck.line.explain import explain
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.problem import Problem, is_large
from minireid.gradcheck.tensor.proof import proof
from minireid.gradcheck.tensor.slopes import Slopes
from minireid.gradcheck.tensor.smaller import smaller


def diagnose(report: Report, problem: Problem, slopes: Slopes, more: list[Problem]) -> None:
    """Fill in report.findings.

    more: other draws and sizes, on which a mend must be right too. Without them other numbers are drawn.
    """
    report.notes.append(f"to see it again: seed {problem.seed}; the upstream gradient is drawn from it")
    small = on_smaller_arrays(report, problem)
    searched = small or problem

    @functools.cache
    def proofs() -> list[Callable[[Callable[..., Any]], bool]]:
        others = more or [searched.redrawn(problem.seed + 1), searched.redrawn(problem.seed + 2)]
        drawn = [p if p.upstream is not None else p.drawn() for p in others]
        if not small:
            return [proof(problem, slopes), *(proof(p, Slopes(p)) for p in drawn)]
        on_small, on_own = [proof(p, Slopes(p)) for p in (searched, *drawn)], proof(problem, slopes)
        return [*on_small, lambda backward: on_own(problem.backward)]  # the same functions: a change is in both

    try:
        found = (
            explain(searched, proofs, report.notes, problem if is_large(problem) else None)
            if report.tensors or report.faults
            else None
        )
    except Exception as error:  # the verdict stands, whatever a person's program does to the search for the line
        report.notes.append(f"the line was not found: the search for it ended with {type(error).__name__}: {error}")
        found = []
    if found is None:
        report.notes.append("the source could not be followed: only the returned arrays were looked at")
    report.findings = found or []
    if not report.findings:
        causes = tensor_effects(report, problem)[:3]
        report.findings = [Finding(None, causes)] if causes else []


def on_smaller_arrays(report: Report, problem: Problem) -> Problem | None:
    """A large problem on smaller arrays, and a note on them; None where it is not large, or cannot be made smaller."""
    try:
        found = smaller(problem, {tensor.name for tensor in report.tensors if not (tensor.ok or tensor.unchecked)})
    except Exception:  # what a person's program refers to may not even be copied
        return None
    if found is None:
        return None
    lengths = ", ".join(f"{old} -> {new}" for old, new in sorted(found[1].items()))
    report.notes.append(
        f"the line was searched for on smaller arrays (axes {lengths}); the numbers above are of your own"
    )
    return found[0]


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

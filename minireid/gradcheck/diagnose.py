"""From a wrong gradient to the line and the cause: it combines what inside.py, repair.py and patterns.py find."""

import ast
import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck import inside, repair
from minireid.gradcheck.inside import Look, Verdict
from minireid.gradcheck.patterns import Cause, patterns, size_names
from minireid.gradcheck.repair import Repair
from minireid.gradcheck.report import Line, Report
from minireid.gradcheck.taps import source_of
from minireid.gradcheck.tensor.compare import TOLERANCE
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes

LARGEST = 3000  # entries of a variable whose true derivative is computed in full


def diagnose(report: Report, problem: Problem, slopes: Slopes, more: list[Problem]) -> None:
    """Fill in report.line and report.causes."""
    report.notes.append(f"to see it again: seed {problem.seed}; the upstream gradient is drawn from it")
    look = inside.look(problem) if report.tensors or report.faults else None
    if look is None:
        report.notes.append("the source could not be followed: only the returned arrays were looked at")
    wrong = look.wrong if look else None
    computed, true = values(wrong, look)
    known = size_names(dict(leaves(problem.inputs())))
    effects = patterns(computed, true, known, {}) if computed is not None and true is not None else []
    effects += lacking(wrong, look) if look and wrong else []
    repairs = find_repairs(report, problem, slopes, more, look)
    report.line = line_of(problem, look, wrong, computed, true, repairs)
    if wrong is None or not effects:
        effects += tensor_effects(report, problem, known)
    report.causes = named(repairs, effects, report)


def values(wrong: Verdict | None, look: Look | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(computed, true): the first wrong variable, and its true value; None where unknown or too large."""
    if wrong is None or look is None or wrong.of is None or wrong.of.value.size > LARGEST:
        return (wrong.event.value if wrong else None), None
    if wrong.of.value.shape != wrong.event.value.shape:
        return wrong.event.value, None
    true = look.truth.in_full(wrong.of)
    return wrong.event.value, true if wrong.event.part is None else true * wrong.event.part


# Repairs


def find_repairs(
    report: Report, problem: Problem, slopes: Slopes, more: list[Problem], look: Look | None
) -> list[Repair]:
    """Small changes to the backward, or to the cache that the forward makes, that make every gradient right."""
    here = GradientChecker(problem, slopes, report)

    @functools.cache
    def others() -> list[GradientChecker]:
        """Made only when a first candidate is right here: their derivatives take time."""
        draws = more or [problem.redrawn(problem.seed + 1), problem.redrawn(problem.seed + 2)]
        return [GradientChecker(p if p.upstream is not None else p.drawn()) for p in draws]

    def certain(function: Callable[..., Any]) -> bool:
        return all(checker.right(function) for checker in others())

    scopes = look.scopes if look else {}
    gradients = changing(look)
    found = repair.search(problem.backward, suspects(look, problem), scopes, gradients, here.right, certain)
    return found or forward_repairs(problem, here, others)


def forward_repairs(
    problem: Problem, here: "GradientChecker", others: Callable[[], list["GradientChecker"]]
) -> list[Repair]:
    """Changes to what the forward puts into the cache: its result stays equal, and the gradients become right."""

    def right(forward: Callable[..., Any], checker: GradientChecker) -> bool:
        own = checker.problem.copied()
        y, cache = own.call(forward)
        same = all(np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(y), leaves(checker.y)))
        return same and checker.gradients_right(own.by_name(own.backward(own.upstream, cache)))

    def certain(forward: Callable[..., Any]) -> bool:
        return all(right(forward, checker) for checker in others())

    scopes = inside.scopes_of(problem)
    found = repair.search(problem.forward, [], scopes, set(), lambda f: right(f, here), certain, seconds=6.0)
    return [replace(r, causes=stale(r.causes)) for r in found]


def stale(causes: tuple[str, ...]) -> tuple[str, ...]:
    """The causes with "stale value" added: what the forward kept is not what the backward needs."""
    first = causes[0] not in ("mask wrong", "pre-activation")
    others = tuple(c for c in causes if c != "stale value")
    return ("stale value", *others) if first else (others[0], "stale value", *others[1:])


class GradientChecker:
    """Tells whether the gradients of a changed backward are right, on one draw."""

    def __init__(self, problem: Problem, slopes: Slopes | None = None, report: Report | None = None) -> None:
        self.problem, self.y = problem, problem.call(problem.forward)[0]
        slopes = slopes or Slopes(problem)
        self.true = {}
        for name, array in leaves(problem.inputs()):
            if report and name in report.arrays:
                self.true[name] = report.arrays[name][1]
            elif array.size <= LARGEST:
                self.true[name] = np.array([slopes.at(name, i)[0] for i in np.ndindex(array.shape)]).reshape(
                    array.shape
                )

    def right(self, backward: Callable[..., Any]) -> bool:
        return self.gradients_right(self.problem.copied().gradients(backward))

    def gradients_right(self, gradients: Any) -> bool:
        returned = dict(leaves(gradients))
        for name, true in self.true.items():
            a = returned.get(name)
            if a is None or np.shape(a) != true.shape:
                return False
            if not np.abs(a - true).max(initial=0) <= TOLERANCE * np.abs(true).max(initial=0) + 1e-10:
                return False
        return True


def changing(look: Look | None) -> set[str]:
    """Names in the backward whose values depend on the upstream gradient."""
    if look is None:
        return set()
    return {
        v.event.site.name.partition(".")[0]
        for v in look.verdicts
        if v.state != "constant" and v.event.site.kind in ("assign", "argument", "store", "touch")
    }


def suspects(look: Look | None, problem: Problem) -> list[int]:
    """Lines to try first: the first wrong one, and the lines before it whose values are not known to be right.

    Such values depend on the upstream gradient but are no variable's derivative, or the backward computes them from its
    cache alone: a mask, an activation's derivative, a flipped kernel.
    """
    if look is None or look.wrong is None:
        return []
    wrong = look.wrong.event
    position = next((n for n, v in enumerate(look.verdicts) if v is look.wrong), len(look.verdicts))
    before = [v for v in look.verdicts[:position] if v.event.site.kind in ("assign", "store", "touch")]
    lines = {v.event.site.statement for v in before if v.state in ("unknown", "constant")}
    lines |= feeding(problem, wrong.site.statement)
    lines -= {v.event.site.statement for v in before if v.state == "right"}
    return [*dict.fromkeys([*sorted(lines), wrong.site.statement, wrong.line])]


def feeding(problem: Problem, line: int) -> set[int]:
    """Lines of the same function that compute (not only unpack) what the statement at `line` reads."""
    source = source_of(problem.backward)
    for function in ast.walk(source.tree) if source else ():
        if isinstance(function, ast.FunctionDef) and has(ast.Module([function], []), function.name, line):
            statements = [n for n in ast.walk(function) if isinstance(n, ast.stmt)]
            here = [s for s in statements if s.lineno == line]
            read = {n.id for s in here for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            before = [s for s in statements if isinstance(s, ast.Assign) and s.lineno < line]
            computed = [s for s in before if not isinstance(s.value, (ast.Name, ast.Subscript))]
            return {s.lineno for s in computed for t in s.targets[:1] if isinstance(t, ast.Name) and t.id in read}
    return set()


# What to say


def line_of(problem, look, wrong, computed, true, repairs: list[Repair]) -> Line | None:
    """The line to show: the one whose change makes every gradient right, else the first one with a wrong value."""
    if repairs:
        number, function = repairs[0].line, repairs[0].function
    elif wrong is not None:
        number, function = wrong.event.line, wrong.event.site.function
    else:
        return None
    text = line_text(problem, function, number)
    if wrong is None or look is None:
        return Line(function, number, text)
    event = wrong.event
    details: dict[str, Any] = {
        "variable": event.name,
        "before": tuple(look.right_before),
        "missing": missing(wrong, look),
    }
    if event.loops:
        details["where"] = "at " + ", ".join(f"{k} = {v}" for k, v in event.loops.items())
    if true is not None:
        off = np.abs(computed - true)
        index = tuple(int(i) for i in np.unravel_index(np.argmax(np.nan_to_num(off, nan=np.inf)), off.shape))
        count = int((off > 1e-7 * max(np.abs(true).max(), np.abs(computed).max())).sum())
        details |= {
            "index": index,
            "computed": float(computed[index]),
            "true": float(true[index]),
            "wrong": f"{count} of {off.size} entries wrong",
        }
    return Line(function, number, text, **details)


def lacking(wrong: Verdict, look: Look) -> list[Cause]:
    """path missing or extra path: the difference is the gradient from one or two uses of the variable."""
    if wrong.of is None and wrong.terms and wrong.terms[0][1] is not None:
        use = wrong.terms[0][1]
        text = f"{wrong.event.name} has only the gradient from the use of {use.name} in line {use.line} (forward)"
        return [Cause("path missing", text), Cause("detached branch", text)]
    if wrong.of is None or wrong.of.value.shape != wrong.event.value.shape or wrong.event.part is not None:
        return []
    truth, name = look.truth, wrong.of.name
    uses = [
        e
        for e in truth.events
        if e.site.kind in ("use", "store") and e.name == name and e.value.shape == wrong.of.value.shape
    ]
    uses = [e for e in uses if e.frame == wrong.of.frame and np.abs(truth.fingerprint(e)).max() > 1e-13][:8]
    rest = truth.fingerprint(wrong.of) - truth.print_of(wrong.event.value)
    for count in (1, 2):
        for chosen in combinations(uses, count):
            share = np.sum([truth.fingerprint(e) for e in chosen], axis=0)
            lines = " and ".join(f"line {e.line}" for e in chosen)
            source = f"the gradient from the use of {name} in {lines} (forward)"
            if len(uses) > count and truth.same(rest, share):
                return [Cause("path missing", f"{wrong.event.name} lacks {source}")]
            if truth.same(rest, -share):
                return [Cause("extra path", f"{source} is counted twice")]
    return still_later(wrong, look)


def still_later(wrong: Verdict, look: Look) -> list[Cause]:
    """The wrong value is the derivative by something that the forward computes later: a backward step is missing."""
    assert wrong.of is not None
    mine = look.truth.print_of(wrong.event.value)
    names = [e.number for e in look.truth.events]
    for event in look.truth.events[names.index(wrong.of.number) + 1 :]:
        same_shape = event.value.shape == wrong.event.value.shape and event.site.kind in (
            "assign",
            "return",
            "argument",
        )
        if (
            same_shape
            and event.name != wrong.of.name
            and np.any(mine)
            and look.truth.same(mine, look.truth.fingerprint(event))
        ):
            text = (
                f"{wrong.event.name} is still the derivative by the value computed in line {event.line} (forward): "
                "a backward step is missing"
            )
            names_ = ("activation left out", "factor missing", "path missing")
            return [Cause(name, text) for name in (names_ if smooth(wrong, look) else names_[1:])]
    return []


def smooth(wrong: Verdict, look: Look) -> bool:
    """Whether the missing factor has many values, like an activation's derivative, and not two, like a mask."""
    assert wrong.of is not None
    with np.errstate(all="ignore"):
        factor = look.truth.in_full(wrong.of) / wrong.event.value
    return len(np.unique(np.round(factor[np.isfinite(factor)], 9))) > 2


def missing(wrong: Verdict, look: Look) -> str:
    """The uses of the variable from which no term of the sum comes, as a sentence; empty where there is none."""
    if not wrong.terms or wrong.of is None or any(use is None for _, use in wrong.terms):
        return ""
    seen = {use.number for _, use in wrong.terms if use is not None}
    frame = [
        e for e in look.truth.events if e.frame == wrong.of.frame and e.site.kind == "use" and e.name == wrong.of.name
    ]
    unseen = [
        e
        for e in frame
        if e.number not in seen
        and e.value.shape == wrong.of.value.shape
        and np.any(np.abs(look.truth.fingerprint(e)) > 1e-14)
    ]
    lines = ", ".join(f"line {e.line}" for e in unseen)
    if not lines:
        return ""
    return f"{wrong.event.name} lacks the gradient from the use of {wrong.of.name} in {lines} (forward)"


def line_text(problem: Problem, function: str, number: int) -> str:
    for source in (source_of(problem.backward), source_of(problem.forward)):
        if source and 0 < number <= len(source.lines) and has(source.tree, function, number):
            return source.lines[number - 1].strip()
    return ""


def has(tree: ast.Module, function: str, number: int) -> bool:
    return any(
        isinstance(n, ast.FunctionDef) and n.name == function and n.lineno <= number <= (n.end_lineno or number)
        for n in ast.walk(tree)
    )


def tensor_effects(report: Report, problem: Problem, sizes: dict[str, int]) -> list[Cause]:
    """Patterns in the returned arrays themselves, for each wrong tensor."""
    inputs = {f"the input {name}": array for name, array in leaves(problem.inputs())}
    true = {name: n for name, (_, n) in report.arrays.items()}
    found = []
    for name, (a, n) in report.arrays.items():
        others = {other: array for other, array in true.items() if other != name}
        found += [replace(c, text=f"{name}: {c.text}") for c in patterns(a, n, sizes, {**others, **inputs})]
    return found


# Causes that a pattern in the arrays describes more exactly than the change that corrects them.
FIRST = (
    "sign",
    "constant factor",
    "flipped kernel",
    "last step only",
    "shifted by one step",
    "padding border",
    "parameter term",
)


def named(repairs: list[Repair], effects: list[Cause], report: Report) -> list[Cause]:
    """At most three causes, each once: first those of the best repair, or a pattern that describes one more exactly."""
    found: list[Cause] = []
    best = repairs[0] if repairs else None
    fix = best.after if best else ""
    for effect in effects:
        exact = effect.text.endswith("it has the wrong sign") or (
            effect.cause == "last step only"
            and best is not None
            and best.causes[0] in ("path missing", "detached branch")
        )
        if effect.cause in FIRST and (best is None or effect.cause in best.causes or exact):
            found.append(replace(effect, fix=fix))
    if best is not None:
        found += [Cause(cause, best.text, fix) for cause in best.causes]
    found += effects
    unique: dict[str, Cause] = {}
    for cause in found:
        unique.setdefault(cause.cause, cause)
    return list(unique.values())[:3]

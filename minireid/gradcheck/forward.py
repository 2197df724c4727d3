"""Is this forward the right function? It is compared with a reference; if they differ: where, and why."""

import ast
import contextlib
import io
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.effects import effects
from minireid.gradcheck.cause.scope import Scope
from minireid.gradcheck.finding import Explanation, Finding, Line
from minireid.gradcheck.line.bench import Bench, Change, Instance, Stretch
from minireid.gradcheck.line.follow import following
from minireid.gradcheck.line.mend import Mend, changes
from minireid.gradcheck.line.program import Program, Statement
from minireid.gradcheck.line.trace import FORWARD, Event, Moment, Tracer
from minireid.gradcheck.line.trace import run as traced
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.problem import Problem, fresh, own
from minireid.gradcheck.tensor.rounding import forward_rounds

SECONDS = 6.0  # of processor time for the search for a cause
Draw = tuple[tuple[Any, ...], dict[str, Any]]  # arrays, configuration
Function = Callable[..., Any]
Variant = tuple[str, Function]
Output = list[tuple[str, np.ndarray]]


def compare_forwards(
    forward: Function, reference: Function, draws: list[Draw], variants: list[Variant], *, seconds: float = SECONDS
) -> tuple[str, Finding] | None:
    """None if both return the same, else (a sentence, the finding: the first line that differs, and causes).

    draws: (arrays, configuration) to call both functions with.
    variants: (text, function): well-known other functions, to be recognised.
    seconds: processor time for the search for the cause.
    Raises whatever `forward` raises.
    """
    count = results_of(reference, draws[0])
    expected = [run(reference, draw, count) for draw in draws]
    got = [run(forward, draw, count) for draw in draws]
    shapes = next(filter(None, map(shape_fault, got, expected)), "")
    same = not shapes and all(equal(a, b) for a, b in zip(got, expected))
    if same or (not shapes and only_rounds(forward, draws[0], got, expected)):
        return None
    line, mend = difference(forward, reference, draws, expected, count, seconds)
    for text, variant in variants:
        if all(equal(a, run(variant, draw, count)) for a, draw in zip(got, draws)):
            message = f"the forward is another function: {text}"
            return message, Finding(line, [Explanation(Cause.FORWARD, message)])
    mended = [Explanation(mend.cause, mend.text, mend.after())] if mend else []
    if shapes:
        return shapes, Finding(line, [*mended, Explanation(Cause.FORWARD, shapes)])
    outputs = ((p, q) for one, other in zip(got, expected) for p, q in zip(one, other))
    (name, a), (_, n) = next((p, q) for p, q in outputs if not equal([p], [q]))
    worst = int(np.argmax(np.nan_to_num(np.abs(a - n), nan=np.inf))) if np.size(a) > 1 else 0
    values = f"{np.ravel(a)[worst]:.6g}, expected {np.ravel(n)[worst]:.6g}"
    message = f"the forward differs from the reference: {name or 'y'} is {values} (the worst entry)"
    causes = (
        [Explanation(mend.cause, mend.text, mend.after())]
        if mend
        else effects(np.asarray(a), np.asarray(n), {}, {})[:1]
    )
    return message, Finding(line, [*causes, Explanation(Cause.FORWARD, message)])


def with_forward(report: Report, differs: tuple[str, Finding], forward: Function) -> Report:
    """The report on a forward that differs. A note says whether the backward is right for it."""
    from minireid.gradcheck.front.html import shown

    consistent = not report.faults and all(tensor.ok for tensor in report.tensors)
    report.notes.append(
        "the backward is right for this forward"
        if consistent
        else "correct the forward first: the cause of the wrong gradients is searched for after that"
    )
    report.forward, finding = differs
    report.findings = [finding]
    report.sources = shown([forward], finding.line)
    return report


def difference(
    forward: Function, reference: Function, draws: list[Draw], expected: list[Output], count: int, seconds: float
) -> tuple[Line | None, Mend | None]:
    """(the first line that differs, the change that makes the forward equal to the reference)."""
    theirs = recorded(reference, draws[0])
    tracer = Tracer()
    with following(tracer, lambda: run(forward, draws[0])) as program:
        tracer.program = program
        if not program.statements:
            return None, None
        search = Search(forward, draws, expected, count, program, tracer)
        found = search.first_difference(theirs)
        line = search.line(*found) if found else None
        mend = search.mend(found, time.thread_time() + seconds) if seconds > 0 else None
        if mend is not None:
            own = mend.statement.function.name
            line = replace(
                line or Line(own, 0, ""), function=own, number=mend.line, text=program.text(mend.statement, mend.line)
            )
        return line, mend


def recorded(function: Function, draw: Draw) -> list[Event]:
    """The values that a function assigns."""
    tracer = Tracer()
    with following(tracer, lambda: run(function, draw)) as program:
        tracer.program = program
        return assigned(traced(tracer, FORWARD, lambda: run(function, draw)))


def assigned(events: list[Event]) -> list[Event]:
    return [e for e in events if e.kind in ("assign", "add", "store")]


class Search:
    """The search for the change of a forward that makes it equal to the reference."""

    def __init__(
        self,
        forward: Function,
        draws: list[Draw],
        expected: list[Output],
        count: int,
        program: Program,
        tracer: Tracer,
    ) -> None:
        self.forward, self.draws, self.expected, self.program, self.tracer = forward, draws, expected, program, tracer
        self.bench = Bench(program, 1e-8)
        self.count = count
        self.events = assigned(traced(tracer, FORWARD, lambda: run(forward, draws[0])))
        self.order = tracer.statements
        first = {number: execution for execution, number in reversed(list(enumerate(self.order)))}
        traced(tracer, FORWARD, lambda: run(forward, draws[0]), watched=frozenset(first.values()))
        self.moments = {number: tracer.moments[e] for number, e in first.items() if e in tracer.moments}
        tracer.off()

    def first_difference(self, theirs: list[Event]) -> tuple[Event, Event] | None:
        """(event, the reference's): the first value that differs from the reference's of the same name."""
        others = dict(counted(theirs))
        for key, event in counted(self.events):
            other = others.get(key)
            if other is None or other.value is None or event.value is None or event.name.startswith("_"):
                continue
            if other.shape == event.shape and not np.allclose(event.value, other.value, rtol=1e-8, atol=1e-10):
                return event, other
        return None

    def line(self, event: Event, other: Event) -> Line:
        statement = self.program.statements[self.order[event.execution]]
        return Line(statement.function.name, statement.line, self.program.text(statement), event.name)

    def mend(self, found: tuple[Event, Event] | None, end: float) -> Mend | None:
        """The best change: of the first line that differs, else of any line."""
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            suspects = [self.order[found[0].execution]] if found else []
            for numbers in (suspects, [n for n in dict.fromkeys(self.order) if n not in suspects]):
                for tier in (0, 1):
                    mends = [m for n in numbers for m in self.attempt(self.program.statements[n], tier, found, end)]
                    if mends:
                        return min(mends, key=Mend.key)
        return None

    def attempt(self, statement: Statement, tier: int, found: tuple[Event, Event] | None, end: float) -> list[Mend]:
        moment = self.moments.get(statement.number)
        if moment is None:
            return []
        space = self.bench.space(statement)
        scope = Scope(moment.names, space, set(), [])
        quick = self.quick(statement, moment, found)
        mends = []
        for change, made in changes(statement, scope, tier):
            if time.thread_time() > end:
                break
            if quick is not None and not self.bench.right(quick, change, space):
                continue
            if self.right(change):
                mends.append(replace(made(), by_chance=False))  # every draw is equal with it
        return mends

    def quick(self, statement: Statement, moment: Moment, found: tuple[Event, Event] | None) -> Stretch | None:
        """The statement alone, with the reference's value as target, where it is the first line that differs."""
        if (
            found is None
            or self.order[found[0].execution] != statement.number
            or found[0].leaf
            or found[0].kind == "store"
        ):
            return None
        first = next(x for x, number in enumerate(self.order) if number == statement.number)
        if first != found[0].execution or not found[0].site.name.isidentifier() or found[1].value is None:
            return None
        read = ast.Name(found[0].site.name, ast.Load())
        return Stretch(statement.function, [statement.node], read, [Instance(moment.names, [found[1].value])])

    def right(self, change: Change) -> bool:
        """Whether with the change the forward returns what the reference returns, on every draw."""
        try:
            with self.bench.applied([change]):
                return all(equal(run(self.forward, draw, self.count), y) for draw, y in zip(self.draws, self.expected))
        except Exception:  # a changed program may fail in any way
            return False


def results_of(function: Function, draw: Draw) -> int:
    """How many results a forward returns beside its cache."""
    arrays, config = draw
    result = function(*(map_leaves(np.array, a) for a in arrays), **fresh(config))
    return max(1, len(result) - 1) if isinstance(result, (tuple, list)) else 1


def run(function: Function, draw: Draw, count: int = 1) -> list[tuple[str, np.ndarray]]:
    """The first `count` results of a forward: ("", y), or ("result 1", h), ("result 2", c)."""
    arrays, config = draw
    own = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in fresh(config).items()}
    result = function(*(map_leaves(np.array, a) for a in arrays), **own)
    y = result[0] if isinstance(result, (tuple, list)) else result
    if count > 1 and isinstance(result, (tuple, list)):
        y = {f"result {n}": value for n, value in enumerate(result[:count], start=1)}
    return [(name, np.asarray(leaf)) for name, leaf in leaves(y)]


def equal(one: list[tuple[str, np.ndarray]], two: list[tuple[str, np.ndarray]]) -> bool:
    if [n for n, _ in one] != [n for n, _ in two]:
        return False
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-8, atol=1e-10 * (1 + np.abs(b).max(initial=0)))
        for (_, a), (_, b) in zip(one, two)
    )


def only_rounds(forward: Function, draw: Draw, got: list[Any], expected: list[Any]) -> bool:
    """Whether the values differ only because the forward computes in float32 inside: check.py says that it does."""
    near = all(
        np.abs(a - b).max(initial=0) <= 1e-5 * np.abs(b).max(initial=0)
        for one, two in zip(got, expected)
        for (_, a), (_, b) in zip(one, two)
    )
    arrays, config = draw

    def pair(*own_arrays: Any, **own_config: Any) -> tuple[Any, Any]:
        result = forward(*own_arrays, **own_config)
        return (result[0] if isinstance(result, (tuple, list)) else result), None

    return near and forward_rounds(Problem(pair, pair, arrays, own(config), 0).drawn())


def shape_fault(got: list[tuple[str, np.ndarray]], expected: list[tuple[str, np.ndarray]]) -> str:
    if [n for n, _ in got] != [n for n, _ in expected]:
        got_names, expected_names = (", ".join(n or "an array" for n, _ in leaves_) for leaves_ in (got, expected))
        return f"forward returns {got_names}; expected {expected_names}"
    for (name, a), (_, b) in zip(got, expected):
        if a.shape != b.shape:
            return f"forward's {name or 'y'} has the shape {a.shape}; expected {b.shape}"
    return ""


def counted(found: list[Event]) -> list[tuple[tuple[str, int], Event]]:
    """Every event, with its name and the number of events of that name before it."""
    seen: Counter[str] = Counter()
    keyed = []
    for event in found:
        keyed.append(((event.name, seen[event.name]), event))
        seen[event.name] += 1
    return keyed

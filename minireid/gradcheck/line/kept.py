"""Is a line wrong because the forward kept the wrong thing for it?

Every variable that a wrong expression reads from the cache is replaced by the values that the forward had. If with one
of them the expression is right, the backward's line is innocent: the forward kept another value, or changed it later.
"""

import ast
import contextlib
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import Scope, numeric, show
from minireid.gradcheck.cause.search import candidates, roots, statement_candidates
from minireid.gradcheck.line.bench import Change, Instance, Stretch, replaced
from minireid.gradcheck.line.claims import last
from minireid.gradcheck.line.follow import Statement, named
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.mend import RANKS, Mend, Mender, activation_of, is_mask
from minireid.gradcheck.line.trace import FORWARD, Event
from minireid.gradcheck.line.trace import run as traced


@dataclass(frozen=True)
class Kept:
    """What the forward should keep. line: what to change there. sure: the variable of this name holds another value."""

    cause: Cause
    text: str
    line: int
    function: str
    sure: bool = False


def wrongly_kept(mender: Mender, fault: Fault) -> Kept | None:
    """What the forward should have kept for the first wrong expression of the fault; None if that is not it."""
    stretch = mender.quick(fault)
    parts = mender.parts[fault.site][0]
    if stretch is None or not stretch.instances or not parts.pieces:
        return None
    statement = mender.program.statements[parts.pieces[0].statement]
    space = mender.bench.space(statement)
    scope = Scope(stretch.instances[0].names, space, mender.gradients)
    pair = mender.judge.claims.pair(fault.first.frame)
    for node in variables(stretch.read):
        value = scope.value(node)
        if not numeric(value) or scope.is_gradient(show(node)):
            continue
        for event in forward_values(mender, pair, np.shape(value)):
            trial = with_values(mender, stretch, node, event, parts.pieces)
            if trial is not None and mender.bench.right(trial, None, space):
                return explained(mender, show(node), value, event, pair)
    return kept_for_others(mender, fault, pair)


def kept_for_others(mender: Mender, fault: Fault, pair: Any) -> Kept | None:
    """The same for the lines that the wrong value is made of."""
    pieces = [p for parts in mender.parts[fault.site] for p in parts.pieces]
    for suspect in [s for s in mender.suspects(fault) if s.distance == 1 and mender.computes(s)][:3]:
        root = getattr(suspect.statement.node, "value", None)
        stretch = mender.of_pieces(pieces, suspect)
        if root is None or stretch is None:
            continue
        mender.look({suspect.execution})
        space = mender.bench.space(suspect.statement)
        scope = Scope(mender.moments[suspect.execution].names, space, mender.gradients)
        for node in variables(root):
            value = scope.value(node)
            if not numeric(value) or scope.is_gradient(show(node)) or np.ndim(value) == 0:
                continue
            change = Change(suspect.statement, node, ast.copy_location(ast.Name("__kept__", ast.Load()), node))
            for event in forward_values(mender, pair, np.shape(value)):
                trial = with_values(mender, stretch, node, event, pieces, inside=False)
                if trial is not None and mender.bench.right(trial, change, space):
                    return explained(mender, show(node), value, event, pair)
    return None


def variables(node: ast.expr) -> list[ast.expr]:
    """The names, and the entries of lists and dicts, that an expression reads; each once."""
    found: dict[str, ast.expr] = {}
    waiting = [node]
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, (ast.Name, ast.Subscript)):
            found.setdefault(show(here), here)
            waiting += [here.value] if isinstance(here, ast.Subscript) and not isinstance(here.value, ast.Name) else []
        else:
            waiting += [c for c in ast.iter_child_nodes(here) if isinstance(c, ast.expr)]
    return list(found.values())


def forward_values(mender: Mender, pair: Any, shape: tuple[int, ...]) -> list[Event]:
    """Values of the forward that could have been kept: those of the paired call first, one for each place."""
    found: dict[int, Event] = {}
    events = sorted(mender.judge.forward_events, key=lambda e: pair is None or e.frame.number != pair.number)
    for event in events:
        if event.shape == shape and event.value is not None and event.kind not in ("use",):
            found.setdefault(event.site.number, event)
    return list(found.values())


def with_values(
    mender: Mender, stretch: Stretch, node: ast.expr, event: Event, pieces: list[Any], *, inside: bool = True
) -> Stretch | None:
    """The stretch with the values of the event's place in the place of a variable, in the round of each instance."""
    alike = [e for e in mender.judge.forward_events if e.site is event.site and e.leaf == event.leaf]
    read, text = stretch.read, show(node)
    nodes = [n for n in ast.walk(stretch.read) if isinstance(n, (ast.Name, ast.Subscript)) and show(n) == text]
    for inner in nodes if inside else ():
        read = replaced(read, inner, ast.copy_location(ast.Name("__kept__", ast.Load()), inner))
    instances = []
    for instance, piece in zip(stretch.instances, pieces):
        pair = mender.judge.claims.pair(mender.run.frames[piece.execution])
        here = next((e for e in mender.run.events if e.execution == piece.execution), None)
        near = [e for e in alike if pair is not None and e.frame.number == pair.number] or alike
        near = [e for e in near if here is None or mender.judge.claims.same_round(e, here)]
        if not near:
            return None
        instances.append(Instance({**instance.names, "__kept__": near[-1].value}, instance.targets, instance.index))
    return Stretch(stretch.function, stretch.statements, read, instances, stretch.turn)


def explained(mender: Mender, name: str, value: Any, right: Event, pair: Any) -> Kept:
    """Where the forward goes wrong: it changes what it kept, or keeps something else."""
    events = mender.judge.forward_events
    a, b = np.asarray(value), np.asarray(right.value)
    cause = Cause.PRE_ACTIVATION if activation_of(a, b) or activation_of(b, a) else Cause.VARIABLE
    if is_mask(a):
        cause = Cause.MASK
    later = [e for e in events if e.number > right.number and e.kind in ("add", "store", "touch", "assign")]
    changed = [e for e in later if e.object is right.object and e.value is not None and not np.array_equal(e.value, b)]
    in_place = [
        e for e in later if e.kind != "assign" and np.shares_memory(np.asarray(e.object), np.asarray(right.object))
    ]
    if changed or in_place:
        event = (changed or in_place)[0]
        text = f"{name} was kept, and this line changes it in place afterwards: it needs a new array"
        return Kept(Cause.OLD_VALUE, text, event.line, event.site.function, True)
    made = [
        e
        for e in events
        if e.value is not None and e.shape == a.shape and np.array_equal(e.value, a) and e.kind in ("assign", "add")
    ]
    wanted = right.name or f"the value computed in line {right.line}"
    sure = bool(right.name) and last(right.name) == last(name.partition("[")[0])
    if made and other_round(made[-1], right):
        cause = Cause.STEP
    if made and not np.any(np.abs(mender.judge.truth.print(counterpart(mender, made[-1]))) > 1e-13):
        text = f"the forward keeps {made[-1].name} for the backward, but it needs {wanted} (line {right.line})"
        return Kept(cause, text, made[-1].line, made[-1].site.function, True)
    line, function = cache_line(mender, right, pair.function if pair is not None else right.site.function)
    kept = made[-1].name if made else f"another {name}"
    return Kept(cause, f"the cache holds {kept} where {wanted} belongs (line {right.line})", line, function, sure)


def counterpart(mender: Mender, event: Event) -> Event:
    """The same event in the run of which the derivatives are known."""
    return next(e for e in mender.judge.truth.events if (e.number, e.leaf) == (event.number, event.leaf))


def other_round(one: Event, two: Event) -> bool:
    return one.site.name == two.site.name and one.loops != two.loops


def cache_line(mender: Mender, right: Event, function: str) -> tuple[int, str]:
    """The line that makes the cache: where the name that the forward returns last was assigned, or the return."""
    executed = {e.site.statement for e in mender.judge.forward_events}
    own = [s for s in mender.program.statements if s.function.name == function and s.number in executed]
    for statement in reversed(own):
        node = statement.node
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            last = node.value.elts[-1]
            made = [s for s in own if isinstance(s.node, ast.Assign) and isinstance(last, ast.Name)
                    and any(named(t) == last.id for t in s.node.targets)]  # fmt: skip
            return (made[-1] if made else statement).line, function
    return right.line, right.site.function


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Python warns about some of the changed programs, and they may print."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        yield


@quiet()
def forward_mend(mender: Mender, proof: Callable[[Any], bool], seconds: float = 2.0) -> Mend | None:
    """A change of the forward that leaves its result as it is and makes every gradient right: of what it keeps."""
    judge = mender.judge
    tracer, problem = judge.tracer, judge.problem
    traced(tracer, FORWARD, lambda: problem.copied().call(problem.forward))
    order = list(tracer.statements)
    first = {number: execution for execution, number in reversed(list(enumerate(order)))}
    traced(tracer, FORWARD, lambda: problem.copied().call(problem.forward), watched=frozenset(first.values()))
    moments = {number: tracer.moments[e] for number, e in first.items() if e in tracer.moments}
    tracer.off()
    y = [leaf for _, leaf in leaves(problem.copied().call(problem.forward)[0])]
    end = time.thread_time() + seconds
    for tier in (0, 1):
        found: list[Mend] = []
        for number in reversed(moments):
            statement = mender.program.statements[number]
            scope = Scope(moments[number].names, mender.bench.space(statement), set())
            for change, cause, text, rank in changes(statement, scope, tier):
                if time.thread_time() > end:
                    return min(found, key=Mend.key) if found else None
                if leaves_result(mender, change, y) and proves(mender, change, proof):
                    found.append(Mend(change, cause, text, tier, rank, 0, 0))
        if found:
            return min(found, key=Mend.key)
    return None


def changes(statement: Statement, scope: Scope, tier: int) -> Iterator[tuple[Change, Cause, str, int]]:
    """(change, cause, text, rank) for every change of one tier to a statement."""
    if tier == 0:
        for cause, text, new in statement_candidates(statement.node, scope):
            yield Change(statement, statement.node, new), cause, text, RANKS.get(cause, 300)
    for root, where in roots(statement.node):
        for c in candidates(root, where, scope, tier):
            yield Change(statement, c.old, c.new), c.rule.cause, c.text(), c.rank


def leaves_result(mender: Mender, change: Change, y: list[Any]) -> bool:
    problem = mender.judge.problem
    try:
        with mender.bench.applied([change]), np.errstate(all="ignore"):
            now = [leaf for _, leaf in leaves(problem.copied().call(problem.forward)[0])]
        return len(now) == len(y) and all(np.array_equal(a, b) for a, b in zip(now, y))
    except Exception:  # a changed program may fail in any way
        return False


def proves(mender: Mender, change: Change, proof: Callable[[Any], bool]) -> bool:
    try:
        with mender.bench.applied([change]), np.errstate(all="ignore"):
            return proof(mender.judge.problem.backward)
    except Exception:  # a changed program may fail in any way
        return False

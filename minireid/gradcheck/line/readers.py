"""A value without a name in the forward is judged by the lines that read it.

`dra` may be the derivative by any value of its shape. But put the right one in its place, and what the next lines make
of it are true derivatives too: `dWr += x.T @ dra` becomes the derivative by one use of `Wr`. So the value claims to be
the derivative that makes most of its readers right.
"""

import ast
import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minireid.gradcheck.cause.scope import Scope
from minireid.gradcheck.line.bench import Bench
from minireid.gradcheck.line.claims import last
from minireid.gradcheck.line.judge import Judge, Run
from minireid.gradcheck.line.pieces import expression_name
from minireid.gradcheck.line.program import Program, terms_of
from minireid.gradcheck.line.trace import Event

ENTRIES = 120  # of a value: each entry of the true derivative is a run of the forward
CANDIDATES = 24
MANY = 2  # wrong places: with more of them, names are doubted too
READERS = 4
MADE = ("assign", "add", "store", "argument")


class Reader(NamedTuple):
    """A term that reads a value under a name. wanted: what its line should assign. names: variables that it is for."""

    scope: Scope
    term: ast.expr
    name: str
    wanted: np.ndarray | None
    names: set[str]


def claim_by_readers(judge: Judge, program: Program, bold: bool = False) -> bool:
    """Give claims to values that have none; whether some were given, and leave no more to explain.

    bold: also where more places are wrong then, if others are right. Not of a large program that stays large: every
    candidate takes as many runs of the forward as its derivative has entries.
    """
    if judge.large:
        return False
    before = judge.claimed, judge.ignored, judge.scales, judge.choices
    judge.claimed = dict(judge.claimed)
    run = judge.mended()
    faults = run.faults
    unknown = list(doubtful(judge, run))[::-1]  # from the end: what a line is meant for is known before its inputs
    reading = {id(e): list(readers(program, run, e))[:READERS] for e in unknown}
    run = judge.mended(watched=frozenset(x for several in reading.values() for x, _, _ in several))
    likes = []
    for event in unknown:
        several = explained(judge, Bench(program, 0), run, event, reading[id(event)])
        likes.append((event, several))
        if several:
            claim(judge, event, several[0])
    for event, several in likes:
        if len(several) > 1:
            fewest(judge, event, several)
    if any(several for _, several in likes) and (
        len(now := judge.settle()) <= len(faults) or (bold and faults.keys() - now.keys())
    ):
        return True
    judge.claimed, judge.ignored, judge.scales, judge.choices = before
    return False


def claim(judge: Judge, event: Event, like: Event) -> None:
    """From now on a value claims to be the derivative by `like`; and in the other rounds by the same variable."""
    for other in (e for e in judge.plain.events if e.site is event.site and judge.is_final(e)):
        there = judge.counterpart(like, event, other)
        judge.claimed[other.number, other.leaf] = [there] if there is not None else []
    judge.claimed[event.number, event.leaf] = [like]
    judge.ignored -= {event.site.number}


def fewest(judge: Judge, event: Event, likes: list[Event]) -> None:
    """Of several claims the one with which the fewest places are wrong: the wrong line may be among the readers."""
    counts = []
    for like in likes:
        claim(judge, event, like)
        counts.append(len(judge.mended().faults))
    claim(judge, event, likes[int(np.argmin(counts))])


def doubtful(judge: Judge, run: Run) -> Iterator[Event]:
    """One event for each place that has no claim by its name: the second of its rounds, as the first adds to zeros.

    Where many places are wrong, names may be false together, as dz, dr of the gates before their activations. Then all.
    """
    places: dict[int, list[Event]] = {}
    of_the_loss = judge.sites_of_the_loss()
    for event in run.events:
        key = (event.number, event.leaf)
        small = event.value is not None and event.value.size <= ENTRIES
        usual = event.kind in MADE and event.index is None and small and event.norm > 0
        if usual and key in judge.final and key not in judge.constant and event.site.number not in of_the_loss:
            places.setdefault(event.site.number, []).append(event)
    for site, events in places.items():
        by_name = any(judge.claims.of(e) for e in events) and site not in judge.ignored
        by_name |= any(judge.claims.by_own_name(e) for e in events)
        by_name &= len(run.faults) <= MANY
        returned = any((e.number, e.leaf) in judge.handed_out for e in events)
        given = events[0].kind == "argument" and events[0].frame.number in judge.claims.ends
        if not by_name and not returned and not given:
            yield events[min(1, len(events) - 1)]


def readers(program: Program, run: Run, event: Event) -> Iterator[tuple[int, str, ast.expr]]:
    """(execution, name, term) of what is computed from a value, under any name that it has."""
    same = [e for e in run.events if e.object is event.object and e.frame is event.frame and e.kind == "assign"]
    for alias in {e.name: e for e in [event, *same] if e.execution >= event.execution}.values():
        for execution, term in read_as(program, run, alias):
            yield execution, alias.name, term


def read_as(program: Program, run: Run, event: Event) -> Iterator[tuple[int, ast.expr]]:
    """(execution, term) of what is computed from a value, until its name has another one."""
    loops = {e.execution: e.loops for e in run.events}
    for execution in range(event.execution + 1, len(run.statements)):
        if run.frames[execution] is not event.frame:
            continue
        node = program.statements[run.statements[execution]].node
        now = loops.get(execution, {})
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) and node.value is not None:
            for term in [term for part in elements(node.value) for term in terms_of(part)]:
                if name_now(term, now) == event.name:
                    yield execution, whole_sum(node)
                elif any(name_now(n, now) == event.name for n in ast.walk(term) if isinstance(n, ast.expr)):
                    yield execution, term
        targets = [node.target] if isinstance(node, ast.For) else getattr(node, "targets", [])
        if any(expression_name(n) == event.name for t in targets for n in ast.walk(t) if isinstance(n, ast.expr)):
            return


def name_now(node: ast.expr, loops: dict[str, Any]) -> str:
    """The name of what an expression reads in this round: da[n] is da.i where n is "i"."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id in loops:
        return f"{expression_name(node.value)}.{loops[node.slice.id]}"
    return expression_name(node)


def elements(value: ast.expr) -> list[ast.expr]:
    """What a tuple, a list or a dict display has; else the expression itself."""
    if isinstance(value, (ast.Tuple, ast.List)):
        return value.elts
    return value.values if isinstance(value, ast.Dict) else [value]


def whole_sum(node: ast.Assign | ast.AugAssign | ast.Return) -> ast.expr:
    """What a statement assigns, with what was there before `+=`."""
    value = node.value or ast.Constant(None)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, value)
    return value


def explained(
    judge: Judge, bench: Bench, run: Run, event: Event, reading: list[tuple[int, str, ast.expr]]
) -> list[Event]:
    """The forward's events whose derivatives make readers right: the best one, and the next one.

    None for a value that already has a claim with which a reader is right.
    """
    lines = []
    for execution, name, term in reading:
        if execution in run.moments:
            space = bench.space(bench.program.statements[run.statements[execution]])
            scope = Scope(run.moments[execution].names, space, set())
            lines.append(Reader(scope, term, name, *meant(judge, run, execution)))

    def score(like: Event) -> int:
        return sum(rightness(judge, line, like) for line in lines)

    now = [c for c in judge.claimed.get((event.number, event.leaf)) or [] if c.shape == event.shape][:1]
    by_name = now if judge.claims.of(event) else []
    if any(score(c) for c in by_name):
        return []
    scores = [(score(like), like) for like in candidates(judge, event) if lines]
    least = 2 if by_name else 1
    best = sorted((pair for pair in scores if pair[0] >= least), key=lambda pair: -pair[0])[:2]
    return [like for score, like in best if 2 * score >= best[0][0]]


def meant(judge: Judge, run: Run, execution: int) -> tuple[np.ndarray | None, set[str]]:
    """(what a statement should assign, the variables that it claims to be the derivative by); (None, {}) if nothing."""
    names: set[str] = set()
    for event in run.events:
        if event.execution == execution and event.kind in ("assign", "add", "store"):
            names |= {last(c.name) for c in judge.claims.of(event)}
            claims = judge.claimed.get((event.number, event.leaf))
            if claims and event.kind != "store" and claims[0].shape == event.shape and claims[0].value is not None:
                return judge.wanted(event, claims[0]) if claims[0].value.size <= ENTRIES else None, names
    return None, names


def candidates(judge: Judge, event: Event) -> list[Event]:
    """Values of the forward that the event may be the derivative by, each derivative once."""
    found: list[Event] = []
    prints: list[np.ndarray] = []
    for like in sorted(judge.truth.by_shape[event.shape], key=lambda e: e.kind != "uses"):
        if judge.claims.same_round(like, event) and np.any(print_ := judge.truth.print(like)):
            if not any(np.allclose(print_, p, rtol=1e-9) for p in prints):
                found.append(like)
                prints.append(print_)
    return found[:CANDIDATES]


def rightness(judge: Judge, line: Reader, like: Event) -> int:
    """2 if a term, with the true derivative by `like` in it, is the true derivative by what its line is meant for.

    1 if it is a true derivative, but the name of its line says another one, or none. Of a concatenation only those
    entries count that change. 0 if it is none, or only passed on.
    """
    true = judge.truth.full(like)
    value = with_value(line.scope, line.name, true).value(line.term)
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not np.any(value):
        return 0
    if value.shape == true.shape and (np.allclose(value, true) or np.allclose(value, -true)):
        return 0
    found = judge.like(value) or judge.like(-value)
    if found is not None:
        return 2 if last(found.name) in line.names else 1
    before = line.scope.value(line.term)
    if line.wanted is None or not np.shape(before) == value.shape == line.wanted.shape:
        return 0
    differs = value != before
    return 2 * bool(differs.any() and np.allclose(value[differs], line.wanted[differs], rtol=1e-5))


def with_value(scope: Scope, name: str, value: Any) -> Scope:
    """The scope with another value of a name such as `dz`, `grads.W` or `self.dz`."""
    first, *keys = name.split(".")
    if not keys:
        return Scope({**scope.names, name: value}, scope.outside, set())
    owner = scope.names.get(first)
    if isinstance(owner, dict):
        return Scope({**scope.names, first: {**owner, keys[0]: value}}, scope.outside, set())
    changed = copy.copy(owner)
    setattr(changed, keys[0], value)
    return Scope({**scope.names, first: changed}, scope.outside, set())

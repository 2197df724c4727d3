"""Is a line wrong because the forward kept the wrong thing for it?

Every variable that a wrong expression reads from the cache is replaced by the values that the forward had. If with one
of them the expression is right, the backward's line is innocent: the forward kept another value, or changed it later.
"""

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import numeric
from minireid.gradcheck.line.bench import Instance, Stretch
from minireid.gradcheck.line.claims import agree
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.mend import Mender, activation_of
from minireid.gradcheck.line.trace import Event


@dataclass(frozen=True)
class Kept:
    """name, in the backward, should hold what the forward computes in line `right`; line: what to change."""

    cause: Cause
    text: str
    line: int
    function: str


def wrongly_kept(mender: Mender, fault: Fault) -> Kept | None:
    """What the forward should have kept for the first wrong expression of the fault; None if that is not it."""
    stretch = mender.quick(fault)
    parts = mender.parts[fault.site][0]
    if stretch is None or not stretch.instances or not parts.pieces:
        return None
    statement = mender.program.statements[parts.pieces[0].statement]
    space = mender.bench.space(statement)
    pair = mender.judge.claims.pair(fault.first.frame)
    names = [n.id for n in ast.walk(stretch.read) if isinstance(n, ast.Name)]
    for name in dict.fromkeys(names):
        value = stretch.instances[0].names.get(name)
        if not numeric(value) or name in mender.gradients:
            continue
        for event in forward_values(mender, pair, np.shape(value)):
            trial = with_values(mender, stretch, name, event, parts.pieces)
            if trial is not None and mender.bench.right(trial, None, space):
                return explained(mender, name, value, event)
    return None


def forward_values(mender: Mender, pair: Any, shape: tuple[int, ...]) -> list[Event]:
    """Values of the forward that could have been kept: those of the paired call first, one for each place."""
    found: dict[int, Event] = {}
    events = sorted(mender.judge.forward_events, key=lambda e: pair is None or e.frame.number != pair.number)
    for event in events:
        if event.shape == shape and event.value is not None and event.kind not in ("use",):
            found.setdefault(event.site.number, event)
    return list(found.values())


def with_values(mender: Mender, stretch: Stretch, name: str, event: Event, pieces: list[Any]) -> Stretch | None:
    """The stretch with the name holding the values of the event's place, in the round of each instance."""
    alike = [e for e in mender.judge.forward_events if e.site is event.site and e.leaf == event.leaf]
    instances = []
    for instance, piece in zip(stretch.instances, pieces):
        frame = mender.run.frames[piece.execution]
        pair = mender.judge.claims.pair(frame)
        loops = next((e.loops for e in mender.run.events if e.execution == piece.execution), {})
        near = [e for e in alike if pair is not None and e.frame.number == pair.number] or alike
        near = [e for e in near if agree(e.loops, loops)]
        if not near:
            return None
        instances.append(Instance({**instance.names, name: near[-1].value}, instance.targets, instance.index))
    return Stretch(stretch.function, stretch.statements, stretch.read, instances)


def explained(mender: Mender, name: str, value: Any, right: Event) -> Kept:
    """Where the forward goes wrong: it changes what it kept, or keeps something else."""
    events = mender.judge.forward_events
    a, b = np.asarray(value), np.asarray(right.value)
    cause = Cause.PRE_ACTIVATION if activation_of(a, b) or activation_of(b, a) else Cause.VARIABLE
    if a.dtype.kind == "b" or np.isin(a, (0, 1)).all() and a.size > 1:
        cause = Cause.MASK
    changed = [e for e in events if e.object is right.object and e.number > right.number and e.kind in ("add", "store", "touch", "assign")
               and e.value is not None and not np.array_equal(e.value, right.value)]  # fmt: skip
    in_place = [e for e in events if e.kind in ("add", "store", "touch") and e.number > right.number and np.shares_memory(
        np.asarray(e.object), np.asarray(right.object))]  # fmt: skip
    if changed or in_place:
        event = (changed or in_place)[0]
        text = f"{name} was kept, and this line changes it in place afterwards: it needs a new array"
        return Kept(Cause.OLD_VALUE, text, event.line, event.site.function)
    made = [e for e in events if e.value is not None and e.shape == a.shape and np.array_equal(e.value, a) and e.kind in ("assign", "add")]
    wanted = right.name or f"the value computed in line {right.line}"
    if made and other_round(made[-1], right):
        cause = Cause.STEP
    if made and not np.any(np.abs(mender.judge.truth.print(counterpart(mender, made[-1]))) > 1e-13):
        text = f"the forward keeps {made[-1].name} for the backward, but it needs {wanted} (line {right.line})"
        return Kept(cause, text, made[-1].line, made[-1].site.function)
    line, function = cache_line(mender, right)
    kept = made[-1].name if made else f"another {name}"
    return Kept(cause, f"the cache holds {kept} where {wanted} belongs (line {right.line})", line, function)


def counterpart(mender: Mender, event: Event) -> Event:
    """The same event in the run of which the derivatives are known."""
    return next(e for e in mender.judge.truth.events if (e.number, e.leaf) == (event.number, event.leaf))


def other_round(one: Event, two: Event) -> bool:
    return one.site.name == two.site.name and one.loops != two.loops


def cache_line(mender: Mender, right: Event) -> tuple[int, str]:
    """The line that makes the cache: the last return of the function that computed the value."""
    returns = [e for e in mender.judge.forward_events if e.frame.number == right.frame.number and e.kind == "return"]
    event = returns[-1] if returns else right
    return event.line, event.site.function

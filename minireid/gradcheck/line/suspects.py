"""Where to look: the statements that a wrong value comes from and that may be to blame for it, the nearest first."""

import ast
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.finding import Explanation
from minireid.gradcheck.line.bench import Stretch
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.mend import head
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.program import Statement, named
from minireid.gradcheck.line.trace import Event

DEEPEST = 4  # statements up from the wrong one


@dataclass
class Suspect:
    """A statement that may be to blame for a fault, `distance` statements up from it."""

    statement: Statement
    execution: int
    distance: int
    stretches: dict[int, list[Stretch]] = field(default_factory=dict)  # by fault: what to run to test a change


def suspects_of(mender: Mender, fault: Fault) -> list[Suspect]:
    """The statement of the fault, then those that its value is made of and that are not known to be right."""
    parts = mender.parts[fault.site][0]
    at = mender.pieces.place(parts.blamed or (parts.final[0] if parts.final else fault.first))
    if at is None:
        return []
    bare = [piece.read for piece in parts.pieces]
    execution, statement = at
    found = [Suspect(statement, execution, 0)]
    seen = {statement.number}
    complete = bool(parts.missing) and not parts.pieces  # every term is right: only one is missing
    for at in [*disturbed(mender, found[0]), *(mender.pieces.place(event) for event in parts.group)]:
        if at is not None and at[1].number not in seen:
            seen.add(at[1].number)
            found.append(Suspect(at[1], at[0], 0))
    for suspect in found:
        if suspect.distance >= DEEPEST or complete:
            break
        for execution, other in sources(mender, suspect, bare):
            if other.number not in seen:
                seen.add(other.number)
                found.append(Suspect(other, execution, suspect.distance + 1))
    return found


def disturbed(mender: Mender, suspect: Suspect) -> list[tuple[int, Statement]]:
    """The statements that changed an array in place through another name, between where it was made and here."""
    read = [n.id for n in ast.walk(head(suspect.statement.node)) if isinstance(n, ast.Name)]
    frame = mender.run.frames[suspect.execution]
    found = []
    mender.look({suspect.execution})
    for name in dict.fromkeys(read):
        before = [
            e for e in mender.run.events if e.frame is frame and e.name == name and e.execution < suspect.execution
        ]
        here = mender.moments[suspect.execution].names.get(name) if suspect.execution in mender.moments else None
        if (
            not before
            or not isinstance(here, np.ndarray)
            or here.shape != before[-1].shape
            or mended_at(mender, before[-1])
        ):
            continue
        if np.allclose(mender.judge.tracer.print_of(here), before[-1].print, rtol=1e-9, atol=1e-12):
            continue
        between = [
            x for x in range(max(before[-1].execution, 0) + 1, suspect.execution + 1) if mender.run.frames[x] is frame
        ]
        mender.look(set(between))
        for earlier, later in zip([before[-1].execution, *between], between):
            value = mender.moments[later].names[name]
            if not np.allclose(mender.judge.tracer.print_of(value), before[-1].print, rtol=1e-9, atol=1e-12):
                found.append((earlier, mender.program.statements[mender.run.statements[earlier]]))
                break
    return found


def mended_at(mender: Mender, event: Event) -> bool:
    return any(e.number == event.number for f in mender.run.faults.values() for e, _ in f.events)


def sources(mender: Mender, suspect: Suspect, bare: list[ast.expr]) -> list[tuple[int, Statement]]:
    """(execution, statement) of the values that a statement reads, where they are not known to be right.

    bare: wrong expressions; of one that is only a name, the value is wrong, whatever is known of it.
    """
    node = head(suspect.statement.node)
    filled = {id(n) for target in getattr(node, "targets", []) for n in ast.walk(target)
              if isinstance(getattr(n, "ctx", None), ast.Load) and not in_index(n, target)}  # fmt: skip
    read = [named(n) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute)) and id(n) not in filled]
    frame = mender.run.frames[suspect.execution]
    found: list[tuple[int, Statement]] = []
    for name in dict.fromkeys(r for r in read if r):
        before = [e for e in mender.run.events
                  if e.frame is frame and e.site.name == name and e.execution < suspect.execution
                  and e.kind in ("assign", "add", "store", "touch")]  # fmt: skip
        passed_on = suspect.distance == 0 and any(isinstance(r, ast.Name) and r.id == name for r in bare)
        passed_on |= isinstance(node, ast.For)  # its entries are passed on as they are
        if before and (passed_on or not known(mender, before[-1])):
            group = mender.judge.final.get((before[-1].number, before[-1].leaf), [before[-1]])
            at = {place[1].number: place for e in group if (place := mender.pieces.place(e)) is not None}
            found += at.values()
    found += called(mender, suspect)
    for loop in suspect.statement.loops:
        number = mender.bench.numbers.get(id(loop))
        if number is not None:
            execution = mender.latest(number, suspect.execution, frame)
            found += [(execution, mender.program.statements[number])] if execution is not None else []
    for name in dict.fromkeys(r for r in read if r):  # a statement that is not followed: read from a cache, a list
        found += assigned(mender, name, suspect, frame)
    return found


def known(mender: Mender, event: Event) -> bool:
    """Whether a value is known to be right: it is the derivative that it claims to be, or any true one."""
    final = mender.judge.final.get((event.number, event.leaf))
    if final is None:
        return False
    constant = (event.number, event.leaf) in mender.judge.constant
    if (
        not constant
        and mender.judge.claimed.get((event.number, event.leaf))
        and event.site.number not in mender.run.faults
    ):
        return event.site.number not in mender.judge.ignored
    found = mender.judge.recognise(event)
    return found is not None and not partial(found) and event.site.number not in mender.run.faults


def assigned(mender: Mender, name: str, suspect: Suspect, frame: Any) -> list[tuple[int, Statement]]:
    for execution in range(suspect.execution - 1, -1, -1):
        if mender.run.frames[execution] is frame:
            statement = mender.program.statements[mender.run.statements[execution]]
            node = statement.node
            targets = getattr(node, "targets", [])
            places = [p for t in targets for p in (t.elts if isinstance(t, (ast.Tuple, ast.List)) else [t])]
            if isinstance(node, ast.Assign) and name in [named(place) for place in places]:
                events = [e for e in mender.run.events if e.execution == execution and e.site.name == name]
                return [] if events and all(known(mender, e) for e in events) else [(execution, statement)]
    return []


def called(mender: Mender, suspect: Suspect) -> list[tuple[int, Statement]]:
    """The statements of helpers that the statement calls, if the forward does not run them too."""
    found: dict[int, int] = {}
    for execution, frame in enumerate(mender.run.frames):
        if frame.caller == suspect.execution and frame.function not in mender.judge.claims.shared:
            found.setdefault(mender.run.statements[execution], execution)
    return [(execution, mender.program.statements[number]) for number, execution in found.items()]


def computes(mender: Mender, suspect: Suspect) -> bool:
    """Whether the statement computes a gradient, and does not only unpack or loop."""
    events = [e for e in mender.run.events if e.execution == suspect.execution and e.kind != "term"]
    return any((e.number, e.leaf) not in mender.judge.constant for e in events)


def family_of(mender: Mender, fault: Fault, suspects: list[Suspect]) -> list[Fault]:
    """The other faults that share a value with this one which is not known to be right: they are made of it."""
    mine = {s.statement.number for s in suspects if s.distance and computes(mender, s)}
    others = [f for f in mender.run.faults.values() if f is not fault]
    return [f for f in others if mine & {s.statement.number for s in suspects_of(mender, f) if computes(mender, s)}]


def root_of(mender: Mender, fault: Fault) -> Statement | None:
    """The first line of a chain of values that are no known gradient and that the fault is made of.

    Its own inputs are known, its value is not: so the mistake is most likely there, or right after it.
    """
    suspects = suspects_of(mender, fault)
    factors = not mender.judge.problem.one_call  # else what computes no gradient belongs to the loss itself
    chain = [s for s in suspects if s.distance and (computes(mender, s) or (factors and makes(s.statement.node)))]
    deepest = max((s.distance for s in chain), default=0)
    last = [s for s in chain if s.distance == deepest]
    return last[-1].statement if len({s.statement.number for s in last}) == 1 else None


def makes(node: ast.stmt) -> bool:
    """Whether a statement computes an array, and does not only unpack or begin one."""
    inside = list(ast.walk(node.value)) if isinstance(node, ast.Assign) else []
    return sum(isinstance(n, ast.BinOp) for n in inside) > 1


def unused(root: Statement) -> list[Explanation]:
    """What the function computes or unpacks and never reads: it may be what is missing."""
    nodes = [n for n in ast.walk(root.function) if isinstance(n, ast.Name)]
    read = {n.id for n in nodes if isinstance(n.ctx, ast.Load)}
    made = [n.id for n in nodes if isinstance(n.ctx, ast.Store) and n.id not in read and not n.id.startswith("_")]
    names = list(dict.fromkeys(made))
    if not names or len(names) > 3:
        return []
    text = f"{', '.join(names)} is computed and used nowhere: something may be missing that needs it"
    return [Explanation(Cause.TERM_MISSING, text)]


def in_index(node: ast.AST, target: ast.AST) -> bool:
    """Whether a node stands in an index of what is assigned."""
    indices = [n.slice for n in ast.walk(target) if isinstance(n, ast.Subscript)]
    return any(node is n for index in indices for n in ast.walk(index))


def partial(event: Event) -> bool:
    """Whether a value of the forward is one use of a variable, not the whole of it."""
    return event.kind == "use" or (event.kind == "part" and bool(event.site.name))

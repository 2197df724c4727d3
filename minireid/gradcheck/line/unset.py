"""A name that a loop reads in every round and never sets: the line that should carry a gradient back is missing."""

import ast
import copy
import time

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.choices import terms
from minireid.gradcheck.cause.scope import show
from minireid.gradcheck.line.bench import Change, names_changed
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.mend import Mend, head
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.program import Statement, named

SECONDS = 1.5  # of processor time


def never_set(mender: Mender, fault: Fault) -> Mend | None:
    """The line that is missing at the end of the loop around a wrong line; None if that is not the mistake."""
    at = mender.pieces.place(fault.first)
    if at is None or not at[1].loops or not isinstance(at[1].loops[-1], (ast.For, ast.While)):
        return None
    execution, statement = at
    loop, frame = statement.loops[-1], mender.run.frames[execution]
    number = mender.bench.numbers.get(id(loop))
    rounds = [x for x, other in enumerate(mender.run.frames)
              if other is frame and mender.run.statements[x] == statement.number]  # fmt: skip
    if number is None or not rounds:
        return None
    for name in zeros(mender, statement, fault):
        mend = with_line(mender, fault, mender.program.statements[number], name, rounds[-1])
        if mend is not None:
            return mend
    return None


def zeros(mender: Mender, statement: Statement, fault: Fault) -> list[str]:
    """Names in the statement that are 0 from before the loop on, and that no line of the loop assigns."""
    body = statement.loops[-1].body  # type: ignore[attr-defined]
    stored = [n for s in body for n in ast.walk(s) if isinstance(getattr(n, "ctx", None), ast.Store)]
    assigned = {named(n).partition(".")[0] for n in stored} | names_changed(body)
    read = [n.id for n in ast.walk(head(statement.node)) if isinstance(n, ast.Name) and n.id not in assigned]
    made = {e.name: e for e in mender.run.events if e.frame is fault.first.frame and e.kind == "assign"}
    return [name for name in dict.fromkeys(read) if name in made and made[name].norm == 0]


def with_line(mender: Mender, fault: Fault, loop: Statement, name: str, execution: int) -> Mend | None:
    """The mend that sets the name at the end of each round, found among products of what the round computed."""
    mender.look({execution})
    if execution not in mender.moments:
        return None
    space, end = mender.bench.space(loop), time.thread_time() + SECONDS
    scope = mender.scope(loop, execution, space)
    last = loop.node.body[-1]  # type: ignore[attr-defined]
    for term in terms({}, None, ast.Name(name, ast.Load()), scope):
        new = ast.fix_missing_locations(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], term), last))
        longer: ast.For = copy.copy(loop.node)  # type: ignore[assignment]
        longer.body = [*longer.body, new]
        change = Change(loop, loop.node, [longer])
        if fixed := mender.mends(fault, change, [], space):
            text = f"no line of the loop sets {name}: it is 0 in every round"
            return Mend(change, Cause.NOT_CARRIED, text, 0, 0, 0, 0, fixed, at=last, line_added=show(new))
        if time.thread_time() > end:
            break
    return None

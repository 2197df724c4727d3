"""Which small change makes a wrong line right? The rules are tried where its value comes from, the nearest first."""

import ast
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import show
from minireid.gradcheck.line.bench import Change, Stretch, replaced
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.mend import Mend, changes
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.pieces import Parts
from minireid.gradcheck.line.stretches import of_expressions, of_whole, stretches_of
from minireid.gradcheck.line.suspects import DEEPEST, Suspect, computes, family_of, sources, suspects_of

SECONDS = 4.0  # of processor time of this thread for one fault
SLICE = 1.2  # of it for one statement and one tier of rules


def mends_of(mender: Mender, fault: Fault) -> list[Mend]:
    """Changes that make the fault right, the best first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns about some of the changed programs
        return search(mender, fault)


def search(mender: Mender, fault: Fault) -> list[Mend]:
    """The nearest statements and the simplest rules first, until a change mends the fault and its family."""
    end = min(time.thread_time() + SECONDS, mender.end)
    suspects = suspects_of(mender, fault)
    family = family_of(mender, fault, suspects)
    many = len(mender.run.faults) > 2
    jobs = [(cost_of(mender, s, tier), tier, s) for s in suspects for tier in (0, 1, 2) if worth(mender, s, tier)]
    found: list[Mend] = []
    last = np.inf
    for cost, tier, suspect in sorted(jobs, key=lambda job: job[0]):
        if cost > last:
            break
        found += attempt(mender, fault, suspect, tier, min(end, time.thread_time() + SLICE))
        if found:
            count_others(mender, found, [f for f in mender.run.faults.values() if f is not fault], suspects)
            enough = max(len(m.fixed) for m in found) > (len(mender.run.faults) - 1 if many else len(family))
            last = min(last, cost + (0.5 * bool(suspect.distance) if enough else 0.6 if tier else 1.3))
        if time.thread_time() > end:
            break
    return sorted(found, key=Mend.key) or other_loops(mender, fault)


def mends_of_exception(mender: Mender) -> list[Mend]:
    """Changes with which a backward that raises is right: of the line that raises, and of those before it."""
    execution = len(mender.run.statements) - 1
    fault = Fault(-1)
    mender.parts[-1] = [Parts()]
    suspects = [Suspect(mender.program.statements[mender.run.statements[-1]], execution, 0, {-1: []})]
    for suspect in suspects:
        if suspect.distance < 2:
            known = {s.statement.number for s in suspects}
            for at, statement in sources(mender, suspect, []):
                if statement.number not in known:
                    known.add(statement.number)
                    suspects.append(Suspect(statement, at, suspect.distance + 1, {-1: []}))
    found: list[Mend] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for suspect in suspects:
            found += attempt(mender, fault, suspect, 0, time.thread_time() + SLICE)
    return sorted(found, key=Mend.key)


def other_loops(mender: Mender, fault: Fault) -> list[Mend]:
    """Changes of the order and of the bounds of any loop, judged by the whole backward."""
    found: list[Mend] = []
    numbers = dict.fromkeys(mender.run.statements)
    for number in [n for n in numbers if isinstance(mender.program.statements[n].node, ast.For)][:6]:
        execution = mender.run.statements.index(number)
        suspect = Suspect(mender.program.statements[number], execution, DEEPEST, {fault.site: []})
        found += attempt(mender, fault, suspect, 0, time.thread_time() + SLICE)
    return sorted(found, key=Mend.key)


def cost_of(mender: Mender, suspect: Suspect, tier: int) -> float:
    """How far a change is fetched: simple rules and near statements are tried first."""
    if isinstance(suspect.statement.node, (ast.For, ast.While)):
        return 0.5
    return 1.4 * tier + 0.5 * suspect.distance + 0.5 * (not computes(mender, suspect))


def worth(mender: Mender, suspect: Suspect, tier: int) -> bool:
    """Whether a tier is tried: a loop has only its order, and what is no gradient lacks no term."""
    if isinstance(suspect.statement.node, (ast.For, ast.While)):
        return tier == 0
    return tier < 2 or computes(mender, suspect)


def count_others(mender: Mender, found: list[Mend], family: list[Fault], suspects: list[Suspect]) -> None:
    """Note in each mend which of the other faults it mends too."""
    by_statement = {s.statement.number: s for s in suspects}
    for mend in found:
        suspect = by_statement[mend.statement.number]
        if len(mend.fixed) > 1:
            continue
        space, own = mender.bench.space(mend.statement), mend.fixed
        for other in family:
            stretches = stretches_of(mender, other, suspect)
            if stretches and any(mender.tried(s, mend.change, space) for s in stretches):
                mend.fixed |= {other.site}
        if len(mend.fixed) == len(mender.run.faults) and not mender.holds([mend.change], mender.whole):
            mend.fixed = own  # each alone, but not all at once


def attempt(mender: Mender, fault: Fault, suspect: Suspect, tier: int, end: float) -> list[Mend]:
    """Changes of one tier to one statement."""
    mender.look({suspect.execution})
    if suspect.execution not in mender.moments:
        return []
    stretches = stretches_of(mender, fault, suspect)
    quick = of_expressions(mender, fault) if suspect.distance == 0 else None
    if not stretches and quick is None and tier == 2:
        return []
    running = [s for s in stretches if s.statements or suspect.distance]
    for several in [[s] for s in running] or [[]]:  # a piece of the sum runs much faster than the whole of it
        if found := tries(mender, fault, suspect, tier, several, quick, end):
            return found
    whole_counts = tier == 0 and running and suspect.distance == 0 and len(mender.run.faults) == 1
    return replacements(mender, fault, suspect, end) if whole_counts else []  # what a loop builds up: all rounds


def replacements(mender: Mender, fault: Fault, suspect: Suspect, end: float) -> list[Mend]:
    """Changes of the whole statement."""
    found, space = [], mender.bench.space(suspect.statement)
    for change, make in changes(suspect.statement, mender.scope(suspect.statement, suspect.execution, space), 0):
        if change.old is not suspect.statement.node or time.thread_time() > end:
            break  # those of the whole statement come first
        if fixed := mender.mends(fault, change, [], space):
            found.append(replace(make(), distance=suspect.distance, fixed=fixed))
    return found


def tries(mender: Mender, fault: Fault, suspect: Suspect, tier: int, running: list[Stretch], quick: Stretch | None,
          end: float) -> list[Mend]:  # fmt: skip
    """The changes that are right by a stretch; those of the wrong expression itself, by it alone (quick)."""
    found: list[Mend] = []
    space = mender.bench.space(suspect.statement)
    scope = mender.scope(suspect.statement, suspect.execution, space)
    inside = {id(n) for n in ast.walk(quick.read)} if quick is not None else set()
    if tier == 0:
        found = before_loop(mender, fault, suspect, space)
    first = quick.read if quick is not None else None
    for change, make in changes(suspect.statement, scope, tier, mender.judge.truth, first):
        elsewhere = inside and id(change.old) not in inside and change.old is not suspect.statement.node
        if time.thread_time() > end or (found and elsewhere and len(mender.run.faults) == 1):
            break  # the wrong piece itself has a mend; with more faults another change may mend them all
        stretches = [quick] if quick is not None and id(change.old) in inside else running
        if fixed := mender.mends(fault, change, stretches, space):
            found.append(replace(make(), distance=suspect.distance, fixed=fixed))
    return found


def before_loop(mender: Mender, fault: Fault, suspect: Suspect, space: dict[str, Any]) -> list[Mend]:
    """The statement once before the loop, and not in every round of it."""
    node = suspect.statement.node
    if not suspect.statement.loops or not isinstance(node, ast.Assign):
        return []
    number = mender.bench.numbers.get(id(suspect.statement.loops[0]))
    if number is None:
        return []
    loop = mender.program.statements[number]
    without = replaced(loop.node, node, [])
    change = Change(loop, loop.node, [node, without])
    execution = mender.latest(number, suspect.execution, mender.run.frames[suspect.execution])
    if execution is None:
        return []
    stretch = of_whole(mender, fault, Suspect(loop, execution, suspect.distance))
    if stretch is None or not mender.tried(stretch, change, space):
        return []
    text = f"{show(node)} starts anew in every round: it belongs before the loop"
    return [Mend(change, Cause.ASSIGNS, text, 0, 0, suspect.distance, 0, frozenset({fault.site}), at=node)]

"""Which small change makes a wrong line right? The rules are tried where its value comes from, the nearest first."""

import ast
import contextlib
import copy
import functools
import io
import re
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import Scope, numeric, show, whole
from minireid.gradcheck.cause.search import Candidate, candidates, roots, statement_candidates
from minireid.gradcheck.finding import Explanation
from minireid.gradcheck.line.bench import Bench, Change, Instance, Stretch, replaced
from minireid.gradcheck.line.follow import Program, Statement, named
from minireid.gradcheck.line.judge import Fault, Judge, Run
from minireid.gradcheck.line.pieces import Parts, Piece, Pieces
from minireid.gradcheck.line.trace import Event, Moment

SECONDS = 2.4  # of processor time of this thread for one fault
SLICE = 0.6  # of it for one statement and one tier of rules
INSTANCES = 3
RANKS = {Cause.ASSIGNS: 0, Cause.SHARED: 0, Cause.TWIN: 0}  # where changes to a whole statement stand among the rules
METHODS = ("T", "shape", "sum", "copy", "dot", "reshape")  # attributes that are no variables
DEEPEST = 4  # statements up from the wrong one


@dataclass
class Mend:
    """A change that makes a value right. mends: how many of the faults. size: characters added."""

    change: Change
    cause: Cause
    text: str
    tier: int
    rank: int
    distance: int  # statements from the wrong value
    size: int
    fixed: frozenset[int] = frozenset()  # sites of the faults that it mends
    by_chance: bool = False  # it may fit by accident
    at: Any = None  # the node to point at, if it is not the changed one
    line_added: str = ""  # where a line is missing: that line
    shown: str = ""  # the lines as they should be, if they are not those of the statement alone

    @property
    def statement(self) -> Statement:
        return self.change.statement

    @property
    def line(self) -> int:
        return getattr(self.at or self.change.old, "lineno", self.statement.line)

    def after(self) -> str:
        """The statement as it should be."""
        if self.line_added:
            return f"{self.line_added}   (a line after this one)"
        if self.shown:
            return self.shown
        if self.change.old is self.statement.node:
            new = self.change.new if isinstance(self.change.new, list) else [self.change.new]
            kept = [n for n in new if not isinstance(n, ast.Pass)]
            return "; ".join(show(head(n)) for n in kept) if kept else "(this line deleted)"
        return show(replaced(head(self.statement.node), self.change.old, self.change.new))

    def key(self) -> tuple[Any, ...]:
        first = self.cause is Cause.SHARED and isinstance(self.statement.node, ast.Assign)
        return (
            not first,
            -len(self.fixed),
            self.tier + self.by_chance,
            self.distance > 0,
            max(self.size, 0) // 8,
            self.distance,
            self.rank,
            abs(self.size),
        )


def head(node: ast.stmt) -> ast.stmt:
    """A loop or condition without its body."""
    if isinstance(node, (ast.For, ast.While, ast.If)):
        node = copy.copy(node)
        node.body, node.orelse = [ast.Expr(ast.Constant(...))], []
    return node


@dataclass
class Suspect:
    """A statement that may be to blame for a fault, `distance` statements up from it."""

    statement: Statement
    execution: int
    distance: int
    stretches: dict[int, Stretch] = field(default_factory=dict)  # by fault: what to run to test a change


class Mender:
    """Searches for the change that makes a fault right."""

    def __init__(self, judge: Judge, program: Program, run: Run, whole: Callable[[Any], bool]) -> None:
        """whole: tells whether a changed backward is right as a whole, where no stretch of it can be judged alone."""
        self.judge, self.program, self.run, self.whole = judge, program, run, whole
        self.bench = Bench(program, 1e-7 if judge.truth.imaginary else 1e-5)
        self.pieces = Pieces(judge, program, run)
        self.parts = {site: self.pieces.of(fault) for site, fault in run.faults.items()}
        self.moments: dict[int, Moment] = {}
        self.gradients = {owner(e.site.name) for e in judge.plain.events
                          if (e.number, e.leaf) not in judge.constant and e.kind != "term"}  # fmt: skip
        self.out_of_time = False
        self.end = np.inf  # of processor time: then no other fault is searched

    def look(self, executions: set[int]) -> None:
        """Copy the names before these executions, in a run with the right values."""
        missing = executions - self.moments.keys()
        if missing:
            self.moments |= self.judge.mended(watched=frozenset(missing)).moments

    # Where to look

    def suspects(self, fault: Fault) -> list[Suspect]:
        """The statement of the fault, then those that its value is made of and that are not known to be right."""
        parts = self.parts[fault.site][0]
        at = self.pieces.place(parts.blamed or (parts.final[0] if parts.final else fault.first))
        if at is None:
            return []
        self.bare = [piece.read for piece in parts.pieces]
        execution, statement = at
        found = [Suspect(statement, execution, 0)]
        seen = {statement.number}
        complete = bool(parts.missing) and not parts.pieces  # every term is right: only one is missing
        for at in [*self.disturbed(found[0]), *(self.pieces.place(event) for event in parts.group)]:
            if at is not None and at[1].number not in seen:
                seen.add(at[1].number)
                found.append(Suspect(at[1], at[0], 0))
        for suspect in found:
            if suspect.distance >= DEEPEST or complete:
                break
            for execution, other in self.sources(suspect):
                if other.number not in seen:
                    seen.add(other.number)
                    found.append(Suspect(other, execution, suspect.distance + 1))
        return found

    def disturbed(self, suspect: Suspect) -> list[tuple[int, Statement]]:
        """The statements that changed an array in place through another name, between where it was made and here."""
        read = [n.id for n in ast.walk(head(suspect.statement.node)) if isinstance(n, ast.Name)]
        frame = self.run.frames[suspect.execution]
        found = []
        self.look({suspect.execution})
        for name in dict.fromkeys(read):
            before = [
                e for e in self.run.events if e.frame is frame and e.name == name and e.execution < suspect.execution
            ]
            here = self.moments[suspect.execution].names.get(name) if suspect.execution in self.moments else None
            if (
                not before
                or not isinstance(here, np.ndarray)
                or here.shape != before[-1].shape
                or self.mended_at(before[-1])
            ):
                continue
            if np.allclose(self.judge.tracer.print_of(here), before[-1].print, rtol=1e-9, atol=1e-12):
                continue
            between = [
                x for x in range(max(before[-1].execution, 0) + 1, suspect.execution + 1) if self.run.frames[x] is frame
            ]
            self.look(set(between))
            for earlier, later in zip([before[-1].execution, *between], between):
                value = self.moments[later].names[name]
                if not np.allclose(self.judge.tracer.print_of(value), before[-1].print, rtol=1e-9, atol=1e-12):
                    found.append((earlier, self.program.statements[self.run.statements[earlier]]))
                    break
        return found

    def mended_at(self, event: Event) -> bool:
        return any(e.number == event.number for f in self.run.faults.values() for e, _ in f.events)

    def sources(self, suspect: Suspect) -> list[tuple[int, Statement]]:
        """(execution, statement) of the values that a statement reads, where they are not known to be right."""
        node = head(suspect.statement.node)
        filled = {id(n) for target in getattr(node, "targets", []) for n in ast.walk(target)
                  if isinstance(getattr(n, "ctx", None), ast.Load) and not in_index(n, target)}  # fmt: skip
        read = [named(n) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute)) and id(n) not in filled]
        frame = self.run.frames[suspect.execution]
        found: list[tuple[int, Statement]] = []
        for name in dict.fromkeys(r for r in read if r):
            before = [e for e in self.run.events
                      if e.frame is frame and e.site.name == name and e.execution < suspect.execution
                      and e.kind in ("assign", "add", "store", "touch")]  # fmt: skip
            passed_on = suspect.distance == 0 and any(isinstance(r, ast.Name) and r.id == name for r in self.bare)
            passed_on |= isinstance(node, ast.For)  # its entries are passed on as they are
            if before and (passed_on or not self.known(before[-1])):
                group = self.judge.final.get((before[-1].number, before[-1].leaf), [before[-1]])
                at = {place[1].number: place for e in group if (place := self.pieces.place(e)) is not None}
                found += at.values()
        found += self.called(suspect)
        for loop in suspect.statement.loops:
            number = self.bench.numbers.get(id(loop))
            if number is not None:
                execution = self.latest(number, suspect.execution, frame)
                found += [(execution, self.program.statements[number])] if execution is not None else []
        for name in dict.fromkeys(r for r in read if r):  # a statement that is not followed: read from a cache, a list
            found += self.assigned(name, suspect, frame)
        return found

    def known(self, event: Event) -> bool:
        """Whether a value is known to be right: it is the derivative that it claims to be, or any true one."""
        final = self.judge.final.get((event.number, event.leaf))
        if final is None:
            return False
        constant = (event.number, event.leaf) in self.judge.constant
        if (
            not constant
            and self.judge.claimed.get((event.number, event.leaf))
            and event.site.number not in self.run.faults
        ):
            return event.site.number not in self.judge.ignored
        found = self.judge.recognise(event)
        return found is not None and not partial(found) and event.site.number not in self.run.faults

    def assigned(self, name: str, suspect: Suspect, frame: Any) -> list[tuple[int, Statement]]:
        for execution in range(suspect.execution - 1, -1, -1):
            if self.run.frames[execution] is frame:
                statement = self.program.statements[self.run.statements[execution]]
                node = statement.node
                targets = getattr(node, "targets", [])
                places = [p for t in targets for p in (t.elts if isinstance(t, (ast.Tuple, ast.List)) else [t])]
                if isinstance(node, ast.Assign) and name in [named(place) for place in places]:
                    events = [e for e in self.run.events if e.execution == execution and e.site.name == name]
                    return [] if events and all(self.known(e) for e in events) else [(execution, statement)]
        return []

    def called(self, suspect: Suspect) -> list[tuple[int, Statement]]:
        """The statements of helpers that the statement calls, if the forward does not run them too."""
        found: dict[int, int] = {}
        for execution, frame in enumerate(self.run.frames):
            if frame.caller == suspect.execution and frame.function not in self.judge.claims.shared:
                found.setdefault(self.run.statements[execution], execution)
        return [(execution, self.program.statements[number]) for number, execution in found.items()]

    def latest(self, number: int, until: int, frame: Any) -> int | None:
        return next(
            (x for x in range(until, -1, -1) if self.run.statements[x] == number and self.run.frames[x] is frame), None
        )

    # What to run

    def quick(self, fault: Fault) -> Stretch | None:
        """The wrong expressions of the fault alone."""
        pieces = [p for parts in self.parts[fault.site] for p in parts.pieces if not p.whole]
        return self.of_pieces(pieces, None)

    def of_pieces(self, pieces: list[Piece], start: Suspect | None) -> Stretch | None:
        """A stretch from the suspect's statement to the piece's expression, for some executions of it."""
        if not pieces:
            return None
        same = [
            p
            for p in pieces
            if (p.statement == pieces[0].statement and p.read is pieces[0].read)
            or ast.dump(p.read) == ast.dump(pieces[0].read)
        ]
        same = [p for p in same if p.statement == pieces[0].statement][:INSTANCES]
        last = self.program.statements[pieces[0].statement]
        statements, first = [], last
        if start is not None and start.statement.function is last.function:
            common = self.bench.common(start.statement, last)
            if common is None:
                return self.carried(same, start)
            if common[0][common[2]] is not last.node:
                return None
            block, i, j = common
            statements = block[i : j + (1 if pieces[0].whole else 0)]
            first = (
                self.program.statements[self.bench.numbers[id(block[i])]]
                if id(block[i]) in self.bench.numbers
                else last
            )
        elif pieces[0].whole:
            statements = [last.node]
        stretch = Stretch(last.function, statements, same[0].read)
        for piece in same:
            execution = self.latest(first.number, piece.execution, self.run.frames[piece.execution])
            if execution is None:
                return None
            self.look({execution})
            if execution not in self.moments:
                return None
            names = self.moments[execution].names
            stretch.instances.append(Instance(names, piece.targets, piece.index, {}, piece.spreads, piece.execution))
        return stretch

    def carried(self, pieces: list[Piece], start: Suspect) -> Stretch | None:
        """From a statement to a piece above it in the same loop: through the end of a round into the next."""
        last = self.program.statements[pieces[0].statement]
        common = self.bench.common(last, start.statement)
        if common is None or not last.loops or common[0] is not last.loops[-1].body:  # type: ignore[attr-defined]
            return None
        block, j, i = common
        if block[j] is not last.node or j == i:
            return None
        names = {n.id for n in ast.walk(getattr(last.loops[-1], "target", last.node)) if isinstance(n, ast.Name)}
        stretch = Stretch(
            last.function, [*block[i:], *block[: j + pieces[0].whole]], pieces[0].read, turn=len(block) - i
        )
        for piece in pieces:
            frame = self.run.frames[piece.execution]
            first = self.bench.numbers.get(id(block[i]))
            top = self.bench.numbers.get(id(block[0]))
            if first is None or top is None:
                return None
            execution, begin = self.latest(first, piece.execution, frame), self.latest(top, piece.execution, frame)
            if execution is None or begin is None or begin <= execution:
                continue
            self.look({execution, begin})
            if execution in self.moments and begin in self.moments:
                counters = {n: v for n, v in self.moments[begin].names.items() if n in names}
                before = self.moments[execution].names
                instance = Instance(before, piece.targets, piece.index, counters, piece.spreads, piece.execution)
                stretch.instances.append(instance)
        return stretch if stretch.instances else None

    def of_whole(self, fault: Fault, start: Suspect) -> Stretch | None:
        """A stretch from the suspect's statement to where the whole sum of the fault is complete."""
        parts = self.parts[fault.site][0]
        if parts.final is None or parts.birth is None:
            return None
        event, claim = parts.final
        if claim.value is None or event.kind == "argument" or (event.loops and self.replaced(event, claim)):
            return None
        at, born = self.pieces.place(event), self.pieces.place(parts.birth)
        if at is None or born is None or self.run.frames[at[0]] is not event.frame:
            return None
        last = at[1]
        read = self.pieces.reading(event, last)
        if read is None:
            return None
        own = start.statement.function is last.function
        from_ = start.statement if own else born[1]
        block_of_sum = self.bench.common(born[1], last) or self.bench.common(last, last)
        common = self.bench.common(from_, last)
        if common is None or block_of_sum is None:
            return None
        chain = self.bench.chain(last.function, from_.node)
        positions = [(b, i) for b, i in chain if b is block_of_sum[0]] or (
            [(common[0], common[1])] if len(self.bench.chain(last.function, born[1].node)) > len(chain) else []
        )
        if not positions:
            return None
        block, i = positions[0]
        ends = [j for b, j in self.bench.chain(last.function, last.node) if b is block]
        if not ends or ends[0] < i:
            return None
        number = self.bench.numbers.get(id(block[i]))
        if number is None:
            return None
        statements, instances = block[i : ends[0] + 1], self.wholes(fault, last, number)
        loop = isinstance(start.statement.node, (ast.For, ast.While))
        if instances and not loop and event.value is not None and event.shape == claim.shape and event.shape:
            target = instances[0].targets[0]
            worst = np.unravel_index(np.argmax(np.abs(target - event.value)), target.shape)
            statements, index = one_entry(statements, last.node, tuple(int(i) for i in worst))
            if index:
                instances = [Instance(instances[0].names, [target[index]], index)]
        return Stretch(last.function, statements, read, instances) if instances else None

    def wholes(self, fault: Fault, last: Statement, first: int) -> list[Instance]:
        """The names before statement `first` and the whole sum, for some of the fault's wrong executions."""
        found = []
        for event, claim in [parts.final for parts in self.parts[fault.site][:INSTANCES] if parts.final]:
            at = self.pieces.place(event)
            too_large = self.judge.large and claim.shape and np.prod(claim.shape) > self.judge.largest
            if at is None or at[1] is not last or claim.value is None or too_large:
                continue
            execution = self.latest(first, at[0], event.frame)
            self.look({execution} if execution is not None else set())
            if execution in self.moments:
                found.append(Instance(self.moments[execution].names, [self.judge.wanted(event, claim)]))
        return found

    def replaced(self, event: Event, claim: Event) -> bool:
        """Whether each round of a loop replaces what should be one sum: no stretch of one round can make it right."""
        rounds = [
            e for e in self.run.events if e.site is event.site and e.name == event.name and e.frame is event.frame
        ]
        single = event.kind == "assign" or (event.kind == "store" and event.index is None and not event.site.key)
        return single and len(rounds) > 1 and not claim.loops

    # The search

    def mend(self, fault: Fault) -> list[Mend]:
        """Changes that make the fault right, the best first."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about some of the changed programs
            return self.search(fault)

    def search(self, fault: Fault) -> list[Mend]:
        """The nearest statements and the simplest rules first, until a change mends the fault and its family."""
        end = min(time.thread_time() + SECONDS, self.end)
        suspects = self.suspects(fault)
        family = self.family(fault, suspects)
        many = len(self.run.faults) > 2
        jobs = [(self.cost(s, tier), tier, s) for s in suspects for tier in (0, 1, 2) if self.worth(s, tier)]
        found: list[Mend] = []
        last = np.inf
        for cost, tier, suspect in sorted(jobs, key=lambda job: job[0]):
            if cost > last:
                break
            found += self.attempt(fault, suspect, tier, min(end, time.thread_time() + SLICE))
            if found:
                self.counted(found, [f for f in self.run.faults.values() if f is not fault], suspects)
                enough = max(len(m.fixed) for m in found) > (len(self.run.faults) - 1 if many else len(family))
                last = min(last, cost + (0.5 * bool(suspect.distance) if enough else 0.6 if tier else 1.3))
            if time.thread_time() > end:
                self.out_of_time = not found
                break
        return sorted(found, key=Mend.key) or self.other_loops(fault)

    def raised(self) -> list[Mend]:
        """Changes with which a backward that raises is right: of the line that raises, and of those before it."""
        execution = len(self.run.statements) - 1
        fault = Fault(-1)
        self.parts[-1], self.bare = [Parts()], []
        suspects = [Suspect(self.program.statements[self.run.statements[-1]], execution, 0, {-1: []})]  # type: ignore[dict-item]
        for suspect in suspects:
            if suspect.distance < 2:
                known = {s.statement.number for s in suspects}
                for at, statement in self.sources(suspect):
                    if statement.number not in known:
                        known.add(statement.number)
                        suspects.append(Suspect(statement, at, suspect.distance + 1, {-1: []}))  # type: ignore[dict-item]
        found: list[Mend] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for suspect in suspects:
                found += self.attempt(fault, suspect, 0, time.thread_time() + SLICE)
        return sorted(found, key=Mend.key)

    def root(self, fault: Fault) -> Statement | None:
        """The first line of a chain of values that are no known gradient and that the fault is made of.

        Its own inputs are known, its value is not: so the mistake is most likely there, or right after it.
        """
        suspects = self.suspects(fault)
        factors = not self.judge.problem.one_call  # else what computes no gradient belongs to the loss itself
        chain = [s for s in suspects if s.distance and (self.computes(s) or (factors and makes(s.statement.node)))]
        deepest = max((s.distance for s in chain), default=0)
        last = [s for s in chain if s.distance == deepest]
        return last[-1].statement if len({s.statement.number for s in last}) == 1 else None

    def unused(self, root: Statement) -> list[Explanation]:
        """What the function computes or unpacks and never reads: it may be what is missing."""
        nodes = [n for n in ast.walk(root.function) if isinstance(n, ast.Name)]
        read = {n.id for n in nodes if isinstance(n.ctx, ast.Load)}
        made = [n.id for n in nodes if isinstance(n.ctx, ast.Store) and n.id not in read and not n.id.startswith("_")]
        names = list(dict.fromkeys(made))
        if not names or len(names) > 3:
            return []
        text = f"{', '.join(names)} is computed and used nowhere: something may be missing that needs it"
        return [Explanation(Cause.TERM_MISSING, text)]

    def other_loops(self, fault: Fault) -> list[Mend]:
        """Changes of the order and of the bounds of any loop, judged by the whole backward."""
        found: list[Mend] = []
        numbers = dict.fromkeys(self.run.statements)
        for number in [n for n in numbers if isinstance(self.program.statements[n].node, ast.For)][:6]:
            execution = self.run.statements.index(number)
            suspect = Suspect(self.program.statements[number], execution, DEEPEST, {fault.site: []})  # type: ignore[dict-item]
            found += self.attempt(fault, suspect, 0, time.thread_time() + SLICE)
        return sorted(found, key=Mend.key)

    def cost(self, suspect: Suspect, tier: int) -> float:
        """How far a change is fetched: simple rules and near statements are tried first."""
        if isinstance(suspect.statement.node, (ast.For, ast.While)):
            return 0.5
        return 1.4 * tier + 0.5 * suspect.distance + 0.5 * (not self.computes(suspect))

    def worth(self, suspect: Suspect, tier: int) -> bool:
        """Whether a tier is tried: a loop has only its order, and what is no gradient lacks no term."""
        if isinstance(suspect.statement.node, (ast.For, ast.While)):
            return tier == 0
        return tier < 2 or self.computes(suspect)

    def family(self, fault: Fault, suspects: list[Suspect]) -> list[Fault]:
        """The other faults that share a value with this one which is not known to be right: they are made of it."""
        mine = {s.statement.number for s in suspects if s.distance and self.computes(s)}
        others = [f for f in self.run.faults.values() if f is not fault]
        return [f for f in others if mine & {s.statement.number for s in self.suspects(f) if self.computes(s)}]

    def computes(self, suspect: Suspect) -> bool:
        """Whether the statement computes a gradient, and does not only unpack or loop."""
        events = [e for e in self.run.events if e.execution == suspect.execution and e.kind != "term"]
        return any((e.number, e.leaf) not in self.judge.constant for e in events)

    def counted(self, found: list[Mend], family: list[Fault], suspects: list[Suspect]) -> list[Mend]:
        """The mends, with the other faults that each mends too."""
        by_statement = {s.statement.number: s for s in suspects}
        for mend in found:
            suspect = by_statement[mend.statement.number]
            if len(mend.fixed) > 1:
                continue
            space, own = self.bench.space(mend.statement), mend.fixed
            for other in family:
                stretches = self.stretches(other, suspect)
                if stretches and any(self.tried(s, mend.change, space) for s in stretches):
                    mend.fixed |= {other.site}
            if len(mend.fixed) == len(self.run.faults) and not self.holds([mend.change], self.whole):
                mend.fixed = own  # each alone, but not all at once
        return found

    def stretches(self, fault: Fault, suspect: Suspect) -> list[Stretch]:
        if fault.site not in suspect.stretches:
            pieces = [p for parts in self.parts[fault.site] for p in parts.pieces]
            suspect.stretches[fault.site] = [
                s for s in (self.of_pieces(pieces, suspect), self.of_whole(fault, suspect)) if s
            ]  # type: ignore[assignment]
        return suspect.stretches[fault.site]  # type: ignore[return-value]

    def attempt(self, fault: Fault, suspect: Suspect, tier: int, end: float) -> list[Mend]:
        """Changes of one tier to one statement."""
        self.look({suspect.execution})
        if suspect.execution not in self.moments:
            return []
        stretches = self.stretches(fault, suspect)
        quick = self.quick(fault) if suspect.distance == 0 else None
        if not stretches and quick is None and tier == 2:
            return []
        running = [s for s in stretches if s.statements or suspect.distance]
        for several in [[s] for s in running] or [[]]:  # a piece of the sum runs much faster than the whole of it
            if found := self.tries(fault, suspect, tier, several, quick, end):
                return found
        whole_counts = tier == 0 and running and suspect.distance == 0 and len(self.run.faults) == 1
        return self.replacements(fault, suspect, [], end) if whole_counts else []  # what a loop builds up: all rounds

    def replacements(self, fault: Fault, suspect: Suspect, running: list[Stretch], end: float) -> list[Mend]:
        """Changes of the whole statement."""
        found, space = [], self.bench.space(suspect.statement)
        for change, make in changes(suspect.statement, self.scope(suspect, space), 0):
            if change.old is not suspect.statement.node or time.thread_time() > end:
                break  # those of the whole statement come first
            if fixed := self.mends(fault, change, running, space):
                found.append(replace(make(), distance=suspect.distance, fixed=fixed))
        return found

    def tries(self, fault: Fault, suspect: Suspect, tier: int, running: list[Stretch], quick: Stretch | None,
              end: float) -> list[Mend]:  # fmt: skip
        """The changes that are right by a stretch; those of the wrong expression itself, by it alone (quick)."""
        found: list[Mend] = []
        space = self.bench.space(suspect.statement)
        scope = self.scope(suspect, space)
        inside = {id(n) for n in ast.walk(quick.read)} if quick is not None else set()
        if tier == 0:
            found = self.before_loop(fault, suspect, space)
        first = quick.read if quick is not None else None
        for change, make in changes(suspect.statement, scope, tier, self.cause, first):
            elsewhere = inside and id(change.old) not in inside and change.old is not suspect.statement.node
            if time.thread_time() > end or (found and elsewhere and len(self.run.faults) == 1):
                break  # the wrong piece itself has a mend; with more faults another change may mend them all
            if fixed := self.mends(fault, change, [quick] if id(change.old) in inside else running, space):
                found.append(replace(make(), distance=suspect.distance, fixed=fixed))
        return found

    def cause(self, candidate: Candidate, scope: Scope, statement: ast.stmt) -> Cause:
        """The name of the mistake: that of the rule, unless the values say it more exactly."""
        cause, old, new = candidate.rule.cause, scope.value(candidate.old), scope.value(candidate.new)
        gone = re.search(r"{([ABD])}", candidate.rule.text) if cause is Cause.FACTOR_EXTRA else None
        if gone is not None and is_setting(factor := candidate.found[gone[1]]):
            if (dropped := scope.value(factor)) is not None and np.ndim(dropped) == 0:
                return Cause.CONSTANT
        if (
            cause in (Cause.VARIABLE, Cause.OPERATION, Cause.FACTOR_MISSING, Cause.FACTOR_EXTRA)
            and np.ndim(old) == 0
            and numeric(old)
            and is_setting(candidate.old)
            and any(e.shape for e in self.judge.truth.inputs.values())  # of a function of numbers each is a variable
        ):
            return Cause.CONSTANT
        if cause in (Cause.VARIABLE, Cause.ACTIVATION, Cause.OPERATION) and is_multiple(old, new):
            return Cause.CONSTANT
        if cause is Cause.ACTIVATION and "np.sign" in show(candidate.new):
            return Cause.OPERATION
        if cause in (Cause.VARIABLE, Cause.ACTIVATION) and isinstance(old, np.ndarray) and new is not None:
            a, b = np.asarray(old), np.asarray(new)
            if activation_of(a, b) or activation_of(b, a):
                return Cause.PRE_ACTIVATION
            if self.other_step(a, b):
                return Cause.STEP
            if is_mask(a) or is_mask(b):
                return Cause.MASK
            if a.ndim > 1 and any(np.array_equal(b, np.flip(a, axes)) for axes in ((0, 1), (-2, -1))):
                return Cause.FLIPPED
        if isinstance(candidate.new, ast.Slice) and self.cuts_padding(candidate, scope, statement):
            return Cause.BORDER
        return cause

    def cuts_padding(self, candidate: Candidate, scope: Scope, statement: ast.stmt) -> bool:
        """Whether a new slice cuts off exactly what is constant around a value of the forward: its padding."""
        cut = [n for n in ast.walk(statement) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Load)
               and any(i is candidate.old for i in ast.walk(n.slice))]  # fmt: skip
        base = scope.value(cut[0].value) if cut else None
        if not isinstance(base, np.ndarray):
            return False
        places = Scope({**scope.names, "__places__": np.arange(base.size).reshape(base.shape)}, scope.outside, set())
        new = replaced(cut[0].slice, candidate.old, candidate.new)
        kept = places.value(ast.Subscript(ast.Name("__places__", ast.Load()), new, ast.Load()))
        padded = [e.value for e in self.judge.truth.by_shape[base.shape] if e.value is not None]
        return any(0 < np.size(kept) < base.size and np.ptp(np.delete(value, kept)) == 0 < np.ptp(value.flat[kept])
                   for value in padded)  # fmt: skip

    def other_step(self, one: np.ndarray, two: np.ndarray) -> bool:
        """Whether two arrays are values of one variable of the forward in two rounds of a loop."""

        def rounds(value: np.ndarray) -> set[tuple[str, str]]:
            alike = [e for e in self.judge.truth.events if e.value is not None and e.shape == value.shape and e.loops
                     and np.array_equal(e.value, value)]  # fmt: skip
            return {(e.site.name, str(e.loops)) for e in alike if e.site.name}

        return any(n == m and a != b for n, a in rounds(one) for m, b in rounds(two))

    def before_loop(self, fault: Fault, suspect: Suspect, space: dict[str, Any]) -> list[Mend]:
        """The statement once before the loop, and not in every round of it."""
        node = suspect.statement.node
        if not suspect.statement.loops or not isinstance(node, ast.Assign):
            return []
        number = self.bench.numbers.get(id(suspect.statement.loops[0]))
        if number is None:
            return []
        loop = self.program.statements[number]
        without = replaced(loop.node, node, [])
        change = Change(loop, loop.node, [node, without])
        execution = self.latest(number, suspect.execution, self.run.frames[suspect.execution])
        if execution is None:
            return []
        stretch = self.of_whole(fault, Suspect(loop, execution, suspect.distance))
        if stretch is None or not self.tried(stretch, change, space):
            return []
        text = f"{show(node)} starts anew in every round: it belongs before the loop"
        return [Mend(change, Cause.ASSIGNS, text, 0, 0, suspect.distance, 0, frozenset({fault.site}), at=node)]

    def mends(self, fault: Fault, change: Change, stretches: list[Any], space: dict[str, Any]) -> frozenset[int]:
        """The faults that a change mends: this one, by a stretch; without any, all of them, by the whole backward."""
        if stretches:
            if not any(self.tried(stretch, change, space) for stretch in stretches):
                return frozenset()
            if len(self.run.faults) > 1:
                return frozenset({fault.site})
        return frozenset(self.run.faults) if self.holds([*self.bench.mended, change], self.whole) else frozenset()

    def holds(self, changes: list[Change], test: Callable[[Any], bool]) -> bool:
        """Whether the backward passes a test with these changes of the program."""
        try:
            with self.bench.applied(changes), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                return test(self.judge.problem.backward)
        except Exception:  # a changed program may fail in any way
            return False

    def reads_cache(self, fault: Fault) -> bool:
        """Whether the wrong expressions read arrays that do not depend on the upstream gradient."""
        read = [n.id for parts in self.parts[fault.site] for p in parts.pieces for n in ast.walk(p.read)
                if isinstance(n, ast.Name)]  # fmt: skip
        return any(name not in self.gradients for name in read) or not read

    def tried(self, stretch: Stretch, change: Change, space: dict[str, Any]) -> bool:
        if change.statement.function is stretch.function:
            return self.bench.right(stretch, change, space)
        try:
            with self.bench.applied([change]):
                return self.bench.right(stretch, None, space)
        except (SyntaxError, ValueError, TypeError):
            return False

    def scope(self, suspect: Suspect, space: dict[str, Any]) -> Scope:
        names = self.moments[suspect.execution].names
        texts = [show(n) for n in ast.walk(suspect.statement.function)
                 if isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Load)
                 and not (isinstance(n, ast.Attribute) and n.attr in METHODS)]  # fmt: skip
        own = {n.id for loop in (*suspect.statement.loops, suspect.statement.node) for n in ast.walk(loop)
               if isinstance(n, ast.Name)}  # fmt: skip
        over = {n.id for loop in ast.walk(suspect.statement.function) if isinstance(loop, (ast.For, ast.While))
                for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - own  # fmt: skip
        names = {n: v for n, v in names.items() if n not in over or not whole(v)}  # counters that a loop has left
        scope = Scope(names, space, self.gradients, dict.fromkeys(texts))
        scope.carried = [name for name in left_behind(suspect.statement.function) if name in self.gradients]
        return scope


def one_entry(block: list[ast.stmt], store: Any, entry: tuple[int, ...]) -> tuple[list[ast.stmt], tuple[int, ...]]:
    """Loops that go over the entries of an array, for n: for c: dx[n, c, ...] += ..., with the rounds of one entry.

    (block, that part of the entry which the loops choose). It runs as many times faster as there are such rounds.
    """
    target = getattr(store, "target", None) or getattr(store, "targets", [None])[0]
    if not isinstance(target, ast.Subscript):
        return block, ()
    nodes = [n for statement in block for n in ast.walk(statement)]
    same = [
        n for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and named(n) == named(target)
    ]
    loops = {show(n.target): n.iter for n in nodes if isinstance(n, ast.For) and any(i is store for i in ast.walk(n))}
    index: list[int] = []
    for places in zip(entry, *(n.slice.elts if isinstance(n.slice, ast.Tuple) else [n.slice] for n in same)):
        texts = {show(place) for place in places[1:]}
        counter = loops.get(texts.pop())
        if (
            texts
            or counter is None
            or not (isinstance(counter, ast.Call) and show(counter.func) == "range" and len(counter.args) == 1)
        ):
            break
        index.append(int(places[0]))
        once = ast.copy_location(ast.Tuple([ast.Constant(index[-1])], ast.Load()), counter)
        block = [replaced(statement, counter, ast.fix_missing_locations(once)) for statement in block]
    return block, tuple(index)


def changes(statement: Statement, scope: Scope, tier: int, cause: Callable[..., Cause] | None = None,
            first: ast.expr | None = None) -> Iterator[tuple[Change, Callable[[], Mend]]]:  # fmt: skip
    """Every change of one tier to a statement, with what makes the mend of it.

    cause: gives the name of the mistake, if the rule's is not exact enough. first: the expression to begin with.
    """
    for name, text, new in statement_candidates(statement.node, scope, tier):
        change = Change(statement, statement.node, new)
        subtracts = isinstance(new[0], ast.AugAssign) and isinstance(new[0].op, ast.Sub)  # likelier a wrong sign
        yield (
            change,
            functools.partial(Mend, change, name, text, tier, 300 if subtracts else RANKS.get(name, 300), 0, 0),
        )

    def made(change: Change, candidate: Candidate) -> Mend:
        size = len(show(candidate.new)) - len(show(candidate.old))
        name = cause(candidate, scope, statement.node) if cause else candidate.rule.cause
        return Mend(change, name, candidate.text(), tier, candidate.rank, 0, size, by_chance=candidate.by_chance)

    places = list(roots(statement.node))
    if first is not None:
        places = [(first, "value"), *((root, where) for root, where in places if root is not first)]
    inside = {id(n) for n in ast.walk(first)} if first is not None else set()
    for root, where in places:
        for candidate in candidates(root, where, scope, tier):
            if root is first or id(candidate.old) not in inside:
                change = Change(statement, candidate.old, candidate.new)
                yield change, functools.partial(made, change, candidate)


def owner(name: str) -> str:
    """The variable that a name belongs to: grads for grads.W, self.dh for self.dh.3."""
    parts = name.split(".")
    return ".".join(parts[: 1 + (parts[0] == "self")])


def left_behind(function: ast.AST) -> list[str]:
    """Names that a loop of the function assigns and nothing reads, but for their own assignments."""
    loops = [n for n in ast.walk(function) if isinstance(n, (ast.For, ast.While))]
    assigned = {n.id for loop in loops for s in loop.body for n in ast.walk(s)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
    read: set[str] = set()
    for statement in ast.walk(function):
        if isinstance(statement, ast.stmt):
            names = [n for field in ast.iter_child_nodes(statement) if not isinstance(field, ast.stmt)
                     for n in ast.walk(field) if isinstance(n, ast.Name)]  # fmt: skip
            own = {n.id for n in names if isinstance(n.ctx, ast.Store)}
            read |= {n.id for n in names if isinstance(n.ctx, ast.Load)} - own
    return sorted(assigned - read)


def makes(node: ast.stmt) -> bool:
    """Whether a statement computes an array, and does not only unpack or begin one."""
    inside = list(ast.walk(node.value)) if isinstance(node, ast.Assign) else []
    return sum(isinstance(n, ast.BinOp) for n in inside) > 1


def in_index(node: ast.AST, target: ast.AST) -> bool:
    """Whether a node stands in an index of what is assigned."""
    indices = [n.slice for n in ast.walk(target) if isinstance(n, ast.Subscript)]
    return any(node is n for index in indices for n in ast.walk(index))


def is_setting(node: ast.expr) -> bool:
    """Whether a number is a setting or a size, and not an entry of an array."""
    return not any(isinstance(n, ast.Subscript) and not isinstance(n.value, ast.Attribute) for n in ast.walk(node))


def partial(event: Event) -> bool:
    """Whether a value of the forward is one use of a variable, not the whole of it."""
    return event.kind == "use" or (event.kind == "part" and bool(event.site.name))


def is_multiple(old: Any, new: Any) -> bool:
    """Whether an array is a number times another, not 1 or -1."""
    if not (numeric(old) and numeric(new)) or np.size(old) < 2 or np.shape(old) != np.shape(new) or not np.any(old):
        return False
    a, b = np.asarray(old, float), np.asarray(new, float)
    where = np.unravel_index(np.argmax(np.abs(a)), a.shape)
    number = b[where] / a[where]
    return bool(number) and abs(number) != 1 and bool(np.allclose(b, number * a, rtol=1e-9))


def is_mask(value: np.ndarray) -> bool:
    """Whether an array lets some entries through and others not: bool, or 0 and one other number."""
    if value.dtype.kind == "b":
        return True
    numbers = np.unique(value) if value.size < 10_000 else value
    return value.size > 2 and numbers.size == 2 and bool(0 in numbers)


def activation_of(y: np.ndarray, x: np.ndarray) -> bool:
    """Whether y is tanh, sigmoid, exp or ReLU of x."""
    if x.dtype.kind != "f" or y.dtype.kind != "f" or x.shape != y.shape or x.size < 2 or np.array_equal(x, y):
        return False
    with np.errstate(all="ignore"):
        return any(np.allclose(y, f, rtol=1e-9, atol=1e-12)
                   for f in (np.tanh(x), 1 / (1 + np.exp(-x)), np.maximum(x, 0), np.exp(x)))  # fmt: skip

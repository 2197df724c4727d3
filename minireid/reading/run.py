"""A small real run of a page, followed: the value of every name, expression and term, and the true derivatives.

A *place* is a piece of a line that has a value: a name that is assigned, a part of an expression, a term of a sum. Its
value depends on the round of the page's loop: the frame t of a recurrent layer.

In the backward a name claims to be the derivative by a value of the forward. The checker measures the true one
(gradcheck/line/truth.py), so each claim is proved or refuted here. A term of a sum is the derivative by *one use* of a
variable. Which one is measured too: so terms and uses are joined by proof, not by their names.
"""

import ast
import linecache
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.line.bench import Bench
from minireid.gradcheck.line.follow import following
from minireid.gradcheck.line.judge import Judge
from minireid.gradcheck.line.judge import Run as Execution
from minireid.gradcheck.line.program import Program
from minireid.gradcheck.line.readers import claim_by_readers
from minireid.gradcheck.line.trace import FORWARD, Event, Moment, Tracer, run
from minireid.gradcheck.line.truth import Truth
from minireid.gradcheck.tensor.problem import Problem
from minireid.reading.expressions import evaluated, inner_expressions, is_repeatable
from minireid.reading.place import ONCE, Followed, Place
from minireid.reading.proofs import Proofs
from minireid.reading.rules import rule_of


def follow(problem: Problem, filename: str, *, alone: bool = False) -> Followed:
    """Run a problem (with its upstream gradient) and follow what stands in this file.

    alone: the functions that it calls in other files are not followed. Of a network these are all its layers, and each
    has a page of its own.
    """
    tracer = Tracer()
    only = (lambda code: code.co_filename == filename) if alone else (lambda code: True)
    with following(tracer, lambda: problem.backwards(problem.backward), only=only) as program:
        tracer.program = program
        truth = Truth(problem, tracer)
        judge = Judge(problem, tracer, truth)
        if alone:
            judge.ignored = frozenset(site.number for site in program.sites)  # a name may say anything: proofs alone
            judge.largest = 0  # and these are proved along random directions: maps have many entries
        else:
            judge.settle()
            if not judge.large:
                claim_by_readers(judge, program)
        return Collector(program, tracer, judge, filename).collected()


class Collector:
    """Goes through the events of one run, forward and backward, and makes the places."""

    def __init__(self, program: Program, tracer: Tracer, judge: Judge, filename: str) -> None:
        self.program, self.tracer, self.judge, self.filename = program, tracer, judge, filename
        self.truth, self.problem, self.proofs = judge.truth, judge.problem, Proofs(judge)
        self.places: dict[tuple[str, str, int, tuple[int, int], str], Place] = {}
        self.loop = main_loop([e for e in judge.forward_events if e.site.filename == filename])
        self.loop = self.loop or main_loop([e for e in judge.plain.events if e.site.filename == filename])
        self.rounds: dict[str, list[str]] = {"forward": [], "backward": []}

    def collected(self) -> Followed:
        watched = self.executions_of(*self.forward_again())
        forward, moments, statements = self.forward_again(frozenset(watched))
        self.expressions("forward", moments, statements, forward)
        for event in forward:
            self.event("forward", event)
        again = self.judge.backward(watched=frozenset(self.executions_of(*as_run(self.judge.plain))))
        self.expressions("backward", again.moments, again.statements, again.events)
        for event in again.events:
            self.event("backward", event)
        self.join_terms(again)
        gradients = {} if again.result is None else leaves_of(self.problem, again.result)
        error = "" if again.error is None else f"{type(again.error).__name__}: {again.error}"
        named = {(p.line, p.columns) for p in self.places.values() if p.kind in ("name", "term")}
        own = [p for p in self.places.values() if p.kind != "expression" or (p.line, p.columns) not in named]
        places = sorted(own, key=lambda p: (p.line, p.columns[0], -p.columns[1]))
        renumber(places)
        return Followed(places, self.loop, self.rounds, self.reads(), self.problem, gradients, error)

    def forward_again(self, watched: frozenset[int] = frozenset()) -> tuple[list[Event], dict[int, Moment], list[int]]:
        inputs = self.problem.copied()
        events = run(self.tracer, FORWARD, lambda: inputs.call(self.problem.forward), watched=watched)
        found = events, self.tracer.moments, self.tracer.statements
        self.tracer.off()  # expressions that are evaluated later report nothing
        return found

    def executions_of(self, events: Any, moments: Any, statements: list[int]) -> list[int]:
        return [x for x, s in enumerate(statements) if self.program.statements[s].filename == self.filename]

    # Places

    def place(self, side: str, kind: str, line: int, columns: tuple[int, int], text: str, function: str) -> Place:
        key = (side, kind, line, columns, text)
        if key not in self.places:
            self.places[key] = Place(len(self.places), side, kind, line, columns, text, function)
        return self.places[key]

    def round_of(self, side: str, loops: dict[str, Any]) -> str:
        key = str(loops[self.loop]) if self.loop in loops else ONCE
        if key not in self.rounds[side] and key != ONCE:
            self.rounds[side].append(key)
        return key

    def event(self, side: str, event: Event) -> None:
        """An event as the value of a place: a name, an argument, an entry of a dict, a term."""
        kinds = {"assign": "name", "add": "name", "store": "name", "touch": "name", "item": "name",
                 "argument": "argument", "term": "term", "use": "use", "return": "name"}  # fmt: skip
        if event.site.filename != self.filename or event.kind not in kinds or event.value is None:
            return
        if event.kind == "assign" and (event.leaf or self.is_empty(event)):
            return  # a dict: its entries have places where they are made; np.empty: nothing is written there yet
        if event.kind == "return" and self.is_known(event) and not self.is_wrong(side, event):
            return
        place = self.place_of(side, kinds[event.kind], event)
        key = self.round_of(side, event.loops)
        place.values[key] = stored(event)
        if event.kind == "use" and not place.live:
            place.live = bool(np.any(self.truth.print(event, 1)))
            statement = self.program.statements[event.site.statement].node
            place.rule = rule_of(statement, event.line, event.site.columns)
        if side == "backward" and self.judge.is_final(event):
            self.proofs.prove(place, key, event)

    def is_known(self, event: Event) -> bool:
        """Whether what is returned has a name, or is a dict with entries, which have places already."""
        text = self.written(event)
        return text.isidentifier() or (bool(event.leaf) and " for " not in text)

    def is_wrong(self, side: str, event: Event) -> bool:
        """Whether a gradient that is returned under its name is wrong: only the whole sum shows it."""
        tried = Place(-1, side, "name", event.line, (0, 0), "", "")
        if side == "backward" and self.judge.certain_event(event):
            self.proofs.prove(tried, ONCE, event)
        return bool(tried.wrong)

    def is_empty(self, event: Event) -> bool:
        value = getattr(self.program.statements[event.site.statement].node, "value", None)
        return isinstance(value, ast.Call) and ast.unparse(value.func).endswith((".empty", ".empty_like"))

    def place_of(self, side: str, kind: str, event: Event) -> Place:
        text = self.written(event) if kind in ("term", "use") else event.name
        place = self.place(side, kind, event.line, self.columns(event), text, event.site.function)
        place.name = event.name
        return place

    def columns(self, event: Event) -> tuple[int, int]:
        return self.characters(event.line, *event.site.columns)

    def characters(self, line: int, *columns: int) -> tuple[int, int]:
        """Columns as characters: the syntax tree counts bytes."""
        text = linecache.getline(self.filename, line).encode("utf-8")
        start, end = (len(text[:c].decode("utf-8", "replace")) for c in columns)
        return start, end

    def written(self, event: Event) -> str:
        start, end = self.columns(event)
        return linecache.getline(self.filename, event.line)[start:end]

    def expressions(self, side: str, moments: dict[int, Moment], statements: list[int], events: list[Event]) -> None:
        """The values of the parts of every expression: evaluated once more with the names of that moment."""
        loops = {e.execution: e.loops for e in events}
        bench = Bench(self.program, 0)
        spaces: dict[int, dict[str, Any]] = {}
        for execution, moment in moments.items():
            statement = self.program.statements[statements[execution]]
            if id(statement) not in spaces:
                spaces[id(statement)] = bench.space(statement)
            names = {**spaces[id(statement)], **moment.names}
            around = self.round_of(side, loops.get(execution, self.loops_from(moment.names)))
            inner = inner_expressions(statement)
            if inner and not is_repeatable(statement.node.value, names):  # type: ignore[attr-defined]
                inner = [n for n in inner if not any(isinstance(part, ast.Call) for part in ast.walk(n))]
            for node in inner:
                value = evaluated(node, names)
                if value is not None:
                    columns = self.characters(node.lineno, node.col_offset, node.end_col_offset or 0)
                    text = linecache.getline(self.filename, node.lineno)[slice(*columns)]
                    place = self.place(side, "expression", node.lineno, columns, text, statement.function.name)
                    place.values[around] = value

    def loops_from(self, names: dict[str, Any]) -> dict[str, Any]:
        return {self.loop: names[self.loop]} if isinstance(names.get(self.loop), (int, np.integer)) else {}

    # Joins

    def join_terms(self, execution: Execution) -> None:
        """Join each term of a sum with the use of the variable whose derivative it is. Each name with all uses."""
        sums: dict[tuple[int, int], list[Event]] = {}
        finals: dict[int, Event] = {}
        for event in execution.events:
            if event.kind == "term":
                sums.setdefault((event.execution, event.site.sum), []).append(event)
            elif event.kind in ("assign", "add", "store", "item"):
                finals[event.execution] = event
        for (number, _), terms in sums.items():
            claims = self.judge.claimed.get((finals[number].number, finals[number].leaf)) if number in finals else None
            if claims and terms[0].site.filename == self.filename:
                uses = self.uses_of(claims[0])
                for term in terms:
                    self.join(term, uses)
        for place in self.places.values():
            if place.side == "backward" and place.claim and not place.uses:
                place.uses = [p.number for p in self.places.values() if p.live and (p.name, p.function) == place.claim]

    def uses_of(self, claim: Event) -> list[Event]:
        """Where the forward reads the variable of this event: the same name, in the same call and round."""
        return [e for e in self.truth.events if e.kind == "use" and e.name == claim.name and e.shape == claim.shape
                and e.frame.number == claim.frame.number and e.loops == claim.loops]  # fmt: skip

    def join(self, term: Event, uses: list[Event]) -> None:
        place = self.place_of("backward", "term", term)
        for use in uses:
            if term.shape == use.shape and self.truth.is_by(term.print, term.norm, use):
                there = self.place_of("forward", "use", use)
                place.claim = (use.name, use.site.function)
                if there.live and there.number not in place.uses:
                    place.uses.append(there.number)
                return

    def reads(self) -> list[tuple[str, str, int]]:
        """(name, name that it is computed from, line) for every assignment of the forward in this file."""
        found: dict[tuple[str, str, int], None] = {}
        made: dict[int, list[Event]] = {}
        for event in self.judge.forward_events:
            if event.kind in ("assign", "add", "store") and event.site.filename == self.filename:
                made.setdefault(event.execution, []).append(event)
        for event in self.judge.forward_events:
            if event.kind == "use" and event.site.name and event.site.filename == self.filename:
                for target in made.get(event.execution, []):
                    found[target.name, event.name, target.line] = None
        return list(found)


def stored(event: Event) -> np.ndarray:
    """What a line has written: of dx[:, t] = … this frame alone."""
    assert event.value is not None
    if event.kind != "store" or event.index is None or event.value.shape != event.shape:
        return event.value
    try:
        return np.array(event.value[event.index[0]])
    except (IndexError, TypeError):  # the part of a forward's store is kept already
        return event.value


def main_loop(events: list[Event]) -> str:
    """The loop variable that counts the rounds of a page: the outermost one that has several values."""
    for name in dict.fromkeys(name for e in events for name in e.loops):
        found = {e.loops[name] for e in events if name in e.loops}
        if len(found) > 1 and all(isinstance(value, (int, np.integer)) for value in found):
            return name
    return ""


def as_run(execution: Execution) -> tuple[Any, Any, list[int]]:
    return execution.events, execution.moments, execution.statements


def renumber(places: list[Place]) -> None:
    new = {place.number: n for n, place in enumerate(places)}
    for place in places:
        place.number, place.uses = new[place.number], sorted(new[u] for u in place.uses)


def leaves_of(problem: Problem, result: Any) -> dict[str, np.ndarray]:
    """What the backward returned, by the names of the inputs. Empty if these are not their gradients."""
    try:
        return {name: np.asarray(array, float) for name, array in leaves(problem.by_name(result))}
    except Exception:  # somebody's backward can return anything
        return {}

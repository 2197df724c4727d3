"""Which line is wrong: every variable of a backward against the true derivative by the forward's variable of that name.

    F1  true dv  =  dL / dv,  by moving v where the forward computes it and watching the loss   (taps.py)

A backward variable `dz` ought to be the derivative by the forward's `z`, at the same time step. Names are not all:
a value that *is* some true derivative is recognised under whatever name, so that `delta`, or a sloppy `dz` for the
derivative by az, is followed as well. Comparing whole arrays entry by entry would take too long, so each is compared
along three random directions u:

    F2  sum(dv * u)  =  d/de L(v + e u)        one run of the forward on the right; equal for all u only if dv is right

A variable used in several places collects a term from each. Moving v *at one use* alone gives that term's true value:
so the terms of a sum, and the steps of an accumulation (`dh += …`), are judged one by one, and what is missing is
named.
"""

import ast
import contextlib
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.problem import Problem, complex_arrays, weighted_sum
from minireid.gradcheck.taps import Event, Tracer, source_of, tapped

DIRECTIONS = 3
TINY = 1e-30  # the imaginary step: nothing is subtracted, so it may be as small as one likes


class Truth:
    """The true derivatives of the loss by every value inside the forward, along random directions or in full."""

    def __init__(self, problem: Problem, forward: Callable[..., Any], tracer: Tracer) -> None:
        self.problem, self.forward, self.tracer = problem, forward, tracer
        self.found: dict[tuple[int, str], np.ndarray] = {}
        self.directions: dict[tuple[int, ...], np.ndarray] = {}
        self.imaginary = True
        self.events = record(tracer, lambda: problem.call(forward))
        self.imaginary = self.complex_works()

    def complex_works(self) -> bool:
        """Whether the complex step gives what differences give, for every input."""
        for event in [e for e in self.events if e.site.kind == "argument" and e.frame == 1]:
            u = self.direction(event.value.shape)[0]
            try:
                c = self.along(event, u)
            except Exception:  # whatever complex numbers break in somebody's function: then differences it is
                return False
            self.imaginary = False
            near = [np.isclose(c, self.along(event, u, h), rtol=1e-4, atol=1e-6 * (1 + abs(c))) for h in (1e-5, 1e-7)]
            self.imaginary = True
            if not any(near):  # a kink within one step may be out of reach of a smaller
                return False
        return True

    def direction(self, shape: tuple[int, ...]) -> np.ndarray:
        if shape not in self.directions:
            rng = np.random.default_rng([7, *shape])
            self.directions[shape] = rng.normal(size=(DIRECTIONS, *shape))
        return self.directions[shape]

    def loss(self, event: Event, by: Any) -> complex:
        self.tracer.reset(target=event.number, by=by, leaf=self.leaf(event))
        arrays = complex_arrays(self.problem.arrays) if self.imaginary else self.problem.arrays
        with warnings.catch_warnings():
            warnings.simplefilter("error" if self.imaginary else "ignore", np.exceptions.ComplexWarning)
            return weighted_sum(self.problem.upstream, self.problem.call(self.forward, arrays)[0])

    def leaf(self, event: Event) -> str:
        return event.leaf

    def along(self, event: Event, u: np.ndarray, h: float = 1e-5) -> float:
        """d/de of the loss with e u added to the event's value."""
        if self.imaginary:
            return self.loss(event, 1j * TINY * u).imag / TINY
        return (self.loss(event, h * u).real - self.loss(event, -h * u).real) / (2 * h)

    def fingerprint(self, event: Event) -> np.ndarray:
        """F2's right side for the three directions."""
        key = (event.number, event.leaf)
        if key not in self.found:
            self.found[key] = np.array([self.along(event, u) for u in self.direction(event.value.shape)])
        return self.found[key]

    def holds(self, stored: Event, event: Event) -> bool:
        """Whether what was stored into a part of an array is that part of the derivative by `event`."""
        directions = [u * stored.part for u in self.direction(event.value.shape)]
        return self.same(self.print_of(stored.value), np.array([self.along(event, u) for u in directions]))

    def kinked(self, event: Event) -> bool:
        """Whether the loss has a corner at the event's value: the slopes forwards and backwards differ."""
        u = self.direction(event.value.shape)[0]
        return not np.isclose(self.along(event, u), -self.along(event, -u), rtol=1e-4, atol=1e-12)

    def print_of(self, value: np.ndarray) -> np.ndarray:
        """F2's left side for any array."""
        return np.array([np.sum(value * u) for u in self.direction(value.shape)])

    def same(self, one: np.ndarray, other: np.ndarray) -> bool:
        scale = max(np.abs(one).max(), np.abs(other).max())
        return bool(np.abs(one - other).max() <= (1e-8 if self.imaginary else 1e-5) * scale + 1e-13)

    def in_full(self, event: Event) -> np.ndarray:
        """dL / dv, entry by entry."""
        full = np.zeros(event.value.shape)
        for index in np.ndindex(full.shape):
            u = np.zeros(full.shape)
            u[index] = 1
            full[index] = self.along(event, u)
        return full


def record(tracer: Tracer, run: Callable[[], Any]) -> list[Event]:
    """The events of one run. A line that runs too often is found in the first round and left out of the next."""
    for _ in range(2):
        tracer.reset(recording=True)
        before = len(tracer.skipped)
        with contextlib.suppress(Exception):  # what happened before somebody's function raised is worth something too
            run()
        if len(tracer.skipped) == before:
            break
    return tracer.events


@dataclass
class Verdict:
    """What is known of one backward event. state: right, part, wrong, unknown or constant."""

    event: Event
    state: str
    of: Event | None = None  # the forward's event that it is (or should be) the derivative by
    terms: list[tuple[Event, Event | None]] = field(default_factory=list)  # each term, and the use that it comes from


@dataclass
class Look:
    """Everything found inside: the verdicts in the order of the backward's execution, and the first wrong one."""

    truth: Truth
    verdicts: list[Verdict]
    wrong: Verdict | None
    skipped: list[str]
    scopes: dict[int, dict[str, Any]]

    @property
    def right_before(self) -> list[str]:
        """Names that were right before the first wrong one, in order, each once."""
        names = []
        for verdict in self.verdicts:
            if verdict is self.wrong:
                break
            derived = verdict.of is not None or verdict.event.number == 0  # the first argument is the upstream gradient
            if (
                verdict.state == "right"
                and derived
                and verdict.event.site.kind in ("assign", "argument", "store", "item")
            ):
                names.append(readable(verdict.event))
        return list(dict.fromkeys(names))


def look(problem: Problem) -> Look | None:
    """None where the forward's or the backward's source cannot be had or followed."""
    fore, back = tapped(problem.forward), tapped(problem.backward, slices=False)
    if fore is None or back is None:
        return None
    truth = Truth(problem, *fore)
    backward, tracer = back
    events = record(tracer, lambda: problem.backwards(backward))
    other = problem.with_other_upstream()
    again = record(tracer, lambda: other.backwards(backward))
    constant = {e.number for e, o in zip(events, again) if e.site == o.site and np.array_equal(e.value, o.value)}
    skipped = sorted({f"line {t.sites[n].line}" for t in (truth.tracer, tracer) for n in t.skipped})
    judge = Judge(truth, problem, constant, events)
    verdicts = [judge.verdict(event) for event in events if event.site.kind not in ("use", "term")]
    judge.by_site(verdicts)
    judge.by_name(verdicts)
    judge.finish(verdicts)
    wrong = next((v for v in verdicts if v.state == "wrong"), None)
    wrong = unfinished(wrong, verdicts, problem) or wrong
    return Look(truth, verdicts, wrong, skipped, tracer.scopes)


def unfinished(wrong: Verdict | None, verdicts: list[Verdict], problem: Problem) -> Verdict | None:
    """A nameless variable that the wrong line reads, and that holds only one use's share of what it stands for."""
    source = source_of(problem.backward)
    if wrong is None or source is None:
        return None
    lines = [n for n in ast.walk(source.tree) if isinstance(n, ast.stmt) and n.lineno == wrong.event.site.statement]
    names = {
        n.id for line in lines[-1:] for n in ast.walk(line) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }
    before = verdicts[: next((n for n, v in enumerate(verdicts) if v is wrong), 0)]
    latest = {v.event.name: v for v in before if v.event.frame == wrong.event.frame and v.event.name in names}
    for verdict in latest.values():
        nameless = verdict.of is not None and verdict.of.site.kind == "use"
        if verdict.state == "part" and nameless and verdict.event.site.kind == "assign" and not handed_back(verdict):
            return Verdict(verdict.event, "wrong", None, [(verdict.event, verdict.of)])
    return None


def filled(events: list[Event], problem: Problem) -> set[tuple[int, str]]:
    """(call, name) of what is made empty and filled later: by a store, by `+=`, by a function, or through a view."""
    found = {
        (e.frame, e.site.name.partition(".")[0])
        for e in events
        if e.site.kind in ("store", "touch") or e.site.key == "+"
    }
    source = source_of(problem.backward)
    assigned = [n.value for n in ast.walk(source.tree) if isinstance(n, ast.Assign)] if source else []
    views = {v.value.id for v in assigned if isinstance(v, ast.Subscript) and isinstance(v.value, ast.Name)}
    return found | {(e.frame, e.site.name) for e in events if e.site.name in views}


def handed_back(verdict: Verdict) -> bool:
    """Whether its name says that it is a share: dh_next, carry, from_future are names for what is handed back."""
    return any(word in verdict.event.name for word in ("next", "carry", "prev", "future", "back"))


class Judge:
    """Compares backward events with the forward's."""

    def __init__(self, truth: Truth, problem: Problem, constant: set[int], events: list[Event]) -> None:
        self.truth, self.problem, self.constant, self.events = truth, problem, constant, events
        self.wholes: dict[str, list[Event]] = defaultdict(list)  # by name: argument, assign, return, store
        self.uses: dict[str, list[Event]] = defaultdict(list)
        self.shapes: dict[tuple[int, ...], list[Event]] = defaultdict(list)
        buffers = {(e.frame, e.site.name) for e in truth.events if e.site.kind == "store"}  # filled after they are made
        for event in truth.events:
            if event.site.kind == "touch":
                continue
            if (
                (event.leaf and event.site.kind in ("assign", "return"))
                or event.site.kind == "item"
                or (event.site.kind == "assign" and (event.frame, event.name) in buffers)
            ):
                continue  # a dict of intermediate values is a cache: its entries have names of their own elsewhere
            (self.uses if event.site.kind == "use" else self.wholes)[last(event.name)].append(event)
            self.shapes[event.value.shape].append(event)
        self.buffers = {(e.frame, e.site.name) for e in events if e.site.kind == "store"}
        self.filled = filled(events, problem)
        self.order = {id(event): n for n, event in enumerate(truth.events)}
        self.previous: dict[tuple[int, str], Event] = {}

    def verdict(self, event: Event) -> Verdict:
        value, key = event.value, (event.frame, event.name)
        before = self.previous.get(key)
        self.previous[key] = event
        if (event.frame, event.site.name) in self.buffers and event.site.kind == "assign":
            return Verdict(event, "constant", None)  # made here, filled later
        if event.frame == 1 and event.site.kind == "argument":
            return Verdict(event, "right", None)  # the upstream gradient is what it is
        expected = self.expected(event)
        empty = not np.any(value) and (event.frame, event.site.name.partition(".")[0]) not in self.filled
        if empty and expected is not None and np.any(np.abs(self.truth.fingerprint(expected)) > 1e-12):
            return Verdict(event, "part", expected)  # nothing yet, or nothing at all
        if event.number in self.constant or not np.any(value) or not np.all(np.isfinite(value)):
            return Verdict(event, "constant" if np.all(np.isfinite(value)) else "wrong", expected)
        found = self.recognise(value)
        terms = self.terms(event)
        if expected is not None and event.part is not None:
            return Verdict(
                event, "right" if found is not None or self.truth.holds(event, expected) else "wrong", expected, terms
            )
        if expected is not None:
            if found and self.acceptable(found, expected, event):
                return Verdict(event, "right", found, terms)
            if before is not None and before.value.shape == value.shape:
                step = self.recognise(value - before.value)
                if step is not None:
                    return Verdict(event, "part", expected, [(event, step)])
            if found is not None or (terms and all(use is not None for _, use in terms)):
                return Verdict(event, "part", expected, terms)
            return Verdict(event, "unknown" if self.truth.kinked(expected) else "wrong", expected, terms)
        if found is not None:
            return Verdict(event, "right" if found.site.kind != "use" else "part", found, terms)
        return Verdict(event, "unknown", None, terms)

    def recognise(self, value: np.ndarray) -> Event | None:
        """The forward's event whose true derivative this value is: a whole variable rather than one use of it."""
        if not np.any(value):
            return None
        mine = self.truth.print_of(value)
        uses = None
        for event in self.shapes.get(value.shape, []):
            if uses is not None and event.site.kind == "use":
                continue
            if self.truth.same(mine, self.truth.fingerprint(event)):
                if event.site.kind not in ("use", "term"):
                    return event
                uses = uses or event
        return uses

    def acceptable(self, found: Event, expected: Event, event: Event) -> bool:
        """Whether a value recognised as `found` may carry the name of `expected`."""
        share = found.site.kind == "use" or (found.site.kind == "store" and expected.site.kind != "store")
        whole = not share
        if last(found.name) == last(expected.name):
            fresh = event.site.kind != "store" and event.site.key != "+"
            if expected.loops.keys() < found.loops.keys() and not (fresh and found.loops == event.loops):
                return False  # one step's share of what is being collected over all steps
            return whole or found.loops != expected.loops  # another step's share of it: what is carried over
        fused = self.order[id(found)] < self.order[id(expected)]  # with the derivative of what fed it
        return whole and fused and not found.leaf  # a parameter feeds nothing that could be named after another one

    def expected(self, event: Event) -> Event | None:
        """The forward's event that this backward event, by its name, should be the derivative by."""
        for name in forward_names(event, self.problem):
            candidates = [c for c in self.wholes.get(name, []) if c.value.shape == event.value.shape]
            paired = [c for c in candidates if pair(c.site.function) == pair(event.site.function)]
            near = [c for c in paired or candidates if agree(c.loops, event.loops)]
            if near:
                return near[-1]
        return None

    def terms(self, event: Event) -> list[tuple[Event, Event | None]]:
        """The terms of the sum that the event's statement computed, each with the use whose derivative it is."""
        n = next(i for i, e in enumerate(self.events) if e is event)
        terms = []
        for e in reversed(self.events[:n]):
            if e.frame == event.frame and e.site.kind == "term" and e.site.statement == event.site.statement:
                if e.site.name != event.site.name or e.value.shape != event.value.shape:
                    break
                terms.append(e)
            elif e.frame == event.frame and e.site.kind not in ("use",):
                break
        return [(e, self.recognise(-e.value if e.site.key == "-" else e.value)) for e in reversed(terms)]

    def by_site(self, verdicts: list[Verdict]) -> None:
        """An unnamed site that was recognised at one time step should be the same variable's at the others."""
        known = {v.event.site.number: v.of for v in verdicts if v.state == "right" and v.of is not None}
        for v in verdicts:
            known_of = known.get(v.event.site.number)
            if v.state in ("unknown", "part") and known_of is not None and self.expected(v.event) is None:
                name = last(known_of.name)
                near = [
                    c for c in self.wholes.get(name, []) if c.site == known_of.site and agree(c.loops, v.event.loops)
                ]
                if near and near[-1].value.shape == v.event.value.shape and v.event.loops and near[-1].loops:
                    v.state, v.of = "wrong", near[-1]

    def by_name(self, verdicts: list[Verdict]) -> None:
        """A nameless variable that was recognised as one and the same variable's elsewhere should be so everywhere."""
        known: dict[tuple[str, str], set[str]] = defaultdict(set)
        for v in verdicts:
            if v.of is not None and v.state in ("right", "part") and v.event.site.kind == "assign":
                known[v.event.site.function, v.event.name].add(last(v.of.name) if v.state == "right" else "a share")
        for v in verdicts:
            if v.state == "unknown" and v.event.site.kind == "assign" and v.of is None:
                if (
                    len(known[v.event.site.function, v.event.name] - {"a share"})
                    == 1
                    == len(known[v.event.site.function, v.event.name])
                ):
                    v.state = "wrong"

    def finish(self, verdicts: list[Verdict]) -> None:
        """What was only part of a sum: fine if the sum came out right in the end, wrong at its last line if not."""
        last_of: dict[tuple[Any, ...], Verdict] = {}
        groups: dict[tuple[Any, ...], list[Verdict]] = defaultdict(list)
        for v in verdicts:
            if v.of is None or v.state == "constant":
                continue
            collected = not set(v.event.loops) <= set(v.of.loops)  # over the loop that it stands in
            key = (v.event.frame, v.event.name, () if collected else tuple(v.event.loops.items()))
            groups[key].append(v)
            last_of[key] = v
        for key, group in groups.items():
            done = [group[-1]] if not key[-1] and group[-1].event.loops else group
            if any(v.state == "right" for v in done):
                for v in group:
                    v.state = "part" if v.state == "wrong" else v.state
            elif last_of[key].state == "part" and not self.completed(last_of[key], verdicts):
                self.handed_on(last_of[key], verdicts).state = "wrong"

    def handed_on(self, part: Verdict, verdicts: list[Verdict]) -> Verdict:
        """Where an unfinished sum is passed on as if it were whole: the next place with the same value, or itself."""
        start = next(n for n, v in enumerate(verdicts) if v is part)
        for v in verdicts[start + 1 :]:
            if (
                np.any(part.event.value)
                and np.array_equal(v.event.value, part.event.value)
                and v.event.site.kind == "store"
            ):
                v.of, v.terms = v.of or part.of, part.terms
                return v
        return part

    def completed(self, part: Verdict, verdicts: list[Verdict]) -> bool:
        """Whether the sum that this is a part of comes out right under another name."""
        expected = self.expected(part.event)
        return expected is None or any(
            v.state == "right" and v.of is not None and agree(v.of.loops, expected.loops) and self.alike(v.of, expected)
            for v in verdicts
        )

    def alike(self, one: Event, other: Event) -> bool:
        if one.value.shape != other.value.shape:
            return False
        return self.truth.same(self.truth.fingerprint(one), self.truth.fingerprint(other))


def agree(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(one[k] == other[k] for k in one.keys() & other.keys())


def last(name: str) -> str:
    return name.rpartition(".")[2]


def pair(function: str) -> str:
    """`step` for step_forward and step_backward."""
    return function.replace("forward", "").replace("backward", "").strip("_")


PREFIXES = ("dL_d", "dLd", "grad_", "d_", "delta_", "g_", "d")
SUFFIXES = ("_grad", "_bar", "_gradient")


def forward_names(event: Event, problem: Problem) -> list[str]:
    """The forward's variables that a backward event's name may stand for: `z` for dz, `Wz` for grads["Wz"]."""
    name = last(event.name)
    if not name.isidentifier() and event.site.kind != "return":
        return []  # an entry of a dict by its number
    if event.site.kind == "return":
        arguments = problem.arguments_of(event.site.function)
        name = arguments[int(event.site.key)] if int(event.site.key) < len(arguments) else ""
        return [last(event.leaf)] if event.leaf else [name]
    names = [name] if event.site.kind == "item" or "." in event.name else []
    names += [name[len(p) :] for p in PREFIXES if name.startswith(p) and len(name) > len(p)]
    names += [name[: -len(s)] for s in SUFFIXES if name.endswith(s)]
    return names


def readable(event: Event) -> str:
    """dz, or `dz at t = 3`; an entry of a dict by its key."""
    name = f'["{last(event.name)}"]' if event.site.kind == "item" else event.name
    return name


def scopes_of(problem: Problem) -> dict[int, dict[str, Any]]:
    """The values that the names in the forward have, by line."""
    built = tapped(problem.forward)
    if built is None:
        return {}
    forward, tracer = built
    record(tracer, lambda: problem.call(forward))
    return tracer.scopes

"""Which line is wrong? Every backward variable is compared with the true derivative by the forward's variable.

    F1  true dv  =  dL / dv:  change v where the forward computes it, and measure the change of the loss   (taps.py)

A backward variable `dz` should be the derivative by the forward's `z`, at the same time step. But names are not
everything: a value that is equal to some true derivative is recognised under any name. So `delta` is followed too, and
so is a `dz` that is really the derivative by az. It takes too long to compare whole arrays entry by entry. So each is
compared along three random directions u:

    F2  sum(dv * u)  =  d/de L(v + e u)        right side: one run of the forward; equal for all u only if dv is right

A variable that is used in several places gets one term from each use. If v is changed *at one use* only, the loss gives
the true value of that term. So the terms of a sum, and the steps of an accumulation (`dh += …`), are checked one by
one, and a missing term can be named.
"""

import ast
import contextlib
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.taps import Event, Tracer, source_of, tapped
from minireid.gradcheck.tensor.problem import Problem, complex_arrays, weighted_sum

DIRECTIONS = 3
TINY = 1e-30  # the imaginary step: nothing is subtracted, so it may be this small


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
        """Whether the complex step agrees with differences, for every input."""
        for event in [e for e in self.events if e.site.kind == "argument" and e.frame == 1]:
            u = self.direction(event.value.shape)[0]
            try:
                c = self.along(event, u)
            except Exception:  # complex numbers can break any function: then differences are used
                return False
            self.imaginary = False
            near = [np.isclose(c, self.along(event, u, h), rtol=1e-4, atol=1e-6 * (1 + abs(c))) for h in (1e-5, 1e-7)]
            self.imaginary = True
            if not any(near):  # two steps: a kink within the larger step may be outside the smaller one
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
        """d/de of the loss at e = 0, with e u added to the event's value."""
        if self.imaginary:
            return self.loss(event, 1j * TINY * u).imag / TINY
        return (self.loss(event, h * u).real - self.loss(event, -h * u).real) / (2 * h)

    def fingerprint(self, event: Event) -> np.ndarray:
        """The right side of F2 for the three directions, shape (3,)."""
        key = (event.number, event.leaf)
        if key not in self.found:
            self.found[key] = np.array([self.along(event, u) for u in self.direction(event.value.shape)])
        return self.found[key]

    def holds(self, stored: Event, event: Event) -> bool:
        """Whether the value that was stored into a part of an array is that part of the derivative by `event`."""
        directions = [u * stored.part for u in self.direction(event.value.shape)]
        return self.same(self.print_of(stored.value), np.array([self.along(event, u) for u in directions]))

    def kinked(self, event: Event) -> bool:
        """Whether the loss has a kink at the event's value: the one-sided derivatives differ."""
        u = self.direction(event.value.shape)[0]
        return not np.isclose(self.along(event, u), -self.along(event, -u), rtol=1e-4, atol=1e-12)

    def print_of(self, value: np.ndarray) -> np.ndarray:
        """The left side of F2 for any array, shape (3,)."""
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
    """The events of one run. A line that runs too often is found in the first run and skipped in the second."""
    for _ in range(2):
        tracer.reset(recording=True)
        before = len(tracer.skipped)
        with contextlib.suppress(Exception):  # the events before an exception are useful too
            run()
        if len(tracer.skipped) == before:
            break
    return tracer.events


@dataclass
class Verdict:
    """What is known about one backward event.

    state: right; part (of a sum that is not complete yet); wrong; unknown; or constant (it does not depend on the
    upstream gradient).
    """

    event: Event
    state: str
    of: Event | None = None  # the forward's event: this value is, or should be, the derivative by it
    terms: list[tuple[Event, Event | None]] = field(default_factory=list)  # each term, and the use from which it comes


@dataclass
class Look:
    """All that was found inside: the verdicts in the order in which the backward ran, and the first wrong one."""

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
    """Check every value inside the backward; None if the source of forward or backward is not available."""
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
    checker = EventChecker(truth, problem, constant, events)
    verdicts = [checker.verdict(event) for event in events if event.site.kind not in ("use", "term")]
    checker.by_site(verdicts)
    checker.by_name(verdicts)
    checker.finish(verdicts)
    wrong = next((v for v in verdicts if v.state == "wrong"), None)
    wrong = unfinished(wrong, verdicts, problem) or wrong
    return Look(truth, verdicts, wrong, skipped, tracer.scopes)


def unfinished(wrong: Verdict | None, verdicts: list[Verdict], problem: Problem) -> Verdict | None:
    """A variable that the wrong line reads, and that has only the gradient from one use of the forward's variable."""
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
    """(call, name) of arrays that are filled after they are made: by a store, `+=`, a function, or through a view."""
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
    """Whether its name is one for a gradient that is passed to the previous step: dh_next, carry, from_future."""
    return any(word in verdict.event.name for word in ("next", "carry", "prev", "future", "back"))


class EventChecker:
    """Compares the events of the backward with those of the forward."""

    def __init__(self, truth: Truth, problem: Problem, constant: set[int], events: list[Event]) -> None:
        self.truth, self.problem, self.constant, self.events = truth, problem, constant, events
        self.wholes: dict[str, list[Event]] = defaultdict(list)  # by name: argument, assign, return, store
        self.uses: dict[str, list[Event]] = defaultdict(list)
        self.shapes: dict[tuple[int, ...], list[Event]] = defaultdict(list)
        # buffers are filled after they were made
        buffers = {(e.frame, e.site.name) for e in truth.events if e.site.kind == "store"}
        for event in truth.events:
            if event.site.kind == "touch":
                continue
            if (
                (event.leaf and event.site.kind in ("assign", "return"))
                or event.site.kind == "item"
                or (event.site.kind == "assign" and (event.frame, event.name) in buffers)
            ):
                continue  # a dict of intermediate values is a cache: its entries have their own names elsewhere
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
            return Verdict(event, "right", None)  # the upstream gradient is given
        expected = self.expected(event)
        empty = not np.any(value) and (event.frame, event.site.name.partition(".")[0]) not in self.filled
        if empty and expected is not None and np.any(np.abs(self.truth.fingerprint(expected)) > 1e-12):
            return Verdict(event, "part", expected)  # still zero: filled later, or never
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
        """The forward's event whose true derivative is this value: a whole variable if possible, else one use of it."""
        if not np.any(value):
            return None
        computed = self.truth.print_of(value)
        uses = None
        for event in self.shapes.get(value.shape, []):
            if uses is not None and event.site.kind == "use":
                continue
            if self.truth.same(computed, self.truth.fingerprint(event)):
                if event.site.kind not in ("use", "term"):
                    return event
                uses = uses or event
        return uses

    def acceptable(self, found: Event, expected: Event, event: Event) -> bool:
        """Whether a value recognised as `found` may carry the name of `expected`."""
        one_use = found.site.kind == "use" or (found.site.kind == "store" and expected.site.kind != "store")
        whole = not one_use
        if last(found.name) == last(expected.name):
            fresh = event.site.kind != "store" and event.site.key != "+"
            if expected.loops.keys() < found.loops.keys() and not (fresh and found.loops == event.loops):
                return False  # the gradient from one step, where the sum over all steps is expected
            return whole or found.loops != expected.loops  # or the gradient from another step, which is carried over
        fused = self.order[id(found)] < self.order[id(expected)]  # combined with the derivative of an earlier step
        return whole and fused and not found.leaf  # a parameter is not computed by an earlier step

    def expected(self, event: Event) -> Event | None:
        """The forward's event for the name of this backward event: the value should be the derivative by it."""
        for name in forward_names(event, self.problem):
            candidates = [c for c in self.wholes.get(name, []) if c.value.shape == event.value.shape]
            paired = [c for c in candidates if pair(c.site.function) == pair(event.site.function)]
            near = [c for c in paired or candidates if agree(c.loops, event.loops)]
            if near:
                return near[-1]
        return None

    def terms(self, event: Event) -> list[tuple[Event, Event | None]]:
        """The terms of the sum that the event's statement computed, each with the use from which it comes, or None."""
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
        """A site without a known name that was recognised at one time step must be the same variable at the others."""
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
        """A variable without a known name must be the derivative by the same forward variable everywhere."""
        known: dict[tuple[str, str], set[str]] = defaultdict(set)
        for v in verdicts:
            if v.of is not None and v.state in ("right", "part") and v.event.site.kind == "assign":
                known[v.event.site.function, v.event.name].add(last(v.of.name) if v.state == "right" else "one use")
        for v in verdicts:
            if v.state == "unknown" and v.event.site.kind == "assign" and v.of is None:
                if (
                    len(known[v.event.site.function, v.event.name] - {"one use"})
                    == 1
                    == len(known[v.event.site.function, v.event.name])
                ):
                    v.state = "wrong"

    def finish(self, verdicts: list[Verdict]) -> None:
        """Decide about parts of sums: a part is fine if the whole sum is right later, else its last line is wrong."""
        last_of: dict[tuple[Any, ...], Verdict] = {}
        groups: dict[tuple[Any, ...], list[Verdict]] = defaultdict(list)
        for v in verdicts:
            if v.of is None or v.state == "constant":
                continue
            collected = not set(v.event.loops) <= set(v.of.loops)  # summed over the loop around it
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
        """Where an incomplete sum is used as if it were complete: the next store of the same value, or itself."""
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
        """Whether the complete sum of this part is right under another name."""
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
    """The common part of the names: `step` for step_forward and step_backward."""
    return function.replace("forward", "").replace("backward", "").strip("_")


PREFIXES = ("dL_d", "dLd", "grad_", "d_", "delta_", "g_", "d")
SUFFIXES = ("_grad", "_bar", "_gradient")


def forward_names(event: Event, problem: Problem) -> list[str]:
    """Names of forward variables that a backward event's name may mean: `z` for dz, `Wz` for grads["Wz"]."""
    name = last(event.name)
    if not name.isidentifier() and event.site.kind != "return":
        return []  # an entry of a dict with a number as key
    if event.site.kind == "return":
        arguments = problem.arguments_of(event.site.function)
        name = arguments[int(event.site.key)] if int(event.site.key) < len(arguments) else ""
        return [last(event.leaf)] if event.leaf else [name]
    names = [name] if event.site.kind == "item" or "." in event.name else []
    names += [name[len(p) :] for p in PREFIXES if name.startswith(p) and len(name) > len(p)]
    names += [name[: -len(s)] for s in SUFFIXES if name.endswith(s)]
    return names


def readable(event: Event) -> str:
    """The name, such as dz; for an entry of a dict its key, such as ["W"]."""
    name = f'["{last(event.name)}"]' if event.site.kind == "item" else event.name
    return name


def scopes_of(problem: Problem) -> dict[int, dict[str, Any]]:
    """The values of the forward's local names, by line."""
    built = tapped(problem.forward)
    if built is None:
        return {}
    forward, tracer = built
    record(tracer, lambda: problem.call(forward))
    return tracer.scopes

"""The true derivative of the loss by every value that the forward computes.

    F1  true dv  =  dL / dv:   change v where the forward computes it, and measure the change of the loss
    F2  sum(dv * u)  =  d/de L(v + e u)        right side: one run of the forward

A value of the backward is compared along three random directions u (F2): it is equal for all of them only if it is
right. Where a value is used in several places, changing it *at one use* gives the true derivative by that use alone.
"""

import warnings
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck.line.program import Site
from minireid.gradcheck.line.trace import FORWARD, Event, Frame, Tracer, followed, norm, run
from minireid.gradcheck.tensor.problem import Problem, complex_arrays, weighted_sum

TINY = 1e-30  # the imaginary step: nothing is subtracted, so it may be this small
WHOLE = ("assign", "add", "argument", "touch", "return", "store")


class Truth:
    """The true derivatives of the loss by every event of the forward: along directions, or in full."""

    def __init__(self, problem: Problem, tracer: Tracer) -> None:
        self.problem, self.tracer = problem, tracer
        self.found: dict[tuple[int, str], list[float]] = defaultdict(list)
        self.fulls: dict[tuple[int, str], np.ndarray] = {}
        recorded = run(tracer, FORWARD, lambda: problem.call(problem.forward))
        self.events = [event for event in recorded if followed(event.object)]
        self.inputs = {
            name: self.input_event(n, name, array) for n, (name, array) in enumerate(leaves(problem.inputs()))
        }
        self.imaginary = self.complex_works()
        self.by_shape: dict[tuple[int, ...], list[Event]] = defaultdict(list)
        self.events += together(self.events)
        for event in self.events:
            self.by_shape[event.shape].append(event)
        tracer.off()

    def complex_works(self) -> bool:
        """Whether the complex step agrees with differences, for every input."""
        for event in self.inputs.values():
            u = self.tracer.direction(event.shape)[0]
            try:
                self.imaginary = True
                c = self.along(event, u)
            except Exception:  # complex numbers can break any function: then differences are used
                return False
            self.imaginary = False
            near = [np.isclose(c, self.along(event, u, h), rtol=1e-4, atol=1e-6 * (1 + abs(c))) for h in (1e-5, 1e-7)]
            if not any(near):  # two steps: a kink within the larger step may be outside the smaller one
                return False
        return True

    def input_event(self, number: int, name: str, array: np.ndarray) -> Event:
        """An input as an event: to change it is to change the array that the forward is given."""
        site = Site(-1 - number, "input", name, "", 0, -1)
        return Event(-1 - number, site, "", np.array(array), array.shape, self.tracer.print_of(array), norm(array), {},
                     Frame(1, ""), -1)  # fmt: skip

    def loss(self, event: Event, by: Any) -> complex:
        tracer = self.tracer
        saved = vars(tracer).copy()  # a backward may be running
        tracer.start(FORWARD, target=event.number, by=by, leaf=event.leaf)
        tracer.imaginary, tracer.recording = self.imaginary, False  # an input has no number in the run
        arrays = complex_arrays(self.problem.arrays) if self.imaginary else self.problem.arrays
        if event.kind == "input":
            trees = dict(leaves(dict(zip(self.problem.names(), arrays))))
            trees[event.name] = trees[event.name] + by
            moved = from_leaves(trees)
            arrays = tuple(moved[name] for name in self.problem.names())
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error" if self.imaginary else "ignore", np.exceptions.ComplexWarning)
                return weighted_sum(self.problem.upstream, self.problem.call(self.problem.forward, arrays)[0])
        finally:
            vars(tracer).update(saved)

    def along(self, event: Event, u: np.ndarray, h: float = 1e-5) -> float:
        """d/de of the loss at e = 0, with e u added to the event's value."""
        if self.imaginary:
            return self.loss(event, 1j * TINY * u).imag / TINY
        return (self.loss(event, h * u).real - self.loss(event, -h * u).real) / (2 * h)

    def safely_along(self, event: Event, u: np.ndarray) -> float:
        """The same by differences where this one value cannot be complex: it is kept in an array of real numbers.

        NaN where neither runs: a size that was computed with / cannot change.
        """
        try:
            return self.along(event, u)
        except Exception:  # the forward with another number in this place may fail in any way
            if not self.imaginary:
                return float("nan")
        self.imaginary = False
        try:
            return self.safely_along(event, u)
        finally:
            self.imaginary = True

    def print(self, event: Event, count: int = 3) -> np.ndarray:
        """The right side of F2 for the first `count` directions."""
        if event.uses:
            return np.sum([self.print(use, count) for use in event.uses], axis=0)
        known = self.found[event.number, event.leaf]
        for u in self.tracer.direction(event.shape)[len(known) : count]:
            known.append(self.safely_along(event, u))
        return np.array(known[:count])

    def same(self, one: np.ndarray, other: np.ndarray, norm: float) -> bool:
        """Whether two prints are equal, up to the error of the derivatives. norm: of the value."""
        scale = max(norm, np.abs(other).max())
        return bool(np.abs(one - other).max() <= (1e-8 if self.imaginary else 1e-5) * scale + 1e-13)

    def same_derivative(self, one: Event, other: Event) -> bool:
        a, b = self.print(one), self.print(other)
        return one.shape == other.shape and self.same(a, b, float(np.abs(a).max()))

    def needed(self) -> list[Event]:
        """The events that the loss depends on."""
        return [e for e in self.events if np.any(self.print(e, 1))]

    def is_by(self, print_: np.ndarray, norm: float, event: Event) -> bool:
        """Whether a value with this print is the derivative by the event."""
        if not self.same(print_[:1], self.print(event, 1), norm):
            return False
        return self.same(print_, self.print(event), norm)

    def is_right(self, value: Event, event: Event, scale: float = 1.0) -> bool:
        """Whether a value of the backward is the derivative by the event, times `scale`."""
        return value.shape == event.shape and self.is_by(value.print / scale, value.norm / scale, event)

    def full(self, event: Event) -> np.ndarray:
        """dL / dv, entry by entry."""
        if event.uses:
            return np.sum([self.full(use) for use in event.uses], axis=0)
        key = (event.number, event.leaf)
        if key not in self.fulls:
            full = np.zeros(event.shape)
            for index in np.ndindex(full.shape):
                u = np.zeros(full.shape)
                u[index] = 1
                full[index] = self.safely_along(event, u)
            self.fulls[key] = full
        return self.fulls[key]

    def nowhere(self, event: Event) -> bool:
        """Whether the loss has no derivative at the event's value: it sits on a kink."""
        return not self.imaginary and self.kinked(event)

    def kinked(self, event: Event) -> bool:
        """Whether the loss has a kink at the event's value: the one-sided derivatives differ."""
        if event.uses:
            return any(self.kinked(use) for use in event.uses)
        u = self.tracer.direction(event.shape)[0]
        here = self.loss(event, 0 * u).real
        right, left = ((self.loss(event, s * 1e-7 * u).real - here) / (s * 1e-7) for s in (1, -1))
        return not np.isclose(right, left, rtol=1e-3, atol=1e-6)


def together(events: list[Event]) -> list[Event]:
    """Uses of a variable that belong together, as one event: those in one statement (`W * W`), and those in one round
    of a loop that takes the variable over from the round before.

    A carried gradient is the derivative by the latter, where the variable is used elsewhere too (`out.append(h)`).
    """
    groups: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    made: dict[tuple[int, str], str] = {}  # the round in which a name got its present value
    for event in events:
        key, now = (event.frame.number, event.name), str(event.loops)
        if event.kind in ("assign", "argument", "store"):
            made[key] = now
        elif event.kind == "use" and event.site.name:
            groups[*key, now, event.execution].append(event)
            if event.loops and made.get(key, now) != now:
                groups[*key, now].append(event)
    sites: dict[tuple[Any, ...], Site] = {}
    found: list[Event] = []
    for (frame, _, _, *execution), uses in groups.items():
        if len(uses) > 1 and all(u.shape == uses[0].shape for u in uses):
            number = -1_000_000 - len(found)
            place = (frame, uses[0].site.name, uses[0].site.statement if execution else -1)
            site = sites.setdefault(place, replace(uses[0].site, number=number, kind="uses"))
            found.append(replace(uses[0], number=number, site=site, uses=tuple(uses)))
    return found

"""Which lines are wrong? Every line of the backward is judged by its own truth: given right inputs, is its value right?

The backward runs once more. Whenever a value is not the derivative that it claims to be, it is noted, and the true one
is *put in its place*. So everything after it gets right inputs, and only a line that is wrong itself is noted. With
several mistakes each line is noted on its own.

Names are free, so a claim by name can be false. A note is kept only if it explains something: if without the mending
of this value another one becomes wrong.

A sum (`dh += …`, or terms with +) grows to its value. It is judged when it is complete.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.line.claims import Claims, last
from minireid.gradcheck.line.trace import BACKWARD, FORWARD, Event, Frame, Moment, Tracer, run
from minireid.gradcheck.line.truth import Truth
from minireid.gradcheck.tensor.problem import Problem, is_large

# entries of a value that can be mended: its true derivative needs a run of the forward for each; and of a large program
LARGEST, LARGEST_OF_LARGE = 3000, 100


@dataclass
class Fault:
    """A place whose values are wrong although its inputs are right. events: the wrong ones, with what each should be
    the derivative by."""

    site: int
    events: list[tuple[Event, Event]] = field(default_factory=list)

    @property
    def first(self) -> Event:
        return self.events[0][0]


@dataclass
class Run:
    """One run of the backward with some values mended."""

    events: list[Event]
    faults: dict[int, Fault]
    moments: dict[int, Moment]
    statements: list[int]
    frames: list[Frame]  # by execution
    result: Any
    error: Exception | None


class Judge:
    """Runs the backward with wrong values mended, and says which places are wrong."""

    def __init__(self, problem: Problem, tracer: Tracer, truth: Truth) -> None:
        self.problem, self.tracer, self.truth = problem, tracer, truth
        self.large = is_large(problem)
        self.largest = LARGEST_OF_LARGE if self.large else LARGEST
        self.inputs = problem.copied()
        made: list[Any] = []
        self.forward_events = run(tracer, FORWARD, lambda: made.append(self.inputs.call(problem.forward)))
        frames = tracer.called
        tracer.off()
        self.plain = self.backward(made[-1][1])
        self.constant = self.constants()
        self.claims = Claims(problem, truth, (self.forward_events, frames), self.plain.events, self.plain.result)
        self.final = self.finals(self.plain.events)
        self.claimed = {(e.number, e.leaf): self.claims.of(e) for e in self.plain.events if self.is_final(e)}
        self.handed_out = self.results()
        self.recognised: dict[tuple[bytes, tuple[int, ...]], Event | None] = {}
        top = [e for e in self.plain.events if self.certain_event(e) and (e.number, e.leaf) in self.constant]
        self.returned = {e.print.tobytes() for e in top}
        self.instead: dict[int, dict[tuple[int, str], list[Event]]] = {}  # by site: claims for those by name, if false
        self.by_analogy()
        self.ignored: frozenset[int] = frozenset()  # sites whose claims are false
        self.believed: frozenset[int] = frozenset()  # sites whose claims are not tested
        self.scales: dict[int, float] = {}
        self.choices: dict[int, int] = {}
        self.strict = False  # whether values of another shape are left as they are

    def backward(self, cache: Any = None, upstream: Any = None, *, mend: Callable[[Event, Any], Any] | None = None,
                 watched: frozenset[int] = frozenset()) -> Run:  # fmt: skip
        """Run the backward and record it. cache: by default a new one."""
        results: list[Any] = []
        errors: list[Exception] = []
        given = [cache] if cache is not None else []

        def call(held: Any) -> None:
            mine = self.problem.copied()
            results.clear()
            errors.clear()
            try:
                with np.errstate(all="ignore"):
                    if mine.one_call:
                        results.append(mine.from_one_call(mine.backward))
                    else:
                        results.append(mine.run(mine.backward, mine.upstream if upstream is None else upstream, held))
            except Exception as error:
                errors.append(error)

        tracer = self.tracer
        events = run(tracer, BACKWARD, call, prepare=lambda: given.pop() if given else self.problem.copied().cache(),
                     mend=mend, watched=watched)  # fmt: skip
        found = Run(events, {}, tracer.moments, tracer.statements, tracer.frames_of,
                    results[-1] if results else None, errors[-1] if errors else None)  # fmt: skip
        tracer.off()
        return found

    def constants(self) -> set[tuple[int, str]]:
        """Events of the backward whose value does not depend on the upstream gradient."""
        self.unit = self.unit_of_constants()
        if self.problem.is_loss:
            return self.of_the_loss()
        other = self.backward(upstream=self.problem.with_other_upstream().upstream)
        prints = {(e.number, e.leaf): e.print for e in other.events}
        same = set()
        for event in self.plain.events:
            print_ = prints.get((event.number, event.leaf))
            if print_ is not None and np.array_equal(print_, event.print, equal_nan=True):
                same.add((event.number, event.leaf))
        return same

    def of_the_loss(self) -> set[tuple[int, str]]:
        """What the loss depends on, and what only keeps it: where one function has both passes, that is no gradient."""
        if not self.problem.one_call:
            return set()
        needed = {(e.site.number, e.execution, e.leaf) for e in self.truth.needed()}
        own = [e for e in self.plain.events if (e.site.number, e.execution, e.leaf) in needed]
        kept = {(id(e.object), e.print.tobytes()) for e in own}
        places, main = self.sites_of_the_loss(), self.plain.events[0].site.function if self.plain.events else ""
        return {(e.number, e.leaf) for e in self.plain.events if (id(e.object), e.print.tobytes()) in kept
                or (e.site.number in places and e.site.function == main)}  # fmt: skip

    def sites_of_the_loss(self) -> set[int]:
        """Places that compute the loss, where one function has both passes: what they compute is no gradient."""
        return {e.site.number for e in self.truth.needed()} if self.problem.one_call else set()

    def unit_of_constants(self) -> float:
        """1 / the upstream gradient of a scalar loss: in these units are gradients that it multiplies at the end."""
        upstream = [leaf for _, leaf in leaves(self.problem.upstream)]
        one = len(upstream) == 1 and np.ndim(upstream[0]) == 0 and np.all(upstream[0] != 0)
        return 1 / float(upstream[0]) if one and not self.problem.is_loss else 0.0

    def finals(self, events: list[Event]) -> dict[tuple[int, str], list[Event]]:
        """Groups of events that build one value, by the last of them: an assignment, then `+=`, stores and calls."""
        groups: dict[tuple[int, str], list[Event]] = {}
        open_: dict[tuple[int, str], list[Event]] = {}
        for event in events:
            key = self.place(event)
            extends = event.kind in ("add", "touch") or (event.kind == "store" and self.extends(event))
            if extends and key in open_:
                old = open_[key]
                groups.pop((old[-1].number, old[-1].leaf), None)
                old.append(event)
            else:
                open_[key] = [event]
            groups[event.number, event.leaf] = open_[key]
        return groups

    def place(self, event: Event) -> tuple[int, str]:
        """Which variable it is: of this call, or of an object, for which several calls may make one sum."""
        of_object = event.name.startswith("self.") and event.frame.given
        return id(event.frame.given[0]) if of_object else event.frame.number, event.name

    def extends(self, event: Event) -> bool:
        return event.index is not None or bool(event.site.key)

    def results(self) -> set[tuple[int, str]]:
        """Where the arrays get their value that backward hands out: returned, or as self.dW. They claim the inputs.

        A helper that is called several times may compute one share of them in each call: that is not believed.
        """
        named, last = self.claims.names, dict[tuple[int, str], Event]()
        for event in self.plain.events:
            if self.is_final(event) and event.kind not in ("argument", "return"):
                last[id(event.object), self.claims.name_of(event) or ""] = event
        found: dict[tuple[int, str], list[Event]] = {}
        for event in last.values():
            name, key = self.claims.name_of(event), (event.number, event.leaf)
            unchanged = np.array_equal(self.tracer.print_of(np.asarray(event.object)), event.print)
            same = [e for e in self.plain.events if e.site is event.site and self.is_final(e)]
            rounds = [e for e in same if self.place(e) == self.place(event)]
            if name in self.truth.inputs and unchanged and all(id(e.object) in named for e in same if e not in rounds):
                claim = self.claims.returned[name]
                own = [c for c in self.claimed[key] if self.truth.same_derivative(c, claim)]
                if own or not self.claimed[key]:  # else it has another meaning, and is taken for this one later
                    found |= {(e.number, e.leaf): [] for e in rounds}  # not complete yet
                    found[key] = own or [claim]
        self.claimed |= found
        return {key for key, claims in found.items() if claims}

    def is_final(self, event: Event) -> bool:
        return event.kind != "term" and (event.number, event.leaf) in self.final

    def recognise(self, event: Event) -> Event | None:
        """The forward's event whose derivative this value is; None if there is none, or if it is no gradient."""
        key = (event.print.tobytes(), event.shape)
        if key not in self.recognised:
            gradient = (event.number, event.leaf) not in self.constant and np.all(np.isfinite(event.print))
            self.recognised[key] = self.by_print(event.print, event.norm, event.shape) if gradient else None
        return self.recognised[key]

    def like(self, value: np.ndarray) -> Event | None:
        """The same for an array that the backward did not compute."""
        return self.by_print(self.tracer.print_of(value), float(np.linalg.norm(value)), value.shape)

    def by_print(self, print_: np.ndarray, norm: float, shape: tuple[int, ...]) -> Event | None:
        places = {"use": 3, "uses": 2, "part": 1}
        near = sorted(self.truth.by_shape[shape], key=lambda e: places.get(e.kind, 0)) if norm > 0 else []
        return next((e for e in near if self.truth.is_by(print_, norm, e)), None)

    def by_analogy(self) -> None:
        """A place that is the derivative by `a` in some rounds claims `a` in the other rounds too.

        So a value without a name in the forward can be judged; and one whose name says something false.
        """
        sites: dict[int, list[Event]] = defaultdict(list)
        for event in self.plain.events:
            key = (event.number, event.leaf)
            if self.is_final(event) and key not in self.constant and event.kind != "argument":
                sites[event.site.number].append(event)
        for events in sites.values():
            if any((e.number, e.leaf) in self.handed_out for e in events):
                continue
            known = [(e, f) for e in events if (f := self.recognise(e)) is not None]
            if not known or len(known) == len(events) or self.is_claimed(known):
                continue
            (example, found), recognised = known[0], {id(e): f for e, f in known}
            likes = {(e.number, e.leaf): recognised.get(id(e)) or self.counterpart(found, example, e) for e in events}
            claims = {key: [like] for key, like in likes.items() if like is not None}
            if any(self.claimed[e.number, e.leaf] for e in events):
                self.instead[events[0].site.number] = claims
            else:
                self.claimed |= claims

    def is_claimed(self, known: list[tuple[Event, Event]]) -> bool:
        """Whether one of the values is what it claims to be by its name."""
        return any(self.truth.is_right(e, c) for e, _ in known for c in self.claimed[e.number, e.leaf])

    def counterpart(self, found: Event, example: Event, event: Event) -> Event | None:
        """What is to `event` as the forward's event `found` is to `example`: the same in the round of `event`."""
        keyed = last(found.leaf).lstrip("-").isdigit()  # an entry of a dict by the number of the step
        alike = [e for e in self.truth.events if e.site is found.site and (e.leaf == found.leaf or keyed)]
        if keyed:  # a use of the dict is one of all its entries: those that count
            alike = [e for e in alike if np.any(np.abs(self.truth.print(e, 1)) > 1e-13)]
        own = [e for e in alike if self.claims.same_round(e, example)]
        if found not in own:
            return None
        near = [e for e in alike if self.claims.same_round(e, event) and e.shape == event.shape]
        position = own.index(found)  # a helper that is called twice in each round
        return near[position] if len(near) == len(own) else near[-1] if near and len(own) == 1 else None

    # Mending

    def mended(self, ignored: frozenset[int] | None = None, watched: frozenset[int] = frozenset(),
               scales: dict[int, float] | None = None, choices: dict[int, int] | None = None) -> Run:  # fmt: skip
        """A run in which every wrong value is replaced by the true one, but for the sites in `ignored`.

        scales: by site, of what number times the true derivative its value should be.
        choices: by site, which of its claims is meant, where a name stands for several variables.
        """
        faults: dict[int, Fault] = {}
        ignored = self.ignored if ignored is None else ignored
        scales = self.scales if scales is None else scales
        choices = self.choices if choices is None else choices

        def mend(event: Event, array: Any) -> Any:
            claims = self.claimed.get((event.number, event.leaf))
            if not claims or event.site.number in ignored or self.no_gradient(event):
                return array
            usual = self.unit if (event.number, event.leaf) in self.constant and event.norm > 0 and self.unit else 1.0
            scale = (
                scales.get(event.site.number, 1.0)
                if self.certain_event(event)
                else usual * scales.get(event.site.number, 1.0)
            )
            if any(self.truth.is_right(event, claim, scale) for claim in claims) or self.truth.nowhere(claims[0]):
                return array
            claim = claims[min(choices.get(event.site.number, 0), len(claims) - 1)]
            faults.setdefault(event.site.number, Fault(event.site.number)).events.append((event, claim))
            if claim.value is None or claim.value.size > self.largest or (self.strict and claim.shape != event.shape):
                return array
            true = scale * self.truth.full(claim)
            return float(true) if not isinstance(array, np.ndarray) or array.ndim == 0 else true.copy()

        found = self.backward(mend=mend, watched=watched)
        found.faults = faults
        if found.error is not None and self.plain.error is None and not self.strict:
            self.strict = True  # a true value of another shape stopped the run: such values are left as they are
            return self.mended(ignored, watched, scales, choices)
        return found

    def wanted(self, event: Event, claim: Event) -> np.ndarray:
        """What the value of the event should be."""
        return self.wanted_factor(event) * self.truth.full(claim)

    def wanted_factor(self, event: Event) -> float:
        """What number times the derivative the value of the event should be."""
        return self.unit_of(event) * self.scales.get(event.site.number, 1.0)

    def unit_of(self, event: Event) -> float:
        """What a constant of a scalar loss is to be multiplied with; 1 for what is returned as it is."""
        constant = (event.number, event.leaf) in self.constant and event.norm > 0 and self.unit
        return self.unit if constant and event.print.tobytes() not in self.returned else 1.0

    def no_gradient(self, event: Event) -> bool:
        """Whether a value does not depend on the upstream gradient, and is not just zero, or returned."""
        constant = (event.number, event.leaf) in self.constant and not self.unit
        return constant and event.norm > 0 and not self.certain_event(event)

    def settle(self) -> dict[int, Fault]:
        """Decide which claims are false, and give the places that are wrong themselves, in the order of execution.

        Changes `ignored`, `choices`, `scales`, and `claimed` where a place has another meaning than its name says.
        """
        found = self.mended().faults
        for site in list(found):
            if site in found and self.chosen(site, found):
                found = self.mended().faults
        while lies := self.lies(found):
            named = [lie for lie in lies if found[lie[0]].first.kind not in ("return", "argument")]  # the weaker claims
            site, without = min(named or lies, key=lambda lie: len(lie[1]))
            found = self.by_instead(site, without) or without
            self.ignored |= self.said_twice(site) if found is without else frozenset()
        found = self.believed_again(found)
        for site in list(found) if len(found) > 1 else ():
            if site in found and not self.certain(site, found) and self.in_units(site, found):
                found = self.mended().faults
        return found

    def believed_again(self, found: dict[int, Fault]) -> dict[int, Fault]:
        """The faults, where a claim was dropped because another false one hid what it explains."""
        for site in sorted(self.ignored) if len(found) > 1 else ():
            once_more = self.mended(self.ignored - {site}).faults
            if len(once_more) < len(found):
                self.ignored -= {site}
                found = once_more
        return found

    def by_instead(self, site: int, without: dict[int, Fault]) -> dict[int, Fault] | None:
        """The faults with other claims for a site whose name says something false, if they leave no more to explain."""
        by_name = self.claimed
        self.claimed = self.claimed | self.instead.pop(site, {})
        found = self.mended().faults if self.claimed != by_name else {}
        if found and len(found) <= len(without):
            return found
        self.claimed = by_name
        return None

    def lies(self, found: dict[int, Fault]) -> list[tuple[int, dict[int, Fault]]]:
        """(site, the faults without it) of claims that explain nothing: no other value is wrong without them."""
        lies = []
        for site in found:
            if not self.certain(site, found) and site not in self.believed:
                without = self.mended(self.ignored | self.said_twice(site)).faults
                few = len(without) <= len(found) and self.weak(found[site])
                if few or without.keys() <= found.keys() - {site}:
                    lies.append((site, without))
        return lies

    def said_twice(self, site: int) -> frozenset[int]:
        """The site, and where the same is claimed once more: {"i": di * i} is an item, and then the entry da.i."""
        items = [e for e in self.plain.events if e.site.number == site and e.kind == "item"]
        later = [
            e for e in self.plain.events if e.kind == "assign" and e.leaf and any(e.object is i.object for i in items)
        ]
        return frozenset({site, *(e.site.number for e in later)})

    def chosen(self, site: int, found: dict[int, Fault]) -> bool:
        """Another variable of the same name explains more: less remains wrong with its derivative put in place."""
        event = found[site].first
        claims = self.claimed.get((event.number, event.leaf)) or []
        prints = [self.truth.print(c) for c in claims]
        several = [n for n in range(1, len(claims)) if not any(np.allclose(prints[n], p) for p in prints[:n])][:3]
        results = [(len(self.mended(choices={**self.choices, site: n}).faults), n) for n in several]
        if results and min(results)[0] < len(found):
            self.choices = {**self.choices, site: min(results)[1]}
            return True
        return False

    def in_units(self, site: int, found: dict[int, Fault]) -> bool:
        """Whether the value is meant as a number times the derivative, such as dZ before it is divided by m.

        Then everything that is made of it is in the same units, until it is divided: each later place is tried so too.
        """
        event, claim = found[site].first, found[site].events[0][1]
        number = self.multiple(event, claim)
        sizes = {size for e in self.truth.events for size in e.shape if size > 1}
        if number is None or not any(np.isclose(number, s) or np.isclose(number, 1 / s) for s in sizes):
            return False
        scales = {**self.scales, site: number}
        best = self.mended(scales=scales).faults
        for _ in range(20):  # what is made of it is in these units too, as far as that leaves less to explain
            more = [later for later, fault in best.items() if later not in scales and not self.certain(later, best)]
            tried = [{**scales, later: number} for later in more]
            results = [(self.mended(scales=s).faults, s) for s in tried]
            better = [(f, s) for f, s in results if len(f) < len(best)]
            same = [(f, s) for f, s in results if len(f) == len(best) and f.keys() != best.keys()]
            multiple = [(f, s) for f, s in same if self.is_multiple(best[list(s)[-1]], number)
                        and not any(self.certain(new, f) for new in f.keys() - best.keys())]  # fmt: skip
            if not better and not multiple:
                break
            best, scales = min(better or multiple, key=lambda r: len(r[0]))
        if len(best) >= len(found):
            return False
        self.scales = scales
        return True

    def is_multiple(self, fault: Fault, number: float) -> bool:
        found = self.multiple(*fault.events[0])
        return found is not None and bool(np.isclose(found, number, rtol=1e-6))

    def multiple(self, event: Event, claim: Event) -> float | None:
        """c if the value is c times the derivative by the claim, c not 1."""
        if event.shape != claim.shape or event.norm == 0:
            return None
        true = self.unit_of(event) * self.truth.print(claim)
        k = int(np.argmax(np.abs(true)))
        if not np.abs(true[k]) > 1e-12:
            return None
        number = float(event.print[k] / true[k])
        scale = number * self.unit_of(event)
        return number if number > 0 and self.truth.is_right(event, claim, scale) else None

    def weak(self, fault: Fault) -> bool:
        """Whether the values are the share of one round of a loop, where the claim is the sum over all of them."""
        if fault.first.kind in ("return", "argument"):
            return False  # these claims are no question of names
        for event, claim in fault.events:
            found = self.recognise(event)
            if event.norm > 0 and found is None:
                return False
            if found is not None and not set(found.loops) - set(claim.loops):
                return False
        return True

    def certain(self, site: int, found: dict[int, Fault]) -> bool:
        """What is returned, or left in self.dW, is the gradient of an input: this claim is no question of names."""
        return any(self.certain_event(event) for event, _ in found[site].events)

    def certain_event(self, event: Event) -> bool:
        if (event.number, event.leaf) in self.handed_out:
            return True
        return event.kind == "return" and event.frame.number in self.claims.ends

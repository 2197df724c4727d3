"""What a value of the backward claims to be: the derivative by which value of the forward?

By position: what is returned are the gradients of the arguments. By name: `dz` claims to be the derivative by `z` of
the call that made the cache. By analogy: what is the derivative by `a` at the last step should be so at every step.
A claim by name can be false, since names are free: judge.py tests each claim before it blames a line.
"""

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.line.trace import Event, Frame
from minireid.gradcheck.line.truth import WHOLE, Truth
from minireid.gradcheck.tensor.problem import Problem

PREFIXES = ("dL_d", "dLd", "dl_d", "dJ_d", "dJd", "dE_d", "grad_", "grads_", "gradient_", "d_", "delta_", "g_", "dd",
            "grad", "delta", "d", "g")  # fmt: skip
SUFFIXES = ("_gradient", "_grad", "_bar", "_d", "_delta", "_diff", "grad", "bar")
COLLECTIONS = ("list", "all", "seq", "cache", "s", "t")
BACK = (("backward", "forward"), ("bwd", "fwd"), ("bprop", "fprop"), ("back", "forward"), ("grad", ""), ("_b", "_f"),
        ("_backward", ""), ("_bwd", ""), ("_back", ""))  # fmt: skip


def last(name: str) -> str:
    return name.rpartition(".")[2]


def bare(name: str) -> str:
    return name.replace("_", "").lower()


def forward_names(name: str) -> list[str]:
    """Names of forward variables that the name of a gradient may mean: dz, grad_z, z_grad -> z; grads.W -> W."""
    own = last(name)
    found = [own[len(p) :] for p in PREFIXES if own.startswith(p) and len(own) > len(p)]
    found += [own[: -len(s)] for s in SUFFIXES if own.endswith(s) and len(own) > len(s)]
    if "." in name:
        found.append(own)
    return [n.strip("_") for n in found if n.strip("_")]


def one_of(name: str) -> str:
    """The name of one entry of a collection: h for hs.3, hs, h_list, h_all, h_t; empty if it is none."""
    parts = [part for part in name.split(".") if not part.lstrip("-").isdigit()]
    whole = bare(parts[-1]) if parts else ""
    return next((whole[: -len(s)] for s in COLLECTIONS if whole.endswith(s) and len(whole) > len(s)), "")


def agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rounds of loops belong together: the same values of common names; else the same numbers."""
    if shared := {k for k in one.keys() & other.keys() if not k.startswith("round ")}:
        return all(one[k] == other[k] for k in shared)
    numbers = [[v for v in loops.values() if isinstance(v, (int, np.integer))] for loops in (one, other)]
    return not numbers[0] or not numbers[1] or numbers[0] == numbers[1]


class Claims:
    """Finds the forward's events that a backward's event should be the derivative by."""

    def __init__(
        self, problem: Problem, truth: Truth, forward: tuple[list[Event], list[Frame]], events: list[Event], result: Any
    ) -> None:
        self.problem, self.truth = problem, truth
        self.forward_events, forward_frames = forward
        self.backward_events = events
        self.names = names_of_gradients(problem, result)
        self.named = {key: several[0] for key, several in self.names.items() if len(several) == 1}
        self.frames = {frame.number: frame for frame in forward_frames}
        self.pairs: dict[int, Frame | None] = {}
        self.wholes: dict[str, list[Event]] = defaultdict(list)
        self.entries: dict[str, list[Event]] = defaultdict(list)  # of collections, by the name of one of them
        self.in_frame: dict[int, list[Event]] = defaultdict(list)
        self.given: dict[int, list[Event]] = defaultdict(list)  # arguments of the backward's calls
        for event in events:
            if event.kind == "argument":
                self.given[event.frame.number].append(event)
        for event in truth.events:
            self.in_frame[event.frame.number].append(event)
            if event.kind in WHOLE and event.kind != "return":
                self.wholes[bare(last(event.name))].append(event)
                self.entries[one_of(event.name)].append(event)
        computing = [e.frame for e in truth.needed()] if problem.one_call else forward_frames
        self.shared = {frame.function for frame in computing}
        self.top = next((e.frame.number for e in events), 1)
        self.ends = {self.top} | {e.frame.number for e in events if problem.one_call and self.returns(e.frame)}
        self.copied: dict[int, Any] = {}
        owners = [f.given[0] for f in (*forward_frames[:1], *[e.frame for e in events[:1]]) if f.given]
        if len(owners) == 2 and is_object(owners[0]):  # its backward runs on a copy
            match_copies(owners[0], owners[1], self.copied)
        self.rounds = self.rounds_of(events)
        arguments = {e.name: e for e in self.in_frame[1] if e.kind == "argument"}
        self.returned = {n: arguments[n] if same_array(arguments.get(n), e) else e for n, e in truth.inputs.items()}
        for event in self.returned.values():
            if event.kind == "input":  # a parameter of an object: no argument of the forward
                self.wholes[bare(last(event.name))].insert(0, event)
        self.analogies: dict[int, list[Event]] = {}

    def name_of(self, event: Event) -> str | None:
        """The input whose gradient is this array: where it is that of several inputs, the one of the event's name."""
        several = self.names.get(id(event.object), [])
        own = [n for n in several if len(several) == 1 or last(n) in forward_names(event.name)]
        return own[0] if own else None

    def rounds_of(self, events: list[Event]) -> dict[tuple[int, str], tuple[dict[str, Any], dict[str, Any]]]:
        """Which round of the forward's loops a round of the backward belongs to: that which made what it unpacks."""
        made = {id(e.object): e for e in self.forward_events if e.loops and e.kind in ("assign", "add", "part", "store")
                and isinstance(e.object, np.ndarray) and e.object.ndim}  # fmt: skip
        votes: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        loops: dict[str, dict[str, Any]] = {}
        for event in events:
            maker = made.get(id(self.original(event.object)))
            if maker is not None and event.loops and event.kind == "assign":
                loops[str(event.loops)], loops[str(maker.loops)] = event.loops, maker.loops
                votes[event.frame.number, str(event.loops)][str(maker.loops)] += 1
        # a state comes from the round before: where the votes are equal, the same number of the round counts
        best = {key: max(c, key=lambda theirs: (c[theirs], theirs == key[1])) for key, c in votes.items()}
        return {key: (loops[key[1]], loops[theirs]) for key, theirs in best.items()}

    def original(self, value: Any) -> Any:
        """What the forward had, where the backward was given a copy of it: of a layer inside of an object."""
        return self.copied.get(id(value), value)

    def same_round(self, forward: Event, backward: Event) -> bool:
        """Whether an event of the forward belongs to the same round of the loops as one of the backward."""
        found = [(own, theirs) for (frame, _), (own, theirs) in self.rounds.items()
                 if frame == backward.frame.number and own.items() <= backward.loops.items()]  # fmt: skip
        if not found:
            return agree(forward.loops, backward.loops)
        theirs = max(found, key=lambda pair: len(pair[0]))[1]
        return all(forward.loops.get(k, v) == v for k, v in theirs.items())

    def of(self, event: Event) -> list[Event]:
        """The events that it may claim, the likeliest first; those of its shape, or one of another if none has it."""
        if event.frame.function in self.shared and event.frame.number not in self.ends:
            return []  # a helper such as sigmoid: its names say nothing about gradients
        found = self.by_position(event) if event.kind in ("return", "argument") else self.by_name(event)
        if event.kind == "argument":
            return [e for e in found if e.shape == event.shape]
        return [e for e in found if e.shape == event.shape] or found[:1]

    def returns(self, frame: Frame) -> bool:
        """Whether a call returned all gradients: where forward and backward are one function, another may call it.

        A helper that returns some of them is no end: what it returns may be changed later, `grads["W"] += reg * W`.
        """
        returned = {id(array) for value in frame.returned for array in inside(value)}
        return bool(self.named) and self.named.keys() <= returned

    def by_position(self, event: Event) -> list[Event]:
        pair = self.pair(event.frame)
        if event.frame.number in self.ends and event.kind == "return":
            return self.top_returned(event)
        if event.frame.number in self.ends:
            return []  # the upstream gradient is given
        if pair is None or (event.frame.parent is not None and pair is self.pair(event.frame.parent)):
            return []  # a helper without a counterpart in the forward: what it takes and returns may be anything
        if event.kind == "argument":
            if any(self.original(event.frame.given[int(event.site.key)]) is o for o in objects(pair)):
                return []  # it is the cache
            outputs = [e for e in self.in_frame[pair.number] if e.kind == "return"]
            return [e for e in outputs if e.site.key == str(self.rank(event)) and e.leaf == event.leaf]
        arguments = [e for e in self.in_frame[pair.number] if e.kind == "argument" and e.site.name != "self"]
        names = list(dict.fromkeys(e.site.name for e in arguments))
        position, leaf = position_of(event)
        if position >= len(names):
            return []
        return [e for e in arguments if e.site.name == names[position] and same_leaf(e.leaf, leaf)]

    def rank(self, event: Event) -> int:
        """The position of an argument among those that are no object such as self."""
        before = [
            o for o in event.frame.given[: int(event.site.key)] if isinstance(o, (np.ndarray, float, np.floating))
        ]
        return len(before)

    def top_returned(self, event: Event) -> list[Event]:
        name = self.named.get(id(event.object))
        if name is None and self.problem.one_call and event.site.key == "0" and position_of(event)[0] == 0:
            return []  # the loss
        if name is None:
            names = self.problem.names()
            position, leaf = position_of(event)
            position -= self.problem.one_call  # the loss comes first
            name = names[position] + leaf if 0 <= position < len(names) else ""
        if name in self.returned:
            return [self.returned[name]]
        leaf = position_of(event)[1]
        return [e for name, e in self.returned.items() if leaf and same_leaf("." + last(name), leaf)]

    def by_name(self, event: Event) -> list[Event]:
        names = forward_names(event.name) + ([last(event.name)] if event.kind == "item" else [])
        every = [(name, self.wholes.get(bare(name), [])) for name in names]
        alike = [(name, [e for e in several if e.shape == event.shape]) for name, several in every]
        exactly = [(name, [e for e in several if last(e.name) == name]) for name, several in every]
        for name, candidates in [*alike, *(exactly if event.kind in ("item", "store") and event.index is None else [])]:
            exact = [e for e in candidates if last(e.name) == name]
            if near := self.nearest(exact or candidates, event):
                break
        else:
            near = self.analogies.get(event.number, [])
        entries = [e for name in names for e in self.entries.get(bare(name), []) if e.shape == event.shape]
        near += [e for e in self.nearest(entries, event) if e not in near]
        return near + self.round_before(near, event)

    def by_own_name(self, event: Event) -> bool:
        """Whether an assigned value has exactly the name of what it claims to be the derivative by, in its own call."""
        claims = self.of(event) if event.kind in ("assign", "add", "store") and not self.is_renewed(event) else []
        pair, names = self.pair(event.frame), forward_names(event.name)
        return any((last(c.name) in names or one_of(c.name) in names) and pair is not None
                   and c.frame.number == pair.number for c in claims[:1])  # fmt: skip

    def is_renewed(self, event: Event) -> bool:
        """Whether a name has another meaning from here on: `dz = dz * (1 - z)`, `ds /= 2`."""
        return event.site.key == "?" or any(
            e.name == event.name and e.frame is event.frame and e.loops == event.loops and e.number < event.number
            and e.site is not event.site and e.kind == event.kind == "assign" for e in self.backward_events
        )  # fmt: skip

    def round_before(self, near: list[Event], event: Event) -> list[Event]:
        """What is assigned in a loop may be what comes back to the round before."""
        if not near or event.kind != "assign" or not event.loops:
            return []
        return [e for e in self.in_frame[near[0].frame.number] if e.site is near[0].site and e.number < near[0].number][
            -1:
        ]

    def nearest(self, candidates: list[Event], event: Event) -> list[Event]:
        """Those of the same call and the same round; the latest first."""
        pair = self.pair(event.frame)
        near = [e for e in candidates if self.same_round(e, event)]
        used = [e for e in near if np.any(np.abs(self.truth.print(e, 1)) > 1e-13)]  # an entry of a cache is not
        own = [e for e in used or near if pair is not None and e.frame.number == pair.number]
        return (own or used or near)[::-1]

    def pair(self, frame: Frame) -> Frame | None:
        """The forward's call that belongs to a call of the backward: it made the cache, or has the matching name."""
        if frame.number not in self.pairs:
            self.pairs[frame.number] = self.find_pair(frame)
        return self.pairs[frame.number]

    def find_pair(self, frame: Frame) -> Frame | None:
        if frame.number == self.top:
            return self.frames.get(1)
        if frame.number in self.ends:
            return self.frames.get(frame.number)  # forward and backward are one call
        given = [self.original(g) for g in frame.given]
        made = [f for f in self.frames.values() if any(o is g for o in objects(f) for g in given)]
        named = [f for f in self.frames.values() if f.function in counterparts(frame.function)]
        both = [f for f in made if f in named] or named or made
        if len(both) > 1:
            shared = [sum(o is g for o in f.given + f.returned for g in given if is_array(g)) for f in both]
            both = [f for f, n in zip(both, shared) if n == max(shared)]
            both = [f for f in both if agree(f.around, frame.around)] or both
            both = [f for f in both if all(f is not p for p in self.pairs.values())] or both
            both = [f for f in both if self.is_given_gradient(frame, f)] or both
        if both:
            return both[-1]  # the calls of the backward come in the reverse order
        return self.pair(frame.parent) if frame.parent is not None and frame.parent.number else None

    def is_given_gradient(self, frame: Frame, pair: Frame) -> bool:
        """Whether a call of the backward is given the derivative by what this call of the forward returned."""
        returned = [e for e in self.in_frame[pair.number] if e.kind == "return"]
        return any(self.truth.is_right(g, e) for g in self.given[frame.number] for e in returned)


def names_of_gradients(problem: Problem, result: Any) -> dict[int, list[str]]:
    """The names of the inputs, by the id of the arrays that backward returned for them. One may be of several."""
    found: dict[int, list[str]] = defaultdict(list)
    try:
        for name, array in leaves(problem.by_name(result)):
            found[id(array)] += [name] if isinstance(array, np.ndarray) else []
    except Exception:  # not the right number of gradients: faults.py reports it
        return {}
    return found


def same_array(argument: Event | None, given: Event) -> bool:
    return argument is not None and argument.shape == given.shape and np.array_equal(argument.print, given.print)


def inside(value: Any) -> list[Any]:
    """What tuples, lists and dicts hold, also those in them."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else None
    return [value] if values is None else [inner for v in values for inner in inside(v)]


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def position_of(event: Event) -> tuple[int, str]:
    """(position among the returned values, key): a returned tuple has leaves #0, #1.W …"""
    if event.leaf.startswith("#"):
        first, _, rest = event.leaf[1:].partition(".")
        return int(event.site.key) + int(first), f".{rest}" if rest else ""
    return int(event.site.key), event.leaf


def same_leaf(forward: str, backward: str) -> bool:
    """Whether the key of a gradient belongs to the key of a parameter: .W and .W, .W and .dW."""
    if forward == backward:
        return True
    names = {bare(n) for n in (last(backward), *forward_names("x." + last(backward)))}
    return bool(forward and backward) and bare(last(forward)) in names


def objects(frame: Frame) -> list[Any]:
    """What a call of the forward hands on: what it returns besides numbers, and the object whose method it is."""
    found = [o for o in frame.returned[1:] if not isinstance(o, (int, float, str, type(None), np.generic))]
    return found + [o for o in frame.given[:1] if is_object(o)]


def is_object(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, np.ndarray)


def match_copies(one: Any, other: Any, found: dict[int, Any]) -> None:
    """Note of every part of `other`, by its id, which part of `one` it is a copy of."""
    if id(other) in found or type(one) is not type(other):
        return
    found[id(other)] = one
    if is_object(one):
        one, other = vars(one), vars(other)
    if isinstance(one, dict):
        pairs = [(one[k], other[k]) for k in one.keys() & other.keys()]
    else:
        pairs = list(zip(one, other)) if isinstance(one, (list, tuple)) else []
    for pair in pairs:
        match_copies(*pair, found)


def counterparts(function: str) -> set[str]:
    found = {function.replace(b, f) for b, f in BACK if b in function} - {function}
    return found | {name.strip("_") for name in found}

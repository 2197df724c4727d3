"""What the followed functions report is recorded here, or changed.

- *record*: keep every value, with its name, its line, its loop variables and the call that it belongs to;
- *move*: add a given amount to the value of one event of the forward. The change of the loss is the derivative by it;
- *mend*: put given values in the place of some events of the backward, and record.

Events are numbered in the order of execution. The functions are deterministic, so event 17 of one run is event 17 of
the next.
"""

import contextlib
import copy
import types
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.line.program import Program, Site

MOST = 64  # a place that reports more often is inside a loop over entries: it is not followed
LARGE = 20_000  # entries: of a larger value only its print is kept
DIRECTIONS = 3
FORWARD = frozenset({"argument", "assign", "add", "store", "touch", "use", "part", "return"})
BACKWARD = frozenset({"argument", "assign", "add", "store", "touch", "item", "term", "return"})


@dataclass(eq=False)
class Frame:
    """One call of a followed function. given, returned: the objects themselves, to know which call made which cache."""

    number: int
    function: str
    parent: "Frame | None" = None
    loops: list[dict[str, Any]] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)
    execution: int = -1  # of the statement that runs now
    caller: int = -1  # the execution of the statement that called it
    around: dict[str, Any] = field(default_factory=dict)  # the loop variables around the call


@dataclass(frozen=True, eq=False)
class Event:
    """A site reported a value once. value: a copy, or None if it is large. print: its sum along random directions.

    loops: the loop variables then, such as {"t": 3}. execution: number of the statement's execution. index: what a
    store changed, else None. uses: several of one variable together (truth.py), else empty.
    """

    number: int
    site: Site
    leaf: str
    value: np.ndarray | None
    shape: tuple[int, ...]
    print: np.ndarray
    norm: float
    loops: dict[str, Any]
    frame: Frame
    execution: int
    index: Any = None
    object: Any = field(default=None, repr=False)  # the value itself, not the copy
    uses: tuple["Event", ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        return self.site.name + self.leaf

    @property
    def kind(self) -> str:
        return self.site.kind

    @property
    def line(self) -> int:
        return self.site.line


@dataclass(eq=False)
class Moment:
    """The names just before one execution of a statement, copied."""

    names: dict[str, Any]
    space: dict[str, Any]


class Tracer:
    """Records or changes the values that the followed functions report."""

    index = staticmethod(lambda: np.s_)

    def __init__(self) -> None:
        self.program = Program()
        self.skipped: set[int] = set()
        self.directions: dict[tuple[int, ...], np.ndarray] = {}
        self.imaginary = False
        self.off()

    def off(self) -> None:
        self.start(frozenset())

    def start(self, kinds: frozenset[str], *, target: int = -1, by: Any = None, leaf: str = "",
              watched: frozenset[int] = frozenset(),
              mend: Callable[[Event, Any], Any] | None = None) -> None:  # fmt: skip
        """Begin a run. kinds: which sites report. target, by, leaf: what to move. watched: executions to copy the names
        of. mend: is given every event, returns what to put in its place (the same value: nothing is changed)."""
        self.kinds, self.target, self.by, self.leaf = kinds, target, by, leaf
        self.watched, self.mend = watched, mend
        self.recording = target < 0 and bool(kinds)
        self.events: list[Event] = []
        self.moments: dict[int, Moment] = {}
        self.statements: list[int] = []  # by execution: the statement's number
        self.frames_of: list[Frame] = []  # by execution
        self.count = -1
        self.passages: Counter[int] = Counter()
        self.frames = [Frame(0, "")]
        self.called: list[Frame] = []

    # The taps call these methods.

    def enter(self, function: str) -> None:
        frame = Frame(len(self.called) + 1, function, self.frames[-1])
        frame.caller, frame.around = self.frames[-1].execution, self.loops()
        self.called.append(frame)
        self.frames.append(frame)

    def leave(self) -> None:
        self.frames.pop()

    def loop(self, depth: int, variables: dict[str, Any]) -> None:
        if self.recording:
            frame = self.frames[-1]
            counters = {k: v for k, v in variables.items() if isinstance(v, (int, np.integer, str))}
            if not any(isinstance(v, (int, np.integer)) for v in counters.values()):
                before = frame.loops[depth].get(f"round {depth}", -1) if len(frame.loops) > depth else -1
                counters[f"round {depth}"] = before + 1
            frame.loops[depth:] = [counters]

    def end_loop(self, depth: int) -> None:
        del self.frames[-1].loops[depth:]

    def before(self, statement: int, names: dict[str, Any]) -> None:
        if not self.recording:
            return
        frame = self.frames[-1]
        frame.execution = len(self.statements)
        self.statements.append(statement)
        self.frames_of.append(frame)
        if frame.execution in self.watched:
            self.moments[frame.execution] = Moment(copied(names), {})

    def buffer(self, array: Any) -> Any:
        if self.imaginary and isinstance(array, np.ndarray) and array.dtype == np.float64:
            return array.astype(np.complex128)
        return array

    def value(self, number: int, value: Any) -> Any:
        """value, recorded; or, for the target event, with the given amount added."""
        site = self.program.sites[number]
        if not self.recording:  # in most runs, so it is made short
            if site.kind in self.kinds and number not in self.skipped:
                self.count += 1
                if self.count == self.target and followed(value):
                    return moved(value, self.leaf, self.by)
            return value
        if site.kind == "argument":
            self.frames[-1].given.append(value)
        elif site.kind == "return":
            self.frames[-1].returned.append(value)
        if site.kind not in self.kinds or number in self.skipped:
            return value
        if (
            site.kind == "return"
            and isinstance(value, tuple)
            and self.kinds is BACKWARD
            and not hasattr(value, "_fields")
        ):
            return self.returned(site, value)
        self.count += 1  # also what is not followed: a mended value may be so
        whole = site.kind in ("assign", "add", "return") and self.integers(value)
        return self.record(site, value) if whole or followed(value) else value

    def returned(self, site: Site, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """A tuple that was returned under one name or by another function: its elements one by one."""
        new = list(values)
        for n, value in enumerate(values):
            self.count += 1
            if followed(value) or self.integers(value):
                new[n] = self.record(site, value, f"#{n}")
        return values if all(a is b for a, b in zip(new, values)) else tuple(new)

    def store(self, number: int, base: Any, index: Any) -> None:
        """base[index] was just stored: a part of an array, an entry of a dict or of a list."""
        site = self.program.sites[number]
        if site.kind not in self.kinds or number in self.skipped:
            return
        self.count += 1
        try:
            part = base[index]
        except (TypeError, IndexError, KeyError):
            return
        if not followed(part):
            return
        if isinstance(base, np.ndarray):
            if self.recording and self.kinds is BACKWARD:
                new = self.record(site, base, index=(index,))
                if new is not base:
                    base[...] = new
            elif self.recording:
                self.record(site, part, owner=base)
            elif self.count == self.target:
                base[index] = part + self.by
        elif isinstance(base, (dict, list)):
            key = f".{index}" if isinstance(base, dict) and not site.name.endswith(f".{index}") else ""
            if self.recording:
                new = self.record(site, part, key)
                if new is not part:
                    base[index] = new
            elif self.count == self.target:
                base[index] = moved(part, self.leaf[len(key) :], self.by)

    def settle(self, number: int, base: Any) -> None:
        """A loop that stored parts of an array has ended: where the stores were too many, its array is one event."""
        site = self.program.sites[number]
        if (
            number in self.skipped
            and site.kind in self.kinds
            and self.recording
            and self.kinds is BACKWARD
            and followed(base)
        ):
            self.count += 1
            self.passages[number] = 0
            frame = self.frames[-1]
            here = frame.execution
            frame.execution = next((x for x in range(here, -1, -1) if self.statements[x] == site.statement), here)
            new = self.record(site, base, index=(Ellipsis,))
            frame.execution = here
            if new is not base:
                base[...] = new

    def record(self, site: Site, value: Any, key: str = "", index: Any = None, owner: Any = None) -> Any:
        self.passages[site.number] += 1
        if self.passages[site.number] > MOST:
            self.skipped.add(site.number)
            return value
        frame = self.frames[-1]
        loops = self.loops()
        for leaf, array in arrays_in(value):
            array = np.asarray(array)
            kept = np.array(array) if array.size <= LARGE else None
            event = Event(self.count, site, key + leaf, kept, array.shape, self.print_of(array), norm(array), loops,
                          frame, frame.execution, index, array if owner is None else owner)  # fmt: skip
            self.events.append(event)
            if self.mend is not None:
                new = self.mend(event, array)
                if new is not array:
                    value = put_in(value, leaf, new)
        return value

    def integers(self, value: Any) -> bool:
        """Whether to record an array without a derivative: whole numbers; of the forward also masks, which it keeps."""
        kinds = "iu" if self.kinds is BACKWARD else "iub"
        return isinstance(value, np.ndarray) and value.dtype.kind in kinds and value.ndim > 0

    def loops(self) -> dict[str, Any]:
        """The loop variables now, also those around the calls."""
        frame = self.frames[-1]
        return frame.around | {k: v for loop in frame.loops for k, v in loop.items()}

    def direction(self, shape: tuple[int, ...]) -> np.ndarray:
        if shape not in self.directions:
            rng = np.random.default_rng(np.random.SeedSequence([0x6C696E65, *shape]))
            self.directions[shape] = rng.normal(size=(DIRECTIONS, *shape))
        return self.directions[shape]

    def print_of(self, array: np.ndarray) -> np.ndarray:
        """The sums of array * u over DIRECTIONS random u, shape (DIRECTIONS,): alike only if the arrays are alike."""
        with np.errstate(all="ignore"):
            return (self.direction(array.shape) * array).reshape(DIRECTIONS, -1).sum(axis=1)


def norm(array: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt((np.abs(array) ** 2).sum()))


def copied(names: dict[str, Any]) -> dict[str, Any]:
    """Deep copies, so that names which share an array still share it; what cannot be copied is kept."""
    memo: dict[int, Any] = {}
    found = {}
    for name, value in names.items():
        if isinstance(value, (types.ModuleType, types.FunctionType, type)):
            found[name] = value
            continue
        try:
            found[name] = copy.deepcopy(value, memo)
        except Exception:  # a file, a lock …
            found[name] = value
    return found


def followed(value: Any) -> bool:
    """Whether a value can have a derivative: a float, an array of floats, or a dict that contains one."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fc" and value.size > 0
    if isinstance(value, dict):
        return any(followed(v) for v in value.values())
    return isinstance(value, (float, complex, np.floating, np.complexfloating))


def arrays_in(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """("", array) for an array; (".Wz", array) … for a dict of arrays, nested or not."""
    if isinstance(value, dict):
        return [pair for k, v in value.items() if followed(v) for pair in arrays_in(v, f"{prefix}.{k}")]
    return [(prefix, value)]


def put_in(value: Any, leaf: str, new: Any) -> Any:
    """A copy of value with the array at `leaf` replaced; everything else is shared."""
    if isinstance(value, dict) and leaf:
        return {
            k: put_in(v, leaf[len(str(k)) + 1 :], new) if leaf == f".{k}" or leaf.startswith(f".{k}.") else v
            for k, v in value.items()
        }
    return new


def moved(value: Any, leaf: str, by: Any) -> Any:
    """A copy of value with `by` added to the array at `leaf`; everything else is shared."""
    if isinstance(value, dict):
        return {
            k: moved(v, leaf[len(str(k)) + 1 :], by) if leaf == f".{k}" or leaf.startswith(f".{k}.") else v
            for k, v in value.items()
        }
    return value + by


def run(tracer: Tracer, kinds: frozenset[str], call: Callable[..., Any], *,
        prepare: Callable[[], Any] | None = None, **how: Any) -> list[Event]:  # fmt: skip
    """The events of one run. A place that reports too often is found in the first run and skipped in the second.

    prepare: runs before, unrecorded; `call` is given what it returns.
    """
    for _ in range(3):
        tracer.off()
        prepared = (prepare(),) if prepare else ()
        tracer.start(kinds, **how)
        before = len(tracer.skipped)
        with contextlib.suppress(Exception):  # the events before an exception are useful too
            call(*prepared)
        if len(tracer.skipped) == before:
            break
    return tracer.events

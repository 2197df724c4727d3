"""Which values the conditions of a program took in a run: `x > 0` was True and False, `mask` only True.

    recorder = Recorder()
    with recorder.following(lambda: backward(*forward(x))):
        run = recorder.run(lambda: backward(*forward(x)))       run.seen[3]: the sides of recorder.conditions[3]

Conditions are comparisons, tests of `if`, masks among the arguments, and functions that choose: maximum, clip, abs.
A condition has *sides*: True and False; for clip -1, 0 and 1 (below, inside, above). The functions run as before: in
their new code (condition_taps.py) each condition passes through the recorder.
"""

import linecache
import operator
import types
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.line.condition_taps import Condition, Taps, may_choose
from minireid.gradcheck.line.follow import following

TINY = 1e-3  # a bound so near to 0 or 1 guards a division or a logarithm: it is no branch of the function
HUGE = 20.0  # a larger bound guards an exponential
MOST = 64  # passages of one place in a run: of later ones only a side that is still missing counts


@dataclass
class Run:
    """seen: {condition: its sides}. prints: {condition: a checksum of the numbers that it was made of}.

    nearest: {condition: the smallest distance from 0}, where numbers are compared with 0.
    """

    seen: dict[int, set[Any]] = field(default_factory=dict)
    prints: dict[int, int] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    nearest: dict[int, float] = field(default_factory=dict)


class Recorder:
    """What the new code of the functions reports to.

    masks: whether arguments may be masks, arrays of booleans. forced: {condition: the side that it takes whatever the
    numbers are}.
    """

    def __init__(self, masks: bool = False) -> None:
        self.masks = masks
        self.conditions: list[Condition] = []
        self.forced: dict[int, Any] = {}
        self.now: Run | None = None

    def following(self, once: Callable[[], Any]) -> AbstractContextManager[Any]:
        """The functions that `once` runs, and that have conditions, report here."""
        taps = lambda program, file: Taps(self.conditions, linecache.getlines(file), self.masks)  # noqa: E731
        return following(self, once, taps, lambda code: self.masks or may_choose(code))

    def run(self, once: Callable[[], Any]) -> Run:
        """What the conditions were while `once` ran. Passes its exceptions on."""
        self.now = now = Run()
        try:
            once()
        finally:
            self.now = None
        return now

    # The new code calls these methods.

    def compared(self, number: int, left: Any, right: Any) -> Any:
        condition = self.conditions[number]
        result = condition.operation(left, right)
        if number in self.forced:
            return np.full(np.shape(result), self.forced[number])[()]
        if self.now is not None:
            condition.guard |= exact(condition.operation, left, right) or bound(left, TINY) or bound(right, TINY)
            self.note(number, result, left, right)
            self.near_zero(number, left, right)
        return result

    def tested(self, number: int, value: Any) -> Any:
        if number in self.forced:
            return self.forced[number]
        if self.now is not None and isinstance(value, (int, float, np.ndarray, np.generic)) and np.size(value) == 1:
            self.note(number, bool(value), value)
        return value

    def masked(self, number: int, mask: Any) -> Any:
        if self.now is not None and isinstance(mask, np.ndarray) and mask.size > 1 and mask.dtype.kind in "biuf":
            ones = mask == 1
            if mask.dtype == bool or bool(np.all(ones | (mask == 0))):
                self.note(number, ones, mask)
        return mask

    def called(self, number: int, function: Any, /, *given: Any, **named: Any) -> Any:
        """function(*given, **named). A method's array is its first argument."""
        own = getattr(function, "__self__", None)
        operands = (own, *given) if isinstance(own, np.ndarray) else given
        theirs = isinstance(function, (types.FunctionType, types.MethodType))  # of the same name as NumPy's
        kind = self.conditions[number].kind
        if number in self.forced and not theirs and kind in ("clip", "larger"):
            return operands[0 if kind == "clip" or self.forced[number] else 1]
        result = function(*given, **named)
        if self.now is None or theirs or not operands:
            return result
        if kind == "test":
            self.note(number, result, operands[0])
        elif kind == "clip" and len(operands) >= 3:
            self.clipped(number, *operands[:3])
        elif kind == "abs":
            self.chosen(number, operands[0], 0)
        elif kind == "larger" and len(operands) == 2:
            self.chosen(number, *operands)
        return result

    def clipped(self, number: int, x: Any, low: Any, high: Any) -> None:
        low, high = (-np.inf if low is None else low), (np.inf if high is None else high)
        self.conditions[number].guard |= any(bound(v, TINY, HUGE) for v in (low, high))
        self.note(number, np.where(x < low, -1, np.where(x > high, 1, 0)), x, low, high)
        if self.now is not None:  # nothing can be above infinity
            self.now.seen[number] |= {side for side, v in ((-1, low), (1, high)) if not np.any(np.isfinite(v))}

    def chosen(self, number: int, one: Any, two: Any) -> None:
        """Which of two numbers was taken: True for the first. Equal and infinite ones do not count."""
        condition = self.conditions[number]
        condition.guard |= bound(one, TINY, HUGE) or bound(two, TINY, HUGE)
        apart = np.isfinite(one) & np.isfinite(two) & np.not_equal(one, two)
        if apart.any():
            self.note(number, np.asarray(condition.operation(np.asarray(one), two))[apart], one, two)
            self.near_zero(number, one, two)

    def note(self, number: int, sides: Any, *operands: Any) -> None:
        now = self.now
        assert now is not None  # the callers ask
        seen, count = now.seen.setdefault(number, set()), now.count.get(number, 0)
        if count >= MOST and len(seen) > 1:
            return
        now.count[number] = count + 1
        seen.update(np.unique(sides).tolist() if np.ndim(sides) else [np.asarray(sides).item()])
        if count < MOST:
            for operand in map(np.asarray, operands):
                if operand.dtype != object:
                    now.prints[number] = zlib.crc32(operand.tobytes(), now.prints.get(number, 0))

    def near_zero(self, number: int, one: Any, two: Any) -> None:
        for number_, other in ((one, two), (two, one)):
            if np.size(other) and not np.any(other) and np.asarray(number_).dtype.kind == "f" and np.size(number_):
                now = self.now
                assert now is not None
                now.nearest[number] = min(now.nearest.get(number, np.inf), float(np.abs(number_).min()))


def exact(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    """Whether floats are compared for equality: they are equal by accident only."""
    return operation in (operator.eq, operator.ne) and "f" in {np.asarray(v).dtype.kind for v in (left, right)}


def bound(value: Any, tiny: float, huge: float = np.inf) -> bool:
    """Whether it is one number that is nearly 0 or 1 without being so (1e-8, 1 - 1e-12), or huge."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "fi":
        return False
    size = abs(float(value))
    return 0 < size <= tiny or 0 < abs(float(value) - 1) <= tiny or huge < size < np.inf

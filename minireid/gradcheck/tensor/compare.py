"""One tensor's gradient against the numerical one, entry by entry.

    F1  accept where |a - n| <= 1e-7 max(|a|, |n|, 1e-3 max|n| of the tensor) + the error bar of n

a is what backward returns, n the numerical derivative. Where the true derivative is (nearly) zero, the relative error
would be huge. So it has a floor: a thousandth of the tensor's largest entry. A kink within the step makes n wrong.
So an entry that fails is checked again, with smaller steps and from both sides.

Of a tensor with more than `entries` entries a sample is checked: the corners, both ends and the middle of every axis,
and random entries. In addition sum(a * u) is compared with the derivative along u, for random directions u. A mistake
in any entry changes this sum, but the sum does not show which entry it is.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck.tensor import slopes as numerical
from minireid.gradcheck.tensor.slopes import Slopes

TOLERANCE = 1e-7
SMALLER_STEPS = (1e-4, 1e-5, 1e-6, 1e-7)  # the next one is tried where a kink may be within the one before
CONFIRMED = 40  # after so many entries that are wrong twice, the rest counts as wrong without a second check
DIRECTIONS = 4


@dataclass(frozen=True)
class TensorReport:
    """One checked tensor.

    error: the worst |a - n| / max(|a|, |n|, 1e-3 max|n|). index, analytic, numerical: where it is, a and n there.
    looked_at: how many entries and how many random directions were compared. wrong, kinks: numbers of entries.
    fault: a sentence where the values cannot be compared, else empty.
    """

    name: str
    shape: tuple[int, ...]
    error: float
    index: tuple[int, ...]
    analytic: float
    numerical: float
    kinks: int
    fault: str = ""
    wrong: int = 0
    looked_at: tuple[int, int] = (0, 0)

    @property
    def ok(self) -> bool:
        return not self.fault and self.error <= TOLERANCE and not self.on_kinks

    @property
    def on_kinks(self) -> bool:
        return self.kinks > 0.1 * max(1, self.looked_at[0])

    @property
    def verdict(self) -> str:
        """The result in words."""
        if self.fault:
            return self.fault
        if self.error <= TOLERANCE and self.on_kinks:
            return (
                f"{self.kinks} of {self.looked_at[0]} entries sit on kinks, where there is no derivative: "
                "move the inputs apart"
            )
        place = "" if self.ok else f" at {self.index}: backward says {self.analytic:.8g}, true {self.numerical:.8g}"
        if not self.ok and not self.index and self.shape:
            place = f" along a random direction: backward says {self.analytic:.8g}, true {self.numerical:.8g}"
        kinks = f", left out for sitting on kinks: {self.kinks}" if self.kinks else ""
        count, directions = self.looked_at
        sample = f", {count} of {math.prod(self.shape)} entries and {directions} directions" if directions else ""
        return f"worst error {self.error:.1e}{place}{kinks}{sample}"

    def __str__(self) -> str:
        return f"{self.name:<14} {self.shape!s:<18} {'ok' if self.ok else 'WRONG':<6} {self.verdict}"


def compare(name: str, gradient: Any, slopes: Slopes, entries: int) -> TensorReport:
    """F1 for one tensor. entries: how many are compared, at most."""
    array = slopes.real[name]
    fault = shape_fault(array, gradient)
    if fault:
        return TensorReport(name, array.shape, np.inf, (), np.nan, np.nan, 0, fault)
    if not array.size:
        return TensorReport(name, array.shape, 0.0, (), np.nan, np.nan, 0)
    gradient = np.asarray(gradient)
    indices = chosen(array.shape, entries, slopes.problem.seed)
    n, bars = (np.array(v) for v in zip(*(slopes.at(name, index) for index in indices)))
    a = np.array([gradient[index] for index in indices])
    floor = 1e-3 * np.abs(n).max()
    error = relative(a, n, floor, bars)
    error, n, kinks = second_look(name, indices, a, n, error, floor, slopes)
    worst = int(np.argmax(error))
    count = int((error > TOLERANCE).sum())
    directions = DIRECTIONS if len(indices) < array.size else 0
    sample = (len(indices), directions)
    found = TensorReport(
        name,
        array.shape,
        float(error[worst]),
        indices[worst],
        float(a[worst]),
        float(n[worst]),
        kinks,
        "",
        count,
        sample,
    )
    return found if not directions or not found.ok else along_directions(found, gradient, slopes)


def second_look(name, indices, a, n, error, floor, slopes) -> tuple[np.ndarray, np.ndarray, int]:
    """(error, n, kinks), with the entries that failed checked again: is it a kink and not a mistake?"""
    array, confirmed, kinks = slopes.real[name], 0, 0
    for k in np.flatnonzero(~(error <= TOLERANCE)):
        if confirmed >= CONFIRMED:
            break
        closer = settle(float(a[k]), float(n[k]), array, indices[k], floor, slopes.loss)
        if closer is not None:
            n[k], error[k] = closer, 0.0
        elif numerical.is_kink(slopes.loss, array, indices[k], floor):
            kinks, error[k] = kinks + 1, 0.0
        else:
            confirmed += 1
    return np.nan_to_num(error, nan=np.inf), n, kinks


def along_directions(report: TensorReport, gradient: np.ndarray, slopes: Slopes) -> TensorReport:
    """The same tensor along random directions: every entry contributes to them."""
    rng = np.random.default_rng([slopes.problem.seed, 1])
    for _ in range(report.looked_at[1]):
        u = rng.normal(size=report.shape) / math.sqrt(math.prod(report.shape))
        a, (n, off) = float((gradient * u).sum()), slopes.along(report.name, u)
        error = float(relative(a, n, 1e-3 * float(np.abs(gradient).max()), 10 * off))
        if error > 1e-6 and not between_slopes(report.name, u, a, slopes):
            return TensorReport(report.name, report.shape, error, (), a, n, report.kinks, "", 1, report.looked_at)
    return report


def between_slopes(name: str, u: np.ndarray, a: float, slopes: Slopes) -> bool:
    """Whether a lies between the one-sided derivatives of the loss along u, taken with a tiny step.

    Among thousands of values some lie near a kink. A step of 1e-4 along u crosses it, a step of 1e-7 does not.
    """
    backwards, forwards = slopes.sides(name, u)
    low, high = min(backwards, forwards), max(backwards, forwards)
    far = 1e-5 * max(abs(low), abs(high))
    return low - far <= a <= high + far


def chosen(shape: tuple[int, ...], entries: int, seed: int) -> list[tuple[int, ...]]:
    """All indices of a tensor, or a sample: corners, ends and middles of the axes, and random ones."""
    if math.prod(shape) <= entries:
        return list(np.ndindex(shape))
    rng = np.random.default_rng([seed, *shape])
    grid = list(itertools.product(*(sorted({0, size // 2, size - 1}) for size in shape)))
    picked = [tuple(grid[i]) for i in rng.permutation(len(grid))[: entries // 2]]
    while len(picked) < entries:
        index = tuple(int(rng.integers(size)) for size in shape)
        if index not in picked:
            picked.append(index)
    return picked


def settle(a: float, first: float, array: np.ndarray, index: tuple[int, ...], floor: float, loss: Any) -> float | None:
    """The numerical derivative with the first smaller step that confirms a, or None.

    first: the derivative with the usual step. A kink within that step makes it wrong. A smaller step has a larger
    rounding error. So it replaces `first` only where they differ by more than this error.
    """
    for h in SMALLER_STEPS:
        n, off = numerical.derivative(loss, array, index, h)
        allowed = TOLERANCE * max(abs(a), abs(n), floor) + off
        if abs(n - first) > allowed >= abs(a - n):
            return n
    return None


def relative(a: Any, n: Any, floor: float, off: Any) -> Any:
    """(|a - n| - off, at least 0) / max(|a|, |n|, floor); 0 where all three are 0. off: the error bar of n."""
    scale = np.maximum(np.maximum(np.abs(a), np.abs(n)), floor)
    return np.maximum(np.abs(a - n) - off, 0) / np.where(scale == 0, 1, scale)


def shape_fault(array: np.ndarray, gradient: Any) -> str:
    """What is wrong with a gradient before its values are compared, or an empty string."""
    if gradient is None:
        return "backward returns no gradient for it"
    if isinstance(gradient, (dict, tuple, list)):
        return f"backward returns a {type(gradient).__name__} where an array of the shape {array.shape} belongs"
    shape = np.shape(gradient)
    if shape != array.shape:
        return f"its gradient has the shape {shape}{explained(shape, array.shape)}"
    kind = np.asarray(gradient).dtype
    if kind != np.float64:
        return f"its gradient is {kind} where its input is float64: backward must return float64"
    if not np.all(np.isfinite(gradient)):
        return "its gradient contains NaN or infinity"
    return ""


def explained(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """What may be wrong with the shape, or an empty string."""
    if shape == expected[::-1]:
        return ": transposed"
    if sorted(shape) == sorted(expected) and len(shape) == len(expected):
        return ": the same axes in another order"
    if math.prod(shape) == math.prod(expected):
        return f": the number of values is right, reshape it to {expected}"
    try:
        if np.broadcast_shapes(shape, expected) == shape:
            return f": the input was broadcast in the forward, so its gradient must be summed to the shape {expected}"
        if np.broadcast_shapes(shape, expected) == expected:
            return ": summed over one axis too many"
    except ValueError:
        pass
    return ""

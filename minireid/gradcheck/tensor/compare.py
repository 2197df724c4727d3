"""One tensor's gradient against the numerical one, entry by entry.

    F1  accept where |a - n| <= 1e-7 max(|a|, |n|, 1e-3 max|n| of the tensor) + the error bar of n

a is what backward returns, n the numerical derivative. Where the true derivative is (nearly) zero, the relative error
would be huge. So it has a floor: a thousandth of the tensor's largest entry. A kink within the step makes n wrong.
So an entry that fails is checked again, with smaller steps and from both sides.

Of a tensor with more than `entries` entries a sample is checked: the corners, both ends and the middle of every axis,
and random entries. In addition sum(a * u) is compared with the derivative along u, for random directions u. A mistake
in any entry changes this sum, but the sum does not show which entry it is.

In float32 seven digits of every entry are too many to ask for: there the tolerance is 1e-3 of the largest entry.
"""

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minireid.gradcheck.tensor import slopes as numerical
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.slopes import Slopes

TOLERANCE = 1e-7
FLOAT32_TOLERANCE = 1e-3  # of the largest entry
OTHER_DTYPE = "its gradient is "  # the beginning of the fault of a wrong dtype
SMALLER_STEPS = (1e-4, 1e-5, 1e-6, 1e-7)  # the next one is tried where a kink may be within the one before
CONFIRMED = 12  # after so many entries that are wrong twice, the rest counts as wrong without a second check
CONFIRMED_OF_SAMPLE = 1  # the same where a sample is compared: there each check takes longer
DIRECTIONS = 4


@dataclass(frozen=True)
class TensorReport:
    """One checked tensor.

    error: the worst |a - n| / max(|a|, |n|, 1e-3 max|n|), less the error bar of n. index, analytic, numerical: where it
    is, a and n there. difference: the same without taking off the error bar, so it is never 0 by courtesy.
    looked_at: how many entries and how many random directions were compared. wrong, kinks: numbers of entries.
    fault: a sentence where the values cannot be compared, else empty. tolerance: of `error`. flat: whether the true
    gradient is 0 everywhere, so that many mistakes cannot be seen (not known of a sampled tensor).

    There are three states. `ok`: it is right. `unchecked`: nothing is wrong, but more than a tenth of the entries sit
    on kinks, so it is not known whether it is right. Everything else is wrong.
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
    difference: float = 0.0
    tolerance: float = TOLERANCE
    flat: bool = False

    @property
    def ok(self) -> bool:
        return not self.fault and self.error <= self.tolerance and not self.on_kinks

    @property
    def unchecked(self) -> bool:
        return not self.fault and self.error <= self.tolerance and self.on_kinks

    @property
    def other_dtype(self) -> bool:
        """Whether its only fault is a dtype."""
        return self.fault.startswith(OTHER_DTYPE)

    @property
    def on_kinks(self) -> bool:
        return self.kinks > 0.1 * max(1, self.looked_at[0])

    @property
    def verdict(self) -> str:
        """The result in words."""
        if self.fault:
            return self.fault
        if self.unchecked:
            return (
                f"not checked: {self.kinks} of {self.looked_at[0]} entries sit on kinks, where there is no derivative: "
                "move the inputs apart"
            )
        result = self.agreement if self.ok else f"worst error {self.error:.1e}{self.place}"
        kinks = f", left out for sitting on kinks: {self.kinks}" if self.kinks else ""
        count, directions = self.looked_at
        sample = f", {count} of {math.prod(self.shape)} entries and {directions} directions" if directions else ""
        return f"{result}{kinks}{sample}"

    @property
    def agreement(self) -> str:
        """How well a right tensor agrees, in words."""
        if not math.prod(self.shape):
            return "has no entries"
        difference = max(self.difference, self.error)
        if difference == 0:
            return "agrees in every digit"
        if difference <= self.tolerance:
            return f"agrees to {difference:.0e}"
        return f"agrees within the error bar of the true value: {abs(self.analytic - self.numerical):.0e} apart"

    @property
    def place(self) -> str:
        """Where the worst entry of a wrong tensor is, and its values."""
        where = "along a random direction" if not self.index and self.shape else f"at {self.index}"
        analytic, true = told_apart(self.analytic, self.numerical)
        return f" {where}: backward says {analytic}, true {true}"

    def __str__(self) -> str:
        state = "ok" if self.ok else "" if self.unchecked else "WRONG"
        return f"{self.name:<14} {self.shape!s:<18} {state:<6} {self.verdict}"


def told_apart(one: float, two: float, digits: int = 8) -> tuple[str, str]:
    """Both numbers with so many digits that they are seen to differ: `digits`, or more where these are equal."""
    for count in range(digits, 17):
        if f"{one:.{count}g}" != f"{two:.{count}g}":
            # where the first digits are equal, two more show by how much they differ
            more = min(17, count + 2) if count > digits else digits
            return f"{one:.{more}g}", f"{two:.{more}g}"
    return (f"{one:.{digits}g}",) * 2 if one == two else (f"{one:.17g}", f"{two:.17g}")


def compare(name: str, gradient: Any, slopes: Slopes, entries: int, float32: bool = False) -> TensorReport:
    """F1 for one tensor. entries: how many are compared, at most. float32: whether float32's tolerance is enough."""
    array = slopes.real[name]
    fault = shape_fault(array, gradient, float32)
    if fault:
        return TensorReport(name, array.shape, np.inf, (), np.nan, np.nan, 0, fault)
    if not array.size:
        return TensorReport(name, array.shape, 0.0, (), np.nan, np.nan, 0)
    gradient = np.asarray(gradient, np.float64)
    indices = chosen(array.shape, entries, slopes.problem.seed, name)
    n, bars = (np.array(v) for v in zip(*(slopes.at(name, index) for index in indices)))
    a = np.array([gradient[index] for index in indices])
    tolerance, floor = strictness(n, float32)
    error = relative(a, n, floor, bars)
    error, n, kinks = second_look(name, indices, a, n, error, tolerance, floor, slopes)
    difference = np.where(kinks, 0, relative(a, n, floor, 0))
    worst = int(np.argmax(error if error.any() else difference))
    directions = DIRECTIONS if len(indices) < array.size else 0
    found = TensorReport(
        name,
        array.shape,
        float(error[worst]),
        indices[worst],
        float(a[worst]),
        float(n[worst]),
        int(kinks.sum()),
        wrong=int((error > tolerance).sum()),
        looked_at=(len(indices), directions),
        difference=float(difference[worst]),
        tolerance=tolerance,
        flat=not directions and bool(np.all(np.abs(n) <= bars)),
    )
    return found if not directions or not found.ok else along_directions(found, gradient, slopes)


def strictness(n: np.ndarray, float32: bool) -> tuple[float, float]:
    """(tolerance, floor of the scale) of F1, from the numerical derivatives of a tensor."""
    largest = float(np.abs(n).max())
    return (FLOAT32_TOLERANCE, largest) if float32 else (TOLERANCE, 1e-3 * largest)


def second_look(name, indices, a, n, error, tolerance, floor, slopes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(error, n, kinks), with the entries that failed checked again: is it a kink and not a mistake?

    kinks: for every entry whether it sits on one.
    """
    array, confirmed, kinks = slopes.real[name], 0, np.zeros(len(indices), bool)
    strict = min(tolerance, 1e-5)  # a kink within the step also matters below float32's tolerance
    curvature = 1e-3 * np.abs(n).max()
    failing = np.flatnonzero(~(error <= strict))
    for k in failing[np.argsort(-error[failing], kind="stable")]:  # the worst first: it is the one that is shown
        if confirmed >= (CONFIRMED if len(indices) == array.size else CONFIRMED_OF_SAMPLE):
            break
        if slopes.coarse:  # smaller steps would show nothing but rounding
            closer = between_sides(float(a[k]), array, indices[k], tolerance * floor, slopes)
        else:
            closer = settle(float(a[k]), float(n[k]), array, indices[k], strict, floor, slopes.loss)
        if closer is not None:
            n[k], error[k] = closer, 0.0
        elif abs(a[k] - n[k]) <= 4 * slopes.wobble(name, indices[k]):
            error[k] = 0.0
        elif not slopes.coarse and numerical.is_kink(slopes.loss, array, indices[k], curvature, slopes.magnitude):
            kinks[k], error[k] = True, 0.0
        else:
            confirmed += not error[k] <= tolerance
    return np.nan_to_num(error, nan=np.inf), n, kinks


def between_sides(a: float, array: np.ndarray, index: tuple[int, ...], far: float, slopes: Slopes) -> float | None:
    """The derivative nearest to a that lies between the one-sided ones, or None if a is farther away than `far`.

    For a forward that rounds to float32: its steps are so large that they reach over kinks.
    """
    here, h = slopes.loss(), numerical.COARSE_STEP
    sides = [(numerical.moved(slopes.loss, array, index, by) - here) / by for by in (-h, h)]
    nearest = min(max(a, min(sides)), max(sides))
    return nearest if abs(a - nearest) <= far else None


def along_directions(report: TensorReport, gradient: np.ndarray, slopes: Slopes) -> TensorReport:
    """The same tensor along random directions: every entry contributes to them."""
    rng = stream(slopes.problem.seed, "directions", report.name)
    for _ in range(report.looked_at[1]):
        u = rng.normal(size=report.shape) / math.sqrt(math.prod(report.shape))
        a, (n, off) = float((gradient * u).sum()), slopes.along(report.name, u)
        error = float(relative(a, n, 1e-3 * float(np.abs(gradient).max()), 10 * off))
        if error > 10 * report.tolerance and not between_slopes(report.name, u, a, slopes):
            return replace(report, error=error, index=(), analytic=a, numerical=n, wrong=1)
    return report


def between_slopes(name: str, u: np.ndarray, a: float, slopes: Slopes) -> bool:
    """Whether a lies between the one-sided derivatives of the loss along u, taken with a tiny step.

    Among thousands of values some lie near a kink. A step of 1e-4 along u crosses it, a step of 1e-7 does not.
    """
    if slopes.coarse:
        return False
    backwards, forwards = slopes.sides(name, u)
    low, high = min(backwards, forwards), max(backwards, forwards)
    far = 1e-5 * max(abs(low), abs(high))
    return low - far <= a <= high + far


def chosen(shape: tuple[int, ...], entries: int, seed: int, name: str = "") -> list[tuple[int, ...]]:
    """All indices of a tensor, or a sample: corners, ends and middles of the axes, and random ones."""
    if math.prod(shape) <= entries:
        return list(np.ndindex(shape))
    rng = stream(seed, "sample", name)
    grid = list(itertools.product(*(sorted({0, size // 2, size - 1}) for size in shape)))
    picked = [tuple(grid[i]) for i in rng.permutation(len(grid))[: entries // 2]]
    while len(picked) < entries:
        index = tuple(int(rng.integers(size)) for size in shape)
        if index not in picked:
            picked.append(index)
    return picked


def settle(
    a: float, first: float, array: np.ndarray, index: tuple[int, ...], tolerance: float, floor: float, loss: Any
) -> float | None:
    """The numerical derivative with the first smaller step that confirms a, or None.

    first: the derivative with the usual step. A kink within that step makes it wrong. A smaller step has a larger
    rounding error. So it replaces `first` only where they differ by more than this error.
    """
    for h in SMALLER_STEPS:
        n, off = numerical.derivative(loss, array, index, h)
        allowed = tolerance * max(abs(a), abs(n), floor) + off
        if abs(n - first) > allowed >= abs(a - n):
            return n
    return None


def relative(a: Any, n: Any, floor: float, off: Any) -> Any:
    """(|a - n| - off, at least 0) / max(|a|, |n|, floor); 0 where all three are 0. off: the error bar of n."""
    scale = np.maximum(np.maximum(np.abs(a), np.abs(n)), floor)
    return np.maximum(np.abs(a - n) - off, 0) / np.where(scale == 0, 1, scale)


def shape_fault(array: np.ndarray, gradient: Any, float32: bool = False) -> str:
    """What is wrong with a gradient before its values are compared, or an empty string."""
    if gradient is None:
        return "backward returns no gradient for it"
    if isinstance(gradient, (dict, tuple, list)):
        return f"backward returns a {type(gradient).__name__} where an array of the shape {array.shape} belongs"
    shape = np.shape(gradient)
    if shape != array.shape:
        return f"its gradient has the shape {shape}{explained(shape, array.shape)}"
    if kind := kind_fault(np.asarray(gradient).dtype, array.shape, float32):
        return kind
    if not np.all(np.isfinite(gradient)):
        return "its gradient contains NaN or infinity"
    return ""


def kind_fault(kind: np.dtype, shape: tuple[int, ...], float32: bool) -> str:
    """What is wrong with the dtype of a gradient and what to do, or an empty string."""
    if kind == np.float64 or (float32 and kind == np.float32):
        return ""
    if kind.kind in "iub":
        made = f"an array made by np.zeros({shape}, {'bool' if kind.kind == 'b' else 'int'})"
        keeps = "True and False only" if kind.kind == "b" else "whole numbers only"
        remedy = f"{made} keeps {keeps}, make it with np.zeros({shape})"
    elif kind.kind == "f":
        remedy = f"{kind} keeps fewer digits, take out what converts to it (such as .astype or dtype=)"
    elif kind.kind == "c":
        remedy = "a gradient is real, return its real part"
    else:
        remedy = "backward must return float64"
    return f"{OTHER_DTYPE}{kind} where its input is {'float32' if float32 else 'float64'}: {remedy}"


def explained(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """What may be wrong with the shape, or an empty string."""
    if shape == expected[::-1]:
        return ": transposed"
    if sorted(shape) == sorted(expected):
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

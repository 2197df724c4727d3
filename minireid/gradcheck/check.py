"""Is this backward the derivative of that forward? Entry by entry, in float64, with a random upstream gradient.

    F1  L = sum of dy * forward(...)         dy: random, drawn once
    F2  accept where |a - n| <= 1e-7 max(|a|, |n|, 1e-3 max|n| of the tensor) + rounding of n, some 4e-16 |L| / h

a is what backward(dy) returns, n the numerical derivative of L. A random dy matters: with dy all ones many a wrong
backward passes (the gradient of a softmax would be zero, right or wrong). The last term of F2 keeps entries whose true
derivative is (nearly) zero from being failed for rounding errors.

The functions checked are plain: `forward(*arrays, **config) -> (y, cache)`, `backward(dy, cache) -> gradients`, one
gradient for every positional argument (a tuple where there is more than one). Arguments, y and gradients may be nested
dicts of arrays. Keyword arguments are configuration; a numpy Generator among them is copied before every call, so that
each call draws the same numbers.
"""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck import numerical
from minireid.trees import leaves, map_leaves

TOLERANCE = 1e-7
STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)  # the next one is taken where a kink may lie within reach of the one before


@dataclass(frozen=True)
class TensorReport:
    """One checked tensor. error: worst |a - n| / max(|a|, |n|, 1e-3 max|n|); index, analytic, numerical: that entry."""

    name: str
    shape: tuple[int, ...]
    error: float
    index: tuple[int, ...]
    analytic: float
    numerical: float
    kinks: int
    fault: str = ""

    @property
    def ok(self) -> bool:
        return not self.fault and self.error <= TOLERANCE and self.kinks <= 0.1 * math.prod(self.shape)

    def __str__(self) -> str:
        if self.fault:
            return f"{self.name:<14} {self.shape!s:<18} WRONG  {self.fault}"
        if self.error <= TOLERANCE and not self.ok:
            return (
                f"{self.name:<14} {self.shape!s:<18} WRONG  {self.kinks} of {int(np.prod(self.shape))} entries sit on "
                "kinks, where there is no derivative: move the inputs apart"
            )
        verdict = "ok" if self.ok else "WRONG"
        kinks = f", left out for sitting on kinks: {self.kinks}" if self.kinks else ""
        place = "" if self.ok else f" at {self.index}: backward says {self.analytic:.8g}, true {self.numerical:.8g}"
        return f"{self.name:<14} {self.shape!s:<18} {verdict:<6} worst error {self.error:.1e}{place}{kinks}"


def check(
    forward: Callable[..., Any], backward: Callable[..., Any], *arrays: Any, seed: int = 0, **config: Any
) -> list[TensorReport]:
    """A report for every array among the arguments. arrays: float64, or nested dicts of such; changed and put back.

    Raises TypeError where an array is not float64: in float32 no derivative can be told from a wrong one.
    """
    named = [name for name, p in inspect.signature(forward).parameters.items() if p.kind != p.VAR_POSITIONAL]
    names = [*named, *(f"argument {n}" for n in range(len(named), len(arrays)))][: len(arrays)]
    inputs = dict(zip(names, arrays))
    for name, array in leaves(inputs):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise TypeError(f"gradcheck needs arrays of float64: {name} is {kind}; convert it with .astype(np.float64)")
    y, cache = forward(*arrays, **fresh(config))
    rng = np.random.default_rng(seed)
    dy = map_leaves(lambda leaf: rng.normal(size=np.shape(leaf))[()], y)
    returned = backward(dy, cache)
    gradients = dict(leaves(dict(zip(names, returned if len(arrays) > 1 else (returned,)))))

    def loss() -> float:  # F1
        y, _ = forward(*arrays, **fresh(config))
        return sum(float(np.sum(d * v)) for (_, d), (_, v) in zip(leaves(dy), leaves(y)))

    return [compare(name, array, gradients.get(name), loss) for name, array in leaves(inputs)]


def fresh(config: dict[str, Any]) -> dict[str, Any]:
    """config with a copy of every generator in it, so that each call draws the same numbers."""
    return {k: copy.deepcopy(v) if isinstance(v, np.random.Generator) else v for k, v in config.items()}


def compare(name: str, array: np.ndarray, gradient: Any, loss: Callable[[], float]) -> TensorReport:
    """F2 for every entry of one tensor."""
    fault = shape_fault(array, gradient)
    if fault:
        return TensorReport(name, array.shape, np.inf, (), np.nan, np.nan, 0, fault)
    if not array.size:
        return TensorReport(name, array.shape, 0.0, (), np.nan, np.nan, 0)
    numeric = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        numeric[index] = numerical.derivative(loss, array, index, STEPS[0])
    floor = 1e-3 * np.abs(numeric).max()
    error = np.asarray(relative(gradient, numeric, floor, rounding(loss, STEPS[0])))
    kinks = 0
    for index in map(tuple, np.argwhere(~(error <= TOLERANCE))):  # a mistake, or a kink within reach: look closer
        closer = settle(float(gradient[index]), float(numeric[index]), array, index, floor, loss)
        if closer is not None:
            numeric[index], error[index] = closer, 0.0
        elif numerical.is_kink(loss, array, index, floor):
            kinks, error[index] = kinks + 1, 0.0
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(np.nan_to_num(error, nan=np.inf)), error.shape))
    return TensorReport(
        name, array.shape, float(error[worst]), worst, float(gradient[worst]), float(numeric[worst]), kinks
    )


def settle(
    a: float, first: float, array: np.ndarray, index: tuple[int, ...], floor: float, loss: Callable[[], float]
) -> float | None:
    """The derivative at the first smaller step that confirms a, or None.

    A kink nearer than the step spoils `first`, the derivative at the first step. At a smaller step rounding weighs
    more: its derivative can overrule the first only where they differ by more than that.
    """
    for h in STEPS[1:]:
        n = numerical.derivative(loss, array, index, h)
        allowed = TOLERANCE * max(abs(a), abs(n), floor) + rounding(loss, h)
        if abs(n - first) > allowed >= abs(a - n):
            return n
    return None


def rounding(loss: Callable[[], float], h: float) -> float:
    """How far off the numerical derivative with step h is because L has only 16 digits: some 4e-16 |L| / h."""
    return 4e-16 * abs(loss()) / h


def relative(a: Any, n: Any, floor: float, rounded: float) -> Any:
    """|a - n|, less what rounding explains, against the larger of |a|, |n| and floor; 0 where all three are 0."""
    scale = np.maximum(np.maximum(np.abs(a), np.abs(n)), floor)
    return np.maximum(np.abs(a - n) - rounded, 0) / np.where(scale == 0, 1, scale)


def shape_fault(array: np.ndarray, gradient: Any) -> str:
    """What is wrong with a gradient before any of its values is looked at, or an empty string."""
    if gradient is None:
        return "backward returns no gradient for it"
    if np.shape(gradient) != array.shape:
        return f"its gradient has the shape {np.shape(gradient)}"
    if not np.all(np.isfinite(gradient)):
        return "its gradient holds NaN or infinity"
    return ""


def assert_gradients(forward: Callable[..., Any], backward: Callable[..., Any], *arrays: Any, **config: Any) -> None:
    """For a test suite: AssertionError with the report of every wrong tensor. Arguments as for `check`."""
    wrong = [report for report in check(forward, backward, *arrays, **config) if not report.ok]
    if wrong:
        raise AssertionError("wrong gradient\n" + "\n".join(map(str, wrong)))

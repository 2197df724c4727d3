"""Derivatives from function values alone.

    F1  D(h) = (L(v + h) - L(v - h)) / (2 h)        central difference, error c h^2 + ...
    F2  R(h) = (4 D(h) - D(2 h)) / 3                 Richardson: the h^2 terms cancel, the error is of order h^4
    F3  C(h) = Im L(v + i h) / h                     complex step: no difference is taken, so h may be 1e-30

In float64 every L has a rounding error of about 1e-16 |L|. So F1 has a rounding error of about 1e-16 |L| / h, besides
the error c h^2 of the formula. If h is too small, the rounding error is the larger one. F2 at h = 1e-3 has a formula
error of about 1e-12 and a rounding error of about 1e-13. That is about ten correct digits; F1 has at most about seven.
The difference of D(h) and D(2 h) shows how good h is: it gives the error bar. F3 (Squire & Trapp 1998) is exact to the
last digits, if the function accepts complex numbers and has no |x|, no comparison and no buffer of real numbers.
`Slopes` tests whether it is.
"""

import warnings
from collections.abc import Callable

import numpy as np

from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.problem import Problem, complex_arrays, weighted_sum

STEP = 1e-3
TINY = 1e-30
EPSILON = 4e-16  # the relative rounding error of a loss in float64, and a little more
COARSE_STEP = 1e-2  # where the forward rounds to float32
COARSE_EPSILON = 2.4e-7


class Slopes:
    """The derivatives of a problem's loss: by the complex step if it works, else by differences.

    method: "auto" tests the complex step along a random direction of every tensor, and uses it if differences agree.
    "complex" and "central" use the one or the other without a test. Raises ValueError for any other method.
    coarse: whether the forward rounds to float32. Then differences with a large step are used.
    """

    def __init__(self, problem: Problem, method: str = "auto", coarse: bool = False) -> None:
        if method not in ("auto", "complex", "central"):
            raise ValueError(f'gradcheck: method must be "auto", "complex" or "central", got {method!r}')
        self.problem, self.coarse = problem, coarse
        self.real = dict(leaves(problem.inputs()))
        self.imaginary = dict(leaves(dict(zip(problem.names(), complex_arrays(problem.arrays)))))
        self.complex_arguments = tuple(from_leaves(self.imaginary)[name] for name in problem.names())
        self.magnitude = magnitude(problem)
        self.rounding = 1e-14 * self.magnitude
        self.complex = not coarse and (method == "complex" or (method == "auto" and self.complex_works()))

    def loss(self) -> float:
        """L at the present inputs."""
        return weighted_sum(self.problem.upstream, self.problem.call(self.problem.forward)[0]).real

    def at(self, name: str, index: tuple[int, ...]) -> tuple[float, float]:
        """(dL / d tensor[index], its error bar)."""
        if self.complex:
            direction = np.zeros(self.real[name].shape)
            direction[index] = 1
            return self.complex_along(name, direction), self.rounding
        if self.coarse:
            n, _ = derivative(self.loss, self.real[name], index, COARSE_STEP)
            return n, COARSE_EPSILON * self.magnitude / COARSE_STEP
        return derivative(self.loss, self.real[name], index)

    def along(self, name: str, direction: np.ndarray) -> tuple[float, float]:
        """(sum of dL/d tensor * direction, its error bar). direction has the tensor's shape."""
        if self.complex:
            return self.complex_along(name, direction), self.rounding
        if self.coarse:
            return self.difference(name, direction, COARSE_STEP)[0], COARSE_EPSILON * self.magnitude / COARSE_STEP
        return self.difference(name, direction)

    def wobble(self, name: str, index: tuple[int, ...]) -> float:
        """How much the complex step differs from itself with other tiny steps: only rounding can make a difference.

        `rounding` is too small where large terms cancel inside, as where a row is divided by its tiny length.
        """
        if not self.complex:
            return 0.0
        direction = np.zeros(self.real[name].shape)
        direction[index] = 1
        values = [self.complex_along(name, direction, step * TINY) for step in (1, 0.61, 1.37, 2.93)]
        return max(values) - min(values)

    def complex_along(self, name: str, direction: np.ndarray, tiny: float = TINY) -> float:
        array = self.imaginary[name]
        array.imag = tiny * direction
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)  # a real buffer would drop the derivative
                y, _ = self.problem.call(self.problem.forward, self.complex_arguments)
            return weighted_sum(self.problem.upstream, y).imag / tiny
        finally:
            array.imag = 0

    def difference(self, name: str, direction: np.ndarray, step: float = STEP / 10) -> tuple[float, float]:
        array, original = self.real[name], self.real[name].copy()

        def moved(by: float) -> float:
            array[...] = original + by * direction
            return self.loss()

        try:
            one, two = ((moved(h) - moved(-h)) / (2 * h) for h in (step, 2 * step))
        finally:
            array[...] = original
        return (4 * one - two) / 3, bar(one, two, self.loss(), step)

    def sides(self, name: str, direction: np.ndarray, h: float = 1e-7) -> tuple[float, float]:
        """(left, right): the one-sided derivatives of the loss along a direction. They differ at a kink."""
        array, original, here = self.real[name], self.real[name].copy(), self.loss()
        try:
            array[...] = original + h * direction
            forwards = (self.loss() - here) / h
            array[...] = original - h * direction
            backwards = (here - self.loss()) / h
        finally:
            array[...] = original
        return backwards, forwards

    def agrees(self, name: str, direction: np.ndarray, expected: float, h: float) -> bool:
        """Whether differences with the step h agree with `expected`."""
        other, off = self.difference(name, direction, h)
        return abs(expected - other) <= 1e-6 * max(abs(expected), abs(other)) + 10 * off

    def complex_works(self) -> bool:
        """Whether F3 agrees with differences along a random direction of every tensor."""
        for name, array in self.real.items():
            direction = stream(self.problem.seed, "test of the complex step", name).normal(size=array.shape)
            try:
                one = self.complex_along(name, direction)
            except Exception:  # complex numbers can break any function: then differences are used
                return False
            # two steps: a kink within the larger step may be outside the smaller one
            if not any(self.agrees(name, direction, one, h) for h in (STEP / 10, STEP / 1000)):
                return False
        return True


def magnitude(problem: Problem) -> float:
    """The sum of |upstream * y|. The rounding error of the loss is proportional to it, even where its terms cancel."""
    y = problem.call(problem.forward)[0]
    return float(sum(np.sum(np.abs(d * v)) for (_, d), (_, v) in zip(leaves(problem.upstream), leaves(y))))


def derivative(
    loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], h: float = STEP
) -> tuple[float, float]:
    """(R(h) of F2, its error bar): d loss / d array[index]. `loss` reads `array`, which is changed and restored."""
    one, two = central(loss, array, index, h), central(loss, array, index, 2 * h)
    return (4 * one - two) / 3, bar(one, two, loss(), h)


def bar(one: float, two: float, here: float, h: float) -> float:
    """The error bar of R(h): 4e-16 |L| / h for rounding, plus at most 1e-3 |D(h) - D(2 h)|."""
    return EPSILON * abs(here) / h + 1e-3 * abs(one - two) * min(1.0, h / STEP)


def central(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], h: float) -> float:
    """D(h) of F1."""
    return (moved(loss, array, index, h) - moved(loss, array, index, -h)) / (2 * h)


def u_curve(
    loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], true: float
) -> tuple[np.ndarray, np.ndarray]:
    """(h, |D(h) - true|) for h from 1 to 1e-12: as h shrinks, the error falls with h^2, then rises with 1/h."""
    steps = 10.0 ** np.arange(0, -12.5, -0.5)
    return steps, np.array([abs(central(loss, array, index, h) - true) for h in steps])


def is_kink(
    loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], scale: float, magnitude: float = 0.0
) -> bool:
    """Whether the loss has a kink within 1e-6 of array[index]: the derivatives from the left and the right differ.

    Of a smooth function they differ too, because a step is not infinitely small. But then the difference becomes ten
    times smaller with a step that is ten times smaller. On a kink it stays.
    scale: a smaller difference is taken as curvature. magnitude: of the loss; it decides the rounding error.
    """
    magnitude = max(magnitude, abs(loss()))
    jump = jump_of(loss, array, index, 1e-6)
    if jump <= scale + EPSILON * magnitude / 1e-6:
        return False
    if jump_of(loss, array, index, 1e-5) < 2 * jump:
        return True
    return jump_of(loss, array, index, 1e-7) > max(jump / 2, 10 * EPSILON * magnitude / 1e-7)


def jump_of(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], h: float) -> float:
    """|right - left|: the difference of the two one-sided derivatives with the step h."""
    here = loss()
    return abs(moved(loss, array, index, h) - 2 * here + moved(loss, array, index, -h)) / h


def moved(loss: Callable[[], float], array: np.ndarray, index: tuple[int, ...], by: float) -> float:
    """The loss with array[index] moved by `by`."""
    original = array[index]
    array[index] = original + by
    try:
        return loss()
    finally:
        array[index] = original

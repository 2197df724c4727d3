"""What a student has to write, as plain data: inputs, parameters, equations, results. And its value.

Of one definition all else is made: text.py, picture, stub.py, the forward that judges (here), the true derivatives by
the complex step (compare.py). There is no backward in this room.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minireid.practice.cells.expression import Expression, put_in, uses, value

Arrays = dict[str, Any]  # {"x": array, ..., "params": {"Wz": array, ...}}


class Equation(NamedTuple):
    """name = right; note: what it is, in a few words."""

    name: str
    right: Expression
    note: str = ""


class Definition(NamedTuple):
    """A function of arrays, by its equations.

    kind: "cell" or "loss". inputs: what is differentiated, params apart, with its shape in letters. given: what is not
    differentiated: row numbers, labels. params: the parameters. outputs: the names of the results. letters: what each
    letter of the shapes counts.
    """

    kind: str
    title: str
    inputs: dict[str, tuple[str, ...]]
    given: dict[str, tuple[str, ...]]
    params: dict[str, tuple[str, ...]]
    equations: tuple[Equation, ...]
    outputs: tuple[str, ...]
    letters: dict[str, str]

    def arguments(self) -> list[str]:
        """The arguments of the student's forward, in order."""
        return [*self.inputs, *self.given, *(["params"] if self.params else [])]

    def functions(self) -> tuple[str, str]:
        """The names of the student's functions."""
        return ("step_forward", "step_backward") if self.kind == "cell" else ("loss_forward", "loss_backward")


def values(definition: Definition, arrays: Arrays) -> dict[str, Any]:
    """The value of every name, inputs and parameters too. Real or complex."""
    known = {**{k: v for k, v in arrays.items() if k != "params"}, **arrays.get("params", {})}
    with np.errstate(all="ignore"):  # a saturated function may pass through infinity: its value is right
        for equation in definition.equations:
            known[equation.name] = value(equation.right, known)
    return known


def forward(definition: Definition, arrays: Arrays) -> dict[str, Any]:
    """{name of a result: its value}: {"h": (N, S)}, {"h", "c"}, or {"loss": a number}."""
    known = values(definition, arrays)
    return {name: known[name] for name in definition.outputs}


LARGEST = 30  # of all values
SIZES = {"N": 5, "D": 4, "S": 3, "P": 12, "E": 2}


def draw_sizes(rng: np.random.Generator) -> dict[str, int]:
    """Sizes that are all different, so that a transposed axis cannot hide. About 200 numbers in all."""
    N, D, S = (int(n) for n in rng.permutation([3, 4, 5]))
    return {"N": N + 3, "D": D, "S": S, "P": int(rng.integers(12, 17)), "E": 2}


def draw_arrays(definition: Definition, rng: np.random.Generator, sizes: Mapping[str, int] = SIZES) -> Arrays:
    """Arrays to check with, float64: activations are bent, not saturated; every hinge is seen from both sides."""
    for _ in range(10_000):
        arrays = drawn_once(definition, rng, sizes)
        if moderate(definition, arrays) and all(both_sides(a, arrays.get("same")) for a in hinges(definition, arrays)):
            return arrays
    raise RuntimeError(f"no arrays found where each hinge is seen from both sides: {definition.title}")


def drawn_once(definition: Definition, rng: np.random.Generator, sizes: Mapping[str, int]) -> Arrays:
    def shape(letters: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(sizes[letter] for letter in letters)

    arrays: Arrays = {}
    for name, letters in definition.inputs.items():
        state = name.endswith("_prev")
        arrays[name] = rng.uniform(-0.9, 0.9, shape(letters)) if state else rng.normal(size=shape(letters))
    if definition.kind == "loss":
        arrays["x"] *= np.exp(rng.uniform(-1.5, 1.5))  # a margin has its own idea of near and far
        i = rng.permutation(np.arange(sizes["P"]) % sizes["N"])  # each embedding is in several pairs
        arrays["i"], arrays["j"] = i, (i + rng.integers(1, sizes["N"], sizes["P"])) % sizes["N"]
        arrays["same"] = rng.permutation(np.arange(sizes["P"]) < sizes["P"] // 2)
    if definition.params:
        arrays["params"] = {name: rng.uniform(-1, 1, shape(letters)) for name, letters in definition.params.items()}
    return arrays


def moderate(definition: Definition, arrays: Arrays) -> bool:
    """Whether all values are of a usual size: of huge ones, the derivatives of the others are lost in rounding."""
    known = values(definition, arrays)
    return all(np.abs(known[equation.name]).max() < LARGEST for equation in definition.equations)


def hinges(definition: Definition, arrays: Arrays) -> list[np.ndarray]:
    """The value in each max(0, ...)."""
    known = values(definition, arrays)
    return [value(inner, known) for equation in definition.equations for inner in inside_hinges(equation.right)]


def inside_hinges(expression: Expression) -> list[Expression]:
    if not isinstance(expression, tuple):
        return []
    own = [expression[1]] if expression[0] == "positive part" else []
    return own + [inner for operand in expression[1:] for inner in inside_hinges(operand)]


def both_sides(a: np.ndarray, same: np.ndarray | None) -> bool:
    """Whether pairs of both kinds are on both sides of a hinge, and none is near it."""
    groups = [a] if same is None else [a[same], a[~same]]
    near = 0.02 * np.abs(a).max()
    return all((group > near).any() and (group < -near).any() for group in groups) and bool((np.abs(a) > near).all())


def shapes(definition: Definition) -> dict[str, tuple[str, ...]]:
    """The shape of every name, in letters."""
    sizes = {"N": 5, "D": 11, "S": 3, "P": 13, "E": 2}
    known = values(definition, drawn_once(definition, np.random.default_rng(0), sizes))
    letters = {size: letter for letter, size in sizes.items()}
    return {name: tuple(letters[n] for n in np.shape(array)) for name, array in known.items()}


def with_functions(right: Expression, function: Expression) -> Expression:
    """function, an expression in `a`, of `right`."""
    return put_in(function, {"a": right})


def used_by(definition: Definition) -> dict[str, list[str]]:
    """{name of an equation: the names that its right side uses, each once}."""
    return {equation.name: list(dict.fromkeys(uses(equation.right))) for equation in definition.equations}

"""Is what a student's functions returned right? A row for each tensor, as plain data.

The forward is compared with the equations, the gradients with the complex step (Squire & Trapp 1998) through them:

    dL/dt = Im L(t + i 1e-30) / 1e-30,   L = sum of upstream * result

It is exact to the last digits. The functions here take arrays, never a person's functions. So the process that judges
need not be the one that ran them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from minireid.practice.cells.definition import Arrays, Definition, forward

TOLERANCE = 1e-7
FLOOR = 1e-3  # of a tensor's largest entry: below, errors are relative to this
TINY = 1e-30


class Row(NamedTuple):
    """One tensor. name: h, or params.Wz. error: the worst |computed - true| / max(|computed|, |true|, 1e-3 of the
    largest true entry). where, computed, true: where it is, and the values there. fault: a sentence where the values
    cannot be compared, else empty; then error, computed and true are None.

    The error of a backward is about 1e-14. Central differences reach 1e-6 to 1e-11 only."""

    name: str
    ok: bool
    error: float | None
    where: tuple[int, ...]
    computed: float | None
    true: float | None
    fault: str = ""


def compare_forward(definition: Definition, inputs: Arrays, y: Any) -> list[Row]:
    """A row for each result.

    inputs: what the student's forward was given, {"x": ..., "params": {...}}. y: what it returned, without the cache:
    {"h": array, "c": array}, a tuple in this order, or an array where there is one result.
    """
    expected = forward(definition, inputs)
    got = by_name(y, list(expected))
    return [row(name, got.get(name), true) for name, true in expected.items()]


def compare_backward(definition: Definition, inputs: Arrays, upstream: Arrays, gradients: Any) -> list[Row]:
    """A row for each input and parameter, in the order of the definition.

    upstream: {"h": dL/dh, ...}. gradients: what the student's backward returned: a tuple (dx, dh_prev, grads), or
    {"x": array, ..., "params": {"Wz": array, ...}}.
    """
    truth = true_gradients(definition, inputs, upstream)
    got = flat(by_name(gradients, [*definition.inputs, *(["params"] if definition.params else [])]))
    return [row(name, got.get(name), true) for name, true in truth.items()]


def by_name(returned: Any, names: list[str]) -> dict[str, Any]:
    """What was returned, by name. What does not fit is left out: its row says that it is missing."""
    if type(returned) is dict:
        return returned
    if type(returned) not in (tuple, list):
        returned = (returned,)
    return dict(zip(names, returned))


def flat(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """{"x": ..., "params.Wz": ...}"""
    inner = arrays.get("params")
    named = {f"params.{name}": array for name, array in inner.items()} if type(inner) is dict else {}
    return {**{name: array for name, array in arrays.items() if name != "params"}, **named}


def true_gradients(definition: Definition, inputs: Arrays, upstream: Arrays) -> dict[str, np.ndarray]:
    """{"x": dL/dx, ..., "params.Wz": dL/dWz}: one run of the equations for each number."""
    arrays: Arrays = {name: as_complex(inputs[name]) for name in definition.inputs}
    arrays |= {name: inputs[name] for name in definition.given}
    arrays["params"] = {name: as_complex(inputs["params"][name]) for name in definition.params}
    true = {}
    for name, array in differentiated(definition, arrays):
        true[name] = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            array.imag[index] = TINY
            result = forward(definition, arrays)
            true[name][index] = sum(np.sum(upstream[k] * result[k].imag) for k in result) / TINY
            array.imag[index] = 0
    return true


def as_complex(array: np.ndarray) -> np.ndarray:
    return np.asarray(array).astype(np.complex128)


def differentiated(definition: Definition, arrays: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    yield from ((name, arrays[name]) for name in definition.inputs)
    yield from ((f"params.{name}", arrays["params"][name]) for name in definition.params)


def row(name: str, got: Any, true: Any) -> Row:
    true = np.asarray(true)
    fault = unfit(got, true.shape)
    if fault:
        return Row(name, False, None, (), None, None, fault)
    computed = np.asarray(got, dtype=np.float64)
    if not computed.size:
        return Row(name, True, 0.0, (), 0.0, 0.0)
    scale = np.maximum(np.maximum(np.abs(computed), np.abs(true)), max(FLOOR * np.abs(true).max(), 1e-300))
    errors = np.abs(computed - true) / scale
    index = np.unravel_index(int(errors.argmax()), errors.shape)
    error = float(errors[index])
    where = tuple(int(n) for n in index)
    return Row(name, error <= TOLERANCE, error, where, float(computed[index]), float(true[index]))


def unfit(got: Any, shape: tuple[int, ...]) -> str:
    """Why the values cannot be compared, or "". Only plain arrays and numbers are looked at: no object of another
    type, so no method of a person's class is called."""
    if got is None:
        return "it is missing"
    if type(got) is float:
        got = np.float64(got)
    if type(got) not in (np.ndarray, np.float64, np.float32):
        return f"expected an array, got {type(got).__name__}"
    if got.dtype.kind not in "fiu":
        return f"expected numbers of float64, got {got.dtype}"
    if got.shape != shape:
        turned = " (it is transposed)" if got.shape == shape[::-1] else ""
        return f"expected the shape {shape}, got {got.shape}{turned}"
    return "" if np.isfinite(got).all() else "it contains NaN or infinity"

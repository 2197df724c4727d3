"""Is it a backward, or are these numerical differences of the forward?

A backward by formulas is exact to about 1e-14. Central differences have an error of about 1e-10 to 1e-6, and call the
forward, or a copy of it, at least once for each entry. The complex step is exact, but carries complex numbers. So a
tensor counts as numerical if

    its error is between 1e-13 and the tolerance, and during backward forward, or some function of the file that got
    a whole tensor, was called at least as often as all such tensors have entries; or
    complex numbers were seen in functions of the file during backward

An error in between without such calls has other reasons too (float32, an epsilon in a denominator): it is accepted,
with a note.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minireid.practice.exercises.exercise import Asked
from minireid.practice.grading.process import Failure
from minireid.practice.grading.tensors import EXACT, Comparison

ROUGH = 1e-13  # formulas in float64 are better than this
SAID = "numerical differences, not a backward"


def told_apart(
    tensors: dict[str, Comparison],
    true: Mapping[str, np.ndarray],
    asked: Asked,
    seen: dict[str, Any] | Failure,
) -> tuple[dict[str, Comparison], str]:
    """The same comparisons, where numerical ones are not accepted, and a sentence about what was seen."""
    calls, complex_seen = watched(seen)
    right = {name: c for name, c in tensors.items() if c.ok and not c.single}
    if complex_seen and right:
        extra = f"the gradients come from the complex step: write {asked.backward_name} by formulas"
        return {**tensors, **refused(right)}, extra
    rough = {name: c for name, c in right.items() if c.error > ROUGH}
    if not rough:
        return tensors, ""
    needed = max(4, sum(np.size(true[name]) for name in rough))  # differences call the forward for each entry
    whole = min(np.size(true[name]) for name in rough)  # and give it all of a tensor, not a row
    often = {name: count(sizes, 0 if name == asked.name else whole) for name, sizes in calls.items()}
    most = asked.name if often.get(asked.name, 0) >= needed else max(often, key=lambda name: often[name], default="")
    if often.get(most, 0) < needed:
        return tensors, ""
    error = max(c.error for c in rough.values())
    extra = (
        f"the gradients come from numerical differences (error {error:.0e}, {often[most]} calls of {most}): "
        f"write {asked.backward_name} by formulas"
    )
    return {**tensors, **refused(rough)}, extra


def watched(seen: dict[str, Any] | Failure) -> tuple[dict[str, dict[int, int]], bool]:
    """({function: {size: calls}}, whether complex numbers were seen). What the process sends may be anything."""
    try:
        inside: Any = dict(seen)["watched"]  # type: ignore[arg-type]
        calls = {
            str(name): {int(size): int(times) for size, times in sizes.items()}
            for name, sizes in inside["calls"].items()
            if str(name).isidentifier()
        }
        return calls, inside["complex"] is True
    except Exception:  # it may have any form
        return {}, False


def count(sizes: dict[int, int], least: int) -> int:
    """How many calls had an array of at least this size, or no argument at all."""
    return sum(times for size, times in sizes.items() if size >= least or size == -1)


def refused(tensors: dict[str, Comparison]) -> dict[str, Comparison]:
    return {name: c._replace(ok=False, said=SAID) for name, c in tensors.items()}


def note(c: Comparison) -> str:
    """About a tensor that is accepted, but not exact."""
    if not c.ok or c.error <= EXACT:
        return ""
    return f"relative error {c.error:.0e}; by formulas it is below 1e-11: an epsilon, float32 inside, or differences?"

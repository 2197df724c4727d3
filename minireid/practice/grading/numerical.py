"""Is it a backward, or are these numerical differences of the forward?

A backward by formulas is exact to about 1e-14. Central differences have an error of about 1e-10 to 1e-6, and call the
forward, or a copy of it, at least once for each entry. The complex step is exact, but carries complex numbers. So a
tensor counts as numerical if

    its error is between 1e-11 and the tolerance, and during backward some function of the file was called with arrays
    at least as often as the tensor has entries; or
    complex numbers were seen in functions of the file during backward

An error in between without such calls has other reasons too (float32, an epsilon in a denominator): it is accepted,
with a note.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minireid.practice.exercises.exercise import Asked
from minireid.practice.grading.process import Failure
from minireid.practice.grading.tensors import EXACT, Comparison

SAID = "numerical differences, not a backward"


def told_apart(
    tensors: dict[str, Comparison],
    true: Mapping[str, np.ndarray],
    asked: Asked,
    seen: dict[str, Any] | Failure,
    found: Callable[..., Any],
) -> Any:
    """The same comparisons, where numerical ones are not accepted; `extra` says what was seen."""
    watched = {} if isinstance(seen, Failure) else seen.get("watched") or {}
    calls = {str(name): int(count) for name, count in dict(watched.get("calls") or {}).items()}
    most = max(calls, key=lambda name: calls[name], default="")
    told, extra = dict(tensors), ""
    for name, c in tensors.items():
        if not c.ok or c.single:
            continue
        if watched.get("complex"):
            extra = f"the gradients come from the complex step: write {asked.backward_name} by formulas"
        elif c.error > EXACT and calls.get(most, 0) >= max(4, true[name].size):
            extra = (
                f"the gradients come from numerical differences (error {c.error:.0e}, {calls[most]} calls of {most}): "
                f"write {asked.backward_name} by formulas"
            )
        else:
            continue
        told[name] = c._replace(ok=False, said=SAID)
    return found(told, None, extra)


def note(c: Comparison) -> str:
    """About a tensor that is accepted, but not exact."""
    if not c.ok or c.error <= EXACT:
        return ""
    return f"relative error {c.error:.0e}; by formulas it is below 1e-11: an epsilon, float32 inside, or differences?"

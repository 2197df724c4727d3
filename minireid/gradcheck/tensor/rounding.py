"""Does a function of float64 arrays compute in float32 inside?

    F1  rest(h) = the typical distance of L(x + t u), 0 < t < h, from a straight line

Of a smooth function the rest becomes 100 times smaller where h becomes 10 times smaller, and 10 times at a kink. Where
values are rounded to float32, L moves in steps of about 6e-8. Then the rest stays what it is.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.slopes import Slopes

POINTS = 12
NEAR, FAR = 1e-6, 1e-5  # the two values of h, relative to the largest entry of x


def rounds_inside(slopes: Slopes, name: str) -> bool:
    """Whether the loss moves in steps of float32's size along a random direction of this tensor."""
    array = slopes.real[name]
    scale = float(np.abs(array).max(initial=0)) or 1.0
    near, far = (rest(slopes, name, h * scale) / (slopes.magnitude or 1.0) for h in (NEAR, FAR))
    return bool(1e-12 < near < 1e-6 and far < 5 * near)


def rest(slopes: Slopes, name: str, h: float) -> float:
    """F1 along a random direction."""
    rng = stream(slopes.problem.seed, "rounding", name)
    array, original = slopes.real[name], slopes.real[name].copy()
    u, t = rng.uniform(-1, 1, size=array.shape), np.sort(rng.random(POINTS))
    values = []
    try:
        for step in t:
            array[...] = original + h * step * u
            values.append(slopes.loss())
    finally:
        array[...] = original
    line = np.polyfit(t, np.array(values) - values[0], 1)
    return float(np.median(np.abs(np.array(values) - values[0] - np.polyval(line, t))))


def forward_rounds(forward: Callable[..., Any]) -> str:
    """The sentence for a forward that rounds."""
    return (
        f"forward rounds to float32 inside{line_with_float32(forward)}: its true gradient is known to 3 digits only; "
        "compute in float64 there, or give it float32 arrays"
    )


def line_with_float32(function: Callable[..., Any]) -> str:
    """The first line of a function that speaks of float32, or an empty string."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):  # no source to be read
        return ""
    for number, line in enumerate(lines, first or 1):
        if "float32" in line.partition("#")[0]:
            return f" (line {number}: {line.strip()})"
    return ""

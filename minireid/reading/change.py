"""One input number changed: the output, the loss, and what the gradient predicts, for a grid of values of that number.

F1  predicted(v) = L(v0) + dL/dv (v - v0)        the tangent: right near v0, and wrong further off if L bends
"""

from typing import Any

import numpy as np

from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck.tensor.problem import Problem, weighted_sum

STEPS = 41  # values of the number
OUTPUTS = 60  # entries of the output that are kept
INPUTS = 12  # arrays of which one number can be changed


def changes(problem: Problem, gradients: dict[str, np.ndarray], round_: Any = lambda a: a) -> list[dict[str, Any]]:
    """For each input array the number with the largest gradient: its index, the grid, the loss and output there.

    gradients: by name, as the backward returned them.
    """
    found: list[dict[str, Any]] = []
    for name, array in leaves(problem.inputs()):
        gradient = gradients.get(name)
        if gradient is None or gradient.shape != array.shape or not array.size or len(found) == INPUTS:
            continue
        if not np.all(np.isfinite(gradient)) or not np.any(gradient):
            continue
        index = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(gradient)), array.shape))
        found.append(grid(problem, name, index, float(gradient[index]), round_))
    return found


def grid(problem: Problem, name: str, index: tuple[int, ...], slope: float, round_: Any) -> dict[str, Any]:
    start = float(dict(leaves(problem.inputs()))[name][index])
    values = start + np.linspace(-1, 1, STEPS) * max(1.0, abs(start))
    losses, outputs = [], []
    for value in values:
        y = output(problem, name, index, float(value))
        losses.append(weighted_sum(problem.upstream, y).real)
        outputs.append(np.concatenate([np.ravel(leaf).real for _, leaf in leaves(y)])[:OUTPUTS])
    predicted = losses[STEPS // 2] + slope * (values - start)
    return {
        "name": name,
        "index": list(index),
        "slope": round_(np.array(slope)),
        "values": round_(values),
        "loss": round_(np.array(losses)),
        "predicted": round_(predicted),
        "output": [round_(row) for row in outputs],
    }


def output(problem: Problem, name: str, index: tuple[int, ...], value: float) -> Any:
    inputs = {key: np.array(array) for key, array in leaves(problem.inputs())}
    inputs[name][index] = value
    trees = from_leaves(inputs)
    with np.errstate(all="ignore"):
        return problem.call(problem.forward, tuple(trees[n] for n in problem.names()))[0]

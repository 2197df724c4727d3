"""Training in float32 follows training in float64: the same draws, 200 steps.

Both go apart in two ways. Rounding alone lets the loss differ by some 1e-7 of itself. But where two numbers are almost
equal, rounding decides which one a max-pool takes, or whether a pair is within the margin. From there on, the two
trainings differ by more, and each such decision adds to it. So there is a bound for the first ten steps, with few such
decisions, and one for all 200. Each is FACTOR times what was measured (the larger one of seeds 0 and 1), because on
another machine other steps decide.
"""

import numpy as np
import pytest

from minireid.base.threads import threads
from minireid.base.trees import Tree, leaves, map_leaves
from minireid.data.prepared import Prepared
from minireid.recipes.recipe import load
from minireid.training import batches, model, step
from minireid.training.experiment import experiment_of
from minireid.training.ways import fast
from tests import small_data

STEPS = 200
PERSONS = tuple(range(1, 10))
SMALL = ("clips.crop=[16, 8]", "clips.length=3", "training.epochs=50")
FIRST = 10  # steps
FACTOR = 10
MEASURED = {  # relative differences: loss and parameters in the first ten steps, loss and parameters in all
    "msp_src": (1e-7, 3e-7, 6e-4, 3e-4),
    "stills": (1e-7, 5e-7, 1e-3, 5e-4),
    "src": (1e-7, 4e-6, 3e-4, 3e-4),
    "crf": (1e-7, 8e-7, 1e-3, 3e-3),
    "deep_rcn": (1e-7, 9e-7, 7e-7, 3e-6),
    "utrcnn": (1e-7, 9e-5, 3e-2, 3e-2),  # each state attends to all earlier ones, and no state is averaged
}
SLOW = [name if name == "msp_src" else pytest.param(name, marks=pytest.mark.slow) for name in MEASURED]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, persons=PERSONS, flow=True)


def length(tree: Tree) -> float:
    """Of all its numbers as one vector."""
    return float(np.sqrt(sum((array.astype(np.float64) ** 2).sum() for _, array in leaves(tree))))


def trained(name: str, prepared: Prepared, start: Tree) -> tuple[list[float], list[Tree]]:
    """The losses of all steps, and the parameters after step FIRST and after the last. The dtype is that of `start`."""
    few = ("training.epochs=25",) if name == "src" else ("pairs.persons=2",)
    recipe = load(name, (*SMALL, *few))
    experiment = experiment_of(recipe, prepared, PERSONS, fast())
    assert experiment.steps >= STEPS
    params, states, losses, kept = map_leaves(np.copy, start), {}, [], []
    dtype = leaves(params)[0][1].dtype
    for k in range(STEPS):
        batch, rng = batches.draw(experiment, k)
        computed = step.gradients(experiment.model, params, batch._replace(x=batch.x.astype(dtype)), rng)
        step.update(recipe.training, params, computed.grads, states, k, experiment.steps)
        losses.append(computed.loss)
        if k + 1 in (FIRST, STEPS):
            kept.append(map_leaves(np.copy, params))
    assert all(array.dtype == dtype for tree in kept for _, array in leaves(tree))
    return losses, kept


@pytest.mark.parametrize("name", SLOW)
def test_float32_follows_float64(name: str, prepared: Prepared) -> None:
    start = model.init(load(name, SMALL), len(PERSONS))
    with threads(1):
        single, kept = trained(name, prepared, start)
        double, kept64 = trained(name, prepared, map_leaves(lambda a: a.astype(np.float64), start))
    loss = np.abs(np.array(single) - double) / double
    params = [length(map_leaves(np.subtract, a, b)) / length(b) for a, b in zip(kept, kept64, strict=True)]
    found = np.array([loss[:FIRST].max(), params[0], loss.max(), params[1]])
    assert (found > 0).all() and (found < FACTOR * np.array(MEASURED[name])).all(), found

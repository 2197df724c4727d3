"""Twenty steps of training in float64 are those of a twin in PyTorch: the loss, gradients and parameters of each step.

Every shipped recipe of a network trains on small persons. What the recipe chooses stays: losses, pairs, dropout,
augmentation, optimiser, schedule, clipping. Frames, clips and the number of steps are small.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minireid.base.threads import threads
from minireid.base.trees import leaves, map_leaves
from minireid.data.prepared import Prepared
from minireid.recipes.recipe import load
from minireid.recipes.schema import Recipe
from minireid.training import batches, model, step
from minireid.training.experiment import Experiment, experiment_of
from minireid.training.ways import DEFINITION, Way, fast
from tests import small_data

STEPS = 20
PERSONS = range(1, 10)  # nine: one person of every epoch is left over
BOUND = 1e-9  # measured: 3e-16 for a loss, 3e-13 for a gradient, 2e-12 for a parameter
SMALL = ("clips.crop=[16, 8]", "clips.length=3")
RECIPES = {  # name: recipe, and changes
    "msp_src": ("msp_src", *SMALL),
    "stills": ("stills", *SMALL),
    "stills_plain": ("stills_plain", *SMALL),
    "src": ("src", *SMALL, "training.epochs=3"),
    "src, clipped": ("src", *SMALL, "training.epochs=3", "training.clip_elements=0.1"),  # 5 is not reached here
    "crf": ("crf", *SMALL),
    "crf_parts": ("crf", *SMALL, "network.name=crf_parts"),
    "deep_rcn": ("deep_rcn", *SMALL),
    "utrcnn": ("utrcnn", *SMALL),
}
FEW = ("pairs.persons=4", "training.epochs=10")  # two steps are an epoch, twenty the training
WAYS = [pytest.param(fast, id="fast"), pytest.param(lambda: DEFINITION, id="definition", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def twins() -> ModuleType:
    """tests/torch_training.py. Skips where there is no PyTorch."""
    pytest.importorskip("torch", reason="needs PyTorch: pip install -e '.[torch]'")
    from tests import torch_training

    return torch_training


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("data") / "prepared"
    return small_data.write_prepared(path, persons=PERSONS, flow=True)


def recipe_of(name: str) -> Recipe:
    recipe, *sizes = RECIPES[name]
    few = () if recipe == "src" else FEW  # the baseline has one person per step
    return load(recipe, (*few, *sizes))


def experiment(name: str, prepared: Prepared, way: Way) -> Experiment:
    recipe = recipe_of(name)
    batches.check_fits(recipe, prepared)
    found = experiment_of(recipe, prepared, tuple(PERSONS), way)
    assert found.steps >= STEPS and len(found.people.persons) == len(PERSONS)
    return found


def assert_same(mine: Any, theirs: Any, what: str) -> None:
    """Every array, to BOUND of its largest number."""
    mine, theirs = dict(leaves({"": mine})), dict(leaves({"": theirs}))
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        assert np.asarray(array).dtype == np.float64
        apart, size = np.abs(array - theirs[name]).max(), np.abs(theirs[name]).max()
        assert apart <= BOUND * size, f"{what} {name}: {apart / size:.1e}"


@pytest.fixture(autouse=True)
def one_thread_for_blas() -> Iterator[None]:
    with threads(1):
        yield


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RECIPES)
def test_twenty_steps(name: str, way: Callable[[], Way], prepared: Prepared, twins: ModuleType) -> None:
    ours = experiment(name, prepared, way())
    params = model.init(ours.recipe, len(PERSONS), dtype=np.float64)
    start = map_leaves(np.copy, params)
    twin_step = twins.twin(ours.recipe, params, ours.steps)
    states: dict[str, Any] = {}
    for k in range(STEPS):
        batch, rng = batches.draw(ours, k)
        batch = batch._replace(x=batch.x.astype(np.float64))
        loss, grads, theirs = twin_step(batch, copy.deepcopy(rng))
        computed = step.gradients(ours.model, params, batch, rng)
        assert_same(computed.loss, loss, f"step {k + 1}, loss")
        assert_same(computed.grads, grads, f"step {k + 1}, gradient of")
        step.update(ours.recipe.training, params, computed.grads, states, k, ours.steps)
        assert_same(params, theirs, f"step {k + 1}, parameter")
    moved = map_leaves(lambda a, b: np.abs(a - b).max(), params, start)
    assert all(distance > 0 for _, distance in leaves(moved)), moved


@pytest.mark.parametrize("name", ["msp_src", "stills", "stills_plain", "src"])
def test_twenty_batches(name: str, prepared: Prepared, twins: ModuleType) -> None:
    """What the network sees, from the bytes of the clips that were drawn: to float32's rounding."""
    ours, seen = experiment(name, prepared, fast()), []

    def both(*drawn: Any, **how: Any) -> np.ndarray:
        seen.append(twins.windows(*drawn, **how))
        return fast().windows(*drawn, **how)

    recording = dataclasses.replace(ours, way=ours.way._replace(windows=both))
    for k in range(STEPS):
        batch, _ = batches.draw(recording, k)
        theirs = seen.pop()
        if ours.recipe.clips.recentre:
            theirs = theirs - theirs.mean(axis=(2, 3), keepdims=True)
        np.testing.assert_allclose(batch.x, theirs.reshape(batch.x.shape), rtol=0, atol=1e-5)
        assert batch.x.dtype == np.float32 and np.ptp(theirs) > 2

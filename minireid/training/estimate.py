"""Before a run starts: how long it will take, how much memory and disk it needs, from two steps that change nothing."""

import time
import tracemalloc

from minireid.data import sampling
from minireid.data.prepared import Prepared
from minireid.recipe import Recipe
from minireid.training import batches, model
from minireid.trees import Tree, leaves


def forecast(recipe: Recipe, prepared: Prepared, crowd: sampling.People, params: Tree, steps: int) -> str:
    """One line: persons, steps, time, memory, disk. Its first step also compiles the kernels."""
    size = sum(array.nbytes for _, array in leaves(params))
    copies = {"sgd": 2, "rmsprop": 2, "adam": 3}[recipe.training.optimiser]  # parameters and the optimiser's state
    tracemalloc.start()
    dry_step(recipe, prepared, crowd, params)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    seconds = seconds_per_step(recipe, prepared, crowd, params) * steps
    memory = (peak + (copies + 1) * size) / 2**20
    disk = (copies * size * (2 if recipe.validation.persons else 1) + 400 * steps) / 2**20
    return (
        f"{len(crowd.persons)} persons, {sum(a.size for _, a in leaves(params)):,} parameters, {steps} steps: "
        f"about {duration(seconds)}, {memory:.0f} MiB of memory, {disk:.0f} MiB of disk"
    )


def seconds_per_step(recipe: Recipe, prepared: Prepared, crowd: sampling.People, params: Tree) -> float:
    """Measured once; the kernels have to be compiled already, by another dry step."""
    began = time.perf_counter()
    dry_step(recipe, prepared, crowd, params)
    return time.perf_counter() - began


def dry_step(recipe: Recipe, prepared: Prepared, crowd: sampling.People, params: Tree) -> None:
    inputs, rng = batches.draw(recipe, prepared, crowd, 0)
    model.loss_and_gradients(recipe, params, **inputs._asdict(), rng=rng)


def duration(seconds: float) -> str:
    """90 -> "1.5 min"."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"

"""Estimate the time, memory and disk space of a run before it starts, from two steps without parameter update."""

import time
import tracemalloc

from minireid.base.trees import Tree, leaves
from minireid.training.experiment import Experiment
from minireid.training.step import gradients_at


def forecast(experiment: Experiment, params: Tree) -> str:
    """Persons, parameters, steps, time, memory, disk. The first step also compiles the kernels."""
    recipe, steps = experiment.recipe, experiment.steps
    size = sum(array.nbytes for _, array in leaves(params))
    copies = {"sgd": 2, "rmsprop": 2, "adam": 3}[recipe.training.optimiser]  # parameters and the optimiser's state
    tracemalloc.start()
    gradients_at(experiment, params, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    seconds = seconds_per_step(experiment, params) * steps
    memory = (peak + (copies + 1) * size) / 2**20
    disk = (copies * size * (2 if recipe.validation.persons else 1) + 400 * steps) / 2**20
    return (
        f"{len(experiment.people.persons)} persons, {sum(a.size for _, a in leaves(params)):,} parameters, "
        f"{steps} steps: about {duration(seconds)}, {memory:.0f} MiB of memory, {disk:.0f} MiB of disk"
    )


def seconds_per_step(experiment: Experiment, params: Tree) -> float:
    """Measured once. The kernels must be compiled already, by another step."""
    began = time.perf_counter()
    gradients_at(experiment, params, 0)
    return time.perf_counter() - began


def duration(seconds: float) -> str:
    """90 -> "1.5 min"."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"

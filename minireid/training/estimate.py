"""Estimate the time, memory and disk space of a run before it starts: from two steps without an update, one validation.

Memory is what the process has needed up to then, imports and kernels included, and what the optimiser will keep.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minireid.base.errors import InputError
from minireid.base.memory import needed_so_far
from minireid.base.trees import Tree, leaves
from minireid.training import log
from minireid.training.experiment import Experiment
from minireid.training.optimisers import KEPT
from minireid.training.step import Computed, gradients_at

MIB = 2**20


def forecast(
    experiment: Experiment, params: Tree, folder: Path, validation: Callable[[Tree], object] | None = None
) -> str:
    """Persons, parameters, steps, time, memory, disk. The first step also compiles the kernels.

    validation: measures the validation persons, if there are any: its time and memory count too.
    InputError if the disk of `folder` is too small for the run.
    """
    steps, recipe = experiment.steps, experiment.recipe
    size = sum(array.nbytes for _, array in leaves(params))
    computed = gradients_at(experiment, params, 0)
    seconds = seconds_of(gradients_at, experiment, params, 0) * steps
    if validation is not None and np.isfinite(computed.loss):  # training stops at a loss that is not, and says why
        seconds += seconds_of(validation, params) * (recipe.training.epochs // recipe.validation.every)
    kept = KEPT[experiment.recipe.training.optimiser]
    copies = 1 + len(kept) - ("k" in kept)  # the parameters, and what the optimiser keeps for each of them
    disk = disk_space(experiment, computed, copies * size)
    free = shutil.disk_usage(folder).free
    if disk > free:
        raise InputError(
            f"{folder} needs {disk / MIB:,.0f} MiB for {steps} steps, {free / MIB:,.0f} MiB are free: make room, or "
            "lower training.epochs"
        )
    return (
        f"{len(experiment.people.persons)} persons, {sum(a.size for _, a in leaves(params)):,} parameters, "
        f"{steps} steps: about {duration(seconds)}, {memory_of(copies * size)}{disk / MIB:.1f} MiB of disk"
    )


def memory_of(state: int) -> str:
    """ "230 MiB of memory, ": of the whole process. state: bytes of parameters and optimiser, which are copied to save
    them. Empty where the system does not say what a process has needed."""
    so_far = needed_so_far()
    return "" if so_far is None else f"{(so_far + 2 * state) / MIB:.0f} MiB of memory, "


def disk_space(experiment: Experiment, computed: Computed, checkpoint: int) -> int:
    """Bytes of a finished run folder: the log, two checkpoints if one is the best, and the next one beside them."""
    line = log.line({"step": 1, "epoch": 1, **log.record_of(experiment.recipe, computed), "seconds": 0.1234})
    return len(line) * experiment.steps + checkpoint * (3 if experiment.recipe.validation.persons else 2)


def seconds_of(work: Callable[..., object], *arguments: object) -> float:
    """Measured once. For a step, the kernels must be compiled already, by another one."""
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def duration(seconds: float) -> str:
    """90 -> "1.5 min"."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"

"""The training loop: one step after the other, with a log, checkpoints and validation.

The state of a run is a Checkpoint: parameters, optimiser states, steps done, and facts: the best validation mAP so far,
the first step's loss, and which run it is. A validator measures the network on persons that were held out of training.
"""

import hashlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from minireid.base import progress
from minireid.base.errors import InputError
from minireid.base.signals import waiting
from minireid.base.trees import Tree
from minireid.data.prepared import Prepared
from minireid.training import checkpoint, estimate, log, model
from minireid.training.checkpoint import Checkpoint, Facts
from minireid.training.experiment import Experiment, experiment_of
from minireid.training.optimisers import state_is_whole
from minireid.training.run import Run
from minireid.training.step import Computed, gradients_at, update
from minireid.training.ways import DEFINITION


class Interrupted(Exception):
    """Ctrl-C was pressed. The step was finished and saved."""


class NotFinite(InputError):
    """The loss is NaN, infinite or far above its start. Most often the recipe's learning rate is too high."""


DIVERGED = 1000  # times the first step's loss: no run that learns has been seen above 10 times
Validator = Callable[[Tree, tuple[int, ...]], dict[str, float]]  # parameters, persons -> {"mAP": …, "rank-1": …}


def train(
    run: Run,
    prepared: Prepared,
    validator: Validator,
    *,
    resume: bool = False,
    stop_after: int | None = None,
    definition: bool = False,
    quiet: bool = False,
) -> None:
    """Train to the recipe's last epoch, or to step `stop_after`, counted from the run's start.

    Raises Interrupted after Ctrl-C, NotFinite if the loss is NaN, infinite or more than DIVERGED times the first loss.

    validator: measures validation persons. It is passed in, so that training does not import evaluation.
    definition: use the definitions, in NumPy: slower, the same results up to rounding.
    quiet: without forecast and progress bar.

    All that is drawn at step k depends on recipe, data and k alone. So a run that was stopped and resumed computes the
    same bits as one that was not. A checkpoint is only replaced by parameters whose loss is known to be finite.
    """
    experiment = experiment_of(run.recipe, prepared, run.train, DEFINITION if definition else None)
    per_epoch, steps = experiment.steps_per_epoch, experiment.steps
    state = start(run, resume, steps)
    first, last = state.step, min(steps, stop_after or steps)
    so_far = log.trim(run.path / "log.jsonl", state)
    if first == 0:
        state = keep(run, state, so_far)
    kept = first
    if first == 0 and not quiet:
        validation = (lambda params: validator(params, run.validation)) if run.validation else None
        print(estimate.forecast(experiment, state.params, run.path, validation), flush=True)
    elif not quiet:
        print(f"going on after step {first} of {steps}", flush=True)
    with (
        (run.path / "log.jsonl").open("a", encoding="utf-8") as written,
        waiting(signal.SIGINT, signal.SIGTERM) as interrupted,  # a step is never interrupted
        progress.bar(total=steps, initial=first, unit="step", shown=not quiet) as bar,
        np.errstate(over="ignore", invalid="ignore"),  # values that are not finite are looked for, and named
    ):
        for step in range(first, last):
            began = time.perf_counter()
            computed = finite_at(experiment, state, step, kept)
            state = state._replace(facts=with_loss(state.facts, computed.loss))
            if step > first and step % per_epoch == 0:
                os.fsync(written.fileno())  # the log has all steps of the checkpoint, also after a power cut
                state = keep(run, state, so_far)  # the parameters before this step: their loss is finite
                kept = step
            record = log.record_of(experiment.recipe, computed)
            update(run.recipe.training, state.params, computed.grads, state.optimiser, step, steps)
            state = state._replace(step=step + 1)
            record["seconds"] = round(time.perf_counter() - began, 4)
            epochs_done, left = divmod(step + 1, per_epoch)
            if run.validation and not left and epochs_done % run.recipe.validation.every == 0:
                finite_at(experiment, state, step, kept)  # only a network with a finite loss can be the best
                state = validate(run, validator, state, record)
            record = {"step": step + 1, "epoch": step // per_epoch + 1, **record}
            log.add(so_far, record)
            written.write(log.line(record))
            written.flush()
            bar.set_postfix_str(log.short(record), refresh=False)
            bar.update()
            if interrupted:
                break
        if state.step > first:
            finite_at(experiment, state, state.step - 1, kept)  # is the last update finite?
        os.fsync(written.fileno())
    keep(run, state, so_far)
    if interrupted and state.step < steps:
        raise Interrupted(f"stopped after step {state.step} of {steps}")


def start(run: Run, resume: bool, steps: int) -> Checkpoint:
    """Parameters, optimiser states, steps done, facts: fresh, or the run's checkpoint.

    A run that was ended before its first checkpoint is resumed at its beginning. InputError for a checkpoint that does
    not belong to the run, or that is not whole.
    """
    if not resume or run.unfinished():
        return Checkpoint(0, model.init(run.recipe, run.identities), {}, Facts(run=run.checksums()))
    saved = run.load()
    whole = state_is_whole(run.recipe.training.optimiser, saved.params, saved.optimiser, saved.step)
    if saved.step > steps or not whole:
        what = "the optimiser's state is not whole" if saved.step <= steps else f"step {saved.step} of {steps}"
        raise InputError(f"{run.path / 'checkpoint.npz'} is damaged ({what}): use another one, or train again")
    return saved._replace(facts=msgspec.structs.replace(saved.facts, run=run.checksums(), recipe=None))


def with_loss(facts: Facts, loss: float) -> Facts:
    """The facts, with the loss of the first step that there is."""
    return facts if facts.loss is not None else msgspec.structs.replace(facts, loss=loss)


def finite_at(experiment: Experiment, state: Checkpoint, step: int, kept: int) -> Computed:
    """Loss and gradients of a step. Raises NotFinite, which names the first result that is not finite.

    kept: the step of the last checkpoint, for the message.
    """
    computed = gradients_at(experiment, state.params, step)
    advice = f"the checkpoint after step {kept} is kept; try a lower training.learning_rate"
    if state.step == 0:  # no update was made yet
        advice = "before any update: try a lower network.gain, losses.margin or weight of a loss"
    if not np.isfinite(computed.loss):
        raise NotFinite(f"{where_it_began(experiment, state.params, step, computed)}: {advice}")
    if state.facts.loss is not None and computed.loss > DIVERGED * max(state.facts.loss, 1.0):
        raise NotFinite(
            f"the loss has grown from {state.facts.loss:.3g} at the first step to {computed.loss:.3g} at step "
            f"{step + 1}: {advice}"
        )
    return computed


def where_it_began(experiment: Experiment, params: Tree, step: int, computed: Computed) -> str:
    """Run the step once more and name the first result that is not finite."""
    found: list[str] = []

    def watch(name: str, array: np.ndarray) -> None:
        if not np.isfinite(array).all():
            found.append(name)

    gradients_at(experiment, params, step, watch)
    listed = ", ".join(f"{name} {part:.3g}" for name, part in computed.parts.items())
    return f"the loss is {computed.loss} at step {step + 1} ({listed}), first in {found[0] if found else 'the losses'}"


def validate(run: Run, validator: Validator, state: Checkpoint, record: dict[str, Any]) -> Checkpoint:
    """Measure validation persons: the result into the record, the best state into best.npz. Returns the state."""
    result = validator(state.params, run.validation)
    record |= {f"validation {name}": value for name, value in result.items()}
    if result["mAP"] > state.facts.best:
        state = state._replace(facts=msgspec.structs.replace(state.facts, best=result["mAP"]))
        of_best = msgspec.structs.replace(state.facts, log=None)  # its step is not in the log yet
        checkpoint.save(run.path / "best.npz", state._replace(facts=of_best))
    return state


def keep(run: Run, state: Checkpoint, so_far: "hashlib._Hash") -> Checkpoint:
    """Save the state, with the checksum of the log so far. Returns it."""
    state = state._replace(facts=msgspec.structs.replace(state.facts, log=so_far.hexdigest()))
    checkpoint.save(run.path / "checkpoint.npz", state)
    return state

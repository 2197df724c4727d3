"""The training loop: draw a batch, loss and gradients, clip, update, decay, log; again and again.

Words: the crowd is the training persons and their tracks; a state is all that a checkpoint holds, its facts the best
validation mAP so far and the recipe's checksum; a judge rates the network on people held out.
"""

import dataclasses
import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minireid import progress
from minireid.data import sampling
from minireid.data.prepared import Prepared
from minireid.errors import InputError
from minireid.files import write_text
from minireid.kernels import fastest
from minireid.networks.euclidean import to_unit_length
from minireid.recipe import Recipe
from minireid.training import batches, checkpoint, estimate, model, optimisers
from minireid.training.checkpoint import Checkpoint
from minireid.training.run import Run
from minireid.trees import Tree


class Interrupted(Exception):
    """Ctrl-C: the step was finished and saved."""


class NotFinite(InputError):
    """The loss is NaN or infinite: the recipe is at fault (too high a learning rate, most often)."""


Judge = Callable[[Tree, tuple[int, ...]], dict[str, float]]  # parameters, persons -> {"mAP": …, "rank-1": …}


def train(
    run: Run,
    prepared: Prepared,
    judge: Judge,
    *,
    resume: bool = False,
    stop_after: int | None = None,
    plain: bool = False,
    quiet: bool = False,
) -> None:
    """Train to the recipe's last epoch, or until `stop_after` steps of the whole run are done.

    Raises Interrupted after Ctrl-C.

    plain: with the layers' definitions in place of the fused kernels (the same results but for rounding, slower).
    quiet: without forecast and progress bar.
    judge: what validation persons are judged by (minireid.evaluation), so that training knows nothing of rankings.

    Everything drawn at step k depends on recipe, data and k alone, so that a run that is stopped after any step
    and resumed computes the same bits as one that is not. A checkpoint is only replaced by parameters whose loss has
    been seen to be finite.
    """
    recipe = run.recipe
    crowd = sampling.people(prepared, run.train, at_least=recipe.clips.length)
    per_epoch = batches.steps_per_epoch(recipe, crowd)
    steps = per_epoch * recipe.training.epochs
    state = start(run, resume)
    first, last = state.step, min(steps, stop_after or steps)
    if first == 0:
        keep(run, state)
    if first == 0 and not quiet:
        print(estimate.forecast(recipe, prepared, crowd, state.params, steps), flush=True)
    elif not quiet:
        print(f"going on after step {first} of {steps}", flush=True)
    trim_log(run.path / "log.jsonl", first)
    with (
        (run.path / "log.jsonl").open("a", encoding="utf-8") as log,
        ctrl_c_waits() as interrupted,
        progress.bar(total=steps, initial=first, unit="step", shown=not quiet) as bar,
        np.errstate(over="ignore", invalid="ignore"),  # what is not finite is looked for, and named
    ):
        for step in range(first, last):
            began = time.perf_counter()
            record, grads = losses_at(recipe, prepared, crowd, state.params, step, plain)
            if step > first and step % per_epoch == 0:
                keep(run, state)  # the parameters before this step: their loss was just seen to be finite
            apply_gradients(recipe, state.params, grads, state.optimiser, step, steps)
            state = state._replace(step=step + 1)
            record["seconds"] = round(time.perf_counter() - began, 4)
            epochs_done, left = divmod(step + 1, per_epoch)
            if run.validation and not left and epochs_done % recipe.validation.every == 0:
                losses_at(
                    recipe, prepared, crowd, state.params, step, plain
                )  # only a network with a finite loss can be best
                state = validate(run, judge, state, record)
            log.write(json.dumps({"step": step + 1, "epoch": step // per_epoch + 1, **record}) + "\n")
            log.flush()
            bar.set_postfix_str(progress_line(record), refresh=False)
            bar.update()
            if interrupted:
                break
        if state.step > first:
            losses_at(recipe, prepared, crowd, state.params, state.step - 1, plain)  # a last look: are they finite?
    keep(run, state)
    if interrupted and state.step < steps:
        raise Interrupted(f"stopped after step {state.step} of {steps}")


def start(run: Run, resume: bool) -> Checkpoint:
    """Parameters, optimiser states, steps done, best validation so far: fresh, or the run's checkpoint.

    InputError where the checkpoint was made by another recipe than now stands in the run folder.
    """
    facts = {"best": -1.0, "recipe": training_digest(run.recipe)}
    if not resume:
        return Checkpoint(0, model.init(run.recipe, run.identities), {}, facts)
    saved = run.load()
    if saved.facts.get("recipe") != facts["recipe"] or type(saved.facts.get("best")) is not float:
        raise InputError(
            f"{run.path / 'recipe.toml'} is not what {run.path} was trained by until now: put it back, "
            "or start a new run"
        )
    return saved


def training_digest(recipe: Recipe) -> str:
    """A checksum of all that a recipe says but for its evaluation, which may be changed afterwards."""
    said = dataclasses.asdict(recipe)
    del said["evaluation"]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def losses_at(
    recipe: Recipe, prepared: Prepared, crowd: sampling.People, params: Tree, step: int, plain: bool = False
) -> tuple[dict[str, Any], Tree]:
    """Draw the batch of this step and compute: what goes into the log, and the gradients. Raises NotFinite."""
    inputs, rng = batches.draw(recipe, prepared, crowd, step)
    loss, parts, embeddings, grads = model.loss_and_gradients(
        recipe, params, **inputs._asdict(), rng=rng, kernel=fastest() if plain else None
    )
    if not np.isfinite(loss):
        raise NotFinite(where_it_began(recipe, prepared, crowd, params, step, loss, parts))
    compared = to_unit_length(embeddings) if recipe.losses.together == "joint_on_sphere" else embeddings
    return {"loss": loss, **parts, **mean_distances(compared, inputs.pairs, inputs.same)}, grads


def apply_gradients(
    recipe: Recipe, params: Tree, grads: Tree, states: dict[str, optimisers.State], step: int, steps: int
) -> None:
    """Clip, update, decay (weights, not biases), in place."""
    wanted = recipe.training
    schedule = {"cosine": optimisers.cosine, "constant": optimisers.constant}[wanted.schedule]
    learning_rate = wanted.learning_rate * schedule(step, steps)
    rules: dict[str, Callable[..., optimisers.State]]
    rules = {"sgd": optimisers.sgd, "rmsprop": optimisers.rmsprop, "adam": optimisers.adam}
    extra = {"momentum": wanted.momentum, "dampening": wanted.dampening} if wanted.optimiser == "sgd" else {}
    optimisers.clip_elements(grads, wanted.clip_elements)
    optimisers.update(rules[wanted.optimiser], params, grads, states, learning_rate=learning_rate, **extra)
    if wanted.weight_decay:
        optimisers.decay_weights(params, 1 - learning_rate * wanted.weight_decay)


def mean_distances(embeddings: dict[str, np.ndarray], pairs: np.ndarray, same: np.ndarray) -> dict[str, float]:
    """Mean distance of the pairs of the same person and of different ones, as the loss sees them.

    Equal means that nothing is told apart yet; equal and near 0, that the embeddings have collapsed into one point.
    """
    record: dict[str, float] = {}
    for level, e in embeddings.items():
        d = np.linalg.norm(e[pairs[:, 0]] - e[pairs[:, 1]], axis=1)
        for kind, those in (("same", d[same]), ("different", d[~same])):
            if len(those):  # a batch may lack a kind
                record[f"{level} {kind}"] = float(those.mean())
    return record


def progress_line(record: dict[str, Any]) -> str:
    """The bar's text: the loss, its parts by initials (lv: low verification), and same/different distances by level."""
    kinds = ("verification", "identification")
    parts = [f"{''.join(w[0] for w in name.split())} {v:.2f}" for name, v in record.items() if name.endswith(kinds)]
    levels = [name.removesuffix(" same") for name in record if name.endswith(" same")]
    gaps = [f"{level} {record[level + ' same']:.1f}|{record.get(level + ' different', np.nan):.1f}" for level in levels]
    return f"loss {record['loss']:.3f} ({', '.join(parts)}) same|different {', '.join(gaps)}"


def where_it_began(
    recipe: Recipe,
    prepared: Prepared,
    crowd: sampling.People,
    params: Tree,
    step: int,
    loss: float,
    parts: dict[str, float],
) -> str:
    """Run the step once more and name the first result that is not finite."""
    found: list[str] = []

    def watch(name: str, array: np.ndarray) -> None:
        if not np.isfinite(array).all():
            found.append(name)

    inputs, rng = batches.draw(recipe, prepared, crowd, step)
    model.loss_and_gradients(recipe, params, **inputs._asdict(), rng=rng, watch=watch)
    listed = ", ".join(f"{name} {part:.3g}" for name, part in parts.items())
    return (
        f"the loss is {loss} at step {step + 1} ({listed}), first in {found[0] if found else 'the losses'}: the last "
        "good checkpoint is kept; try a lower training.learning_rate"
    )


def validate(run: Run, judge: Judge, state: Checkpoint, record: dict[str, Any]) -> Checkpoint:
    """The judge's word on the validation persons, into the record; keeps best.npz by mAP; the state with that."""
    result = judge(state.params, run.validation)
    record |= {f"validation {name}": value for name, value in result.items()}
    if result["mAP"] > state.facts["best"]:
        state = state._replace(facts={**state.facts, "best": result["mAP"]})
        checkpoint.save(run.path / "best.npz", state)
    return state


def keep(run: Run, state: Checkpoint) -> None:
    checkpoint.save(run.path / "checkpoint.npz", state)


def trim_log(path: Path, steps: int) -> None:
    """Leave out of the log what was done after the checkpoint (those steps will be done again) and broken lines."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= steps:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    write_text(path, "".join(kept))


@contextmanager
def ctrl_c_waits() -> Iterator[list[int]]:
    """Inside, the first Ctrl-C only makes the yielded list non-empty, so that a step is never cut in two."""
    pressed: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    except ValueError:  # not in the main thread: nobody presses Ctrl-C there
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)

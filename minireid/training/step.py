"""One training step: draw, forward, losses, backward, clip, update.

    draw        a batch of clips, their pairs and labels                         minireid/training/batches.py
    forward     clips -> embeddings                                              minireid/networks/
    losses      embeddings -> one number                                         minireid/losses/
    backward    the gradient of that number for every parameter
    clip        every element of every gradient to [-limit, limit]               minireid/training/optimisers.py
    update      parameters - learning rate * gradients, in the optimiser's form

`gradients_at` is the first four, `update` the last two. Between them the loop may save the parameters: their loss
is then known to be finite.
"""

from typing import NamedTuple

import numpy as np

from minireid.base.trees import Tree
from minireid.networks.running import Watch, ignore
from minireid.recipes.schema import Training
from minireid.training import batches, optimisers
from minireid.training.batches import Batch
from minireid.training.experiment import Experiment
from minireid.training.model import Model


class Computed(NamedTuple):
    """loss; parts: {name: its value}, the loss is their weighted sum; embeddings {level: (N, D)}; grads: shaped
    like the parameters; batch: what was drawn."""

    loss: float
    parts: dict[str, float]
    embeddings: dict[str, np.ndarray]
    grads: Tree
    batch: Batch


def gradients_at(experiment: Experiment, params: Tree, step: int, watch: Watch = ignore) -> Computed:
    """Loss and gradients of step number `step` (from 0) of a run."""
    batch, rng = batches.draw(experiment, step)  # draw
    return gradients(experiment.model, params, batch, rng, watch)


def gradients(
    model: Model, params: Tree, batch: Batch, rng: np.random.Generator | None, watch: Watch = ignore
) -> Computed:
    """Loss and gradients of a batch. rng=None: no dropout. watch: is shown every result, see running.py."""
    how = {"lengths": batch.lengths, "rng": rng, "dropout_rate": model.dropout, "watch": watch}
    embeddings, cache = model.network.forward(batch.x, params["network"], **model.settings, **how)  # forward
    pairs = {"labels": batch.labels, "pairs": batch.pairs, "same": batch.same, "weights": batch.weights}
    loss, loss_cache = model.loss.forward(embeddings, params["heads"], **pairs, **model.loss_settings)  # losses
    watch("loss", np.asarray(loss))
    dembeddings, head_grads = model.loss.backward(1.0, loss_cache)  # backward
    _, network_grads = model.network.backward(dembeddings, cache, need_dx=False, watch=watch)
    parts = {name: float(part) for name, part in loss_cache.parts.items()}
    return Computed(float(loss), parts, embeddings, {"network": network_grads, "heads": head_grads}, batch)


def update(
    how: Training, params: Tree, grads: Tree, states: dict[str, optimisers.State], step: int, steps: int
) -> None:
    """Change the parameters, in place, by the gradients of step number `step` of `steps`. states: of the optimiser."""
    learning_rate = how.learning_rate * optimisers.SCHEDULES[how.schedule](step, steps)
    momentum = {"momentum": how.momentum, "dampening": how.dampening} if how.optimiser == "sgd" else {}
    optimisers.clip_elements(grads, how.clip_elements)  # clip
    rule = optimisers.RULES[how.optimiser]
    if how.weight_decay:  # of the weights before the step, as its source has it
        optimisers.decay_weights(params, 1 - learning_rate * how.weight_decay)
    optimisers.update(rule, params, grads, states, learning_rate=learning_rate, **momentum)  # update

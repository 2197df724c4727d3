"""Whole training steps and embeddings of msp_src: minireid's and PyTorch's, from the same weights on the same clips."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.base.trees import map_leaves
from minireid.layers import linear
from minireid.losses import joint
from minireid.networks import msp_src
from minireid.networks.embedding import embed
from minireid.training import optimisers
from minireid.training.ways import fast

Params = dict[str, Any]
CLIPS, LENGTH = 8, 16  # of a step, by default
PERSONS = 100  # classes
LEARNING_RATE = 0.01


def draw(N: int, T: int, height: int, width: int) -> tuple[Params, dict[str, np.ndarray]]:
    """Parameters and a batch: N clips (two of each person) of T frames, all pairs."""
    rng = np.random.default_rng(0)
    params = {
        "network": msp_src.init(rng, height=height, width=width, channels=5),
        "heads": {level: linear.init(rng, 128, PERSONS) for level in ("low", "high")},
    }
    pairs = np.array([(i, j) for i in range(N) for j in range(i)])
    batch = {
        "x": rng.standard_normal((N, T, height, width, 5), np.float32),
        "labels": np.arange(N) // 2 % PERSONS,
        "pairs": pairs,
        "same": pairs[:, 0] // 2 == pairs[:, 1] // 2,
    }
    return params, batch


def training_step(params: Params, batch: dict[str, np.ndarray]) -> Callable[[], float]:
    """A function that does one step (forward, losses, backward, SGD) and returns the loss."""
    p = map_leaves(np.copy, params)
    how = fast_settings()
    pairs: dict[str, Any] = {name: batch[name] for name in ("labels", "pairs", "same")}

    def step() -> float:
        embeddings, cache = msp_src.forward(batch["x"], p["network"], **how)
        loss, loss_cache = joint.forward(embeddings, p["heads"], **pairs)
        dembeddings, classifiers = joint.backward(1.0, loss_cache)
        _, network = msp_src.backward(dembeddings, cache, need_dx=False)
        grads = {"network": network, "heads": classifiers}
        plain = {"learning_rate": LEARNING_RATE, "momentum": 0.0, "dampening": 0.0}
        optimisers.update(optimisers.sgd, p, grads, {}, **plain)  # no states: without momentum there is nothing to keep
        return float(loss)

    return step


def embedding(params: Params, x: np.ndarray) -> Callable[[], np.ndarray]:
    """A function that embeds the clips."""
    how = fast_settings()
    return lambda: embed(msp_src, x, params["network"], **how)


def fast_settings() -> dict[str, Any]:
    """The arguments with which msp_src.forward runs on the fast twins."""
    way = fast()
    return {"unit": way.gru, "block": way.block}

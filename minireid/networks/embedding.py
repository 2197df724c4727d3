"""A network as a function: one vector for each clip. Evaluation and the speed benchmark call it."""

from types import ModuleType
from typing import Any

import numpy as np

from minireid.networks.euclidean import side_by_side, to_unit_length


def embed(network: ModuleType, x, p, *, unit_length: bool = False, **config: Any) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, D), what `network.score` compares: the levels that describe a clip, side by side.

    No dropout. unit_length: every level is scaled to length 1 first. config: what `network.forward` takes.
    """
    embeddings, _ = network.forward(x, p, **config)
    if network.FACTS.levels:
        embeddings = {level: embeddings[level] for level in network.FACTS.levels}
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

"""One gradient-check case for each thing that has a derivative here: what `minireid gradcheck` runs.

Sizes are pairwise different primes where they can be, so that a mean for a sum, or a transposed axis, cannot hide
behind two equal sizes. Inputs of layers with kinks (max, ReLU, hinge) keep their distance from them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minireid.kernels import fastest, im2col, loops
from minireid.layers import (
    conv2d,
    conv_block,
    dropout,
    elman,
    elman_unsquashed,
    gru,
    gru_reset_after,
    linear,
    maxpool2d,
    relu,
    sigmoid,
    tanh,
    temporal_centre,
    temporal_last,
    temporal_max,
    temporal_mean,
    unit_length,
)
from minireid.losses import (
    contrastive_crf,
    contrastive_linear,
    contrastive_squared,
    joint,
    joint_on_sphere,
    pair_distance,
    softmax,
)
from minireid.networks import msp_src, msp_src_high, msp_src_low, msp_src_motion, src


class Case(NamedTuple):
    """Something to check: its name, its two functions, its positional arrays and its configuration."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    arrays: tuple[Any, ...]
    config: dict[str, Any] = {}  # noqa: RUF012 never changed


def all_cases(seed: int = 0) -> Iterator[Case]:
    """Every layer, loss and network, in the order in which a reader meets them."""
    rng = np.random.default_rng(seed)
    yield from layer_cases(rng)
    yield from recurrent_cases(rng)
    yield from loss_cases(rng)
    yield from network_cases(rng)


def layer_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(3, 7, 5, 2))
    f64 = {"dtype": np.float64}
    p = conv2d.init(rng, 3, 2, 2, 5, **f64)
    for kernel in (loops, im2col, fastest()):
        name = f"conv2d/{kernel.__name__.rpartition('.')[2]}"
        small = x[:1, :5, :3] if kernel is loops else x  # Python loops are slow, and loops are loops at any size
        yield Case(name, conv2d.forward, conv2d.backward, (small, p), {"stride": 2, "padding": 1, "kernel": kernel})
    yield Case("maxpool2d", maxpool2d.forward, maxpool2d.backward, (spaced(rng, 3, 7, 5, 2),))
    overlap = {"window": (3, 2), "stride": 1}
    yield Case("maxpool2d/overlap", maxpool2d.forward, maxpool2d.backward, (spaced(rng, 3, 7, 5, 2),), overlap)
    yield Case("conv_block", conv_block.forward, conv_block.backward, (x, p), {"padding": 2})
    yield Case("sigmoid", sigmoid.forward, sigmoid.backward, (rng.normal(size=(3, 5)),))
    yield Case("tanh", tanh.forward, tanh.backward, (rng.normal(size=(3, 5)),))
    yield Case("relu", relu.forward, relu.backward, (spaced(rng, 3, 5),))
    yield Case("linear", linear.forward, linear.backward, (rng.normal(size=(3, 5, 7)), linear.init(rng, 7, 11, **f64)))
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    yield Case("dropout", dropout.forward, dropout.backward, (rng.normal(size=(3, 5)),), config)


def recurrent_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(3, 5, 7))
    for unit in (elman, gru, gru_reset_after):
        name = unit.__name__.rpartition(".")[2]
        p = unit.init(rng, 7, 11, dtype=np.float64)
        step = (rng.normal(size=(3, 7)), rng.normal(size=(3, 11)), p)
        yield Case(f"{name}/step", unit.step_forward, unit.step_backward, step)
        yield Case(name, unit.forward, unit.backward, (x, p))
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    p = elman_unsquashed.init(rng, 7, dtype=np.float64)
    yield Case("elman_unsquashed", elman_unsquashed.forward, elman_unsquashed.backward, (x, p), config)
    lengths = {"lengths": np.array([5, 1, 4])}
    for pool in (temporal_mean, temporal_max, temporal_last, temporal_centre):
        yield Case(pool.__name__.rpartition(".")[2], pool.forward, pool.backward, (spaced(rng, 3, 5, 7),), lengths)


def loss_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(5, 7)) / 2
    pairs = np.array([[0, 1], [2, 1], [3, 4], [0, 4], [2, 3], [1, 3], [4, 0]])  # rows in several pairs, both ways round
    config = {"pairs": pairs, "same": np.array([True, False, True, False, False, True, True]), "weights": rng.random(7)}
    yield Case("pair_distance", pair_distance.forward, pair_distance.backward, (x,), {"pairs": pairs})
    for loss, margin in ((contrastive_squared, 2.0), (contrastive_linear, 2.0), (contrastive_crf, 4.0)):
        name = loss.__name__.rpartition(".")[2]
        yield Case(name, loss.forward, loss.backward, (x,), {**config, "margin": margin})
    labels = {"labels": np.array([3, 0, 6, 3, 5])}
    yield Case("softmax", softmax.forward, softmax.backward, (rng.normal(size=(5, 7)),), labels)
    embeddings = {"low": x, "high": rng.normal(size=(5, 3)) / 2}
    classifiers = {level: linear.init(rng, e.shape[1], 7, dtype=np.float64) for level, e in embeddings.items()}
    weights = {"verification_weight": 0.7, "identification_weight": 1.3, "margin": 2.0}
    for together in (joint, joint_on_sphere):
        name = together.__name__.rpartition(".")[2]
        yield Case(
            name, together.forward, together.backward, (embeddings, classifiers), {**config, **labels, **weights}
        )
    yield Case("unit_length", unit_length.forward, unit_length.backward, (x,))


def network_cases(rng: np.random.Generator) -> Iterator[Case]:
    clips = rng.normal(size=(2, 3, 8, 9, 1))
    sizes = {"height": 8, "width": 9, "channels": 1, "filters": (1, 2, 2), "features": 5, "dtype": np.float64}
    config = {"lengths": np.array([3, 2]), "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    for network in (src, msp_src, msp_src_low, msp_src_motion):
        p = network.init(rng, **sizes)
        yield Case(network.__name__.rpartition(".")[2], network.forward, network.backward, (clips, p), config)
    for unit, depth, pool in ((elman, 2, temporal_max), (gru_reset_after, 1, temporal_last), (gru, 0, temporal_mean)):
        p = msp_src_high.init(rng, **sizes, unit=unit, depth=depth)
        name = f"msp_src_high/{unit.__name__.rpartition('.')[2]} x {depth}"
        chosen = {**config, "unit": unit, "pool": pool}
        yield Case(name, msp_src_high.forward, msp_src_high.backward, (clips, p), chosen)


def spaced(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random values that are all at least 0.05 apart and 0.025 from 0: no kink of max or ReLU within a step."""
    n = int(np.prod(shape))
    return 0.05 * (rng.permutation(n).reshape(shape) - n // 2 + 0.5)

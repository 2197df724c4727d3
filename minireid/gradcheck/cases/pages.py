"""Gradient-check cases for every layer and loss: `minireid gradcheck` runs them, and `--like` names them.

Sizes are different primes where possible. With equal sizes, a mean in place of a sum or a transposed axis could stay
unnoticed. Inputs of layers with kinks (max, ReLU, hinge) keep away from the kinks.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minireid.kernels import im2col, loops
from minireid.layers import (
    attentive_rnn,
    average_pool2d,
    conv2d,
    conv_block,
    conv_gru,
    conv_gru_stacked,
    conv_relu,
    dropout,
    dropout_linear,
    elman,
    elman_relu,
    elman_unsquashed,
    gru,
    gru_projected,
    gru_reset_after,
    linear,
    lstm,
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
    similarity,
    softmax,
    softmax_smoothed,
    triplet_hard,
)


class Case(NamedTuple):
    """Something to check: its name, its two functions, its positional arrays and its configuration."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    arrays: tuple[Any, ...]
    config: dict[str, Any] = {}  # noqa: RUF012 never changed


class Sizes(NamedTuple):
    """Clips N, frames T, features D, states S; maps H x W with C channels; kernels KH x KW to O channels; K classes."""

    N: int = 3
    T: int = 5
    D: int = 7
    S: int = 11
    H: int = 7
    W: int = 5
    C: int = 2
    O: int = 5
    KH: int = 3
    KW: int = 2
    K: int = 7
    rows: int = 5
    stride: int = 2
    padding: int = 1
    # a row is in several pairs
    pairs: tuple[tuple[int, int], ...] = ((0, 1), (2, 1), (3, 4), (0, 4), (2, 3), (1, 3), (4, 0))


COMPILED = ("conv2d/direct", "conv_block_fused")  # cases whose functions numba compiles
USUAL = Sizes()
OTHER = Sizes(
    5,
    4,
    3,
    7,
    6,
    9,
    4,
    6,
    2,
    7,
    5,
    7,
    3,
    2,
    ((6, 0), (1, 2), (3, 6), (4, 5), (5, 0), (2, 0), (1, 4), (3, 2), (0, 3), (6, 1), (2, 5)),
)


def page_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    """Every layer and loss."""
    yield from layer_cases(rng, sizes)
    yield from recurrent_cases(rng, sizes)
    yield from loss_cases(rng, sizes)
    (own,) = rng.spawn(1)  # draws nothing from rng itself: the other cases keep their numbers
    yield from published_layer_cases(own, sizes)
    yield from published_loss_cases(own, sizes)


def layer_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    N, T, D, S, H, W, C, O, KH, KW, *_ = sizes
    maps = (N, H, W, C)
    x = rng.normal(size=maps)
    f64 = {"dtype": np.float64}
    p = conv2d.init(rng, KH, KW, C, O, **f64)
    for kernel in (loops, im2col, *compiled("kernels.direct")):
        name = f"conv2d/{kernel.__name__.rpartition('.')[2]}"
        small = x[:1, :5, :4] if kernel is loops else x  # Python loops are slow
        yield Case(
            name,
            conv2d.forward,
            conv2d.backward,
            (small, p),
            {"stride": sizes.stride, "padding": sizes.padding, "kernel": kernel},
        )
    yield Case("maxpool2d", maxpool2d.forward, maxpool2d.backward, (spaced(rng, *maps),))
    overlap = {"window": (3, 2), "stride": 1}
    yield Case("maxpool2d/overlap", maxpool2d.forward, maxpool2d.backward, (spaced(rng, *maps),), overlap)
    for block in (conv_block, *compiled("layers.conv_block_fused")):
        yield Case(block.__name__.rpartition(".")[2], block.forward, block.backward, (x, p), {"padding": 1})
    yield Case(
        "conv_relu", conv_relu.forward, conv_relu.backward, (x, conv_relu.init(rng.spawn(1)[0], 3, 3, C, O, **f64))
    )
    grid = {"size": (H, 1)}
    yield Case("average_pool2d", average_pool2d.forward, average_pool2d.backward, (x,), grid)
    yield Case("sigmoid", sigmoid.forward, sigmoid.backward, (rng.normal(size=(N, T)),))
    yield Case("tanh", tanh.forward, tanh.backward, (rng.normal(size=(N, T)),))
    yield Case("relu", relu.forward, relu.backward, (spaced(rng, N, T),))
    yield Case("linear", linear.forward, linear.backward, (rng.normal(size=(N, T, D)), linear.init(rng, D, S, **f64)))
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    yield Case("dropout", dropout.forward, dropout.backward, (rng.normal(size=(N, T)),), config)
    own = dropout_linear.init(rng.spawn(1)[0], H * W * C, S, **f64)
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    yield Case("dropout_linear", dropout_linear.forward, dropout_linear.backward, (x, own), config)


def recurrent_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    N, T, D, S, *_ = sizes
    x = rng.normal(size=(N, T, D))
    for unit in (elman, gru, gru_reset_after):
        name = unit.__name__.rpartition(".")[2]
        p = unit.init(rng, D, S, dtype=np.float64)
        step = (rng.normal(size=(N, D)), rng.normal(size=(N, S)), p)
        yield Case(f"{name}/step", unit.step_forward, unit.step_backward, step)
        yield Case(name, unit.forward, unit.backward, (x, p))
        if unit is gru:
            yield Case("gru_projected", gru_projected.forward, gru_projected.backward, (x, p))
    config = {"rate": 0.4, "rng": np.random.default_rng(1)}
    p = elman_unsquashed.init(rng, D, dtype=np.float64)
    yield Case("elman_unsquashed", elman_unsquashed.forward, elman_unsquashed.backward, (x, p), config)
    lengths = {"lengths": np.resize([T, 1, T - 1], N)}
    for pool in (temporal_mean, temporal_max, temporal_last, temporal_centre):
        yield Case(pool.__name__.rpartition(".")[2], pool.forward, pool.backward, (spaced(rng, N, T, D),), lengths)


def published_layer_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    """The other recurrent layers of the published systems."""
    N, T, D, S, *_ = sizes
    x = rng.normal(size=(N, T, D))
    (own,) = rng.spawn(1)
    states = (own.normal(size=(N, D)), own.normal(size=(N, S)), own.normal(size=(N, S)))
    step = (*states, lstm.init(own, D, S, dtype=np.float64))
    yield Case("lstm/step", lstm.step_forward, lstm.step_backward, step)
    yield Case("lstm", lstm.forward, lstm.backward, (x, lstm.init(rng, D, S, dtype=np.float64)))
    for name, config in (
        ("attentive_rnn", {"attention": "softmax"}),
        ("attentive_rnn/raw", {"attention": "raw"}),
        ("attentive_rnn/top_k", {"attention": "softmax", "top_k": 2}),
        ("attentive_rnn/raw_top_k", {"attention": "raw", "top_k": 2}),
    ):
        arrays = attended(rng, sizes, config)
        yield Case(name, attentive_rnn.forward, attentive_rnn.backward, arrays, config)
    yield Case("elman_relu", elman_relu.forward, elman_relu.backward, clear_of_zero(rng, sizes))
    maps, plain = rng.normal(size=(4, 3, 2, 3, sizes.C)), {"kernel": im2col}
    p = conv_gru.init(rng, sizes.C, 2, kernel_input=3, kernel_state=3, dtype=np.float64)
    yield Case("conv_gru", conv_gru.forward, conv_gru.backward, (maps, p), plain)
    lower = rng.normal(size=(*maps.shape[:4], 3))
    for name, in_candidate in (("conv_gru_stacked", False), ("conv_gru_stacked/in_candidate", True)):
        p = conv_gru_stacked.init(
            rng, sizes.C, 3, 2, kernel_input=1, kernel_state=3, lower_in_candidate=in_candidate, dtype=np.float64
        )
        yield Case(name, conv_gru_stacked.forward, conv_gru_stacked.backward, (maps, lower, p), plain)


def loss_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    rows, K, pairs = sizes.rows, sizes.K, np.array(sizes.pairs)
    x = rng.normal(size=(rows, sizes.D)) / 2
    same = np.resize([True, False, True, False, False, True, True], len(pairs))
    config = {"pairs": pairs, "same": same, "weights": rng.random(len(pairs))}
    yield Case("pair_distance", pair_distance.forward, pair_distance.backward, (x,), {"pairs": pairs})
    for loss, margin in ((contrastive_squared, 2.0), (contrastive_linear, 2.0), (contrastive_crf, 4.0)):
        name = loss.__name__.rpartition(".")[2]
        yield Case(name, loss.forward, loss.backward, (x,), {**config, "margin": margin})
    labels = {"labels": np.resize([3, 0, K - 1, 3, K - 2], rows)}
    yield Case("softmax", softmax.forward, softmax.backward, (rng.normal(size=(rows, K)),), labels)
    embeddings = {"low": x, "high": rng.normal(size=(rows, 3)) / 2}
    classifiers = {level: linear.init(rng, e.shape[1], K, dtype=np.float64) for level, e in embeddings.items()}
    weights = {"verification_weight": 0.7, "identification_weight": 1.3, "margin": 2.0}
    for together in (joint, joint_on_sphere):
        name = together.__name__.rpartition(".")[2]
        yield Case(
            name, together.forward, together.backward, (embeddings, classifiers), {**config, **labels, **weights}
        )
    yield Case("unit_length", unit_length.forward, unit_length.backward, (x,))


def published_loss_cases(rng: np.random.Generator, sizes: Sizes) -> Iterator[Case]:
    """The other losses of the published systems, and two usual ones of today."""
    rows, K, pairs = sizes.rows, sizes.K, np.array(sizes.pairs)
    config = {"pairs": pairs, "same": np.resize([True, False, True, False, False, True, True], len(pairs))}
    weights, labels = rng.random(len(pairs)), np.resize([3, 0, K - 1, 3, K - 2], rows)
    embeddings = {"low": rng.normal(size=(rows, sizes.D)), "high": rng.normal(size=(rows, 3))}
    heads = {level: {"v": rng.normal(size=e.shape[1]), "c": np.array(0.3)} for level, e in embeddings.items()}
    weighted = {**config, "weights": weights, "labels": labels}
    yield Case("similarity", similarity.forward, similarity.backward, (embeddings, heads), weighted)
    hinge = {**config, "margin": 1.0}
    x = without_ties(rng, sizes, hinge)
    yield Case("triplet_hard", triplet_hard.forward, triplet_hard.backward, (x,), hinge)
    smoothed = {"labels": labels, "smoothing": 0.2}
    yield Case(
        "softmax_smoothed", softmax_smoothed.forward, softmax_smoothed.backward, (rng.normal(size=(rows, K)),), smoothed
    )


def compiled(name: str) -> tuple[ModuleType, ...]:
    """(the module minireid.NAME,), or () without numba; with NUMBA_DISABLE_JIT one line on stderr says so."""
    try:
        return (importlib.import_module(f"minireid.{name}"),)
    except ImportError as fault:
        if not isinstance(fault, ModuleNotFoundError):
            say_once(f"minireid: {fault}, so the compiled {', '.join(COMPILED)} are left out")
        return ()


@functools.cache
def say_once(line: str) -> None:
    print(line, file=sys.stderr)


def clear_of_zero(rng: np.random.Generator, sizes: Sizes) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A sequence and parameters for elman_relu: the outputs keep away from the kink at 0."""
    N, T, D, S, *_ = sizes
    while True:
        f, p = rng.normal(size=(N, T, D)), elman_relu.init(rng, D, S, dtype=np.float64)
        if np.abs(elman_relu.forward(f, p)[0]).min() > 0.005:
            return f, p


def attended(
    rng: np.random.Generator, sizes: Sizes, config: dict[str, Any]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A sequence and parameters for attentive_rnn: the scores differ, so a small step does not change the top k."""
    N, T, D, S, *_ = sizes
    while True:
        v, p = rng.normal(size=(N, T, D)), attentive_rnn.init(rng, D, S, dtype=np.float64)
        _, cache = attentive_rnn.forward(v, p, **config)
        scores = np.concatenate([np.diff(np.sort(cache.s[:, t, :t])).ravel() for t in range(T)])
        if not scores.size or scores.min() > 0.01:
            return v, p


def without_ties(rng: np.random.Generator, sizes: Sizes, config: dict[str, Any]) -> np.ndarray:
    """Embeddings for triplet_hard: no two distances of a kind are close, no gap is near 0, some gaps are positive."""
    while True:
        x = rng.normal(size=(sizes.rows, sizes.D))
        _, (d, gap, positive, negative, _) = triplet_hard.forward(x, **config)
        of_a_kind = np.concatenate([np.diff(np.sort(d[config["same"] == kind])) for kind in (True, False)])
        # a pair must not be both positive and negative: its gradients would cancel
        apart = np.abs(d[positive] - d[negative]).min() > 0.01
        if min(of_a_kind.min(), np.abs(gap).min(), d.min()) > 0.01 and (gap > 0).any() and apart:
            return x


def spaced(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random values that are all at least 0.05 apart and 0.025 from 0: no kink of max or ReLU within a step."""
    n = int(np.prod(shape))
    return 0.05 * (rng.permutation(n).reshape(shape) - n // 2 + 0.5)

"""Ablation of deep_rcn: the GRUs of the three levels know nothing of each other (RCN-Ind in Wu et al. 2016, table 2).

F1 to F5, F8 and F9 of minireid/networks/deep_rcn.py; in place of F6 and F7  h2 = conv_gru(m2),  h3 = conv_gru(m3).
"""

import numpy as np

from minireid.layers import conv_gru, temporal_last
from minireid.losses.similarity import score
from minireid.networks import deep_rcn
from minireid.networks.deep_rcn import (
    LEVELS,
    init_convolutions,
    maps_backward,
    maps_forward,
    summary_backward,
    summary_forward,
)
from minireid.networks.euclidean import side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "describe", "embed", "forward", "init", "score"]


def init(
    rng, *, height, width, channels, filters=(32, 128, 256, 256), kernels=(5, 5), dtype: type = np.float32
) -> dict:
    """Parameters. kernels: of the GRUs' inputs and states. Raises ValueError as deep_rcn.init does."""
    C1, *states = filters
    settings = {"kernel_input": kernels[0], "kernel_state": kernels[1], "dtype": dtype}
    return {
        **init_convolutions(rng, height, width, channels, C1, dtype),
        **{level: conv_gru.init(rng, C1, S, **settings) for level, S in zip(LEVELS, states)},
    }


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.7, pool=temporal_last, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, D)}, cache. rng=None: evaluation, no dropout."""
    maps, maps_cache = maps_forward(x, p, kernel, watch)
    states, caches = [], []
    for level, m in zip(LEVELS, maps):
        h, cache = conv_gru.forward(m, p[level], kernel=kernel)
        watch(level, h)
        states.append(h)
        caches.append(cache)
    y, summary = summary_forward(states, lengths, pool, rng, dropout_rate)
    watch("clip", y)
    return {"clip": y}, (maps_cache, caches, summary)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"clip": (N, D)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    maps_cache, caches, summary = cache
    watch("dclip", dembeddings["clip"])
    dmaps, grads = [], {}
    for level, dh, level_cache in zip(LEVELS, summary_backward(dembeddings["clip"], summary), caches):
        watch(f"d{level}", dh)
        dm, grads[level] = conv_gru.backward(dh, level_cache)
        dmaps.append(dm)
    dx, maps_grads = maps_backward(dmaps, maps_cache, need_dx, watch)
    return dx, {**grads, **maps_grads}


def embed(x, p, *, lengths=None, pool=temporal_last, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, D): what `score` compares. No dropout. unit_length: scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, pool=pool)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)


def describe(x, p) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, T, D), a descriptor of every frame, as deep_rcn.describe."""
    return deep_rcn.describe(x, p, forward=forward)

"""Ablation of msp_src: the high level alone. F1, F2, H1 to H4 of minireid/networks/msp_src.py.

With depth=0 there is no recurrent unit: mean-pooled CNN features, which know nothing of the order of the frames.
"""

import numpy as np

from minireid.layers import gru, temporal_mean
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.msp_src import (
    high_backward,
    high_forward,
    init_high,
    init_shared,
    shared_backward,
    shared_forward,
)
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def init(
    rng, *, height, width, channels, filters=(16, 32, 32), features=128, unit=gru, depth=1, dtype=np.float32
) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **init_shared(rng, channels, filters, dtype),
        "high": init_high(rng, height, width, filters, features, unit, depth, dtype),
    }


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, unit=gru, pool=temporal_mean, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"high": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    m2, shared = shared_forward(x, p, kernel, watch)
    high, high_cache = high_forward(m2, p["high"], lengths, rng, dropout_rate, unit, pool, kernel, watch)
    return {"high": high}, (shared, high_cache)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    shared, high_cache = cache
    dm2, high_grads = high_backward(dembeddings["high"], high_cache, watch)
    dx, grads = shared_backward(dm2, shared, need_dx, watch)
    return dx, {**grads, "high": high_grads}


def embed(x, p, *, lengths=None, unit=gru, pool=temporal_mean, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, unit=unit, pool=pool)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

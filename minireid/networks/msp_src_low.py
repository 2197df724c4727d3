"""Ablation of msp_src: the low level alone. F1, F2, L1 to L3 of minireid/networks/msp_src.py."""

import numpy as np

from minireid.layers import temporal_mean
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.msp_src import init_low, init_shared, low_backward, low_forward, shared_backward, shared_forward
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **init_shared(rng, channels, filters, dtype),
        "low": init_low(rng, height, width, filters, features, dtype),
    }


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, pool=temporal_mean, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"low": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    m2, shared = shared_forward(x, p, kernel, watch)
    low, low_cache = low_forward(m2, p["low"], lengths, rng, dropout_rate, pool, watch)
    return {"low": low}, (shared, low_cache)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"low": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    shared, low_cache = cache
    dm2, low_grads = low_backward(dembeddings["low"], low_cache, watch)
    dx, grads = shared_backward(dm2, shared, need_dx, watch)
    return dx, {**grads, "low": low_grads}


def embed(x, p, *, lengths=None, pool=temporal_mean, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, pool=pool)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

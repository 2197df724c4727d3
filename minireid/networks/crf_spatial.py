"""Ablation of crf: what the CNN sees on average, F1 and F2 of minireid/networks/crf.py (the paper's row "CNN")."""

import numpy as np

from minireid.layers import relu, temporal_mean
from minireid.networks import cnn
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def init(rng, *, height, width, channels, filters=(16, 32, 32), features=128, dtype=np.float32) -> dict:
    """Parameters for frames (crops) of height x width."""
    return cnn.init(rng, height, width, channels, filters, features, padding=2, dtype=dtype)


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    f, frames = cnn.forward(
        x, p, padding=2, activation=relu, dropout_rate=dropout_rate, rng=rng, kernel=kernel, watch=watch
    )
    xC, spatial = temporal_mean.forward(f, lengths=lengths)
    watch("clip", xC)
    return {"clip": xC}, (frames, spatial)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    frames, spatial = cache
    watch("dclip", dembeddings["clip"])
    df = temporal_mean.backward(dembeddings["clip"], spatial)
    return cnn.backward(df, frames, need_dx=need_dx, watch=watch)


def embed(x, p, *, lengths=None, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

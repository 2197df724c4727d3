"""Ablation of crf: the recurrence alone, F1, F3 and F4 of minireid/networks/crf.py (the paper's row "RNN")."""

import numpy as np

from minireid.layers import elman_relu, relu, temporal_mean
from minireid.networks import cnn
from minireid.networks.crf import init
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    f, frames = cnn.forward(
        x, p, padding=2, activation=relu, dropout_rate=dropout_rate, rng=rng, kernel=kernel, watch=watch
    )
    o, recurrence = elman_relu.forward(f, p["recurrence"])
    watch("recurrence", o)
    xR, temporal = temporal_mean.forward(o, lengths=lengths)
    watch("clip", xR)
    return {"clip": xR}, (frames, recurrence, temporal)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    frames, recurrence, temporal = cache
    watch("dclip", dembeddings["clip"])
    do = temporal_mean.backward(dembeddings["clip"], temporal)
    watch("drecurrence", do)
    df, recurrence_grads = elman_relu.backward(do, recurrence)
    dx, grads = cnn.backward(df, frames, need_dx=need_dx, watch=watch)
    return dx, {**grads, "recurrence": recurrence_grads}


def embed(x, p, *, lengths=None, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

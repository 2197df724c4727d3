"""msp_src's high level for telling people by the order of their frames alone (the twins of the walkers).

F1, F2, H1 to H4 of minireid/networks/msp_src.py with one step between H2 and H3:

    H2a  e = temporal_centre(e)        every feature minus its mean over the clip

A recurrent unit starts almost linear, and the mean of a linear unit's states sees only the mean of its inputs: clothes,
camera, background, which for twins are noise. With these in, training stands still for hundreds of steps before the
gates find the order of the poses; with them taken out it begins at once. H2a itself knows nothing of order. A clip of
one frame has no order: all its features are 0.
"""

import numpy as np

from minireid.layers import gru, temporal_centre, temporal_mean
from minireid.networks import msp_src_high
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.msp_src import (
    frames_backward,
    frames_forward,
    sequence_backward,
    sequence_forward,
    shared_backward,
    shared_forward,
)
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]

init = msp_src_high.init


def forward(x, p, *, lengths=None, rng=None, dropout_rate=0.6, unit=gru, pool=temporal_mean, kernel=None, watch=ignore):
    """x (N, T, H, W, C), lengths (N,) or None -> {"high": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    m2, shared = shared_forward(x, p, kernel, watch)  # F1, F2
    e, frames_cache = frames_forward(m2, p["high"], rng, dropout_rate, kernel, watch)  # H1, H2
    e, centre_cache = temporal_centre.forward(e, lengths=lengths)  # H2a
    watch("high.centre", e)
    high, sequence_cache = sequence_forward(e, p["high"], lengths, unit, pool, watch)  # H3, H4
    return {"high": high}, (shared, frames_cache, centre_cache, sequence_cache)


def backward(dembeddings, cache, *, need_dx=True, watch=ignore):
    """{"high": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads."""
    shared, frames_cache, centre_cache, sequence_cache = cache
    de, sequence_grads = sequence_backward(dembeddings["high"], sequence_cache, watch)
    watch("dhigh.centre", de)
    de = temporal_centre.backward(de, centre_cache)
    dm2, frames_grads = frames_backward(de, frames_cache, watch)
    dx, grads = shared_backward(dm2, shared, need_dx, watch)
    return dx, {**grads, "high": {**frames_grads, **sequence_grads}}


def embed(x, p, *, lengths=None, unit=gru, pool=temporal_mean, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, unit=unit, pool=pool)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

"""Temporal pooling by the mean: one vector (or map) for a whole clip (McLaughlin et al. 2016).

    F1  y[n] = 1/lengths[n]  sum over t < lengths[n] of  h[n, t]

Shapes: h (N, T, ...), lengths (N,) integers from 1 to T, y (N, ...). Clips shorter than T are padded at the end;
frames from lengths[n] on are padding and have no influence, whatever (finite) values stand there.
"""

import numpy as np

from minireid.layers.lengths import valid_frames


def forward(h, *, lengths=None):
    """h (N, T, ...) -> y (N, ...), cache. lengths=None: no clip is padded."""
    valid = valid_frames(h, lengths)  # (N, T, 1, ...)
    weight = valid / valid.sum(axis=1, keepdims=True, dtype=h.real.dtype)  # 1 / lengths[n], 0 in the padding
    y = np.einsum("nt...,nt->n...", h, weight.reshape(h.shape[:2]))  # F1
    return y, (weight, h.shape)


def backward(dy, cache):
    """dy (N, ...) -> dh (N, T, ...): every valid frame gets an equal share, padding gets 0."""
    weight, h_shape = cache
    return np.broadcast_to(dy[:, None], h_shape) * weight

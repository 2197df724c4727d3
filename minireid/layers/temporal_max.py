"""Temporal pooling by the maximum, for each feature separately.

    F1  y[n] = max over t < lengths[n] of  h[n, t]

Shapes: h (N, T, ...), lengths (N,) integers from 1 to T, y (N, ...). Frames from lengths[n] on are padding and have no
influence. If several values are equal, the first is the maximum (a kink: only that frame gets the gradient).
"""

import numpy as np

from minireid.layers.lengths import valid_frames


def forward(h, *, lengths=None):
    """h (N, T, ...) -> y (N, ...), cache. lengths=None: no clip is padded."""
    valid = valid_frames(h, lengths)  # (N, T, 1, ...)
    winner = np.where(valid, h.real, -np.inf).argmax(axis=1)[:, None]  # (N, 1, ...)
    y = np.take_along_axis(h, winner, axis=1)[:, 0]  # F1
    return y, (winner, h.shape)


def backward(dy, cache):
    """dy (N, ...) -> dh (N, T, ...): the frame with the maximum gets the whole gradient."""
    winner, h_shape = cache
    dh = np.zeros(h_shape, dy.dtype)
    np.put_along_axis(dh, winner, dy[:, None], axis=1)
    return dh

"""Temporal pooling by the maximum, for each feature by itself.

    F1  y[n] = max over t < lengths[n] of  h[n, t]

Shapes: h (N, T, ...), lengths (N,) integers from 1 to T, y (N, ...). Frames from lengths[n] on are padding and have no
influence. Of equal values the first is the maximum (a kink: the gradient is that frame's alone).
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
    """dy (N, ...) -> dh (N, T, ...): all of it to the frame that held the maximum."""
    winner, h_shape = cache
    dh = np.zeros(h_shape, dy.dtype)
    np.put_along_axis(dh, winner, dy[:, None], axis=1)
    return dh

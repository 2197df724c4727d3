"""Temporal pooling by the last frame: the state after the whole clip has been read (Wu et al. 2016).

    F1  y[n] = h[n, lengths[n] - 1]

Shapes: h (N, T, ...), lengths (N,) integers from 1 to T, y (N, ...). Frames from lengths[n] on are padding.
"""

import numpy as np

from minireid.layers.lengths import valid_frames


def forward(h, *, lengths=None):
    """h (N, T, ...) -> y (N, ...), cache. lengths=None: no clip is padded, the last frame is T - 1."""
    valid_frames(h, lengths)  # raises if lengths are wrong
    clips = np.arange(len(h))
    last = np.full(len(h), h.shape[1] - 1) if lengths is None else np.asarray(lengths) - 1
    y = h[clips, last]  # F1
    return y, (clips, last, h.shape)


def backward(dy, cache):
    """dy (N, ...) -> dh (N, T, ...): each clip's last frame gets the whole gradient."""
    clips, last, h_shape = cache
    dh = np.zeros(h_shape, dy.dtype)
    dh[clips, last] = dy
    return dh

"""Each feature minus its mean over the clip: the constant part is removed, the changes remain.

    F1  y[n, t] = h[n, t] - 1/lengths[n]  sum over u < lengths[n] of  h[n, u]        0 where t >= lengths[n]

Shapes: h (N, T, ...), lengths (N,) integers from 1 to T, y has the shape of h. Speech recognition removes the effect of
the microphone from its features in this way (cepstral mean normalisation, Atal 1974). Here it removes clothes, camera
and background. The order of the frames is not used, and not lost.
"""

from minireid.layers.lengths import valid_frames


def forward(h, *, lengths=None):
    """h (N, T, ...) -> y (N, T, ...), cache. lengths=None: no clip is padded."""
    valid = valid_frames(h, lengths)  # (N, T, 1, ...)
    weight = valid / valid.sum(axis=1, keepdims=True, dtype=h.real.dtype)  # 1 / lengths[n], 0 in the padding
    y = (h - (h * weight).sum(axis=1, keepdims=True)) * valid  # F1
    return y, (valid, weight)


# h[n, u] enters y[n, u] with factor 1, and every valid y[n, t] with factor -1/lengths[n]. So backward centres dy as
# forward centres h.


def backward(dy, cache):
    """dy (N, T, ...) -> dh (N, T, ...)."""
    valid, weight = cache
    dvalid = dy * valid
    return dvalid - weight * dvalid.sum(axis=1, keepdims=True)

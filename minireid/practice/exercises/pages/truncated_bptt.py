"""Truncated backpropagation through time (Williams & Peng 1990, in its simplest form), for the Elman unit.

    F1  ah[t] = x[t] W + h[t - 1] U + b          h[-1] = 0
    F2  h[t]  = tanh(ah[t])

Step and loop are given. In the backward, the sequence is cut into pieces of `truncate` frames, from frame 0: with
truncate=3, frames 0 to 2 are a piece, frames 3 to 5 the next, and so on; the last one may be shorter. No gradient
crosses a cut: the state before the first frame of a piece counts as a constant there.

Shapes: x, dx (N, T, D); h, dh (N, T, S); W (D, S), U (S, S), b (S,). N clips, T frames, D inputs, S states.
"""

import numpy as np

from minireid.layers.elman import step_backward


def backward(dh, cache, *, truncate):
    """dh (N, T, S), truncate: frames of a piece, 1 or more -> dx (N, T, D), grads."""
    steps = cache
    dx = np.zeros((*dh.shape[:2], steps[0].x.shape[1]))
    dh_next = np.zeros_like(dh[:, 0])
    grads = {name: np.zeros_like(value) for name, value in steps[0].p.items()}
    for t in reversed(range(len(steps))):
        if (t + 1) % truncate == 0:
            dh_next = np.zeros_like(dh_next)  # frame t is the last of its piece
        dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])
        for name in grads:
            grads[name] += step_grads[name]
    return dx, grads

"""Exercise: Backpropagation through time

The Elman recurrence (Elman 1990; eq. 1 of the unbiased-time RCNN paper), one step and the loop over a sequence.

    F1  ah = x W + h' U + b        h' is the state after the previous frame, 0 before the first
    F2  h  = tanh(ah)

Shapes: a step maps x (N, D) and h' (N, S) to h (N, S); the loop maps x (N, T, D) to h (N, T, S).
W (D, S), U (S, S), b (S,). Padding frames come last, so they cannot change the states of real frames. The temporal pool
ignores the states of padding frames. So the loop needs no lengths.

p and grads are dicts of arrays with the same keys; a gradient is shaped like its value. The cache is yours: whatever
backward will need.

Level 2, 10 points, about 60 minutes. To check it:

    minireid exercise check bptt.py
"""

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """What one step keeps for its backward."""

    x: np.ndarray
    h_prev: np.ndarray
    h: np.ndarray
    p: dict[str, np.ndarray]


def step_forward(x, h_prev, p):
    """x (N, D), h_prev (N, S) -> h (N, S), cache."""
    ah = x @ p["W"] + h_prev @ p["U"] + p["b"]  # F1 (N, S)
    h = np.tanh(ah)  # F2 (N, S)
    return h, Step(x, h_prev, h, p)


def step_backward(dh, cache):
    """dh (N, S) -> dx (N, D), dh_prev (N, S), grads."""
    x, h_prev, h, p = cache
    dah = dh * (1 - h * h)  # F2
    dx = dah @ p["W"].T  # F1, also the next two lines
    dh_prev = dah @ p["U"].T
    return dx, dh_prev, {"W": x.T @ dah, "U": h_prev.T @ dah, "b": dah.sum(axis=0)}


def forward(x, p):
    """x (N, T, D) -> all states h (N, T, S), cache."""
    raise NotImplementedError("write this")


def backward(dh, cache):
    """dh (N, T, S) -> dx (N, T, D), grads."""
    raise NotImplementedError("write this")

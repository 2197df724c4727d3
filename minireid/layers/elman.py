"""The Elman recurrence (Elman 1990; eq. 1 of the unbiased-time RCNN paper), one step and the loop over a sequence.

    F1  ah = x W + h' U + b        h' is the state after the previous frame, 0 before the first
    F2  h  = tanh(ah)

Shapes: a step maps x (N, D) and h' (N, S) to h (N, S); the loop maps x (N, T, D) to h (N, T, S).
W (D, S), U (S, S), b (S,). Padding frames come last, so they cannot change the states of real frames. The temporal pool
ignores the states of padding frames. So the loop needs no lengths.
"""

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """What one step keeps for its backward."""

    x: np.ndarray
    h_prev: np.ndarray
    h: np.ndarray
    p: dict[str, np.ndarray]


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(S)."""
    bound = 1 / np.sqrt(S)
    shapes = {"W": (D, S), "U": (S, S), "b": (S,)}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


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
    N, T, _ = x.shape
    h = np.zeros((N, T, len(p["b"])), x.dtype)
    h_t = np.zeros_like(h[:, 0])
    steps = []
    for t in range(T):
        h_t, step = step_forward(x[:, t], h_t, p)
        h[:, t] = h_t
        steps.append(step)
    return h, steps


# Backpropagation through time: the state after frame t is used twice, as an output of the layer (gradient dh[:, t]) and
# as h' of frame t + 1 (gradient dh_next). Its gradient is the sum of both. W, U and b are used at every frame, so their
# gradients are summed over the frames.


def backward(dh, cache):
    """dh (N, T, S) -> dx (N, T, D), grads."""
    steps = cache
    dx = np.empty((*dh.shape[:2], steps[0].x.shape[1]), dh.dtype)
    dh_next = np.zeros_like(dh[:, 0])
    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}
    for t in reversed(range(len(steps))):
        dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])
        for name in grads:
            grads[name] += step_grads[name]
    return dx, grads

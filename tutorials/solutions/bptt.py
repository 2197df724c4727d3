"""Solution to exercises/bptt.py. Equations and shapes are there."""

import numpy as np

from minireid.layers.gru import step_backward, step_forward


def forward(x, p):
    """x (N, T, D) -> all states h (N, T, S), cache."""
    N, T, _ = x.shape
    h = np.zeros((N, T, len(p["bz"])), x.dtype)
    state = h[:, 0].copy()  # zeros: the state before the first frame
    steps = []
    for t in range(T):
        state, step = step_forward(x[:, t], state, p)  # F1
        h[:, t] = state
        steps.append(step)
    return h, (x, p, steps)


def backward(dh, cache):
    """dh (N, T, S) -> dx (N, T, D), grads."""
    x, p, steps = cache
    dx = np.zeros_like(x)
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dh_next = 0
    for t in reversed(range(len(steps))):
        g = dh[:, t] + dh_next  # B1
        dx[:, t], dh_next, step_grads = step_backward(g, steps[t])  # B2
        for name in grads:
            grads[name] += step_grads[name]
    return dx, grads

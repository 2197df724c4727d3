"""Solution to exercises/bptt.py. Equations, shapes and the step are there."""

import numpy as np


def step_forward(x, h_prev, p):
    """x (N, D), h_prev (N, S) -> h (N, S), cache."""
    h = np.tanh(x @ p["W"] + h_prev @ p["U"] + p["b"])
    return h, (x, h_prev, h, p)


def step_backward(dh, cache):
    """dh (N, S) -> dx (N, D), dh_prev (N, S), grads."""
    x, h_prev, h, p = cache
    dah = dh * (1 - h * h)
    return dah @ p["W"].T, dah @ p["U"].T, {"W": x.T @ dah, "U": h_prev.T @ dah, "b": dah.sum(axis=0)}


def forward(x, p):
    """x (N, T, D) -> all states h (N, T, S), cache."""
    N, T, _ = x.shape
    h = np.zeros((N, T, len(p["b"])), x.dtype)
    state = h[:, 0].copy()  # zeros: the state before the first frame
    steps = []
    for t in range(T):
        state, step = step_forward(x[:, t], state, p)
        h[:, t] = state
        steps.append(step)
    return h, (x, p, steps)


def backward(dh, cache):
    """dh (N, T, S) -> dx (N, T, D), grads."""
    x, p, steps = cache
    dx = np.zeros_like(x)
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    dh_next = 0  # nothing comes from behind the last frame
    for t in reversed(range(len(steps))):
        g = dh[:, t] + dh_next  # the state after frame t is used twice
        dx[:, t], dh_next, step_grads = step_backward(g, steps[t])
        for name in grads:
            grads[name] += step_grads[name]
    return dx, grads

"""The gated recurrent unit, reset gate *before* the product with Uc (Cho et al. 2014; Wu et al. 2016, eq. 1).

    F1  z = sigmoid(az),  az = x Wz + h' Uz + bz          update gate: how much of the state is replaced
    F2  r = sigmoid(ar),  ar = x Wr + h' Ur + br          reset gate: how much of the old state the candidate sees
    F3  q = r h'                                          element by element
    F4  c = tanh(ac),     ac = x Wc + q Uc + bc           candidate
    F5  h = (1 - z) h' + z c                              h' is the state after the previous frame, 0 before the first

Shapes: a step maps x (N, D) and h' (N, S), in the code h_prev, to h (N, S); z, r, q and c are (N, S) too. The loop maps
x (N, T, D) to h (N, T, S). Wz, Wr, Wc (D, S); Uz, Ur, Uc (S, S); bz, br, bc (S,). N clips, T frames, D inputs, S
states. Padding frames come last, so they cannot change the states of real frames. The temporal pool ignores the states
of padding frames. So the loop needs no lengths.

This page is the definition. In its fast twin gru_projected.py one product takes x of all frames.

The other common variant resets *after* the product (PyTorch, cuDNN): it is minireid/layers/gru_reset_after.py. Some
authors write F5 with z and 1 - z swapped. That is the same unit with the signs of Wz, Uz and bz flipped.
"""

from typing import NamedTuple

import numpy as np

from minireid.layers import sigmoid


class Step(NamedTuple):
    """What one step keeps for its backward."""

    x: np.ndarray
    h_prev: np.ndarray
    z: np.ndarray
    r: np.ndarray
    q: np.ndarray
    c: np.ndarray
    p: dict[str, np.ndarray]


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(S)."""
    bound = 1 / np.sqrt(S)
    shapes = {name + gate: shape for gate in "zrc" for name, shape in (("W", (D, S)), ("U", (S, S)), ("b", (S,)))}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def step_forward(x, h_prev, p):
    """x (N, D), h_prev (N, S) -> h (N, S), cache."""
    az = x @ p["Wz"] + h_prev @ p["Uz"] + p["bz"]
    z, _ = sigmoid.forward(az)  # F1 (N, S); its derivative needs z alone
    ar = x @ p["Wr"] + h_prev @ p["Ur"] + p["br"]
    r, _ = sigmoid.forward(ar)  # F2 (N, S)
    q = r * h_prev  # F3 (N, S)
    ac = x @ p["Wc"] + q @ p["Uc"] + p["bc"]
    c = np.tanh(ac)  # F4 (N, S)
    h = (1 - z) * h_prev + z * c  # F5 (N, S)
    return h, Step(x, h_prev, z, r, q, c, p)


# dX always means the derivative of the loss with respect to X; it has the shape of X. The code below needs three rules:
#     y = A B with matrices:   dA = dy B^T and dB = A^T dy (the product already sums over the N rows)
#     y = sigmoid(a):          da = dy y (1 - y)
#     y = tanh(a):             da = dy (1 - y^2)
# h' is used in four places: in F5 directly, in q (F3), and in both gates (F1, F2). dh_prev is the sum over all four.


def step_backward(dh, cache):
    """dh (N, S) -> dx (N, D), dh_prev (N, S), grads."""
    x, h_prev, z, r, q, c, p = cache
    dz = dh * (c - h_prev)  # F5
    dc = dh * z  # F5
    dac = dc * (1 - c * c)  # F4
    dq = dac @ p["Uc"].T  # F4
    dr = dq * h_prev  # F3
    dar = dr * r * (1 - r)  # F2
    daz = dz * z * (1 - z)  # F1
    dh_prev = dh * (1 - z) + dq * r + dar @ p["Ur"].T + daz @ p["Uz"].T  # F5, F3, F2, F1
    dx = dac @ p["Wc"].T + dar @ p["Wr"].T + daz @ p["Wz"].T  # F4, F2, F1
    grads = {
        "Wz": x.T @ daz, "Uz": h_prev.T @ daz, "bz": daz.sum(axis=0),
        "Wr": x.T @ dar, "Ur": h_prev.T @ dar, "br": dar.sum(axis=0),
        "Wc": x.T @ dac, "Uc": q.T @ dac, "bc": dac.sum(axis=0),
    }  # fmt: skip
    return dx, dh_prev, grads


def forward(x, p):
    """x (N, T, D) -> all states h (N, T, S), cache (one Step per frame)."""
    N, T, _ = x.shape
    h = np.zeros((N, T, len(p["bz"])), x.dtype)
    h_t = np.zeros_like(h[:, 0])
    steps = []
    for t in range(T):
        h_t, step = step_forward(x[:, t], h_t, p)
        h[:, t] = h_t
        steps.append(step)
    return h, steps


# Backpropagation through time: the state after frame t is used twice, as an output of the layer (gradient dh[:, t]) and
# as h' of frame t + 1 (gradient dh_next). Its gradient is the sum of both. The parameters are used at every frame, so
# their gradients are summed over the frames.


def backward(dh, cache, *, truncate: int | None = None):
    """dh (N, T, S) -> dx (N, T, D), grads.

    truncate=k: truncated BPTT (Williams & Peng 1990, in its simplest form). The sequence is cut into pieces of k
    frames. No gradient crosses a cut: the initial state of each piece is treated as a constant.
    """
    if truncate is not None and truncate < 1:
        raise ValueError(f"gru: truncate must be 1 or more frames, or None for full BPTT, got {truncate}")
    steps = cache
    dx = np.empty((*dh.shape[:2], steps[0].x.shape[1]), dh.dtype)
    dh_next = np.zeros_like(dh[:, 0])
    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}
    for t in reversed(range(len(steps))):
        if truncate is not None and (t + 1) % truncate == 0:
            dh_next = np.zeros_like(dh_next)  # t is the last frame of its piece: no gradient from t + 1
        dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])
        for name in grads:
            grads[name] += step_grads[name]
    return dx, grads

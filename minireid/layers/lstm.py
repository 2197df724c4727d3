"""The long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers, Schmidhuber & Cummins 2000).

    F1  i = sigmoid(ai),                  ai = x Wi + h' Ui + bi             input gate: how much is written
    F2  f = sigmoid(af),                  af = x Wf + h' Uf + bf             forget gate: how much of the cell is kept
    F3  candidate = tanh(acandidate),     acandidate = x Wc + h' Uc + bc     what would be written
    F4  c = f c' + i candidate                                               the cell: no matrix between c' and c
    F5  o = sigmoid(ao),                  ao = x Wo + h' Uo + bo             output gate: how much is shown
    F6  h = o squashed,                   squashed = tanh(c)

h' and c' are the state and the cell after the previous frame, 0 before the first. The gates do not depend on the cell
(no "peepholes"). This is the unit of PyTorch and cuDNN. PyTorch calls the candidate g. Both split every bias into two.

Shapes: a step maps x (N, D), h' and c' (N, S) to h and c (N, S); the gates are (N, S) too. The loop maps x (N, T, D) to
h (N, T, S). Wi, Wf, Wc, Wo (D, S); Ui, Uf, Uc, Uo (S, S); bi, bf, bc, bo (S,). N clips, T frames, D inputs, S states.
Padding frames come last, so they cannot change the states of real frames. So the loop needs no lengths.

All parameters, also bf, start from the same distribution, as in PyTorch. So at first f is about 1/2 and the cell is
halved at every frame. It is common to add 1 to bf, so that the cell remembers from the start (Jozefowicz, Zaremba,
Sutskever 2015). This is not done here, so that a comparison of units is fair. `p["bf"] += 1` does it.
"""

from typing import NamedTuple

import numpy as np

from minireid.layers import sigmoid


class Step(NamedTuple):
    """What one step keeps for its backward."""

    x: np.ndarray
    h_prev: np.ndarray
    c_prev: np.ndarray
    i: np.ndarray
    f: np.ndarray
    candidate: np.ndarray
    o: np.ndarray
    squashed: np.ndarray
    p: dict[str, np.ndarray]


def init(rng: np.random.Generator, D: int, S: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """All uniform in +-1/sqrt(S)."""
    bound = 1 / np.sqrt(S)
    shapes = {name + gate: shape for gate in "ifco" for name, shape in (("W", (D, S)), ("U", (S, S)), ("b", (S,)))}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def step_forward(x, h_prev, c_prev, p):
    """x (N, D), h_prev and c_prev (N, S) -> h (N, S), c (N, S), cache."""
    ai = x @ p["Wi"] + h_prev @ p["Ui"] + p["bi"]
    i, _ = sigmoid.forward(ai)  # F1 (N, S); its derivative needs i alone
    af = x @ p["Wf"] + h_prev @ p["Uf"] + p["bf"]
    f, _ = sigmoid.forward(af)  # F2 (N, S)
    acandidate = x @ p["Wc"] + h_prev @ p["Uc"] + p["bc"]
    candidate = np.tanh(acandidate)  # F3 (N, S)
    c = f * c_prev + i * candidate  # F4 (N, S)
    ao = x @ p["Wo"] + h_prev @ p["Uo"] + p["bo"]
    o, _ = sigmoid.forward(ao)  # F5 (N, S)
    squashed = np.tanh(c)
    h = o * squashed  # F6 (N, S)
    return h, c, Step(x, h_prev, c_prev, i, f, candidate, o, squashed, p)


# The cell is used twice: in h (F6), and as c' of the next frame. The gradient of the second use comes in as `dc`. The
# gradient of the cell is the sum of both. From c' to c there is only the factor f: no matrix, no tanh. Where f is near
# 1, a gradient crosses many frames nearly unchanged. The LSTM was designed for this.


def step_backward(dh, dc, cache):
    """dh, dc (N, S): gradients of both results of the step -> dx (N, D), dh_prev (N, S), dc_prev (N, S), grads."""
    x, h_prev, c_prev, i, f, candidate, o, squashed, p = cache
    do = dh * squashed  # F6
    dsquashed = dh * o  # F6
    dc = dc + dsquashed * (1 - squashed * squashed)  # F6
    dao = do * o * (1 - o)  # F5
    dcandidate = dc * i  # F4
    di = dc * candidate  # F4
    df = dc * c_prev  # F4
    dc_prev = dc * f  # F4
    dacandidate = dcandidate * (1 - candidate * candidate)  # F3
    daf = df * f * (1 - f)  # F2
    dai = di * i * (1 - i)  # F1
    dh_prev = dao @ p["Uo"].T + dacandidate @ p["Uc"].T + daf @ p["Uf"].T + dai @ p["Ui"].T  # F5, F3, F2, F1
    dx = dao @ p["Wo"].T + dacandidate @ p["Wc"].T + daf @ p["Wf"].T + dai @ p["Wi"].T  # F5, F3, F2, F1
    grads = {
        "Wi": x.T @ dai, "Ui": h_prev.T @ dai, "bi": dai.sum(axis=0),
        "Wf": x.T @ daf, "Uf": h_prev.T @ daf, "bf": daf.sum(axis=0),
        "Wc": x.T @ dacandidate, "Uc": h_prev.T @ dacandidate, "bc": dacandidate.sum(axis=0),
        "Wo": x.T @ dao, "Uo": h_prev.T @ dao, "bo": dao.sum(axis=0),
    }  # fmt: skip
    return dx, dh_prev, dc_prev, grads


def forward(x, p):
    """x (N, T, D) -> all states h (N, T, S), cache (one Step per frame)."""
    N, T, _ = x.shape
    h = np.zeros((N, T, len(p["bi"])), x.dtype)
    h_t, c_t = np.zeros_like(h[:, 0]), np.zeros_like(h[:, 0])
    steps = []
    for t in range(T):
        h_t, c_t, step = step_forward(x[:, t], h_t, c_t, p)
        h[:, t] = h_t
        steps.append(step)
    return h, steps


# Backpropagation through time: the state after frame t is used twice, as an output of the layer (gradient dh[:, t]) and
# as h' of frame t + 1 (gradient dh_next). Its gradient is the sum of both. The cell is not an output, so its gradient
# after the last frame is 0. The parameters are used at every frame, so their gradients are summed over the frames.


def backward(dh, cache, *, truncate: int | None = None):
    """dh (N, T, S) -> dx (N, T, D), grads.

    truncate=k: truncated BPTT (Williams & Peng 1990, in its simplest form). The sequence is cut into pieces of k
    frames, from frame 0. No gradient crosses a cut: the initial state and cell of each piece are treated as constants.
    """
    if truncate is not None and truncate < 1:
        raise ValueError(f"lstm: truncate must be 1 or more frames, or None for full BPTT, got {truncate}")
    steps = cache
    dx = np.empty((*dh.shape[:2], steps[0].x.shape[1]), dh.dtype)
    dh_next, dc_next = np.zeros_like(dh[:, 0]), np.zeros_like(dh[:, 0])
    grads = {name: np.zeros_like(value, dtype=dh.dtype) for name, value in steps[0].p.items()}
    for t in reversed(range(len(steps))):
        if truncate is not None and (t + 1) % truncate == 0:
            dh_next, dc_next = np.zeros_like(dh_next), np.zeros_like(dc_next)  # t is the last frame of its piece
        dx[:, t], dh_next, dc_next, step_grads = step_backward(dh[:, t] + dh_next, dc_next, steps[t])
        for name in grads:
            grads[name] += step_grads[name]
    return dx, grads

"""Exercise: One step of a GRU

The gated recurrent unit, reset gate *before* the product with Uc (Cho et al. 2014; Wu et al. 2016, eq. 1).

    F1  z = sigmoid(az),  az = x Wz + h' Uz + bz          update gate: how much of the state is replaced
    F2  r = sigmoid(ar),  ar = x Wr + h' Ur + br          reset gate: how much of the old state the candidate sees
    F3  q = r h'                                          element by element
    F4  c = tanh(ac),     ac = x Wc + q Uc + bc           candidate
    F5  h = (1 - z) h' + z c                              h' is the state after the previous frame, 0 before the first

Shapes: a step maps x (N, D) and h' (N, S) to h (N, S); z, r, q and c are (N, S) too. The loop maps x (N, T, D) to h
(N, T, S). Wz, Wr, Wc (D, S); Uz, Ur, Uc (S, S); bz, br, bc (S,). N clips, T frames, D inputs, S states. Padding frames
come last, so they cannot change the states of real frames. The temporal pool ignores the states of padding frames. So
the loop needs no lengths.

p and grads are dicts of arrays with the same keys; a gradient is shaped like its value. The cache is yours: whatever
backward will need.

Level 2, 10 points, about 60 minutes. To check it:

    minireid exercise check gru_step.py
"""

import numpy as np


def step_forward(x, h_prev, p):
    """x (N, D), h_prev (N, S) -> h (N, S), cache."""
    raise NotImplementedError("write this")


def step_backward(dh, cache):
    """dh (N, S) -> dx (N, D), dh_prev (N, S), grads."""
    raise NotImplementedError("write this")

"""The GRU of gru.py in fewer, larger matrix products: used in training. Same parameters, states and gradients.

gru.py computes six matrix products per frame forward and twelve backward. But the products with x do not depend on the
state, so they can be computed for all frames at once. A parameter's gradient is a sum of products over the frames. It
is equal to one product of two matrices that stack the rows of all frames:

    sum over t of  A[t]^T B[t]  =  A^T B            A (T N, ...), B (T N, ...)

Two products per frame remain forward and two backward: those that involve the previous state. The equations, as in
gru.py, with h' for the state before the frame:

    F1  z = sigmoid(x Wz + h' Uz + bz)
    F2  r = sigmoid(x Wr + h' Ur + br)
    F3  q = r h'
    F4  c = tanh(x Wc + q Uc + bc)
    F5  h = (1 - z) h' + z c

W (D, 3 S) is Wz, Wr and Wc side by side. U (S, 2 S) is Uz and Ur. Uc stands alone, because it multiplies q and not h'.
Internally time is the first axis, so that one frame of all clips is contiguous in memory.
"""

from typing import NamedTuple

import numpy as np

from minireid.layers import gru, sigmoid

init = gru.init


class Cache(NamedTuple):
    """rows (T N, D): x with time first; h (T + 1, N, S): h[t] is h' of frame t; zr: z and r side by side."""

    rows: np.ndarray
    h: np.ndarray
    zr: np.ndarray
    q: np.ndarray
    c: np.ndarray
    W: np.ndarray
    U: np.ndarray
    p: dict[str, np.ndarray]


def forward(x, p):
    """x (N, T, D) -> all states h (N, T, S), cache."""
    N, T, D = x.shape
    S = len(p["bz"])
    W = np.concatenate([p["Wz"], p["Wr"], p["Wc"]], axis=1)
    U = np.concatenate([p["Uz"], p["Ur"]], axis=1)
    rows = x.swapaxes(0, 1).reshape(T * N, D)
    a = (rows @ W + np.concatenate([p["bz"], p["br"], p["bc"]])).reshape(T, N, 3 * S)  # F1, F2, F4 without the state
    h = np.zeros((T + 1, N, S), x.dtype)  # h[t] is h' of frame t
    zr, q, c = np.empty((T, N, 2 * S), x.dtype), np.empty((T, N, S), x.dtype), np.empty((T, N, S), x.dtype)
    for t in range(T):
        zr[t], _ = sigmoid.forward(a[t, :, : 2 * S] + h[t] @ U)  # F1, F2
        z, r = zr[t, :, :S], zr[t, :, S:]
        q[t] = r * h[t]  # F3
        c[t] = np.tanh(a[t, :, 2 * S :] + q[t] @ p["Uc"])  # F4
        h[t + 1] = (1 - z) * h[t] + z * c[t]  # F5
    return np.ascontiguousarray(h[1:].swapaxes(0, 1)), Cache(rows, h, zr, q, c, W, U, p)


def backward(dh, cache):
    """dh (N, T, S) -> dx (N, T, D), grads."""
    rows, h, zr, q, c, W, U, p = cache
    T, N, S = c.shape
    da = np.empty((T, N, 3 * S), dh.dtype)  # daz, dar and dac side by side
    dh_next = np.zeros((N, S), dh.dtype)
    slopes_c, slopes_zr = 1 - c * c, zr * (1 - zr)
    for t in reversed(range(T)):
        dh_t = dh[:, t] + dh_next
        z, r = zr[t, :, :S], zr[t, :, S:]
        da[t, :, 2 * S :] = dh_t * z * slopes_c[t]  # F5, F4
        dq = da[t, :, 2 * S :] @ p["Uc"].T  # F4
        da[t, :, :S] = dh_t * (c[t] - h[t]) * slopes_zr[t, :, :S]  # F5, F1
        da[t, :, S : 2 * S] = dq * h[t] * slopes_zr[t, :, S:]  # F3, F2: dar = dr r (1 - r), dr = dq h'
        # dh' = dh (1 - z) + dq r + daz Uz^T + dar Ur^T
        dh_next = dh_t * (1 - z) + dq * r + da[t, :, : 2 * S] @ U.T  # F5, F3, F2 and F1
    da = da.reshape(T * N, 3 * S)
    dx = (da @ W.T).reshape(T, N, -1).swapaxes(0, 1)
    dW, db = rows.T @ da, da.sum(axis=0)
    dU = h[:-1].reshape(T * N, S).T @ da[:, : 2 * S]
    dUc = q.reshape(T * N, S).T @ da[:, 2 * S :]
    grads = {
        "Wz": dW[:, :S], "Uz": dU[:, :S], "bz": db[:S],
        "Wr": dW[:, S : 2 * S], "Ur": dU[:, S:], "br": db[S : 2 * S],
        "Wc": dW[:, 2 * S :], "Uc": dUc, "bc": db[2 * S :],
    }  # fmt: skip
    return np.ascontiguousarray(dx), {name: np.ascontiguousarray(grad) for name, grad in grads.items()}

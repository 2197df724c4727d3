"""A linear (fully connected) layer.

    F1  y = x W + b

Shapes: x (..., D_in), W (D_in, D_out), b (D_out,), y (..., D_out). The layer acts on the last axis. All other axes
(clips, frames) are batch axes.
"""

import numpy as np


def init(rng: np.random.Generator, D_in: int, D_out: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """W and b uniform in +-1/sqrt(D_in) (Torch7's choice)."""
    bound = 1 / np.sqrt(D_in)
    return {
        "W": rng.uniform(-bound, bound, (D_in, D_out)).astype(dtype),
        "b": rng.uniform(-bound, bound, D_out).astype(dtype),
    }


def forward(x, p):
    """x (..., D_in) -> y (..., D_out), cache."""
    rows = x.reshape(-1, x.shape[-1])  # one matrix product is faster than one per clip
    y = rows @ p["W"] + p["b"]  # F1
    return y.reshape(*x.shape[:-1], -1), (x, p)


# y[m, j] = sum over i of x[m, i] W[i, j] + b[j]. So x[m, i] contributes to every y[m, j] with weight W[i, j]. W[i, j]
# is used once for each vector m, so its gradient is a sum over m.


def backward(dy, cache):
    """dy (..., D_out) -> dx (..., D_in), grads."""
    x, p = cache
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    dx = (drows @ p["W"].T).reshape(x.shape)
    dW = rows.T @ drows
    db = drows.sum(axis=0)
    return dx, {"W": dW, "b": db}

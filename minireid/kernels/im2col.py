"""Convolution, way 2 of 3: copy every window into a row, then one matrix product. Plain NumPy and BLAS.

The sum of F1 (see loops.py) runs over kh, kw, c together. Write the KH KW C_in values under the kernel at output pixel
(n, i, j) as one row of a matrix X. Write the weights of one output channel as one column of W. The sum is then a matrix
product:

    F1  y = X W        X (N HO WO, KH KW C_in),  W (KH KW C_in, C_out)
    F2  dX = dy W^T    then each row is added to the window that it was copied from (windows overlap, so +=)
    F3  dW = X^T dy

With stride 1, X is KH KW times larger than x. BLAS is so much faster than loops that the copy still pays.
The fast twin is direct.py.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def windows(x: np.ndarray, KH: int, KW: int, stride: int, padding: int) -> np.ndarray:
    """The windows under the kernel: x (N, H, W, C) -> (N, HO, WO, KH, KW, C), a view of the padded x."""
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    view = sliding_window_view(padded, (KH, KW), axis=(1, 2))[:, ::stride, ::stride]  # (N, HO, WO, C, KH, KW)
    return view.transpose(0, 1, 2, 4, 5, 3)


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray, *, stride: int, padding: int) -> np.ndarray:
    """x (N, H, W, C), W (KH, KW, C, O), b (O,) -> y (N, HO, WO, O)."""
    KH, KW, C, O = W.shape
    X = windows(x, KH, KW, stride, padding)
    N, HO, WO = X.shape[:3]
    y = X.reshape(N * HO * WO, KH * KW * C) @ W.reshape(KH * KW * C, O) + b  # F1
    return y.reshape(N, HO, WO, O)


def backward_input(dy: np.ndarray, W: np.ndarray, *, x_shape: tuple[int, ...], stride: int, padding: int) -> np.ndarray:
    """dy (N, HO, WO, O), W (KH, KW, C, O) -> dx of shape x_shape."""
    KH, KW, C, O = W.shape
    N, H, Wd, _ = x_shape
    _, HO, WO, _ = dy.shape
    dX = (dy.reshape(-1, O) @ W.reshape(-1, O).T).reshape(N, HO, WO, KH, KW, C)  # F2
    dpadded = np.zeros((N, H + 2 * padding, Wd + 2 * padding, C), dy.dtype)
    for kh in range(KH):
        for kw in range(KW):  # at one (kh, kw) all windows touch different pixels, so += loses nothing
            dpadded[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride] += dX[:, :, :, kh, kw]
    return dpadded[:, padding : padding + H, padding : padding + Wd]


def backward_weights(
    dy: np.ndarray, x: np.ndarray, *, W_shape: tuple[int, ...], stride: int, padding: int
) -> np.ndarray:
    """dy (N, HO, WO, O), x (N, H, W, C) -> dW of shape W_shape."""
    KH, KW, C, O = W_shape
    X = windows(x, KH, KW, stride, padding)
    return (X.reshape(-1, KH * KW * C).T @ dy.reshape(-1, O)).reshape(W_shape)  # F3

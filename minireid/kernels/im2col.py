"""Convolution, way 2 of 3: copy every window into a row, then one matrix product. Plain NumPy and BLAS.

The sum of F1 (see loops.py) runs over kh, kw, c together. Lay the KH KW C_in values under the kernel at output pixel
(n, i, j) out as one row of a matrix, and the kernel's own as a column, and the sum is a matrix product:

    F1  y = X W        X (N HO WO, KH KW C_in),  W (KH KW C_in, C_out)
    F2  dX = dy W^T    then every row is added back to the window that it was copied from (windows overlap, so +=)
    F3  dW = X^T dy

The copy makes X KH KW times larger than x. BLAS is so much quicker than loops that it pays all the same.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def windows(x: np.ndarray, KH: int, KW: int, stride: int, padding: int) -> np.ndarray:
    """The windows under the kernel: x (N, H, W, C) -> (N, HO, WO, KH, KW, C), a view of the padded x."""
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    view = sliding_window_view(padded, (KH, KW), axis=(1, 2))[:, ::stride, ::stride]  # (N, HO, WO, C, KH, KW)
    return view.transpose(0, 1, 2, 4, 5, 3)


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray, *, stride: int, padding: int) -> np.ndarray:
    KH, KW, C, O = W.shape
    X = windows(x, KH, KW, stride, padding)
    N, HO, WO = X.shape[:3]
    y = X.reshape(N * HO * WO, KH * KW * C) @ W.reshape(KH * KW * C, O) + b  # F1
    return y.reshape(N, HO, WO, O)


def backward_input(dy: np.ndarray, W: np.ndarray, *, x_shape: tuple[int, ...], stride: int, padding: int) -> np.ndarray:
    KH, KW, C, O = W.shape
    N, H, Wd, _ = x_shape
    _, HO, WO, _ = dy.shape
    dX = (dy.reshape(-1, O) @ W.reshape(-1, O).T).reshape(N, HO, WO, KH, KW, C)  # F2
    dpadded = np.zeros((N, H + 2 * padding, Wd + 2 * padding, C), dy.dtype)
    for kh in range(KH):
        for kw in range(KW):  # all windows' entries at (kh, kw) lie on different pixels, so += loses none
            dpadded[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride] += dX[:, :, :, kh, kw]
    return dpadded[:, padding : padding + H, padding : padding + Wd]


def backward_weights(
    dy: np.ndarray, x: np.ndarray, *, W_shape: tuple[int, ...], stride: int, padding: int
) -> np.ndarray:
    KH, KW, C, O = W_shape
    X = windows(x, KH, KW, stride, padding)
    return (X.reshape(-1, KH * KW * C).T @ dy.reshape(-1, O)).reshape(W_shape)  # F3

"""Convolution, way 1 of 3: seven nested loops. This page is the definition; all others must agree with it.

    F1  y[n, i, j, o] = b[o] + sum over kh, kw, c of  x[n, i s + kh - p, j s + kw - p, c] W[kh, kw, c, o]

with stride s, padding p, and x = 0 outside the map. (As everywhere in deep learning, the kernel is not flipped. In
mathematics this is called cross-correlation.) Backward, each product x W in F1 adds one term to the gradient of x and
one to the gradient of W:

    F2  dx[n, i s + kh - p, j s + kw - p, c] += dy[n, i, j, o] W[kh, kw, c, o]
    F3  dW[kh, kw, c, o]                     += dy[n, i, j, o] x[n, i s + kh - p, j s + kw - p, c]

Pure Python: about a million products a second. Read it, test against it, do not train with it.
"""

import itertools
from collections.abc import Iterator

import numpy as np


def products(
    x_shape: tuple[int, ...], W_shape: tuple[int, ...], stride: int, padding: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """Indices of x, W and y for every product in F1. Products with x in the padding are 0 and are left out."""
    N, H, W, C = x_shape
    KH, KW, _, O = W_shape
    HO, WO = output_size(H, W, KH, KW, stride, padding)
    for n, i, j, kh, kw, c, o in itertools.product(*map(range, (N, HO, WO, KH, KW, C, O))):
        h, w = i * stride + kh - padding, j * stride + kw - padding
        if 0 <= h < H and 0 <= w < W:
            yield (n, h, w, c), (kh, kw, c, o), (n, i, j, o)


def output_size(H: int, W: int, KH: int, KW: int, stride: int, padding: int) -> tuple[int, int]:
    """HO and WO."""
    return (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray, *, stride: int, padding: int) -> np.ndarray:
    """x (N, H, W, C), W (KH, KW, C, O), b (O,) -> y (N, HO, WO, O)."""
    HO, WO = output_size(x.shape[1], x.shape[2], W.shape[0], W.shape[1], stride, padding)
    y = np.empty((len(x), HO, WO, W.shape[3]), x.dtype)
    y[:] = b
    for in_x, in_W, in_y in products(x.shape, W.shape, stride, padding):
        y[in_y] += x[in_x] * W[in_W]  # F1
    return y


def backward_input(dy: np.ndarray, W: np.ndarray, *, x_shape: tuple[int, ...], stride: int, padding: int) -> np.ndarray:
    """dy (N, HO, WO, O), W (KH, KW, C, O) -> dx of shape x_shape."""
    dx = np.zeros(x_shape, dy.dtype)
    for in_x, in_W, in_y in products(x_shape, W.shape, stride, padding):
        dx[in_x] += dy[in_y] * W[in_W]  # F2
    return dx


def backward_weights(
    dy: np.ndarray, x: np.ndarray, *, W_shape: tuple[int, ...], stride: int, padding: int
) -> np.ndarray:
    """dy (N, HO, WO, O), x (N, H, W, C) -> dW of shape W_shape."""
    dW = np.zeros(W_shape, dy.dtype)
    for in_x, in_W, in_y in products(x.shape, W_shape, stride, padding):
        dW[in_W] += dy[in_y] * x[in_x]  # F3
    return dW

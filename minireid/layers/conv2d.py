"""Convolution over maps, with any kernel size, stride and zero padding.

    F1  y[n, i, j, o] = b[o] + sum over kh, kw, c of  x[n, i s + kh - p, j s + kw - p, c] W[kh, kw, c, o]

Shapes: x (N, H, W, C_in), W (KH, KW, C_in, C_out), b (C_out,), y (N, HO, WO, C_out) with
HO = (H + 2 p - KH) // s + 1, WO likewise. Stride s, padding p. One dtype for all: real or complex floating point.

Outside the map x is 0. F1 and its two derivatives are sums of products. The argument `kernel` (not W) is a module that
computes these three sums. minireid/kernels has three with equal signatures: `loops` is the definition, `im2col` the
textbook method, `direct` (numba) is faster. Tests check that all three give equal results, so you can read this
page with `loops` in mind.
"""

from types import ModuleType

import numpy as np

from minireid.kernels import im2col


def init(
    rng: np.random.Generator, KH: int, KW: int, C_in: int, C_out: int, *, dtype: type = np.float32
) -> dict[str, np.ndarray]:
    """W and b uniform in +-1/sqrt(fan_in), where fan_in = KH KW C_in (as in Torch7, which the baseline uses)."""
    bound = 1 / np.sqrt(KH * KW * C_in)
    return {
        "W": rng.uniform(-bound, bound, (KH, KW, C_in, C_out)).astype(dtype),
        "b": rng.uniform(-bound, bound, C_out).astype(dtype),
    }


def forward(x, p, *, stride: int = 1, padding: int = 0, kernel: ModuleType = im2col):
    """x (N, H, W, C_in) -> y (N, HO, WO, C_out), cache. Raises ValueError if shapes or dtypes do not match."""
    check(x, p, stride, padding)
    y = kernel.forward(x, p["W"], p["b"], stride=stride, padding=padding)  # F1 (N, HO, WO, C_out)
    return y, (x, p, stride, padding, kernel)


# Every product x W in F1 adds dy W to dx, and dy x to dW. (Outside the map x is 0, and its gradient is dropped.)
#
#     dx[n, i s + kh - p, j s + kw - p, c] += dy[n, i, j, o] W[kh, kw, c, o]
#     dW[kh, kw, c, o]                     += dy[n, i, j, o] x[n, i s + kh - p, j s + kw - p, c]
#     db[o]                                += dy[n, i, j, o]


def backward(dy, cache, *, need_dx: bool = True):
    """dy (N, HO, WO, C_out) -> dx (N, H, W, C_in), grads. With need_dx=False, dx is None and is not computed: in a
    first layer the gradient of the image is not needed."""
    x, p, stride, padding, kernel = cache
    dW = kernel.backward_weights(dy, x, W_shape=p["W"].shape, stride=stride, padding=padding)
    db = dy.sum(axis=(0, 1, 2))
    dx = None
    if need_dx:
        dx = kernel.backward_input(dy, p["W"], x_shape=x.shape, stride=stride, padding=padding)
    return dx, {"W": dW, "b": db}


def check(x, p, stride: int, padding: int) -> None:
    """Raises ValueError if shapes of x and W or dtypes do not match, or stride or padding is too small."""
    W, b = p["W"], p["b"]
    if x.ndim != 4 or W.ndim != 4 or x.shape[3] != W.shape[2]:
        raise ValueError(f"conv2d: expected x (N, H, W, C_in) and W (KH, KW, C_in, C_out), got {x.shape} and {W.shape}")
    if not x.dtype == W.dtype == b.dtype:
        raise ValueError(f"conv2d: x is {x.dtype}, W {W.dtype}, b {b.dtype}; convert them to one dtype first")
    if min(x.shape[1] + 2 * padding - W.shape[0], x.shape[2] + 2 * padding - W.shape[1]) < 0:
        raise ValueError(f"conv2d: kernel {W.shape[:2]} is larger than the map {x.shape[1:3]} with padding {padding}")
    if stride < 1 or padding < 0:
        raise ValueError(f"conv2d: stride must be 1 or more and padding 0 or more, got {stride} and {padding}")

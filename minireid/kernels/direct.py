"""Convolution, way 3 of 3: the loops of loops.py, compiled by numba. Training uses this one, or `fused`.

F1 (y), F2 (dx) and F3 (dW) are the equations of loops.py. Here O = C_out. A width is called Wd, because W is
the weights.

Three things make these loops about ten thousand times faster than the same loops in Python:
- **The order.** The innermost loop runs over channels, which lie side by side in memory (channels last). The compiler
  turns it into vector instructions: in F1, one x[.., c] times 8 or 16 weights at a time. The loop over j is inside the
  loop over c, so the same weights are used for a whole row.
- **No copy.** Unlike im2col, this code does not copy the windows. The few rows of x, W and y in use stay in the cache.
- **Threads.** Images are independent in F1 and F2. Each image goes to one thread, so no two threads write to the same
  place. In F3 all images add to the same dW. So there is a *fixed* number of partial sums, each over its own images.
  They are added in a fixed order. The rounding is then the same for one thread, two or twenty: same bits.

The options for numba are in compiling.py. Compiled loops do not check that an index is inside its array: a wrong shape
would read or write other memory of the process. So `check` compares the shapes first.
"""

import numba
import numpy as np

from minireid.base.compiling import jit

PARTIAL_SUMS = 16  # of dW. At most this many threads can work on F3; few enough to be added up quickly


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray, *, stride: int, padding: int) -> np.ndarray:
    """x (N, H, W, C), W (KH, KW, C, O), b (O,) -> y (N, HO, WO, O). ValueError if x and W differ in C."""
    KH, KW, C, O = W.shape
    if x.shape[3] != C:
        raise ValueError(f"convolution: W {W.shape} is for maps of {C} channels, got x {x.shape}")
    padded = pad(x, padding)
    N, HP, WP, _ = padded.shape
    y = np.empty((N, (HP - KH) // stride + 1, (WP - KW) // stride + 1, O), x.dtype)
    y[:] = b
    add_products(padded, W, y, stride)
    return y


@jit
def add_products(x, W, y, s):  # F1
    KH, KW, C, O = W.shape
    N, HO, WO, _ = y.shape
    for n in numba.prange(N):
        for i in range(HO):
            for kh in range(KH):
                for kw in range(KW):
                    for c in range(C):
                        for j in range(WO):
                            value = x[n, i * s + kh, j * s + kw, c]
                            for o in range(O):
                                y[n, i, j, o] += value * W[kh, kw, c, o]


def backward_input(dy: np.ndarray, W: np.ndarray, *, x_shape: tuple[int, ...], stride: int, padding: int) -> np.ndarray:
    """dy (N, HO, WO, O), W (KH, KW, C, O) -> dx of shape x_shape. ValueError as in `check`."""
    N, H, Wd, C = x_shape
    check(dy, x_shape, W.shape, stride, padding)
    dpadded = np.zeros((N, H + 2 * padding, Wd + 2 * padding, C), dy.dtype)
    # F2 sums over output channels. Its innermost loop runs over input channels, so they must be the last axis.
    add_spread(np.ascontiguousarray(dy), np.ascontiguousarray(W.transpose(0, 1, 3, 2)), dpadded, stride)
    return dpadded[:, padding : padding + H, padding : padding + Wd]  # without the padding


@jit
def add_spread(dy, WT, dx, s):  # F2, with WT (KH, KW, C_out, C_in)
    KH, KW, O, C = WT.shape
    N, HO, WO, _ = dy.shape
    for n in numba.prange(N):
        for i in range(HO):
            for kh in range(KH):
                for kw in range(KW):
                    for o in range(O):
                        for j in range(WO):
                            value = dy[n, i, j, o]
                            for c in range(C):
                                dx[n, i * s + kh, j * s + kw, c] += value * WT[kh, kw, o, c]


def backward_weights(
    dy: np.ndarray, x: np.ndarray, *, W_shape: tuple[int, ...], stride: int, padding: int
) -> np.ndarray:
    """dy (N, HO, WO, O), x (N, H, W, C) -> dW of shape W_shape. ValueError as in `check`."""
    check(dy, x.shape, W_shape, stride, padding)
    partial = np.zeros((PARTIAL_SUMS, *W_shape), dy.dtype)
    add_outer_products(np.ascontiguousarray(dy), pad(x, padding), partial, stride)
    return partial.sum(axis=0)


@jit
def add_outer_products(dy, x, partial, s):  # F3
    B, KH, KW, C, O = partial.shape
    N, HO, WO, _ = dy.shape
    for block in numba.prange(B):
        for n in range(block, N, B):  # this block's images: block, block + B, block + 2 B, ...
            for i in range(HO):
                for kh in range(KH):
                    for kw in range(KW):
                        for c in range(C):
                            for j in range(WO):
                                value = x[n, i * s + kh, j * s + kw, c]
                                for o in range(O):
                                    partial[block, kh, kw, c, o] += value * dy[n, i, j, o]


def pad(x: np.ndarray, padding: int) -> np.ndarray:
    """x (N, H, W, C) with `padding` zeros on all four sides of each map, contiguous."""
    N, H, W, C = x.shape
    padded = np.zeros((N, H + 2 * padding, W + 2 * padding, C), x.dtype)
    padded[:, padding : padding + H, padding : padding + W] = x
    return padded


def check(dy: np.ndarray, x_shape: tuple[int, ...], W_shape: tuple[int, ...], stride: int, padding: int) -> None:
    """ValueError if dy does not have the shape of y that follows from x and W, or if x and W differ in C."""
    (N, H, Wd, C), (KH, KW, C_in, O) = x_shape, W_shape
    y_shape = (N, (H + 2 * padding - KH) // stride + 1, (Wd + 2 * padding - KW) // stride + 1, O)
    if dy.shape != y_shape or C != C_in:
        raise ValueError(
            f"convolution: expected dy of shape {y_shape} for x {x_shape} and W {W_shape} with stride {stride} and "
            f"padding {padding}, got {dy.shape}"
        )

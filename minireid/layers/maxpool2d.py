"""Max-pooling over maps: any window KH x KW, any stride s, windows may overlap.

    F1  y[n, i, j, c] = max over kh < KH, kw < KW of  x[n, i s + kh, j s + kw, c]

Shapes: x (N, H, W, C), y (N, HO, WO, C) with HO = (H - KH) // s + 1, WO likewise. Rows and columns that do not fill a
whole window are left out. If several values are equal, the first one (in row order) is the maximum. The function has a
kink there, and only the first value gets the gradient. NaN in a window gives NaN (its gradient is then meaningless).
"""

import numpy as np


def forward(x, *, window: tuple[int, int] = (2, 2), stride: int = 2):
    """x (N, H, W, C) -> y (N, HO, WO, C), cache."""
    HO, WO = output_size(x.shape[1], x.shape[2], window, stride)
    slices = offsets(window, stride, HO, WO)
    y = x[slices[0]]
    winner = np.zeros(y.shape, np.uint16)  # which offset of the window holds the maximum
    for k, here in enumerate(slices[1:], start=1):
        np.copyto(winner, k, where=x[here] > y)  # before y changes; strict >, so the first of equal values wins
        y = np.maximum(y, x[here])  # F1
    return y, (x.shape, slices, winner)


# Only the maximum passes its gradient on. Where windows overlap, one x can be the maximum of several windows, so the
# code uses += and not =. (A slice holds each x at most once, so += loses no term. Overlaps come from different k.)


def backward(dy, cache):
    """dy (N, HO, WO, C) -> dx (N, H, W, C)."""
    x_shape, slices, winner = cache
    dx = np.zeros(x_shape, dy.dtype)
    for k, here in enumerate(slices):
        dx[here] += dy * (winner == k)
    return dx


def offsets(window: tuple[int, int], stride: int, HO: int, WO: int) -> list[tuple[slice, ...]]:
    """For each offset (kh, kw) in the window, in row order: the slice of x that holds it for all HO x WO windows.

    A slice may end beyond the edge. NumPy clips it, and it still holds HO x WO values.
    """
    return [
        np.s_[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride]
        for kh in range(window[0])
        for kw in range(window[1])
    ]


def output_size(H: int, W: int, window: tuple[int, int] = (2, 2), stride: int = 2) -> tuple[int, int]:
    """HO and WO. Raises ValueError if no window fits into the map."""
    HO, WO = (H - window[0]) // stride + 1, (W - window[1]) // stride + 1
    if min(HO, WO) < 1:
        raise ValueError(f"maxpool2d: window {window} is larger than the map {(H, W)}")
    return HO, WO

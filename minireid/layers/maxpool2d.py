"""Max-pooling over maps: any window KH x KW, any stride s, windows may overlap.

    F1  y[n, i, j, c] = max over kh < KH, kw < KW of  x[n, i s + kh, j s + kw, c]

Shapes: x (N, H, W, C), y (N, HO, WO, C) with HO = (H - KH) // s + 1, WO alike: rows and columns that fill no whole
window are left out. Of equal values the first (in row order) is the maximum: there the function has a kink, and the
gradient is that value's alone. NaN in a window gives NaN (and then its gradient means nothing).
"""

import numpy as np


def forward(x, *, window: tuple[int, int] = (2, 2), stride: int = 2):
    """x (N, H, W, C) -> y (N, HO, WO, C), cache."""
    HO, WO = output_size(x.shape[1], x.shape[2], window, stride)
    slices = offsets(window, stride, HO, WO)
    y = x[slices[0]]
    winner = np.zeros(y.shape, np.uint16)  # which offset of the window holds the maximum
    for k, here in enumerate(slices[1:], start=1):
        np.copyto(winner, k, where=x[here] > y)  # before y changes; strictly greater: the first of equals stays
        y = np.maximum(y, x[here])  # F1
    return y, (x.shape, slices, winner)


# Only the maximum passes its gradient on. Where windows overlap, one x can be the maximum of several: += and not =.
# (One offset k never names the same x twice, so += on a slice loses nothing; overlaps come from different k.)


def backward(dy, cache):
    """dy (N, HO, WO, C) -> dx (N, H, W, C)."""
    x_shape, slices, winner = cache
    dx = np.zeros(x_shape, dy.dtype)
    for k, here in enumerate(slices):
        dx[here] += dy * (winner == k)
    return dx


def offsets(window: tuple[int, int], stride: int, HO: int, WO: int) -> list[tuple[slice, ...]]:
    """For each offset (kh, kw) in the window, in row order: the slice of x that holds it for all HO x WO windows.

    A slice may end beyond the edge: NumPy cuts it, and HO x WO values are left all the same.
    """
    return [
        np.s_[:, kh : kh + HO * stride : stride, kw : kw + WO * stride : stride]
        for kh in range(window[0])
        for kw in range(window[1])
    ]


def output_size(H: int, W: int, window: tuple[int, int] = (2, 2), stride: int = 2) -> tuple[int, int]:
    """HO and WO. Raises ValueError where not one window fits into the map."""
    HO, WO = (H - window[0]) // stride + 1, (W - window[1]) // stride + 1
    if min(HO, WO) < 1:
        raise ValueError(f"maxpool2d: window {window} is larger than the map {(H, W)}")
    return HO, WO

"""Average pooling over maps, to a grid of a given size: windows side by side, filling the map.

    F1  y[n, i, j, c] = 1/(KH KW)  sum over kh < KH, kw < KW of  x[n, i KH + kh, j KW + kw, c]

Shapes: x (N, H, W, C), y (N, HO, WO, C), KH = H / HO and KW = W / WO, both whole.
"""

from typing import NamedTuple

import numpy as np


class Cache(NamedTuple):
    x_shape: tuple[int, ...]
    tiles: tuple[int, ...]


def forward(x, *, size: tuple[int, int]):
    """x (N, H, W, C), size (HO, WO) -> y (N, HO, WO, C), cache. Raises ValueError where the windows do not fit."""
    N, H, W, C = x.shape
    HO, WO = size
    if H % HO or W % WO:
        raise ValueError(f"average_pool2d: a map of {H} x {W} cannot be cut into {HO} x {WO} equal windows")
    tiles = (N, HO, H // HO, WO, W // WO, C)
    y = x.reshape(tiles).mean(axis=(2, 4))  # F1
    return y, Cache(x.shape, tiles)


# Each of the KH KW values of a window has the weight 1/(KH KW) in its mean, so each gets an equal share of dy.


def backward(dy, cache):
    """dy (N, HO, WO, C) -> dx (N, H, W, C)."""
    x_shape, tiles = cache
    N, HO, KH, WO, KW, C = tiles
    share = dy.reshape(N, HO, 1, WO, 1, C) / (KH * KW)
    return np.broadcast_to(share, tiles).reshape(x_shape)

"""The fast twin of conv_block.py: F1 (convolution) and F2 (pool) in one compiled kernel.

Same parameters, same results up to rounding. The kernel is minireid/kernels/fused.py. It saves two things:

    forward     z is never stored. The kernel keeps the maximum of each 2x2 window. `corner` says which of the
                four values it was.
    backward    three quarters of dz are 0. They are never computed.

Shapes: as in conv_block.py; corner (N, HO // 2, WO // 2, C_out). float32 or float64. It needs numba.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minireid.kernels import fused
from minireid.layers import conv2d, maxpool2d, relu, tanh

init = conv2d.init


class Cache(NamedTuple):
    x: np.ndarray
    p: dict[str, np.ndarray]
    padding: int
    corner: np.ndarray
    y: np.ndarray
    activation: ModuleType


def forward(x, p, *, padding: int = 0, activation: ModuleType = tanh):
    """x (N, H, W, C_in) -> y (N, HO // 2, WO // 2, C_out), cache. Raises ValueError where shapes or dtypes do not fit,
    and for an activation other than tanh and relu."""
    check(x, p, padding, activation)
    m, corner = fused.forward(x, p["W"], p["b"], padding=padding)  # F1, F2 (N, HO // 2, WO // 2, C_out)
    y = np.tanh(m, out=m) if activation is tanh else np.maximum(m, 0, out=m)  # F3, in place: m is not needed again
    return y, Cache(x, p, padding, corner, y, activation)


def backward(dy, cache, *, need_dx: bool = True):
    """dy (N, HO // 2, WO // 2, C_out) -> dx (N, H, W, C_in) (None where need_dx is False), grads."""
    x, p, padding, corner, y, activation = cache
    how: dict[str, Any] = {"padding": padding, "squashed": activation is tanh, "need_dx": need_dx}
    dx, dW, db = fused.backward(dy, y, corner, x, p["W"], **how)  # F3, F2, F1
    return dx, {"W": dW, "b": db}


def check(x, p, padding: int, activation: ModuleType) -> None:
    """Raises ValueError where the arguments do not fit together."""
    conv2d.check(x, p, 1, padding)
    if x.dtype not in (np.float32, np.float64) or activation not in (tanh, relu):
        raise ValueError(f"conv_block_fused: expected float32 or float64 and tanh or relu, got {x.dtype}, {activation}")
    KH, KW = p["W"].shape[:2]
    maxpool2d.output_size(x.shape[1] + 2 * padding - KH + 1, x.shape[2] + 2 * padding - KW + 1)  # a window must fit

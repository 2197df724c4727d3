"""The block that the networks are made of: convolution, 2x2 max-pool, activation.

    F1  z = conv2d(x; W, b)      padding p, stride 1
    F2  m = maxpool2d(z)         2x2, stride 2
    F3  y = activation(m)        tanh (McLaughlin et al. 2016) or ReLU (Chen et al. 2017)

Shapes: x (N, H, W, C_in), y (N, HO // 2, WO // 2, C_out). The papers write tanh before the pool. Both activations
never decrease, so maximum and activation can change places, max(tanh z) = tanh(max z), and the activation then
has a quarter of the work. `activation` is a layer module: minireid.layers.tanh or minireid.layers.relu.

`forward` and `backward` are the definition. What runs instead, unless a `kernel` is passed, is the same in one kernel
for F1 and F2 (minireid/kernels/fused.py): z is never stored, and the three quarters of dz that are 0 never computed.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np

from minireid.kernels import fused_for, loops
from minireid.layers import conv2d, maxpool2d, relu, tanh

init = conv2d.init


def forward(x, p, *, padding: int = 0, activation: ModuleType = tanh, kernel: ModuleType | None = None):
    """x (N, H, W, C_in) -> y (N, HO // 2, WO // 2, C_out), cache. kernel: None for the quickest way, or what conv2d is
    to run on."""
    if kernel is None and activation in (tanh, relu) and (fused := fused_for(x.dtype)):
        return fused_forward(x, p, padding, activation, fused)
    z, conv_cache = conv2d.forward(x, p, padding=padding, kernel=kernel)  # F1 (N, HO, WO, C_out)
    m, pool_cache = maxpool2d.forward(z)  # F2 (N, HO // 2, WO // 2, C_out)
    y, activation_cache = activation.forward(m)  # F3 the same shape
    return y, (conv_cache, pool_cache, activation_cache, activation)


def backward(dy, cache, *, need_dx: bool = True):
    """dy, shaped like y -> dx shaped like x (None where need_dx is False), grads."""
    if isinstance(cache, FusedCache):
        return fused_backward(dy, cache, need_dx)
    conv_cache, pool_cache, activation_cache, activation = cache
    dm = activation.backward(dy, activation_cache)  # F3
    dz = maxpool2d.backward(dm, pool_cache)  # F2
    return conv2d.backward(dz, conv_cache, need_dx=need_dx)  # F1


class FusedCache(NamedTuple):
    """`corner` (N, HO // 2, WO // 2, C_out) says which of the four values was the maximum."""

    x: np.ndarray
    p: dict[str, np.ndarray]
    padding: int
    corner: np.ndarray
    y: np.ndarray
    activation: ModuleType
    fused: ModuleType


def fused_forward(x, p, padding: int, activation: ModuleType, fused: ModuleType):
    """`forward` with F1 and F2 in one kernel: the same y, and a FusedCache."""
    conv2d.check(x, p, 1, padding)
    (H, W), (KH, KW) = x.shape[1:3], p["W"].shape[:2]
    maxpool2d.output_size(*loops.output_size(H, W, KH, KW, 1, padding))  # raises where no window fits
    m, corner = fused.forward(x, p["W"], p["b"], padding=padding)  # F1, F2
    y = np.tanh(m, out=m) if activation is tanh else np.maximum(m, 0, out=m)  # F3 in m's place: nobody else reads m
    return y, FusedCache(x, p, padding, corner, y, activation, fused)


def fused_backward(dy, cache, need_dx: bool):
    """`backward` of a FusedCache: the same dx and grads."""
    x, p, padding, corner, y, activation, fused = cache
    dx, dW, db = fused.backward(
        dy, y, corner, x, p["W"], padding=padding, squashed=activation is tanh, need_dx=need_dx
    )  # F3, F2, F1
    return dx, {"W": dW, "b": db}

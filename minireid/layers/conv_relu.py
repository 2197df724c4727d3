"""Convolution that keeps the size of the map, then ReLU: the block of Deep RCN (Wu et al. 2016).

    F1  a = conv2d(x; W, b)      stride 1, padding half a kernel
    F2  y = relu(a)

Shapes: x (N, H, W, C_in), W (K, K, C_in, C_out) with odd K, b (C_out,), a and y (N, H, W, C_out).
"""

from types import ModuleType

from minireid.kernels import im2col
from minireid.layers import conv2d, relu

init = conv2d.init


def forward(x, p, *, kernel: ModuleType = im2col):
    """x (N, H, W, C_in) -> y (N, H, W, C_out), cache. kernel: see conv2d.py."""
    a, conv_cache = conv2d.forward(x, p, padding=len(p["W"]) // 2, kernel=kernel)  # F1 (N, H, W, C_out)
    y, relu_cache = relu.forward(a)  # F2 (N, H, W, C_out)
    return y, (conv_cache, relu_cache)


def backward(dy, cache, *, need_dx: bool = True):
    """dy (N, H, W, C_out) -> dx (N, H, W, C_in) (None where need_dx is False), grads."""
    conv_cache, relu_cache = cache
    da = relu.backward(dy, relu_cache)  # F2
    return conv2d.backward(da, conv_cache, need_dx=need_dx)  # F1

"""The block of most networks: convolution, 2x2 max-pool, activation.

    F1  z = conv2d(x; W, b)      padding p, stride 1
    F2  m = maxpool2d(z)         2x2, stride 2
    F3  y = activation(m)        tanh (McLaughlin et al. 2016) or ReLU (Chen et al. 2017)

Shapes: x (N, H, W, C_in), z (N, HO, WO, C_out), m and y (N, HO // 2, WO // 2, C_out). `activation` is a layer module,
minireid.layers.tanh or minireid.layers.relu.

The papers write the activation before the pool. Neither activation decreases, so the order does not matter:
max(tanh z) = tanh(max z). With the pool first, the activation has a quarter of the work.

This page is the definition. Its fast twin is conv_block_fused.py: the same results, F1 and F2 in one kernel.
"""

from types import ModuleType

from minireid.kernels import im2col
from minireid.layers import conv2d, maxpool2d, tanh

init = conv2d.init


def forward(x, p, *, padding: int = 0, activation: ModuleType = tanh, kernel: ModuleType = im2col):
    """x (N, H, W, C_in) -> y (N, HO // 2, WO // 2, C_out), cache. kernel: see conv2d.py."""
    z, conv_cache = conv2d.forward(x, p, padding=padding, kernel=kernel)  # F1 (N, HO, WO, C_out)
    m, pool_cache = maxpool2d.forward(z)  # F2 (N, HO // 2, WO // 2, C_out)
    y, activation_cache = activation.forward(m)  # F3 (N, HO // 2, WO // 2, C_out)
    return y, (conv_cache, pool_cache, activation_cache, activation)


def backward(dy, cache, *, need_dx: bool = True):
    """dy (N, HO // 2, WO // 2, C_out) -> dx (N, H, W, C_in) (None where need_dx is False), grads."""
    conv_cache, pool_cache, activation_cache, activation = cache
    dm = activation.backward(dy, activation_cache)  # F3
    dz = maxpool2d.backward(dm, pool_cache)  # F2
    return conv2d.backward(dz, conv_cache, need_dx=need_dx)  # F1

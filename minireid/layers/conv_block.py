"""The block that the networks are made of: convolution, 2x2 max-pool, activation.

    F1  z = conv2d(x; W, b)      padding p, stride 1
    F2  m = maxpool2d(z)         2x2, stride 2
    F3  y = activation(m)        tanh (McLaughlin et al. 2016) or ReLU (Chen et al. 2017)

Shapes: x (N, H, W, C_in), y (N, HO // 2, WO // 2, C_out). The papers write tanh before the pool. Both activations
never decrease, so maximum and activation can change places, max(tanh z) = tanh(max z), and the activation then
has a quarter of the work. `activation` is a layer module: minireid.layers.tanh or minireid.layers.relu.
"""

from types import ModuleType

from minireid.layers import conv2d, maxpool2d, tanh

init = conv2d.init


def forward(x, p, *, padding: int = 0, activation: ModuleType = tanh, kernel: ModuleType | None = None):
    """x (N, H, W, C_in) -> y (N, HO // 2, WO // 2, C_out), cache."""
    z, conv_cache = conv2d.forward(x, p, padding=padding, kernel=kernel)  # F1 (N, HO, WO, C_out)
    m, pool_cache = maxpool2d.forward(z)  # F2 (N, HO // 2, WO // 2, C_out)
    y, activation_cache = activation.forward(m)  # F3 the same shape
    return y, (conv_cache, pool_cache, activation_cache, activation)


def backward(dy, cache, *, need_dx: bool = True):
    """dy, shaped like y -> dx shaped like x (None where need_dx is False), grads."""
    conv_cache, pool_cache, activation_cache, activation = cache
    dm = activation.backward(dy, activation_cache)  # F3
    dz = maxpool2d.backward(dm, pool_cache)  # F2
    return conv2d.backward(dz, conv_cache, need_dx=need_dx)  # F1

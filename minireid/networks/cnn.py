"""The convolutional network that three of the systems share: from a frame to a vector (McLaughlin et al., CVPR 2016).

    C1  m1 = conv_block(x)      5x5, 16 filters, 2x2 max-pool, activation; every frame by itself
    C2  m2 = conv_block(m1)     32 filters
    C3  m3 = conv_block(m2)     32 filters
    C4  d  = dropout(m3)        the maps of a frame as one vector
    C5  f  = linear(d)          128 features for every frame

Shapes: x (N, T, H, W, C) clips, f (N, T, 128). Padding 4 enlarges a map before it is halved, as in the baseline's code;
padding 2 keeps its size. Used by src (tanh), utrcnn (tanh) and crf (ReLU); the parameters conv1, conv2, conv3 and
linear stand in `p` among those of the system.
"""

from types import ModuleType
from typing import Any

import numpy as np

from minireid.layers import conv_block, dropout, linear, tanh
from minireid.networks.watching import ignore


def init(
    rng: np.random.Generator,
    height: int,
    width: int,
    channels: int,
    filters: tuple[int, ...],
    features: int,
    *,
    padding: int,
    dtype: type,
) -> dict:
    """Parameters for frames (crops) of height x width."""
    for _ in range(3):  # the kernel takes 4, the pool halves
        height, width = (height + 2 * padding - 4) // 2, (width + 2 * padding - 4) // 2
    return {
        "conv1": conv_block.init(rng, 5, 5, channels, filters[0], dtype=dtype),
        "conv2": conv_block.init(rng, 5, 5, filters[0], filters[1], dtype=dtype),
        "conv3": conv_block.init(rng, 5, 5, filters[1], filters[2], dtype=dtype),
        "linear": linear.init(rng, height * width * filters[2], features, dtype=dtype),
    }


def forward(
    x,
    p,
    *,
    padding: int,
    activation: ModuleType = tanh,
    dropout_rate: float,
    rng: np.random.Generator | None = None,
    kernel: ModuleType | None = None,
    watch=ignore,
):
    """x (N, T, H, W, C) -> f (N, T, 128), cache. rng=None: evaluation, no dropout."""
    N, T = x.shape[:2]
    frames = x.reshape(N * T, *x.shape[2:])
    block: dict[str, Any] = {"padding": padding, "activation": activation, "kernel": kernel}
    m1, conv1 = conv_block.forward(frames, p["conv1"], **block)  # C1 (N T, H1, W1, 16)
    watch("conv1", m1)
    m2, conv2 = conv_block.forward(m1, p["conv2"], **block)  # C2 (N T, H2, W2, 32)
    watch("conv2", m2)
    m3, conv3 = conv_block.forward(m2, p["conv3"], **block)  # C3 (N T, H3, W3, 32)
    watch("conv3", m3)
    d, drop = dropout.forward(m3.reshape(N, T, -1), rate=dropout_rate, rng=rng)  # C4 (N, T, H3 W3 32)
    f, fc = linear.forward(d, p["linear"])  # C5 (N, T, 128)
    watch("linear", f)
    return f, (x.shape, conv1, conv2, conv3, m3.shape, drop, fc)


def backward(df, cache, *, need_dx: bool = True, watch=ignore):
    """df (N, T, 128) -> dx (N, T, H, W, C) (None where need_dx is False), grads. The forward, read upwards."""
    x_shape, conv1, conv2, conv3, m3_shape, drop, fc = cache
    grads = {}
    watch("dlinear", df)
    dd, grads["linear"] = linear.backward(df, fc)  # C5
    dm3 = dropout.backward(dd, drop).reshape(m3_shape)  # C4
    watch("dconv3", dm3)
    dm2, grads["conv3"] = conv_block.backward(dm3, conv3)  # C3
    watch("dconv2", dm2)
    dm1, grads["conv2"] = conv_block.backward(dm2, conv2)  # C2
    watch("dconv1", dm1)
    dframes, grads["conv1"] = conv_block.backward(dm1, conv1, need_dx=need_dx)  # C1
    return dframes if dframes is None else dframes.reshape(x_shape), grads

"""The convolutional network that src, crf and utrcnn share: from a frame to a vector (McLaughlin et al., CVPR 2016).

    C1  m1 = conv_block(x)         5x5 kernels, 16 filters, 2x2 max-pool, activation; each frame by itself
    C2  m2 = conv_block(m1)        32 filters
    C3  m3 = conv_block(m2)        32 filters
    C4  f  = dropout_linear(m3)    the feature maps of a frame, flattened; dropout; 128 features for every frame

Shapes: x (N, T, H, W, C) clips, m1, m2, m3 (N, T, height, width, filters), f (N, T, 128). Padding 4 makes a map larger
before it is halved, as in the baseline's code. Padding 2 keeps its size. The parameters conv1, conv2, conv3 and linear
stand in `p` beside those of the network that uses this page.
"""

from types import ModuleType

import numpy as np

from minireid.layers import conv_block, dropout_linear, tanh
from minireid.networks.running import Backward, Forward


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
    for _ in range(3):  # a 5x5 kernel takes 4 away, the pool halves
        height, width = (height + 2 * padding - 4) // 2, (width + 2 * padding - 4) // 2
    return {
        "conv1": conv_block.init(rng, 5, 5, channels, filters[0], dtype=dtype),
        "conv2": conv_block.init(rng, 5, 5, filters[0], filters[1], dtype=dtype),
        "conv3": conv_block.init(rng, 5, 5, filters[1], filters[2], dtype=dtype),
        "linear": dropout_linear.init(rng, height * width * filters[2], features, dtype=dtype),
    }


def forward(run: Forward, x, *, padding: int, activation: ModuleType = tanh):
    """x (N, T, H, W, C) -> f (N, T, 128)."""
    m1 = run.per_frame("conv1", run.block, x, padding=padding, activation=activation)  # C1
    m2 = run.per_frame("conv2", run.block, m1, padding=padding, activation=activation)  # C2
    m3 = run.per_frame("conv3", run.block, m2, padding=padding, activation=activation)  # C3
    return run("linear", dropout_linear, m3, **run.dropout)  # C4 (N, T, 128)


def backward(back: Backward, df, *, need_dx: bool = True):
    """df (N, T, 128) -> dx (N, T, H, W, C), None where need_dx is False. The steps of forward, reversed."""
    dm3 = back("linear", df)  # C4
    dm2 = back("conv3", dm3)  # C3
    dm1 = back("conv2", dm2)  # C2
    return back("conv1", dm1, need_dx=need_dx)  # C1

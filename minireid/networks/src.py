"""The baseline: a recurrent convolutional network, trained as Siamese twins (McLaughlin et al., CVPR 2016).

    F1  m1 = conv_block(x)      5x5, padding 4, 16 filters, tanh, 2x2 max-pool, for every frame by itself
    F2  m2 = conv_block(m1)     32 filters
    F3  m3 = conv_block(m2)     32 filters
    F4  f  = dropout(m3)        the maps of a frame as one vector
    F5  e  = linear(f)          128 features for every frame
    F6  o  = elman_unsquashed(e)    reads the frames in order
    F7  y  = mean over the frames of o

Shapes: x (N, T, H, W, C) clips, y (N, 128). C = 5: luma, two of chroma, two of optical flow. Frames are 64 x 48 and
crops 56 x 40 in the paper: 2,560 values in f and, with a classifier for 100 persons, 397,828 parameters (the authors'
code has 128 more: each twin owned its own start s).

The twins need no second network: both clips of a pair are rows of x, and the loss subtracts their rows of y.

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

from types import ModuleType

import numpy as np

from minireid.layers import conv_block, dropout, elman_unsquashed, linear, temporal_mean
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def init(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    channels: int,
    filters: tuple[int, int, int] = (16, 32, 32),
    features: int = 128,
    dtype: type = np.float32,
) -> dict:
    """Parameters for frames (crops) of height x width."""
    for _ in range(3):
        height, width = (height + 4) // 2, (width + 4) // 2  # padding adds 8, the kernel takes 4, the pool halves
    return {
        "conv1": conv_block.init(rng, 5, 5, channels, filters[0], dtype=dtype),
        "conv2": conv_block.init(rng, 5, 5, filters[0], filters[1], dtype=dtype),
        "conv3": conv_block.init(rng, 5, 5, filters[1], filters[2], dtype=dtype),
        "linear": linear.init(rng, height * width * filters[2], features, dtype=dtype),
        "recurrence": elman_unsquashed.init(rng, features, dtype=dtype),
    }


def forward(
    x,
    p,
    *,
    lengths=None,
    rng: np.random.Generator | None = None,
    dropout_rate: float = 0.6,
    kernel: ModuleType | None = None,
    watch=ignore,
):
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, 128)}, cache. rng=None: evaluation, no dropout.

    kernel: one of minireid/kernels, None for the quickest.
    """
    N, T = x.shape[:2]
    frames = x.reshape(N * T, *x.shape[2:])
    m1, conv1 = conv_block.forward(frames, p["conv1"], padding=4, kernel=kernel)  # F1 (N T, H1, W1, 16)
    watch("conv1", m1)
    m2, conv2 = conv_block.forward(m1, p["conv2"], padding=4, kernel=kernel)  # F2 (N T, H2, W2, 32)
    watch("conv2", m2)
    m3, conv3 = conv_block.forward(m2, p["conv3"], padding=4, kernel=kernel)  # F3 (N T, H3, W3, 32)
    watch("conv3", m3)
    f, drop = dropout.forward(m3.reshape(N, T, -1), rate=dropout_rate, rng=rng)  # F4 (N, T, H3 W3 32)
    e, fc = linear.forward(f, p["linear"])  # F5 (N, T, 128)
    watch("linear", e)
    o, recurrence = elman_unsquashed.forward(e, p["recurrence"], rate=dropout_rate, rng=rng)  # F6 (N, T, 128)
    watch("recurrence", o)
    y, pool = temporal_mean.forward(o, lengths=lengths)  # F7 (N, 128)
    watch("clip", y)
    return {"clip": y}, (x.shape, conv1, conv2, conv3, m3.shape, drop, fc, recurrence, pool)


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads. The forward, read upwards."""
    x_shape, conv1, conv2, conv3, m3_shape, drop, fc, recurrence, pool = cache
    grads = {}
    dy = dembeddings["clip"]
    watch("dclip", dy)
    do = temporal_mean.backward(dy, pool)  # F7
    watch("drecurrence", do)
    de, grads["recurrence"] = elman_unsquashed.backward(do, recurrence)  # F6
    watch("dlinear", de)
    df, grads["linear"] = linear.backward(de, fc)  # F5
    dm3 = dropout.backward(df, drop).reshape(m3_shape)  # F4
    watch("dconv3", dm3)
    dm2, grads["conv3"] = conv_block.backward(dm3, conv3)  # F3
    watch("dconv2", dm2)
    dm1, grads["conv2"] = conv_block.backward(dm2, conv2)  # F2
    watch("dconv1", dm1)
    dframes, grads["conv1"] = conv_block.backward(dm1, conv1, need_dx=need_dx)  # F1
    return dframes if dframes is None else dframes.reshape(x_shape), grads


def embed(x, p, *, lengths=None, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

"""The baseline: a recurrent convolutional network, trained as Siamese twins (McLaughlin et al., CVPR 2016).

    F1  e = CNN(x)                  three blocks of 5x5 convolution, pool and tanh, then 128 features for every frame:
                                    C1 to C5 of minireid/networks/cnn.py, with padding 4
    F2  o = elman_unsquashed(e)     reads the frames in order
    F3  y = mean over the frames of o

Shapes: x (N, T, H, W, C) clips, y (N, 128). C = 5: luma, two of chroma, two of optical flow. Frames are 64 x 48 and
crops 56 x 40 in the paper: 2,560 values in a frame's last maps and, with a classifier for 100 persons, 397,828
parameters (the authors' code has 128 more: each twin owned its own start s).

The twins need no second network: both clips of a pair are rows of x, and the loss subtracts their rows of y.

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

from types import ModuleType

import numpy as np

from minireid.layers import elman_unsquashed, temporal_mean
from minireid.networks import cnn
from minireid.networks.euclidean import score, side_by_side, to_unit_length
from minireid.networks.watching import ignore

__all__ = ["backward", "embed", "forward", "init", "score"]


def init(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    channels: int,
    filters: tuple[int, ...] = (16, 32, 32),
    features: int = 128,
    dtype: type = np.float32,
) -> dict:
    """Parameters for frames (crops) of height x width."""
    return {
        **cnn.init(rng, height, width, channels, filters, features, padding=4, dtype=dtype),
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
    e, frames = cnn.forward(x, p, padding=4, dropout_rate=dropout_rate, rng=rng, kernel=kernel, watch=watch)  # F1
    o, recurrence = elman_unsquashed.forward(e, p["recurrence"], rate=dropout_rate, rng=rng)  # F2 (N, T, 128)
    watch("recurrence", o)
    y, pool = temporal_mean.forward(o, lengths=lengths)  # F3 (N, 128)
    watch("clip", y)
    return {"clip": y}, (frames, recurrence, pool)


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads. The forward, read upwards."""
    frames, recurrence, pool = cache
    dy = dembeddings["clip"]
    watch("dclip", dy)
    do = temporal_mean.backward(dy, pool)  # F3
    watch("drecurrence", do)
    de, recurrence_grads = elman_unsquashed.backward(do, recurrence)  # F2
    dx, grads = cnn.backward(de, frames, need_dx=need_dx, watch=watch)  # F1
    return dx, {**grads, "recurrence": recurrence_grads}


def embed(x, p, *, lengths=None, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

"""CRF: what the CNN sees on average and what the recurrence makes of it, added up (Chen et al. 2017).

    F1  f = CNN(x)                 eq. 1; C1 to C5 of minireid/networks/cnn.py, with ReLU after each pool
    F2  xC = mean over the frames of f                   eq. 2: how somebody looks
    F3  o = elman_relu(f)                                eq. 3, 4: o_t = f_t Wi + ReLU(o_(t-1)) Ws, o_0 = 0
    F4  xR = mean over the frames of o                   eq. 5: how somebody moves; o is not squashed
    F5  xF = xC + xR                                     eq. 6

Shapes: x (N, T, H, W, C) clips, f, o (N, T, 128), xC, xR, xF (N, 128), Wi, Ws (128, 128). Dropout: at the end of the
CNN.

The paper says nothing of padding; with kernels of 5x5, 2 keeps the maps' size. Trained with the contrastive loss on the
squared distance (eq. 7, minireid/losses/contrastive_crf.py: margin 2 there is a distance of 1.41) and softmax (eq. 8)
with equal weights (eq. 9). For the test a track is cut into groups of 16 frames; each has an xF, and their mean is the
track's (evaluation.group in the recipe). crf_spatial and crf_temporal are F2 and F4 alone, crf_parts adds the halves of
the body (eq. 10).

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

from types import ModuleType

import numpy as np

from minireid.layers import elman_relu, relu, temporal_mean
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
        **cnn.init(rng, height, width, channels, filters, features, padding=2, dtype=dtype),
        "recurrence": elman_relu.init(rng, features, features, dtype=dtype),
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
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    f, frames = cnn.forward(
        x, p, padding=2, activation=relu, dropout_rate=dropout_rate, rng=rng, kernel=kernel, watch=watch
    )  # F1 (N, T, 128)
    xC, spatial = temporal_mean.forward(f, lengths=lengths)  # F2 (N, 128)
    watch("spatial", xC)
    o, recurrence = elman_relu.forward(f, p["recurrence"])  # F3 (N, T, 128)
    watch("recurrence", o)
    xR, temporal = temporal_mean.forward(o, lengths=lengths)  # F4 (N, 128)
    watch("temporal", xR)
    xF = xC + xR  # F5 (N, 128)
    watch("clip", xF)
    return {"clip": xF}, (frames, spatial, recurrence, temporal)


# f is used twice, in F2 and in F3; df is the sum over both.


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads. The forward, read upwards."""
    frames, spatial, recurrence, temporal = cache
    dxF = dembeddings["clip"]
    watch("dclip", dxF)
    watch("dtemporal", dxF)  # F5: xC and xR both get all of it
    do = temporal_mean.backward(dxF, temporal)  # F4
    watch("drecurrence", do)
    df_recurrence, recurrence_grads = elman_relu.backward(do, recurrence)  # F3
    watch("dspatial", dxF)
    df = df_recurrence + temporal_mean.backward(dxF, spatial)  # F2
    dx, grads = cnn.backward(df, frames, need_dx=need_dx, watch=watch)  # F1
    return dx, {**grads, "recurrence": recurrence_grads}


def embed(x, p, *, lengths=None, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

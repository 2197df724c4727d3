"""UTRCNN ("unbiased time"): the baseline's CNN, read by a recurrence that looks back by sparse attentive backtracking.

The equations eq. 2 to 5 are those of the UTRCNN paper (README, Papers); the mechanism is that of Ke et al. 2018.

    F1  f = CNN(x)                 C1 to C5 of minireid/networks/cnn.py: tanh, padding 4, as the baseline's
    F2  h = attentive_rnn(f)       eq. 2: each state also reads a weighted sum of states before it, all or the top_k
    F3  y = h of the last frame    the clip's feature

Shapes: x (N, T, H, W, C) clips, f, h (N, T, 128), y (N, 128).

The baseline averages over time, so that no frame counts more than another. Here the last state alone is used, and the
attention is to keep it from knowing only the last few frames. `attention` is "softmax" (the weights of a clip's states
add up to 1; what Ke et al. do) or "raw" (as eq. 2 prints them); top_k keeps only the largest so many, 0 keeps all.
Trained with verification (eq. 3) and identification (eq. 4), equal weights (eq. 5): minireid/losses/joint.py.

`watch(name, array)`, where given, is shown every result and, as "d" + name, its gradient.
"""

from types import ModuleType

import numpy as np

from minireid.layers import attentive_rnn, temporal_last
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
        "recurrence": attentive_rnn.init(rng, features, features, dtype=dtype),
    }


def forward(
    x,
    p,
    *,
    lengths=None,
    rng: np.random.Generator | None = None,
    dropout_rate: float = 0.6,
    attention: str = "softmax",
    top_k: int = 0,
    kernel: ModuleType | None = None,
    watch=ignore,
):
    """x (N, T, H, W, C), lengths (N,) or None -> {"clip": (N, 128)}, cache. rng=None: evaluation, no dropout."""
    f, frames = cnn.forward(x, p, padding=4, dropout_rate=dropout_rate, rng=rng, kernel=kernel, watch=watch)  # F1
    h, recurrence = attentive_rnn.forward(f, p["recurrence"], attention=attention, top_k=top_k)  # F2 (N, T, 128)
    watch("recurrence", h)
    y, last = temporal_last.forward(h, lengths=lengths)  # F3 (N, 128)
    watch("clip", y)
    return {"clip": y}, (frames, recurrence, last)


def backward(dembeddings, cache, *, need_dx: bool = True, watch=ignore):
    """{"clip": (N, 128)} -> dx (N, T, H, W, C) (None where need_dx is False), grads. The forward, read upwards."""
    frames, recurrence, last = cache
    dy = dembeddings["clip"]
    watch("dclip", dy)
    dh = temporal_last.backward(dy, last)  # F3
    watch("drecurrence", dh)
    df, recurrence_grads = attentive_rnn.backward(dh, recurrence)  # F2
    dx, grads = cnn.backward(df, frames, need_dx=need_dx, watch=watch)  # F1
    return dx, {**grads, "recurrence": recurrence_grads}


def embed(x, p, *, lengths=None, attention: str = "softmax", top_k: int = 0, unit_length: bool = False) -> np.ndarray:
    """x (N, T, H, W, C) -> (N, 128): what `score` compares. No dropout. unit_length: every level scaled to length 1."""
    embeddings, _ = forward(x, p, lengths=lengths, attention=attention, top_k=top_k)
    return side_by_side(to_unit_length(embeddings) if unit_length else embeddings)

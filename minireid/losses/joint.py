"""The training loss of the Siamese networks: verification (same person or not) and identification (which person).

    F1  V = contrastive loss over the pairs of clips
    F2  logits = linear(embedding),  I = softmax cross-entropy over the clips
    F3  loss = sum over levels of  verification_weight V + identification_weight I

(McLaughlin et al. 2016; at two levels, Wang et al. 2026.) McLaughlin's loss of one pair is V + I(clip 1) + I(clip 2).
It corresponds to identification_weight = 2 here if every clip is in equally many pairs: I is a mean over clips, and a
pair has two clips.

Shapes: embeddings {level: (N, D)}, classifiers {level: {"W": (D, K), "b": (K,)}}, labels (N,) from 0 to K - 1, pairs
(P, 2) row numbers, same (P,) booleans, weights (P,) or None. `verification` is one of the contrastive modules, or
triplet_hard; `identification` is softmax or softmax_smoothed.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minireid.layers import linear
from minireid.losses import contrastive_squared, softmax


class Cache(NamedTuple):
    """parts: V and I of every level, by name. levels: {level: the caches of V, linear and I}."""

    parts: dict[str, Any]
    levels: dict[str, tuple[Any, Any, Any]]
    verification: ModuleType
    identification: ModuleType
    verification_weight: float
    identification_weight: float


def init(rng: np.random.Generator, D: int, K: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """The classifier of one level: embeddings of D features, K persons."""
    return linear.init(rng, D, K, dtype=dtype)


def forward(embeddings, classifiers, **settings):
    """embeddings, classifiers -> loss (a scalar), cache. settings: those of `both_forward`."""
    return both_forward(embeddings, embeddings, classifiers, **settings)


def both_forward(
    compared,
    classified,
    classifiers,
    *,
    labels,
    pairs,
    same,
    weights=None,
    margin: float = 2.0,
    verification: ModuleType = contrastive_squared,
    identification: ModuleType = softmax,
    verification_weight: float = 1.0,
    identification_weight: float = 1.0,
):
    """V of the embeddings `compared`, I of the embeddings `classified` -> loss (a scalar), cache. Here both are the
    same; joint_on_sphere.py scales them differently."""
    loss, parts, levels = 0.0, {}, {}
    for level in compared:
        V, V_cache = verification.forward(compared[level], pairs=pairs, same=same, weights=weights, margin=margin)  # F1
        logits, linear_cache = linear.forward(classified[level], classifiers[level])  # F2 (N, K)
        I, I_cache = identification.forward(logits, labels=labels)  # F2
        loss = loss + verification_weight * V + identification_weight * I  # F3
        parts[f"{level} verification"], parts[f"{level} identification"] = V, I
        levels[level] = V_cache, linear_cache, I_cache
    return loss, Cache(parts, levels, verification, identification, verification_weight, identification_weight)


# An embedding is used twice, in F1 and in F2: its gradient is the sum of both.


def backward(dloss, cache):
    """dloss, a scalar -> dembeddings {level: (N, D)}, grads of the classifiers."""
    dcompared, dclassified, grads = both_backward(dloss, cache)
    return {level: dclassified[level] + dcompared[level] for level in dcompared}, grads


def both_backward(dloss, cache):
    """dloss, a scalar -> dcompared and dclassified {level: (N, D)}, grads of the classifiers."""
    dcompared, dclassified, grads = {}, {}, {}
    for level, (V_cache, linear_cache, I_cache) in cache.levels.items():
        dI, dV = cache.identification_weight * dloss, cache.verification_weight * dloss  # F3
        dlogits = cache.identification.backward(dI, I_cache)  # F2
        dclassified[level], grads[level] = linear.backward(dlogits, linear_cache)  # F2
        dcompared[level] = cache.verification.backward(dV, V_cache)  # F1
    return dcompared, dclassified, grads

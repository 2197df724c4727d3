"""The joint loss on directions: both parts see embeddings scaled to a fixed length.

    F1  u = embedding / |embedding|
    F2  V = contrastive loss over the pairs, of verification_length u
    F3  I = softmax cross-entropy over the clips, logits = linear(identification_length u)
    F4  loss = sum over levels of  verification_weight V + identification_weight I

Without F1 (minireid/losses/joint.py) a network can lower its loss by making embeddings longer, and clips that are easy
to read outweigh the others. Face recognition does it this way (NormFace, Wang et al. 2017); the evaluation should then
compare directions too (`evaluation.normalise` in the recipe). Length 2 spreads distances over 0 to 4, so that a margin
of 2 asks for 60 degrees. The longer identification_length, the more certain a classifier may become.

Shapes: embeddings {level: (N, D)}, classifiers {level: {"W": (D, K), "b": (K,)}}, labels (N,) from 0 to K - 1, pairs
(P, 2) row numbers, same (P,) booleans, weights (P,) or None. `verification` is one of the contrastive modules, or
triplet_hard; `identification` is softmax or softmax_smoothed.
"""

from types import ModuleType

import numpy as np

from minireid.layers import linear, unit_length
from minireid.losses import contrastive_squared, softmax


def init(rng: np.random.Generator, D: int, K: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """The classifier of one level: embeddings of D features, K persons."""
    return linear.init(rng, D, K, dtype=dtype)


def forward(
    embeddings,
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
    verification_length: float = 2.0,
    identification_length: float = 16.0,
):
    """embeddings, classifiers -> loss (a scalar), cache, whose "parts" are V and I of every level by name."""
    loss, parts, caches = 0.0, {}, {}
    for level, e in embeddings.items():
        u, u_cache = unit_length.forward(e)  # F1 (N, D)
        near, far = verification_length * u, identification_length * u
        V, V_cache = verification.forward(near, pairs=pairs, same=same, weights=weights, margin=margin)  # F2
        logits, linear_cache = linear.forward(far, classifiers[level])  # (N, K)
        I, I_cache = identification.forward(logits, labels=labels)  # F3
        loss = loss + verification_weight * V + identification_weight * I  # F4
        parts[f"{level} verification"], parts[f"{level} identification"] = V, I
        caches[level] = u_cache, V_cache, linear_cache, I_cache
    return loss, {
        "parts": parts,
        "caches": caches,
        "verification": verification,
        "identification": identification,
        "weights": (verification_weight, identification_weight),
        "lengths": (verification_length, identification_length),
    }


def backward(dloss, cache):
    """dloss, a scalar -> dembeddings {level: (N, D)}, grads of the classifiers."""
    verification_weight, identification_weight = cache["weights"]
    verification_length, identification_length = cache["lengths"]
    dembeddings, grads = {}, {}
    for level, (u_cache, V_cache, linear_cache, I_cache) in cache["caches"].items():
        dlogits = cache["identification"].backward(identification_weight * dloss, I_cache)  # F3
        dfar, grads[level] = linear.backward(dlogits, linear_cache)
        dnear = cache["verification"].backward(verification_weight * dloss, V_cache)  # F2
        du = identification_length * dfar + verification_length * dnear
        dembeddings[level] = unit_length.backward(du, u_cache)  # F1
    return dembeddings, grads

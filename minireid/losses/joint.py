"""What the Siamese networks minimise: who is the same as whom (verification) and who is who (identification).

    F1  V = contrastive loss over the pairs of clips
    F2  I = softmax cross-entropy over the clips, logits = linear(embedding)
    F3  loss = sum over levels of  verification_weight V + identification_weight I

(McLaughlin et al. 2016; at two levels, Wang et al. 2026.) McLaughlin's loss of one pair, V + I(clip 1) + I(clip 2),
is identification_weight = 2 here, because I is a mean over clips and a pair has two.

Shapes: embeddings {level: (N, D)}, classifiers {level: {"W": (D, K), "b": (K,)}}, labels (N,) from 0 to K - 1, pairs
(P, 2) row numbers, same (P,) booleans, weights (P,) or None. `verification` is one of the contrastive modules, or
triplet_hard; `identification` is softmax or softmax_smoothed.
"""

from types import ModuleType

import numpy as np

from minireid.layers import linear
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
):
    """embeddings, classifiers -> loss (a scalar), cache, whose "parts" are V and I of every level by name."""
    loss, parts, caches = 0.0, {}, {}
    for level, e in embeddings.items():
        V, V_cache = verification.forward(e, pairs=pairs, same=same, weights=weights, margin=margin)  # F1
        logits, linear_cache = linear.forward(e, classifiers[level])  # (N, K)
        I, I_cache = identification.forward(logits, labels=labels)  # F2
        loss = loss + verification_weight * V + identification_weight * I  # F3
        parts[f"{level} verification"], parts[f"{level} identification"] = V, I
        caches[level] = V_cache, linear_cache, I_cache
    return loss, {
        "parts": parts,
        "caches": caches,
        "verification": verification,
        "identification": identification,
        "weights": (verification_weight, identification_weight),
    }


def backward(dloss, cache):
    """dloss, a scalar -> dembeddings {level: (N, D)}, grads of the classifiers."""
    verification_weight, identification_weight = cache["weights"]
    dembeddings, grads = {}, {}
    for level, (V_cache, linear_cache, I_cache) in cache["caches"].items():
        dlogits = cache["identification"].backward(identification_weight * dloss, I_cache)  # F2
        de, grads[level] = linear.backward(dlogits, linear_cache)
        dembeddings[level] = de + cache["verification"].backward(verification_weight * dloss, V_cache)  # F1
    return dembeddings, grads

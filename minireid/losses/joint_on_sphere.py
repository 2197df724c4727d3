"""The joint loss on L2-normalised embeddings: V and I both see embeddings scaled to a fixed length.

    F1  u = embedding / |embedding|
    F2  V = contrastive loss over the pairs, of verification_length u
    F3  I = softmax cross-entropy over the clips, logits = linear(identification_length u)
    F4  loss = sum over levels of  verification_weight V + identification_weight I

Without F1 (minireid/losses/joint.py) a network can lower its loss by making embeddings longer, not only by turning
them. Face recognition uses this normalisation (NormFace, Wang et al. 2017). The evaluation should then compare
directions too (`evaluation.normalise` in the recipe). With length 2, distances lie between 0 and 4. A margin of 2 on
the distance (contrastive_squared, contrastive_linear) then corresponds to an angle of 60 degrees. A larger
identification_length lets a classifier become more certain.

Shapes and settings: as in joint.py, which computes F2 to F4.
"""

from typing import NamedTuple

from minireid.layers import unit_length
from minireid.losses import joint

init = joint.init


class Cache(NamedTuple):
    """parts: V and I of every level, by name. u: {level: the cache of F1}."""

    parts: dict
    u: dict
    joint: joint.Cache
    verification_length: float
    identification_length: float


def forward(
    embeddings, classifiers, *, verification_length: float = 2.0, identification_length: float = 16.0, **settings
):
    """embeddings, classifiers -> loss (a scalar), cache. settings: those of `joint.both_forward`."""
    compared, classified, u_caches = {}, {}, {}
    for level, e in embeddings.items():
        u, u_caches[level] = unit_length.forward(e)  # F1 (N, D)
        compared[level], classified[level] = verification_length * u, identification_length * u
    loss, cache = joint.both_forward(compared, classified, classifiers, **settings)  # F2, F3, F4
    return loss, Cache(cache.parts, u_caches, cache, verification_length, identification_length)


def backward(dloss, cache):
    """dloss, a scalar -> dembeddings {level: (N, D)}, grads of the classifiers."""
    dcompared, dclassified, grads = joint.both_backward(dloss, cache.joint)  # F4, F3, F2
    dembeddings = {}
    for level, u_cache in cache.u.items():
        du = cache.identification_length * dclassified[level] + cache.verification_length * dcompared[level]
        dembeddings[level] = unit_length.backward(du, u_cache)  # F1
    return dembeddings, grads

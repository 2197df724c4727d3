"""A learned similarity and binary cross-entropy over the pairs (Wu et al. 2016, "Deep RCN", eq. 5 and 6).

    F1  u[p] = v . (a b) - c                           for pair p = (i, j): a = x[i], b = x[j], a b element by element
    F2  s[p] = sigmoid(u[p])                           the probability that both are the same person
    F3  l[p] = -log s[p]                               where same[p]
        l[p] = -log(1 - s[p])                          elsewhere
    F4  loss = sum over levels and over the P pairs of  weights[p] l[p]       (eq. 6: weights 1; here 1/P if not given)

F2 and F3 together are a softplus, because log(1 + e^u) = -log(1 - s): l = softplus(-u) for a positive pair, softplus(u)
for a negative pair. In this form no probability is rounded to 0 or 1, and log(0) is never taken.

This is a similarity, not a distance: larger means more alike. v may weight features negatively, and a clip may even be
dissimilar to itself. So rank by `score`. u is enough for ranking, because the sigmoid keeps the order. Where the
sigmoid has saturated at 1, u still separates two candidates. The two cameras can be swapped: v . (a b) = v . (b a).

Shapes: embeddings {level: (N, D)}, heads {level: {"v": (D,), "c": ()}}, pairs (P, 2) row numbers, same (P,) booleans,
True for the same person, weights (P,) or None. The interface is that of joint.py, so this loss can replace it in
training. There is no classifier. So labels, and the settings of joint.py, are accepted and ignored. With u = 0
everywhere the loss is ln 2 = 0.69 for each level: pure chance.
"""

from typing import NamedTuple

import numpy as np

from minireid.layers import sigmoid
from minireid.losses.pair_weights import pair_weights


class Level(NamedTuple):
    """What one level keeps for backward: the pairs' embeddings a, b (P, D), u, weights w (P,), v (D,)."""

    a: np.ndarray
    b: np.ndarray
    u: np.ndarray
    w: np.ndarray
    v: np.ndarray
    shape: tuple[int, ...]


class Cache(NamedTuple):
    """parts: the loss of every level by name."""

    parts: dict[str, np.ndarray]
    levels: dict[str, Level]
    pairs: np.ndarray
    same: np.ndarray


def init(rng: np.random.Generator, D: int, K: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """{"v": (D,), "c": ()}: v = 1/sqrt(D) everywhere and c = 0. rng and K, the number of persons, are not used.

    The similarity then starts as an inner product: every feature that two clips share is evidence for the same person.
    The paper draws v from [-1, 1]. Then half of the features would be evidence against it, until their v changes
    sign. The sum of D products of unrelated features of size 1 has the size sqrt(D). The factor 1/sqrt(D) scales
    it to 1, where the sigmoid is steep.
    """
    return {"v": np.full(D, 1 / np.sqrt(D), dtype), "c": np.zeros((), dtype)}


def forward(embeddings, heads, *, labels, pairs, same, weights=None, **of_others):
    """embeddings, heads -> loss (a scalar), cache. cache.parts holds the loss of every level by name."""
    pairs, same = np.asarray(pairs), np.asarray(same)
    loss, parts, caches = 0.0, {}, {}
    for level, x in embeddings.items():
        a, b = x[pairs[:, 0]], x[pairs[:, 1]]  # (P, D)
        u = (a * b) @ heads[level]["v"] - heads[level]["c"]  # F1 (P,)
        l = softplus(np.where(same, -u, u))  # F2, F3 (P,)
        w = pair_weights(weights, u)
        parts[f"{level} verification"] = (w * l).sum()
        loss = loss + parts[f"{level} verification"]  # F4
        caches[level] = Level(a, b, u, w, heads[level]["v"], x.shape)
    return loss, Cache(parts, caches, pairs, same)


def softplus(u):
    """log(1 + e^u), element by element: u + log(1 + e^-u) where u > 0, so that nothing overflows."""
    positive = u.real > 0
    return np.where(positive, u, 0) + np.log1p(np.exp(np.where(positive, -u, u)))


# softplus' = sigmoid. So dl/du is s for a negative pair and -sigmoid(-u) = s - 1 for a positive pair: the probability
# minus its target, as in every cross-entropy. In F1 the derivative with respect to a is (v b), to b (v a), and to v
# (a b).


def backward(dloss, cache):
    """dloss, a scalar -> dembeddings {level: (N, D)}, grads of the heads."""
    dembeddings, grads = {}, {}
    for level, (a, b, u, w, v, shape) in cache.levels.items():
        s, _ = sigmoid.forward(u)
        du = dloss * w * (s - cache.same)  # F4, F3, F2 (P,)
        dx = np.zeros(shape, du.dtype)
        np.add.at(dx, cache.pairs[:, 0], du[:, None] * v * b)  # F1; add.at and not +=: a row may be in several pairs
        np.add.at(dx, cache.pairs[:, 1], du[:, None] * v * a)
        dembeddings[level] = dx
        grads[level] = {"v": du @ (a * b), "c": np.asarray(-du.sum())}
    return dembeddings, grads


def score(a, b, heads):
    """a (A, D), b (B, D), heads {level: {"v", "c"}} of one level -> u (A, B) of F1: larger means more alike.

    Raises ValueError for several levels: it is not clear which one should rank.
    """
    if len(heads) != 1:
        raise ValueError(f"similarity: expected the head of one level, got {sorted(heads)}")
    (head,) = heads.values()
    return (a * head["v"]) @ b.T - head["c"]

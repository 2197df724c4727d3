"""A learned similarity and binary cross-entropy over the pairs (Wu et al. 2016, "Deep RCN", eq. 5 and 6).

    F1  u[p] = v . (a b) - c                           for pair p = (i, j): a = x[i], b = x[j], a b element by element
    F2  s[p] = sigmoid(u[p])                           the probability that both are the same person
    F3  l[p] = -log s[p]                               where same[p]
        l[p] = -log(1 - s[p])                          elsewhere
    F4  loss = sum over levels and over the P pairs of  weights[p] l[p]       (eq. 6: weights 1; here 1/P if not given)

F2 and F3 together are a softplus, log(1 + e^u) = -log(1 - s): l = softplus(-u) for the same person, softplus(u) for
others. Computed like that no probability is ever rounded to 0 or 1, and no logarithm of 0 is taken.

It is a similarity, not a distance: larger means more alike, and v may weigh features negatively, or turn a clip away
from itself. So rank by `score`. u is enough for that: the sigmoid keeps the order, and where it has run into 1 u still
tells two candidates apart. It compares two cameras as one, v . (a b) = v . (b a).

Shapes: embeddings {level: (N, D)}, heads {level: {"v": (D,), "c": ()}}, pairs (P, 2) row numbers, same (P,) booleans,
True for the same person, weights (P,) or None. Same interface as joint.py, in whose place it trains; there is no
classifier, so labels, and whatever else joint.py is told, are taken and not used. With u = 0 everywhere the loss is
ln 2 = 0.69: that much is chance.
"""

import numpy as np

from minireid.layers import sigmoid


def init(rng: np.random.Generator, D: int, K: int, *, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """{"v": (D,), "c": ()}: v = 1/sqrt(D) everywhere and c = 0. rng and K, the number of persons, are not used.

    The similarity then starts as an inner product: every feature that two clips share speaks for one person. With the
    paper's draw from [-1, 1] half of the features would speak against it until v, or they, had changed sign. The sum
    of D products of unrelated features of size 1 has the size sqrt(D): 1/sqrt(D) brings it to 1, where the sigmoid is
    steep.
    """
    return {"v": np.full(D, 1 / np.sqrt(D), dtype), "c": np.zeros((), dtype)}


def forward(embeddings, heads, *, labels, pairs, same, weights=None, **of_others):
    """embeddings, heads -> loss (a scalar), cache, whose "parts" are the loss of every level by name."""
    pairs, same = np.asarray(pairs), np.asarray(same)
    loss, parts, caches = 0.0, {}, {}
    for level, x in embeddings.items():
        a, b = x[pairs[:, 0]], x[pairs[:, 1]]  # (P, D)
        u = (a * b) @ heads[level]["v"] - heads[level]["c"]  # F1 (P,)
        l = softplus(np.where(same, -u, u))  # F2, F3 (P,)
        w = np.full(len(u), 1 / len(u), u.dtype) if weights is None else np.asarray(weights, u.dtype)
        parts[f"{level} verification"] = (w * l).sum()
        loss = loss + parts[f"{level} verification"]  # F4
        caches[level] = {"a": a, "b": b, "u": u, "w": w, "v": heads[level]["v"], "shape": x.shape}
    return loss, {"parts": parts, "caches": caches, "pairs": pairs, "same": same}


def softplus(u):
    """log(1 + e^u), element by element: u + log(1 + e^-u) where u > 0, so that nothing overflows."""
    positive = u.real > 0
    return np.where(positive, u, 0) + np.log1p(np.exp(np.where(positive, -u, u)))


# softplus' = sigmoid. So dl/du = s for others and -sigmoid(-u) = s - 1 for the same person: how far the probability is
# from what it should be, as in every cross-entropy. In F1 the derivative by a is v b, by b it is v a, by v it is a b.


def backward(dloss, cache):
    """dloss, a scalar -> dembeddings {level: (N, D)}, grads of the heads."""
    pairs, same = cache["pairs"], cache["same"]
    dembeddings, grads = {}, {}
    for level, (a, b, u, w, v, shape) in ((level, of.values()) for level, of in cache["caches"].items()):
        s, _ = sigmoid.forward(u)
        du = dloss * w * (s - same)  # F4, F3, F2 (P,)
        dx = np.zeros(shape, du.dtype)
        np.add.at(dx, pairs[:, 0], du[:, None] * v * b)  # F1; add.at and not +=: a row may be in several pairs
        np.add.at(dx, pairs[:, 1], du[:, None] * v * a)
        dembeddings[level] = dx
        grads[level] = {"v": du @ (a * b), "c": np.asarray(-du.sum())}
    return dembeddings, grads


def score(a, b, heads):
    """a (A, D), b (B, D), heads {level: {"v", "c"}} of one level -> u (A, B) of F1: larger means more alike.

    Raises ValueError where there are several levels: which one should rank?
    """
    if len(heads) != 1:
        raise ValueError(f"similarity: expected the head of one level, got {sorted(heads)}")
    (head,) = heads.values()
    return (a * head["v"]) @ b.T - head["c"]

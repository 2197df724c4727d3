"""Re-ranking with k-reciprocal neighbours (Zhong et al. 2017): whom do probe and gallery entry both know?

Two pictures of one person have each other among their nearest, and have the same others near them. All probes and
gallery entries together are the Q = P + G points; i, j, q are points, and every point is its own nearest.

    F1  N(i, k) = i and its k nearest others
    F2  R(i, k) = {j in N(i, k): i in N(j, k)}                                         reciprocal neighbours
    F3  R*(i) = R(i, k1), and R(q, k1/2) of every q in R(i, k1) with |R(i, k1) & R(q, k1/2)| >= 2/3 |R(q, k1/2)|
    F4  V[i, j] = exp(-d[i, j]) for j in R*(i), else 0; every row divided by its sum
    F5  V[i] becomes the mean of V[q] over q in N(i, k2 - 1): i and its k2 - 1 nearest others       query expansion
    F6  dJ[i, j] = 1 - sum_q min(V[i, q], V[j, q]) / sum_q max(V[i, q], V[j, q])                    Jaccard distance
    F7  d*[i, j] = (1 - lambda) dJ[i, j] + lambda d[i, j],   k1 = 20, k2 = 6, lambda = 0.3 in the paper

d is the squared distance divided by the largest in its row: F4 and F7 need a scale, the paper leaves it open and its
public code does this. From that code too: the sum of a row of V being 1 (F4), k1/2 rounded to even, a point counted
among its own neighbours beside k others (F1) and as one of the k2 (F5). The code asks for more than 2/3 in F3; this
page has the paper's "at least".

Shapes: scores probe-gallery (P, G), probe-probe (P, P), gallery-gallery (G, G); N, R, V, d (Q, Q); result (P, G).

What goes wrong: k1 is meant for galleries where a person comes many times; where one comes once, most of 20 neighbours
are others, and at k1 near Q everybody is everybody's neighbour. k1 is clipped to Q - 1 and k2 to Q, which keeps small
galleries from failing but not from being pointless. The other probes are used too, so a probe's ranking depends on who
else is looked for: say so beside the number. Memory is a few Q x Q arrays of float64.
"""

import numpy as np

from minireid.base.errors import InputError


def rerank(
    probe_gallery: np.ndarray,
    probe_probe: np.ndarray,
    gallery_gallery: np.ndarray,
    *,
    k1: int = 20,
    k2: int = 6,
    share: float = 0.3,
) -> np.ndarray:
    """Scores that are minus distances: (P, G), (P, P), (G, G) -> (P, G), minus d* (F7). share is lambda.

    Raises ValueError where shapes or parameters do not fit, InputError for scores that are not finite.
    """
    P, G = probe_gallery.shape
    if probe_probe.shape != (P, P) or gallery_gallery.shape != (G, G):
        raise ValueError(f"rerank: expected scores {P, G}, {P, P}, {G, G}, got {probe_probe.shape} and others")
    if k1 < 1 or k2 < 1 or not 0 <= share <= 1:
        raise ValueError(f"rerank: expected k1, k2 >= 1 and a share from 0 to 1, got {k1}, {k2}, {share}")
    score = np.block([[probe_probe, probe_gallery], [probe_gallery.T, gallery_gallery]])
    if not np.isfinite(score).all():
        raise InputError("expected finite scores to re-rank, got NaN or infinity: the network has diverged")
    d = score * score
    d /= np.maximum(d.max(axis=1, keepdims=True), np.finfo(float).tiny)
    order = nearest(score)  # a slice of more than Q points is all Q: so are k1 and k2 clipped
    V = np.where(expanded(order, k1), np.exp(-d), 0)
    V /= V.sum(axis=1, keepdims=True)  # F4
    V = V[order[:, :k2]].mean(axis=1)  # F5
    return -((1 - share) * jaccard(V[:P], V[P:]) + share * d[:P, P:])  # F7


def nearest(score: np.ndarray) -> np.ndarray:
    """(Q, Q) -> every point's others, most alike first, itself before all; among equals the one that comes first."""
    score = score.copy()
    np.fill_diagonal(score, np.inf)
    return np.argsort(-score, axis=1, kind="stable")


def reciprocal(order: np.ndarray, k: int) -> np.ndarray:
    """R as booleans (Q, Q): [i, j] where j is in R(i, k)."""
    near = np.zeros(order.shape, bool)
    np.put_along_axis(near, order[:, : k + 1], True, axis=1)  # F1
    return near & near.T  # F2


def expanded(order: np.ndarray, k1: int) -> np.ndarray:
    """R* as booleans (Q, Q), F3."""
    R, half = reciprocal(order, k1), reciprocal(order, round(k1 / 2))
    shared = R.astype(np.float32) @ half.T.astype(np.float32)  # (i, q): how many R(i, k1) and R(q, k1/2) have in common
    joins = R & (3 * shared >= 2 * half.sum(axis=1))
    return R | (joins.astype(np.float32) @ half.astype(np.float32) > 0)


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """V of the probes (P, Q), of the gallery (G, Q) -> F6 (P, G). Each row's sum is 1, so sum max = 2 - sum min."""
    shared = np.empty((len(a), len(b)))
    for i, row in enumerate(a):  # all at once would need (P, G, Q)
        seen = row > 0  # the minimum is 0 elsewhere
        shared[i] = np.minimum(row[seen], b[:, seen]).sum(axis=1)
    return 1 - shared / (2 - shared)

"""Re-ranking with k-reciprocal neighbours (Zhong et al. 2017): do probe and gallery entry have the same neighbours?

Two pictures of one person are usually among each other's nearest neighbours, and have the same neighbours. All probes
and gallery entries together are the Q = P + G points; i, j, q are points. Every point is its own nearest neighbour.

    F1  N(i, k) = i and its k nearest others
    F2  R(i, k) = {j in N(i, k): i in N(j, k)}                                         reciprocal neighbours
    F3  R*(i) = R(i, k1), and R(q, k1/2) of every q in R(i, k1) with |R(i, k1) & R(q, k1/2)| >= 2/3 |R(q, k1/2)|
    F4  V[i, j] = exp(-d[i, j]) for j in R*(i), else 0; every row divided by its sum
    F5  V[i] becomes the mean of V[q] over q in N(i, k2 - 1): i and its k2 - 1 nearest others       query expansion
    F6  dJ[i, j] = 1 - sum_q min(V[i, q], V[j, q]) / sum_q max(V[i, q], V[j, q])                    Jaccard distance
    F7  d*[i, j] = (1 - lambda) dJ[i, j] + lambda d[i, j],   k1 = 20, k2 = 6, lambda = 0.3 in the paper

d is the squared distance divided by the largest in its row. (F4 and F7 need a scale. The paper leaves it open; its
public code does this.) Three more details are from that code. Each row of V has the sum 1 (F4). If k1 is odd, k1/2 is
rounded to the even neighbour. A point counts as its own neighbour, beside k others (F1) and as one of the k2 (F5). In
F3 the code asks for more than 2/3; this page follows the paper: "at least".

Shapes: scores probe-gallery (P, G), probe-probe (P, P), gallery-gallery (G, G); N, R, V, d (Q, Q); result (P, G).

What goes wrong: k1 = 20 is meant for galleries with many entries of each person. With one entry of each, most of the 20
neighbours are other persons. With k1 near Q, all points are neighbours. k1 is clipped to Q - 1 and k2 to Q, so small
galleries give a result, but not a useful one. A probe's ranking depends on the other probes too: say so when you report
the number. Memory is a few Q x Q arrays of float64.
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

    Raises ValueError if shapes or parameters do not fit, InputError for scores that are not finite.
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
    order = nearest(score)  # slices of it end at Q points, which clips k1 and k2
    V = np.where(expanded(order, k1), np.exp(-d), 0)
    V /= V.sum(axis=1, keepdims=True)  # F4
    V = V[order[:, :k2]].mean(axis=1)  # F5
    return -((1 - share) * jaccard(V[:P], V[P:]) + share * d[:P, P:])  # F7


def nearest(score: np.ndarray) -> np.ndarray:
    """Scores (Q, Q) -> for every point: itself, then all others, most alike first; ties keep their order."""
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
    shared = R.astype(np.float32) @ half.T.astype(np.float32)  # (i, q): |R(i, k1) & R(q, k1/2)|
    joins = R & (3 * shared >= 2 * half.sum(axis=1))
    return R | (joins.astype(np.float32) @ half.astype(np.float32) > 0)


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """V of the probes (P, Q), of the gallery (G, Q) -> F6 (P, G). Each row's sum is 1, so sum max = 2 - sum min."""
    shared = np.empty((len(a), len(b)))
    for i, row in enumerate(a):  # all at once would need (P, G, Q)
        seen = row > 0  # the minimum is 0 elsewhere
        shared[i] = np.minimum(row[seen], b[:, seen]).sum(axis=1)
    return 1 - shared / (2 - shared)

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

A row of V has Q entries, but only some dozens are not 0. So a row is kept as two short arrays, `Row(points, values)`,
and no Q x Q array is ever made: the scores are read in blocks of rows, and only the nearest points of each are kept.

Shapes: scores probe-gallery (P, G), probe-probe (P, P), gallery-gallery (G, G); near (Q, k1 + 1); result (P, G).

What goes wrong: k1 = 20 is meant for galleries with many entries of each person. With one entry of each, most of the 20
neighbours are other persons. With k1 near Q, all points are neighbours. k1 is clipped to Q - 1 and k2 to Q, so small
galleries give a result, but not a useful one. A probe's ranking depends on the other probes too: say so when you report
the number.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minireid.base.errors import InputError

AT_ONCE = 256  # rows of scores


class Row(NamedTuple):
    """A row of V without its zeros: V[i, points] = values."""

    points: np.ndarray
    values: np.ndarray


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
    scores = (probe_probe, probe_gallery, gallery_gallery)
    if not all(np.isfinite(some).all() for some in scores):
        raise InputError("expected finite scores to re-rank, got NaN or infinity: the network has diverged")
    near = np.concatenate([nearest(rows, start, max(k1 + 1, k2)) for start, rows in blocks(*scores)])
    neighbours = expanded(near, k1)
    V = [
        weights(points, row)
        for start, rows in blocks(*scores)
        for points, row in zip(neighbours[start : start + len(rows)], rows)
    ]
    V = [mean([V[q] for q in points], P + G) for points in near[:, :k2].tolist()]  # F5
    found = jaccard(V[:P], V[P:], P + G)
    for i, row in enumerate(found):
        d = probe_gallery[i] ** 2
        d /= max((probe_probe[i] ** 2).max(), d.max(), np.finfo(float).tiny)
        row[:] = -((1 - share) * row + share * d)  # F7
    return found


def blocks(
    probe_probe: np.ndarray, probe_gallery: np.ndarray, gallery_gallery: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """The scores of all points against all points, some rows at a time: (number of the first row, rows (B, Q))."""
    P = len(probe_probe)
    for parts in ((probe_probe, probe_gallery), (probe_gallery.T, gallery_gallery)):
        for start in range(0, len(parts[0]), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            yield (P if parts[1] is gallery_gallery else 0) + start, np.hstack([part[some] for part in parts])


def nearest(rows: np.ndarray, start: int, k: int) -> np.ndarray:
    """Scores (B, Q) of the points start, start + 1, ... -> (B, k): itself, then others, most alike first; of equals the
    first. k is clipped to Q."""
    k = min(k, rows.shape[1])
    found = np.empty((len(rows), k), np.int32)
    for i, row in enumerate(rows.copy()):
        row[start + i] = np.inf
        at_least = np.flatnonzero(row >= np.partition(row, -k)[-k])  # k points, or more where some are equal
        found[i] = at_least[np.argsort(-row[at_least], kind="stable")[:k]]
    return found


def reciprocal(near: np.ndarray, k: int) -> np.ndarray:
    """F2 as booleans (Q, k + 1): is point i among the neighbours N(j, k) of its neighbour j = near[i, n]?"""
    N = near[:, : k + 1]  # F1
    return np.stack([(N[j] == i).any(axis=1) for i, j in enumerate(N)])


def expanded(near: np.ndarray, k1: int) -> list[np.ndarray]:
    """R* of every point (F3), in the order of their numbers."""
    half = round(k1 / 2)
    R, R_half, N_half = reciprocal(near, k1), reciprocal(near, half), near[:, : half + 1]
    inside, found = np.zeros(len(near), bool), []
    for i in range(len(near)):
        points = near[i, : k1 + 1][R[i]]
        inside[:] = False
        inside[points] = True
        theirs, counts = N_half[points], R_half[points]  # of every q in R(i, k1): its neighbours, which are reciprocal
        shared = (inside[theirs] & counts).sum(axis=1)
        joins = 3 * shared >= 2 * counts.sum(axis=1)
        inside[theirs[joins][counts[joins]]] = True
        found.append(np.flatnonzero(inside))
    return found


def weights(points: np.ndarray, scores: np.ndarray) -> Row:
    """The row of V of one point (F4). scores (Q,): minus its distances to all points."""
    largest = max(np.abs(scores).max() ** 2, np.finfo(float).tiny)
    values = np.exp(-(scores[points] ** 2) / largest)
    return Row(points, values / values.sum())


def mean(rows: list[Row], Q: int) -> Row:
    """The mean of some rows of V (F5)."""
    points = np.concatenate([row.points for row in rows])
    summed = np.bincount(points, np.concatenate([row.values for row in rows]), minlength=Q)
    seen = np.flatnonzero(summed)
    return Row(seen, summed[seen] / len(rows))


def jaccard(probes: list[Row], gallery: list[Row], Q: int) -> np.ndarray:
    """F6 (P, G). Each row's sum is 1, so sum max = 2 - sum min. The minimum is 0 but where both rows are not."""
    entries = np.repeat(np.arange(len(gallery)), [len(row.points) for row in gallery])
    points = np.concatenate([row.points for row in gallery])
    values = np.concatenate([row.values for row in gallery])
    order = np.argsort(points, kind="stable")
    entries, values = entries[order], values[order]  # by point: which gallery entries have it, and how much of it
    ends = np.searchsorted(points[order], np.arange(Q + 1))
    shared = np.empty((len(probes), len(gallery)))
    for i, row in enumerate(probes):
        places = np.concatenate([np.arange(ends[q], ends[q + 1]) for q in row.points])
        mine = np.repeat(row.values, ends[row.points + 1] - ends[row.points])
        shared[i] = np.bincount(entries[places], np.minimum(mine, values[places]), minlength=len(gallery))
    return 1 - shared / (2 - shared)

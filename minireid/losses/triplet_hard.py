"""Triplet loss with the hardest triplet of every anchor in the batch (Hermans, Beyer, Leibe 2017, "batch hard").

    F1  dp[n] = the largest d[p] over the pairs p of row n that are the same person           its hardest positive
    F2  dn[n] = the smallest d[p] over the pairs p of row n that are not                      its hardest negative
    F3  loss = mean over the anchors n of  max(0, margin + dp[n] - dn[n])

It asks for an order and not for a distance: everybody who is somebody else should be further away, by the margin, than
everybody who is oneself. An anchor is a row that is in a pair of each kind at least, in either place of the pair.
Only two pairs of each anchor have a gradient: so it takes batches with several clips of each of several persons, in
all pairs. A batch without an anchor has nothing to say: loss 0.

Shapes: x (N, D) embeddings, pairs (P, 2) row numbers, same (P,) booleans, True for the same person; d (P,) is the
Euclidean distance, not squared. The interface is that of the contrastive losses, and `weights` are taken and not used:
the hardest pairs are chosen, and a choice has no weights. margin 0.3 is today's usual (Luo et al. 2019); a loss that
stays at the margin means that all embeddings have collapsed to one point.

Kinks: at the margin (0 is used), at d = 0 (0), and where two pairs are equally hard: the first of them gets it all.
"""

import numpy as np

from minireid.losses import pair_distance


def forward(x, *, pairs, same, weights=None, margin: float = 0.3):
    """x (N, D) -> loss (a scalar), cache."""
    pairs, same = np.asarray(pairs), np.asarray(same)
    d, distance_cache = pair_distance.forward(x, pairs=pairs)
    of_row = (pairs == np.arange(len(x))[:, None, None]).any(axis=2)  # (N, P): whether row n is in pair p
    anchors = (of_row & same).any(axis=1) & (of_row & ~same).any(axis=1)
    of_anchor = of_row[anchors]  # (A, P)
    if not len(of_anchor):
        nobody = np.zeros(0, int)
        return d.dtype.type(0), (d, d[nobody], nobody, nobody, distance_cache)
    hardest_positive = np.where(of_anchor & same, d.real, -np.inf).argmax(axis=1)  # F1, as a number of a pair
    hardest_negative = np.where(of_anchor & ~same, d.real, np.inf).argmin(axis=1)  # F2
    gap = margin + d[hardest_positive] - d[hardest_negative]  # (A,)
    loss = np.maximum(gap, 0).mean()  # F3
    return loss, (d, gap, hardest_positive, hardest_negative, distance_cache)


# Of the mean over A anchors each gets 1/A. Where the triplet is too close, dl/ddp = 1 and dl/ddn = -1: the hardest
# positive is pulled, the hardest negative pushed. One pair may be the hardest of several anchors (of both its rows, for
# one), so its derivative is a sum: add.at and not +=, which would keep the last only. How it goes on from d to x is in
# pair_distance.py. `dd` is the derivative by d.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, D)."""
    d, gap, hardest_positive, hardest_negative, distance_cache = cache
    dgap = (gap > 0).astype(d.dtype) * dloss / max(1, len(gap))  # F3 (A,)
    dd = np.zeros(len(d), dgap.dtype)
    np.add.at(dd, hardest_positive, dgap)  # F1
    np.add.at(dd, hardest_negative, -dgap)  # F2
    return pair_distance.backward(dd, distance_cache)

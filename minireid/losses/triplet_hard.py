"""Triplet loss with the hardest triplet of every anchor in the batch (Hermans, Beyer, Leibe 2017, "batch hard").

    F1  dp[n] = the largest d[p] over the positive pairs p of row n            its hardest positive
    F2  dn[n] = the smallest d[p] over the negative pairs p of row n           its hardest negative
    F3  loss = mean over the anchors n of  max(0, margin + dp[n] - dn[n])

The loss constrains the order of distances, not their values. Every negative should be further from the anchor than
every positive, by at least the margin. An anchor is a row that is in at least one positive and one negative pair, as
first or second of the pair. Only two pairs of each anchor have a gradient. A batch needs several clips of each of
several persons, all paired. A batch without an anchor has loss 0.

Shapes: x (N, D) embeddings, pairs (P, 2) row numbers, same (P,) booleans, True for the same person; d (P,) is the
Euclidean distance, not squared. The interface is that of the contrastive losses. `weights` is accepted and ignored,
because the loss only selects the hardest pairs. margin 0.3 is the usual choice today (Luo et al. 2019). A loss that
stays at the margin means that all embeddings have collapsed to one point.

Kinks: at the margin and at d = 0 the derivative is taken as 0. Of two equally hard pairs, the first gets the whole
gradient.
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
    hardest_positive = np.where(of_anchor & same, d.real, -np.inf).argmax(axis=1)  # F1, as the index of the pair
    hardest_negative = np.where(of_anchor & ~same, d.real, np.inf).argmin(axis=1)  # F2
    gap = margin + d[hardest_positive] - d[hardest_negative]  # (A,)
    loss = np.maximum(gap, 0).mean()  # F3
    return loss, (d, gap, hardest_positive, hardest_negative, distance_cache)


# The loss is a mean over A anchors, so each anchor gets 1/A. Where the triplet violates the margin, dl/ddp = 1 and
# dl/ddn = -1: the hardest positive is pulled, the hardest negative is pushed. One pair may be the hardest of several
# anchors (for example of both its rows), so its derivative is a sum. The code uses add.at and not +=, which would keep
# only the last term. The step from d to x is in pair_distance.py. `dd` is the derivative of the loss with respect to d.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, D)."""
    d, gap, hardest_positive, hardest_negative, distance_cache = cache
    dgap = (gap > 0).astype(d.dtype) * dloss / max(1, len(gap))  # F3 (A,)
    dd = np.zeros(len(d), dgap.dtype)
    np.add.at(dd, hardest_positive, dgap)  # F1
    np.add.at(dd, hardest_negative, -dgap)  # F2
    return pair_distance.backward(dd, distance_cache)

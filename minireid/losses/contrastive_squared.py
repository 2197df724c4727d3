"""Contrastive loss, the squared form (Hadsell, Chopra, LeCun 2006; as McLaughlin et al. 2016 print it).

    F1  l[p] = 1/2 d[p]^2                        where same[p]: pull together
        l[p] = 1/2 max(0, margin - d[p])^2       elsewhere: push apart, up to the margin
    F2  loss = sum over the P pairs of  weights[p] l[p]        weights 1/P, the mean, where none are given

Shapes: x (N, D) embeddings, pairs (P, 2) row numbers, same (P,) booleans, True for the same person, weights (P,);
d (P,) is the Euclidean distance. A loss that stays at margin^2 / 4 (with half of the pairs positive) means that all
embeddings have collapsed to one point.
"""

import numpy as np

from minireid.losses import pair_distance
from minireid.losses.pair_weights import pair_weights


def forward(x, *, pairs, same, weights=None, margin: float = 2.0):
    """x (N, D) -> loss (a scalar), cache."""
    d, distance_cache = pair_distance.forward(x, pairs=pairs)
    gap = np.maximum(margin - d, 0)  # (P,)
    weights = pair_weights(weights, d)  # (P,)
    loss = (weights * np.where(same, d * d, gap * gap) / 2).sum()  # F1, F2
    return loss, (d, gap, same, weights, distance_cache)


# dl/dd: d for a positive pair (twice as far apart, it is pulled twice as hard); -(margin - d) for a negative pair
# within the margin, 0 beyond. The 1/2 cancels the 2 of the square. The step from d to x is in pair_distance.py. `dd` is
# the derivative of the loss with respect to d.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, D)."""
    d, gap, same, weights, distance_cache = cache
    dd = np.where(same, d, -gap) * weights * dloss
    return pair_distance.backward(dd, distance_cache)

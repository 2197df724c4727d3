"""Contrastive loss, linear in the distance (the code of McLaughlin et al. 2016; eq. 3 of the unbiased-time RCNN paper).

    F1  l[p] = d[p]                        where same[p]: pull together
        l[p] = max(0, margin - d[p])       elsewhere: push apart, up to the margin
    F2  loss = sum over the P pairs of  weights[p] l[p]        weights 1/P, the mean, where none are given

Shapes: x (N, D) embeddings, pairs (P, 2) row numbers, same (P,) booleans, True for the same person, weights (P,); d
(P,) is the Euclidean distance, not squared, and there is no 1/2. A positive pair is pulled with the same strength at
every distance. So there is a kink at d = 0, where the gradient is taken as 0.
"""

import numpy as np

from minireid.losses import pair_distance
from minireid.losses.pair_weights import pair_weights


def forward(x, *, pairs, same, weights=None, margin: float = 2.0):
    """x (N, D) -> loss (a scalar), cache."""
    d, distance_cache = pair_distance.forward(x, pairs=pairs)
    gap = np.maximum(margin - d, 0)  # (P,)
    weights = pair_weights(weights, d)  # (P,)
    loss = (weights * np.where(same, d, gap)).sum()  # F1, F2
    return loss, (d, gap, same, weights, distance_cache)


# dl/dd: 1 for a positive pair, -1 for a negative pair within the margin, 0 beyond. The step from d to x is in
# pair_distance.py. `dd` is the derivative of the loss with respect to d.


def backward(dloss, cache):
    """dloss, a scalar -> dx (N, D)."""
    d, gap, same, weights, distance_cache = cache
    dd = np.where(same, 1, -(gap > 0).astype(d.dtype)) * weights * dloss
    return pair_distance.backward(dd, distance_cache)

"""KISSME, "keep it simple and straightforward" metric learning (Koestinger et al. 2012).

Is the difference d = x_i - x_j that of one person or of two? Both kinds are modelled as Gaussian with mean 0 and
covariances Sigma_same and Sigma_different. The log-likelihood ratio of two persons over one is, up to a constant,

    F1  log p_different(d) - log p_same(d) = 1/2 d^T [inv(Sigma_same) - inv(Sigma_different)] d

It decides best under this model, and it is half the squared distance d^T M d. M needs no iteration:

    F2  M = inv(shrunk(Sigma_same)) - inv(shrunk(Sigma_different))          shrunk: eigen.py
    F3  M = V diag(m) V^T;   M+ = V diag(max(m, 0)) V^T     eigenvalues m; M+ has none below 0: a distance
    F4  projection P = V diag(sqrt(m)) of the columns with m > 0, M+ = P P^T;   score(a, b) = -|P^T a - P^T b|

Shapes: x (N, D), persons, cameras (N,); Sigma_same, Sigma_different (D, D): means over all pairs across the cameras, of
one person and of two (samples.py); M (D, D); P (D, D'), D' the number of m > 0. F4 is the square root of the usual
distance: the order of a gallery is the same.

What goes wrong:
- Sigma_same has rank N - K at most for K persons. With few samples it is singular. With a few more, its small
  eigenvalues are far too small, and F2 gives large weights to directions that were hardly seen. Hence the shrinkage
  (eigen.py; Tao et al. 2016 regularise both covariances of KISSME for this reason). The caller also reduces by PCA
  first (evaluation/fitting.py; Wu et al. 2016: to 128 dimensions).
- In some directions of M one person varies more than two persons do. There m < 0, and a squared distance would be
  negative, so F3 drops them. If all m < 0, nothing is left: the embeddings do not tell persons apart.
- The metric is fitted to the network's own training persons. Their same-person differences are far smaller than those
  of new persons, so M overrates some directions. Fit to persons withheld from training.
"""

import numpy as np

from minireid.base.errors import InputError
from minireid.metric import eigen, pca, samples

Metric = dict[str, np.ndarray]


def fit(x: np.ndarray, persons: np.ndarray, cameras: np.ndarray, *, shrinkage: float = eigen.SHRINKAGE) -> Metric:
    """x (N, D), persons (N,), cameras (N,) -> mean, projection, M (after F3).

    Raises ValueError and InputError as `samples.checked` and `samples.pair_covariances`; InputError where a covariance
    is singular in spite of the shrinkage, and where no direction tells persons apart.
    """
    x, person, camera = samples.checked(x, persons, cameras)
    same, different = samples.pair_covariances(x, person, camera)
    try:
        M = np.linalg.inv(eigen.shrunk(same, shrinkage)) - np.linalg.inv(eigen.shrunk(different, shrinkage))  # F2
    except np.linalg.LinAlgError:
        raise InputError(eigen.SINGULAR) from None
    m, V = np.linalg.eigh((M + M.T) / 2)  # F3; an inverse is symmetric apart from rounding
    positive = m > 0
    if not positive.any():
        raise InputError("no direction has different persons further apart than one person: KISSME cannot be fitted")
    P = V[:, positive] * np.sqrt(m[positive])  # F4
    return {"mean": x.mean(axis=0), "projection": P, "M": P @ P.T}


def score(a: np.ndarray, b: np.ndarray, metric: Metric) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the distance (F4): larger means more alike."""
    return pca.score(a, b, metric)

"""Principal component analysis (Pearson 1901): the D' directions in which the samples vary most.

    F1  m = mean of x,  S = (x - m)^T (x - m) / (N - 1)
    F2  S w_k = v_k w_k,  v_1 >= v_2 >= ...                 W = [w_1 ... w_D'], orthonormal
    F3  project(x) = (x - m) W;  score(a, b) = -|project(a) - project(b)|

Shapes: x (N, D); m `mean` (D,), W `projection` (D, D'), v `variances` (D',). F2 is computed by the singular value
decomposition x - m = U diag(s) W^T, v = s^2 / (N - 1). S is never formed: that would square the condition number.

PCA does not use the persons. It drops directions with little variance. These are noise, but also differences between
persons if they vary little. Use it before LFDA and KISSME: their covariances need fewer dimensions than samples (Wu et
al. 2016 reduce to 128 first). D' is at most the rank of x - m: directions without variance are left out.
"""

import numpy as np

from minireid.base.errors import InputError
from minireid.metric import samples
from minireid.networks import euclidean

Metric = dict[str, np.ndarray]


def fit(x: np.ndarray, persons: np.ndarray, cameras: np.ndarray, *, dimensions: int = 128) -> Metric:
    """x (N, D) -> mean, projection, variances; persons (N,) and cameras (N,) are checked, not used.

    Raises ValueError and InputError as `samples.checked`, and InputError where all samples are equal.
    """
    x, _, _ = samples.checked(x, persons, cameras)
    if dimensions < 1:
        raise ValueError(f"pca: expected 1 or more dimensions, got {dimensions}")
    mean = x.mean(axis=0)
    _, s, Wt = np.linalg.svd(x - mean, full_matrices=False)
    rank = int((s > s[0] * max(x.shape) * np.finfo(float).eps).sum())
    kept = min(dimensions, rank)
    if kept == 0:
        raise InputError("all embeddings are equal: the network has collapsed, train it again")
    return {"mean": mean, "projection": Wt[:kept].T, "variances": s[:kept] ** 2 / (len(x) - 1)}  # F1, F2


def project(x: np.ndarray, metric: Metric) -> np.ndarray:
    """(N, D) -> (N, D'), where the distance is Euclidean. Works for every metric of this package."""
    return (np.asarray(x, np.float64) - metric["mean"]) @ metric["projection"]  # F3


def score(a: np.ndarray, b: np.ndarray, metric: Metric) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the distance: larger means more alike."""
    return euclidean.score(project(a, metric), project(b, metric))

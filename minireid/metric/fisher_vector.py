"""The improved Fisher vector of a set of frame descriptors (Perronnin, Sanchez & Mensink 2010).

A set of T descriptors becomes one vector: how would each component of a mixture (gmm.py) have to move and grow to fit
this set better? That is the gradient of the set's mean log p with respect to the means and the standard deviations
sigma, normalised by the Fisher information (here in its usual closed form):

    F1  u_tk = (x_t - m_k) / sigma_k                                                  sigma_k^2 = var_k
    F2  M_k = 1 / (T sqrt(w_k)) sum_t g_k(x_t) u_tk                                 = sigma_k / sqrt(w_k) dL/dm_k
    F3  S_k = 1 / (T sqrt(2 w_k)) sum_t g_k(x_t) (u_tk^2 - 1)                   = sigma_k / sqrt(2 w_k) dL/dsigma_k
    F4  v = [M_1 ... M_K, S_1 ... S_K],   v <- sign(v) sqrt|v|,   v <- v / |v|

with L = 1/T sum_t log p(x_t). Without the square root in F4, a few large entries would decide alone (sets with few
descriptors near a component give many zeros). Length 1 makes sets of any T comparable. The order of the frames does not
count: this is a temporal pool, like mean and max (Wu et al. 2016 compare the three).

Shapes: frames x (T, D), w (K,), m, sigma (K, D); u (T, K, D); M, S (K, D); v (2 K D,). The covariances are diagonal, so
PCA should decorrelate the dimensions first. What goes wrong: a set that the mixture fits exactly has v = 0, which stays
0. The mixture must be fitted to training persons, never to the persons who are compared.
"""

import numpy as np

from minireid.base.errors import InputError
from minireid.metric.gmm import Mixture, responsibilities


def encode(frames: np.ndarray, mixture: Mixture) -> np.ndarray:
    """frames (T, D), a mixture of K components -> (2 K D,) float64, of length 1.

    Raises ValueError where shapes do not fit, InputError for no frames or values that are not finite.
    """
    x = np.asarray(frames, np.float64)
    w, m = mixture["weights"], mixture["means"]
    if x.ndim != 2 or x.shape[1] != m.shape[1]:
        raise ValueError(f"fisher_vector: expected frames (T, {m.shape[1]}), got {x.shape}")
    if not len(x) or not np.isfinite(x).all():
        raise InputError(f"expected one or more finite frame descriptors, got {len(x)}: leave empty tracks out")
    _, g = responsibilities(x, mixture)
    u = (x[:, None] - m) / np.sqrt(mixture["variances"])  # F1 (T, K, D)
    M = np.einsum("tk,tkd->kd", g, u) / (len(x) * np.sqrt(w)[:, None])  # F2
    S = np.einsum("tk,tkd->kd", g, u * u - 1) / (len(x) * np.sqrt(2 * w)[:, None])  # F3
    v = np.concatenate([M.ravel(), S.ravel()])
    v = np.sign(v) * np.sqrt(np.abs(v))
    return v / max(np.linalg.norm(v), np.finfo(float).tiny)  # F4

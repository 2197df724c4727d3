"""Cross-view quadratic discriminant analysis (Liao et al. 2015): a subspace, and KISSME's metric within it.

    F1  Sigma_I, Sigma_E = covariances of intrapersonal and extrapersonal differences across the cameras (samples.py)
    F2  Sigma_I' = Sigma_I + regulariser s I,      s = mean of |x - mean(x)|^2
    F3  Sigma_E w = lambda Sigma_I' w,   w^T Sigma_I' w = 1;   W = [w_1 ... w_R], all with lambda > 1
    F4  M(W) = inv(W^T Sigma_I' W) - inv(W^T Sigma_E W)
    F5  score(a, b) = -sqrt((a - b)^T W M(W) W^T (a - b))

lambda is the variance along w of the differences between two persons, divided by that within one person. If it is not
above 1, the direction can only mislead. The vectors of F3 make both matrices diagonal: W^T Sigma_I' W = I and
W^T Sigma_E W = diag(lambda). So

    F6  M(W) = diag(1 - 1/lambda),   projection = W diag(sqrt(1 - 1/lambda)),   score(a, b) = -|projection^T (a - b)|

M(W) is positive definite: unlike KISSME's M, nothing has to be cut off. XQDA and KISSME are the same metric if every
lambda is above 1 and both are regularised alike (with W square, W W^T = inv(Sigma_I'), so W M(W) W^T = inv(Sigma_I') -
inv(Sigma_E)). Otherwise they differ, because XQDA drops the other directions before it inverts.

Shapes: x (N, D), persons, cameras (N,); Sigma_I, Sigma_E (D, D); W (D, R); `projection` (D, R), `eigenvalues` (R,).

F2: the authors add 0.001 I, for features of their own scale. Embeddings have any scale, and s makes the regulariser
independent of it. s is 1 for vectors of length 1 that are spread evenly over the directions. Without F2, Sigma_I is
singular if there are fewer samples than dimensions. Its empty directions would have an infinite lambda, and only they
would be kept. In F3 the paper's public code takes singular vectors of inv(Sigma_I') Sigma_E, which do not solve the
paper's eigenproblem; this page follows the paper. What else goes wrong: see kissme.py.
"""

import numpy as np

from minireid.base.errors import InputError
from minireid.metric import eigen, pca, samples

Metric = dict[str, np.ndarray]


def fit(
    x: np.ndarray, persons: np.ndarray, cameras: np.ndarray, *, dimensions: int | None = None, regulariser: float = 1e-3
) -> Metric:
    """x (N, D), persons (N,), cameras (N,) -> mean, projection, eigenvalues; at most `dimensions`, None: all.

    Raises ValueError and InputError as `samples.checked` and `samples.pair_covariances`; InputError where Sigma_I' is
    singular (regulariser 0), and where no lambda is above 1.
    """
    x, person, camera = samples.checked(x, persons, cameras)
    if regulariser < 0 or (dimensions is not None and dimensions < 1):
        raise ValueError(f"xqda: expected dimensions >= 1 and regulariser >= 0, got {dimensions}, {regulariser}")
    mean = x.mean(axis=0)
    same, different = samples.pair_covariances(x, person, camera)  # F1
    s = ((x - mean) ** 2).sum(axis=1).mean()
    values, W = eigen.generalised(different, same + regulariser * s * np.eye(len(same)))  # F2, F3
    kept = min(dimensions or len(values), int((values > 1).sum()))
    if kept == 0:
        raise InputError("no direction has different persons further apart than one person: XQDA cannot be fitted")
    weight = 1 - 1 / values[:kept]  # F6
    return {"mean": mean, "projection": W[:, :kept] * np.sqrt(weight), "eigenvalues": values[:kept]}


def score(a: np.ndarray, b: np.ndarray, metric: Metric) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the distance (F6): larger means more alike."""
    return pca.score(a, b, metric)

"""Local Fisher discriminant analysis (Sugiyama 2007; for re-identification Pedagadi et al. 2013).

Fisher's discriminant moves different persons apart, and the samples of each person together. The local form moves only
close samples of a person together. A person with two clusters (two poses) may keep two clusters, and no direction is
given up to join them.

    F1  sigma_i = distance from x_i to the k-th nearest other sample of its person         k = 7; all, if fewer
    F2  A[i, j] = exp(-|x_i - x_j|^2 / (sigma_i sigma_j))  for two samples of a person: local scaling
    F3  Sw = 1/2 sum_ij Ww[i, j] (x_i - x_j) (x_i - x_j)^T      Ww = A / n_c          within a person; 0 between two
    F4  Sb = 1/2 sum_ij Wb[i, j] (x_i - x_j) (x_i - x_j)^T      Wb = A (1/N - 1/n_c)  within a person; 1/N between two
    F5  Sb t = lambda shrunk(Sw) t,  t^T shrunk(Sw) t = 1,  the D' largest lambda
    F6  P = [sqrt(lambda_1) t_1 ... sqrt(lambda_D') t_D'];  score(a, b) = -|P^T a - P^T b|

Shapes: x (N, D), persons (N,), n_c samples of person c; sums are over ordered pairs i, j. A (N, N), but only the n_c x
n_c block of each person is computed; Sw, Sb (D, D); `projection` P (D, D'), `eigenvalues` (D',). With A = 1 this is
Fisher's discriminant. Cameras are not used.

How F3 and F4 are computed. With a symmetric weight W, 1/2 sum_ij W[i, j] (x_i - x_j) (x_i - x_j)^T is X^T (diag(W 1) -
W) X. Call it G_c for W = A within person c. Then Sw = sum_c G_c / n_c, and Sb is sum_c (1/N - 1/n_c) G_c plus 1/(2N)
times the scatter of all pairs of two persons, which samples.scatter computes without a loop over pairs.

What goes wrong:
- Sw has rank N - K at most for K persons. With few samples of each it is singular, hence the shrinkage (eigen.py).
- A track has more than k samples. The k nearest are then all of the same track, A is near 0 between the cameras, and
  LFDA keeps tracks together, not persons. Take few clips of each track: with 4 in each of two cameras, the 7th nearest
  is the farthest.
- Wb is negative within a person (1/N < 1/n_c), so Sb may have negative eigenvalues. Directions with lambda <= 0 are
  left out.
"""

import numpy as np

from minireid.base.errors import InputError
from minireid.metric import eigen, pca, samples

Metric = dict[str, np.ndarray]


def fit(
    x: np.ndarray,
    persons: np.ndarray,
    cameras: np.ndarray,
    *,
    dimensions: int | None = None,
    neighbours: int = 7,
    shrinkage: float = eigen.SHRINKAGE,
) -> Metric:
    """x (N, D), persons (N,), cameras (N,) -> mean, projection, eigenvalues; `dimensions` None: all there are.

    Raises ValueError and InputError as `samples.checked`; InputError where Sw is singular in spite of the shrinkage,
    and where no direction tells persons apart.
    """
    x, person, _ = samples.checked(x, persons, cameras)
    if neighbours < 1 or (dimensions is not None and dimensions < 1):
        raise ValueError(f"lfda: expected 1 or more dimensions and neighbours, got {dimensions}, {neighbours}")
    mean = x.mean(axis=0)
    Sw, Sb = scatters(x - mean, person, neighbours)
    values, T = eigen.generalised(Sb, eigen.shrunk(Sw, shrinkage))  # F5
    kept = min(dimensions or len(values), int((values > 0).sum()))
    if kept == 0:
        raise InputError("no direction has different persons further apart than one person: LFDA cannot be fitted")
    return {"mean": mean, "projection": T[:, :kept] * np.sqrt(values[:kept]), "eigenvalues": values[:kept]}  # F6


def scatters(x: np.ndarray, person: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """x (N, D), person (N,) numbers from 0 -> Sw (D, D), Sb (D, D)."""
    N, D = x.shape
    Sw, Sb = np.zeros((D, D)), np.zeros((D, D))
    for c in range(person.max() + 1):
        of_person = x[person == c]
        A = affinity(of_person, neighbours)
        G = of_person.T @ (np.diag(A.sum(axis=1)) - A) @ of_person
        Sw += G / len(of_person)  # F3
        Sb += G * (1 / N - 1 / len(of_person))  # F4, within a person
    of_all, _ = samples.scatter(x, np.zeros(N, int))
    within, _ = samples.scatter(x, person)
    return Sw, Sb + (of_all - within) / (2 * N)  # F4, between two


def affinity(x: np.ndarray, neighbours: int) -> np.ndarray:
    """The samples of one person (n, D) -> A (n, n). If a sigma is 0, A is 0: both samples are equal, or far apart."""
    squared = ((x[:, None] - x) ** 2).sum(axis=2)
    k = min(neighbours, len(x) - 1)
    sigma = np.sqrt(np.sort(squared, axis=1)[:, k])  # F1; place 0 is the sample itself
    scale = sigma[:, None] * sigma
    return np.where(scale > 0, np.exp(-squared / np.where(scale > 0, scale, 1)), 0)  # F2


def score(a: np.ndarray, b: np.ndarray, metric: Metric) -> np.ndarray:
    """a (A, D), b (B, D) -> (A, B), minus the distance (F6): larger means more alike."""
    return pca.score(a, b, metric)

"""The samples that a metric is fitted to, and the two covariances of their pairs.

    F1  scatter(c) = sum over all ordered pairs (i, j) with c[i] = c[j] of  (x_i - x_j) (x_i - x_j)^T
                   = 2 sum over the groups g of  (n_g sum_{i in g} x_i x_i^T - s_g s_g^T),  s_g = sum_{i in g} x_i
    F2  same       = [scatter(person) - scatter(person and camera)] / number of such pairs
    F3  different  = [scatter(all) - scatter(camera) - (the numerator of F2)] / number of such pairs

F2 is the mean over all pairs of one person in two cameras, F3 over all pairs of two persons in two cameras. Pairs
within a camera are left out, because a person is looked for in another camera. N samples make N^2 pairs, but F1 takes
only N D^2 operations: it sums over groups, and F2 and F3 subtract the pairs that do not count. Both covariances are
about 0: each pair occurs in both orders, so the mean difference is 0 (Koestinger et al. 2012; Liao et al. 2015).

Shapes: x (N, D) embeddings, persons (N,) and cameras (N,) their labels; covariances (D, D).
"""

import numpy as np

from minireid.base.errors import InputError


def checked(x: np.ndarray, persons: np.ndarray, cameras: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x as float64, persons and cameras as numbers from 0.

    Raises ValueError if shapes do not fit; InputError for values that are not finite, for fewer than two persons, and
    if no person has two samples.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or np.shape(persons) != (len(x),) or np.shape(cameras) != (len(x),):
        raise ValueError(
            f"metric: expected x (N, D) with N persons and cameras, got {x.shape}, {np.shape(persons)}, "
            f"{np.shape(cameras)}"
        )
    if not np.isfinite(x).all():
        raise InputError("expected finite embeddings, got NaN or infinity: the network has diverged, train it again")
    found, person = np.unique(persons, return_inverse=True)
    if len(found) < 2:
        raise InputError(f"expected embeddings of at least 2 persons to fit a metric to, got {len(found)}: add persons")
    if len(found) == len(x):
        raise InputError("expected a person with two embeddings to fit a metric to, every person has one: add some")
    return x, person, np.unique(cameras, return_inverse=True)[1]


def pair_covariances(x: np.ndarray, person: np.ndarray, camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Checked samples -> same (D, D) and different (D, D), the covariances of F2 and F3.

    Raises InputError if no pair of one person, or no pair of two persons, is from two cameras.
    """
    x = x - x.mean(axis=0)  # does not change differences; smaller sums in F1 lose fewer digits in F2 and F3
    one_group, both = np.zeros(len(x), int), person * (camera.max() + 1) + camera
    scatters = {"person": person, "both": both, "all": one_group, "camera": camera}
    sums, counts = zip(*(scatter(x, group) for group in scatters.values()))
    of_person, of_both, of_all, of_camera = sums
    n_same = counts[0] - counts[1]
    n_different = counts[2] - counts[3] - n_same
    if n_same == 0 or n_different == 0:
        raise InputError(
            "expected persons whom two cameras saw to fit a metric to, got none: pairs within a camera do not count"
        )
    same = of_person - of_both
    return same / n_same, (of_all - of_camera - same) / n_different  # F2, F3


def scatter(x: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, int]:
    """x (N, D), group (N,) -> F1 (D, D), and the number of its pairs (a sample with itself is one, and adds 0)."""
    found, column, n = np.unique(group, return_inverse=True, return_counts=True)
    s = np.zeros((len(found), x.shape[1]))
    np.add.at(s, column, x)
    return 2 * ((x * n[column, None]).T @ x - s.T @ s), int((n * n).sum())  # F1

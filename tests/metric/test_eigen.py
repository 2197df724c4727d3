import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric import eigen
from tests.metric.people import NO_SCIPY


def test_shrinkage_moves_eigenvalues_towards_their_mean_and_turns_nothing(rng):
    x = rng.normal(size=(9, 5))
    S = x.T @ x
    before, V = np.linalg.eigh(S)
    np.testing.assert_allclose(eigen.shrunk(S, 0.3), V @ np.diag(0.7 * before + 0.3 * before.mean()) @ V.T, atol=1e-12)
    np.testing.assert_array_equal(eigen.shrunk(S, 0.0), S)
    with pytest.raises(ValueError, match="from 0 to 1"):
        eigen.shrunk(S, 1.5)


def test_generalised_against_scipy(rng):
    linalg = pytest.importorskip("scipy.linalg", reason=NO_SCIPY)
    A, x = rng.normal(size=(6, 6)), rng.normal(size=(9, 6))
    A, B = A + A.T, x.T @ x
    values, T = eigen.generalised(A, B)
    expected, vectors = linalg.eigh(A, B)
    np.testing.assert_allclose(values, expected[::-1], rtol=1e-9)
    np.testing.assert_allclose(abs(T), abs(vectors[:, ::-1]), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(T.T @ B @ T, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(A @ T, B @ T * values, atol=1e-9)


def test_a_singular_matrix_is_named():
    with pytest.raises(InputError, match="raise the shrinkage"):
        eigen.generalised(np.eye(3), np.zeros((3, 3)))

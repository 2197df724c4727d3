"""The Fisher vector against numerical derivatives of the log-likelihood, which it is defined by."""

import math

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.metric import gmm
from minireid.metric.fisher_vector import encode


def mixture_of(rng: np.random.Generator, K: int = 3, D: int = 2) -> gmm.Mixture:
    w = rng.uniform(0.5, 1.5, K)
    return {"weights": w / w.sum(), "means": rng.normal(size=(K, D)), "variances": rng.uniform(0.3, 2, (K, D))}


def mean_log_p(frames: np.ndarray, w, m, sigma) -> float:
    """Term by term, in plain Python."""
    total = 0.0
    for x in frames:
        p = 0.0
        for k in range(len(w)):
            density = 1.0
            for d in range(len(x)):
                z = (x[d] - m[k, d]) / sigma[k, d]
                density *= math.exp(-z * z / 2) / (math.sqrt(2 * math.pi) * sigma[k, d])
            p += w[k] * density
        total += math.log(p)
    return total / len(frames)


@pytest.mark.parametrize("T", [1, 7])
def test_is_the_gradient_in_units_of_its_spread(rng, T):
    mixture, frames = mixture_of(rng), rng.normal(size=(T, 2))
    w, m, sigma = mixture["weights"], mixture["means"], np.sqrt(mixture["variances"])
    expected = []
    for scale, which in ((1.0, m), (2.0, sigma)):
        for k in range(3):
            for d in range(2):
                ends = []
                for step in (1e-5, -1e-5):
                    kept = which[k, d]
                    which[k, d] += step
                    ends.append(mean_log_p(frames, w, m, sigma))
                    which[k, d] = kept
                expected.append((ends[0] - ends[1]) / 2e-5 * sigma[k, d] / math.sqrt(scale * w[k]))
    expected = np.sign(expected) * np.sqrt(np.abs(expected))
    np.testing.assert_allclose(encode(frames, mixture), expected / np.linalg.norm(expected), rtol=1e-5, atol=1e-7)


def test_a_set_not_a_sequence(rng):
    mixture, frames = mixture_of(rng), rng.normal(size=(9, 2))
    v = encode(frames.astype(np.float32), mixture)
    assert v.shape == (12,) and v.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(v), 1)
    np.testing.assert_allclose(encode(frames[::-1], mixture), v, rtol=1e-5)
    np.testing.assert_allclose(encode(np.tile(frames, (3, 1)), mixture), v, rtol=1e-5)


def test_one_component_by_hand():
    """Frames at 1 and 3 against a Gaussian at 1 with deviation 2: u = 0, 1; M = 1/2, S = (-1 + 0) / 2 / sqrt(2)."""
    mixture = {"weights": np.array([1.0]), "means": np.array([[1.0]]), "variances": np.array([[4.0]])}
    M, S = np.sqrt(0.5), -np.sqrt(0.5 / np.sqrt(2))
    expected = np.array([M, S]) / np.hypot(M, S)
    np.testing.assert_allclose(encode(np.array([[1.0], [3.0]]), mixture), expected)


def test_a_set_that_fits_exactly_is_zero():
    mixture = {"weights": np.array([1.0]), "means": np.array([[0.0]]), "variances": np.array([[1.0]])}
    np.testing.assert_array_equal(encode(np.array([[1.0], [-1.0]]), mixture), [0, 0])


def test_bad_frames(rng):
    mixture = mixture_of(rng)
    with pytest.raises(InputError, match="one or more"):
        encode(np.zeros((0, 2)), mixture)
    with pytest.raises(InputError, match="finite"):
        encode(np.full((2, 2), np.inf), mixture)
    with pytest.raises(ValueError, match=r"\(T, 2\)"):
        encode(np.zeros((4, 3)), mixture)

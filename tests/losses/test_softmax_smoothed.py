import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.losses import softmax, softmax_smoothed
from tests.judges import assert_complex_step, assert_manners

CASES = [((5, 7), [3, 0, 6, 3, 5]), ((1, 3), [2]), ((3, 1), [0, 0, 0]), ((2, 11), [10, 0])]


@pytest.mark.parametrize("smoothing", [0.1, 0.0, 0.6])
@pytest.mark.parametrize(("shape", "labels"), CASES, ids=str)
def test_derivatives(shape, labels, smoothing, rng):
    config = {"labels": np.array(labels), "smoothing": smoothing}
    assert_gradients(softmax_smoothed.forward, softmax_smoothed.backward, rng.normal(size=shape), **config)


@pytest.mark.parametrize("smoothing", [0.1, 0.0, 0.6])
@pytest.mark.parametrize(("shape", "labels"), CASES, ids=str)
def test_against_pytorch(shape, labels, smoothing, rng, judge):
    config = {"labels": labels, "smoothing": smoothing}
    x = 3 * rng.normal(size=shape)
    judge.assert_same(softmax_smoothed.forward, softmax_smoothed.backward, judge.softmax_smoothed, x, **config)


def test_by_hand():
    """Probabilities 1/6, 2/6, 3/6, label 2, smoothing 0.3: the target is 0.1, 0.1, 0.8."""
    x = np.log(np.array([[1.0, 2, 3]]))
    loss, cache = softmax_smoothed.forward(x, labels=[2], smoothing=0.3)
    np.testing.assert_allclose(loss, 0.1 * math.log(6) + 0.1 * math.log(3) + 0.8 * math.log(2), rtol=1e-14)
    np.testing.assert_allclose(softmax_smoothed.backward(30.0, cache), [[2, 7, -9]], rtol=1e-13)


def test_the_default_is_a_tenth(rng):
    x = rng.normal(size=(2, 3))
    loss, _ = softmax_smoothed.forward(x, labels=[0, 2])
    assert loss == softmax_smoothed.forward(x, labels=[0, 2], smoothing=0.1)[0]
    assert loss != softmax.forward(x, labels=[0, 2])[0]


def test_without_smoothing_it_is_the_plain_loss(rng):
    x = rng.normal(size=(5, 7))
    (loss, cache), (plain, plain_cache) = (
        softmax_smoothed.forward(x, labels=CASES[0][1], smoothing=0.0),
        softmax.forward(x, labels=CASES[0][1]),
    )
    np.testing.assert_allclose(loss, plain, rtol=1e-14)
    np.testing.assert_allclose(
        softmax_smoothed.backward(1.0, cache), softmax.backward(1.0, plain_cache), rtol=1e-13, atol=1e-16
    )


@pytest.mark.parametrize("K", [2, 7, 100])
def test_equal_logits_cost_ln_K(K):
    loss, _ = softmax_smoothed.forward(np.full((3, K), -3.0), labels=[0, 1, K - 1])
    np.testing.assert_allclose(loss, math.log(K), rtol=1e-14)


@pytest.mark.parametrize(("K", "smoothing"), [(2, 0.1), (7, 0.3), (100, 0.1)])
def test_the_best_lead_is_finite_and_costs_the_entropy_of_the_target(K, smoothing):
    x = np.zeros((1, K))
    x[0, 1] = math.log(1 + K * (1 - smoothing) / smoothing)
    loss, cache = softmax_smoothed.forward(x, labels=[1], smoothing=smoothing)
    q = np.full(K, smoothing / K)
    q[1] += 1 - smoothing
    np.testing.assert_allclose(loss, -(q * np.log(q)).sum(), rtol=1e-13)
    np.testing.assert_allclose(softmax_smoothed.backward(1.0, cache), 0, atol=1e-15)
    x[0, 1] += 1
    assert softmax_smoothed.forward(x, labels=[1], smoothing=smoothing)[0] > loss


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_1e4_do_not_overflow(dtype):
    x = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -2e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, cache = softmax_smoothed.forward(x, labels=[1, 1])
        dx = softmax_smoothed.backward(2.0, cache)
    assert np.isfinite(loss) and loss.dtype == dx.dtype == dtype
    np.testing.assert_allclose(dx, [[29 / 30, -28 / 30, -1 / 30], [14 / 30, -13 / 30, -1 / 30]], rtol=1e-4)


@pytest.mark.parametrize("labels", [[0, 3], [0, 4], [-1, 0], [0], [0, 1, 2], [[0, 1]]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match="softmax_smoothed: expected 2 labels from 0 to 2"):
        softmax_smoothed.forward(np.zeros((2, 3)), labels=labels)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2.0, np.nan])
def test_smoothing_that_is_none_is_refused(smoothing):
    with pytest.raises(ValueError, match=r"smoothing must lie in \[0, 1\), got"):
        softmax_smoothed.forward(np.zeros((2, 3)), labels=[0, 1], smoothing=smoothing)


def test_manners(rng):
    config = {"labels": lambda: [3, 0, 6, 3, 5], "smoothing": lambda: 0.2}
    assert_manners(softmax_smoothed.forward, softmax_smoothed.backward, rng.normal(size=(5, 7)), **config)


def test_complex_step(rng):
    x = rng.normal(size=(5, 7))
    assert_complex_step(softmax_smoothed.forward, softmax_smoothed.backward, x, labels=[3, 0, 6, 3, 5])

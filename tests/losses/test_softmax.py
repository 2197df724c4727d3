import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.losses import softmax
from tests.judges import assert_complex_step, assert_manners

CASES = [((5, 7), [3, 0, 6, 3, 5]), ((1, 3), [2]), ((3, 1), [0, 0, 0]), ((2, 11), [10, 0])]


@pytest.mark.parametrize(("shape", "labels"), CASES, ids=str)
def test_derivatives(shape, labels, rng):
    assert_gradients(softmax.forward, softmax.backward, rng.normal(size=shape), labels=np.array(labels))


@pytest.mark.parametrize(("shape", "labels"), CASES, ids=str)
def test_against_pytorch(shape, labels, rng, judge):
    judge.assert_same(softmax.forward, softmax.backward, judge.softmax, 3 * rng.normal(size=shape), labels=labels)


@pytest.mark.parametrize("K", [2, 7, 100])
def test_equal_logits_cost_ln_K(K):
    for level in (0.0, -3.0):
        loss, _ = softmax.forward(np.full((3, K), level), labels=[0, 1, K - 1])
        np.testing.assert_allclose(loss, math.log(K), rtol=1e-15)


def test_by_hand():
    """Probabilities 1/6, 2/6, 3/6: the loss of label 2 is ln 2, and dx is the probabilities minus one at the label."""
    x = np.log(np.array([[1.0, 2, 3], [1, 2, 3]]))
    loss, cache = softmax.forward(x, labels=[2, 0])
    np.testing.assert_allclose(loss, (math.log(2) + math.log(6)) / 2, rtol=1e-15)
    dx = softmax.backward(12.0, cache)
    np.testing.assert_allclose(dx, [[1, 2, -3], [-5, 2, 3]], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_1e4_do_not_overflow(dtype):
    x = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -2e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, cache = softmax.forward(x, labels=[1, 1])
        dx = softmax.backward(2.0, cache)
    np.testing.assert_allclose(loss, (1e4 + math.log(2)) / 2, rtol=1e-6)
    np.testing.assert_allclose(dx, [[1, -1, 0], [0.5, -0.5, 0]], rtol=1e-6)


def test_a_shift_of_all_logits_changes_nothing_and_rows_of_the_gradient_sum_to_zero(rng):
    x = rng.normal(size=(5, 7))
    loss, cache = softmax.forward(x, labels=[3, 0, 6, 3, 5])
    shifted, _ = softmax.forward(x + 50, labels=[3, 0, 6, 3, 5])
    np.testing.assert_allclose(shifted, loss, rtol=1e-13)
    np.testing.assert_allclose(softmax.backward(1.0, cache).sum(axis=1), 0, atol=1e-16)


@pytest.mark.parametrize("labels", [[0, 3], [0, 4], [-1, 0], [0], [0, 1, 2], [[0, 1]]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match="2 labels from 0 to 2"):
        softmax.forward(np.zeros((2, 3)), labels=labels)


def test_manners(rng):
    assert_manners(softmax.forward, softmax.backward, rng.normal(size=(5, 7)), labels=lambda: [3, 0, 6, 3, 5])


def test_complex_step(rng):
    assert_complex_step(softmax.forward, softmax.backward, rng.normal(size=(5, 7)), labels=[3, 0, 6, 3, 5])

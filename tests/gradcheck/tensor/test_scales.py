"""A right function that breaks down at large inputs gets a note; one that has to grow does not, nor does a page."""

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cases.pages import COMPILED, OTHER, Sizes, page_cases


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x)
    y = e / e.sum(axis=1, keepdims=True)
    return y, y


def stable_softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y, y


def softmax_backward(dy, y):
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def tanh_of_exp(x):
    y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
    return y, y


SIGNS = np.array([[1.0, -1], [1, 1], [-1, 1], [1, -1], [1, 1]])
UNSTABLE = {
    "softmax": (softmax, softmax_backward, "NaN at inputs of the size 1000 (forward gives NaN after an overflow"),
    "log sigmoid": (
        lambda x: (np.log(sigmoid(x)), x),
        lambda dy, x: dy * sigmoid(-x),
        "infinity at inputs of the size 1000 (forward gives infinity after an overflow)",
    ),
    "softplus": (
        lambda x: (np.log(1 + np.exp(x)), x),
        lambda dy, x: dy * sigmoid(x),
        "infinity at inputs of the size 1000 (forward gives infinity after an overflow)",
    ),
    "sigmoid's backward": (
        lambda x: (sigmoid(x), x),
        lambda dy, x: dy * np.exp(-x) / (1 + np.exp(-x)) ** 2,
        "NaN at inputs of the size 1000 (backward gives NaN after an overflow)",
    ),
    "tanh of exp": (
        tanh_of_exp,
        lambda dy, y: dy * (1 - y * y),
        "NaN at inputs of the size 1000 (forward gives NaN after an overflow",
    ),
    "saturated": (
        lambda x: (np.log(1 - np.tanh(x) ** 2), x),
        lambda dy, x: -2 * dy * np.tanh(x),
        "infinity at inputs of the size 10 (forward gives infinity after a division by zero (or log 0))",
    ),
}
STABLE = {
    "stable softmax": (stable_softmax, softmax_backward),
    "sigmoid": (lambda x: (sigmoid(x), x), lambda dy, x: dy * sigmoid(x) * sigmoid(-x)),
    "exp has to grow": (lambda x: (np.exp(x), x), lambda dy, x: dy * np.exp(x)),
    "a difference of exp": (lambda x: (np.exp(x) @ SIGNS, x), lambda dy, x: dy @ SIGNS.T * np.exp(x)),
    "cosh": (lambda x: (np.cosh(x), x), lambda dy, x: dy * np.sinh(x)),
    "ninth power": (lambda x: (x**9, x), lambda dy, x: 9 * dy * x**8),
    "a high power": (lambda x: ((x / 2) ** 200, x), lambda dy, x: 100 * dy * (x / 2) ** 199),
    "1/x": (lambda x: (1 / x, x), lambda dy, x: -dy / x**2),
    "zeros": (lambda x: (np.exp(0 * x) + x, x), lambda dy, x: dy),
}


@pytest.mark.parametrize(("forward", "backward", "says"), UNSTABLE.values(), ids=UNSTABLE)
def test_where_it_breaks_down_is_a_note(forward, backward, says, rng):
    report = check(forward, backward, rng.normal(size=(3, 5)))
    assert report.ok and [note for note in report.notes if f"right, but not stable: {says}" in note], report.notes
    assert says in str(report)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("forward", "backward"), STABLE.values(), ids=STABLE)
def test_what_has_to_grow_or_is_stable_gets_no_note(forward, backward, rng):
    report = check(forward, backward, rng.normal(size=(3, 5)))
    assert report.ok and not report.notes, str(report)


def test_where_the_function_has_no_value_it_need_not_give_one(rng):
    p = rng.uniform(0.1, 0.9, size=(3, 5))
    cross_entropy = lambda p: (-np.log(1 - p) - np.log(p), p)  # noqa: E731
    assert not check(cross_entropy, lambda dy, p: dy * (1 / (1 - p) - 1 / p), p).notes
    assert not check(lambda p: (np.arcsin(p), p), lambda dy, p: dy / np.sqrt(1 - p * p), p).notes


def test_a_function_that_refuses_large_numbers_is_left_in_peace(rng):
    def forward(x):
        assert np.abs(x).max() < 50
        return np.exp(x) / np.exp(x).sum(), x

    def backward(dy, x):
        y = np.exp(x) / np.exp(x).sum()
        return y * (dy - (dy * y).sum())

    report = check(forward, backward, rng.normal(size=(3, 5)))
    assert report.ok and not report.notes


def test_where_the_loss_is_infinite_the_gradients_may_be_nan():
    """Cross entropy of an unstable softmax: an overflow beside the label makes the loss infinite."""
    labels = np.array([0, 1, 2])

    def forward(x):
        _, p = softmax(x)
        return -np.log(p[range(3), labels]).mean(), p

    def backward(dloss, p):
        return dloss * (p - np.eye(5)[labels]) / 3

    x = np.array([[-1.0, 1.0, 0.3, 0.1, -0.4]] * 3) + np.eye(3, 5, 1) - np.eye(3, 5)
    (note,) = check(forward, backward, x).notes
    assert note.startswith("right, but not stable: NaN at inputs of the size 1000 (forward gives infinity after an")


def test_of_a_wrong_function_nothing_is_said(rng):
    report = check(softmax, lambda dy, y: y * dy, rng.normal(size=(3, 5)), diagnosis=False)
    assert not report.ok and not report.notes


@pytest.mark.parametrize("sizes", [Sizes(), OTHER], ids=["usual", "other"])
def test_no_page_gets_a_note(sizes):
    """Not on stability, and none of the others either."""
    for case in page_cases(np.random.default_rng(0), sizes):
        if case.name not in (*COMPILED, "conv2d/loops"):
            report = check(case.forward, case.backward, *case.arrays, diagnosis=False, **case.config)
            assert report.ok and not report.notes and not report.unchecked, str(report)

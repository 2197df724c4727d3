"""Losses that return their gradients in the same call."""

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.gradcheck import check_loss
from tests.gradcheck.planting import line_of, module

PAGE = '''
import numpy as np


def softmax_loss(x, y):
    """CS231n."""
    shifted = x - x.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    N = x.shape[0]
    loss = -logs[np.arange(N), y].mean()
    dx = np.exp(logs)
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def svm_loss(W, X, y, reg):
    scores = X @ W
    N = X.shape[0]
    margins = np.maximum(0, scores - scores[np.arange(N), y][:, None] + 1)
    margins[np.arange(N), y] = 0
    loss = margins.sum() / N + reg * (W * W).sum()
    mask = (margins > 0).astype(float)
    mask[np.arange(N), y] = -mask.sum(axis=1)
    dW = X.T @ mask / N + 2 * reg * W
    return loss, dW


def regression(params, X, y):
    e = X @ params["W"] + params["b"] - y
    return (e * e).mean(), {"W": 2 * X.T @ e / e.size, "b": 2 * e.sum(axis=0) / e.size}


def regression_in_order(X, y, W, b):
    e = X @ W + b - y
    return (e * e).mean(), {"dW": 2 * X.T @ e / e.size, "db": 2 * e.sum(axis=0) / e.size}


def three(x, w, b):
    return (x @ w + b).sum(), np.ones((len(x), w.shape[1])) @ w.T, x.T @ np.ones((len(x), w.shape[1])), len(x) + 0 * b
'''
rng = np.random.default_rng(5)
X, W, B, Y = rng.normal(size=(3, 5)), rng.normal(size=(5, 7)), rng.normal(size=7), np.array([1, 0, 4])
T = rng.normal(size=(3, 7))


def verdicts(report) -> dict[str, bool]:
    assert not report.faults, report.faults
    return {tensor.name: tensor.ok for tensor in report.tensors}


def test_a_loss_of_cs231n():
    page = module(PAGE)
    report = check_loss(page.softmax_loss, X, Y)
    assert verdicts(report) == {"x": True} and report.name == "softmax_loss"
    wrong = module(PAGE.replace("    dx /= N\n", ""))
    assert verdicts(check_loss(wrong.softmax_loss, X, Y)) == {"x": False}


def test_the_wrong_line_of_a_loss_is_found():
    wrong = module(PAGE.replace("dx[np.arange(N), y] -= 1", "dx[np.arange(N), y] += 1"))
    report = check_loss(wrong.softmax_loss, X, Y)
    assert not report.ok and report.line and report.line.number == line_of(wrong, "y] += 1")


def test_an_argument_without_a_gradient_is_unchecked_and_not_right():
    report = check_loss(module(PAGE).svm_loss, W, X, Y, 0.1)
    assert verdicts(report) == {"W": True} and report.ok
    assert "UNCHECKED: X: svm_loss returns no gradient for it" in str(report)
    wrong = module(PAGE.replace("+ 2 * reg * W", "+ reg * W"))
    assert verdicts(check_loss(wrong.svm_loss, W, X, Y, 0.1)) == {"W": False}


@pytest.mark.parametrize("targets", [T, T > 0], ids=["floats", "booleans"])
def test_parameters_first(targets):
    report = check_loss(module(PAGE).regression, {"W": W, "b": B}, X, targets * 1.0)
    assert verdicts(report) == {"params.W": True, "params.b": True}
    wrong = module(PAGE.replace('"b": 2 * e', '"b": e'))
    assert verdicts(check_loss(wrong.regression, {"W": W, "b": B}, X, T)) == {"params.W": True, "params.b": False}


def test_parameters_last_and_named():
    report = check_loss(module(PAGE).regression_in_order, X, T, W, B)
    assert verdicts(report) == {"W": True, "b": True} and report.notes == [
        "UNCHECKED: X: regression_in_order returns no gradient for it"
    ]


def test_several_gradients_behind_the_loss():
    assert verdicts(check_loss(module(PAGE).three, X, W, B)) == {"x": True, "w": True, "b": True}
    wrong = module(PAGE.replace("len(x) + 0 * b", "1 + 0 * b"))
    assert verdicts(check_loss(wrong.three, X, W, B)) == {"x": True, "w": True, "b": False}


def test_a_missing_key_among_others_is_a_fault():
    wrong = module(
        PAGE.replace(', "b": 2 * e.sum(axis=0) / e.size}\n\n\ndef regression_in', "}\n\n\ndef regression_in")
    )
    report = check_loss(wrong.regression, {"W": W, "b": B}, X, T)
    assert report.faults == ["backward returns no gradient for params.b"]


class Net:
    """CS231n's two layers, in small."""

    def __init__(self, factor=1.0):
        self.factor = factor
        draw = np.random.default_rng(1).normal
        self.params = {"W1": draw(size=(5, 4)), "b1": draw(size=4), "W2": draw(size=(4, 6)), "b2": np.zeros(6)}

    def loss(self, X, y=None):
        p = self.params
        h = np.tanh(X @ p["W1"] + p["b1"])
        scores = h @ p["W2"] + p["b2"]
        if y is None:
            return scores
        loss, d = module(PAGE).softmax_loss(scores, y)
        dh = d @ p["W2"].T * (1 - h * h)
        return loss, {"W1": X.T @ dh, "b1": dh.sum(0), "W2": self.factor * h.T @ d, "b2": d.sum(0)}


def test_a_network_with_params_and_loss():
    assert verdicts(check_loss(Net(), X, Y)) == {f"self.params.{name}": True for name in ("W1", "b1", "W2", "b2")}
    report = check_loss(Net(2.0), X, Y)
    assert report.name.endswith("Net") and [name for name, ok in verdicts(report).items() if not ok] == [
        "self.params.W2"
    ]


class Forgetful(Net):
    def loss(self, X, y):
        loss, grads = super().loss(X, y)
        del grads["b1"]
        return loss, grads


def test_a_network_that_forgets_a_parameter():
    report = check_loss(Forgetful(), X, Y)
    assert "self.params.b1" not in verdicts(report) and "UNCHECKED: self.params.b1" in str(report)


class Scratch(Net):
    """Deep learning from scratch: net.loss(x, t), net.gradient(x, t)."""

    def loss(self, X, y):
        return super().loss(X, y)[0]

    def gradient(self, X, y):
        return Net.loss(self, X, y)[1]


def test_a_network_whose_gradients_are_another_method():
    assert verdicts(check_loss(Scratch(), X, Y)) == {f"self.params.{name}": True for name in ("W1", "b1", "W2", "b2")}
    assert not check_loss(Scratch(2.0), X, Y).ok


REFUSED = {
    "no gradients": (
        lambda x: (x * x).sum(),
        (X,),
        "check_loss needs a function that returns (loss, gradients); <lambda> returns float64",
    ),
    "no float": (lambda x: (x, x), (X,), "returns an array of the shape (3, 5) as its loss"),
    "no function": (3, (X,), "got a int"),
}


@pytest.mark.parametrize(("loss", "given", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_loss_is_one_line(loss, given, says):
    with pytest.raises(InputError) as fault:
        check_loss(loss, *given)
    assert says in str(fault.value) and "\n" not in str(fault.value)

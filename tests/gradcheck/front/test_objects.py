"""Layers as classes, in the styles of courses and books."""

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.gradcheck import assert_gradients, check, check_loss

rng = np.random.default_rng(6)
X = rng.normal(size=(3, 5))


def verdicts(report) -> dict[str, bool]:
    assert not report.faults, report.faults
    return {tensor.name: tensor.ok for tensor in report.tensors}


class Linear:
    """CMU 11-785: W (out, in), b (out, 1), both zero at first."""

    def __init__(self, n_in, n_out, wrong=1.0):
        self.W, self.b, self.wrong = np.zeros((n_out, n_in)), np.zeros((n_out, 1)), wrong

    def forward(self, A):
        self.A, self.N = A, A.shape[0]
        return A @ self.W.T + np.ones((self.N, 1)) @ self.b.T

    def backward(self, dLdZ):
        self.dLdW = self.wrong * dLdZ.T @ self.A
        self.dLdb = dLdZ.T @ np.ones((self.N, 1))
        return dLdZ @ self.W


class ReLU:
    def forward(self, Z):
        self.A = np.maximum(0, Z)
        return self.A

    def backward(self, dLdA):
        return dLdA * (self.A > 0)


class MLP:
    """CMU's network: objects in a list."""

    def __init__(self, wrong=1.0):
        self.layers = [Linear(5, 4), ReLU(), Linear(4, 3, wrong)]

    def forward(self, A):
        for layer in self.layers:
            A = layer.forward(A)
        return A

    def backward(self, d):
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return d


class Affine:
    """Self-made: dicts of parameters and gradients that are added up; __call__ in place of forward."""

    def __init__(self, wrong=1.0):
        draw = np.random.default_rng(2).normal
        self.params = {"W": draw(size=(5, 7)), "b": draw(size=7)}
        self.grads = {name: np.zeros_like(value) for name, value in self.params.items()}
        self.wrong = wrong

    def __call__(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"] += self.wrong * self.x.T @ dy
        self.grads["b"] += dy.sum(axis=0)
        return dy @ self.params["W"].T


def style(gradient_w, gradient_b, w="weights", b="bias"):
    """A class with these names of attributes."""

    class Dense:
        def __init__(self, wrong=1.0):
            draw = np.random.default_rng(2).normal
            setattr(self, w, draw(size=(5, 7)))
            setattr(self, b, draw(size=7))
            self.wrong = wrong

        def forward(self, x):
            self.x = x
            return x @ getattr(self, w) + getattr(self, b)

        def backward(self, grad):
            setattr(self, gradient_w, self.wrong * self.x.T @ grad)
            setattr(self, gradient_b, grad.sum(axis=0))
            return grad @ getattr(self, w).T

    return Dense


class InLists:
    """Deep learning from scratch: self.params = [W, b], self.grads = [dW, db]."""

    def __init__(self, wrong=1.0):
        draw = np.random.default_rng(2).normal
        self.params = [draw(size=(5, 7)), draw(size=7)]
        self.grads = [np.zeros_like(p) for p in self.params]
        self.wrong = wrong

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dout):
        self.grads[0][...] = self.wrong * self.x.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return dout @ self.params[0].T


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, np.zeros_like(data)


class WithParameters:
    """self.W.data and self.W.grad."""

    def __init__(self, wrong=1.0):
        draw = np.random.default_rng(2).normal
        self.W, self.b, self.wrong = Parameter(draw(size=(5, 7))), Parameter(draw(size=7)), wrong
        self.parameters = [self.W, self.b]

    def forward(self, x):
        self.x = x
        return x @ self.W.data + self.b.data

    def backward(self, dy):
        self.W.grad += self.wrong * self.x.T @ dy
        self.b.grad += dy.sum(axis=0)
        return dy @ self.W.data.T


class Returning(Affine):
    """backward returns dx, dW, db."""

    def backward(self, dy):
        return dy @ self.params["W"].T, self.wrong * self.x.T @ dy, dy.sum(axis=0)


STYLES = {
    "CMU": (lambda wrong=1.0: Linear(5, 7, wrong), "self.W"),
    "objects in a list": (MLP, "self.layers.2.W"),
    "params and grads": (Affine, "self.params.W"),
    "grad_weights": (style("grad_weights", "grad_bias"), "self.weights"),
    "weights_gradient": (style("weights_gradient", "bias_gradient"), "self.weights"),
    "dweights": (style("dweights", "dbias"), "self.weights"),
    "dw": (style("dw", "db"), "self.weights"),
    "dW": (style("dW", "db", "W", "b"), "self.W"),
    "W_grad": (style("W_grad", "b_grad", "W", "b"), "self.W"),
    "_dW": (style("grad_W", "grad_b", "_W", "_b"), "self._W"),
    "lists": (InLists, "self.params.0"),
    "W.data, W.grad": (WithParameters, "self.W.data"),
    "returned": (Returning, "self.params.W"),
}


@pytest.mark.parametrize(("make", "guilty"), STYLES.values(), ids=STYLES)
def test_parameters_are_found_with_their_gradients(make, guilty):
    right = check(make(), X)
    assert right.ok and len(right.tensors) >= 3 and not any("UNCHECKED" in note for note in right.notes), str(right)
    report = check(make(2.0), X)
    assert [name for name, ok in verdicts(report).items() if not ok] == [guilty], str(report)


def test_the_name_is_the_classes_and_the_object_is_left_alone():
    layer = Linear(5, 7)
    report = check(layer, X)
    assert report.name == "test_objects.Linear" and not np.any(layer.W) and not hasattr(layer, "dLdW")
    assert "self.W, self.b: all entries are equal, so other numbers were drawn" in str(report)


def test_two_methods_of_one_object_are_the_object():
    layer = Linear(5, 7, 2.0)
    assert verdicts(check(layer.forward, layer.backward, X)) == {"A": True, "self.W": False, "self.b": True}
    assert_gradients(Linear(5, 7), X)


def test_an_object_that_was_used_before_is_checked_like_a_new_one():
    layer = Affine()
    layer(X)
    layer.backward(np.ones((3, 7)))
    report = check(layer, X)
    assert report.ok and "was not zero before backward" in str(report)


class Rate(Affine):
    """backward(dy, lr) makes the step itself."""

    def backward(self, output_gradient, learning_rate):
        W = self.params["W"].copy()
        self.params["W"] -= learning_rate * self.wrong * self.x.T @ output_gradient
        self.params["b"] -= learning_rate * output_gradient.sum(axis=0)
        return output_gradient @ W.T


class StepFirst(Affine):
    """A well-known mistake: the gradient by x is computed with the new W."""

    def backward(self, output_gradient, learning_rate):
        self.params["W"] -= learning_rate * self.x.T @ output_gradient
        self.params["b"] -= learning_rate * output_gradient.sum(axis=0)
        return output_gradient @ self.params["W"].T


def test_a_backward_that_makes_the_step_itself():
    assert verdicts(check(Rate(), X)) == {"x": True, "self.params.W": True, "self.params.b": True}
    assert verdicts(check(Rate(2.0), X)) == {"x": True, "self.params.W": False, "self.params.b": True}
    report = check(StepFirst(), X)
    assert report.faults == ["backward is not linear in the upstream gradient"]
    assert [tensor.name for tensor in report.tensors if not tensor.ok] == ["x"]


class TakesX(Affine):
    def backward(self, x, dy):
        return Affine.backward(self, dy)


class TakesXLast(Affine):
    def backward(self, dout, inputs):
        return Affine.backward(self, dout)


class TakesCache(Affine):
    def forward(self, x):
        return Affine.__call__(self, x), (x,)

    def backward(self, dy, cache):
        (self.x,) = cache
        return Affine.backward(self, dy)


@pytest.mark.parametrize("kind", [TakesX, TakesXLast, TakesCache])
def test_what_else_backward_may_take(kind):
    assert list(verdicts(check(kind(), X)).values()) == [True, True, True]
    assert list(verdicts(check(kind(2.0), X)).values()) == [True, False, True]


class LeavingBehind:
    """Neural networks from scratch: forward and backward return nothing, self.output and self.dinputs are set."""

    def __init__(self, wrong=1.0):
        draw = np.random.default_rng(2).normal
        self.weights, self.biases, self.wrong = draw(size=(5, 7)), np.zeros((1, 7)), wrong
        self.weight_momentums = np.zeros((5, 7))

    def forward(self, inputs, training=True):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.wrong * self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


def test_results_that_are_left_in_attributes():
    assert verdicts(check(LeavingBehind(), X)) == {"inputs": True, "self.weights": True, "self.biases": True}
    assert verdicts(check(LeavingBehind(2.0), X)) == {"inputs": True, "self.weights": False, "self.biases": True}


class Cell:
    """CMU's RNNCell: backward takes the state, and what the forward had."""

    def __init__(self, wrong=1.0):
        draw = np.random.default_rng(2).normal
        self.W_ih, self.W_hh, self.wrong = draw(size=(6, 5)), draw(size=(6, 6)), wrong
        self.dW_ih, self.dW_hh = np.zeros((6, 5)), np.zeros((6, 6))

    def forward(self, x, h_prev_t):
        return np.tanh(x @ self.W_ih.T + h_prev_t @ self.W_hh.T)

    def backward(self, delta, h_t, h_prev_l, h_prev_t):
        dz = delta * (1 - h_t**2)
        self.dW_ih += self.wrong * dz.T @ h_prev_l
        self.dW_hh += dz.T @ h_prev_t
        return dz @ self.W_ih, dz @ self.W_hh


def test_a_cell_that_is_given_everything_again():
    h = rng.normal(size=(3, 6))
    assert list(verdicts(check(Cell(), X, h)).values()) == [True] * 4
    assert [name for name, ok in verdicts(check(Cell(2.0), X, h)).items() if not ok] == ["self.W_ih"]


class Mul:
    """minitorch: a context, and static methods."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, d):
        a, b = ctx.saved_values
        return d * b, d * a


class WrongMul(Mul):
    @staticmethod
    def backward(ctx, d):
        a, _ = ctx.saved_tensors
        return d * a, d * a


@pytest.mark.parametrize(("a", "b"), [(X, X + 1), (1.5, 2.5)], ids=["arrays", "numbers"])
def test_functions_with_a_context(a, b):
    assert verdicts(check(Mul, a, b)) == verdicts(check(Mul.forward, Mul.backward, a, b)) == {"a": True, "b": True}
    report = check(WrongMul, a, b)
    assert verdicts(report) == {"a": False, "b": True}


class Slots(Linear):
    __slots__ = ("U", "gU")

    def __init__(self):
        super().__init__(5, 7)
        self.U = np.ones(7) * 2.0

    def forward(self, A):
        self.plain = super().forward(A)
        return self.plain * self.U

    def backward(self, dLdZ):
        self.gU = (dLdZ * self.plain).sum(axis=0)
        return super().backward(dLdZ * self.U)


def test_slots_are_attributes_too():
    assert verdicts(check(Slots(), X)) == {"A": True, "self.W": True, "self.b": True, "self.U": True}


class Unclear(Affine):
    def backward(self, a, b):
        return a


def test_what_cannot_be_told_apart_is_one_line():
    with pytest.raises(InputError, match=r"Unclear.backward\(a, b\): cannot tell which") as fault:
        check(Unclear(), X)
    assert "\n" not in str(fault.value)


class MSE:
    """CMU's criterion: backward takes nothing."""

    def __init__(self, wrong=1.0):
        self.wrong = wrong

    def forward(self, A, Y):
        self.A, self.Y = A, Y
        return ((A - Y) ** 2).mean()

    def backward(self):
        return self.wrong * 2 * (self.A - self.Y) / self.A.size


def test_a_criterion_whose_backward_takes_nothing():
    targets = (X > 0).astype(int)
    assert verdicts(check(MSE(), X, targets)) == {"A": True} and not check(MSE(2.0), X, targets).ok
    with pytest.raises(InputError, match="must return one float, a loss"):
        check(type("Odd", (MSE,), {"forward": lambda self, A, Y: A})(), X, targets)


class Embedding:
    def __init__(self, wrong=1.0):
        self.W, self.wrong = np.random.default_rng(2).normal(size=(6, 4)), wrong

    def forward(self, ids):
        self.ids = ids
        return self.W[ids]

    def backward(self, dy):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.ids, self.wrong * dy)


def test_a_layer_of_integers():
    ids = np.array([[1, 1], [5, 0]])
    assert verdicts(check(Embedding(), ids)) == {"self.W": True} and not check(Embedding(2.0), ids).ok


class Halfway(Linear):
    def __init__(self):
        super().__init__(5, 7)
        self.scale = np.ones(7) * 1.5
        self.running_mean = np.zeros(7)

    def forward(self, A):
        return super().forward(A) * self.scale

    def backward(self, dLdZ):
        return super().backward(dLdZ * self.scale)


def test_a_parameter_without_a_gradient_is_unchecked():
    report = check(Halfway(), X)
    assert report.ok and "self.scale" not in verdicts(report)
    assert "UNCHECKED: self.scale: no gradient of it was found (expected an attribute such as self.dscale)" in str(
        report
    )
    assert "UNCHECKED" in report.text(hints=0) and "running_mean" not in str(report)


class Holding:
    """A layer in a layer."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, A):
        return self.inner.forward(A)

    def backward(self, dLdZ):
        return self.inner.backward(dLdZ)


@pytest.mark.parametrize(("floors", "checked"), [(8, True), (12, False)])
def test_what_lies_deep_is_checked_or_said_to_be_unchecked(floors, checked):
    layer = Linear(5, 7)
    for _ in range(floors):
        layer = Holding(layer)
    report = check(layer, X)
    assert any(name.endswith(".W") for name in verdicts(report)) == checked
    assert ("steps deep. Check the part that holds it by itself" in report.text(hints=0)) != checked


class Shared(Linear):
    """The same array under two names, and a network with the layers in a dict of parameters."""

    def __init__(self):
        super().__init__(5, 7)
        self.params = {"W": self.W, "b": self.b}


def test_one_array_under_two_names_is_one_parameter():
    assert verdicts(check(Shared(), X)) == {"A": True, "self.W": True, "self.b": True}


class Raising(Linear):
    def backward(self, dLdZ):
        return dLdZ @ self.W.T


def test_what_a_method_raises_is_reported_with_its_line():
    report = check(Raising(5, 7), X)
    assert "Raising.backward raises ValueError" in report.faults[0] and "return dLdZ @ self.W.T" in report.faults[0]


REFUSED = {
    "a class": (Linear, "Linear is a class: make an object of it first, check(Linear(...), x)"),
    "no backward": (type("Half", (), {"forward": lambda self, x: x})(), "got a Half without backward"),
    "a number": (3, "got a int without forward and backward"),
}


@pytest.mark.parametrize(("thing", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_layer_is_one_line(thing, says):
    with pytest.raises(InputError) as fault:
        check(thing, X)
    assert says in str(fault.value) and "\n" not in str(fault.value)


def test_a_layer_is_no_network():
    with pytest.raises(InputError, match=r"Use check\(net, x\)"):
        check_loss(Linear(5, 7), X)

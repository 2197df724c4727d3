"""Losses in one call, losses whose backward takes nothing, gradients that an object keeps: what is a gradient there?"""

import numpy as np
import pytest

from minireid.gradcheck import check, check_loss
from minireid.gradcheck.cause.causes import Cause
from tests.gradcheck.planting import changed, fixed, line_of, module

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 5)), RNG.normal(size=(2, 5))
SIZES = [3, 6, 4, 2]
PARAMS = {f"W{n}": RNG.normal(size=(SIZES[n], SIZES[n - 1])) for n in (1, 2, 3)}
PARAMS |= {f"b{n}": RNG.normal(size=(SIZES[n], 1)) for n in (1, 2, 3)}

NET = """
    import numpy as np

    def layer(a, W, b, last):
        z = W @ a + b
        out = z if last else np.tanh(z)
        return out, {"a": a, "z": z, "out": out, "last": last}

    def layer_back(dout, kept):
        if kept["last"]:
            return dout
        t = kept["out"]
        return dout * (1 - t ** 2)

    def loss(params, x, y):
        depth = len(params) // 2
        kept = {}
        a = x
        for n in range(1, depth + 1):
            a, kept[n] = layer(a, params["W" + str(n)], params["b" + str(n)], n == depth)
        diff = a - y
        value = 0.5 * np.sum(diff ** 2) / y.shape[1]
        grads = {}
        da = diff / y.shape[1]
        for n in range(depth, 0, -1):
            dz = layer_back(da, kept[n])
            grads["dW" + str(n)] = dz @ kept[n]["a"].T
            grads["db" + str(n)] = np.sum(dz, axis=1, keepdims=True)
            da = params["W" + str(n)].T @ dz
        return value, grads
"""


REGULARISED = """
    import numpy as np

    def affine(x, w, b):
        return x @ w + b, (x, w)

    def affine_backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)

    def square(a):
        return a * a, a

    def square_backward(dout, a):
        return 2 * dout * a

    class Net:
        def __init__(self):
            rng = np.random.default_rng(0)
            sizes = {"W1": (4, 5), "b1": 5, "W2": (5, 6), "b2": 6, "W3": (6, 7), "b3": 7}
            self.params = {name: rng.normal(size=size) for name, size in sizes.items()}

        def loss(self, X):
            p, caches, h = self.params, {}, 0.5 * X
            for n in (1, 2):
                a, fc = affine(h, p[f"W{n}"], p[f"b{n}"])
                h, sq = square(a)
                caches[n] = fc, sq
            y, last = affine(h, p["W3"], p["b3"])
            grads = {}
            dh, grads["W3"], grads["b3"] = affine_backward(np.cos(y), last)
            grads["W3"] += 0.1 * p["W3"]
            for n in (2, 1):
                fc, sq = caches[n]
                da = square_backward(dh, sq)
                dh, grads[f"W{n}"], grads[f"b{n}"] = affine_backward(da, fc)
            return np.sum(np.sin(y)) + 0.05 * np.sum(p["W3"] ** 2), grads
"""


def test_a_helper_is_not_blamed_for_what_is_added_to_its_result_later():
    assert check_loss(module(REGULARISED).Net(), X[:, :4]).ok
    page = changed(module(REGULARISED), ("return 2 * dout * a", "return dout * a"))
    report = check_loss(page.Net(), X[:, :4])
    assert [f.line.number for f in report.findings] == [line_of(page, "return dout * a")]
    assert "2" in report.causes[0].fix


@pytest.mark.parametrize("changes", [
    [('t = kept["out"]', 't = kept["z"]')],
    [('kept[n]["a"].T', 'kept[n]["a"].T / x.shape[1]')],
    [('t = kept["out"]', 't = kept["z"]'), ("np.sum(dz, axis=1, keepdims=True)", "np.mean(dz, axis=1, keepdims=True)")],
])  # fmt: skip
def test_in_one_call_the_forward_and_what_it_keeps_are_not_blamed(changes):
    page = changed(module(NET), *changes)
    report = check_loss(page.loss, PARAMS, x=X, y=Y)
    assert {f.line.number for f in report.findings} == {line_of(page, wrong) for _, wrong in changes}
    assert check_loss(fixed(page, report).loss, PARAMS, x=X, y=Y).ok


CONTRASTIVE = """
    import numpy as np

    class Contrastive:
        def __init__(self, margin=2.0):
            self.margin = margin

        def forward(self, one, two, other):
            self.near, self.far = one - two, one - other
            self.gap = np.maximum(0, self.margin - np.abs(self.far))
            return (np.sum(self.near ** 2) + np.sum(self.gap ** 2)) / len(one)

        def backward(self):
            c = 2 / len(self.near)
            push = c * self.gap * np.sign(self.far)
            d_two = -c * self.near
            d_one = -d_two - push
            return d_one, d_two, push
"""


@pytest.mark.parametrize(("right", "wrong"), [
    ("d_two = -c * self.near", "d_two = -c * self.near / 2"),
    ("d_one = -d_two - push", "d_one = -d_two + push"),
])  # fmt: skip
def test_a_loss_that_takes_no_upstream_gradient_is_judged_in_its_own_units(right, wrong):
    page = changed(module(CONTRASTIVE), (right, wrong))
    arrays = [RNG.normal(size=(4, 3)) for _ in range(3)]
    report = check(page.Contrastive(), *arrays)
    (finding,) = report.findings
    assert finding.line.number == line_of(page, wrong)
    assert np.isclose(finding.line.true, report.arrays[finding.line.variable.replace("d_", "")][1][finding.line.index])
    assert check(fixed(page, report).Contrastive(), *arrays).ok


SCAN = """
    import numpy as np

    class Scan:
        def __init__(self, n, m):
            rng = np.random.RandomState(0)
            self.U, self.V = rng.randn(n, m), rng.randn(m, m)

        def forward(self, x):
            self.x, self.states = x, [np.zeros((x.shape[1], self.V.shape[0]))]
            for t in range(len(x)):
                self.states.append(np.tanh(x[t] @ self.U + self.states[-1] @ self.V))
            return self.states[-1]

        def backward(self, dout):
            self.gU, self.gV = np.zeros_like(self.U), np.zeros_like(self.V)
            dx = np.zeros_like(self.x)
            for t in range(len(self.x) - 1, -1, -1):
                da = dout * (1 - self.states[t + 1] ** 2)
                self.gU += self.x[t].T @ da
                self.gV += self.states[t].T @ da
                dx[t] = da @ self.U.T
                dout = da @ self.V.T
            return dx
"""


@pytest.mark.parametrize(("right", "wrong", "cause"), [
    ("self.gU += self.x[t].T @ da", "self.gU = self.x[t].T @ da", Cause.ASSIGNS),
    ("self.gV += self.states[t].T @ da", "self.gV = self.states[t].T @ da", Cause.ASSIGNS),
    ("self.states[t].T @ da", "self.states[t + 1].T @ da", Cause.STEP),
])  # fmt: skip
def test_the_line_of_a_gradient_that_the_object_keeps_is_found(right, wrong, cause):
    page = changed(module(SCAN), (right, wrong))
    x = RNG.normal(size=(4, 3, 2))
    report = check(page.Scan(2, 3), x)
    (finding,) = report.findings
    assert finding.line.number == line_of(page, wrong) and finding.causes[0].cause is cause
    assert check(fixed(page, report).Scan(2, 3), x).ok


STACK = """
    import numpy as np

    class Affine:
        def __init__(self, n, m, seed):
            rng = np.random.RandomState(seed)
            self.W, self.b = rng.randn(n, m), rng.randn(m)

        def forward(self, inputs):
            self.inputs = inputs
            return inputs @ self.W + self.b

        def backward(self, grad):
            self.dW = self.inputs.T @ grad
            self.db = grad.sum(axis=0)
            return grad @ self.W.T

    class Sigmoid:
        def forward(self, inputs):
            self.out = 1 / (1 + np.exp(-inputs))
            return self.out

        def backward(self, grad):
            return grad * self.out * (1 - self.out)

    class Stack:
        def __init__(self):
            self.layers = [Affine(3, 3, 0), Sigmoid(), Affine(3, 3, 1), Sigmoid()]

        def forward(self, x):
            for layer in self.layers:
                x = layer.forward(x)
            return x

        def backward(self, grad):
            for layer in self.layers[::-1]:
                grad = layer.backward(grad)
            return grad
"""


@pytest.mark.parametrize(("right", "wrong"), [
    ("grad * self.out * (1 - self.out)", "grad * (1 - self.out)"),
    ("grad.sum(axis=0)", "grad.mean(axis=0)"),
    ("return grad @ self.W.T", "return grad @ self.W"),
    ("self.inputs.T @ grad", "-self.inputs.T @ grad"),
])  # fmt: skip
def test_in_a_stack_of_layers_each_is_judged_by_its_own_forward(right, wrong):
    page = changed(module(STACK), (right, wrong))
    x = RNG.normal(size=(4, 3))
    report = check(page.Stack(), x)
    (finding,) = report.findings
    assert finding.line.number == line_of(page, wrong)
    assert check(fixed(page, report).Stack(), x).ok


SHARED = """
    import numpy as np

    class Encoder:
        def __init__(self):
            self.W = np.random.RandomState(0).randn(3, 4)
            self.dW = np.zeros((3, 4))
            self.kept = []

        def forward(self, x):
            y = np.tanh(x @ self.W)
            self.kept.append((x, y))
            return y

        def backward(self, dy):
            x, y = self.kept.pop()
            da = dy * (1 - y ** 2)
            self.dW += x.T @ da
            return da @ self.W.T

    class Pair:
        def __init__(self):
            self.encoder = Encoder()

        def forward(self, x, z):
            self.encoder.kept = []
            self.a = self.encoder.forward(x)
            self.b = self.encoder.forward(z)
            return self.a * self.b

        def backward(self, dout):
            dz = self.encoder.backward(dout * self.a)
            dx = self.encoder.backward(dout * self.b)
            return dx, dz
"""


@pytest.mark.parametrize(("right", "wrong"), [
    ("(1 - y ** 2)", "(1 - y)"),
    ("self.dW += x.T @ da", "self.dW = x.T @ da"),
    ("self.dW += x.T @ da", "self.dW += x.T @ dy"),
    ("dx = self.encoder.backward(dout * self.b)", "dx = self.encoder.backward(dout * self.a)"),
])  # fmt: skip
def test_a_layer_that_is_called_twice_has_two_forwards_and_one_sum(right, wrong):
    page = changed(module(SHARED), (right, wrong))
    arrays = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
    report = check(page.Pair(), *arrays)
    (finding,) = report.findings
    assert finding.line.number == line_of(page, wrong)
    assert check(fixed(page, report).Pair(), *arrays).ok

"""Functions as people write them: whatever they take and return, what is right is right and what is wrong is wrong."""

import inspect
from typing import Any, NamedTuple

import numpy as np
import pytest

from minireid.gradcheck import check
from tests.gradcheck.planting import module

X, W, B = (np.random.default_rng(3).normal(size=shape) for shape in ((3, 5), (5, 7), (7,)))


def affine(x, w, b):
    return x @ w + b, (x, w)


def gradients(dy, cache, wrong=1.0):
    x, w = cache
    return dy @ w.T, wrong * x.T @ dy, dy.sum(axis=0)


def verdicts(forward, backward, *arguments, **config) -> dict[str, bool]:
    report = check(forward, backward, *arguments, diagnosis=False, **config)
    assert not report.faults, report.faults
    return {tensor.name: tensor.ok for tensor in report.tensors}


STYLES = {
    "a tuple": lambda dx, dw, db: (dx, dw, db),
    "a list": lambda dx, dw, db: [dx, dw, db],
    "d in front": lambda dx, dw, db: {"dx": dx, "dw": dw, "db": db},
    "the names themselves": lambda dx, dw, db: {"x": dx, "w": dw, "b": db},
    "another order": lambda dx, dw, db: {"db": db, "dx": dx, "dw": dw},
    "_grad": lambda dx, dw, db: {"x_grad": dx, "w_grad": dw, "b_grad": db},
    "grad_": lambda dx, dw, db: {"grad_x": dx, "grad_w": dw, "grad_b": db},
    "dL_d": lambda dx, dw, db: {"dL_dx": dx, "dL_dw": dw, "dL_db": db},
    "dLd": lambda dx, dw, db: {"dLdX": dx, "dLdW": dw, "dLdb": db},
    "capitals": lambda dx, dw, db: {"dX": dx, "dW": dw, "db": db},
    "dinput": lambda dx, dw, db: {"dinput": dx, "dw": dw, "db": db},
    "nested lists": lambda dx, dw, db: (dx.tolist(), dw.tolist(), db.tolist()),
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_gradients_in_any_style(style):
    right = lambda dy, cache: style(*gradients(dy, cache))  # noqa: E731
    wrong = lambda dy, cache: style(*gradients(dy, cache, 2.0))  # noqa: E731
    assert verdicts(affine, right, X, W, B) == {"x": True, "w": True, "b": True}
    assert verdicts(affine, wrong, X, W, B) == {"x": True, "w": False, "b": True}


def stack(x, layers):
    for layer in layers:
        x = x @ layer["W"]
        if "b" in layer:
            x = x + layer["b"]
    return x, layers


TREES = {
    "a dict": ({"W": W, "b": B}, lambda dw, db: {"dW": dw, "db": db}),
    "a dict of dicts": ({"fc.1": {"W": W, "b": B}}, lambda dw, db: {"fc.1": {"dW": dw, "db": db}}),
    "flat gradients of a nested dict": ({"fc": {"W": W, "b": B}}, lambda dw, db: {"dW": dw, "db": db}),
    "a list of arrays": ([W, B], lambda dw, db: [dw, db]),
    "a tuple of arrays": ((W, B), lambda dw, db: (dw, db)),
    "a list of dicts": ([{"W": W, "b": B}], lambda dw, db: [{"W": dw, "b": db}]),
    "with settings": ({"W": W, "b": B, "stride": 2, "name": "fc"}, lambda dw, db: {"W": dw, "b": db}),
    "a layer without parameters": ([{"W": W, "b": B}, {"kind": "relu"}], lambda dw, db: [{"W": dw, "b": db}, None]),
}


@pytest.mark.parametrize(("p", "style"), TREES.values(), ids=TREES)
def test_parameters_in_any_tree(p, style):
    def forward(x, p):
        w, b = (v for v in flat(p) if isinstance(v, np.ndarray))
        return affine(x, w, b)

    def backward(dy, cache, wrong=1.0):
        dx, dw, db = gradients(dy, cache, wrong)
        return dx, style(dw, db)

    right = verdicts(forward, backward, X, p)
    assert len(right) == 3 and all(right.values())
    assert list(verdicts(forward, lambda dy, c: backward(dy, c, 2.0), X, p).values()) == [True, False, True]


def flat(tree):
    for value in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(value, (dict, list, tuple)):
            yield from flat(value)
        else:
            yield value


class Pair(NamedTuple):
    w: Any
    b: Any


def test_a_named_tuple_stays_one():
    found = verdicts(lambda x, p: affine(x, p.w, p.b), lambda dy, c: (gradients(dy, c)[0], Pair(*gradients(dy, c)[1:])),
                     X, Pair(W, B))  # fmt: skip
    assert list(found.values()) == [True, True, True]


# Configuration among the positional arguments.

Y = np.array([1, 0, 4])


def cross_entropy(x, y):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean(), (p, y)


def cross_entropy_backward(dloss, cache):
    p, y = cache
    return dloss * (p - np.eye(p.shape[1])[np.array(y)]) / len(y)


@pytest.mark.parametrize("labels", [Y, Y.tolist(), tuple(Y.tolist())], ids=["array", "list", "tuple"])
@pytest.mark.parametrize("style", [lambda dx: dx, lambda dx: (dx, None), lambda dx: {"dx": dx}, lambda dx: [dx, 0]])
def test_labels_are_not_differentiated_wherever_they_stand(labels, style):
    assert verdicts(cross_entropy, lambda d, c: style(cross_entropy_backward(d, c)), X, labels) == {"x": True}
    assert verdicts(cross_entropy, lambda d, c: style(2 * cross_entropy_backward(d, c)), X, labels) == {"x": False}


def test_labels_may_come_first():
    swapped = lambda y, x: cross_entropy(x, y)  # noqa: E731
    assert verdicts(swapped, lambda d, c: (None, cross_entropy_backward(d, c)), Y, X) == {"x": True}
    assert verdicts(swapped, cross_entropy_backward, Y, X) == {"x": True}


def test_words_and_switches_among_the_arguments():
    def forward(x, kind, flip, times, w):
        assert kind == "plain" and flip is True and times == 2 and isinstance(times, int)
        return times * x @ w, (x, w, times)

    def backward(dy, cache):
        x, w, times = cache
        return times * dy @ w.T, times * x.T @ dy

    assert verdicts(forward, backward, X, "plain", True, 2, W) == {"x": True, "w": True}


def test_integers_that_have_a_gradient_are_refused_and_labels_never():
    square = lambda x: (x**2.0, x)  # noqa: E731
    with pytest.raises(TypeError, match=r"float64.*: x is int64; convert it"):
        check(square, lambda dy, x: 2 * x * dy, np.arange(5))
    with pytest.raises(TypeError, match=r"p\.b is int64"):
        check(lambda x, p: affine(x, p["w"], p["b"]), lambda dy, c: (lambda dx, dw, db: (dx, {"w": dw, "b": db}))(
            *gradients(dy, c)), X, {"w": W, "b": np.arange(7)})  # fmt: skip


def test_a_tuple_of_masks_of_several_shapes_has_no_gradient():
    def forward(x, masks):
        return (x * masks[0])[:, :2] * masks[1], masks

    def backward(dy, masks):
        dx = np.zeros(masks[0].shape)
        dx[:, :2] = dy * masks[1]
        return dx * masks[0], None

    masks = (X > 0, X[:, :2] > -1)
    assert verdicts(forward, backward, X, masks) == {"x": True}


def test_nothing_to_differentiate_is_one_sentence():
    with pytest.raises(TypeError, match="to differentiate by them: x is int, y is str") as fault:
        check(lambda x, y: (x, y), lambda dy, c: dy, 3, "a")
    assert "\n" not in str(fault.value)


# Floats of Python.


def test_lists_of_floats_and_floats_are_arrays():
    scaled = lambda x, by: (np.sin(x) * by, (x, by))  # noqa: E731

    def backward(dy, cache):
        x, by = cache
        return (dy * by * np.cos(x)).tolist(), float((dy * np.sin(x)).sum())

    assert verdicts(scaled, backward, [1.0, 2, 3.5], 0.5) == {"x": True, "by": True}
    assert verdicts(scaled, backward, [[1.0, 2], [3.5, 4]], 0.5) == {"x": True, "by": True}
    assert verdicts(lambda x: (x * x, x), lambda dy, x: float(2 * x * dy), 1.5) == {"x": True}
    assert verdicts(lambda x: (x * x, x), lambda dy, x: float(3 * x * dy), 1.5) == {"x": False}


def test_a_tuple_of_floats_may_have_a_tuple_of_gradients():
    product = lambda v: (v[0] * v[1], v)  # noqa: E731
    assert verdicts(product, lambda d, v: (d * v[1], d * v[0]), (1.5, 2.5)) == {"v": True}
    assert verdicts(product, lambda d, v: (d * v[0], d * v[1]), (1.5, 2.5)) == {"v": False}


def test_a_float_without_a_gradient_is_configuration_and_it_is_said():
    leaky = lambda x, slope: (np.where(x > 0, x, slope * x), (x, slope))  # noqa: E731
    report = check(leaky, lambda dy, c: dy * np.where(c[0] > 0, 1, c[1]), X, 0.1)
    assert report.ok and [t.name for t in report.tensors] == ["x"]
    assert "no gradient for slope" in report.notes[0] and report.notes[0] in str(report)
    assert check(leaky, lambda dy, c: (dy * np.where(c[0] > 0, 1, c[1]), None), X, 0.1).ok


# What forward returns, and what backward takes.


def test_several_outputs_each_with_its_gradient():
    page = module(
        """
        import numpy as np

        def step_forward(x, c_prev, w):
            c = np.tanh(x @ w) + 0.5 * c_prev
            h = c * c
            return h, c, (x, w, c)

        def step_backward(dh, dc, cache):
            x, w, c = cache
            dc = dc + 2 * c * dh
            da = dc * (1 - np.tanh(x @ w) ** 2)
            return da @ w.T, 0.5 * dc, x.T @ da
        """
    )
    c = np.random.default_rng(4).normal(size=(3, 7))
    assert check(page.step_forward, page.step_backward, X, c, W).ok

    def forgetting(dh, dc, cache):
        return page.step_backward(dh, np.zeros_like(dc), cache)

    assert verdicts(page.step_forward, forgetting, X, c, W) == {"x": False, "c_prev": False, "w": False}


def test_the_line_of_a_step_with_several_outputs_is_found():
    page = module(
        """
        import numpy as np

        def step_forward(x, c_prev, w):
            c = np.tanh(x @ w) + 0.5 * c_prev
            h = c * c
            return h, c, (x, w, c)

        def step_backward(dh, dc, cache):
            x, w, c = cache
            dc = dc + 2 * c * dh
            da = dc * (1 - np.tanh(x @ w) ** 2)
            dw = 3 * x.T @ da
            return da @ w.T, 0.5 * dc, dw
        """
    )
    c = np.random.default_rng(4).normal(size=(3, 7))
    report = check(page.step_forward, page.step_backward, X, c, W)
    assert not report.ok and report.line is not None and report.line.text == "dw = 3 * x.T @ da"


PAIRS = {
    "caches one by one": (lambda x, w: (x @ w, x, w), lambda dy, x, w: (dy @ w.T, x.T @ dy)),
    "y alone": (lambda x, w: x @ w, lambda dy, x, w: (dy @ w.T, x.T @ dy)),
    "cache first": (lambda x, w: (x @ w, (x, w)), lambda cache, dy: (dy @ cache[1].T, cache[0].T @ dy)),
    "a dict as cache": (lambda x, w: (x @ w, locals()), lambda dy, c: (dy @ c["w"].T, c["x"].T @ dy)),
    "a list of outputs": (
        lambda x, w: ([x @ w, 2 * x], (x, w)),
        lambda dy, c: (dy[0] @ c[1].T + 2 * dy[1], c[0].T @ dy[0]),
    ),
    "h0 that was not given": (
        lambda x, w, h0=None: (x @ w, (x, w)),
        lambda dy, c: (dy @ c[1].T, c[0].T @ dy, None),
    ),
    "h0 by keyword": (lambda x, w, *, h0=None: (x @ w, (x, w)), lambda dy, c: (dy @ c[1].T, c[0].T @ dy, dy)),
}


@pytest.mark.parametrize(("forward", "backward"), PAIRS.values(), ids=PAIRS)
def test_forms_of_calls(forward, backward):
    assert verdicts(forward, backward, X, W) == {"x": True, "w": True}

    def wrong(*given, **named):
        dx, dw, *rest = backward(*given, **named)
        return dx, -dw, *rest

    wrong.__signature__ = inspect.signature(backward)
    assert verdicts(forward, wrong, X, W) == {"x": True, "w": False}


def test_a_backward_for_the_first_output_alone_says_so():
    """Coursera's rnn_cell: (a_next, y, cache), and a backward that is given da_next."""

    def forward(x, w, v):
        a = np.tanh(x @ w)
        return a, a @ v, (x, w, a, v)

    def backward(da, cache):
        x, w, a, _ = cache
        d = da * (1 - a * a)
        return {"dx": d @ w.T, "dw": x.T @ d}

    report = check(forward, backward, X, W, W.T.copy())
    assert report.ok and [t.name for t in report.tensors] == ["x", "w"]
    assert report.notes == [
        "UNCHECKED: backward takes the gradient of one output, forward has 2",
        "UNCHECKED: v: backward returns no gradient for it",
    ]
    wrong = lambda da, c: backward(2 * da, c) | {"dw": backward(da, c)["dw"]}  # noqa: E731
    assert verdicts(forward, wrong, X, W, W.T.copy()) == {"x": False, "w": True}


def test_configuration_that_backward_takes_too():
    scaled = lambda x, *, by: (by * x, None)  # noqa: E731
    assert verdicts(scaled, lambda dy, cache, by: by * dy, X, by=3.0) == {"x": True}


def test_caches_one_by_one_may_have_names_of_configuration():
    forward = lambda x, *, by: (by * x, x, by)  # noqa: E731
    assert verdicts(forward, lambda dy, x, by: by * dy, X, by=3.0) == {"x": True}


def test_what_no_form_fits_is_told_as_before():
    report = check(lambda x: x, lambda dy, cache: dy, X)
    assert report.faults == ["forward must return (y, cache), got an array of the shape (3, 5)"]


def test_a_gradient_that_belongs_to_nothing_is_named():
    report = check(affine, lambda dy, c: dict(zip(("dx", "dw", "db", "dq"), (*gradients(dy, c), 0.0))), X, W, B)
    assert report.faults == ["backward returns a gradient named dq, but there is no such input"]


# The arrays themselves.


def test_one_array_twice_and_an_array_that_cannot_be_written():
    mul = lambda a, b: (a * b, (a, b))  # noqa: E731
    assert verdicts(mul, lambda dy, c: (dy * c[1], dy * c[0]), X, X) == {"a": True, "b": True}
    wide = np.broadcast_to(B, (3, 7))
    assert verdicts(mul, lambda dy, c: (dy * c[1], dy * c[0]), X @ W, wide) == {"a": True, "b": True}
    X.flags.writeable = False
    try:
        assert verdicts(lambda x: (x * x, x), lambda dy, x: 2 * x * dy, X) == {"x": True}
    finally:
        X.flags.writeable = True


def test_the_callers_arrays_are_never_touched():
    before = X.copy()
    check(lambda x: (np.multiply(x, 2, out=x), None), lambda dy, c: 2 * dy, X)
    assert np.array_equal(before, X)

"""A value without a name in the forward: what it should be follows from what is made of it."""

import ast

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.line.summands import solved
from tests.gradcheck.planting import changed, line_of, module

RNG = np.random.default_rng(0)

LEAKY = """
    import numpy as np

    def forward(x, W, U, a):
        s, states, acts, out = np.zeros((len(x), len(a))), [], [], []
        for t in range(x.shape[1]):
            states.append(s)
            act = np.tanh(x[:, t] @ W + s @ U)
            acts.append(act)
            s = (1 - a) * s + a * act
            out.append(s)
        return np.stack(out, axis=1), (x, W, U, a, states, acts)

    def backward(dy, cache):
        x, W, U, a, states, acts = cache
        dx, dW, dU, da = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros_like(a)
        back = np.zeros_like(dy[:, 0])
        for t in reversed(range(x.shape[1])):
            ds = dy[:, t] + back
            da += (ds * (acts[t] - states[t])).sum(axis=0)
            drive = ds * a * (1 - acts[t] ** 2)
            dW += x[:, t].T @ drive
            dU += states[t].T @ drive
            dx[:, t] = drive @ W.T
            back = drive @ U.T + ds * (1 - a)
        return dx, dW, dU, da
"""


def arrays():
    return [RNG.normal(size=s) for s in ((2, 5, 3), (3, 4), (4, 4))] + [RNG.uniform(0.2, 0.8, size=4)]


def test_the_loop_is_right_as_it_is():
    page = module(LEAKY)
    assert check(page.forward, page.backward, *arrays()).ok


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U.T"),
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U + ds * (1 - a)"),
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U.T - ds * (1 - a)"),
        ("back = drive @ U.T + ds * (1 - a)", "back = drive @ U.T + ds * a"),
        ("drive = ds * a * (1 - acts[t] ** 2)", "drive = ds * a * (1 - acts[t])"),
        ("ds = dy[:, t] + back", "ds = dy[:, t]"),
        ("dU += states[t].T @ drive", "dU += states[t - 1].T @ drive"),
    ],
)
def test_the_line_of_a_carried_gradient_is_named_and_mended(old, new):
    page = changed(module(LEAKY), (old, new))
    report = check(page.forward, page.backward, *arrays())
    assert [finding.line.number for finding in report.findings] == [line_of(page, new)], str(report)
    assert report.causes[0].fix, str(report)


def test_a_wrong_sum_is_not_passed_on_to_its_terms():
    """With another d the sum would come out right too. But d is right as what it is: the product with r is missing."""
    page = module("""
        import numpy as np

        def forward(h, W, r):
            c = np.tanh((r * h) @ W)
            return c + h, (h, W, r, c)

        def backward(dy, cache):
            h, W, r, c = cache
            dpre = dy * (1 - c**2)
            d = dpre @ W.T
            dr = d * h
            dh = dy + d
            return dh, (r * h).T @ dpre, dr
    """)
    report = check(page.forward, page.backward, *(RNG.normal(size=s) for s in ((2, 3), (3, 3), (2, 3))))
    assert [finding.line.text for finding in report.findings] == ["dh = dy + d"], str(report)
    assert report.causes[0].fix in ("dh = dy + d * r", "dh = dy + r * d")


NAMES = {
    "a": RNG.normal(size=(2, 3)),
    "b": RNG.normal(size=(2, 3)),
    "m": RNG.normal(size=(3, 4)),
    "tall": RNG.normal(size=(4, 2)),
}


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "-a",
        "a + b",
        "b - a",
        "a - b",
        "a * b",
        "b * a",
        "a / b",
        "2 * a + 1",
        "a @ m",
        "tall @ a",
        "a.T",
        "(a + b) * b",
    ],
)
def test_an_expression_is_solved_for_each_name(text):
    names = dict(NAMES)
    target = eval(text, {}, names)
    names["a"] = names["a"] * 0  # what it should be is found without what it is
    node = ast.parse(text, mode="eval").body

    def value(part):
        return eval(ast.unparse(part), {}, names)

    found = {ast.unparse(name): wanted for name, wanted in solved(node, target, value)}
    assert np.allclose(found["a"], NAMES["a"])


@pytest.mark.parametrize(("text", "shape"), [("a @ thin", (2, 2)), ("a * zero", (2, 4)), ("np.tanh(a)", (2, 4))])
def test_where_there_is_not_one_solution_nothing_is_told(text, shape):
    names = {"np": np, "a": np.ones((2, 4)), "thin": np.ones((4, 2)), "zero": np.zeros((2, 4))}
    found = solved(ast.parse(text, mode="eval").body, np.ones(shape), lambda part: eval(ast.unparse(part), {}, names))
    assert "a" not in [ast.unparse(name) for name, _ in found]

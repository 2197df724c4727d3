"""What is told of a mistake: the line, the values, what was right before, the cause, and a line that mends it."""

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.line.follow import following
from minireid.gradcheck.tensor.problem import Problem
from minireid.layers import gru
from tests.gradcheck.line.following import explained, problem_of, step_arrays
from tests.gradcheck.planting import changed, fixed, line_of, module, source

PAGE = """
    import numpy as np

    def squashed(a):
        s = 1 / (1 + np.exp(-a))
        return s

    def back(d, y):
        da = d * y * (1 - y)
        return da

    def forward(x, p):
        a = x @ p["W"] + p["b"]
        y = squashed(a)
        return y, (x, y, p)

    def backward(dy, cache):
        x, y, p = cache
        da = back(dy, y)
        dx = da @ p["W"].T
        dW = x.T @ da
        db = da.sum(axis=0)
        return dx, {"W": dW, "b": db}
"""
RNG = np.random.default_rng(0)
X, P = RNG.normal(size=(3, 4)), {"W": RNG.normal(size=(4, 5)), "b": RNG.normal(size=5)}


def told(*changes):
    """(the page with changes, what is told)."""
    page = changed(module(PAGE), *changes)
    return page, explained(problem_of(page, X, P))


def test_what_is_right_has_no_finding():
    assert told()[1] == []


ONE = [
    ("d * y * (1 - y)", "d * (1 - y)"),
    ("d * y * (1 - y)", "d * y"),
    ('da @ p["W"].T', 'da @ p["W"].T * 2'),
    ("dW = x.T @ da", "dW = -x.T @ da"),
    ("da.sum(axis=0)", "da.mean(axis=0)"),
    ("da.sum(axis=0)", "da[0]"),
    ('{"W": dW, "b": db}', '{"W": dW, "b": db * 3}'),
]


@pytest.mark.parametrize(("right", "wrong"), ONE)
def test_one_mistake_is_one_finding_and_its_fix_is_right(right, wrong):
    page, (finding,) = told((right, wrong))
    assert finding.line.number == line_of(page, wrong) and wrong in finding.line.text
    report = check(page.forward, page.backward, X, P)
    better = fixed(page, report)
    assert check(better.forward, better.backward, X, P).ok


def test_a_mistake_in_a_helper_is_told_there():
    page, (finding,) = told(("d * y * (1 - y)", "d * y * (1 + y)"))
    assert finding.line.function == "back" and finding.line.number == line_of(page, "(1 + y)")
    assert finding.causes[0].cause is Cause.SIGN


def test_several_mistakes_are_told_in_the_order_of_execution():
    page, findings = told(("dW = x.T @ da", "dW = x.T @ da / 3"), ("da.sum(axis=0)", "-da.sum(axis=0)"))
    assert [f.line.number for f in findings] == [line_of(page, "dW = "), line_of(page, "db = ")]
    assert all(f.causes[0].fix for f in findings)


def test_the_values_are_those_of_the_worst_entry():
    _, (finding,) = told(("dW = x.T @ da", "dW = 3 * x.T @ da"))
    line = finding.line
    assert line.variable == "dW" and line.wrong == "20 of 20 entries wrong" and len(line.index) == 2
    np.testing.assert_allclose(line.computed, 3 * line.true, rtol=1e-9)


def test_the_round_of_the_loop_is_told():
    page = changed(gru, ("dz = dh * (c - h_prev)", "dz = dh * (c + h_prev)"))
    x, _, p = step_arrays()
    arrays = (np.stack([x, x[::-1], x * 2], axis=1), p)
    (finding,) = explained(Problem(page.forward, page.backward, arrays, {}, 0).drawn())
    assert finding.line.where == "at t = 2" and finding.line.function == "step_backward"


def test_what_was_right_before_is_told_in_order():
    page = changed(gru, ("dq * h_prev", "dq * r"))
    (finding,) = explained(Problem(page.step_forward, page.step_backward, step_arrays(), {}, 0).drawn())
    before = [name for name in finding.line.before if name in ("dz", "dc", "dac", "dq", "dr")]
    assert before == ["dz", "dc", "dac", "dq"]


def test_no_cause_is_made_up():
    """A mistake that is no small change of the line: the line is told, and no fix."""
    page, findings = told(("dW = x.T @ da", "dW = np.sin(x.T @ da) + np.cosh(x.T) @ da"))
    assert findings[0].line.number == line_of(page, "dW = ")
    assert not any(cause.fix for finding in findings for cause in finding.causes)


def test_an_array_of_whole_numbers_is_told_where_it_is_made():
    page = module("""
        import numpy as np

        def forward(x):
            return x * x, x

        def backward(dy, x):
            dx = np.zeros(x.shape, dtype=int)
            dx[:] = 2 * x * dy
            return dx
    """)
    (finding,) = explained(problem_of(page, X))
    assert finding.causes[0].cause is Cause.INTEGERS and finding.line.number == line_of(page, "dtype=int")


def test_what_fits_these_numbers_alone_is_no_fix():
    """x.shape[0] and the 3 of the loop are the same number here; with other sizes they are not."""
    page = module("""
        import numpy as np

        def forward(x):
            y = (x * x).sum() / x.shape[1]
            return y, x

        def backward(dy, x):
            dx = 2 * x * dy
            return dx
    """)
    x = RNG.normal(size=(4, 4))
    report = check(page.forward, page.backward, x, more=[((RNG.normal(size=(3, 5)),), {})])
    assert "x.shape[1]" in report.causes[0].fix


def test_without_source_nothing_can_be_explained():
    scope: dict = {}
    exec("def forward(x):\n    return x * 2, x\ndef backward(dy, x):\n    return dy", scope)
    assert explained(Problem(scope["forward"], scope["backward"], (X,), {}, 0).drawn()) is None


def test_nothing_is_left_followed():
    page, _ = told(("dW = x.T @ da", "dW = -x.T @ da"))
    assert "__tracer__" not in vars(page) and "__tracer__" not in source(page)
    with following(None, lambda: None) as program:
        assert not program.statements


def test_a_gradient_that_is_not_carried_back_is_put_where_it_belongs():
    """The loop computes it in every round, and every round forgets it."""
    page = changed(gru, ("step_backward(dh[:, t] + dh_next, steps[t])", "step_backward(dh[:, t], steps[t])"))
    x, _, p = step_arrays()
    report = check(page.forward, page.backward, np.stack([x, x[::-1], 2 * x], axis=1), p)
    assert report.line.number == line_of(page, "step_backward(dh[:, t], steps[t])")
    assert report.causes[0].cause == Cause.NOT_CARRIED
    assert "step_backward(dh[:, t] + dh_next, steps[t])" in report.causes[0].fix


def test_what_several_lines_lack_is_told_where_they_have_it_from():
    page = module("""
        import numpy as np

        def forward(x, W, b, V):
            h = np.maximum(0, x @ W + b)
            return h @ V, (x, W, h, V)

        def backward(dy, cache):
            x, W, h, V = cache
            dh = dy @ V.T
            dW = x.T @ dh
            db = dh.sum(axis=0)
            return dh @ W.T, dW, db, h.T @ dy
    """)
    arrays = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 6)), RNG.normal(size=6), RNG.normal(size=(6, 2))
    (finding,) = explained(problem_of(page, *arrays))
    assert finding.line.number == line_of(page, "dh = dy @ V.T") and "dh" not in finding.line.before
    assert finding.causes[0].cause is Cause.ACTIVATION_MISSING
    assert finding.causes[0].fix == "dh = dy @ V.T * (h > 0)"


def test_a_function_of_numbers_is_mended_too():
    page = module("""
        import math

        def forward(a, b):
            y = math.log(a) / b
            return y, (a, b, y)

        def backward(dy, cache):
            a, b, y = cache
            da = dy / (a * a)
            db = -dy * y / b
            return da, db
    """)
    (found,) = explained(problem_of(page, np.array(1.3), np.array(2.1)))
    assert found.line.text == "da = dy / (a * a)"
    assert found.causes[0].cause is Cause.VARIABLE and "b" in found.causes[0].fix


def test_a_shortcut_that_is_not_followed_back_is_a_missing_line():
    page = module("""
        import numpy as np

        def forward(x, w):
            u = x * w
            s = 1 + u * u
            return u / s + x, (x, w, u, s)

        def backward(dy, cache):
            x, w, u, s = cache
            du = dy / s - 2 * dy * u * u / (s * s)
            dw = du * x
            dx = du * 1.0
            dx *= w
            return dx, dw
    """)
    rng = np.random.default_rng(5)
    (found,) = explained(problem_of(page, rng.normal(size=(3, 4)), rng.normal(size=(3, 4))))
    assert found.line.text == "dx *= w" and found.causes[0].fix == "dx *= w; dx += dy"


def test_the_lines_of_a_loss_without_an_upstream_gradient_are_judged_as_they_are_written():
    page = module("""
        import numpy as np

        class Cubic:
            def forward(self, x, target):
                self.e, self.n = x - target, len(x)
                return (self.e**3).sum() / self.n

            def backward(self):
                slope = 3 * self.e**3
                dx = slope / self.n
                return dx, -dx
    """)
    rng = np.random.default_rng(6)
    report = check(page.Cubic(), rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))
    assert report.line.text == "slope = 3 * self.e**3" and report.causes[0].fix == "slope = 3 * self.e ** 2"
    assert not np.isclose(report.line.computed, report.line.true)


BATCH_NORM = """
    import numpy as np

    def forward(x, gamma):
        mu = x.mean(axis=0)
        xc = x - mu
        var = np.mean(xc**2, axis=0)
        std = np.sqrt(var + 1e-5)
        return gamma * xc / std, (gamma, xc, std, var)

    def backward(dout, cache):
        gamma, xc, std, var = cache
        N = len(dout)
        dgamma = np.sum(dout * xc / std, axis=0)
        dxc = dout * gamma / std
        dstd = -np.sum(dout * gamma * xc, axis=0) / std**2
        dvar = 0.5 * dstd / std
        dxc += 2.0 / N * xc * dvar
        dmu = -np.sum(dxc, axis=0)
        dx = dxc + dmu / N
        return dx, dgamma
"""


def two_wrong_lines_in_a_row():
    lines = ("2.0 / N * xc", "2.0 * N * xc"), ("dvar = 0.5 * dstd / std", "dvar = 0.5 * dstd / np.sqrt(var)**2")
    page = changed(module(BATCH_NORM), *lines)
    rng = np.random.default_rng(7)
    return page, check(page.forward, page.backward, rng.normal(size=(6, 4)), rng.normal(size=4))


def test_a_right_value_before_a_second_wrong_line_is_believed():
    """With dvar right, dxc would be as wrong as without: so dvar explains nothing, and is believed in the end only."""
    page, report = two_wrong_lines_in_a_row()
    assert [f.line.number for f in report.findings] == [line_of(page, "dvar = 0.5"), line_of(page, "2.0 * N")]
    assert all(finding.causes[0].fix for finding in report.findings), str(report)


def test_a_search_that_was_stopped_says_so(monkeypatch):
    assert not any("stopped" in note for note in two_wrong_lines_in_a_row()[1].notes)
    monkeypatch.setattr("minireid.gradcheck.line.explain.SECONDS", 0)
    assert any("stopped after 0 s of processor time" in note for note in two_wrong_lines_in_a_row()[1].notes)

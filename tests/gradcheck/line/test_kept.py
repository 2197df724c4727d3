"""Where the forward kept the wrong thing, the line of the forward is told, and not the backward's."""

import numpy as np
import pytest

from minireid.gradcheck.cause.causes import Cause
from tests.gradcheck.line.following import explained, problem_of
from tests.gradcheck.planting import changed, line_of, module

PAGE = """
    import numpy as np

    def forward(x, W):
        a = x @ W
        h = np.tanh(a)
        y = h * 2
        cache = (x, W, h)
        return y, cache

    def backward(dy, cache):
        x, W, h = cache
        dh = dy * 2
        da = dh * (1 - h * h)
        dx = da @ W.T
        dW = x.T @ da
        return dx, dW
"""
RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5))


def finding(*changes):
    page = changed(module(PAGE), *changes)
    (found,) = explained(problem_of(page, X.copy(), W.copy()))
    return page, found


def test_the_value_before_the_activation_in_the_cache():
    page, found = finding(("cache = (x, W, h)", "cache = (x, W, a)"))
    assert found.causes[0].cause is Cause.PRE_ACTIVATION
    assert found.line.number in (line_of(page, "cache = (x, W, a)"), line_of(page, "da = "))


def test_another_variable_in_the_cache():
    page, found = finding(("cache = (x, W, h)", "cache = (x, W, y)"))
    assert found.line.number in (line_of(page, "cache = (x, W, y)"), line_of(page, "da = "), line_of(page, "y = "))
    assert found.causes, "it is explained"


def test_a_kept_array_that_is_changed_in_place_is_told_where_it_is_changed():
    page, found = finding(("y = h * 2", "y = h; y *= 2"))
    assert found.line.function == "forward" and found.line.number == line_of(page, "y = h; y *= 2")
    assert found.causes[0].cause in (Cause.OLD_VALUE, Cause.SHARED)


def test_the_wrong_array_of_two_of_the_same_shape():
    page = module("""
        import numpy as np

        def forward(x, w):
            z = 1 / (1 + np.exp(-x))
            r = 1 / (1 + np.exp(-w))
            y = z * np.sin(r)
            return y, (z, z)

        def backward(dy, cache):
            z, r = cache
            dz = dy * np.sin(r)
            dr = dy * z * np.cos(r)
            return dz * z * (1 - z), dr * r * (1 - r)
    """)
    findings = explained(problem_of(page, X, X[::-1] + 1))
    assert findings[0].line.number == line_of(page, "return y, (z, z)")


@pytest.mark.parametrize("right", ["cache = (x, W, h)", "cache = (x.copy(), W, np.tanh(a))"])
def test_a_cache_that_is_right_is_not_blamed(right):
    page = changed(module(PAGE), ("cache = (x, W, h)", right), ("da @ W.T", "da @ W.T * 3"))
    (found,) = explained(problem_of(page, X, W))
    assert found.line.number == line_of(page, "da @ W.T * 3")

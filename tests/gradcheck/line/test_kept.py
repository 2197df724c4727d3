"""Where the forward kept the wrong thing, the line of the forward is told, and not the backward's."""

from types import SimpleNamespace

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import Scope, parse
from minireid.gradcheck.line.bench import Change
from minireid.gradcheck.line.keeping import fits_in
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


def told(text, *arrays):
    page = module(text)
    (found,) = explained(problem_of(page, *arrays))
    return found.line.text, found.causes[0]


def test_a_list_of_one_array_that_every_round_changes_needs_copies():
    text, cause = told(
        """
        import numpy as np

        def forward(x, a):
            level = np.zeros(x.shape[1:])
            y, levels = [], []
            for row in x:
                levels.append(level)
                level += np.sin(a * row)
                y.append(level * level)
            return np.array(y), (x, a, levels)

        def backward(dy, cache):
            x, a, levels = cache
            dx, da, later = np.zeros_like(x), np.zeros_like(a), 0
            for t in reversed(range(len(x))):
                later = later + 2 * dy[t] * (levels[t] + np.sin(a * x[t]))
                inner = later * np.cos(a * x[t])
                dx[t] = inner * a
                da += inner * x[t]
            return dx, da
        """,
        X,
        X[0].copy(),
    )
    assert text == "levels.append(level)" and cause.fix == "levels.append(level.copy())"
    assert cause.cause is Cause.SHARED


BENT = """
    import numpy as np

    def forward(x, b):
        z = x * 3
        {first}
        {second}
        y = np.where(z > 0, z, 0.1 * z)
        return y, up

    def backward(dy, up):
        dz = np.where(up, dy, 0.1 * dy)
        return dz * 3, dz.sum(axis=0)
"""


def test_a_mask_that_is_kept_too_early_belongs_after_the_line_that_changes_its_array():
    text, cause = told(BENT.format(first="up = z > 0", second="z = z + b"), X, X[1] * 2)
    assert text == "up = z > 0" and cause.cause is Cause.OLD_VALUE
    assert cause.fix == "z = z + b; up = z > 0"


def test_a_name_that_gets_another_value_before_it_is_kept():
    text, cause = told(
        """
        import numpy as np

        def forward(x, w):
            u = np.cos(x)
            v = u * w
            u = np.exp(v)
            return u + v, (x, w, u)

        def backward(dy, cache):
            x, w, u = cache
            dv = dy * np.exp(np.cos(x) * w) + dy
            return -dv * w * np.sin(x), dv * u
        """,
        X,
        X + 1,
    )
    assert text == "u = np.exp(v)" and cause.cause is Cause.OLD_VALUE


def test_the_mask_of_one_step_kept_for_every_step():
    text, cause = told(
        """
        import numpy as np

        def forward(x, w):
            y, h = [], 0
            for t in range(len(x)):
                a = x[t] * w + h
                high = a > 0.2
                h = np.where(high, 0.2, a)
                y.append(h)
            return np.array(y), (x, w, [high for _ in x])

        def backward(dy, cache):
            x, w, flags = cache
            dx, dw, dh = np.zeros_like(x), 0, 0
            for t in range(len(x) - 1, -1, -1):
                da = np.where(flags[t], 0, dy[t] + dh)
                dx[t] = da * w
                dw = dw + da * x[t]
                dh = da
            return dx, dw
        """,
        RNG.normal(size=(4, 5)),
        RNG.normal(size=5),
    )
    assert text == "high = a > 0.2" and cause.cause in (Cause.STEP, Cause.MASK)


SHARED = """
    import numpy as np

    class Unit:
        def __init__(self):
            self.w = np.array([0.3, -1.2, 0.8])
            self.dw = np.zeros(3)

        def forward(self, x):
            self.x, self.y = x, 1 / (1 + np.exp(-x * self.w))
            return self.y

        def backward(self, dy):
            da = dy * self.y * (1 - self.y)
            self.dw += (da * self.x).sum(axis=0)
            return da * self.w

    class Both:
        def __init__(self):
            self.unit = Unit()

        def forward(self, one, two):
            return self.unit.forward(one) * 2 + self.unit.forward(two)

        def backward(self, dy):
            dtwo = self.unit.backward(dy)
            return self.unit.backward(2 * dy), dtwo
"""


def test_a_layer_that_is_used_twice_keeps_its_last_call_alone():
    report = check(module(SHARED).Both(), RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)))
    assert report.line.function == "forward" and report.line.text.startswith("self.x, self.y = ")
    assert report.causes[0].cause is Cause.OLD_VALUE and "another call" in report.causes[0].text


def test_an_attribute_that_is_changed_before_the_backward_reads_it():
    page = module("""
        import numpy as np

        class Mean:
            def forward(self, x):
                self.n = len(x)
                y = (x * x).sum(axis=0) / self.n
                self.n += 1
                self.x = x
                return y

            def backward(self, dy):
                return 2 * self.x * dy / self.n
    """)
    report = check(page.Mean(), X)
    assert report.line.text == "self.n += 1" and report.causes[0].cause is Cause.OLD_VALUE


def test_a_kept_array_that_lacks_a_number_is_a_constant_factor():
    _, cause = told(
        """
        import numpy as np

        def forward(x, w):
            on = x > 0
            scaled = on / 0.75
            z = np.tanh(x * w)
            return z * scaled, (x, w, z, on)

        def backward(dy, cache):
            x, w, z, on = cache
            dz = dy * on
            da = dz * (1 - z * z)
            return da * w, da * x
        """,
        X,
        X[::-1] + 1,
    )
    assert cause.cause is Cause.CONSTANT


@pytest.mark.parametrize(
    ("new", "tried"), [("h + x", True), ("h[:, None]", False), ("missing", True), ("np.ndarray", True)]
)
def test_a_change_of_the_forward_that_adds_an_axis_is_not_tried(new, tried):
    """A state that gets an axis more in every step would soon fill the memory."""
    scope = Scope({"h": X, "x": X, "both": (X, W), "np": np}, {}, set())
    assert fits_in(Change(SimpleNamespace(node=None), parse("h"), parse(new)), scope) is tried
    assert fits_in(Change(SimpleNamespace(node=None), parse("both"), parse("both[::-1]")), scope)

"""What is said of an exception: besides its message and line, the shapes in the part of the line that raised."""

import numpy as np
import pytest

from minireid.gradcheck import check
from tests.gradcheck.planting import module

PAGE = """
import numpy as np

def forward(x, p):
    return x @ p["W"], (x, p, list(x))

def backward(dy, cache):
    x, p, rows = cache
    t, word, half = 9, "W", 0.5
    # ä: columns are counted in bytes
    {line}
    return dy @ p["W"].T, {{"W": x.T @ dy}}
"""
LINES = {
    "broadcast": (
        "dx = half * (dy + x)",
        "ValueError: operands could not be broadcast together with shapes (3,7) (3,5); "
        "dy has the shape (3, 7), x has the shape (3, 5) (line 11: dx = half * (dy + x))",
    ),
    "product": ('dx = dy @ p["W"]', "; dy has the shape (3, 7), p['W'] has the shape (5, 7) (line 11: dx"),
    "transposed": ('dx = p["W"].T.T @ dy', "; p['W'].T.T has the shape (5, 7), dy has the shape (3, 7) (line"),
    "index": ("dx = x[t + 1]", "size 3; x has the shape (3, 5), t is 9 (line 11: dx = x[t + 1])"),
    "list": ("dx = rows[t]", "list index out of range; rows is a list of length 3, t is 9 (line"),
    "key": ('dx = p["U"]', "KeyError: 'U'; p has the keys W (line"),
    "method": ("dx = x.reshape(t, 2)", "into shape (9,2); x has the shape (3, 5), t is 9 (line"),
    "umlaut": ('dx = "ä" and (dy + x)', "; dy has the shape (3, 7), x has the shape (3, 5) (line"),
    "module": ("dx = np.dot(x, dy)", "; x has the shape (3, 5), dy has the shape (3, 7) (line"),
    "word": ("dx = int(word)", "; word is 'W' (line"),
    "float": ("dx = half[0]", "; half is one number (line"),
    "several lines": (
        "dx = (x.sum() +\n        (dy\n         + x))",
        "; dy has the shape (3, 7), x has the shape (3, 5) (line",
    ),
}


@pytest.mark.parametrize(("line", "says"), LINES.values(), ids=LINES)
def test_the_shapes_in_the_line_are_told(line, says):
    page, rng = module(PAGE.format(line=line)), np.random.default_rng(5)
    report = check(page.forward, page.backward, rng.normal(size=(3, 5)), {"W": rng.normal(size=(5, 7))})
    (fault,) = report.faults
    assert fault.startswith("backward raises ") and says in fault and "\n" not in fault


def test_an_exception_of_the_users_own_needs_no_shapes():
    page, rng = module(PAGE.format(line='raise ValueError(f"{t} is not a good number")')), np.random.default_rng(5)
    report = check(page.forward, page.backward, rng.normal(size=(3, 5)), {"W": rng.normal(size=(5, 7))})
    (fault,) = report.faults
    assert fault.startswith("backward raises ValueError: 9 is not a good number (line 11: raise")


def test_a_callable_without_a_name_and_without_source(rng):
    class Backward:
        def __call__(self, dy, cache):
            return dy @ cache

    report = check(lambda x: (x, x), Backward(), rng.normal(size=(3, 5)), diagnosis=False)
    (fault,) = report.faults
    assert fault.startswith("backward raises ValueError: matmul") and "cache has the shape (3, 5)" in fault


def test_what_raises_with_another_upstream_only_is_a_fault_too(rng):
    def backward(dy, cache):
        if not np.any(dy):
            raise ZeroDivisionError
        return dy

    report = check(lambda x: (x + 1, None), backward, rng.normal(size=(2, 3)))
    (fault,) = report.faults
    assert fault.startswith("with another upstream gradient backward raises ZeroDivisionError")

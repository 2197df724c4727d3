"""Trying changes out: what repairs is found, what only seems to is not, and everything is put back."""

import ast
import time

import numpy as np
import pytest
from minireid.gradcheck.repair import Workbench
from minireid.gradcheck.scope import show
from minireid.gradcheck.taps import source_of

from minireid.gradcheck import repair
from tests.gradcheck.planting import module

PAGE = """
    import numpy as np

    FACTOR = 3.0

    def helper(a, *, power=2):
        b = a ** power
        return b

    def unused(a):
        return a

    def f(x, y, *, by=1.0):
        "What it is."
        total = np.zeros(2)
        for i in range(2):
            total[i] = helper(x[i]) - helper(y[i])
        if by:
            total = total * FACTOR
        return total
"""
X, Y = np.array([2.0, 5.0]), np.array([3.0, 7.0])


def bench(page):
    return Workbench(page.f, source_of(page.f))


def search(page, right, *, certain=lambda f: True, suspects=(), scopes=None, **settings):
    scopes = scopes if scopes is not None else {0: {}}
    return repair.search(page.f, list(suspects), scopes, set(), right, certain, **settings)


def wants(*expected, x=X, y=Y):
    return lambda f: np.allclose(f(x.copy(), y.copy()), expected)  # a candidate may change what it is given


def scopes_of(**values):
    """Values of the names, the same at every line."""
    named = {"x": X.copy(), "y": Y.copy(), **values}
    return {line: named for line in range(1, 30)}


def test_the_workbench_runs_the_function_as_it_is():
    page = module(PAGE)
    made = bench(page)
    np.testing.assert_array_equal(made.run()(X, Y), page.f(X, Y))
    np.testing.assert_array_equal(made.run()(X, Y, by=0.0), page.f(X, Y, by=0.0))


def test_slots_are_the_statements_of_the_function_and_of_what_it_calls():
    made = bench(module(PAGE))
    shown = [show(slot.statement).partition("\n")[0] for slot in made.slots()]
    assert (
        "b = a ** power" in shown
        and "total[i] = helper(x[i]) - helper(y[i])" in shown
        and "total = total * FACTOR" in shown
    )
    assert "return a" not in shown and "'What it is.'" not in shown
    assert [slot.line for slot in made.slots()][:2] == [15, 16]


def test_a_statement_is_exchanged_and_put_back():
    made = bench(module(PAGE))
    slot = next(slot for slot in made.slots() if show(slot.statement) == "b = a ** power")
    changed = made.with_statement(slot, ast.parse("b = a + power").body[0])
    np.testing.assert_array_equal(changed(X, Y), 3 * (X - Y))
    made.restore(slot)
    np.testing.assert_array_equal(made.run()(X, Y), 3 * (X**2 - Y**2))
    assert made.with_statement(slot, ast.parse("return").body[0]) is not None
    made.restore(slot)
    assert made.with_statement(slot, ast.parse("break").body[0]) is None, "Python refuses it"
    np.testing.assert_array_equal(made.run()(X, Y), 3 * (X**2 - Y**2))


def test_a_wrong_sign_is_found_in_its_line():
    page = module(PAGE)
    found = search(
        page,
        wants(*3 * (X**2 + Y**2)),
        certain=wants(123, 6, x=np.array([4.0, 1]), y=np.array([5.0, 1])),
        scopes=scopes_of(total=np.zeros(2), i=0, by=1.0),
    )
    assert found[0].causes == ("sign",) and found[0].after == "total[i] = helper(x[i]) + helper(y[i])"
    assert found[0].before == "total[i] = helper(x[i]) - helper(y[i])" and found[0].function == "f"
    assert PAGE.splitlines()[found[0].line - 1].strip() == "total[i] = helper(x[i]) - helper(y[i])"


def test_a_repair_in_a_helper_is_found_too():
    page = module(PAGE)
    found = search(
        page,
        wants(*3 * (X - Y)),
        certain=wants(-3, 0, x=np.array([4.0, 1]), y=np.array([5.0, 1])),
        scopes=scopes_of(total=np.zeros(2), i=0, by=1.0),
    )
    assert found[0].function == "helper" and found[0].after == "b = a"


def test_what_fits_these_numbers_alone_is_no_repair():
    """2 for 3 in `range(...)`, or any constant: right here and not on the other draw."""
    page = module("""
        def f(x, y):
            total = x * 2
            return total
    """)
    here = lambda f: abs(f(2.0, 5.0) - 10) < 1e-12  # noqa: E731
    there = lambda f: abs(f(3.0, 7.0) - 21) < 1e-12  # noqa: E731
    scopes = {n: {"x": np.float64(2), "y": np.float64(5), "total": np.float64(4)} for n in range(6)}
    found = search(page, here, certain=there, scopes=scopes)
    assert found and all(r.after in ("total = x * y", "total = y * x") for r in found)


def test_lines_under_suspicion_come_first():
    page = module("""
        def f(x, y):
            a = x * y
            b = -a
            return b
    """)
    for suspect, text in ((3, "a = "), (4, "b = ")):
        found = search(page, wants(6.0, 35.0), suspects=[suspect], scopes=scopes_of(a=X * Y))
        assert found[0].line == suspect and found[0].after.startswith(text)
    assert search(page, wants(6.0, 35.0), suspects=[3], everywhere=False, scopes=scopes_of())[0].line == 3


def test_what_is_missing_is_inserted():
    page = module("""
        def f(x, y):
            total = x
            return total
    """)
    found = search(page, wants(6.0, 35.0), scopes=scopes_of(total=X.copy()))
    assert (
        found[0].after in ("total = x * y", "return total * y")
        and not found[0].simple
        and found[0].causes[0] == "factor missing"
    )


def test_two_statements_in_the_wrong_order():
    page = module("""
        def f(x, y):
            s = x + 0
            kept = s * 3 - y * y
            s = s + y
            return kept
    """)
    expected = (X + Y) * 3 - Y * Y
    found = search(
        page,
        wants(*expected),
        certain=wants(11.0, 18.0, x=np.array([3.0, 12]), y=np.array([1.0, -3])),
        scopes=scopes_of(s=X.copy(), kept=X.copy()),
    )
    assert "stale value" in found[0].causes and "has to come before" in found[0].text


@pytest.mark.parametrize(
    "text", ["def f(x, y):\n    raise ValueError(x)\n", "def f(x, y):\n    return x.no_such + y\n"]
)
def test_candidates_may_fail_in_any_way(text):
    assert search(module(text), lambda f: f(X, Y) is None, scopes=scopes_of(), seconds=2) == []


def test_what_a_candidate_prints_is_not_shown(capsys):
    page = module("""
        def f(x, y):
            print("here")
            total = -x
            return total
    """)
    assert search(page, wants(2.0, 5.0), scopes=scopes_of())
    assert capsys.readouterr().out == ""


def test_the_time_is_kept():
    page = module(PAGE)

    def slow(f):
        time.sleep(0.01)
        return False

    start = time.monotonic()
    assert search(page, slow, scopes=scopes_of(total=np.zeros(2), i=0, by=1.0), seconds=0.3) == []
    assert 0.25 < time.monotonic() - start < 1


def test_without_source_nothing_is_tried():
    scope: dict = {}
    exec("def f(x, y):\n    return -x\n", scope)
    assert repair.search(scope["f"], [], {}, set(), lambda f: True, lambda f: True) == []


def test_the_function_itself_is_never_changed():
    page = module(PAGE)
    before = page.f(X, Y), page.f.__code__, page.f.__kwdefaults__, page.__dict__.copy()
    search(page, wants(*3 * (X**2 + Y**2)), scopes=scopes_of(total=np.zeros(2), i=0, by=1.0))
    assert page.f.__code__ is before[1] and page.f.__kwdefaults__ is before[2] and page.__dict__ == before[3]
    np.testing.assert_array_equal(page.f(X, Y), before[0])

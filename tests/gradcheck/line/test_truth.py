"""The true derivatives by what a forward computes: equal to those by hand, along directions and entry by entry."""

import contextlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from minireid.gradcheck.line.truth import Truth
from minireid.gradcheck.tensor.problem import Problem
from minireid.layers import gru
from tests.gradcheck.line.following import followed, problem_of, step_arrays
from tests.gradcheck.planting import module

X = np.random.default_rng(0).normal(size=(4, 3))


@contextlib.contextmanager
def truth_of(problem):
    with followed(lambda: problem.call(problem.forward)) as tracer:
        yield Truth(problem, tracer)


def event(truth, name, *kinds, number=-1):
    """An event of the forward itself, not of a function that it calls."""
    kinds = kinds or ("assign", "add", "argument")
    return [e for e in truth.events if e.name == name and e.kind in kinds and e.frame.number == 1][number]


@pytest.fixture
def step():
    """(the truth of a step of the GRU, every derivative inside it by hand)."""
    problem = Problem(gru.step_forward, gru.step_backward, step_arrays(), {}, 0).drawn()
    x, h_prev, p = problem.arrays
    dh = problem.upstream
    z, r = (1 / (1 + np.exp(-(x @ p["W" + g] + h_prev @ p["U" + g] + p["b" + g]))) for g in "zr")
    q = r * h_prev
    c = np.tanh(x @ p["Wc"] + q @ p["Uc"] + p["bc"])
    hand = {"h": dh, "z": dh * (c - h_prev), "c": dh * z}
    hand["ac"] = hand["c"] * (1 - c * c)
    hand["q"] = hand["ac"] @ p["Uc"].T
    hand["r"] = hand["q"] * h_prev
    hand["ar"] = hand["r"] * r * (1 - r)
    hand["az"] = hand["z"] * z * (1 - z)
    hand["p.Uc"] = q.T @ hand["ac"]
    hand["p.bz"] = hand["az"].sum(axis=0)
    hand["x"] = sum(hand["a" + g] @ p["W" + g].T for g in "zrc")
    with truth_of(problem) as truth:
        yield truth, hand


def test_inside_a_step_of_the_gru_they_are_those_by_hand(step):
    truth, hand = step
    assert truth.imaginary, "the complex step works here"
    for name, right in hand.items():
        found = event(truth, name)
        np.testing.assert_allclose(truth.full(found), right, rtol=1e-11, atol=1e-14, err_msg=name)
        np.testing.assert_allclose(truth.print(found), truth.tracer.print_of(right), rtol=1e-10, err_msg=name)


def test_a_value_is_right_only_if_it_is_the_derivative(step):
    truth, hand = step
    found = event(truth, "z")
    size = float(np.linalg.norm(hand["z"]))
    assert truth.is_by(truth.tracer.print_of(hand["z"]), size, found)
    for wrong in (-hand["z"], hand["z"] * (1 + 1e-6), hand["c"], hand["z"][::-1]):
        assert not truth.is_by(truth.tracer.print_of(wrong), size, found)


def test_inputs_are_events_too(step):
    truth, hand = step
    assert set(truth.inputs) == {"x", "h_prev", *(f"p.{k}{g}" for k in "WUb" for g in "zrc")}
    np.testing.assert_allclose(truth.full(truth.inputs["x"]), hand["x"], rtol=1e-11)


def test_one_use_of_a_variable_has_a_derivative_of_its_own():
    page = module("""
        def forward(x):
            y = x * 3 + x * x
            return y, x

        def backward(dy, x):
            return dy * (3 + 2 * x)
    """)
    problem = problem_of(page, X)
    with truth_of(problem) as truth:
        uses = [truth.full(e) for e in truth.events if e.name == "x" and e.kind == "use"]
        dy = problem.upstream
        for own in (3 * dy, dy * X):
            assert any(np.allclose(use, own, rtol=1e-10) for use in uses)


def test_values_of_one_name_are_told_apart_by_their_round():
    page = module("""
        def forward(x):
            h = 0 * x[:, 0]
            for t in range(3):
                h = h * 0.5 + x[:, t]
            return h, None

        def backward(dh, cache):
            raise NotImplementedError
    """)
    problem = problem_of(page, X)
    with truth_of(problem) as truth:
        for t in range(3):
            found = next(e for e in truth.events if e.name == "h" and e.kind == "assign" and e.loops.get("t") == t)
            np.testing.assert_allclose(truth.full(found), 0.5 ** (2 - t) * problem.upstream, rtol=1e-11)


WITH_NORM = """
    import numpy as np

    def forward(x):
        a = x * 3
        n = np.linalg.norm(a, axis=1)
        return n, (a, n)

    def backward(dn, cache):
        a, n = cache
        return 3 * dn[:, None] * a / n[:, None]
"""


def test_where_complex_numbers_fail_differences_are_used():
    problem = problem_of(module(WITH_NORM), X)
    with truth_of(problem) as truth:
        assert not truth.imaginary
        right = problem.upstream[:, None] * 3 * X / np.linalg.norm(3 * X, axis=1, keepdims=True)
        found = event(truth, "a")
        np.testing.assert_allclose(truth.full(found), right, rtol=1e-6)
        assert truth.is_by(truth.tracer.print_of(right), float(np.linalg.norm(right)), found)
        assert not truth.is_by(truth.tracer.print_of(1.001 * right), float(np.linalg.norm(right)), found)


def test_a_new_array_holds_complex_numbers_as_well():
    page = module("""
        import numpy as np

        def forward(x):
            y = np.zeros(x.shape)
            y[...] = np.tanh(x)
            return y, y

        def backward(dy, y):
            return dy * (1 - y * y)
    """)
    with truth_of(problem_of(page, X)) as truth:
        assert truth.imaginary


def test_a_size_that_was_computed_with_a_division_has_no_derivative():
    page = module("""
        import numpy as np

        def forward(x):
            half = len(x) / 2
            return x[: int(half)] * np.ones((3, 3)), x.shape

        def backward(dy, shape):
            dx = np.zeros(shape)
            dx[: len(dx) // 2] = dy
            return dx
    """)
    with truth_of(problem_of(page, np.vstack([X, X[:2]]))) as truth:
        half = event(truth, "half")
        assert np.isnan(truth.print(half)).all() and not truth.is_by(np.zeros(3), 0.0, half)


def test_on_a_kink_there_is_no_derivative():
    page = module("""
        import numpy as np

        def forward(x):
            a = x * 1.0
            y = np.abs(a)
            return y, a

        def backward(dy, a):
            return dy * np.sign(a)
    """)
    for x, kinked in ((np.zeros((2, 3)), True), (X, False)):
        with truth_of(problem_of(page, x)) as truth:
            assert truth.kinked(event(truth, "a")) == kinked


def test_measuring_leaves_the_arrays_and_the_run_as_they_are(step):
    truth, _ = step
    arrays = truth.problem.arrays
    before = arrays[0].tobytes(), arrays[2]["Wz"].tobytes()
    tracer = truth.tracer
    state = {k: v for k, v in vars(tracer).items() if k != "directions"}
    truth.along(event(truth, "z"), np.ones((3, 4)))
    assert {k: v for k, v in vars(tracer).items() if k != "directions"} == state
    assert (arrays[0].tobytes(), arrays[2]["Wz"].tobytes()) == before


def page_of(body):
    """A page with this forward, and no backward."""
    lines = "\n            ".join(["import numpy as np", "", "def forward(x):", *(f"    {line}" for line in body)])
    return module(f"""
            {lines}

            def backward(dy, cache):
                raise NotImplementedError
    """)


def test_both_uses_in_one_statement_are_one_value_too():
    problem = problem_of(page_of(["y = x * x + 3 * x", "z = x * 2", "return y + z, None"]), X)
    with truth_of(problem) as truth:
        dy = problem.upstream
        (together,) = [e for e in truth.events if e.name == "x" and e.kind == "uses"]
        assert len(together.uses) == 3 and together.shape == X.shape
        np.testing.assert_allclose(truth.full(together), dy * (2 * X + 3), rtol=1e-11)
        np.testing.assert_allclose(truth.print(together), truth.tracer.print_of(dy * (2 * X + 3)), rtol=1e-10)
        assert together in truth.by_shape[X.shape]


def test_in_a_loop_what_is_taken_over_is_one_value_in_each_round():
    """The gradient that is carried back is the derivative by these uses, not by that of `out.append(h)`."""
    body = ["h, out = x[:, 0], []", "for t in range(3):", "    h = h * 0.5 + h * h", "    out.append(h)",
            "return np.stack(out), None"]  # fmt: skip
    problem = problem_of(page_of(body), X)
    with truth_of(problem) as truth:
        rounds = [e for e in truth.events if e.name == "h" and e.kind == "uses" and e.loops.get("t") is not None]
        assert {e.loops["t"] for e in rounds} == {0, 1, 2}
        h, (last, *_) = X[:, 0], [e for e in rounds if e.loops["t"] == 2]
        for _ in range(2):
            h = h * 0.5 + h * h
        np.testing.assert_allclose(truth.full(last), problem.upstream[2] * (0.5 + 2 * h), rtol=1e-11)
        places = Counter(id(e.site) for e in rounds)
        assert sorted(places.values()) == [3, 3], "the line, and the round: two places, each in three rounds"


def test_two_lines_with_two_uses_each_are_two_places():
    with truth_of(problem_of(page_of(["y = x * x", "z = x + x", "return y + z, None"]), X)) as truth:
        one, two = [e for e in truth.events if e.kind == "uses" and len(e.uses) == 2]
        assert one.site is not two.site and (one.site.line, two.site.line) == (5, 6)
    with truth_of(problem_of(page_of(["a = x + 1", "return x * x + a * a, None"]), X)) as truth:
        one, two = [e for e in truth.events if e.kind == "uses"]
        assert (one.site.name, two.site.name) == ("x", "a"), "two variables in one line are two places"


def test_how_near_is_equal(step):
    truth, _ = step
    one = np.array([1.0, -2.0, 0.5])
    for imaginary, off in ((True, 1e-8), (False, 1e-5)):
        truth.imaginary = imaginary
        assert truth.same(one, one * (1 + off / 3), 0.0) and not truth.same(one, one * (1 + 2 * off), 0.0)
        assert truth.same(one, one + 50 * off, 100.0) and not truth.same(one, one + 200 * off, 100.0)
        assert truth.same(0 * one, 0 * one + 5e-14, 0.0) and not truth.same(0 * one, one * 1e-12, 0.0)
    truth.imaginary = True


def test_values_with_the_same_derivative_and_values_that_are_not_needed():
    body = ["a = x * 2", "b = a + 1", "c = b * 3", "d = x.sum()", "e = a.T + 1", "return c, d + e"]
    with truth_of(problem_of(page_of(body), X[:3])) as truth:
        a, b, c, e = (event(truth, name) for name in "abce")
        assert truth.same_derivative(a, b) and not truth.same_derivative(a, c) and not truth.same_derivative(e, a)
        needed = {e.name for e in truth.needed() if e.kind == "assign"}
        assert needed == {"a", "b", "c"}


def test_right_is_right_in_the_units_that_are_asked_for():
    with truth_of(problem_of(page_of(["a = x * 2", "y = a * a", "return y, a"]), X)) as truth:
        a, y = event(truth, "a"), event(truth, "y")
        by_y = truth.print(y)
        assert truth.is_by(by_y, 1.0, y) and not truth.is_by(by_y, 1.0, a) and not truth.is_by(2 * by_y, 1.0, y)
        assert not truth.is_by(np.array([by_y[0], by_y[1], -by_y[2]]), 1.0, y), "all three directions are looked at"
        assert truth.is_right(replace(y, print=by_y, norm=1.0), y)
        for scale in (1.0, 4.0, 1 / 3):
            value = replace(y, print=scale * by_y, norm=scale * 100)
            assert truth.is_right(value, y, scale) and not truth.is_right(value, y, 2 * scale)
            assert not truth.is_right(replace(value, shape=(3, 4)), y, scale)
            rounded = replace(value, print=scale * (by_y + 5e-7))  # 1e-8 of a value of the norm 100 is rounding
            assert truth.is_right(rounded, y, scale) and not truth.is_right(replace(rounded, norm=1e-3), y, scale)


def test_first_one_direction_is_measured_then_the_others(step):
    truth, hand = step
    found, runs = event(truth, "c"), []
    measure = truth.along
    truth.along = lambda *arguments: runs.append(1) or measure(*arguments)
    right = truth.tracer.print_of(hand["c"])
    np.testing.assert_allclose(truth.print(found, 1), right[:1], rtol=1e-10)
    np.testing.assert_allclose(truth.print(found), right, rtol=1e-10)
    assert truth.print(found).shape == (3,) and len(runs) == 3, "what was measured is kept"
    truth.full(found), truth.full(found)
    assert len(runs) == 3 + hand["c"].size


def test_a_value_that_is_kept_among_real_numbers_is_measured_by_differences():
    """The complex step works for x: only what is between, n, cannot be complex. A list of floats is made of it."""
    body = ["n = len(x) * 0.5", "y = np.sin(x) * np.array([n, 2 * n, 1.0], dtype=float)", "return y, None"]
    problem = problem_of(page_of(body), X)
    with truth_of(problem) as truth:
        assert truth.imaginary
        right = (problem.upstream * np.sin(X) * [1, 2, 0]).sum()
        np.testing.assert_allclose(truth.full(event(truth, "n")), right, rtol=1e-7)
        assert truth.imaginary, "for the others the complex step goes on"


def test_a_kink_is_seen_in_one_of_several_uses_and_only_where_differences_are_taken():
    body = ["a = x * 1.0", "y = a * 2 + np.abs(a)", "return y, a"]
    for x, kinked in ((np.zeros((2, 3)), True), (X, False)):
        with truth_of(problem_of(page_of(body), x)) as truth:
            (uses,) = [e for e in truth.events if e.name == "a" and e.kind == "uses"]
            for truth.imaginary in (True, False):  # of |x| at 0 the complex step gives some number
                assert truth.nowhere(uses) is (kinked and not truth.imaginary)
            assert truth.kinked(uses) is kinked


def test_a_kink_within_the_larger_step_does_not_end_the_complex_step():
    body = ["y = np.where(x.real > 0, np.sin(x), 3 * x)", "return y, None"]
    for near, imaginary in ((2e-6, True), (0.0, False)):
        x = X.copy()
        x[1, 1] = near
        with truth_of(problem_of(page_of(body), x)) as truth:
            assert truth.imaginary is imaginary


def test_an_input_is_an_event_before_all_others(step):
    truth, _ = step
    arrays = dict(zip(("x", "h_prev"), truth.problem.arrays))
    for number, (name, array) in enumerate(arrays.items()):
        found = truth.inputs[name]
        assert (found.number, found.name, found.kind, found.shape) == (-1 - number, name, "input", array.shape)
        assert found.norm == pytest.approx(np.linalg.norm(array)) and found.frame.number == 1
        assert (found.leaf, found.execution, found.site.statement, found.site.line) == ("", -1, -1, 0)
        assert found.site.number == found.number
        np.testing.assert_array_equal(found.value, array)
        np.testing.assert_allclose(found.print, truth.tracer.print_of(array))


def test_where_an_input_is_moved_nothing_is_recorded(step):
    """Recording takes much longer than the run itself."""
    truth = step[0]
    truth.tracer.record = None
    assert all(np.isfinite(truth.print(e)).all() for e in truth.inputs.values())

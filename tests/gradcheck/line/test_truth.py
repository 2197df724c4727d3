"""The true derivatives by what a forward computes: equal to those by hand, along directions and entry by entry."""

import contextlib

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


def test_where_an_input_is_moved_nothing_is_recorded(step):
    """Recording takes much longer than the run itself."""
    truth = step[0]
    truth.tracer.record = None
    assert all(np.isfinite(truth.print(e)).all() for e in truth.inputs.values())

"""Derivatives from function values: how exact, how sure of it, and what happens where the complex step cannot go."""

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import check
from minireid.gradcheck.cases.pages import Sizes, page_cases
from minireid.gradcheck.tensor import slopes as numerical
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes
from minireid.layers import relu, tanh, unit_length

SMOOTH = {
    "gru/step",
    "gru",
    "gru_reset_after/step",
    "gru_reset_after",
    "elman/step",
    "elman",
    "softmax",
    "tanh",
    "sigmoid",
}
CASES = [case for case in page_cases(np.random.default_rng(0), Sizes()) if case.name in SMOOTH]
each_smooth = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def test_no_smooth_case_is_forgotten():
    assert {case.name for case in CASES} == SMOOTH


@each_smooth
def test_the_complex_step_is_exact_to_the_last_digits(case):
    report = check(case.forward, case.backward, *case.arrays, diagnosis=False, **case.config)
    assert report.ok and report.method == "complex step"
    assert max(tensor.error for tensor in report.tensors) < 1e-12


@each_smooth
def test_differences_agree_with_the_complex_step(case):
    problem = Problem(case.forward, case.backward, case.arrays, case.config, 0).drawn()
    exact, differences = Slopes(problem, "complex"), Slopes(problem, "central")
    for name, array in leaves(problem.inputs()):
        indices = list(np.ndindex(array.shape))[::7]
        true = np.array([exact.at(name, index)[0] for index in indices])
        n = np.array([differences.at(name, index)[0] for index in indices])
        np.testing.assert_allclose(n, true, rtol=1e-8, atol=1e-10)
        u = np.random.default_rng(1).normal(size=array.shape)
        np.testing.assert_allclose(differences.along(name, u)[0], exact.along(name, u)[0], rtol=1e-7, atol=1e-9)


def with_buffer(x):
    y = np.zeros(x.shape)  # real numbers: the imaginary part would be lost in it
    y[...] = np.tanh(x)
    return y, y


def with_abs(x):
    return np.abs(x) ** 3, x


def with_norm(x):
    n = np.linalg.norm(x, axis=1)
    return n, (x, n)


def with_float(x):
    return np.array([float(np.sum(x * x))]), x


UNFIT = {
    "a buffer of float64": (with_buffer, lambda dy, y: dy * (1 - y * y)),
    "np.abs": (with_abs, lambda dy, x: dy * 3 * x * np.abs(x)),
    "np.linalg.norm": (with_norm, lambda dy, cache: dy[:, None] * cache[0] / cache[1][:, None]),
    "float()": (with_float, lambda dy, x: 2 * dy[0] * x),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("forward", "backward"), UNFIT.values(), ids=UNFIT)
def test_where_the_complex_step_cannot_go_differences_do_and_nobody_is_blamed(forward, backward, rng):
    x = rng.normal(size=(4, 3))
    report = check(forward, backward, x, diagnosis=False)
    assert report.ok and report.method == "central differences" and not report.faults and not report.notes
    for factor in (2, 1 + 1e-5):
        wrong = check(forward, lambda dy, cache, factor=factor: factor * backward(dy, cache), x, diagnosis=False)
        assert not wrong.ok and not wrong.faults


def test_a_method_that_is_asked_for_is_taken(rng):
    x = rng.normal(size=(3, 5))
    for method, said in (("central", "central differences"), ("complex", "complex step")):
        assert check(tanh.forward, tanh.backward, x, method=method).method == said
        assert check(tanh.forward, tanh.backward, x, method="".join(list(method))).method == said
    with pytest.raises(ValueError, match='"auto", "complex" or "central", got \'exact\''):
        check(tanh.forward, tanh.backward, x, method="exact")


def test_the_arrays_are_left_as_they_were(rng):
    x = rng.normal(size=(3, 5))
    before = x.tobytes()
    slopes = Slopes(Problem(tanh.forward, tanh.backward, (x,), {}, 0).drawn())
    slopes.at("x", (1, 2)), slopes.along("x", np.ones((3, 5))), slopes.difference("x", np.ones((3, 5)))
    assert x.tobytes() == before and not np.any(slopes.imaginary["x"].imag)


FUNCTIONS = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "seventh power": (lambda v: v**7, lambda v: 7 * v**6),
    "a large constant": (lambda v: 1e6 + np.sin(v), np.cos),
    "fast": (lambda v: np.sin(40 * v), lambda v: 40 * np.cos(40 * v)),
}


@pytest.mark.parametrize(("f", "slope"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_error_bar_covers_the_error_and_is_not_much_too_wide(f, slope):
    x = np.linspace(0.3, 1.9, 17)
    for k in range(len(x)):
        for h in (1e-3, 1e-4, 1e-6):
            n, off = numerical.derivative(lambda k=k: float(f(x[k])), x, (k,), h)
            error, rounded = abs(n - slope(x[k])), 4e-16 * abs(x[k] * slope(x[k])) / h  # x + h is rounded as well
            assert error <= 2 * off + rounded, f"{error} > {off} at h = {h}"
            if h == 1e-3 and abs(f(x[k])) < 100:
                assert off <= 1e-4 * abs(slope(x[k])) + 1e-6


def test_the_error_of_a_difference_falls_and_rises_again():
    x = np.array([0.7])
    steps, errors = numerical.u_curve(lambda: float(np.exp(x[0])), x, (0,), float(np.exp(0.7)))
    best = int(np.argmin(errors))
    assert steps[0] == 1 and steps[-1] == pytest.approx(1e-12) and 1e-7 < steps[best] < 1e-3
    assert errors[0] > 1e4 * errors[best] and errors[-1] > 1e4 * errors[best]
    np.testing.assert_allclose(
        errors[2] / errors[4], 100, rtol=0.02
    )  # h^2: a tenth of the step, a hundredth of the error
    assert x[0] == 0.7


def test_kinks_are_seen_and_curves_are_not_taken_for_them(rng):
    x = np.array([0.0, 0.4])
    assert numerical.is_kink(lambda: float(np.maximum(x, 0).sum()), x, (0,), 1e-3)
    assert not numerical.is_kink(lambda: float(np.maximum(x, 0).sum()), x, (1,), 1e-3)
    assert not numerical.is_kink(lambda: float(np.exp(5 * x[0])), x, (0,), 1e-3)
    report = check(relu.forward, relu.backward, np.array([[0.0, *rng.normal(size=20)]]), diagnosis=False)
    assert report.ok and report.tensors[0].kinks == 1


def test_where_the_true_gradient_is_zero_rounding_is_no_mistake():
    """Vectors of one number: their unit vectors are 1 and -1, whatever they are. Nothing but rounding is left."""
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(5, 1))
        assert check(unit_length.forward, unit_length.backward, x, seed=seed).ok
        assert not check(unit_length.forward, lambda du, cache: 1e-9 * du, x, seed=seed, diagnosis=False).ok


def test_where_large_terms_cancel_the_complex_step_knows_how_exact_it_is():
    """A row that is divided by its length of 1e-6: terms of 1e6 cancel, and the rest of them is no gradient."""
    x = np.array([[1.3e-6], [0.7]])
    for seed in range(10):
        assert check(unit_length.forward, unit_length.backward, x, seed=seed, method="complex").ok
        wrong = check(unit_length.forward, lambda du, c: 1e-6 * du, x, seed=seed, method="complex", diagnosis=False)
        assert not wrong.ok


def test_curves_of_any_strength_are_no_kinks():
    x = np.array([0.0])
    for strength in (1e-3, 1.0, 1e6):
        assert not numerical.is_kink(lambda strength=strength: float(strength * x[0] ** 2), x, (0,), 0.0)
        assert numerical.is_kink(lambda strength=strength: float(strength * (x[0] ** 2 + abs(x[0]))), x, (0,), 0.0)


def test_a_kink_is_seen_beside_a_large_constant():
    """Rounding hides the smallest of the three steps there."""
    x = np.array([0.0, 0.987654321])
    loss = lambda: float(1e8 + np.abs(x).sum())  # noqa: E731
    assert numerical.is_kink(loss, x, (0,), 0.0) and not numerical.is_kink(loss, x, (1,), 0.0)
    cancels = lambda: float((1e8 + x.sum()) - 1e8)  # noqa: E731
    assert not numerical.is_kink(cancels, x, (1,), 0.0, 1e8), "steps of rounding are no kinks"


def test_a_kink_on_a_strong_curve_is_told_from_the_curve():
    x = np.array([0.0])
    assert numerical.is_kink(lambda: float(1e6 * x[0] ** 2 + abs(x[0])), x, (0,), 0.0)
    assert not numerical.is_kink(lambda: float(1e6 * x[0] ** 2), x, (0,), 0.0)
    for x[0] in np.linspace(0.1, 1, 30):  # the rounding of 1e6 hides the smallest step
        assert not numerical.is_kink(lambda: float(1e6 + 1e3 * x[0] ** 2), x, (0,), 0.0)


def test_how_much_the_complex_step_wobbles_is_seen_of_each_entry():
    """Of a row divided by its length of 1e-6, and of a row of the usual size."""
    problem = Problem(unit_length.forward, unit_length.backward, (np.array([[1.3e-6], [0.7]]),), {}, 0).drawn()
    exact, differences = Slopes(problem, "complex"), Slopes(problem, "central")
    assert exact.wobble("x", (0, 0)) > 100 * exact.rounding > 100 * exact.wobble("x", (1, 0))
    assert differences.wobble("x", (0, 0)) == 0
    assert not np.any(exact.imaginary["x"].imag)


def sines(x, **settings):
    """(the slopes of sum(dy * (3 + sin x)), dy)."""
    forward = lambda x: (3 + np.sin(x), x)  # noqa: E731
    problem = Problem(forward, lambda dy, x: dy * np.cos(x), (x,), {}, 0).drawn()
    return Slopes(problem, **settings), problem.upstream


def test_the_error_bar_by_hand():
    """4e-16 |L| / h for rounding; a thousandth of |D(h) - D(2 h)|, less where h is less than the usual step."""
    assert numerical.bar(0, 0, -2, 1e-4) == pytest.approx(8e-12)
    assert numerical.bar(1, 1.5, 0, 1e-3) == numerical.bar(1.5, 1, 0, 1) == pytest.approx(5e-4)
    assert numerical.bar(1, 1.5, 0, 1e-5) == pytest.approx(5e-6)
    assert numerical.bar(1, 1.5, 2, 1e-5) == pytest.approx(5e-6 + 8e-11)


def test_the_bar_of_a_forward_in_float32_is_that_of_float32(rng):
    x = rng.normal(size=(2, 3))
    slopes, dy = sines(x, coarse=True)
    wide = 2.4e-7 * float(np.abs(dy * (3 + np.sin(x))).sum()) / 1e-2
    n, off = slopes.at("x", (1, 2))
    assert off == pytest.approx(wide) and abs(n - dy[1, 2] * np.cos(x[1, 2])) < 1e-6
    u = rng.normal(size=(2, 3))
    n, off = slopes.along("x", u)
    assert off == pytest.approx(wide) and abs(n - (dy * np.cos(x) * u).sum()) < 1e-6
    assert not slopes.complex and slopes.magnitude == pytest.approx(wide / 2.4e-5)


@pytest.mark.parametrize("method", ["complex", "central"])
def test_at_an_entry_and_along_a_direction_they_are_those_by_hand(method, rng):
    x, u = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    slopes, dy = sines(x, method=method)
    right, (n, off) = float((dy * np.cos(x) * u).sum()), slopes.along("x", u)
    assert abs(n - right) <= 2 * off < 1e-10 and slopes.rounding < 1e-12
    n, off = slopes.at("x", (1, 2))
    assert abs(n - dy[1, 2] * np.cos(x[1, 2])) <= 2 * off < 1e-9
    n, off = slopes.difference("x", u, 1e-2)
    assert 0 < off < 1e-4 and n == pytest.approx(right, rel=1e-6)
    backwards, forwards = slopes.sides("x", u)
    assert backwards == pytest.approx(right, rel=1e-5) and forwards == pytest.approx(right, rel=1e-5)
    assert slopes.agrees("x", u, right, 1e-4) and not slopes.agrees("x", u, right * (1 + 1e-4), 1e-4)
    assert slopes.loss() == pytest.approx((dy * (3 + np.sin(x))).sum())


def test_the_sides_of_a_kink_are_told_apart(rng):
    x = np.array([0.0, 2.0])
    slopes = Slopes(
        Problem(lambda x: ((2 * np.maximum(x, 0)).sum(), x), lambda dy, x: dy, (x,), {}, 0).drawn(), "central"
    )
    dy = float(slopes.problem.upstream)
    np.testing.assert_allclose(slopes.sides("x", np.array([1.0, 0.0])), (0, 2 * dy), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(slopes.sides("x", np.array([-1.0, 0.0])), (-2 * dy, 0), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(slopes.real["x"], [0, 2])


def test_a_kink_within_the_larger_step_does_not_end_the_complex_step():
    """The second, smaller step of the test of the complex step does not reach it."""
    x = np.array([2e-6, 1.0, -0.5])
    forward = lambda x: (np.where(x.real > 0, np.sin(x), 3 * x), x)  # noqa: E731
    assert Slopes(Problem(forward, lambda dy, x: dy, (x,), {}, 0).drawn()).complex
    buffered = lambda x: (np.abs(x) * 2, x)  # noqa: E731
    assert not Slopes(Problem(buffered, lambda dy, x: dy, (x,), {}, 0).drawn()).complex

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

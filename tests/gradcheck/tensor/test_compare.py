"""One tensor against the numerical derivative: what is looked at, what is seen all the same, and what is said of it."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minireid.gradcheck
from minireid.gradcheck import check
from minireid.gradcheck.check import ENTRIES
from minireid.gradcheck.check import SAMPLE as SAMPLES
from minireid.gradcheck.finding import Finding, Line
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.compare import (
    CONFIRMED,
    DIRECTIONS,
    TensorReport,
    along_directions,
    between_sides,
    between_slopes,
    chosen,
    explained,
    relative,
    told_apart,
)
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes
from minireid.layers import gru, linear, relu, temporal_mean

SAMPLE = SAMPLES[True]  # with the complex step


def large(rng, D=70, S=60):
    return rng.normal(size=(2, D)), rng.normal(size=(2, S)), gru.init(rng, D, S, dtype=np.float64)


def spoiled(name, index, by):
    def backward(dh, cache):
        dx, dh_prev, grads = gru.step_backward(dh, cache)
        grads[name][index] += by
        return dx, dh_prev, grads

    return backward


def test_a_small_tensor_is_looked_at_entry_by_entry():
    assert chosen((3, 5), 15, 0) == list(np.ndindex(3, 5))
    assert chosen((), 5, 0) == [()]


def test_so_many_are_looked_at_as_the_readme_says():
    page = (Path(minireid.gradcheck.__file__).parent / "README.md").read_text().replace("\n", " ")
    assert f"with more than {ENTRIES} entries a sample is compared" in page
    assert f"more than {10 * ENTRIES:,} entries, the samples are smaller ({SAMPLES[True]} or {SAMPLES[False]})" in page


@pytest.mark.parametrize("shape", [(10_000,), (60, 40), (20, 30, 7), (3, 3, 8, 90)])
def test_of_a_large_tensor_ends_corners_and_others(shape):
    indices = chosen(shape, 300, 3)
    assert len(indices) == len(set(indices)) == 300
    assert all(0 <= i < size for index in indices for i, size in zip(index, shape))
    assert set(itertools.product(*((0, size - 1) for size in shape))) <= set(indices)
    grid = set(itertools.product(*((0, size // 2, size - 1) for size in shape)))
    assert len(set(indices) - grid) >= 150
    for axis, size in enumerate(shape):
        assert len({index[axis] for index in indices}) > min(size, 20) / 2, "spread over every axis"
    assert chosen(shape, 300, 3) == indices != chosen(shape, 300, 4)
    assert chosen(shape, 300, 3, "W") != chosen(shape, 300, 3, "U")


def test_every_gate_is_sampled_and_it_is_said_how_much_was_looked_at(rng):
    report = check(gru.step_forward, gru.step_backward, *large(rng), diagnosis=False)
    assert report.ok
    by_name = {tensor.name: tensor for tensor in report.tensors}
    assert {f"p.{kind}{gate}" for kind in "WUb" for gate in "zrc"} <= by_name.keys()
    for name in ("p.Wz", "p.Wr", "p.Wc", "p.Uc"):
        tensor = by_name[name]
        assert tensor.looked_at == (SAMPLE, DIRECTIONS)
        assert f"{SAMPLE} of {np.prod(tensor.shape)} entries and {DIRECTIONS} directions" in str(tensor)
    small = check(gru.step_forward, gru.step_backward, *large(rng, 3, 5), diagnosis=False)
    assert all(t.looked_at == (np.prod(t.shape), 0) and "entries and" not in str(t) for t in small.tensors)


def test_a_mistake_in_one_entry_that_was_not_sampled_is_seen_in_the_directions(rng):
    arrays = large(rng)
    for gate in "zrc":
        sampled = chosen((70, 60), SAMPLE, 0, "p.W" + gate)
        hidden = next(index for index in np.ndindex(70, 60) if index not in sampled)
        report = check(gru.step_forward, spoiled("W" + gate, hidden, 0.5), *arrays, diagnosis=False)
        (wrong,) = [tensor for tensor in report.tensors if not tensor.ok]
        assert wrong.name == "p.W" + gate and wrong.index == () and wrong.wrong == 1
        assert wrong.error > 1e-4 and abs(wrong.analytic - wrong.numerical) > 1e-4
        assert "along a random direction: backward says" in wrong.verdict
    sampled = chosen((70, 60), SAMPLE, 0, "p.Wz")
    seen = check(gru.step_forward, spoiled("Wz", sampled[5], 0.5), *arrays, diagnosis=False)
    assert [tensor.index for tensor in seen.tensors if not tensor.ok] == [sampled[5]]


def test_the_sampled_verdict_holds_with_differences_too(rng):
    x, W = rng.normal(size=(2, 160)), {"W": rng.normal(size=(160, 130)), "b": rng.normal(size=130)}
    good = check(linear.forward, linear.backward, x, W, method="central", diagnosis=False)
    assert good.ok and good.method == "central differences"
    assert {t.name: t.looked_at for t in good.tensors}["p.W"] == (
        SAMPLES[False],
        DIRECTIONS,
    ) and 160 * 130 > 10 * ENTRIES

    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        grads["W"][77, 55] += 0.5
        return dx, grads

    assert [
        t.name for t in check(linear.forward, backward, x, W, method="central", diagnosis=False).tensors if not t.ok
    ] == ["p.W"]


def test_how_many_entries_are_wrong_is_counted(rng):
    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        grads["W"][1:3, 2] *= 2
        return dx, grads

    x, p = rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64)
    assert [t.wrong for t in check(linear.forward, backward, x, p, diagnosis=False).tensors] == [0, 2, 0]


def test_a_tensor_without_entries_is_right(rng):
    report = check(
        lambda x, e: (x * x, x), lambda dy, x: (2 * dy * x, np.zeros((0, 3))), rng.normal(size=(2, 3)), np.zeros((0, 3))
    )
    assert report.ok and report.tensors[1].shape == (0, 3)
    assert (report.tensors[1].wrong, report.tensors[1].kinks, report.tensors[1].error) == (0, 0, 0)


def test_where_nothing_is_compared_the_error_is_0():
    np.testing.assert_array_equal(relative(np.zeros(2), np.array([0.0, 1e-9]), 0.0, np.array([0.0, 1e-8])), 0)
    np.testing.assert_allclose(relative(np.array([3.0, 1e-4]), np.array([4.0, 0.0]), 0.1, 0.5e-4), [0.25, 5e-4], 1e-3)


def test_a_kink_among_many_wrong_entries_is_not_shown_as_the_worst():
    x = np.linspace(0.1, 1, 40)
    x[33] = 0
    (tensor,) = check(relu.forward, lambda dy, y: 1.01 * dy * (y > 0), x, diagnosis=False).tensors
    assert tensor.kinks == 1 and tensor.wrong == 39 and tensor.index != (33,)
    assert tensor.error == pytest.approx(0.01, rel=0.02)


def test_an_entry_on_a_kink_adds_nothing_to_the_error(rng):
    x = rng.normal(size=20)
    x[7] = 0
    for method in ("auto", "central"):
        (tensor,) = check(relu.forward, relu.backward, x, method=method, diagnosis=False).tensors
        assert tensor.ok and tensor.kinks == 1 and 0 <= tensor.error <= tensor.difference < 1e-8
    (tensor,) = check(relu.forward, relu.backward, np.zeros(3), diagnosis=False).tensors
    assert (tensor.error, tensor.difference, tensor.wrong) == (0, 0, 0)


def calls_of(forward, backward, x, **settings):
    calls = []
    check(lambda x: calls.append(1) or forward(x), backward, x, diagnosis=False, **settings)
    return len(calls)


@pytest.mark.parametrize("method", ["complex", "central"])
def test_many_wrong_entries_are_not_all_checked_again(method, rng):
    """Else a check of a wrong backward would take 30 times as long."""
    x = rng.normal(size=(20, 30))
    sine = lambda x: (np.sin(x), x)  # noqa: E731
    right = calls_of(sine, lambda dy, x: dy * np.cos(x), x, method=method)
    wrong = calls_of(sine, lambda dy, x: dy * np.sin(x), x, method=method)
    assert wrong < 2 * right + 60 * CONFIRMED, "twice: the right gradient is kept in full too"


# A derivative between two one-sided ones


def slopes_of(f, x, **settings):
    return Slopes(Problem(lambda x: (f(x), None), lambda dy, cache: dy, (x,), {}, 0).drawn(), **settings)


def test_at_a_kink_every_slope_between_the_sides_is_taken():
    """The loss is c |x|, with c from the upstream gradient."""
    x = np.array([0.0])
    slopes = slopes_of(np.abs, x, coarse=True)
    c = abs(float(slopes.problem.upstream[0]))
    for a, far, taken in ((0.3, 0, 0.3), (-0.9, 0, -0.9), (1.005, 0.01, 1), (-1.005, 0.01, -1), (1.1, 0.01, None),
                          (-1.1, 0.01, None)):  # fmt: skip
        found = between_sides(a * c, slopes.real["x"], (0,), far * c, slopes)
        assert found is None if taken is None else found == pytest.approx(taken * c)


def test_along_a_direction_too_every_slope_between_the_sides_is_taken():
    slopes = slopes_of(lambda x: np.abs(x.sum()), np.zeros(2), method="central")
    c = 2 * abs(float(slopes.problem.upstream))
    for a, taken in ((0.3, True), (-0.9, True), (1 + 1e-6, True), (1.01, False), (-1.01, False)):
        assert between_slopes("x", np.ones(2), a * c, slopes) is taken


def test_along_a_direction_the_largest_entry_says_what_is_small():
    """One entry has all of the gradient. Among four million it is a small part of a direction: rounding is seen."""
    gradient = np.zeros((2000, 2000))
    gradient[3, 5] = 1
    right = TensorReport("x", gradient.shape, 0.0, (0, 0), 0.0, 0.0, 0, looked_at=(24, DIRECTIONS))
    for off, ok in ((8e-10, True), (2e-8, False)):
        along = lambda name, u, off=off: (float((gradient * u).sum()) + off, 0.0)  # noqa: E731
        slopes = SimpleNamespace(problem=SimpleNamespace(seed=0), along=along, coarse=True)
        assert along_directions(right, gradient, slopes).ok is ok


@pytest.mark.parametrize("factor", [1.0, -1.0, 1e4])
def test_a_direction_across_a_kink_is_judged_with_a_tiny_step(factor, rng):
    """The step of 1e-4 crosses the kinks, a step of 1e-7 does not. A sum that is 1 per mille off is wrong."""
    x, u = rng.choice([-2e-5, 3e-5], size=300), rng.normal(size=300)
    slopes = slopes_of(lambda x: factor * np.maximum(x, 0) + x, x, method="central")
    right = float((slopes.problem.upstream * (1 + factor * (x > 0)) * u).sum())
    assert abs(slopes.along("x", u)[0] - right) > 1e-3 * abs(right)
    for off, found in ((1, True), (1 + 1e-6, True), (1 - 1e-6, True), (1.001, False), (0.999, False), (-1, False)):
        assert between_slopes("x", u, right * off, slopes) is found


def test_a_large_tensor_with_kinks_everywhere_near_is_right_if_it_is(rng):
    x = rng.choice([-2e-5, 3e-5], size=600)
    settings = {"method": "central", "entries": 60, "diagnosis": False}
    assert check(relu.forward, relu.backward, x, **settings).ok
    hidden = next(k for k in range(600) if x[k] > 0 and (k,) not in chosen((600,), 60, 0, "y"))
    assert not check(relu.forward, lambda dy, y: dy * (y > 0) + (np.arange(600) == hidden), x, **settings).ok


def test_a_large_tensor_of_a_forward_that_takes_float32_only(rng):
    x = rng.normal(size=600).astype(np.float32)

    def forward(x):
        assert x.dtype == np.float32
        return np.sin(x), x

    (tensor,) = check(forward, lambda dy, x: dy * np.cos(x), x, entries=60, diagnosis=False).tensors
    assert tensor.ok and tensor.looked_at == (60, DIRECTIONS) and tensor.index != () and tensor.wrong == 0
    hidden = next(k for k in range(600) if (k,) not in chosen((600,), 60, 0, "x"))

    def backward(dy, x):
        dx = dy * np.cos(x)
        dx[hidden] += 100
        return dx

    assert not check(forward, backward, x, entries=60, diagnosis=False).ok


def test_a_small_mistake_beside_zeros_is_not_excused(rng):
    h, lengths = rng.normal(size=(3, 5, 2)), np.array([5, 1, 3])

    def backward(dy, cache):
        dh = temporal_mean.backward(dy, cache)
        dh[1, 4, 0] += 1e-8
        return dh

    assert not check(temporal_mean.forward, backward, h, lengths=lengths, diagnosis=False).ok


@pytest.mark.parametrize(
    ("got", "expected", "said"),
    [
        ((7, 5), (5, 7), "transposed"),
        ((3, 7, 5), (3, 5, 7), "the same axes in another order"),
        ((35,), (5, 7), "the number of values is right, reshape it to (5, 7)"),
        ((3, 7), (7,), "the input was broadcast in the forward, so its gradient must be summed to the shape (7,)"),
        ((3, 7), (1, 7), "the input was broadcast in the forward"),
        ((7,), (5, 7), "summed over one axis too many"),
        ((), (7,), "summed over one axis too many"),
    ],
)
def test_a_wrong_shape_is_explained(got, expected, said):
    assert said in explained(got, expected)


def test_a_shape_that_nothing_explains_is_not_explained():
    assert explained((4, 2), (5, 7)) == ""


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (2.0, 1.0, ("2", "1")),
        (1.24526, 1.24527, ("1.24526", "1.24527")),
        (1.2452600001, 1.2452600002, ("1.2452600001", "1.2452600002")),
        (-0.5, -0.5000000000001, ("-0.5", "-0.5000000000001")),
        (1.0, 1.0 + 2**-52, ("1", "1.0000000000000002")),
        (0.25, 0.25, ("0.25", "0.25")),
        (0.0, 1e-300, ("0", "1e-300")),
        (np.nan, np.nan, ("nan", "nan")),
    ],
)
def test_so_many_digits_are_told_that_two_numbers_are_seen_to_differ(one, two, said):
    assert told_apart(one, two) == said
    assert told_apart(one, two, 6) == said


def test_a_difference_in_the_ninth_digit_is_seen_in_the_report(rng):
    x = rng.normal(size=(2, 3))

    def backward(dy, x):
        dx = dy * np.cos(x)
        dx[1, 2] += 3e-9
        return dx

    (tensor,) = check(lambda x: (np.sin(x), x), backward, 1e-3 * x, diagnosis=False).tensors
    _, says, true = tensor.verdict.replace(", true", ": backward says").split(": backward says ")
    assert not tensor.ok and says.rstrip(",") != true
    assert abs(float(says.rstrip(",")) - float(true)) == pytest.approx(3e-9, rel=0.1)


def test_the_line_of_a_report_tells_its_two_values_apart():
    line = Line("backward", 3, "dx = dy", "dx", index=(0, 1), computed=1.245261, true=1.2452614)
    report = Report("f", [TensorReport("x", (3,), 0.5, (0,), 2.0, 1.0, 0)], [], 0, "", findings=[Finding(line)])
    assert "computed     1.245261   true    1.2452614" in str(report)


def test_how_well_a_right_gradient_agrees_is_told_without_the_error_bar(rng):
    x = rng.normal(size=(3, 5))
    for method in ("complex", "central"):
        (tensor,) = check(lambda x: (np.sin(x), x), lambda dy, x: dy * np.cos(x), x, method=method).tensors
        assert tensor.ok and tensor.error <= tensor.difference
        assert tensor.verdict == (
            f"agrees to {tensor.difference:.0e}" if tensor.difference else "agrees in every digit"
        )
        assert "0.0e+00" not in str(tensor)
    assert 0 < tensor.difference < 1e-9  # of the differences, of which the last digits are rounding


def test_a_gradient_that_is_equal_in_all_digits_says_so():
    assert TensorReport("x", (3,), 0.0, (1,), 2.0, 2.0, 0, looked_at=(3, 0)).verdict == "agrees in every digit"
    assert TensorReport("x", (0, 3), 0.0, (), np.nan, np.nan, 0).verdict == "has no entries"


def test_the_state_stands_in_the_row_of_a_tensor():
    for error, kinks, state in ((0.0, 0, "ok"), (0.0, 9, "not"), (0.5, 0, "WRONG"), (0.5, 9, "WRONG")):
        tensor = TensorReport("x", (10,), error, (1,), 2.0, 1.0, kinks, looked_at=(10, 0))
        assert str(tensor).split()[2] == state and (tensor.ok, tensor.unchecked) == (state == "ok", state == "not")


def test_a_tenth_may_sit_on_kinks():
    for kinks, looked_at, ok in ((1, 10, True), (2, 10, False), (2, 20, True), (3, 20, False), (1, 0, False)):
        assert TensorReport("x", (20,), 0.0, (), 1.0, 1.0, kinks, looked_at=(looked_at, 0)).ok is ok


def test_where_only_rounding_is_left_the_error_bar_is_spoken_of():
    tensor = TensorReport("x", (3,), 0.0, (1,), 2e-17, 0.0, 0, looked_at=(3, 0), difference=1.0)
    assert tensor.ok and tensor.verdict == "agrees within the error bar of the true value: 2e-17 apart"


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (int, "an array made by np.zeros((3, 5), int) keeps whole numbers only, make it with np.zeros((3, 5))"),
        (bool, "an array made by np.zeros((3, 5), bool) keeps True and False only, make it with np.zeros((3, 5))"),
        (np.float32, "float32 keeps fewer digits, take out what converts to it (such as .astype or dtype=)"),
        (complex, "a gradient is real, return its real part"),
        (object, "backward must return float64"),
    ],
)
def test_of_a_wrong_dtype_one_sentence_says_what_to_do(kind, remedy, rng):
    x = rng.normal(size=(3, 5))
    report = check(
        lambda x: (x * x, x), lambda dy, x: np.asarray(dy * x > 0 if kind is bool else 2 * dy * x).astype(kind), x
    )
    assert not report.ok and report.line is None and not report.causes and not report.faults
    (tensor,) = report.tensors
    assert tensor.index == () and np.isnan([tensor.analytic, tensor.numerical]).all() and tensor.error == np.inf
    assert (tensor.kinks, tensor.wrong, tensor.looked_at) == (0, 0, (0, 0))
    said = str(report).splitlines()
    assert said[1].endswith(f"its gradient is {np.dtype(kind)} where its input is float64: {remedy}")


def test_a_tensor_without_influence_is_right_and_it_is_said_that_little_was_seen(rng):
    """A sum behind a softmax makes an upstream gradient that is the same everywhere: it cannot see mistakes."""

    def forward(x):
        e = np.exp(x)
        y = e / e.sum(axis=1, keepdims=True)
        return y.sum(), y

    report = check(forward, lambda dy, y: np.zeros_like(y), rng.normal(size=(3, 5)))
    assert report.ok and any("the true gradient of x is 0 at these numbers" in note for note in report.notes)
    assert "is 0 at these numbers" in str(report)

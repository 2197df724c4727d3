"""The gradient checker: it catches every planted mistake, names it, and leaves alone what is right."""

import contextlib
import copy
import dataclasses
import functools

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients, check, check_loss
from minireid.gradcheck.check import nearly_right, one_kind, slopes_of, takes_seed, title, worth_a_look
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor import slopes as numerical
from minireid.gradcheck.tensor.compare import DIRECTIONS, TensorReport
from minireid.gradcheck.tensor.problem import Problem
from minireid.layers import dropout, gru, linear, maxpool2d, relu, tanh, temporal_mean
from tests.gradcheck.planting import line_of, module


def tensors(*arguments, **settings):
    """What check says of every tensor, without the diagnosis."""
    return check(*arguments, diagnosis=False, **settings).tensors


def planted(change):
    """linear.backward with its dx, dW and db changed."""

    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        return change(dx, grads["W"], grads["b"])

    return backward


@pytest.fixture
def arrays(rng) -> tuple:
    return rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64)


def test_what_is_right_passes(arrays):
    reports = tensors(linear.forward, linear.backward, *arrays)
    assert [report.name for report in reports] == ["x", "p.W", "p.b"]
    assert [report.shape for report in reports] == [(3, 5), (5, 7), (7,)]
    assert all(report.ok and report.error < 1e-9 and report.kinks == 0 for report in reports)
    assert_gradients(linear.forward, linear.backward, *arrays)


WRONG = {
    "wrong sign": (lambda dx, dW, db: (-dx, {"W": dW, "b": db}), "x"),
    "factor 2": (lambda dx, dW, db: (dx, {"W": 2 * dW, "b": db}), "p.W"),
    "mean for sum": (lambda dx, dW, db: (dx, {"W": dW, "b": db / 3}), "p.b"),
    "off by 1e-5": (lambda dx, dW, db: (dx * (1 + 1e-5), {"W": dW, "b": db}), "x"),
    "shifted": (lambda dx, dW, db: (dx, {"W": np.roll(dW, 1, axis=0), "b": db}), "p.W"),
    "missing path": (lambda dx, dW, db: (np.zeros_like(dx), {"W": dW, "b": db}), "x"),
    "transposed": (lambda dx, dW, db: (dx, {"W": dW.T, "b": db}), "p.W"),
    "wrong shape": (lambda dx, dW, db: (dx, {"W": dW, "b": db[None]}), "p.b"),
    "scalar": (lambda dx, dW, db: (dx, {"W": dW, "b": db.sum()}), "p.b"),
    "missing key": (lambda dx, dW, db: (dx, {"W": dW}), "p.b"),
    "another key": (lambda dx, dW, db: (dx, {"W": dW, "bias": db}), "p.b"),
    "None": (lambda dx, dW, db: (None, {"W": dW, "b": db}), "x"),
    "NaN": (lambda dx, dW, db: (np.where(dx == dx.max(), np.nan, dx), {"W": dW, "b": db}), "x"),
    "infinity": (lambda dx, dW, db: (dx, {"W": dW, "b": db / 0.0}), "p.b"),
}


@pytest.mark.parametrize(("change", "guilty"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_planted_mistake_is_caught_where_it_is_and_nowhere_else(change, guilty, arrays):
    reports = tensors(linear.forward, planted(change), *arrays)
    assert [report.name for report in reports if not report.ok] == [guilty]
    with pytest.raises(AssertionError, match=f"(?s)^wrong gradient\n.*wrong +{guilty} "):
        assert_gradients(linear.forward, planted(change), *arrays)


def test_one_wrong_entry_is_found_and_named(arrays):
    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        grads["W"][2, 4] += 1
        return dx, grads

    _, report, _ = tensors(linear.forward, backward, *arrays)
    assert not report.ok and report.index == (2, 4)
    np.testing.assert_allclose(report.analytic - report.numerical, 1, rtol=1e-7)
    assert f"at (2, 4): backward says {report.analytic:.8g}, true {report.numerical:.8g}" in str(report)


def test_a_backward_that_ignores_its_upstream_is_caught(rng):
    assert not tensors(np_tanh, lambda dy, y: 1 - y * y, rng.normal(size=(3, 5)))[0].ok


def np_tanh(x):
    y = np.tanh(x)
    return y, y


def test_what_an_upstream_of_ones_would_not_see_is_caught(rng):
    """The rows of a softmax sum to 1: with dy all ones the gradient is zero, and a backward of zeros would pass."""

    def softmax(x):
        e = np.exp(x)
        y = e / e.sum(axis=1, keepdims=True)
        return y, y

    x = rng.normal(size=(3, 5))
    assert_gradients(softmax, lambda dy, y: y * (dy - (dy * y).sum(axis=1, keepdims=True)), x)
    assert not tensors(softmax, lambda dy, y: np.zeros_like(dy), x)[0].ok
    assert not tensors(softmax, lambda dy, y: y * dy, x)[0].ok


@pytest.mark.parametrize("gate", ["Ur", "Uz", "Uc"])
def test_a_path_that_bptt_forgot_is_caught(gate, rng):
    def backward(dh, cache):
        dx, grads = gru.backward(dh, cache)
        return dx, grads | {gate: gru.backward(dh, cache, truncate=1)[1][gate]}

    reports = tensors(gru.forward, backward, rng.normal(size=(3, 3, 5)), gru.init(rng, 5, 7, dtype=np.float64))
    assert [report.name for report in reports if not report.ok] == [f"p.{gate}"]


def test_overlapping_windows_with_an_equals_for_a_plus_equals_are_caught(rng):
    def backward(dy, cache):
        x_shape, slices, winner = cache
        dx = np.zeros(x_shape)
        for k, here in enumerate(slices):
            dx[here] = np.where(winner == k, dy, dx[here])
        return dx

    x = np.round(rng.permutation(49).reshape(1, 7, 7, 1) * 0.1, 1)
    assert not tensors(maxpool2d.forward, backward, x, window=(3, 3), stride=1)[0].ok
    assert tensors(maxpool2d.forward, backward, x, window=(2, 2), stride=2)[0].ok  # why the window has to overlap


def test_a_kink_is_counted_and_not_failed(rng):
    x = rng.normal(size=(5, 7))
    x[2, 3] = 0
    (report,) = tensors(relu.forward, relu.backward, x)
    assert report.ok and report.kinks == 1 and str(report).endswith("kinks: 1")


def test_a_tie_of_a_maximum_is_a_kink():
    x = np.arange(64.0).reshape(1, 8, 8, 1)
    x[0, 0, 0] = x[0, 1, 1]  # the window's maximum, and now there are two
    (report,) = tensors(maxpool2d.forward, maxpool2d.backward, x)
    assert report.ok and report.kinks == 2


def test_a_kink_within_reach_of_the_first_step_is_no_mistake(rng):
    for near in (5e-4, 5e-5, 5e-6):
        x = rng.normal(size=(5, 7))
        x[2, 3], x[4, 1] = near, -near
        (report,) = tensors(relu.forward, relu.backward, x)
        assert report.ok and report.kinks == 0


def test_a_mistake_beside_a_kink_is_still_a_mistake(rng):
    x = rng.normal(size=(5, 7))
    x[2, 3] = 0
    x[0, 0] = 5e-4
    (report,) = tensors(relu.forward, lambda dy, y: dy * np.where(y == 5e-4, 0, y > 0), x)
    assert not report.ok and report.index == (0, 0) and report.kinks == 1


def test_a_smooth_function_sits_on_no_kink():
    """The true gradient of x ** 2 is 0 at 0, and its one-sided derivatives differ a little."""
    report = check(lambda x: (x**2, x), lambda dy, x: dy, np.zeros((2, 3)))
    (tensor,) = report.tensors
    assert report.state == "WRONG" and tensor.kinks == 0 and tensor.wrong == 6 and "kink" not in str(report)
    assert tensor.numerical == pytest.approx(0, abs=1e-12) and f"backward says {tensor.analytic:.8g}, true" in str(
        report
    )
    for forward in (np.cos, lambda x: x**4, lambda x: 1e4 * x * x, lambda x: 3 + x * x * np.abs(x)):
        for method in ("auto", "central"):
            (tensor,) = tensors(lambda x, f=forward: (f(x), x), lambda dy, x: dy, np.zeros((2, 3)), method=method)
            assert not tensor.ok and tensor.kinks == 0
    assert check(lambda x: (x**2, x), lambda dy, x: 2 * x * dy, np.zeros((2, 3))).ok


def test_a_right_relu_with_all_inputs_on_kinks_is_not_called_wrong():
    report = check(relu.forward, relu.backward, np.zeros((2, 3)))
    assert not report.ok and report.state == "not checked" and "wrong" not in str(report).lower()
    assert "not checked: 6 of 6 entries sit on kinks, where there is no derivative: move the inputs apart" in str(
        report
    )
    with pytest.raises(AssertionError, match=r"^not checked"):
        assert_gradients(relu.forward, relu.backward, np.zeros((2, 3)))


@pytest.mark.parametrize("away", [0, 1e-9, -3e-8, 2e-7, -6e-7])
def test_a_kink_at_hand_is_no_mistake(away):
    x = np.array([away, *np.linspace(0.1, 1, 14)])
    for slope in (1, 100):
        forward = lambda x, slope=slope: (slope * np.abs(x) + x * x, x)  # noqa: E731
        (report,) = tensors(forward, lambda dy, x, slope=slope: dy * (slope * np.sign(x) + 2 * x), x)
        assert report.ok


def test_too_many_kinks_are_not_ok(rng):
    x = rng.normal(size=(5, 7))
    x[2, :4] = 0
    (report,) = tensors(relu.forward, relu.backward, x)
    assert report.kinks == 4 and not report.ok and "4 of 35 entries sit on kinks" in str(report)


def test_entries_without_influence_are_compared_with_the_rest_of_the_tensor(rng):
    """Padding has the gradient 0, and its numerical derivative is rounding: no relative error of 0/0, or of 1e-17/0."""
    h = rng.normal(size=(3, 5, 2))
    assert_gradients(temporal_mean.forward, temporal_mean.backward, h, lengths=np.array([5, 1, 3]))

    def leaking(dy, cache):
        return temporal_mean.backward(dy, cache) + 1e-6

    assert not tensors(temporal_mean.forward, leaking, h, lengths=np.array([5, 1, 3]))[0].ok


def test_a_function_without_any_influence_passes_with_zero_and_fails_without(rng):
    x = rng.normal(size=(3, 5))
    assert tensors(lambda x: (np.ones(2), None), lambda dy, cache: np.zeros((3, 5)), x)[0].ok
    assert not tensors(lambda x: (np.ones(2), None), lambda dy, cache: np.full((3, 5), 1e-3), x)[0].ok


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.complex128])
def test_only_float64_and_float32_are_checked(dtype, arrays):
    x, p = arrays
    with pytest.raises(TypeError, match=r"p\.b is .*float64"):
        tensors(linear.forward, linear.backward, x, {"W": p["W"], "b": p["b"].astype(dtype)})


def test_arrays_are_put_back(arrays):
    before = copy.deepcopy(arrays)
    tensors(linear.forward, planted(WRONG["factor 2"][0]), *arrays)
    assert arrays[0].tobytes() == before[0].tobytes()
    assert all(arrays[1][name].tobytes() == before[1][name].tobytes() for name in "Wb")


def test_arrays_are_put_back_when_the_function_raises(rng):
    x = rng.normal(size=(3, 5))
    before, calls = x.copy(), []

    def forward(x):
        calls.append(1)
        if len(calls) > 7:
            raise RuntimeError
        return x * x, None

    with pytest.raises(RuntimeError):
        tensors(forward, lambda dy, cache: dy, x)
    assert x.tobytes() == before.tobytes()


def mul(a, b):
    return a * b, (a, b)


def mul_backward(dy, cache):
    a, b = cache
    return dy * b, dy * a


def test_one_array_may_be_given_twice(rng):
    """Each argument is its own during the check: moving one entry must not move that of the other."""
    a = rng.normal(size=(3, 5))
    assert_gradients(mul, mul_backward, a, a)
    assert_gradients(mul, mul_backward, a, a[::-1])
    assert_gradients(mul, mul_backward, a, a, method="central")
    assert [t.ok for t in tensors(mul, lambda dy, cache: (2 * dy * cache[1], dy * cache[0]), a, a)] == [False, True]
    tied = {"first": a, "second": a}
    forward = lambda p: mul(p["first"], p["second"])  # noqa: E731
    assert_gradients(forward, lambda dy, c: dict(zip(tied, mul_backward(dy, c))), tied)


def test_arrays_may_lie_in_memory_as_they_like(rng):
    a, b = rng.normal(size=(3, 5)), rng.normal(size=5)
    locked = a.copy()
    locked.flags.writeable = False
    for one in (
        np.broadcast_to(b, (3, 5)),
        locked,
        np.asfortranarray(a),
        a[::-1, ::-1],
        rng.normal(size=(6, 10))[::2, ::2],
    ):
        for method in ("auto", "central"):
            assert_gradients(mul, mul_backward, one, a, method=method)
    assert not locked.flags.writeable
    assert_gradients(mul, lambda dy, c: (dy * c[1], (dy * c[0]).sum()), a, np.array(3.0))
    assert_gradients(mul, lambda dy, c: (dy * c[1], dy * c[0]), np.array(2.0), np.array(3.0))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
@pytest.mark.parametrize("call", [1, 2, 4, 9, 23])
def test_whatever_stops_the_check_the_callers_arrays_are_as_they_were(error, call, rng):
    x, p, table = rng.normal(size=(3, 5)), {"W": rng.normal(size=(3, 5))}, rng.normal(size=5)
    before, calls = [a.tobytes() for a in (x, p["W"], table)], []

    def forward(x, p, *, table, settings):
        calls.append(1)
        y = x * p["W"] + table
        if len(calls) == call:
            x += 1
            p["W"] *= 2
            table[...] = 0
            settings["rows"][0][...] = 0
            raise error
        return y, (x, p)

    with contextlib.suppress(error):
        check(forward, lambda dy, c: (dy, {"W": dy}), x, p, table=table, settings={"rows": [table]})
    assert len(calls) >= call
    assert [a.tobytes() for a in (x, p["W"], table)] == before


def test_generators_are_copied_so_that_every_call_draws_the_same(rng):
    generator = np.random.default_rng(1)
    state = copy.deepcopy(generator.bit_generator.state)
    assert_gradients(dropout.forward, dropout.backward, rng.normal(size=(5, 7)), rate=0.5, rng=generator)
    assert generator.bit_generator.state == state


def test_the_same_seed_gives_the_same_report_and_another_seed_another_upstream(arrays):
    backward = planted(WRONG["factor 2"][0])
    one, two = (tensors(linear.forward, backward, *arrays, seed=3) for _ in range(2))
    other = tensors(linear.forward, backward, *arrays, seed=4)
    assert one == two and one[1].numerical != other[1].numerical


def test_outputs_and_arguments_may_be_nested_dicts(rng):
    def forward(x, p):
        return {"sum": x + p["a"]["b"], "parts": {"scalar": (x * x).sum()}}, x

    def backward(dy, x):
        return dy["sum"] + 2 * x * dy["parts"]["scalar"], {"a": {"b": dy["sum"]}}

    x, p = rng.normal(size=(2, 3)), {"a": {"b": rng.normal(size=(2, 3))}}
    assert [report.name for report in tensors(forward, backward, x, p)] == ["x", "p.a.b"]
    assert_gradients(forward, backward, x, p)


def test_large_and_small_values_are_checked_as_strictly(rng):
    """The tolerance is relative: units do not decide."""
    for scale in (1e-6, 1.0, 1e6):

        def forward(x, scale=scale):
            return scale * np.sin(x), x

        x = rng.normal(size=(5, 7))
        assert_gradients(forward, lambda dy, x, scale=scale: scale * np.cos(x) * dy, x)
        assert not tensors(forward, lambda dy, x, scale=scale: scale * np.cos(x) * dy * (1 + 1e-6), x)[0].ok


def test_the_report_is_one_line_and_cannot_be_changed(arrays):
    report = tensors(linear.forward, linear.backward, *arrays)[0]
    assert "\n" not in str(report) and " ok " in str(report) and str(report).startswith("x ")
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.error = 0


def test_richardson_is_exact_for_polynomials_up_to_the_fourth_degree():
    x = np.array([1.7])
    n, _ = numerical.derivative(lambda: float(3 * x[0] ** 4 - x[0] ** 3 + 5), x, (0,), 0.1)
    np.testing.assert_allclose(n, 12 * 1.7**3 - 3 * 1.7**2, rtol=1e-13)
    plain = numerical.central(lambda: float(3 * x[0] ** 4), x, (0,), 0.1)
    np.testing.assert_allclose(plain, 12 * 1.7**3 + 12 * 1.7 * 0.1**2, rtol=1e-12)  # h^2 / 6 times the third derivative


def test_is_kink_tells_a_corner_from_a_curve():
    x = np.array([0.0, 1.0])
    assert numerical.is_kink(lambda: float(abs(x[0])), x, (0,), 1e-3)
    assert not numerical.is_kink(lambda: float(abs(x[1])), x, (1,), 1e-3)
    assert not numerical.is_kink(lambda: float(50 * x[0] ** 2), x, (0,), 1e-3)


def test_what_backward_raises_is_in_the_report(arrays):
    def backward(dy, cache):
        x, p = cache
        return dy @ p["W"], {"W": x.T @ dy, "b": dy.sum(axis=0)}

    report = check(linear.forward, backward, *arrays)
    assert not report.ok and "backward raises ValueError" in report.faults[0]


def test_kinks_alone_are_no_wrong_line():
    tie = np.array([[1.0, 1.0], [0.0, -1.0]]).reshape(1, 2, 2, 1)
    report = check(maxpool2d.forward, maxpool2d.backward, tie)
    assert not report.ok and report.line is None and report.causes == []


# The parts of the report


def test_the_title_the_seed_and_the_method_are_those_that_were_asked_for(arrays):
    report = check(linear.forward, linear.backward, *arrays, seed=5, name="mine", method="central")
    assert (report.name, report.seed, report.method) == ("mine", 5, "central differences")
    assert check(linear.forward, linear.backward, *arrays).name == "linear.forward"
    loss = lambda x: ((x * x).sum(), 2 * x)  # noqa: E731
    report = check_loss(loss, arrays[0], seed=5, name="mine", method="central")
    assert report.ok and (report.name, report.seed, report.method) == ("mine", 5, "central differences")
    assert title(functools.partial(np.sin, 1)) == "functools.forward" and title(np_tanh).endswith(".np_tanh")


def test_a_forward_that_asks_for_a_seed_is_given_that_of_the_check(rng):
    seen = set()

    def forward(x, seed=None):
        seen.add(seed)
        return x * x, x

    check(forward, lambda dy, x: 2 * dy * x, rng.normal(size=3), seed=5)
    assert seen == {5} and not takes_seed(3) and not takes_seed(np_tanh)


def tensor(name="x", error=0.0, **more):
    return TensorReport(name, (3,), error, (1,), 1.0, 1.0, more.pop("kinks", 0), looked_at=(3, 0), **more)


def report_on(*tensors, faults=()):
    return Report("f", list(tensors), list(faults), 0, "")


OTHER_DTYPE = "its gradient is float32 where its input is float64: ..."
INTEGER = "its gradient is int64 where its input is float64: ..."


def test_what_little_is_wrong_may_be_rounding():
    assert nearly_right(report_on(tensor(error=9e-3), tensor(), tensor(error=np.inf, fault=OTHER_DTYPE)))
    assert not nearly_right(report_on(tensor(error=9e-3), tensor(error=2e-2)))
    assert not nearly_right(report_on(tensor(), tensor(error=np.inf, fault=OTHER_DTYPE)))


def test_the_line_is_looked_for_where_values_are_wrong_or_nothing_came():
    wrong, other, whole = (
        tensor(error=0.5),
        tensor(error=np.inf, fault=OTHER_DTYPE),
        tensor(error=np.inf, fault=INTEGER),
    )
    for tensors_, faults, worth in (
        ([tensor(), wrong], [], True),
        ([tensor(), whole], [], True),
        ([tensor(), other], [], False),
        ([other, wrong], [], True),
        ([tensor()], ["backward is not linear in the upstream gradient"], False),
        ([tensor(kinks=3)], [], False),
        ([], ["backward raises ValueError"], True),
        ([], ["backward raises NotImplementedError"], False),
    ):
        assert worth_a_look(report_on(*tensors_, faults=faults)) is worth, (tensors_, faults)


def test_both_gradients_of_a_wrong_tensor_are_kept_in_full(arrays):
    x, p = arrays
    report = check(linear.forward, planted(WRONG["factor 2"][0]), x, p, diagnosis=False)
    (name, (mine, true)), *others = report.arrays.items()
    assert name == "p.W" and not others and mine.shape == true.shape == (5, 7)
    np.testing.assert_allclose(mine, 2 * true, rtol=1e-9)
    assert not check(linear.forward, planted(WRONG["factor 2"][0]), x, p, diagnosis=False, entries=20).arrays
    assert not check(linear.forward, planted(WRONG["wrong shape"][0]), x, p, diagnosis=False).arrays


def test_so_many_entries_are_compared_as_are_asked_for(arrays):
    looked = {t.name: t.looked_at for t in tensors(linear.forward, linear.backward, *arrays, entries=12)}
    assert looked == {"x": (12, DIRECTIONS), "p.W": (12, DIRECTIONS), "p.b": (7, 0)}


def test_without_the_diagnosis_there_is_no_line(arrays):
    backward = planted(WRONG["factor 2"][0])
    assert check(linear.forward, backward, *arrays, diagnosis=False).line is None
    assert check(linear.forward, backward, *arrays).line is not None


def test_float32_and_float64_are_told_apart_and_named():
    single, double = np.ones(2, np.float32), np.ones(2)
    make = lambda *a: Problem(lambda a, b: (a, b), tanh.backward, a, {}, 0)  # noqa: E731
    problem, notes = one_kind(make(single, double))
    assert notes == ["converted to float64, as b is: a"] and {a.dtype for a in problem.arrays} == {double.dtype}
    problem, (note,) = one_kind(make(single, single))
    assert note.startswith("the arrays are float32") and {a.dtype for a in problem.arrays} == {single.dtype}
    problem, notes = one_kind(make(double, double))
    assert notes == [] and {a.dtype for a in problem.arrays} == {double.dtype}
    with pytest.raises(TypeError, match=r"b is complex128; convert it with \.astype\(np\.float64\)"):
        one_kind(make(double, double + 1j))


def test_derivatives_of_float32_arrays_are_taken_in_float64_where_the_forward_lets_them(rng):
    x = rng.normal(size=3)
    for forward, coarse in (
        (lambda x: (np.sin(x), x), False),
        (lambda x: (np.sin(x).astype(np.float32), x), True),
        (lambda x: ({"a": x, "b": np.float32(x)}, x), True),
        (lambda x: (np.add(x, 1, dtype=np.float32, casting="no"), x), True),
    ):
        slopes = slopes_of(Problem(forward, tanh.backward, (x.astype(np.float32),), {}, 0).drawn(), "auto")
        assert slopes.coarse is coarse and slopes.real["x"].dtype == (np.float32 if coarse else np.float64)
    double = Problem(lambda x: (np.float32(x), x), tanh.backward, (x,), {}, 0).drawn()
    assert not slopes_of(double, "central").coarse and not slopes_of(double, "central").complex


def test_the_sources_are_kept_for_the_picture_only_where_something_is_wrong(arrays):
    assert not check(linear.forward, linear.backward, *arrays).sources
    assert check(linear.forward, planted(WRONG["factor 2"][0]), *arrays).sources


def test_at_other_inputs_it_is_wrong_and_that_is_a_note_or_the_report(rng):
    """The mask is True everywhere here. If the inputs were drawn, the report is on others."""
    page = module("""
        import numpy as np

        def forward(x):
            y = np.where(x > 0.9, x * x, x)
            return y, x

        def backward(dy, x):
            return dy * np.where(x > 0.9, 2 * x, 1)

        def without_mask(dy, x):
            return 2 * dy * x
    """)
    x = rng.uniform(1, 2, size=(3, 5))
    right = check(page.forward, page.backward, x, drawn=True)
    assert right.ok and not any("inputs (" in note or "drawn again" in note for note in right.notes)
    note, drawn = (check(page.forward, page.without_mask, x, drawn=drawn) for drawn in (False, True))
    assert note.ok and "the gradient of x is wrong: here" in note.notes[-1] and "other inputs (" in note.notes[-1]
    assert drawn.state == "WRONG" and drawn.line.number == line_of(page, "return 2 * dy * x")
    assert drawn.notes[0].startswith("drawn again (") and ", because before" in drawn.notes[0]


def test_arrays_of_other_sizes_are_for_the_diagnosis(arrays):
    """`more`: so that a cause cannot fit by accident. (5, 7) is looked at, (2, 5) and its factor 3 as well."""
    seen = set()

    def forward(x, p, factor=1.0):
        seen.add((x.shape, factor))
        return factor * (x @ p["W"]), (x, p, factor)

    def backward(dy, cache):
        x, p, factor = cache
        return factor * dy @ p["W"].T, {"W": x.T @ dy}

    x, p = arrays[0], {"W": arrays[1]["W"]}
    more = [((x[:2], p), {"factor": 3.0})]
    report = check(forward, backward, x, p, more=more)
    assert report.ok and seen == {((3, 5), 1.0), ((6, 5), 1.0)}  # six rows: is anything left behind?
    report = check(forward, backward, x, p, factor=2.0, more=more)
    assert not report.ok and {((3, 5), 2.0), ((2, 5), 3.0)} <= seen


class Scaled:
    def __init__(self, W):
        self.W = W

    def forward(self, x, factor=1.0):
        self.x, self.factor = x, factor
        return factor * x @ self.W

    def backward(self, dy):
        self.dW = self.factor * self.x.T @ dy
        return self.factor * dy @ self.W.T


def test_an_object_takes_arrays_and_configuration(arrays):
    x, layer = arrays[0], Scaled(arrays[1]["W"])
    for given in ((layer, x), (layer.forward, layer.backward, x)):
        report = check(*given, factor=3.0)
        assert report.ok and [t.name for t in report.tensors] == ["x", "self.W"]

"""Float32 inside a function of float64 arrays is said in one sentence; and float32 arrays are checked as such."""

import numpy as np
import pytest

from minireid.base.trees import map_leaves
from minireid.gradcheck import assert_gradients, check
from minireid.gradcheck.cases.pages import COMPILED, Sizes, page_cases
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.rounding import backward_rounds, forward_rounds, line_with_float32
from minireid.layers import linear, maxpool2d, relu
from tests.gradcheck.planting import module

PAGE = """
import numpy as np

def forward(x, W):
    h = np.tanh(x @ W)
    return h, (x, W, h)

def backward(dh, cache):
    x, W, h = cache
    da = dh * (1 - h * h)
    return da @ W.T, x.T @ da
"""
INSIDE = {
    "the result": ("np.tanh(x @ W)", "np.tanh(x @ W).astype(np.float32).astype(np.float64)"),
    "in the middle": ("np.tanh(x @ W)", "np.tanh((x @ W).astype(np.float32)).astype(np.float64)"),
    "the input": ("np.tanh(x @ W)", "np.tanh(x.astype(np.float32) @ W)"),
    "a ReLU": ("np.tanh(x @ W)", "np.maximum(np.float32(x @ W), 0).astype(np.float64)"),
}


def arrays(kind=np.float64):
    rng = np.random.default_rng(5)
    return rng.normal(size=(3, 5)).astype(kind), rng.normal(size=(5, 7)).astype(kind)


@pytest.mark.parametrize(("old", "new"), INSIDE.values(), ids=INSIDE)
def test_a_forward_that_rounds_inside_is_told_in_one_sentence(old, new):
    page = module(PAGE.replace(old, new).replace("(1 - h * h)", "(h > 0)" if "maximum" in new else "(1 - h * h)"))
    report = check(page.forward, page.backward, *arrays())
    assert not report.ok and report.state == "not checked" and not report.faults and report.line is None
    (said,) = report.unchecked
    assert said.startswith(f"forward rounds to float32 inside (line 5: h = {new}): ")
    assert "WRONG" not in str(report) and all(tensor.ok for tensor in report.tensors)
    with pytest.raises(AssertionError, match=r"^not checked"):
        assert_gradients(page.forward, page.backward, *arrays())


def test_a_single_number_is_seen_to_be_rounded_too():
    forward = lambda x: (np.sin(np.float32(x)).astype(np.float64), x)  # noqa: E731
    assert check(forward, lambda dy, x: dy * np.cos(x), np.array([1.3])).state == "not checked"


def test_behind_the_rounding_a_wrong_gradient_is_wrong():
    page = module(PAGE.replace(*INSIDE["in the middle"]).replace("1 - h * h", "1 - h"))
    report = check(page.forward, page.backward, *arrays())
    assert report.state == "WRONG" and report.unchecked
    assert any("the line was not searched for" in note for note in report.notes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dh * (1 - h * h)", "(1e3 * dh).astype(np.float32) * (1 - h * h) / 1e3"),
        ("x.T @ da", "x.T.astype(np.float32) @ da"),
        ("dh * (1 - h * h)", "dh * (1 - (h * h).astype(np.float32))"),
    ],
)
def test_a_backward_that_rounds_inside_is_told_in_one_sentence(old, new):
    page, (x, W) = module(PAGE.replace(old, new)), arrays()
    x = np.concatenate([x, -x + 1e-4], axis=0)  # sums of large terms with a small result: the rounding is seen
    report = check(page.forward, page.backward, x, W)
    assert report.state == "not checked" and not report.faults, str(report)
    assert report.unchecked[0].startswith("backward rounds to float32 inside (line 1")
    exact = module(PAGE)
    assert check(exact.forward, exact.backward, x, W).ok


def test_a_small_mistake_is_not_excused_as_rounding():
    page = module(PAGE.replace("x.T @ da", "x.T @ da * (1 + 3e-7)"))
    report = check(page.forward, page.backward, *arrays())
    assert report.state == "WRONG" and not report.unchecked


def test_kinks_and_curves_are_no_rounding(rng):
    x = rng.normal(size=(3, 5))
    for f in (lambda x: np.abs(x - x[0, 0] - 1e-7), lambda x: np.sin(300 * x), np.exp, lambda x: x + 1e6):
        problem = Problem(lambda x, f=f: (f(x), x), lambda dy, x: dy, (x,), {}, 0).drawn()
        assert not forward_rounds(problem)


def test_the_line_that_speaks_of_float32_is_told_where_there_is_a_source():
    page = module("""
        import numpy as np

        def forward(x):
            y = x * 2  # not np.float32
            return np.float32(y), x
    """)
    assert line_with_float32(page.forward) == " (line 6: return np.float32(y), x)"
    made: dict = {}
    exec("def forward(x):\n    return x.astype('float32'), x", made)
    for without_source in (made["forward"], np.sin, len):
        assert line_with_float32(without_source) == ""


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_do_not_decide_whether_rounding_is_seen(scale, rng):
    """Of the inputs, and of the results; some of them are 0."""
    x = np.append(rng.normal(size=11), 0) * scale
    for power in (-8, 0, 8):
        exact = lambda x, c=10.0**power / scale: (c * (x + 0.1 * x * x / scale), x)  # noqa: E731
        rounding = lambda x, f=exact: (f(x)[0].astype(np.float32).astype(np.float64), x)  # noqa: E731
        for forward, seen in ((exact, False), (rounding, True)):
            assert forward_rounds(Problem(forward, lambda dy, x: dy, (x,), {}, 0).drawn()) is seen


def test_inputs_that_are_0_are_moved_too():
    forward = lambda x: (np.sin(np.float32(x + 1)).astype(np.float64), x)  # noqa: E731
    assert forward_rounds(Problem(forward, lambda dy, x: dy, (np.zeros(5),), {}, 0).drawn())


@pytest.mark.filterwarnings("error")
def test_a_gradient_that_is_no_float_is_another_fault(rng):
    x = rng.normal(size=5)
    for strange in (lambda dy, x: dy * (1 + 1j), lambda dy, x: (9 * dy).astype(int)):
        assert not backward_rounds(Problem(lambda x: (x, x), strange, (x,), {}, 0).drawn())


def float32(tree):
    return map_leaves(lambda a: a.astype(np.float32), tree)


def test_float32_arrays_are_checked_with_float32s_tolerance():
    """Of 1760 such checks (40 seeds) the worst error was 4e-6. 1e-3 is a mistake."""
    for case in page_cases(np.random.default_rng(0), Sizes()):
        if case.name in COMPILED or case.name == "conv2d/loops":
            continue
        given = tuple(map(float32, case.arrays))
        report = check(case.forward, case.backward, *given, diagnosis=False, **case.config)
        assert report.ok, str(report)
        assert "float32's tolerance, 1e-3 of the largest entry" in str(report)


@pytest.mark.parametrize(("factor", "ok"), [(1 + 1e-4, True), (1.003, False), (-1, False)])
def test_what_float32_can_show_is_seen(factor, ok):
    page = module(PAGE.replace("x.T @ da", f"x.T @ da * np.float32({factor})"))
    report = check(page.forward, page.backward, *arrays(np.float32))
    assert [t.ok for t in report.tensors] == [True, ok]
    if factor == -1:
        assert report.causes[0].cause == "sign" and report.line.number == 11


def test_a_forward_that_takes_float32_only():
    only = PAGE.replace("    h = ", "    assert x.dtype == W.dtype == np.float32\n    h = ")
    page = module(only)
    assert check(page.forward, page.backward, *arrays(np.float32)).ok
    page = module(only.replace("1 - h * h", "1 - h"))
    report = check(page.forward, page.backward, *arrays(np.float32))
    assert report.state == "WRONG" and not any(t.ok for t in report.tensors)


def test_steps_over_a_kink_are_no_mistake_where_they_have_to_be_large():
    def forward(x):
        assert x.dtype == np.float32
        return np.maximum(x, np.float32(0)), x

    x = np.array([0.004, -0.003, 1, -1, 0.5], np.float32)
    assert check(forward, lambda dy, x: dy * (x > 0), x).ok
    assert not check(forward, lambda dy, x: dy * (x < 0), x, diagnosis=False).ok


def test_kinks_of_float32_arrays_are_kinks():
    assert check(relu.forward, relu.backward, np.zeros((2, 3), np.float32)).tensors[0].kinks == 6


def test_a_maximum_of_float32(rng):
    x = rng.permutation(48).reshape(1, 4, 4, 3).astype(np.float32)
    assert check(maxpool2d.forward, maxpool2d.backward, x).ok
    assert check(relu.forward, relu.backward, x - 20.5).ok


def test_mixed_kinds_are_converted_and_it_is_said(rng):
    x, p = rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64)
    p["b"] = p["b"].astype(np.float32)
    report = check(linear.forward, linear.backward, x, p)
    assert report.ok and report.notes == ["converted to float64, as x, p.W is: p.b"]
    assert max(tensor.difference for tensor in report.tensors) < 1e-9


def test_an_integer_gradient_of_float32_is_a_fault():
    report = check(lambda x: (x * x, x), lambda dy, x: (2 * dy * x).astype(int), arrays(np.float32)[0])
    assert "its gradient is int64 where its input is float32" in str(report)

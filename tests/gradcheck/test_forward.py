"""A forward against a reference: the same, another known function, or wrong somewhere, and where."""

import time

import numpy as np
import pytest

from minireid.gradcheck.forward import compare_forwards, equal, run, shape_fault
from minireid.gradcheck.report import Report
from minireid.layers import dropout, elman, gru, linear, lstm, sigmoid, tanh
from tests.gradcheck.planting import changed, fixed, line_of, module


def draws(page, *, step=True, count=3):
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        p = page.init(rng, 2, 4, dtype=np.float64)
        arrays = (rng.normal(size=(3, 2)), rng.normal(size=(3, 4))) if step else (rng.normal(size=(3, 5, 2)),)
        found.append(((*arrays, p), {}))
    return found


def x_draws(*shape):
    return [((np.random.default_rng(seed).normal(size=shape),), {}) for seed in range(3)]


def test_the_same_function_written_otherwise_is_the_same():
    other = lambda x: (1 / (1 + np.exp(-x)), None)  # noqa: E731
    assert compare_forwards(other, sigmoid.forward, x_draws(3, 5), []) is None
    assert compare_forwards(lambda x: (np.tanh(x) * (1 + 1e-11), x), tanh.forward, x_draws(3, 5), []) is None
    assert compare_forwards(lambda x: (np.tanh(x) * (1 + 1e-6), x), tanh.forward, x_draws(3, 5), []) is not None


def test_rounding_to_float32_is_not_another_function():
    """check() says that it rounds."""
    single = lambda x: (np.tanh(x.astype(np.float32)).astype(np.float64), x)  # noqa: E731
    assert compare_forwards(single, tanh.forward, x_draws(3, 5), []) is None
    bare = lambda x: np.tanh(x.astype(np.float32)).astype(np.float64).sum()  # noqa: E731
    assert compare_forwards(bare, lambda x: (np.tanh(x).sum(), x), x_draws(3, 5), []) is None
    wrong = lambda x: (single(x)[0] * (1 + 1e-4), x)  # noqa: E731
    assert compare_forwards(wrong, tanh.forward, x_draws(3, 5), [], seconds=1) is not None


MISTAKES = [
    ('ar = x @ p["Wr"] + h_prev @ p["Ur"] + p["br"]', 'ar = x @ p["Wr"] + h_prev @ p["Ur"]', None),
    ("q = r * h_prev", "q = z * h_prev", "wrong variable"),
    ('ac = x @ p["Wc"] + q @ p["Uc"]', 'ac = x @ p["Wc"] - q @ p["Uc"]', "sign"),
    ("h = (1 - z) * h_prev + z * c", "h = (1 - z) * h_prev + r * c", "wrong variable"),
]


@pytest.mark.parametrize(("right", "wrong", "cause"), MISTAKES, ids=[w for _, w, _ in MISTAKES])
def test_a_wrong_forward_is_told_with_its_line_and_cause(right, wrong, cause):
    page = changed(gru, (right, wrong))
    said, finding = compare_forwards(page.step_forward, gru.step_forward, draws(gru), [])
    line, causes = finding.line, finding.causes
    assert said.startswith("the forward differs from the reference: y is ") and ", expected " in said
    assert line.number == line_of(gru, right) and wrong in line.text and line.function == "step_forward"
    assert causes[-1].cause == "forward differs"
    if cause:
        assert causes[0].cause == cause, causes
        right = fixed(page, Report("", [], [], 0, "", [finding]))
        assert compare_forwards(right.step_forward, gru.step_forward, draws(gru), []) is None


def test_a_mistake_in_the_loop_is_found_too():
    page = changed(elman, ("h_t = np.zeros_like(h[:, 0])", "h_t = np.ones_like(h[:, 0])"))
    said, finding = compare_forwards(page.forward, elman.forward, draws(elman, step=False), [])
    assert "differs" in said and finding.line.number == line_of(page, "h_t = np.ones_like")


def test_a_known_variant_is_called_by_its_name_and_searched_no_further():
    twice = ("twice the tanh", lambda x: (2 * np.tanh(x), None))
    said, finding = compare_forwards(lambda x: (np.tanh(x) + np.tanh(x), x), tanh.forward, x_draws(3, 5), [twice])
    assert said == "the forward is another function: twice the tanh"
    assert [(c.cause, c.text) for c in finding.causes] == [("forward differs", said)]


def test_another_shape_or_other_names_are_told():
    said, finding = compare_forwards(lambda x: (x.T, x), tanh.forward, x_draws(3, 5), [])
    assert said == "forward's y has the shape (5, 3); expected (3, 5)"
    assert finding.line is None and finding.causes[-1].cause == "forward differs"
    said, _ = compare_forwards(lambda x: ({"y": x}, x), tanh.forward, x_draws(3, 5), [])
    assert said == "forward returns y; expected an array"
    assert shape_fault([("a", np.ones(2))], [("a", np.zeros(2))]) == ""


def test_every_result_is_compared():
    """An LSTM step has two: h and the cell."""
    rng = np.random.default_rng(0)
    p = lstm.init(rng, 2, 4, dtype=np.float64)
    draw = (rng.normal(size=(3, 2)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), p), {}
    wrong = lambda *arrays: (lambda h, c, cache: (h, c + 0.1, cache))(*lstm.step_forward(*arrays))  # noqa: E731
    assert compare_forwards(lstm.step_forward, lstm.step_forward, [draw], []) is None
    message, _ = compare_forwards(wrong, lstm.step_forward, [draw], [], seconds=0)
    assert "result 2 is" in message
    message, _ = compare_forwards(lambda x, h, c, p: (h, c), lstm.step_forward, [draw], [], seconds=0)
    assert "result 1" in message
    several = lambda x: ({"low": x, "high": 2 * x}, x)  # noqa: E731
    assert compare_forwards(several, several, x_draws(3, 5), []) is None


def test_nan_is_a_difference():
    with np.errstate(invalid="ignore"):
        said, _ = compare_forwards(lambda x: (np.log(-np.abs(x)), x), tanh.forward, x_draws(3, 5), [])
    assert "nan" in said
    assert not equal([("", np.array([np.nan]))], [("", np.array([np.nan]))])


def test_what_is_compared_is_what_every_draw_says():
    """Right on the first draw alone is not right."""
    first = x_draws(3, 5)[0][0][0]
    odd = lambda x: (np.tanh(x) if np.array_equal(x, first) else x, None)  # noqa: E731
    assert compare_forwards(odd, tanh.forward, x_draws(3, 5)[:1], []) is None
    page = module("""
        import numpy as np

        def forward(x):
            y = np.tanh(x) if len(x) == 3 else 2 * np.tanh(x)
            return y, x
    """)
    draws_ = [*x_draws(3, 5)[:1], *x_draws(4, 5)[:1]]
    got = [equal(run(page.forward, draw), run(tanh.forward, draw)) for draw in draws_]
    assert got == [True, False]
    assert compare_forwards(page.forward, tanh.forward, draws_, []) is not None


def test_generators_draw_the_same_and_arrays_are_copied(rng):
    x = rng.normal(size=(3, 5))
    config = {"rate": 0.5, "rng": np.random.default_rng(1)}
    one, two = run(dropout.forward, ((x,), config)), run(dropout.forward, ((x,), config))
    assert equal(one, two)

    def careless(x):
        x *= 2
        return x, None

    before = x.tobytes()
    run(careless, ((x,), {}))
    assert x.tobytes() == before


def test_what_the_forward_raises_comes_through():
    with pytest.raises(ValueError, match="matmul"):
        compare_forwards(
            linear.forward, linear.forward, [((np.ones((2, 3)), {"W": np.ones((4, 4)), "b": np.ones(4)}), {})], []
        )


def test_without_source_there_is_no_line_but_an_answer():
    said, finding = compare_forwards(lambda x: (-np.tanh(x), x), tanh.forward, x_draws(3, 5), [])
    assert "differs" in said and finding.line is None and finding.causes[0].cause == "sign"


def test_the_first_different_variable_of_the_same_name():
    page = module("""
        import numpy as np

        def forward(x):
            a = x * 2
            b = a + 1
            y = b * b
            return y, None
    """)
    other = changed(page, ("b = a + 1", "b = np.sinh(a) + 1"))
    _, finding = compare_forwards(other.forward, page.forward, x_draws(3), [], seconds=0)
    assert finding.line.variable == "b" and finding.line.text == "b = np.sinh(a) + 1"


def test_a_mistake_in_a_helper_is_found_there():
    page = module("""
        import numpy as np

        def squashed(a):
            s = 1 / (1 + np.exp(-a))
            return s

        def forward(x):
            y = squashed(x) * squashed(x * x)
            return y, y
    """)
    other = changed(page, ("np.exp(-a)", "np.exp(a)"))
    _, finding = compare_forwards(other.forward, page.forward, x_draws(3, 5), [])
    assert finding.line.function == "squashed" and finding.line.number == line_of(other, "np.exp(a)")
    assert finding.causes[0].fix == "s = 1 / (1 + np.exp(-a))"


def test_the_search_keeps_its_time():
    page = changed(gru, ("c = np.tanh(ac)", "c = np.sin(ac) * np.cosh(ac)"))
    start = time.process_time()
    assert compare_forwards(page.step_forward, gru.step_forward, draws(gru), [], seconds=0.3) is not None
    assert time.process_time() - start < 3

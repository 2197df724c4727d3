"""Everything besides values: each fault has a sentence of its own, and what has none is not accused."""

from dataclasses import replace

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.tensor.faults import (
    backward_faults,
    blame_input,
    blind_spot,
    close,
    covers,
    described,
    forward_faults,
    in_float32,
    linearity_faults,
    other_numbers,
    same,
    share_state,
    structure_faults,
)
from minireid.gradcheck.tensor.problem import Problem
from minireid.layers import linear, relu, tanh
from tests.gradcheck.planting import module

PAGE = """
import numpy as np

def forward(x, p):
    y = np.tanh(x @ p["W"] + p["b"])
    return y, (x, y, p)

def backward(dy, cache):
    x, y, p = cache
    da = dy * (1 - y * y)
    dx = da @ p["W"].T
    dW = x.T @ da
    db = da.sum(axis=0)
    return dx, {"W": dW, "b": db}
"""
DRAW = "np.random.default_rng().normal()"

FAULTS = {
    "nothing": ("", "", None),
    "float32 out": (
        "return y, (x, y, p)",
        "return y.astype(np.float32), (x, y, p)",
        "forward returns float32 for float64",
    ),
    "integers out": (
        "return y, (x, y, p)",
        "return (100 * y).astype(int), (x, y, p)",
        "forward returns int64 for float64",
    ),
    "no cache": ("return y, (x, y, p)", "return y", "forward must return (y, cache), got an array of the shape (3, 7)"),
    "forward changes x": ("    return y, (x", "    x *= 2\n    return y, (x", "forward changes its input x in place"),
    "forward changes a parameter": (
        "    return y, (x",
        "    p['b'] += 1\n    return y, (x",
        "forward changes its input p.b in place",
    ),
    "forward draws": (
        "np.tanh(",
        f"{DRAW} * np.tanh(",
        "forward is not deterministic: y differs from call to call; pass a seeded Generator by keyword",
    ),
    "forward's shape drifts": (
        "    return y, (x",
        "    calls.append(1)\n    y = y[: 4 - len(calls)]\n    return y, (x",
        "forward is not deterministic: y has the shape (3, 7) once and (2, 7) later",
    ),
    "forward's NaN": (
        "return y, (x",
        "return np.log(y), (x",
        "forward returns NaN or infinity, though every input is finite",
    ),
    "backward raises": ("x.T @ da", "x @ da", "backward raises ValueError: matmul"),
    "backward changes x": (
        "    dW = x.T @ da\n",
        "    dW = x.T @ da\n    x += 1\n",
        "backward changes the forward's input x in place",
    ),
    "backward uses the cache up": ("return y, (x, y, p)", "return y, [x, y, p]", None),
    "ignores dy": (
        "dy * (1 - y * y)",
        "1 - y * y",
        "backward ignores the upstream gradient: another one gives the same result",
    ),
    "ignores dy in part": (
        "return dx, {",
        "return dx + 1, {",
        "backward ignores the upstream gradient in part: a zero upstream gradient does not give zero gradients",
    ),
    "not linear": ("dy * (1 - y * y)", "dy * dy * (1 - y * y)", "backward is not linear in the upstream gradient"),
    "clipped": (
        "dy * (1 - y * y)",
        "np.clip(dy * (1 - y * y), -0.1, 0.1)",
        "backward is not linear in the upstream gradient",
    ),
    "one gradient": (
        'return dx, {"W": dW, "b": db}',
        "return dx",
        "backward must return 2 gradients, for x, p; got an array of the shape (3, 5)",
    ),
    "three gradients": (
        'return dx, {"W": dW, "b": db}',
        "return dx, dW, db",
        "backward must return 2 gradients, for x, p; it returns 3",
    ),
    "missing gradient": (', "b": db}', "}", "backward returns no gradient for p.b"),
    "extra gradient": (
        '"b": db}',
        '"b": db, "c": db}',
        "backward returns a gradient named p.c, but there is no such input",
    ),
    "renamed gradient": ('"b": db}', '"bias": db}', "backward returns no gradient for p.b"),
}


def arrays():
    rng = np.random.default_rng(5)
    return rng.normal(size=(3, 5)), {"W": rng.normal(size=(5, 7)), "b": rng.normal(size=7)}


def report_of(old, new):
    assert PAGE.count(old) == 1 or not old
    page = module(PAGE.replace(old, new) if old else PAGE)
    page.calls = []
    return check(page.forward, page.backward, *arrays(), diagnosis=False), page


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("old", "new", "says"), FAULTS.values(), ids=FAULTS)
def test_each_fault_has_a_sentence_of_its_own(old, new, says):
    report, _ = report_of(old, new)
    if says is None:
        assert report.ok, str(report)
    else:
        assert not report.ok and [fault for fault in report.faults if fault.startswith(says)], report.faults
        assert all("\n" not in fault for fault in report.faults) and says in str(report)


NOTES = {
    "backward changes dy": (
        "da = dy * (1 - y * y)",
        "dy *= 1 - y * y\n    da = dy",
        "backward changes the upstream gradient in place: the caller may still need it",
    ),
    "backward changes the cache": (
        "    dW = x.T @ da\n",
        "    dW = x.T @ da\n    y *= 2\n",
        "backward is not repeatable: a second call with the same cache gives another result",
    ),
}


@pytest.mark.parametrize(("old", "new", "says"), NOTES.values(), ids=NOTES)
def test_a_backward_with_side_effects_is_right_and_it_is_said(old, new, says):
    report, _ = report_of(old, new)
    assert report.ok and any(note.startswith(says) for note in report.notes), str(report)


def test_the_sentences_are_told_apart():
    said = [says for _, _, says in FAULTS.values() if says]
    assert len(said) - len(set(said)) == 2  # clipped and squared are one fault; so are a missing and a renamed gradient


def test_a_forward_that_changes_its_input_is_not_accused_of_anything_else():
    """The second call is made on what the inputs were, or it would seem not to be deterministic."""
    report, _ = report_of(*FAULTS["forward changes x"][:2])
    assert len(report.faults) == 1


def test_what_backward_raises_is_told_with_its_line():
    report, _page = report_of("x.T @ da", "x @ da")
    number = PAGE.splitlines().index("    dW = x.T @ da") + 1
    (fault,) = report.faults
    assert fault.endswith(f"(line {number}: dW = x @ da)") and "\n" not in fault


def test_a_missing_gradient_is_wrong_and_the_others_are_looked_at_all_the_same():
    report, _ = report_of(', "b": db}', "}")
    assert [tensor.ok for tensor in report.tensors] == [True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "name", "says"),
    [
        ("x.T @ da", "da.T @ x", "p.W", "(7, 5): transposed"),
        ("da.sum(axis=0)", "da", "p.b", "(3, 7): the input was broadcast in the forward"),
        (
            "da.sum(axis=0)",
            "da.sum(axis=0, keepdims=True)",
            "p.b",
            "(1, 7): the number of values is right, reshape it to (7,)",
        ),
        ("da.sum(axis=0)", "da.sum()", "p.b", "(): summed over one axis too many"),
    ],
)
def test_a_wrong_shape_is_the_tensors_own(old, new, name, says):
    report, _ = report_of(old, new)
    (wrong,) = [tensor for tensor in report.tensors if not tensor.ok]
    assert wrong.name == name and f"its gradient has the shape {says}" in wrong.verdict


@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "complex128", "object"])
def test_a_gradient_of_another_dtype_is_told_whatever_its_values(kind):
    report, _ = report_of("dW = x.T @ da", f"dW = (x.T @ da).astype({kind if kind == 'object' else 'np.' + kind})")
    (wrong,) = [tensor for tensor in report.tensors if not tensor.ok]
    assert wrong.name == "p.W" and wrong.verdict.startswith(f"its gradient is {kind} where its input is float64")


def test_nan_that_comes_in_is_blamed_on_the_input_that_holds_it():
    x, p = arrays()
    p["W"][0, 0] = np.nan
    report = check(linear.forward, linear.backward, x, p)
    assert (
        report.faults == ["forward returns NaN or infinity: its input p.W already contains it"] and not report.tensors
    )


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_nan_of_the_backward_is_the_tensors_own():
    report, _ = report_of("db = da.sum(axis=0)", "db = np.log(-np.abs(da.sum(axis=0)))")
    assert any("NaN or infinity" in tensor.verdict for tensor in report.tensors if tensor.name == "p.b")


def test_a_second_call_that_raises(rng):
    def backward(dy, cache):
        return dy * cache.pop()

    report = check(lambda x: (x * x, [2 * x]), backward, rng.normal(size=(2, 3)), diagnosis=False)
    assert (
        report.ok
        and "a second call of backward with the same cache raises IndexError: the first call used it up"
        in (report.notes)
    )


def test_backward_that_returns_a_tuple_for_one_input(rng):
    x = rng.normal(size=(2, 3))
    assert check(tanh.forward, lambda dy, y: (tanh.backward(dy, y),), x).ok
    report = check(tanh.forward, lambda dy, y: (tanh.backward(dy, y), dy), x, diagnosis=False)
    assert report.faults == ["backward must return one gradient, for x; it returns 2"]


def test_everything_is_put_back_after_a_fault():
    x, p = arrays()
    before = (x.tobytes(), p["W"].tobytes(), p["b"].tobytes())
    for name in ("forward changes x", "forward changes a parameter", "backward changes x", "backward changes dy"):
        page = module(PAGE.replace(*{**FAULTS, **NOTES}[name][:2]))
        check(page.forward, page.backward, x, p, diagnosis=False)
        assert (x.tobytes(), p["W"].tobytes(), p["b"].tobytes()) == before, name


def test_a_gradient_that_is_the_upstream_itself_is_no_fault(rng):
    assert check(lambda x: (x + 1, None), lambda dy, cache: dy, rng.normal(size=(2, 3))).ok
    assert check(relu.forward, relu.backward, rng.normal(size=(2, 3)) + 3).ok


STRANGE = [[1, [2, 3]], [np.zeros(3), np.zeros(4)], "a word", object(), {}, {"a": 1.0}, 0, [], None]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda value: repr(value).partition(" at 0x")[0])
def test_what_is_no_array_is_a_fault_and_no_traceback(strange):
    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        return dx, grads | {"W": strange}

    x, p = arrays()
    report = check(linear.forward, backward, x, p)
    assert [tensor.ok for tensor in report.tensors if tensor.name == "p.W"] == [False]
    assert not check(linear.forward, lambda dy, cache: strange, x, p).ok
    assert not check(tanh.forward, lambda dy, cache: strange, x).ok


@pytest.mark.parametrize(
    "strange",
    [[1, [2, 3]], "a word", object(), None, {"a": "word"}],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_a_forward_that_returns_no_numbers_is_told_so(strange):
    (fault,) = check(lambda x: (strange, x), tanh.backward, arrays()[0]).faults
    assert fault.startswith("forward must return an array of float64")


def test_what_backward_raises_is_in_the_report_after_the_diagnosis_too():
    page = module(PAGE.replace("x.T @ da", "x @ da"))
    assert not check(page.forward, page.backward, *arrays()).ok


LAST = """
import numpy as np

last = {}

class Layer:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)

layer = Layer()

def forward(x):
    %s

def backward(dy, cache):
    %s
"""
STATES = {  # what forward does, what backward does, whether backward needs more than its cache
    "a global": ("last['y'] = y = np.tanh(x); return y, None", "return dy * (1 - last['y']**2)", True),
    "an attribute": ("return layer.forward(x), x", "return layer.backward(dy)", True),
    "a stack": ("last.setdefault(0, []).append(x); return x**2, None", "return 2 * dy * last[0][-1]", True),
    "a cache": ("y = np.tanh(x); last['y'] = y; return y, y", "return dy * (1 - cache**2)", False),
    "a new object": ("new = Layer(); return new.forward(x), new", "return cache.backward(dy)", False),
    "an object in the cache": ("return layer.forward(x), (x, layer)", "return cache[1].backward(dy)", False),
    "one that cannot be copied": ("return layer.forward(x), (np, layer)", "return cache[1].backward(dy)", False),
    "a module": ("y = np.tanh(x); return y, (np, y)", "return dy * (1 - cache[0].square(cache[1]))", False),
    "a module and a global": ("last['y'] = y = np.tanh(x); return y, np", "return dy * (1 - last['y']**2)", True),
    "a function": ("y = np.tanh(x); return y, lambda dy: dy * (1 - y**2)", "return cache(dy)", False),
    "a counter": ("last['n'] = last.get('n', 0) + 1; return x**2, x", "return 2 * dy * cache", False),
    "it fails": ("last['n'] = x[0, 0]; return x**2, x", "assert last['n'] == cache[0, 0]; return 2 * dy * cache", True),
    "a dict that is used again": (
        "last['y'] = np.tanh(x); return last['y'], last",
        "return dy * (1 - cache['y']**2)",
        True,
    ),
    "a new dict": ("y = np.tanh(x); return y, {'y': y}", "return dy * (1 - cache['y']**2)", False),
    "an array that is used again": (
        "b = last.setdefault(x.shape, x * 0); b[...] = x; return b**2, b",
        "return 2 * dy * cache",
        True,
    ),
    "a size": ("last['n'] = len(x); return x.mean(0), x", "return np.tile(dy / last['n'], (len(cache), 1))", True),
    "its own size": ("return x.mean(0), x", "return np.tile(dy / len(cache), (len(cache), 1))", False),
    "a table by size": (
        "last[x.shape] = 2 * np.ones(x.shape); return x**2, x",
        "return last[cache.shape] * dy * cache",
        False,
    ),
    "no large numbers": ("assert x[0, 0] < 1 or x[0, 0] > 2; return x**2, x", "return 2 * dy * cache", False),
}


@pytest.mark.parametrize(("does", "undoes", "leftover"), STATES.values(), ids=STATES)
def test_a_backward_that_needs_what_the_last_forward_left_behind_is_told(does, undoes, leftover, rng):
    page = module(LAST % (does, undoes))
    report = check(page.forward, page.backward, rng.normal(size=(2, 3)))
    said = "backward uses something that the last forward left behind, not its cache"
    assert report.ok is not leftover, str(report)
    assert [fault for fault in report.faults if fault.startswith(said)] == report.faults and bool(
        report.faults
    ) == leftover
    assert all(tensor.ok for tensor in report.tensors)


def test_the_line_that_reads_what_was_left_behind_is_named(rng):
    for does, undoes, number in (
        ("last['y'] = y = np.tanh(x); return y, None", "y = last['y']; return dy * (1 - y**2)", 20),
        ("forward.y = y = np.tanh(x); return y, None", "n = dy; return n * (1 - forward.y**2)", 20),
    ):
        page = module(LAST % (does, undoes))
        report = check(page.forward, page.backward, rng.normal(size=(2, 3)))
        assert report.line is not None and report.line.number == number, report.line
        assert report.line.function == "backward"


def test_an_upstream_that_sees_nothing_is_noticed(rng):
    problem = Problem(linear.forward, linear.backward, arrays(), {}, 0).drawn()
    assert blind_spot(problem) == ""
    assert "is 0: every gradient is 0" in blind_spot(replace(problem, upstream=np.zeros((3, 7))))
    assert "the same value everywhere" in blind_spot(replace(problem, upstream=np.ones((3, 7))))
    assert "the same value everywhere" in blind_spot(replace(problem, upstream={"a": np.ones(3), "b": 1.0}))
    assert blind_spot(replace(problem, upstream=1.0)) == ""


def test_an_output_without_entries_shows_nothing_and_that_is_said(rng):
    report = check(lambda x: (x[:0], x), lambda dy, x: np.zeros_like(x), rng.normal(size=(2, 3)))
    assert report.ok and "array without entries" in report.notes[0] and report.notes[0] in str(report)


def test_a_gradient_of_whole_numbers_is_not_said_to_be_not_linear():
    report, _ = report_of("db = da.sum(axis=0)", "db = np.zeros(7, int)\n    db[...] = 5 * da.sum(axis=0)")
    assert not report.faults and "np.zeros((7,), int) keeps whole numbers only" in str(report)


# The parts, each by itself


def test_two_results_are_close_to_a_share_of_the_largest_entry_of_each_array():
    one = (np.array([100.0, 0.0]), {"b": np.array([1.0, np.nan])})
    near = (np.array([100.0, 0.9e-3]), {"b": np.array([1.0 + 0.9e-5, np.nan])})
    assert close(one, near, 1e-5) and close(one, one, 0)
    assert not close(one, near, 1e-7)
    assert not close(one, (np.array([100.0, 2e-3]), near[1]), 1e-5)
    assert not close(one, (near[0], {"b": np.array([1.0 + 2e-5, np.nan])}), 1e-5)
    assert not close(one, (near[0], {"b": np.array([1.0, 2.0])}), 1e-5)
    assert not close(one, (near[0],), 1e-5) and not close(one, (near[0], {"b": np.ones((2, 1))}), 1e-5)


def test_two_results_are_the_same_only_in_all_digits():
    assert same((np.array([1.0, np.nan]), None), (np.array([1.0, np.nan]), None))
    assert not same({"a": np.ones(2), "b": np.ones(2)}, {"a": np.ones(2), "b": np.array([1.0, 1 + 1e-15])})


@pytest.mark.parametrize(
    ("name", "names", "covered"),
    [("p", {"p.W"}, True), ("p.W.a", {"x", "p.W"}, True), ("p.W", {"p.Wz", "q"}, False), ("p", {"p"}, False)],
)
def test_a_dict_where_an_array_belongs_is_no_missing_gradient(name, names, covered):
    assert covers(name, names) is covered


def test_other_numbers_are_other_numbers_of_the_same_sort():
    a = np.array([[4.0, 8.0], [-4.0, 0.0]], np.float32)
    np.testing.assert_array_equal(other_numbers(a), [[0, -3], [6, 3]])
    assert other_numbers(a).dtype == np.float32 and a[0, 0] == 4


def test_all_inputs_have_to_be_float32():
    single, double = np.ones(2, np.float32), np.ones(2)
    for arrays_, expected in (((single, {"W": single}), True), ((single, {"W": double}), False), ((double,), False)):
        assert in_float32(Problem(linear.forward, linear.backward, arrays_, {}, 0)) is expected


def test_of_inputs_those_that_hold_it_are_blamed():
    x, bad = np.ones(2), np.array([1.0, np.inf])
    problem = Problem(lambda x, a, b: (x, x), tanh.backward, (x, bad, {"c": bad, "d": x}), {}, 0)
    assert blame_input(problem) == ": its input a, b.c already contains it"
    assert blame_input(replace(problem, arrays=(x, x, x))) == ", though every input is finite"


def test_what_came_is_described():
    assert described(np.ones((2, 3))) == "an array of the shape (2, 3)" and described([1]) == "a list"


def problem_of(forward, backward, *given):
    return Problem(forward, backward, given, {}, 0).drawn()


def test_a_forward_may_return_another_kind_than_it_was_given_only_within_its_kind(rng):
    x = rng.normal(size=(2, 3))
    to = lambda kind: lambda x: (np.sin(x).astype(kind), x)  # noqa: E731
    found = {}
    for given in (np.float32, np.float64):
        for kind in (np.float16, np.float32, np.float64):
            problem = Problem(to(kind), tanh.backward, (x.astype(given),), {}, 0)
            found[given, kind] = forward_faults(problem)
    assert found[np.float64, np.float64] == found[np.float32, np.float64] == found[np.float32, np.float32] == []
    assert found[np.float64, np.float32] == [
        "forward returns float32 for float64 inputs: it must return float64 to be checked"
    ]
    assert found[np.float32, np.float16] == [
        "forward returns float16 for float32 inputs: it must return float32 or float64 to be checked"
    ]


def test_every_output_is_looked_at():
    forward = lambda x: ({"a": x, "b": {"c": np.array("word"), "d": np.array("word")}}, x)  # noqa: E731
    (fault,) = forward_faults(Problem(forward, tanh.backward, (np.ones(2),), {}, 0))
    assert fault.endswith(": y.b.c, y.b.d contains no numbers")


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (lambda dy: 1e-4 * dy**2, ["backward is not linear in the upstream gradient"]),
        (lambda dy: 1e-8 * dy**2, []),
        (lambda dy: np.full_like(dy, 1e-11), ["zero upstream gradient does not give zero"]),
        (lambda dy: np.full_like(dy, 1e-13), []),
        (np.abs, ["backward is not linear in the upstream gradient"]),
    ],
)
def test_how_far_from_linear_is_not_linear(off, said, rng):
    x = rng.normal(size=(2, 3))
    problem = problem_of(lambda x: (3 * x, None), lambda dy, cache: 3 * dy + off(dy), x)
    found = linearity_faults(problem, problem.backward(problem.upstream, None))
    assert len(found) == len(said) and all(words in fault for words, fault in zip(said, found))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_units_do_not_decide_what_is_linear(scale, rng):
    x = rng.normal(size=(2, 3))
    for share, count in ((1e-6, 0), (1e-3, 1)):
        backward = lambda dy, cache, share=share: scale * (dy + share * dy**2)  # noqa: E731
        problem = problem_of(lambda x: (scale * x, None), backward, x)
        assert len(linearity_faults(problem, problem.backward(problem.upstream, None))) == count


def test_float32_is_not_asked_for_more_than_it_can(rng):
    x = rng.normal(size=(2, 3)).astype(np.float32)
    for off, count in ((1e-3, 0), (0.1, 1)):
        problem = problem_of(lambda x: (x, None), lambda dy, cache, off=off: dy + off * dy**2, x)
        assert len(linearity_faults(problem, problem.backward(problem.upstream, None))) == count


def test_what_raises_with_another_upstream_gradient_is_told():
    def backward(dy, cache):
        if not np.any(dy):
            raise ValueError("nothing to do")
        return dy

    report = check(lambda x: (x, None), backward, np.ones((2, 3)), diagnosis=False)
    assert report.faults[0].startswith("with another upstream gradient backward raises ValueError: nothing to do")


def test_one_object_in_both_caches_can_keep_a_state():
    class Layer:
        pass

    layer, table = Layer(), {}
    for one, two, shared in (
        (layer, layer, True),
        ((1, layer), (2, layer), True),
        ({"a": table}, {"a": table}, True),
        ([layer], [Layer()], False),
        ((np, len), (np, len), False),
        ((close,), (close,), False),
        ((Layer,), (Layer,), False),
        ((1.5, "word"), (1.5, "word"), False),
    ):
        assert share_state(one, two) is shared, (one, two)


def test_each_wrong_number_or_name_of_gradients_has_its_sentence():
    x = np.ones(2)
    one = Problem(tanh.forward, tanh.backward, (x,), {}, 0)
    two = Problem(lambda x, p: (x, p), tanh.backward, (x, {"W": x}), {}, 0)
    assert structure_faults(one, (x,)) == structure_faults(one, x) == structure_faults(two, (x, {"W": x})) == []
    assert structure_faults(one, (x, x)) == ["backward must return one gradient, for x; it returns 2"]
    assert structure_faults(two, {"W": x}) == ["backward must return 2 gradients, for x, p; got a dict"]
    assert structure_faults(two, [x]) == ["backward must return 2 gradients, for x, p; it returns 1"]
    assert structure_faults(two, (x, {"V": x})) == [
        "backward returns a gradient named p.V, but there is no such input",
        "backward returns no gradient for p.W",
    ]


def test_notes_come_with_the_faults(rng):
    def backward(dy, x):
        dy *= 2
        return dy + 1

    problem = problem_of(lambda x: (2 * x, x), backward, rng.normal(size=(2, 3)))
    before = problem.upstream.copy()
    found, notes = backward_faults(problem)
    assert len(found) == 1 and notes[0].startswith("backward changes the upstream gradient in place")
    np.testing.assert_array_equal(problem.upstream, before)

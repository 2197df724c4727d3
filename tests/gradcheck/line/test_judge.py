"""Which lines are wrong: each line with a mistake, wherever it is, and no other."""

import ast
import inspect
import re

import numpy as np
import pytest

from minireid.gradcheck.cases.pages import OTHER, Sizes, page_cases
from minireid.gradcheck.tensor.problem import Problem
from minireid.layers import gru
from tests.gradcheck.line.following import explained, judged, problem_of, step_arrays, wrong_lines
from tests.gradcheck.planting import changed, line_of, module

CASES = [
    (f"{case.name} {label}", case)
    for label, sizes in (("", Sizes(N=2, T=3, D=5, S=7)), ("of other sizes", OTHER._replace(T=2)))
    for case in page_cases(np.random.default_rng(0), sizes)
    if case.name not in ("conv2d/direct", "conv_block")  # they run a compiled kernel, which has no lines to look into
]
X = np.random.default_rng(0).normal(size=(3, 4))


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_nothing_in_a_page_that_is_right_is_called_wrong(case):
    assert not wrong_lines(Problem(case.forward, case.backward, case.arrays, dict(case.config), 0).drawn())


LINES = {
    "dz": "dz = dh * (c - h_prev)",
    "dc": "dc = dh * z",
    "dac": "dac = dc * (1 - c * c)",
    "dq": 'dq = dac @ p["Uc"].T',
    "dr": "dr = dq * h_prev",
    "dar": "dar = dr * r * (1 - r)",
    "daz": "daz = dz * z * (1 - z)",
    "dh_prev": 'dh_prev = dh * (1 - z) + dq * r + dar @ p["Ur"].T + daz @ p["Uz"].T',
    "dx": 'dx = dac @ p["Wc"].T + dar @ p["Wr"].T + daz @ p["Wz"].T',
}
PIECES = [
    ("dz", "(c - h_prev)", "(h_prev - c)"),
    ("dz", "(c - h_prev)", "c"),
    ("dz", "dh * (c", "dh * (z"),
    ("dz", "dh * (c", "(c"),
    ("dc", "dh * z", "dh * r"),
    ("dc", "dh * z", "dh * (1 - z)"),
    ("dc", "dh * z", "dh"),
    ("dac", " * (1 - c * c)", ""),
    ("dac", "(1 - c * c)", "(1 - c)"),
    ("dac", "(1 - c * c)", "c * (1 - c)"),
    ("dac", "1 - c * c", "1 + c * c"),
    ("dq", ".T", ""),
    ("dq", "Uc", "Ur"),
    ("dq", "dac", "dc"),
    ("dr", "h_prev", "r"),
    ("dr", "h_prev", "q"),
    ("dr", "dq", "dac"),
    ("dr", "dq *", "dq +"),
    ("dar", " * (1 - r)", ""),
    ("dar", "(1 - r)", "(1 - r * r)"),
    ("dar", "dr * r", "dr * z"),
    ("dar", "dr * r", "r"),
    ("daz", "z * (1 - z)", "(1 - z)"),
    ("daz", "(1 - z)", "(1 - r)"),
    ("daz", "dz", "dr"),
    ("daz", "dz * z", "-dz * z"),
    ("dh_prev", "dh * (1 - z) + ", ""),
    ("dh_prev", " + dq * r", ""),
    ("dh_prev", ' + dar @ p["Ur"].T', ""),
    ("dh_prev", ' + daz @ p["Uz"].T', ""),
    ("dh_prev", "(1 - z)", "z"),
    ("dh_prev", '"Ur"', '"Uz"'),
    ("dh_prev", '["Ur"].T', '["Ur"]'),
    ("dh_prev", "+ dq", "- dq"),
    ("dx", ' + dar @ p["Wr"].T', ""),
    ("dx", '"Wc"', '"Wz"'),
    ("dx", "+ daz", "- daz"),
    ("dx", "dac", "dar"),
]
MISTAKES = [(LINES[name], old, new) for name, old, new in PIECES]
MISTAKES += [
    (f'"{name}": {right}', right, wrong)
    for name, right, wrong in (
        ("Wz", "x.T @ daz", "x.T @ dar"),
        ("Wz", "x.T @ daz", "2 * x.T @ daz"),
        ("Uz", "h_prev.T @ daz", "h_prev.T @ dar"),
        ("bz", "daz.sum(axis=0)", "daz.mean(axis=0)"),
        ("Wr", "x.T @ dar", "-x.T @ dar"),
        ("Ur", "h_prev.T @ dar", "q.T @ dar"),
        ("br", "dar.sum(axis=0)", "daz.sum(axis=0)"),
        ("Wc", "x.T @ dac", "x.T @ dc"),
        ("Uc", "q.T @ dac", "h_prev.T @ dac"),
        ("bc", "dac.sum(axis=0)", "dac.sum(axis=0) / 3"),
    )
]
CONSTANT = "a value that no upstream gradient reaches says nothing; what is made of it is blamed"
NOT_YET = {(LINES["dz"], "dh * (c", "(c"): CONSTANT, (LINES["dar"], "dr * r", "r"): CONSTANT}


def test_every_line_of_step_backward_has_a_mistake_of_every_sort():
    text = inspect.getsource(gru.step_backward)
    body = ast.parse(text).body[0].body[2:-1]
    assigned = [node.targets[0].id for node in body if isinstance(node, ast.Assign)]
    assert assigned == [*LINES, "grads"]
    assert all(sum(line == of for of, _, _ in MISTAKES) >= 3 for line in LINES.values())
    assert {of[1:3] for of, _, _ in MISTAKES if of[0] == '"'} == {k + g for k in "WUb" for g in "zrc"}


def marked(mistake):
    marks = [pytest.mark.xfail(reason=NOT_YET[mistake], strict=True)] if mistake in NOT_YET else []
    return pytest.param(*mistake, marks=marks, id=f"{mistake[0].partition(' =')[0]}: {mistake[1]} -> {mistake[2]}")


@pytest.mark.parametrize(("line", "old", "new"), [marked(mistake) for mistake in MISTAKES])
def test_the_planted_line_is_wrong_and_no_other(line, old, new):
    broken = line.replace(old, new, 1)
    assert broken != line
    page, number = changed(gru, (line, broken)), line_of(gru, line)
    problem = Problem(page.step_forward, page.step_backward, step_arrays(), {}, 0).drawn()
    assert set(wrong_lines(problem)) == {number}


@pytest.mark.parametrize("pair", [("dz", "dr"), ("dc", "dx"), ("dac", "dar"), ("dq", "daz"), ("daz", "dh_prev")])
def test_two_mistakes_are_two_lines(pair):
    pieces = [next((LINES[n], old, new) for n, old, new in PIECES if n == name) for name in pair]
    page = changed(gru, *((line, line.replace(old, new, 1)) for line, old, new in pieces))
    problem = Problem(page.step_forward, page.step_backward, step_arrays(), {}, 0).drawn()
    assert set(wrong_lines(problem)) == {line_of(gru, line) for line, _, _ in pieces}


@pytest.mark.parametrize("name", ["dz", "dar"])
def test_through_the_loop_over_time_it_is_the_line_of_the_step(name):
    line, old, new = next((LINES[n], old, new) for n, old, new in PIECES if n == name)
    page = changed(gru, (line, line.replace(old, new, 1)))
    x, _, p = step_arrays()
    arrays = (np.stack([x, x[::-1], x * 2], axis=1), p)
    with judged(Problem(page.forward, page.backward, arrays, {}, 0).drawn()) as judge:
        (fault,) = judge.settle().values()
    assert fault.first.line == line_of(gru, line) and fault.first.site.function == "step_backward"
    first = 1 if name == "dar" else 0  # before the first frame h_prev is 0, and with it dr
    assert sorted(e.loops["t"] for e, _ in fault.events) == [0, 1, 2][first:], "it is wrong at every frame"


PLAIN = """
    import numpy as np

    def forward(x, W):
        a = x @ W
        h = np.tanh(a)
        y = h * h
        return y, (x, W, h)

    def backward(dy, cache):
        x, W, h = cache
        dh = 2 * h * dy
        da = dh * (1 - h * h)
        dW = x.T @ da
        dx = da @ W.T
        return dx, dW
"""
W = np.random.default_rng(1).normal(size=(4, 5))


def test_a_right_step_with_wrong_inputs_is_not_blamed():
    page = changed(module(PLAIN), ("dh = 2 * h * dy", "dh = 3 * h * dy"))
    assert wrong_lines(problem_of(page, X, W)) == [line_of(page, "dh = ")]


def test_a_mistake_that_mends_another_is_one_of_two():
    """The factor 1/2 of the second line makes dx right: both lines are wrong all the same."""
    page = changed(module(PLAIN), ("dh = 2 * h * dy", "dh = 4 * h * dy"), ("da @ W.T", "da @ W.T / 2"))
    assert set(wrong_lines(problem_of(page, X, W))) >= {line_of(page, "dh = ")}


def test_names_that_lie_are_not_believed():
    page = module(renamed(PLAIN, {"dh": "da", "da": "dh"}))
    assert not wrong_lines(problem_of(page, X, W)), "what is named da is the derivative by h, and the other way round"
    broken = changed(page, ("da * (1 - h * h)", "da * (1 + h * h)"))
    (finding,) = explained(problem_of(broken, X, W))
    assert finding.line.number == line_of(broken, "da * (1 + h * h)")


def renamed(text, names):
    return re.sub(r"\b[a-zA-Z_]+\b", lambda word: names.get(word[0], word[0]), text)


def test_names_that_say_nothing_are_enough():
    page = changed(module(renamed(PLAIN, {"dh": "u1", "da": "u2"})), ("x.T @ u2", "x.T @ u1"))
    assert wrong_lines(problem_of(page, X, W)) == [line_of(page, "x.T @ u1")]


UNITS = """
    import numpy as np

    def forward(x, W, b):
        m = x.shape[0]
        Z = x @ W + b
        A = 1 / (1 + np.exp(-Z))
        cost = -np.sum(np.log(A)) / m
        return cost, (x, W, A)

    def backward(dcost, cache):
        x, W, A = cache
        m = x.shape[0]
        dZ = A - 1
        dW = dcost * x.T @ dZ / m
        db = dcost * dZ.sum(axis=0) / m
        dx = dcost * dZ @ W.T / m
        return dx, dW, db
"""


def test_other_units_are_no_mistake():
    """dZ is m times the derivative by Z, as in many courses: each gradient is divided by m later."""
    assert not wrong_lines(problem_of(module(UNITS), X, W, np.zeros(5)))


def test_in_other_units_the_line_that_does_not_divide_is_wrong():
    page = changed(module(UNITS), ("dZ.sum(axis=0) / m", "dZ.sum(axis=0)"))
    assert wrong_lines(problem_of(page, X, W, np.zeros(5))) == [line_of(page, "db = ")]


def test_a_sum_is_judged_when_it_is_complete():
    page = module("""
        import numpy as np

        def forward(x):
            y = x * x + 3 * x
            return y, x

        def backward(dy, x):
            dx = np.zeros_like(x)
            dx += 2 * x * dy
            dx += 3 * dy
            return dx
    """)
    assert not wrong_lines(problem_of(page, X))
    broken = changed(page, ("dx += 3 * dy", "dx += 2 * dy"))
    with judged(problem_of(broken, X)) as judge:
        assert len(judge.settle()) == 1


def test_what_is_wrong_in_one_round_only_is_found_in_that_round():
    page = module("""
        import numpy as np

        def forward(x):
            h = np.zeros(len(x))
            hs = []
            for t in range(4):
                a = h + x[:, t]
                h = np.tanh(a)
                hs.append(h)
            return np.stack(hs, axis=1), hs

        def backward(dh, hs):
            dx = np.zeros((3, 4))
            dnext = np.zeros(3)
            for t in reversed(range(4)):
                da = (dh[:, t] + dnext) * (1 - hs[t] ** 2)
                dx[:, t] = da
                dnext = da
                if t == 2:
                    dnext = 2 * da
            return dx
    """)
    with judged(problem_of(page, X)) as judge:
        (fault,) = judge.settle().values()
    assert [e.loops["t"] for e, _ in fault.events] == [1] and fault.first.line == line_of(page, "da = ")


def test_a_backward_that_raises_is_judged_up_to_there():
    page = module(PLAIN.replace("dW = x.T @ da", "dW = x @ da").replace("dh = 2", "dh = 3"))
    assert wrong_lines(problem_of(page, X, W)) == [line_of(page, "dh = 3")]


def test_judging_leaves_the_program_as_it_is():
    page = module(PLAIN)
    problem = problem_of(page, X.copy(), W.copy())
    before = problem.arrays[0].tobytes(), page.backward.__code__
    wrong_lines(problem)
    assert (problem.arrays[0].tobytes(), page.backward.__code__) == before


TWO_LAYERS = """
    import numpy as np

    def forward(x, W1, b1, W2):
        m = x.shape[0]
        A1 = np.tanh(x @ W1 + b1)
        A2 = 1 / (1 + np.exp(-A1 @ W2))
        cost = -np.sum(np.log(A2)) / m
        return cost, (x, A1, A2, W1, W2)

    def backward(dcost, cache):
        x, A1, A2, W1, W2 = cache
        m = x.shape[0]
        dZ2 = A2 - 1
        dW2 = dcost * A1.T @ dZ2 / m
        dA1 = dZ2 @ W2.T
        dZ1 = dA1 * (1 - A1 * A1)
        dW1 = dcost * x.T @ dZ1 / m
        db1 = dcost * dZ1.sum(axis=0) / m
        dx = dcost * dZ1 @ W1.T / m
        return dx, dW1, db1, dW2
"""
TWO = X, W / 2, np.zeros(5), np.random.default_rng(2).normal(size=(5, 2))


def test_other_units_go_through_two_layers():
    """dZ2, dA1 and dZ1 are all m times the derivative: a student of the course would see three wrong lines."""
    assert not wrong_lines(problem_of(module(TWO_LAYERS), *TWO))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("db1 = dcost * dZ1.sum(axis=0) / m", "db1 = dcost * dZ1.sum(axis=0)"),
        ("dW2 = dcost * A1.T @ dZ2 / m", "dW2 = dcost * A1.T @ dZ2"),
        ("dZ1 = dA1 * (1 - A1 * A1)", "dZ1 = dA1 * (1 - A1)"),
        ("dA1 = dZ2 @ W2.T", "dA1 = 2 * dZ2 @ W2.T"),
    ],
)
def test_in_other_units_the_wrong_line_of_two_layers_is_found(old, new):
    page = changed(module(TWO_LAYERS), (old, new))
    (finding,) = explained(problem_of(page, *TWO))
    assert finding.line.number == line_of(page, new)


def test_units_may_be_small_too():
    """The loss is a sum here, dZ is a mean, and each gradient is multiplied by m."""
    text = UNITS.replace(" / m\n        return cost", "\n        return cost").replace("dZ = A - 1", "dZ = (A - 1) / m")
    small = module(re.sub(r"(d\w+ = dcost .*) / m", r"\1 * m", text))
    arrays = X, W, np.zeros(5)
    assert not wrong_lines(problem_of(small, *arrays))
    page = changed(small, ("dZ.sum(axis=0) * m", "dZ.sum(axis=0)"))
    assert wrong_lines(problem_of(page, *arrays)) == [line_of(page, "db = ")]


def event_of(judge, name, kind="assign"):
    """(the last event of this name in the backward, the first that its value may be the derivative by)."""
    found = [e for e in judge.plain.events if e.name == name and e.kind == kind][-1]
    return found, next(iter(judge.claimed.get((found.number, found.leaf)) or [None]))


@pytest.mark.parametrize(
    ("factor", "number"), [("3", 3), ("1 / 3", 1 / 3), ("1", 1), ("-2", None), ("0", None), ("np.arange(1, 6)", None)]
)
def test_of_what_number_a_value_is_a_multiple(factor, number):
    page = changed(module(PLAIN), ("dh = 2 * h * dy", f"dh = 2 * h * dy * ({factor})"))
    with judged(problem_of(page, X, W)) as judge:
        found = judge.multiple(*event_of(judge, "dh"))
        assert found == (None if number is None else pytest.approx(number))
        a, claim = event_of(judge, "da")[0], event_of(judge, "dh")[1]
        assert judge.multiple(a, judge.truth.inputs["W"]) is None and claim.name == "h"


def test_what_the_upstream_gradient_does_not_reach_is_constant():
    page = changed(module(PLAIN), ("da = dh * (1 - h * h)", "slope = 1 - h * h\n    da = dh * slope"))
    with judged(problem_of(page, X, W)) as judge:
        constant = {e.name for e in judge.plain.events if (e.number, e.leaf) in judge.constant and e.kind == "assign"}
        assert constant == {"x", "W", "h", "slope"}
        slope, dh = event_of(judge, "slope")[0], event_of(judge, "dh")[0]
        assert judge.recognise(slope) is None and judge.recognise(dh).name == "h"
        assert judge.no_gradient(slope) and not judge.no_gradient(dh)
        assert judge.unit == 0 and judge.unit_of(slope) == judge.unit_of(dh) == 1


def test_of_a_scalar_loss_a_constant_is_a_gradient_before_it_is_multiplied():
    """dZ is the gradient where dcost is 1. What is returned has been multiplied by dcost."""
    problem = problem_of(module(UNITS), X, W, np.zeros(5))
    with judged(problem) as judge:
        unit = 1 / float(problem.upstream)
        (dZ, claim), dW = event_of(judge, "dZ"), event_of(judge, "dW")[0]
        assert judge.unit == pytest.approx(unit) and judge.unit_of(dZ) == pytest.approx(unit)
        assert judge.unit_of(dW) == 1 and not judge.no_gradient(dZ)
        assert judge.multiple(dZ, claim) == pytest.approx(len(X))
        np.testing.assert_allclose(judge.wanted(dZ, claim), dZ.value / len(X), rtol=1e-9)


def test_an_array_that_the_backward_did_not_compute_is_recognised_too():
    problem = problem_of(module(PLAIN), X, W)
    with judged(problem) as judge:
        h = np.tanh(X @ W)
        assert judge.like(problem.upstream * 2 * h).name == "h" and judge.like(problem.upstream).name == "y"
        assert judge.like(problem.upstream * 3 * h) is None and judge.like(np.zeros_like(h)) is None


def test_what_is_returned_or_kept_is_certain_and_the_rest_is_a_question_of_names():
    page = changed(module(PLAIN), ("dW = x.T @ da", "dW = x.T @ dh"))
    with judged(problem_of(page, X, W)) as judge:
        certain = {e.name for e in judge.plain.events if judge.certain_event(e) and e.kind == "assign"}
        assert certain == {"dW", "dx"}
        (site,) = found = judge.settle()
        assert judge.certain(site, found) and not judge.lies(found)
        assert found[site].first.name == "dW" and found[site].first is found[site].events[0][0]


TWICE = """
    import numpy as np

    def cell(a):
        return np.tanh(a)

    def cell_back(d, y, factor=1):
        e = factor * d * (1 - y * y)
        return e

    def forward(x):
        out, kept = [], []
        for t in range(3):
            p = cell(x[:, t] + 1)
            q = cell(2 * p)
            out.append(q)
            kept.append((p, q))
        return np.stack(out, axis=1), (x, kept)

    def backward(dy, cache):
        x, kept = cache
        dx = np.zeros_like(x)
        for t in range(3):
            p, q = kept[t]
            u = cell_back(dy[:, t], q)
            v = cell_back(2 * u, p)
            dx[:, t] = v
        return dx
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("cell_back(2 * u, p)", "cell_back(2 * u, p, 3 if t == 1 else 1)", "e = factor"),
        ("cell_back(dy[:, t], q)", "cell_back(dy[:, t], q, 3 if t == 2 else 1)", "e = factor"),
        ("dx[:, t] = v", "dx[:, t] = v * (1 + (t == 0))", "dx[:, t] ="),
        ("cell_back(2 * u, p)", "cell_back(u * (2 if t < 2 else 1), p)", "v = cell_back"),
    ],
)
def test_a_helper_that_is_called_twice_in_a_round_is_judged_by_its_own_call(old, new, wrong):
    """Its values have no names in the forward: what they should be is seen in the other rounds."""
    page = changed(module(TWICE), (old, new))
    assert not wrong_lines(problem_of(module(TWICE), X))
    (finding,) = explained(problem_of(page, X))
    assert finding.line.number == line_of(page, wrong)


@pytest.mark.parametrize(
    ("names", "certain"),
    [({}, {"dW", "dx"}), ({"dW": "g", "dx": "e"}, {"g", "e"})],
    ids=["usual names", "names that say nothing"],
)
def test_what_is_returned_claims_the_inputs_whatever_its_name(names, certain):
    forward, _, backward = PLAIN.partition("def backward")
    page = module(f"{forward}def backward{renamed(backward, names)}")
    with judged(problem_of(page, X, W)) as judge:
        assert {e.name for e in judge.plain.events if judge.certain_event(e) and e.kind == "assign"} == certain
        assert not judge.settle()

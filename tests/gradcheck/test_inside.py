"""The first wrong line: found wherever the mistake is, and nothing is called wrong in what is right."""

import ast
import inspect

import numpy as np
import pytest

from minireid.gradcheck import inside
from minireid.gradcheck.cases.pages import OTHER, Sizes, page_cases
from minireid.gradcheck.tensor.problem import Problem
from minireid.layers import gru
from tests.gradcheck.planting import changed, line_of, module

CASES = [
    (f"{case.name} {label}", case)
    for label, sizes in (("", Sizes(N=2, T=3, D=5, S=7)), ("of other sizes", OTHER._replace(T=2)))
    for case in page_cases(np.random.default_rng(0), sizes)
    if case.name not in ("conv2d/direct", "conv_block")  # they run a compiled kernel, which has no lines to look into
]
# In joint_on_sphere the name du is used for a part of it: the derivative of the identification loss alone, by
# identification_length * u. It is not the derivative by u, and no name says so.
KNOWN = {("joint_on_sphere", "du")}


def looked(forward, backward, arrays, config=None, seed=0):
    found = inside.look(Problem(forward, backward, arrays, dict(config or {}), seed).drawn())
    assert found is not None
    return found


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_nothing_in_a_page_that_is_right_is_called_wrong(case):
    look = looked(case.forward, case.backward, case.arrays, case.config)
    wrong = {(case.name, v.event.name) for v in look.verdicts if v.state == "wrong"}
    assert wrong <= KNOWN
    assert {v.state for v in look.verdicts} <= {"right", "part", "unknown", "constant", "wrong"}
    assert any(v.state == "right" for v in look.verdicts), "something has to be recognised"


def test_of_the_gru_everything_is_recognised():
    for name in ("gru/step", "gru"):
        case = next(case for _, case in CASES if case.name == name)
        look = looked(case.forward, case.backward, case.arrays, case.config)
        known = {v.event.name for v in look.verdicts if v.state == "right"}
        assert {"dz", "dc", "dac", "dq", "dr", "dar", "daz", "dh_prev", "dx", "Wz", "Ur", "bc"} <= known
        assert not [v for v in look.verdicts if v.state == "unknown"]


def step_arrays(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 2)), rng.normal(size=(3, 4)), gru.init(rng, 2, 4, dtype=np.float64)


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


def test_every_line_of_step_backward_has_a_mistake_of_every_sort():
    text = inspect.getsource(gru.step_backward)
    body = ast.parse(text).body[0].body[2:-1]
    assigned = [node.targets[0].id for node in body if isinstance(node, ast.Assign)]
    assert assigned == [*LINES, "grads"]
    assert all(sum(line == of for of, _, _ in MISTAKES) >= 3 for line in LINES.values())
    assert {of[1:3] for of, _, _ in MISTAKES if of[0] == '"'} == {k + g for k in "WUb" for g in "zrc"}


NOT_YET = {  # what inside.py does not see
    (LINES["dz"], "dh * (c", "(c"): "a value that no upstream gradient reaches is called constant, not wrong",
    (LINES["dar"], "dr * r", "r"): "a value that no upstream gradient reaches is called constant, not wrong",
}


def marked(mistake):
    marks = [pytest.mark.xfail(reason=NOT_YET[mistake], strict=True)] if mistake in NOT_YET else []
    return pytest.param(*mistake, marks=marks, id=f"{mistake[0].partition(' =')[0]}: {mistake[1]} -> {mistake[2]}")


@pytest.mark.parametrize(("line", "old", "new"), [marked(mistake) for mistake in MISTAKES])
def test_the_first_wrong_line_is_the_planted_one(line, old, new):
    """Within the step, and through the whole sequence, where the same line runs at every frame."""
    broken = line.replace(old, new, 1)
    assert broken != line
    page, number = changed(gru, (line, broken)), line_of(gru, line)
    look = looked(page.step_forward, page.step_backward, step_arrays())
    assert look.wrong is not None, "nothing is called wrong"
    found = look.wrong.event.line
    assert found == number


@pytest.mark.parametrize("name", ["dz", "dar"])
def test_the_line_is_found_through_the_loop_over_time_too(name):
    line, old, new = next((LINES[n], old, new) for n, old, new in PIECES if n == name)
    page = changed(gru, (line, line.replace(old, new, 1)))
    x, _, p = step_arrays()
    look = looked(page.forward, page.backward, (np.stack([x, x[::-1], x * 2], axis=1), p))
    assert look.wrong.event.line == line_of(gru, line) and look.wrong.event.site.function == "step_backward"


LOOP = [
    (
        "dx[:, t], dh_next, step_grads = step_backward(dh[:, t] + dh_next, steps[t])",
        "step_backward(dh[:, t] + dh_next",
        "step_backward(dh[:, t]",
    ),
    ("grads[name] += step_grads[name]", "+=", "="),
    ("grads[name] += step_grads[name]", "+=", "-="),
]


@pytest.mark.parametrize(("line", "old", "new"), LOOP)
def test_a_mistake_in_the_loop_itself_is_seen(line, old, new):
    page = changed(gru, (line, line.replace(old, new)))
    x, _, p = step_arrays()
    look = looked(page.forward, page.backward, (np.stack([x, x[::-1], x * 2], axis=1), p))
    assert look.wrong is not None


def test_names_do_not_matter_where_values_are_those_of_a_true_derivative():
    page = module("""
        import numpy as np

        def forward(x, p):
            a = x @ p["W"] + p["b"]
            y = np.tanh(a)
            return y * y, (x, y, p)

        def backward(g, cache):
            x, y, p = cache
            u1 = 2 * y * g
            delta = u1 * (1 - y * y)
            return delta @ p["W"].T, {"W": x.T @ delta, "b": delta.sum(axis=0)}
    """)
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(3, 5)), {"W": rng.normal(size=(5, 2)), "b": rng.normal(size=2)}
    look = looked(page.forward, page.backward, arrays)
    of = {v.event.name: v.of.name for v in look.verdicts if v.state == "right" and v.of is not None}
    assert of["u1"] == "y" and of["delta"] == "a" and look.wrong is None


def test_terms_of_a_sum_are_judged_one_by_one_and_the_missing_use_is_named():
    page = changed(
        gru, ('dh_prev = dh * (1 - z) + dq * r + dar @ p["Ur"].T', 'dh_prev = dh * (1 - z) + dar @ p["Ur"].T')
    )
    look = looked(page.step_forward, page.step_backward, step_arrays())
    assert len(look.wrong.terms) == 3 and all(use is not None for _, use in look.wrong.terms)
    (q,) = [n for n, line in enumerate(inspect.getsource(gru).splitlines(), 1) if line.strip().startswith("q = r")]
    assert q not in [use.line for _, use in look.wrong.terms]


def test_what_was_right_before_is_told_in_order():
    page = changed(gru, ("dq * h_prev", "dq * r"))
    look = looked(page.step_forward, page.step_backward, step_arrays())
    before = look.right_before
    assert [name for name in before if name in LINES] == ["dz", "dc", "dac", "dq"] and "dr" not in before


def test_where_the_complex_step_cannot_go_lines_are_judged_by_differences():
    page = module("""
        import numpy as np

        def forward(x):
            a = np.zeros(x.shape)
            a[...] = x * 3
            n = np.linalg.norm(a, axis=1)
            return n, (a, n)

        def backward(dn, cache):
            a, n = cache
            da = dn[:, None] * a / n[:, None]
            dx = da * 2
            return dx
    """)
    look = looked(page.forward, page.backward, (np.random.default_rng(0).normal(size=(4, 3)),))
    assert not look.truth.imaginary and look.wrong.event.name == "dx"


def test_the_true_derivative_in_full():
    look = looked(gru.step_forward, gru.step_backward, step_arrays())
    dz = next(v for v in look.verdicts if v.event.name == "dz")
    np.testing.assert_allclose(look.truth.in_full(dz.of), dz.event.value, rtol=1e-12)


def test_without_source_there_is_nothing_to_look_at():
    scope = {}
    exec("def forward(x):\n    return x * 2, x\ndef backward(dy, x):\n    return dy", scope)
    x = (np.ones((2, 3)),)
    assert inside.look(Problem(scope["forward"], scope["backward"], x, {}, 0).drawn()) is None
    assert inside.look(Problem(lambda x: (x * 2, x), lambda dy, x: dy, x, {}, 0).drawn()) is None


def test_functions_defined_inside_a_test_are_followed():
    scale = 3.0

    def forward(x):
        a = x * scale
        y = np.tanh(a)
        return y, y

    def backward(dy, y):
        da = dy * (1 - y * y)
        dx = da / scale
        return dx

    look = looked(forward, backward, (np.random.default_rng(0).normal(size=(2, 3)),))
    assert look.wrong.event.name == "dx" and look.wrong.event.line == backward.__code__.co_firstlineno + 2

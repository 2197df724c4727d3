"""From a mistake to its line and its cause, and nothing is left changed on the way."""

import warnings

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import assert_gradients, check
from minireid.gradcheck.cases.pages import Sizes, page_cases
from minireid.gradcheck.diagnose import proof
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.slopes import Slopes
from minireid.layers import elman, gru, linear, relu, tanh, unit_length
from minireid.losses import pair_distance, softmax
from tests.gradcheck.planting import changed, fixed, line_of, module

CASES = {case.name: case for case in page_cases(np.random.default_rng(0), Sizes(N=3, T=4, D=2, S=4))}
# case, page, what is right, what stands there, names that the cause may have
MISTAKES = [
    ("gru/step", gru, "dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)", "sign"),
    ("gru/step", gru, "dc = dh * z", "dc = dh * (1 - z)", "wrong variable"),
    ("gru/step", gru, 'dq = dac @ p["Uc"].T', 'dq = dac @ p["Uc"]', "transposed"),
    ("gru/step", gru, "daz = dz * z * (1 - z)", "daz = 2 * dz * z * (1 - z)", "constant factor, factor too many"),
    ("elman/step", elman, "dah = dh * (1 - h * h)", "dah = dh", "activation left out"),
    ("elman/step", elman, "dah = dh * (1 - h * h)", "dah = dh * h * (1 - h)", "wrong activation"),
    ("elman/step", elman, '"b": dah.sum(axis=0)', '"b": dah.mean(axis=0)', "constant factor"),
    ("linear", linear, "reshape(x.shape)", "reshape(x.shape) + 0.1 * x", "term too many"),
    ("linear", linear, "drows.sum(axis=0)", "dy.sum(axis=(0, 1)) / 3", "constant factor, factor too many"),
    ("relu", relu, "return dy * (y > 0)", "return dy * (y <= 0)", "wrong mask"),
    ("softmax", softmax, "dx[np.arange(N), labels] -= 1", "dx[np.arange(N), labels] += 1", "sign"),
    ("softmax", softmax, "return dx * (dloss / N)", "return dx * dloss", "constant factor"),
    ("pair_distance", pair_distance, "dx, pairs[:, 1], -dv)", "dx, pairs[:, 1], dv)", "sign"),
    ("pair_distance", pair_distance, "np.add.at(dx, pairs[:, 0], dv)", "dx[pairs[:, 0]] += dv", "= for +="),
]


def functions_of(page, case):
    return getattr(page, case.forward.__name__), getattr(page, case.backward.__name__)


def bits(case):
    return [(name, leaf.tobytes()) for name, leaf in leaves(dict(enumerate(case.arrays)))], {
        k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in case.config.items()
    }


def diagnosed(name, page, *changes):
    """(the changed page, the report on it)."""
    case = CASES[name]
    broken = changed(page, *changes)
    return broken, check(*functions_of(broken, case), *case.arrays, name=name, **case.config)


NOT_YET = {"return dx * dloss": "the line before is blamed: dx is N times what its name claims"}


def marked(mistake):
    reason = NOT_YET.get(mistake[3])
    marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
    return pytest.param(*mistake, marks=marks, id=f"{mistake[0]}: {mistake[3]}")


@pytest.mark.parametrize(("name", "page", "right", "wrong", "cause"), [marked(m) for m in MISTAKES])
def test_line_cause_and_fix(name, page, right, wrong, cause):
    before = bits(CASES[name])
    broken, report = diagnosed(name, page, (right, wrong))
    assert not report.ok and len(report.findings) == 1
    assert report.line.number == line_of(page, right) and wrong in report.line.text
    assert report.causes[0].cause in cause.split(", ")
    assert len({c.cause for c in report.causes}) == len(report.causes)
    assert bits(CASES[name]) == before, "a diagnosis leaves the arrays as they were"
    assert report.line.text in str(report) and report.causes[0].cause in str(report)
    case = CASES[name]
    assert_gradients(*functions_of(fixed(broken, report), case), *case.arrays, **case.config)


@pytest.mark.parametrize(
    ("right", "wrong", "cause"),
    [
        ("grads[name] += step", "grads[name] = step", "= for +="),
        ("step_backward(dh[:, t] + dh_next", "step_backward(dh[:, t]", "nothing carried back"),
    ],
)
def test_line_and_cause_in_the_loop_over_time(right, wrong, cause):
    _, report = diagnosed("elman", elman, (right, wrong))
    assert report.line.number == line_of(elman, right) and report.causes[0].cause == cause


def test_a_lost_twin_is_told_at_the_line_of_the_other():
    _, report = diagnosed("pair_distance", pair_distance, ("    np.add.at(dx, pairs[:, 1], -dv)\n", ""))
    assert report.causes[0].cause == "one twin lost" and report.line.text.startswith("np.add.at(dx, pairs[:, 0], dv)")


def test_the_values_of_the_wrong_variable_are_told():
    _, report = diagnosed("gru/step", gru, ("dz = dh * (c - h_prev)", "dz = 2 * dh * (c - h_prev)"))
    line = report.line
    assert line.variable == "dz" and "12 of 12 entries wrong" in line.wrong
    np.testing.assert_allclose(line.computed, 2 * line.true, rtol=1e-9)


def test_of_two_mistakes_both_are_told_and_together_they_mend():
    broken, report = diagnosed(
        "elman/step",
        elman,
        ('dx = dah @ p["W"].T', 'dx = 3 * dah @ p["W"].T'),
        ('"b": dah.sum(axis=0)', '"b": -dah.sum(axis=0)'),
    )
    lines = [line_of(elman, piece) for piece in ("dx = dah @", '"b": dah.sum')]
    assert [finding.line.number for finding in report.findings] == lines
    assert "with all of these together everything comes out right" in str(report)
    case = CASES["elman/step"]
    assert_gradients(*functions_of(fixed(broken, report), case), *case.arrays, **case.config)


def test_the_same_check_twice_says_the_same():
    one, two = (diagnosed("softmax", softmax, ("labels] -= 1", "labels] += 1"))[1].to_json() for _ in range(2))
    assert one == two


def test_a_candidate_that_changes_its_inputs_does_not_spoil_the_later_ones():
    """Deleting the copy is one of the changes that are tried: then x itself is doubled, over and over."""
    page = module("""
        def forward(x, W):
            own = x.copy()
            own *= 2
            y = own @ W
            return y, (own, W)

        def backward(dy, cache):
            own, W = cache
            d = dy.copy()
            d *= 2
            dW = own.T @ d / 2
            dx = -d @ W.T
            return dx, dW
    """)
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(3, 2)), rng.normal(size=(2, 5))
    before = x.tobytes(), W.tobytes()
    report = check(page.forward, page.backward, x, W)
    assert (x.tobytes(), W.tobytes()) == before
    assert report.causes[0].cause == "sign" and report.line.text == "dx = -d @ W.T"
    right = fixed(page, report)
    assert_gradients(right.forward, right.backward, x, W)


def test_a_diagnosis_is_quiet(capfd):
    """Python warns about some of the programs that are tried; a program may print."""
    page = module("""
        import numpy as np

        def forward(x, p):
            print("forward")
            h = np.tanh(x @ p["W"])
            return h, (x, h, p)

        def backward(dh, cache):
            x, h, p = cache
            print("backward")
            da = dh + h
            return da @ p["W"].T, {"W": x.T @ da}
    """)
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(3, 2)), {"W": rng.normal(size=(2, 5))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(page.forward, page.backward, *arrays)
    assert capfd.readouterr().err == ""


def test_the_program_is_as_before():
    broken = changed(gru, ("dz = dh * (c - h_prev)", "dz = dh * c"))
    case = CASES["gru"]
    before = {name: value.__code__ for name, value in vars(broken).items() if hasattr(value, "__code__")}
    names = set(vars(broken))
    check(*functions_of(broken, case), *case.arrays)
    assert {name: getattr(broken, name).__code__ for name in before} == before and set(vars(broken)) == names


def text_of(name):
    scope: dict = {}
    exec("def forward(x):\n    return x * 2, x\n\n\ndef backward(dy, x):\n    return -2 * dy\n", scope)
    return scope[name]


WITHOUT_SOURCE = {
    "exec'd text": (text_of("forward"), text_of("backward")),
    "lambdas": (lambda x: (x * 2, x), lambda dy, x: -2 * dy),
}


@pytest.mark.parametrize(("forward", "backward"), WITHOUT_SOURCE.values(), ids=WITHOUT_SOURCE)
def test_without_source_the_arrays_alone_are_looked_at_and_it_is_said(forward, backward, rng):
    report = check(forward, backward, rng.normal(size=(3, 5)))
    assert not report.ok and report.line is None
    assert any("only the returned arrays were looked at" in note for note in report.notes)
    assert report.causes[0].cause == "sign" and report.causes[0].text.startswith("x: ")
    assert "only the returned arrays" in str(report)


def test_a_lambda_as_backward_still_has_a_cause(rng):
    report = check(tanh.forward, lambda dy, y: -dy * (1 - y * y), rng.normal(size=(3, 5)))
    assert not report.ok and report.line is None and report.causes[0].cause == "sign"


def test_a_function_inside_a_test_is_diagnosed_too(rng):
    scale = 3.0

    def forward(x):
        a = x * scale
        return np.tanh(a), np.tanh(a)

    def backward(dy, y):
        da = dy * (1 - y * y)
        return da * -scale

    report = check(forward, backward, rng.normal(size=(3, 5)))
    assert report.line.number == backward.__code__.co_firstlineno + 2 and report.causes[0].cause == "sign"


def test_how_to_see_it_again_is_said():
    report = check(tanh.forward, lambda dy, y: dy, np.ones((2, 3)), seed=17)
    assert any("seed 17" in note for note in report.notes)


def test_without_a_diagnosis_there_is_none(rng):
    report = check(
        unit_length.forward,
        lambda du, cache: -unit_length.backward(du, cache),
        rng.normal(size=(2, 3)),
        diagnosis=False,
    )
    assert not report.ok and report.line is None and not report.causes and not report.notes


def test_what_is_right_is_not_diagnosed(rng):
    report = check(unit_length.forward, unit_length.backward, rng.normal(size=(2, 3)))
    assert report.ok and report.line is None and not report.causes and not report.notes


def test_a_proof_takes_what_is_right_alone():
    x = np.random.default_rng(0).normal(size=(3, 5))
    problem = Problem(tanh.forward, tanh.backward, (x,), {}, 0).drawn()
    right = proof(problem, Slopes(problem))
    assert right(tanh.backward) and right(lambda dy, y: (1 - y * y) * dy)
    assert not right(lambda dy, y: dy) and not right(lambda dy, y: -tanh.backward(dy, y))
    assert not right(lambda dy, y: tanh.backward(dy, y)[0]), "another shape"

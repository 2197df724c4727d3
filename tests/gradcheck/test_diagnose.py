"""From a mistake to its line and its cause, and nothing is left changed on the way."""

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import assert_gradients, check
from minireid.gradcheck.cases.pages import Sizes, page_cases
from minireid.layers import elman, gru, linear, relu, tanh, unit_length
from minireid.losses import pair_distance, softmax
from tests.gradcheck.planting import changed, line_of, module

CASES = {case.name: case for case in page_cases(np.random.default_rng(0), Sizes(N=3, T=4, D=2, S=4))}
# case, page, what is right, what stands there, cause, line that makes it right
MISTAKES = [
    ("gru/step", gru, "dz = dh * (c - h_prev)", "dz = dh * (h_prev - c)", "sign", "dz = dh * (c - h_prev)"),
    ("gru/step", gru, "dc = dh * z", "dc = dh * (1 - z)", "gates swapped", "dc = dh * z"),
    (
        "gru/step",
        gru,
        'dq = dac @ p["Uc"].T',
        'dq = dac @ p["Uc"]',
        "untransposed square matrix",
        "dq = dac @ p['Uc'].T",
    ),
    (
        "gru/step",
        gru,
        "daz = dz * z * (1 - z)",
        "daz = 2 * dz * z * (1 - z)",
        "constant factor",
        "daz = dz * z * (1 - z)",
    ),
    ("elman", elman, "grads[name] += step", "grads[name] = step", "= for +=", "grads[name] += step_grads[name]"),
    (
        "elman",
        elman,
        "step_backward(dh[:, t] + dh_next, steps[t])",
        "step_backward(dh[:, t], steps[t])",
        "last step only",
        "dh[:, t] + dh_next",
    ),
    ("elman/step", elman, "dah = dh * (1 - h * h)", "dah = dh", "activation left out", "dah = dh * (1 - h * h)"),
    (
        "elman/step",
        elman,
        "dah = dh * (1 - h * h)",
        "dah = dh * h * (1 - h)",
        "wrong activation",
        "dah = dh * (1 - h * h)",
    ),
    ("elman/step", elman, '"b": dah.sum(axis=0)', '"b": dah.mean(axis=0)', "constant factor", "dah.sum(axis=0)"),
    (
        "linear",
        linear,
        'dx = (drows @ p["W"].T).reshape(x.shape)',
        'dx = (drows @ p["W"].T).reshape(x.shape) + 0.1 * x',
        "parameter term",
        "dx = (drows @ p['W'].T).reshape(x.shape)",
    ),
    (
        "linear",
        linear,
        "db = drows.sum(axis=0)",
        "db = dy.sum(axis=(0, 1)) / 3",
        "constant factor",
        "dy.sum(axis=(0, 1))",
    ),
    ("relu", relu, "return dy * (y > 0)", "return dy * (y <= 0)", "mask wrong", "return dy * (y "),
    ("softmax", softmax, "dx[np.arange(N), labels] -= 1", "dx[np.arange(N), labels] += 1", "sign", "-= 1"),
    ("softmax", softmax, "return dx * (dloss / N)", "return dx * dloss", "constant factor", "N"),
    ("pair_distance", pair_distance, "dx, pairs[:, 1], -dv)", "dx, pairs[:, 1], dv)", "sign", "-dv"),
    (
        "pair_distance",
        pair_distance,
        "np.add.at(dx, pairs[:, 0], dv)",
        "dx[pairs[:, 0]] += dv",
        "= for +=",
        "np.add.at(dx, pairs[:, 0], dv)",
    ),
]


def bits(case):
    return [(name, leaf.tobytes()) for name, leaf in leaves(dict(enumerate(case.arrays)))], {
        k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in case.config.items()
    }


def diagnosed(name, page, *changes):
    case = CASES[name]
    broken = changed(page, *changes)
    forward, backward = (getattr(broken, f.__name__) for f in (case.forward, case.backward))
    return check(forward, backward, *case.arrays, name=name, **case.config)


@pytest.mark.parametrize(
    ("name", "page", "right", "wrong", "cause", "fix"), MISTAKES, ids=[f"{m[0]}: {m[3]}" for m in MISTAKES]
)
def test_line_and_cause(name, page, right, wrong, cause, fix):
    before = bits(CASES[name])
    report = diagnosed(name, page, (right, wrong))
    assert not report.ok and report.line is not None
    assert report.line.number == line_of(page, right) and wrong in report.line.text
    assert report.causes[0].cause == cause and fix in report.causes[0].fix
    assert len(report.causes) <= 3 and len({c.cause for c in report.causes}) == len(report.causes)
    assert bits(CASES[name]) == before, "a diagnosis leaves the arrays as they were"
    assert report.line.text in str(report) and cause in str(report)


def test_a_lost_twin_is_told_at_the_line_of_the_other():
    report = diagnosed("pair_distance", pair_distance, ("    np.add.at(dx, pairs[:, 1], -dv)\n", ""))
    assert report.causes[0].cause == "one twin lost" and report.line.text.startswith("np.add.at(dx, pairs[:, 0], dv)")


def test_the_values_of_the_first_wrong_variable_are_told():
    report = diagnosed("gru/step", gru, ("dz = dh * (c - h_prev)", "dz = 2 * dh * (c - h_prev)"))
    line = report.line
    assert line.variable == "dz" and "12 of 12 entries wrong" in line.wrong
    np.testing.assert_allclose(line.computed, 2 * line.true, rtol=1e-9)


def test_of_two_mistakes_the_first_line_is_shown_and_no_repair_is_claimed():
    report = diagnosed(
        "elman/step",
        elman,
        ('dx = dah @ p["W"].T', 'dx = 3 * dah @ p["W"].T'),
        ('"b": dah.sum(axis=0)', '"b": -dah.sum(axis=0)'),
    )
    assert report.line.number == line_of(elman, "dx = dah @") and report.line.variable == "dx"
    assert report.causes[0].cause == "constant factor" and not report.causes[0].fix


def test_the_same_check_twice_says_the_same():
    one, two = (diagnosed("softmax", softmax, ("labels] -= 1", "labels] += 1")).to_json() for _ in range(2))
    assert one == two


def test_a_candidate_that_changes_its_inputs_does_not_spoil_the_later_ones():
    """Deleting the copy is one of the first changes that are tried: then x itself is doubled, over and over."""
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
    assert (
        report.causes[0].cause == "sign"
        and report.line.text == "dx = -d @ W.T"
        and "dx = d @ W.T" in report.causes[0].fix
    )
    assert_gradients(page.forward, lambda dy, cache: (-page.backward(dy, cache)[0], page.backward(dy, cache)[1]), x, W)


def text_of(name):
    scope: dict = {}
    exec("def forward(x):\n    return x * 2, x\n\n\ndef backward(dy, x):\n    return -2 * dy\n", scope)
    return scope[name]


WITHOUT_SOURCE = {
    "exec'd text": (text_of("forward"), text_of("backward")),
    "lambdas": (lambda x: (x * 2, x), lambda dy, x: -2 * dy),
    "one of both": (tanh.forward, lambda dy, y: -dy * (1 - y * y)),
}


@pytest.mark.parametrize(("forward", "backward"), WITHOUT_SOURCE.values(), ids=WITHOUT_SOURCE)
def test_without_source_the_arrays_alone_are_looked_at_and_it_is_said(forward, backward, rng):
    report = check(forward, backward, rng.normal(size=(3, 5)))
    assert not report.ok and report.line is None
    assert any("only the returned arrays were looked at" in note for note in report.notes)
    assert report.causes[0].cause == "sign" and report.causes[0].text.startswith("x: ")
    assert "only the returned arrays" in str(report)


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

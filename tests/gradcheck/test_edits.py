"""Small steps between programs: each mistake has the step that undoes it, under its own name."""

import ast
from typing import Any

import numpy as np
import pytest
from minireid.gradcheck.scope import Scope, show

from minireid.gradcheck import edits, insertions, naming

RNG = np.random.default_rng(0)
N, D, S = 3, 5, 4
VALUES: dict[str, Any] = {
    "dy": RNG.normal(size=(N, S)),
    "x": RNG.normal(size=(N, D)),
    "W": RNG.normal(size=(D, S)),
    "U": RNG.normal(size=(S, S)),
    "z": RNG.random((N, S)),
    "r": RNG.random((N, S)),
    "c": np.tanh(RNG.normal(size=(N, S))),
    "da": RNG.normal(size=(N, S)),
    "dx": RNG.normal(size=(N, D)),
    "h": RNG.normal(size=(N, 6, S)),
    "k": RNG.normal(size=(3, 3, 2, 4)),
    "dW": RNG.normal(size=(D, S)),
    "dh": RNG.normal(size=(N, 6, S)),
    "a": None,
    "t": 2,
    "T": 6,
    "stride": 2,
    "padding": 1,
    "i": np.array([0, 1, 2]),
    "j": np.array([2, 1, 0]),
    "mask": np.array([[True], [False], [True]]),
    "p": {"Uz": RNG.normal(size=(S, S)), "Ur": RNG.normal(size=(S, S))},
    "out": RNG.normal(size=(N, S)),
}
VALUES["a"] = np.arctanh(VALUES["c"])
SCOPE = Scope(VALUES, {"dy", "da", "dx", "dW", "dh"}, {"np": np})
# what stands there, what it should be, the mistake's name
UNDONE = [
    ("dx = -(dy @ W.T)", "dx = dy @ W.T", "sign"),
    ("da = dy * (1 + c * c)", "da = dy * (1 - c * c)", "sign"),
    ("out -= dy", "out += dy", "sign"),
    ("da = 2 * dy", "da = dy", "constant factor"),
    ("da = dy.mean(axis=0)", "da = dy.sum(axis=0)", "constant factor"),
    ("dx = dy @ W", "dx = dy @ W.T", "transposed"),
    ("da = dy @ U", "da = dy @ U.T", "untransposed square matrix"),
    ("da = dy @ U.T", "da = dy @ U", "untransposed square matrix"),
    ("a = k[::-1, ::-1]", "a = k", "flipped kernel"),
    ("a = k", "a = k[::-1, ::-1]", "flipped kernel"),
    ("da = dy * r", "da = dy * z", "gates swapped"),
    ("da = dy @ p['Ur'].T", "da = dy @ p['Uz'].T", "gates swapped"),
    ("da = dy * (1 - z)", "da = dy * z", "gates swapped"),
    ("dx = dy", "dx += dy", "= for +="),
    ("dx[i] += 1.0", "np.add.at(dx, i, 1.0)", "= for +="),
    ("da = dy * a", "da = dy * c", "pre-activation"),
    ("da = dy * (1 - a * a)", "da = dy * (1 - c * c)", "pre-activation"),
    ("da = dy * ~mask", "da = dy * mask", "mask wrong"),
    ("da = dy * (c >= 0)", "da = dy * (c > 0)", "mask wrong"),
    ("da = np.where(mask, 0, dy)", "da = np.where(mask, dy, 0)", "mask wrong"),
    ("dW = x.T @ dy + 0.1 * W", "dW = x.T @ dy", "parameter term"),
    ("da = dy + da", "da = dy", "extra path"),
    ("da = dy * z * z", "da = dy * z", "factor twice"),
    ("da = dy * z * (1 - z) * (1 - z)", "da = dy * z * (1 - z)", "factor twice"),
    ("da = dy.sum(axis=1)", "da = dy.sum(axis=0)", "bias axes"),
    ("da = dh[:, t]", "da = dh[:, t - 1]", "shifted by one step"),
    ("da = h[:, t + 1]", "da = h[:, t]", "shifted by one step"),
    ("da = dh[:, ::-1]", "da = dh", "wrong order"),
    ("da = np.zeros_like(dy)", "da = dy", "detached branch"),
    ("a = h[:, t:]", "a = h[:, t * stride:]", "stride ignored"),
    ("out[j] = dy", "out[i] = dy", "wrong index"),
    ("da = dy / z", "da = dy * z", "wrong operation"),
    ("da = dy @ dW.T @ W", "da = dy", None),
]


def statement(text):
    return ast.parse(text).body[0]


def normal(text):
    return ast.unparse(ast.parse(text))


def simple(text):
    return list(edits.statement_changes(statement(text), SCOPE))


@pytest.mark.parametrize(("wrong", "right", "cause"), UNDONE, ids=[w for w, _, _ in UNDONE])
def test_one_simple_step_undoes_a_mistake_and_is_named_for_it(wrong, right, cause):
    steps = [change for change in simple(wrong) if show(change.node) == normal(right)]
    if cause is None:
        assert not steps, "two mistakes at once are two steps away"
    else:
        assert steps, f"nothing leads from {wrong} to {right}"
        assert cause in steps[0].causes, steps[0].causes


MISSING = [
    ("da = dy", "da = dy * (1 - c * c)", "activation left out"),
    ("da = dy", "da = dy * (z * (1 - z))", "activation left out"),
    ("da = dy", "da = dy * z", "factor missing"),
    ("da = dy", "da = dy * mask", "mask wrong"),
    ("da = dy", "da = dy + da @ U.T", "path missing"),
    ("da = dy * z", "da = dy * z + da", "path missing"),
    ("da = dy", "da = dy - da * r", "path missing"),
    ("da = dy", "da = dy * x.shape[0]", "constant factor"),
    ("da = dy * c", "da = dy * (1 - c * c)", "wrong activation"),
]


@pytest.mark.parametrize(("wrong", "right", "cause"), MISSING, ids=[r for _, r, _ in MISSING])
def test_one_insertion_adds_what_is_missing(wrong, right, cause):
    steps = [c for c in insertions.insertions(statement(wrong), SCOPE) if show(c.node) == normal(right)]
    assert steps, f"nothing leads from {wrong} to {right}"
    assert cause in steps[0].causes or cause in {x for c in steps for x in c.causes}


NAMES = {
    "sign",
    "constant factor",
    "transposed",
    "untransposed square matrix",
    "flipped kernel",
    "gates swapped",
    "path missing",
    "last step only",
    "shifted by one step",
    "= for +=",
    "one twin lost",
    "mask wrong",
    "stale value",
    "pre-activation",
    "activation left out",
    "wrong activation",
    "parameter term",
    "padding border",
    "stride ignored",
    "bias axes",
    "detached branch",
    "factor missing",
    "factor twice",
    "extra path",
    "wrong variable",
    "wrong index",
    "wrong operation",
    "wrong order",
}


@pytest.mark.parametrize(
    "text",
    [w for w, _, _ in UNDONE]
    + [
        "for t in reversed(range(T)):\n    dx = dy",
        "if t > 0:\n    dx = dy",
        "return dx, {'W': dW}",
        "np.add.at(out, i, dy)",
    ],
)
def test_every_step_is_a_program_with_causes_that_have_a_name_and_a_sentence(text):
    original = statement(text)
    before = ast.dump(original)
    count = 0
    for change in edits.statement_changes(original, SCOPE):
        count += 1
        assert change.causes and set(change.causes) <= NAMES, change.causes
        assert change.text and "\n" not in change.text
        ast.parse(show(change.node).removesuffix("..."))
    assert count > 3 and ast.dump(original) == before, "a step is made on a copy"


def test_insertions_are_programs_too_and_leave_the_statement_alone():
    original = statement("da = dy * z")
    before = ast.dump(original)
    for change in insertions.insertions(original, SCOPE):
        assert set(change.causes) <= NAMES
        ast.parse(show(change.node))
    assert ast.dump(original) == before


@pytest.mark.parametrize(
    "text",
    [
        "out -= dy",
        "da = dy * z",
        "np.add.at(out, i, dy)",
        "np.add(out, 1, out=out)",
    ],
)
def test_the_values_of_a_scope_are_only_looked_at(text):
    values = {k: np.array(v) for k, v in VALUES.items() if isinstance(v, np.ndarray)}
    scope = Scope(dict(values), SCOPE.gradients, SCOPE.outside)
    list(edits.statement_changes(statement(text), scope)), list(insertions.insertions(statement(text), scope))
    assert all(np.array_equal(array, VALUES[name]) for name, array in values.items())


def test_a_loop_may_run_the_wrong_way_or_stop_too_early():
    shown = {show(c.node): c.causes for c in simple("for t in range(1, T):\n    dx = dy")}
    assert "wrong order" in next(v for k, v in shown.items() if k.startswith("for t in reversed(range(1, T))"))
    assert "shifted by one step" in next(v for k, v in shown.items() if k.startswith("for t in range(T)"))


def test_neighbours_change_places_and_a_statement_moves_into_the_loop():
    block = ast.parse("a = x\nb = a\nfor t in range(3):\n    c = a").body
    first = [show(c.node) for c in edits.neighbours(block, 0)]
    assert "b = a; a = x" in [text.replace("\n", "; ") for text in first]
    assert any("inside the loop" in c.text for c in edits.neighbours(block, 1))
    assert not list(edits.neighbours(block, 2))


def test_the_lost_twin_of_a_pair():
    twins = list(edits.twins(statement("dx[i] += dy")))
    assert any(show(c.node).replace("\n", "; ") == "dx[i] += dy; dx[j] += -dy" for c in twins)
    assert {c.causes for c in twins} == {("one twin lost", "path missing")}
    calls = [show(c.node) for c in edits.twins(statement("np.add.at(dx, pairs[:, 0], dv)"))]
    assert any("np.add.at(dx, pairs[:, 1], -dv)" in text for text in calls)


def test_which_name_stands_for_which():
    causes = lambda old, new: naming.swap_causes(old, new, SCOPE)[0]  # noqa: E731
    assert causes("z", "r") == "gates swapped" and causes("a", "c") == "pre-activation"
    assert (
        causes("mask", "i") == "mask wrong"
        and causes("h_prev", "h") == "shifted by one step"
        and causes("x", "dx") != "gates swapped"
    )


@pytest.mark.parametrize(
    ("text", "bare"), [("daz", "az"), ("p['Wz']", "Wz"), ("grads['Uz']", "Uz"), ("d_z", "z"), ("d", "d")]
)
def test_bare_names(text, bare):
    assert naming.bare(text) == bare

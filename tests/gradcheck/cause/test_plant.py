"""Planted mistakes: programs that can be run, wrong in one line; and the checker names that line."""

import ast
import inspect

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.plant import invertible, letters, planted
from minireid.gradcheck.cause.rules import RULES
from minireid.layers import elman, gru, linear
from tests.gradcheck.planting import module, source

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
PAGES = [
    (linear, "backward", (X, linear.init(RNG, 4, 5, dtype=np.float64))),
    (elman, "step_backward", (X, RNG.normal(size=(3, 5)), elman.init(RNG, 4, 5, dtype=np.float64))),
    (elman, "backward", (RNG.normal(size=(3, 4, 2)), elman.init(RNG, 2, 5, dtype=np.float64))),
]
MOST = 25  # mistakes of a function that are checked


def gradients(page, name, arrays):
    """All gradients in a row; None if the backward raises."""
    y, cache = getattr(page, name.replace("backward", "forward"))(*arrays)
    try:
        with np.errstate(all="ignore"):
            found = getattr(page, name)(np.cos(np.arange(y.size)).reshape(y.shape), cache)
    except Exception:
        return None
    return [(key, np.asarray(leaf)) for key, leaf in leaves(dict(enumerate(found)))]


def alike(one, other):
    return one is not None and all(
        a.shape == b.shape and np.allclose(a, b) for (_, a), (_, b) in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(("page", "name", "arrays"), PAGES, ids=[f"{p.__name__}.{n}" for p, n, _ in PAGES])
def test_what_is_planted_is_wrong_and_its_line_is_named(page, name, arrays):
    text, right = inspect.getsource(getattr(page, name)), gradients(page, name, arrays)
    before = source(page).partition(text)[0].count("\n")
    named = []
    for mistake in planted(text, np.random.default_rng(0))[:MOST]:
        broken = module(source(page).replace(text, mistake.source))
        if alike(gradients(broken, name, arrays), right):
            continue  # >= for >, or another mistake that these numbers do not show
        report = check(getattr(broken, name.replace("backward", "forward")), getattr(broken, name), *arrays)
        assert not report.ok, mistake
        lines = {finding.line.number for finding in report.findings if finding.line}
        line = before + mistake.line
        named.append(line in lines or any(f"(line {line}:" in fault for fault in report.faults))
    print(f"{page.__name__}.{name}: {sum(named)} of {len(named)} lines named")
    assert len(named) >= 8 and np.mean(named) >= 0.8


@pytest.mark.parametrize("function", [linear.backward, elman.backward, gru.step_backward])
def test_one_expression_is_changed_and_the_rest_stays(function):
    text = inspect.getsource(function)
    mistakes = planted(text, np.random.default_rng(0))
    assert len({m.source for m in mistakes}) == len(mistakes) > 10
    for mistake in mistakes:
        compile(mistake.source, "?", "exec")
        assert ast.dump(ast.parse(mistake.source)) != ast.dump(ast.parse(text))
        old, new = text.splitlines(), mistake.source.splitlines()
        assert old[: mistake.line - 1] == new[: mistake.line - 1]
        assert new[mistake.line - 1] != old[mistake.line - 1]


def test_comments_and_other_lines_stay():
    text = "def backward(dy, y):\n    # größer als 0\n    dx = dy * (y > 0)  # F1: größer\n    return dx\n"
    found = {m.source.splitlines()[2].strip(): m for m in planted(text, np.random.default_rng(0))}
    mistake = found["dx = dy * (y >= 0)  # F1: größer"]
    assert mistake.cause is Cause.MASK and mistake.line == 3
    assert mistake.source.splitlines()[1] == "    # größer als 0"


@pytest.mark.parametrize(
    ("right", "wrong", "cause"),
    [
        ("da = dy * (1 - y * y)", "da = dy", Cause.ACTIVATION_MISSING),
        ("da = dy * (1 - y * y)", "da = dy * (1 + y * y)", Cause.SIGN),
        ("dx = da @ W.T", "dx = da @ W", Cause.TRANSPOSED),
        ("db = da.sum(axis=0)", "db = da.mean(axis=0)", Cause.CONSTANT),
        ("dx = da + dy @ W.T", "dx = da", Cause.TERM_MISSING),
        ("dx = da * r", "dx = da", Cause.FACTOR_MISSING),
    ],
)
def test_well_known_mistakes_are_among_them(right, wrong, cause):
    text = f"def backward(dy, y, W, da, r):\n    {right}\n    return 0\n"
    found = {m.source.splitlines()[1].strip(): m.cause for m in planted(text, np.random.default_rng(0))}
    assert found[wrong] is cause


def test_steps_of_a_loop():
    text = "def backward(dh, T):\n    for t in reversed(range(T)):\n        da = dh[:, t]\n    return da\n"
    found = {m.source for m in planted(text, np.random.default_rng(0))}
    assert text.replace("[:, t]", "[:, t - 1]") in found and text.replace("reversed(range(T))", "range(T)") in found


def test_the_order_is_that_of_the_generator():
    text = inspect.getsource(linear.backward)
    one, two, three = (planted(text, np.random.default_rng(n)) for n in (0, 0, 1))
    assert one == two and one != three and set(one) == set(three)


def test_rules_that_would_have_to_invent_something_are_left_out():
    assert letters("A.sum(*B) + np.exp(K)") == {"A", "B", "K"}
    kept = [rule for rule in RULES if invertible(rule)]
    assert kept and all(letters(rule.wrong) <= letters(rule.right) for rule in kept)

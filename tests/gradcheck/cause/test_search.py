"""Small changes to a statement: each mistake has the change that undoes it, under its own name."""

import ast

import numpy as np
import pytest

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.search import candidates, roots, statement_candidates
from tests.gradcheck.cause.shared import parsed, scope, text_of

# what stands there, what it should be, the mistake's name
UNDONE = [
    ("dx = dy", "dx += dy", Cause.ASSIGNS),
    ("dx = dy", "dx -= dy", Cause.ASSIGNS),
    ("dx[i] = dy", "np.add.at(dx, i, dy)", Cause.ASSIGNS),
    ("dx[i] += dy", "np.add.at(dx, i, dy)", Cause.ASSIGNS),
    ("dx[i] -= dy", "np.add.at(dx, i, -dy)", Cause.ASSIGNS),
    ("dx[:, i] += dy", "np.add.at(dx, (slice(None, None, None), i), dy)", Cause.ASSIGNS),
    ("dx += dy", "dx = dy", Cause.ADDS),
    ("dx += dy", "dx -= dy", Cause.SIGN),
    ("dx -= dy", "dx += dy", Cause.SIGN),
    ("dx *= y", "pass", Cause.FACTOR_EXTRA),
    ("dx += x", "pass", Cause.TERM_EXTRA),
    ("np.clip(dx, -5, 5, out=dx)", "pass", Cause.OPERATION),
    ("a = x", "a = x.copy()", Cause.SHARED),
    ("a += x", "a = a + x", Cause.SHARED),
    ("a = c = np.zeros(3)", "a = np.zeros(3); c = np.zeros(3)", Cause.SHARED),
    ("x, y = f(z)", "y, x = f(z)", Cause.VARIABLE),
    ("_, y = f(z)", "dx, y = f(z)", Cause.NOT_CARRIED),
    ("a = dx * y", "dx = dx * y", Cause.VARIABLE),
    ("a = h[t, N]", "a = h[N, t]", Cause.INDEX),
    ("dx = y - x", "dx = x - y", Cause.VARIABLE),
    ("dx = dy * (1 - x * x)", "dx = dy * (1 - y * y)", Cause.VARIABLE),
    ("np.add.at(dx, i[:, 0], dy)", "np.add.at(dx, i[:, 0], dy); np.subtract.at(dx, i[:, 1], dy)", Cause.TWIN),
    ("dx[i] += dy", "dx[i] += dy; dx[j] -= dy", Cause.TWIN),
    ("dx[N:N + 2] += dy", "dx[N:N + 2 * stride:stride] += dy", None),
    ("dx[t, N] += dy", "dx[t * stride, N * stride] += dy", Cause.STRIDE),
]


def statement(text):
    return ast.parse(text).body[0]


def normal(text):
    return "; ".join(ast.unparse(n) for n in ast.parse(text).body)


def made(text):
    """{new text: causes} for every change to the whole statement."""
    found = {}
    for cause, _, new in statement_candidates(statement(text), scope()):
        found.setdefault("; ".join(ast.unparse(n) for n in new), []).append(cause)
    return found


@pytest.mark.parametrize(("wrong", "right", "cause"), UNDONE, ids=[f"{w} -> {r}" for w, r, _ in UNDONE])
def test_a_change_of_the_statement_undoes_a_mistake_and_is_named_for_it(wrong, right, cause):
    found = made(wrong)
    if cause is None:
        assert normal(right) not in found, "rows and columns only"
    else:
        assert cause in found.get(normal(right), []), list(found)


def test_rows_and_columns_together():
    found = made("dx[t:t + 2, N:N + 2] += dy")
    assert Cause.STRIDE in found["dx[t:t + 2 * stride:stride, N:N + 2 * stride:stride] += dy"]
    assert Cause.BORDER in made("dx = z[:4, :4]")["dx = z[stride:stride + 4, stride:stride + 4]"]


@pytest.mark.parametrize("text", [w for w, _, _ in UNDONE] + ["for t in range(T):\n    dx = dy", "return dx"])
def test_a_statement_is_left_alone_and_its_changes_can_be_compiled(text):
    node = statement(text)
    before = ast.dump(node, include_attributes=True)
    for cause, said, new in statement_candidates(node, scope()):
        assert isinstance(cause, Cause) and said and "\n" not in said
        compile(ast.Module(new, []), "?", "exec")
        assert all(hasattr(n, "lineno") for n in new)
    assert ast.dump(node, include_attributes=True) == before


def test_the_expressions_of_a_statement():
    assert [(text_of(r), w) for r, w in roots(statement("dx[:, t] = dy * 2"))] == [
        ("dy * 2", "value"),
        (":, t", "index"),
    ]
    kinds = {text: [w for _, w in roots(statement(text))] for text in (
        "dx += dy", "return dx", "f(x)", "for t in range(T): pass", "if t: pass", "while t: pass", "x: int", "pass",
    )}  # fmt: skip
    assert list(kinds.values()) == [["value"], ["value"], ["value"], ["number"], ["value"], ["value"], [], []]


def test_a_candidate_says_what_it_does():
    texts = {c.text() for c in candidates(parsed("dx * y"), "value", scope(), 1)}
    assert "the factor z is missing" in texts


def test_a_whole_product_is_not_put_inside_a_product_again():
    """dx * y * z: the factor z may be put in once, and not at every place of the product."""
    root = parsed("dx * y")
    news = [text_of(root, c.old, c.new) for c in candidates(root, "value", scope(), 1) if c.rule.right == "A * <factor>"
            and c.rule.wrong == "A"]  # fmt: skip
    assert "dx * y * z" in news and len(news) == len(set(news))


def test_what_is_tried_changes_no_value():
    space = scope()
    before = {k: v.copy() for k, v in space.names.items() if isinstance(v, np.ndarray)}
    for text in ("np.add.at(dx, i, dx[i])", "dx = np.add(x, 1, out=x)", "x.fill(0)", "dx -= x.sort()"):
        list(statement_candidates(statement(text), space))
        for root, where in roots(statement(text)):
            for tier in (0, 1, 2):
                list(candidates(root, where, space, tier))
    assert all(np.array_equal(space.names[k], v) for k, v in before.items())


def test_an_empty_slice_is_an_index_without_end():
    assert ("2:", "index") in [(ast.unparse(r), w) for r, w in roots(statement("dx[2:] = dy"))]


def test_a_shape_is_no_number_to_multiply():
    """zeros(x.shape * 4) has eight axes: such an array could fill the memory."""
    tried = [text_of(c.new) for c in candidates(parsed("np.tanh(x.shape)"), "value", scope(), 1)]
    assert not [text for text in tried if text.startswith("x.shape")]

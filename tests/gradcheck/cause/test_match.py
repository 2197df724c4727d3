"""What the letters of a rule stand for, where a rule may be used, and what its right side becomes."""

import ast

import pytest

from minireid.gradcheck.cause.match import choice_in, match, pattern, places, rewritten
from tests.gradcheck.cause.shared import parsed, scope

MATCHES = [
    ("A + B", "x + y * z", {"A": "x", "B": "y * z"}),
    ("A * (1 - A)", "y * (1 - y)", {"A": "y"}),
    ("A @ B.T", "dy @ p['W'].T", {"A": "dy", "B": "p['W']"}),
    ("K * A", "2 * dx", {"K": "2", "A": "dx"}),
    ("K", "0.5", {"K": "0.5"}),
    ("N", "t", {"N": "t"}),
    ("N", "x.shape[0]", {"N": "x.shape[0]"}),
    ("N", "len(x)", {"N": "len(x)"}),
    ("V", "x", {"V": "x"}),
    ("V", "p['W']", {"V": "p['W']"}),
    ("V", "mask", {"V": "mask"}),
    ("I", "i", {"I": "i"}),
    ("F(A)", "f(x)", {"F": "f", "A": "x"}),
    ("F(A)", "np.exp(x)", {"F": "np.exp", "A": "x"}),
    ("np.sum(A, *B)", "numpy.sum(x, axis=0)", {"A": "x"}),
    ("A.sum(*B)", "x.sum(axis=0, keepdims=True)", {"A": "x"}),
    ("A[::-1]", "h[::-1]", {"A": "h"}),
    ("A > 0", "x > 0", {"A": "x"}),
]
OTHERS = [
    ("A + B", "x - y"),
    ("A * (1 - A)", "y * (1 - x)"),
    ("K", "True"),
    ("K", "t"),
    ("K", "'a'"),
    ("N", "3"),
    ("N", "scale"),
    ("N", "x"),
    ("V", "t"),
    ("V", "x + y"),
    ("V", "no_such"),
    ("I", "x"),
    ("F(A)", "len(x)"),
    ("F(A)", "x.sum(y)"),
    ("F(A)", "f(x, y)"),
    ("np.exp(A)", "np.log(x)"),
    ("A.sum(*B)", "np.sum(x)"),
    ("A.sum(*B)", "x.mean()"),
    ("A[::-1]", "h[1]"),
    ("np.dot(A, B)", "np.dot(x, y, out=z)"),
]


@pytest.mark.parametrize(("text", "node", "letters"), MATCHES)
def test_what_matches(text, node, letters):
    found = {}
    assert match(pattern(text), parsed(node), scope(), found)
    assert {k: ast.unparse(v) for k, v in found.items() if len(k) == 1} == letters


@pytest.mark.parametrize(("text", "node"), OTHERS)
def test_what_does_not_match(text, node):
    assert not match(pattern(text), parsed(node), scope(), {})


def test_a_slice_is_no_expression():
    assert match(pattern("slice"), parsed("1:t", "index"), scope(), {})
    assert not match(pattern("slice"), parsed("t", "index"), scope(), {})
    assert not match(pattern("A, B"), parsed("t, :", "index"), scope(), {})


@pytest.mark.parametrize(
    ("wrong", "right", "node", "new"),
    [
        ("A - B", "B - A", "x - (y + z)", "y + z - x"),
        ("A @ B", "B.T @ A.T", "x @ (y + z)", "(y + z).T @ x.T"),
        ("A.mean(*B)", "A.sum(*B)", "x.mean(1, keepdims=True)", "x.sum(1, keepdims=True)"),
        ("np.sum(A, *B)", "A", "np.sum(x * y, axis=0)", "x * y"),
        ("A * B", "A * <factor>", "x * y", "x * z"),
        ("F(A, B)", "F(B, A)", "f(x, y)", "f(y, x)"),
    ],
)
def test_the_right_side_with_its_letters(wrong, right, node, new):
    found, template = {}, ast.dump(pattern(right))
    assert match(pattern(wrong), parsed(node), scope(), found)
    made = rewritten(pattern(right), found, parsed("z"))
    assert ast.unparse(ast.fix_missing_locations(made)) == new
    assert ast.dump(pattern(right)) == template, "a pattern is used again"


def test_choices_of_a_right_side():
    assert choice_in("A * <factor>") == "factor" and choice_in("<number+>") == "number+" and choice_in("A < B") == ""


def everywhere(text):
    return {(ast.unparse(node), where, product) for node, where, product in places(parsed(text))}


def test_every_part_is_a_place():
    assert {(t, w) for t, w, _ in everywhere("x + f(y * 2)")} == {
        (t, "value") for t in ("x + f(y * 2)", "x", "f(y * 2)", "y * 2", "y", "2")
    }
    assert ("y", "value", True) in everywhere("x * y") and ("y", "value", False) in everywhere("x + y")


def test_indices_and_sizes_have_rules_of_their_own():
    assert ("t", "index", False) in everywhere("h[:, t]") and ("h", "value", False) in everywhere("h[:, t]")
    assert ("T", "number", False) in everywhere("np.zeros(T)")
    assert ("0", "number", False) in everywhere("x.sum(axis=0)")
    assert "x" not in {text for text, _, _ in everywhere("x.shape[0]")}, "a size has no derivative"


def test_a_comprehension_is_left_alone():
    assert not everywhere("[a * 2 for a in x]") and not everywhere("lambda a: a")


def test_what_a_call_writes_to_is_no_place():
    """np.clip(dx, -1, 1, out=-dx) would look like a mend: it throws its result away."""
    assert {t for t, _, _ in everywhere("np.clip(dx, 2, t, out=z)")} == {"np.clip(dx, 2, t, out=z)", "dx", "2", "t"}

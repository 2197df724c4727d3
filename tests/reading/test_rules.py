"""The rule of a use is read off the expression that it stands in."""

import ast

import pytest

from minireid.reading.library import followed_page
from minireid.reading.rules import rule_of

CASES = {
    "y = |x| @ W": "y = A B: dA = dy Bᵀ",
    "y = x @ |W|": "y = A B: dB = Aᵀ dy",
    "y = x @ |W|.T": "y = A B: dB = Aᵀ dy",
    "h = (1 - |z|) * h_prev": "y = a - b: db = -dy",
    "h = (1 - z) * |h_prev|": "y = a b, element by element: db = dy a",
    "y = |a| / b": "y = a / b: da = dy / b",
    "c = np.tanh(|ac|)": "y = tanh(a): da = dy (1 - y²)",
    "z, _ = sigmoid.forward(|az|)": "y = sigmoid(a): da = dy y (1 - y)",
    "d, cache = pair_distance.forward(|x|, pairs=pairs)": "the backward of pair_distance",
    "g = f(h[:, t] @ U + |b|)": "y = a + b: both get dy (summed over the axes along which one was repeated)",
    "y = unknown(|x|)": "",
    "y = |x|": "",
}


@pytest.mark.parametrize("marked", CASES)
def test_the_rule_of_a_use(marked: str) -> None:
    first, use, rest = marked.split("|")
    (statement,) = ast.parse(first + use + rest).body
    assert rule_of(statement, 1, (len(first), len(first) + len(use))) == CASES[marked]


def test_the_uses_of_a_page_have_their_rules() -> None:
    followed = followed_page("gru")
    assert followed is not None
    rules = {(p.name, p.rule) for p in followed.places if p.kind == "use" and p.live}
    assert ("p.Uc", "y = A B: dB = Aᵀ dy") in rules and ("q", "y = A B: dA = dy Bᵀ") in rules
    assert ("ac", "y = tanh(a): da = dy (1 - y²)") in rules

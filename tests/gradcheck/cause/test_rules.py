"""Every rule of the table does what its example says, and has words for it."""

import ast
import re

import pytest

from minireid.gradcheck.cause.match import pattern
from minireid.gradcheck.cause.rules import RULES
from minireid.gradcheck.cause.search import candidates
from tests.gradcheck.cause.shared import parsed, scope, text_of

IDS = [f"{r.where} {r.wrong} -> {r.right}" for r in RULES]


def made_by(rule):
    """{new text: what is said} for every candidate of the rule in the wrong side of its example."""
    root = parsed(rule.example[0], rule.where)
    found = [c for c in candidates(root, rule.where, scope(), rule.tier) if c.rule is rule]
    return {text_of(root, c.old, c.new): c.text() for c in found}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_right_side_of_the_example_is_among_the_candidates(rule):
    assert all(rule.example), "every rule has an example"
    wrong, right = (text_of(parsed(side, rule.where)) for side in rule.example)
    made = made_by(rule)
    assert wrong != right and right in made, made


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_what_a_rule_makes_is_a_program_and_has_words(rule):
    for new, said in made_by(rule).items():
        compile(f"x[{new}]" if rule.where == "index" else new, "?", "eval")
        assert said and "\n" not in said and "__" not in said and not re.search(r"\{\w*\}", said)


def test_no_two_rules_are_the_same():
    keys = [(ast.dump(pattern(r.wrong)), ast.dump(pattern(r.right)), r.where, r.tier) for r in RULES]
    twice = [name for name, key in zip(IDS, keys) if keys.count(key) > 1]
    assert not twice


def test_a_rule_changes_something():
    assert not [r for r in RULES if ast.dump(pattern(r.wrong)) == ast.dump(pattern(r.right))]


def test_places_and_tiers_are_known():
    assert {r.where for r in RULES} == {"value", "index", "number"} and {r.tier for r in RULES} == {0, 1, 2}

"""The table of mistakes read from right to left: what is right there becomes one of the mistakes.

For exams and for tests of tests. Only rules are used whose left side has no letter that the right side lacks: to plant
`A * B` for `A` one would have to invent B.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.match import CHOICE, Found, choice_in, match, pattern, places, rewritten
from minireid.gradcheck.cause.rules import RULES, Rule
from minireid.gradcheck.cause.scope import Scope
from minireid.gradcheck.cause.search import roots
from minireid.gradcheck.line.bench import replaced

# what a choice looks like in a program
LOOKS: dict[str, Any] = {"factor": ast.Name, "slope": ast.BinOp, "mask": ast.Compare, "number": ast.Constant,
                         "term": ast.BinOp}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """source: the text with one mistake. line: its number in this text. cause: the mistake's name."""

    source: str
    line: int
    cause: Cause


def planted(source: str, rng: np.random.Generator) -> list[Planted]:
    """All mistakes that can be planted into the functions of a text, in a random order, each text once."""
    tree = ast.parse(source)
    scope = guessed(tree)
    found: dict[str, Planted] = {}
    for statement in [s for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for s in ast.walk(f)]:
        for root, where in roots(statement) if isinstance(statement, ast.stmt) else ():
            for rule, old, new in mistakes(root, where, scope):
                text = spliced(source, root, replaced(root, old, new))
                if ast.dump(ast.parse(text)) != ast.dump(tree):
                    found.setdefault(text, Planted(text, root.lineno, rule.cause))
    every = list(found.values())
    return [every[n] for n in rng.permutation(len(every))]


def mistakes(root: Any, where: str, scope: Scope) -> Iterator[tuple[Rule, Any, Any]]:
    """(rule, node, what to put in its place) for every rule that can be read backwards in an expression."""
    subscripts = [s for s in ast.walk(root) if isinstance(s, ast.Subscript) and "shape" in ast.unparse(s.value)]
    sizes = {id(n) for s in subscripts for n in ast.walk(s)}
    for node, place, _ in places(root, where):
        for rule in RULES:
            misplaced = rule.where != place or (place == "number" and where != "number")
            if misplaced or id(node) in sizes or not invertible(rule):
                continue
            found: Found = {}
            if match(pattern(CHOICE.sub("Q", rule.right)), node, scope, found) and looks(rule, found, node):
                yield rule, node, rewritten(pattern(rule.wrong), found, None)


def invertible(rule: Rule) -> bool:
    """Whether the right side has every letter of the left one."""
    return not choice_in(rule.wrong) and letters(rule.wrong) <= letters(rule.right) and rule.wrong != "slice"


def letters(text: str) -> set[str]:
    names = {n.id for n in ast.walk(pattern(text)) if isinstance(n, ast.Name)}
    return {n for n in names if len(n) == 1 and n.isupper()}


def looks(rule: Rule, found: Found, node: Any) -> bool:
    """Whether the mistake is one that people make here: a minus sign before a computation, a factor left out."""
    if kind := choice_in(rule.right):
        return isinstance(found["Q"], LOOKS.get(kind, ()))
    if len(rule.right) > 1:
        return ".T" not in rule.wrong or not any(isinstance(v, ast.Attribute) and v.attr == "T" for v in found.values())
    if rule.where == "value":
        return rule.cause is Cause.SIGN and isinstance(node, ast.BinOp)
    return isinstance(node, ast.Name) if rule.where == "index" else ast.unparse(node).startswith("range(")


def guessed(tree: ast.Module) -> Scope:
    """A scope without values: counters of loops and sizes are whole numbers, all other names are arrays."""
    names: dict[str, Any] = {n.id: np.ones((2, 2)) for n in ast.walk(tree) if isinstance(n, ast.Name)}
    for node in ast.walk(tree):
        counts = isinstance(node, ast.For) and "range(" in ast.unparse(node.iter)
        if counts or (isinstance(node, ast.Assign) and "shape" in ast.unparse(node.value)[-8:]):
            targets = [node.target] if isinstance(node, ast.For) else node.targets  # type: ignore[attr-defined]
            names |= {n.id: 1 for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return Scope({k: v for k, v in names.items() if k != "np"}, {"np": np}, set())


def spliced(source: str, old: Any, new: Any) -> str:
    """The text with one expression replaced; everything else stays as it is, with its comments."""
    inside = ast.Subscript(ast.Name("x", ast.Load()), new, ast.Load())  # slices stand in brackets only
    text = ast.unparse(ast.fix_missing_locations(inside))[2:-1]
    lines = source.encode().splitlines(keepends=True)
    before = b"".join([*lines[: old.lineno - 1], lines[old.lineno - 1][: old.col_offset]])
    after = b"".join([lines[old.end_lineno - 1][old.end_col_offset :], *lines[old.end_lineno :]])
    return (before + text.encode() + after).decode()

"""The parts of an expression, and the value of each at one moment of the run."""

import ast
from typing import Any

import numpy as np

from minireid.gradcheck.line.program import Statement, terms_of
from minireid.gradcheck.line.trace import copied

LARGEST = 600  # entries: a larger value is not kept


def inner_expressions(statement: Statement) -> list[ast.expr]:
    """Parts of a statement's right side that are more than a name, on one line, without what they only index with.

    Not the terms of its sum, and not the sum of only some of them: terms are places of their own.
    """
    node = statement.node
    value = getattr(node, "value", None)
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.AnnAssign)) or value is None:
        return []
    shown = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Subscript, ast.Attribute, ast.Compare)
    closed = (ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp, ast.JoinedStr)
    found: list[ast.expr] = []

    def visit(one: ast.AST, whole: bool) -> None:
        if isinstance(one, shown) and one.lineno == one.end_lineno and not whole:
            found.append(one)
        for child in ast.iter_child_nodes(one) if not isinstance(one, closed) else ():
            if not (isinstance(one, ast.Subscript) and child is one.slice):
                visit(child, False)

    for part in value.elts if isinstance(value, ast.Tuple) else [value]:
        for term in terms_of(part):
            visit(term, True)
    return found


def is_repeatable(node: ast.expr, names: dict[str, Any]) -> bool:
    """Whether an expression has the same value again. If it draws numbers, or takes one from a list, it has not.

    Then its parts with calls are not evaluated by themselves: their values would not be those of the run.
    """
    if not any(isinstance(n, ast.Call) for n in ast.walk(node)):
        return True
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    own = {**names, **copied({name: names[name] for name in used & names.keys()})}
    try:
        first, second = (value_of(node, own) for _ in range(2))
    except Exception:  # somebody's expression may fail in any way
        return False
    pairs = zip(first, second) if isinstance(first, tuple) and isinstance(second, tuple) else [(first, second)]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs if isinstance(a, (np.ndarray, float)))


def value_of(node: ast.expr, names: dict[str, Any]) -> Any:
    with np.errstate(all="ignore"):
        return eval(compile(ast.Expression(node), "?", "eval"), dict(names))


def evaluated(node: ast.expr, names: dict[str, Any]) -> np.ndarray | None:
    """The value of an expression with the names of its moment, if it is an array of numbers, or a number."""
    if any(isinstance(n, ast.NamedExpr) for n in ast.walk(node)):
        return None
    try:
        value = value_of(node, names)
    except Exception:  # a part alone may fail in any way: then it is not shown
        return None
    if isinstance(value, (bool, str, bytes)) or not isinstance(value, (np.ndarray, float, np.floating)):
        return None
    array = np.array(value)
    return array if array.dtype.kind in "fbiu" and 0 < array.size <= LARGEST else None

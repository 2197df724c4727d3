"""Patterns of the table of rules: does an expression match, and what does it become?

A B D …  any expression             V  a variable that holds an array     S  a string
K        a number                   N  a variable that is a whole number or a size
F        a function                 *B the other arguments of a call      I  an array of indices
"""

import ast
import copy
import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from minireid.gradcheck.cause.scope import Scope, numeric, whole

Found = dict[str, Any]
CHOICE = re.compile(r"<([a-z]+)(\+?)>")


@functools.cache
def pattern(text: str) -> Any:
    """The syntax tree of a side of a rule; <same> becomes the name __same__."""
    text = CHOICE.sub(lambda m: f"__{m[1]}{'_next' if m[2] else ''}__", text)
    if text == "slice":
        return ast.Slice(ast.Name("ANY"), ast.Name("ANY"), None)
    if "[" not in text and (":" in text or ("," in text and "(" not in text)):
        return ast.parse(f"x[{text}]", mode="eval").body.slice  # type: ignore[attr-defined]
    return ast.parse(text, mode="eval").body


def choice_in(text: str) -> str:
    """The kind of the choice on a right side: same, factor …; empty if there is none."""
    found = CHOICE.search(text)
    return found[1] + ("+" if found[2] else "") if found else ""


def match(wanted: Any, node: Any, scope: Scope, found: Found) -> bool:
    """Whether node matches the pattern; `found` gets what its letters stand for."""
    if isinstance(wanted, ast.Name) and len(wanted.id) == 1 and wanted.id.isupper():
        return letter(wanted.id, node, scope, found)
    if isinstance(wanted, ast.Slice) and isinstance(wanted.lower, ast.Name) and wanted.lower.id == "ANY":
        return isinstance(node, ast.Slice)
    if type(wanted) is not type(node):
        return False
    if isinstance(wanted, ast.Name):
        return node.id == wanted.id or {wanted.id, node.id} == {"np", "numpy"}
    if isinstance(wanted, ast.Call):
        return match(wanted.func, node.func, scope, found) and arguments(wanted, node, scope, found)
    if isinstance(wanted, ast.Attribute):
        base = wanted.value
        of_numpy = isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy")
        if isinstance(base, ast.Name) and len(base.id) == 1 and of_numpy:
            return False
        return node.attr == wanted.attr and match(base, node.value, scope, found)
    for field, value in ast.iter_fields(wanted):
        other: Any = getattr(node, field, None)
        if field in ("ctx", "kind", "type_comment"):
            continue
        if isinstance(value, list):
            if len(value) != len(other) or not all(match(a, b, scope, found) for a, b in zip(value, other)):
                return False
        elif isinstance(value, ast.AST):
            if not match(value, other, scope, found):
                return False
        elif value != other:
            return False
    return True


def letter(name: str, node: Any, scope: Scope, found: Found) -> bool:
    if name in found:
        return ast.dump(found[name]) == ast.dump(node)
    if not isinstance(node, ast.expr) or isinstance(node, (ast.Slice, ast.Starred)):
        return False
    kinds = {"K": is_number, "N": is_size, "V": is_variable, "S": is_string, "F": is_function, "I": is_index}
    if name in kinds and not kinds[name](node, scope):
        return False
    found[name] = node
    return True


def is_number(node: ast.expr, scope: Scope) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


def is_size(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Constant) or not isinstance(node, (ast.Name, ast.Subscript, ast.Call, ast.Attribute)):
        return False
    return whole(scope.value(node))


def is_variable(node: ast.expr, scope: Scope) -> bool:
    if not isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
        return False
    value = scope.value(node)
    return numeric(value) or is_mask(value)


def is_mask(value: Any) -> bool:
    """Whether an array of whole numbers holds 0 and 1 only."""
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "iu"
        and value.size > 1
        and bool(np.isin(value, (0, 1)).all())
    )


def is_index(node: ast.expr, scope: Scope) -> bool:
    value = scope.value(node)
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


def is_string(node: ast.expr, scope: Scope) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_function(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and not numeric(scope.value(node.value))
    return isinstance(node, ast.Name) and node.id not in (
        "range",
        "len",
        "reversed",
        "zip",
        "enumerate",
        "dict",
        "list",
    )


def arguments(wanted: ast.Call, node: ast.Call, scope: Scope, found: Found) -> bool:
    """The arguments of a call; *B takes the rest of them, with the keywords."""
    own = [a for a in wanted.args if not isinstance(a, ast.Starred)]
    rest = next((a.value.id for a in wanted.args if isinstance(a, ast.Starred)), None)  # type: ignore[attr-defined]
    if rest is None and (len(node.args) != len(own) or node.keywords):
        return False
    if len(node.args) < len(own) or not all(match(a, b, scope, found) for a, b in zip(own, node.args)):
        return False
    if rest is not None:
        found[f"*{rest}"] = (node.args[len(own) :], node.keywords)
    return True


def rewritten(template: Any, found: Found, choice: Any) -> Any:
    """The right side of a rule with its letters and its choice put in."""
    return Rewrite(found, choice).visit(copy.deepcopy(template))


class Rewrite(ast.NodeTransformer):
    def __init__(self, found: Found, choice: Any) -> None:
        self.found, self.choice = found, choice

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id.startswith("__"):
            return self.choice
        return self.found.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> Any:
        spread = [a for a in node.args if isinstance(a, ast.Starred)]
        node.args = [self.visit(a) for a in node.args if not isinstance(a, ast.Starred)]
        node.func = self.visit(node.func)
        node.keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        for one in spread:
            more, keywords = self.found[f"*{one.value.id}"]  # type: ignore[attr-defined]
            node.args, node.keywords = [*node.args, *more], [*node.keywords, *keywords]
        return node


COUNTING = ("range", "len", "reversed", "arange", "zeros", "ones", "empty", "enumerate", "reshape", "full")


def places(node: Any, where: str = "value", product: bool = False) -> Iterator[tuple[Any, str, bool]]:
    """(expression, where, whether it is a factor of a product) for an expression and everything inside it."""
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.JoinedStr)):
        return
    if where == "index" and isinstance(node, ast.Compare):
        where = "value"  # a mask
    if isinstance(node, (ast.expr, ast.Slice)):
        yield node, where, product
    if isinstance(node, ast.Attribute) and node.attr in ("shape", "ndim", "dtype", "size"):
        return
    if isinstance(node, ast.Subscript):
        yield from places(node.value, where)
        yield from places(node.slice, "index")
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        inside = "number" if name in COUNTING else where
        if isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
        ):
            yield from places(node.func.value, where)
        for number, argument in enumerate(node.args):
            yield from places(argument, where if name == "full" and number else inside)
        for keyword in (k for k in node.keywords if k.arg != "out"):  # with another out= the call does nothing
            yield from places(keyword.value, "number" if keyword.arg in ("axis", "keepdims", "axes") else where)
    else:
        product_ = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div))
        factors = product_ or isinstance(node, ast.IfExp)  # no factor in one case of a condition alone
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.expr, ast.Slice)):
                yield from places(child, where, factors)

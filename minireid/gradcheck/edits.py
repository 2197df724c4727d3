"""Small changes to one statement, each with the name of the mistake that it corrects.

The diagnosis tries them (repair.py). A change that makes every gradient right, with other numbers and other sizes too,
shows the cause better than any pattern in the arrays. So this is not a list of known bugs. It is a list of small
*steps between programs*: another sign, another variable of the same shape, one factor or term more or less, another
axis or index, a transpose, `+=` for `=`.
"""

import ast
import contextlib
import copy
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from minireid.gradcheck.expressions import expression_changes
from minireid.gradcheck.naming import deletion_causes, is_scalar, swap_causes
from minireid.gradcheck.scope import Both, Change, Exchange, Rename, Scope, numeric, parse, put, show


def statement_changes(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """Simple changes to one statement: nothing is inserted."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, (ast.Name, ast.Subscript)):
            yield Change(
                ("= for +=",), "the statement assigns, but it should add", ast.AugAssign(target, ast.Add(), node.value)
            )
        if isinstance(target, ast.Subscript):
            yield from target_changes(node, target, scope)
            yield add_at(target, node.value)
        if isinstance(target, ast.Tuple):
            yield from lost(node, target, scope)
            for i, j in combinations(range(len(target.elts)), 2):
                elements = list(target.elts)
                elements[i], elements[j] = elements[j], elements[i]
                swapped = put(node, "targets", [put(target, "elts", elements)])
                text = f"{show(target.elts[i])} and {show(target.elts[j])} are unpacked in the wrong order"
                yield Change(swap_causes(show(target.elts[i]), show(target.elts[j]), scope), text, swapped)
    if isinstance(node, ast.AugAssign):
        if isinstance(node.op, (ast.Add, ast.Sub)):
            other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            yield Change(("sign",), "the right-hand side is added with the wrong sign", put(node, "op", other))
            load = copy.copy(node.target)
            yield Change(
                ("extra path", "= for +="), "the statement adds, but it should assign", ast.Assign([load], node.value)
            )
        if isinstance(node.target, ast.Subscript):
            yield from target_changes(node, node.target, scope)
            value = negative(node.value) if isinstance(node.op, ast.Sub) else node.value
            yield add_at(node.target, value)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
        yield Change(deletion_causes(node, scope), "this statement should not be there", ast.Pass())
    yield from twins(node)
    yield from exchanges(node, scope)
    yield from both_axes(node, scope)
    field = {ast.For: "iter", ast.If: "test"}.get(type(node), "value")
    right: Any = getattr(node, field, None)
    if right is not None and not isinstance(node, ast.While):
        for change in expression_changes(right, scope, "value"):
            yield change._replace(node=put(node, field, change.node))
        yield from renamed(node, field, right, scope)


def lost(node: ast.Assign, target: ast.Tuple, scope: Scope) -> Iterator[Change]:
    """A result is stored under a name that is not read. It should be stored in another variable."""
    for position, element in enumerate(target.elts):
        if isinstance(element, ast.Name):
            for other in sorted(scope.gradients & scope.values.keys()):
                if other != element.id and numeric(scope.values[other]):
                    renamed_ = put(target, "elts", ast.Name(other, ast.Store()), position)
                    text = f"the result stored in {element.id} belongs in {other}"
                    yield Change(
                        ("detached branch", "path missing", "last step only"), text, put(node, "targets", [renamed_])
                    )


def neighbours(block: list[ast.stmt], position: int) -> Iterator[Change]:
    """Changes to two statements: in the other order, or the first one repeated in every round of the next loop."""
    if position + 1 >= len(block):
        return
    this, after = block[position], block[position + 1]
    simple = (ast.Assign, ast.AugAssign, ast.Expr)
    if isinstance(this, simple) and isinstance(after, simple):
        # the second runs before the first: only the order is changed
        order = ast.If(ast.Constant(True), [after, this], [])
        text = f"{show(after)} has to come before {show(this)}"
        yield Change(("shifted by one step", "stale value", "wrong order"), text, Both(order, ast.Pass()))
    sums = [s for s in (this, after) if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Subscript)]
    if len(sums) == 2:
        first, second = (add_at(s.target, s.value if isinstance(s.op, ast.Add) else negative(s.value)) for s in sums)  # type: ignore[arg-type]
        yield first._replace(node=Both(first.node, second.node))
    for loop in block[position + 1 :]:
        if isinstance(loop, ast.For) and isinstance(this, ast.Assign):
            inside = put(loop, "body", [this, *loop.body])
            text = f"{show(this)} belongs inside the loop"
            yield Change(("extra path", "stale value", "detached branch"), text, Both(this, inside, block.index(loop)))


def negative(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def exchanges(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """Two names, or two entries of a dict, swapped everywhere in the statement."""
    if isinstance(node, (ast.For, ast.If, ast.While, ast.With, ast.Try, ast.FunctionDef)):
        return
    arrays = scope.arrays()
    found = {
        show(n): n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Subscript)) and isinstance(n.ctx, ast.Load)
    }
    texts = [text for text in found if text in arrays]
    for one, two in combinations(texts, 2):
        if arrays[one].shape == arrays[two].shape and one not in two and two not in one:
            new = Exchange(one, two).visit(copy.deepcopy(node))
            yield Change(swap_causes(one, two, scope), f"{one} and {two} are swapped", new)


def twins(node: ast.stmt) -> Iterator[Change]:
    """The statement, and the same once more for the other row of the pair, with the opposite or the same sign."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        index, call = node.target.slice, None
    elif (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and show(node.value.func).endswith(".at")
        and len(node.value.args) == 3
    ):
        index, call = node.value.args[1], node.value
    else:
        return
    names = [n for n in "ijklab" if n != show(index)] if isinstance(index, ast.Name) else []
    others = [parse(n) for n in names]
    if not any(isinstance(n, ast.Slice) for n in ast.walk(index)) or call is not None:
        text = show(index)
        for a, b in (("0", "1"), ("1", "0"), ("left", "right"), ("i", "j"), ("first", "second"), ("a", "b")):
            with contextlib.suppress(SyntaxError):
                others += [parse(text.replace(a, b))] if a in text else []
    for other in others:
        for sign in (True, False):
            if call is not None:
                value = negative(call.args[2]) if sign else call.args[2]
                again: ast.stmt = ast.Expr(put(call, "args", [call.args[0], other, value]))
            else:
                assert isinstance(node, ast.AugAssign)
                value = negative(node.value) if sign else node.value
                again = put(put(node, "target", put(node.target, "slice", other)), "value", value)
            yield Change(
                ("one twin lost", "path missing"),
                f"the other row of the pair gets no gradient: {show(again)} is missing",
                ast.If(ast.Constant(True), [node, again], []),
            )


def both_axes(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """A stride or a padding left out, in both rows and columns."""
    names = {
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(scope.values.get(n.id), (int, np.integer))
    }
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)):
        return
    for factor in scope.integers():
        causes = (
            ("padding border", "wrong index") if "pad" in factor or factor == "p" else ("stride ignored", "wrong index")
        )
        for i, j in combinations(sorted(names - {factor}), 2):
            if not is_scalar(ast.Name(factor, ast.Load()), scope):
                continue
            for part in ("target", "targets", "value"):
                inside = getattr(node, part, None)
                if inside is None:
                    continue
                inside = copy.deepcopy(inside[0] if part == "targets" else inside)
                for old in (i, j):
                    inside = Rename(old, parse(f"({old} * {factor})")).visit(inside)
                new = put(node, part, [inside] if part == "targets" else inside)
                yield Change(causes, f"{i} and {j} must be multiplied by {factor}", new)
        for kind in (strided, offset):
            slices = kind(factor)
            new = slices.visit(copy.deepcopy(node))
            if slices.changed > 1:
                text = (
                    f"rows and columns must go in steps of {factor}"
                    if kind is strided
                    else f"rows and columns must start at {factor}"
                )
                yield Change(causes, text, new)


class strided(ast.NodeTransformer):
    """a : a + n -> a : a + n s : s in every slice."""

    def __init__(self, factor: str) -> None:
        self.factor, self.changed = factor, 0

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        if (
            node.step is None
            and node.lower is not None
            and isinstance(node.upper, ast.BinOp)
            and show(node.upper.left) == show(node.lower)
        ):
            self.changed += 1
            upper = ast.BinOp(node.lower, ast.Add(), ast.BinOp(node.upper.right, ast.Mult(), parse(self.factor)))
            return ast.Slice(node.lower, upper, parse(self.factor))
        return node


class offset(strided):
    """: n -> p : p + n in every slice."""

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        if node.step is None and node.lower is None and node.upper is not None:
            self.changed += 1
            return ast.Slice(parse(self.factor), ast.BinOp(parse(self.factor), ast.Add(), node.upper), None)
        return node


def target_changes(node: Any, target: ast.Subscript, scope: Scope) -> Iterator[Change]:
    for change in expression_changes(target.slice, scope, "index"):
        new = put(target, "slice", change.node)
        yield change._replace(
            node=put(node, "targets", [new]) if isinstance(node, ast.Assign) else put(node, "target", new)
        )
    if not isinstance(target.slice, (ast.Tuple, ast.Slice)):
        for named in scope.integers():
            new = put(target, "slice", ast.Tuple([target.slice, ast.Slice(None, parse(named), None)], ast.Load()))
            text = f"{show(target)} stands where {show(new)} belongs"
            yield Change(
                ("mask wrong", "wrong index", "padding border"),
                text,
                put(node, "targets", [new]) if isinstance(node, ast.Assign) else put(node, "target", new),
            )


def add_at(target: ast.Subscript, value: ast.expr) -> Change:
    load = put(target.value, "ctx", ast.Load()) if isinstance(target.value, ast.Name) else target.value
    index = target.slice
    if isinstance(index, ast.Tuple):
        index = parse("0") if any(isinstance(e, ast.Slice) for e in index.elts) else index
    if isinstance(index, ast.Slice):
        index = parse("0")
    call = ast.Expr(ast.Call(parse("np.add.at"), [load, index, value], []))
    return Change(("= for +=",), "an index that occurs more than once keeps only one of its contributions", call)


def renamed(node: Any, field: str, value: ast.expr, scope: Scope) -> Iterator[Change]:
    """A name that occurs several times, replaced everywhere by another name of the same shape."""
    arrays = scope.arrays()
    names = [n.id for n in ast.walk(value) if isinstance(n, ast.Name)]
    for old in {n for n in names if names.count(n) > 1 and n in arrays}:
        for new, array in arrays.items():
            if new != old and array.shape == arrays[old].shape:
                text = f"{old} stands where {new} belongs"
                yield Change(
                    swap_causes(old, new, scope),
                    text,
                    put(node, field, Rename(old, parse(new)).visit(copy.deepcopy(value))),
                )

"""Small changes to one statement, each with the name of the mistake that it would undo.

The diagnosis tries them out (repair.py): a change that makes every gradient right, on other numbers and other sizes too,
tells the cause better than any pattern in the arrays. So the list below is one of *steps between programs*, not of
known bugs: another sign, another variable of the same shape, a factor or a term more or less, another axis or index, a
transpose, `+=` for `=`.
"""

import ast
import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

GATES = {"z", "r", "c", "q", "i", "f", "o", "g", "n", "u", "k", "update", "reset", "cand", "candidate", "input", "forget"}


class Change(NamedTuple):
    """The mistake's name (and others that fit as well), in words, and what takes the place of the node."""

    causes: tuple[str, ...]
    text: str
    node: Any
    deep: bool = False  # an insertion inside the right-hand side rather than around the whole of it


@dataclass
class Scope:
    """What a statement can name: local values by name, and which of them depend on the upstream gradient."""

    values: dict[str, Any]
    gradients: set[str]
    outside: dict[str, Any] = field(default_factory=dict)  # the file's own globals
    program: tuple[str, ...] = ()  # expressions that the function writes somewhere: what is missing is often among them

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays and floats by the expression that names them: z, p["Wz"], masks[t]."""
        if self.known is None:
            self.known = self.find_arrays()
        return self.known

    def find_arrays(self) -> dict[str, np.ndarray]:
        named: dict[str, np.ndarray] = {}
        for name, value in self.values.items():
            if numeric(value):
                named[name] = np.asarray(value)
        seen = {id(v) for v in self.values.values()}
        for name, value in self.values.items():
            if isinstance(value, dict):  # an array that has a name of its own needs no second one
                entries = {k: v for k, v in value.items() if isinstance(k, str) and numeric(v) and id(v) not in seen}
                seen |= {id(v) for v in entries.values()}
                named |= {f"{name}[{k!r}]": np.asarray(v) for k, v in entries.items()}
            elif hasattr(value, "__dict__") and not isinstance(value, (type, ModuleType, FunctionType)):
                named |= {f"{name}.{k}": np.asarray(v) for k, v in vars(value).items() if numeric(v)}
        for text in self.program:
            if text not in named and numeric(value := self.value(parse(text))):
                named[text] = np.asarray(value)
        return named

    known: dict[str, np.ndarray] | None = None

    def integers(self) -> list[str]:
        return [n for n, v in self.values.items() if isinstance(v, (int, np.integer)) and not isinstance(v, bool)]

    def value(self, node: ast.expr) -> Any:
        """What an expression is worth here, or None."""
        try:
            return eval(compile(ast.fix_missing_locations(ast.Expression(copy.deepcopy(node))), "?", "eval"), dict(self.outside), self.values)
        except Exception:  # whatever a fragment of somebody's expression may raise
            return None

    def is_gradient(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.gradients for n in ast.walk(node))


def numeric(value: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fb"
    return isinstance(value, float)


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def put(node: Any, field: str, value: Any, position: int | None = None) -> Any:
    """A shallow copy of node with one field (or one element of a list) exchanged."""
    new = copy.copy(node)
    if position is not None:
        value = [*getattr(node, field)[:position], value, *getattr(node, field)[position + 1 :]]
    setattr(new, field, value)
    return new


def show(node: Any) -> str:
    if isinstance(node, Both):
        return show(node.first if isinstance(node.second, ast.Pass) else node.second)
    if isinstance(node, ast.If) and isinstance(node.test, ast.Constant):
        return "; ".join(map(show, node.body))
    if isinstance(node, ast.For):
        return f"for {show(node.target)} in {show(node.iter)}: {show(node.body[0])} ..."
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))


# Statements


def statement_changes(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """Simple changes to one statement: those that need nothing but what stands there."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, (ast.Name, ast.Subscript)):
            yield Change(("= for +=",), "the statement assigns where it should add", ast.AugAssign(target, ast.Add(), node.value))
        if isinstance(target, ast.Subscript):
            yield from target_changes(node, target, scope)
            yield add_at(target, node.value)
        if isinstance(target, ast.Tuple):
            for i, j in combinations(range(len(target.elts)), 2):
                elements = list(target.elts)
                elements[i], elements[j] = elements[j], elements[i]
                swapped = put(node, "targets", [put(target, "elts", elements)])
                text = f"{show(target.elts[i])} and {show(target.elts[j])} are taken in the wrong order"
                yield Change(swap_causes(show(target.elts[i]), show(target.elts[j]), scope), text, swapped)
    if isinstance(node, ast.AugAssign):
        if isinstance(node.op, (ast.Add, ast.Sub)):
            other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            yield Change(("sign",), "added with the wrong sign", put(node, "op", other))
            load = copy.copy(node.target)
            yield Change(("extra path", "= for +="), "the statement adds where it should assign", ast.Assign([load], node.value))
        if isinstance(node.target, ast.Subscript):
            yield from target_changes(node, node.target, scope)
            value = ast.UnaryOp(ast.USub(), node.value) if isinstance(node.op, ast.Sub) else node.value
            yield add_at(node.target, value)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
        yield Change(deletion_causes(node, scope), "this statement should not be there", ast.Pass())
    if isinstance(node, ast.Assign):
        yield from copies(node, scope)
    yield from twins(node)
    yield from both_axes(node, scope)
    field = {ast.For: "iter", ast.If: "test"}.get(type(node), "value")
    value = getattr(node, field, None)
    if value is not None and not isinstance(node, ast.While):
        for change in expression_changes(value, scope, "value"):
            yield change._replace(node=put(node, field, change.node))
        yield from renamed(node, field, value, scope)


def neighbours(block: list[ast.stmt], position: int) -> Iterator[Change]:
    """Changes that concern two statements: done in the other order, or repeated in every round of the next loop."""
    if position + 1 >= len(block):
        return
    this, after = block[position], block[position + 1]
    simple = (ast.Assign, ast.AugAssign, ast.Expr)
    if isinstance(this, simple) and isinstance(after, simple):
        # the first runs again behind the second, on what it had before: the order is what is tried
        order = ast.If(ast.Constant(True), [after, this], [])
        text = f"{show(after)} has to come before {show(this)}"
        yield Change(("stale value", "shifted by one step", "wrong order"), text, Both(order, ast.Pass()))
    for loop in block[position + 1 :]:
        if isinstance(loop, ast.For) and isinstance(this, ast.Assign):
            inside = put(loop, "body", [this, *loop.body])
            text = f"{show(this)} belongs inside the loop"
            yield Change(("extra path", "stale value", "detached branch"), text, Both(this, inside, block.index(loop)))


class Both(NamedTuple):
    """A replacement of two statements of a block."""

    first: ast.stmt
    second: ast.stmt
    position: int | None = None  # of the second; the one behind the first where not given


def copies(node: ast.Assign, scope: Scope) -> Iterator[Change]:
    """A copy where two names share one array, and what is done to the one happens to the other."""
    elements = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    for position, element in enumerate(elements):
        if isinstance(element, (ast.Name, ast.Subscript, ast.Attribute)) and numeric(scope.value(element)):
            copied = parse(f"np.array({show(element)})")
            value = put(node.value, "elts", copied, position) if isinstance(node.value, ast.Tuple) else copied
            text = f"{show(element)} is one array under two names: what changes the one changes the other"
            yield Change(("stale value", "extra path", "wrong variable"), text, put(node, "value", value))


def twins(node: ast.stmt) -> Iterator[Change]:
    """The statement, and once more for the other row of the pair, with the other sign or the same."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        index, call = node.target.slice, None
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and show(node.value.func).endswith(".at") and len(node.value.args) == 3:
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
                value = ast.UnaryOp(ast.USub(), call.args[2]) if sign else call.args[2]
                again: ast.stmt = ast.Expr(put(call, "args", [call.args[0], other, value]))
            else:
                assert isinstance(node, ast.AugAssign)
                value = ast.UnaryOp(ast.USub(), node.value) if sign else node.value
                again = put(put(node, "target", put(node.target, "slice", other)), "value", value)
            yield Change(("one twin lost", "path missing"), f"the other one of the pair gets nothing: {show(again)}", ast.If(ast.Constant(True), [node, again], []))


def both_axes(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """A stride or a padding left out in rows and columns at once."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(scope.values.get(n.id), (int, np.integer))}
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)):
        return
    for factor in scope.integers():
        causes = ("padding border", "wrong index") if "pad" in factor or factor == "p" else ("stride ignored", "wrong index")
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
                yield Change(causes, f"{i} and {j} are to be multiplied by {factor}", new)
        for kind in (strided, offset):
            slices = kind(factor)
            new = slices.visit(copy.deepcopy(node))
            if slices.changed > 1:
                text = f"steps of {factor} in rows and columns" if kind is strided else f"rows and columns start at {factor}"
                yield Change(causes, text, new)


class strided(ast.NodeTransformer):
    """a : a + n -> a : a + n s : s in every slice."""

    def __init__(self, factor: str) -> None:
        self.factor, self.changed = factor, 0

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        if node.step is None and node.lower is not None and isinstance(node.upper, ast.BinOp) and show(node.upper.left) == show(node.lower):
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
        yield change._replace(node=put(node, "targets", [new]) if isinstance(node, ast.Assign) else put(node, "target", new))
    if not isinstance(target.slice, (ast.Tuple, ast.Slice)):
        for named in scope.integers():
            new = put(target, "slice", ast.Tuple([target.slice, ast.Slice(None, parse(named), None)], ast.Load()))
            text = f"only {show(target)} up to {named} is meant"
            yield Change(("mask wrong", "wrong index", "padding border"), text, put(node, "targets", [new]) if isinstance(node, ast.Assign) else put(node, "target", new))


def add_at(target: ast.Subscript, value: ast.expr) -> Change:
    load = put(target.value, "ctx", ast.Load()) if isinstance(target.value, ast.Name) else target.value
    index = target.slice
    if isinstance(index, ast.Tuple):
        index = parse("0") if any(isinstance(e, ast.Slice) for e in index.elts) else index
    if isinstance(index, ast.Slice):
        index = parse("0")
    call = ast.Expr(ast.Call(parse("np.add.at"), [load, index, value], []))
    return Change(("= for +=",), "indices that occur more than once lose all but one of their contributions", call)


def deletion_causes(node: ast.stmt, scope: Scope) -> tuple[str, ...]:
    value = getattr(node, "value", None)
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Mult, ast.Div)):
        return ("constant factor",) if is_scalar(value, scope) else ("factor twice",)
    if isinstance(node, ast.AugAssign) and value is not None:
        return ("extra path",) if scope.is_gradient(value) else ("parameter term", "extra path")
    if isinstance(value, ast.Call) and show(value.func).endswith(("zeros_like", "zeros")):
        return ("detached branch", "path missing", "last step only", "stale value")
    if target is not None and isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)):
        for side in (value.left, value.right):
            if show(side) == show(target):
                other = value.right if side is value.left else value.left
                return ("constant factor",) if is_scalar(other, scope) else ("factor twice",)
    if target is not None and isinstance(value, ast.BinOp):
        return ("extra path", "parameter term")
    if target is not None and isinstance(value, ast.Call):
        return ("wrong operation", "extra path", "stale value")
    if isinstance(target, ast.Subscript):
        return ("padding border", "extra path", "detached branch")
    return ("extra path", "stale value", "factor twice")


def is_scalar(node: Any, scope: Scope) -> bool:
    value = scope.value(node) if isinstance(node, ast.expr) else None
    return value is not None and np.ndim(value) == 0


def renamed(node: Any, field: str, value: ast.expr, scope: Scope) -> Iterator[Change]:
    """Every occurrence of one name exchanged for another of the same shape, where there are several."""
    arrays = scope.arrays()
    names = [n.id for n in ast.walk(value) if isinstance(n, ast.Name)]
    for old in {n for n in names if names.count(n) > 1 and n in arrays}:
        for new, array in arrays.items():
            if new != old and array.shape == arrays[old].shape:
                text = f"{old} stands where {new} belongs"
                yield Change(swap_causes(old, new, scope), text, put(node, field, Rename(old, parse(new)).visit(copy.deepcopy(value))))


class Rename(ast.NodeTransformer):
    def __init__(self, old: str, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.new) if node.id == self.old and isinstance(node.ctx, ast.Load) else node


# Expressions


def expression_changes(node: Any, scope: Scope, where: str) -> Iterator[Change]:
    """Changes to an expression or to any part of it. where: value, index (in square brackets) or axis."""
    yield from own_changes(node, scope, where)
    for field, value in ast.iter_fields(node):
        inside = index_kind(node, scope) if isinstance(node, ast.Subscript) and field == "slice" else where
        if isinstance(node, ast.Call) and field == "args" and show(node.func).rpartition(".")[2] in ("swapaxes", "transpose", "moveaxis"):
            inside = "order"
        if isinstance(value, ast.expr) and not (field == "func" and isinstance(value, ast.Name)):
            for change in expression_changes(value, scope, inside):
                yield change._replace(node=put(node, field, change.node))
        elif isinstance(value, list):
            for position, element in enumerate(value):
                if isinstance(element, ast.expr):
                    for change in expression_changes(element, scope, inside):
                        yield change._replace(node=put(node, field, change.node, position))
                elif isinstance(element, ast.keyword):
                    for change in expression_changes(element.value, scope, element.arg if element.arg in ("axis", "keepdims") else where):
                        yield change._replace(node=put(node, field, put(element, "value", change.node), position))


def index_kind(node: ast.Subscript, scope: Scope) -> str:
    """What stands in the square brackets: shape, pair (a column of index pairs) or index."""
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        return "shape"
    value = scope.value(node.value)
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == 2 and value.dtype.kind in "iu":
        return "pair"
    return "index"


def own_changes(node: Any, scope: Scope, where: str) -> Iterator[Change]:
    """Changes to this very node."""
    kinds: dict[type, Any] = {
        ast.BinOp: binary, ast.UnaryOp: unary, ast.Constant: constant, ast.Name: name, ast.Subscript: subscript,
        ast.Call: call, ast.Compare: comparison, ast.Attribute: attribute, ast.Slice: cut, ast.Tuple: listing,
    }  # fmt: skip
    if type(node) in kinds:
        yield from kinds[type(node)](node, scope, where)
    if where == "value" and isinstance(node, (ast.BinOp, ast.Name, ast.Call, ast.Subscript)):
        value = scope.value(node)
        if numeric(value):
            yield Change(("sign",), f"the sign of {show(node)}", ast.UnaryOp(ast.USub(), node))
            yield from turned(node, np.asarray(value), scope)
            if not isinstance(node, ast.BinOp):
                yield from wrapped(node, np.asarray(value), scope)


def wrapped(node: Any, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """A function, a power, a complement or a slice around an expression."""
    said = show(node)
    if value.dtype.kind == "b":
        yield Change(("mask wrong",), f"{said} the other way round", ast.UnaryOp(ast.Invert(), node))
        return
    if value.ndim and not scope.is_gradient(node):
        yield Change(complement_causes(node, scope), f"{said} stands where 1 - {said} belongs", parse(f"(1 - {said})"))
    for function in ("np.tanh", "np.exp", "np.log", "np.sqrt"):
        causes = ("pre-activation", "wrong activation") if function == "np.tanh" else ("activation left out", "wrong operation", "pre-activation")
        yield Change(causes, f"{function}({said}) belongs where {said} stands", parse(f"{function}({said})"))
    sigmoid = parse(f"(1 / (1 + np.exp(-({said}))))")
    yield Change(("pre-activation", "wrong activation"), f"the sigmoid of {said} belongs where {said} stands", sigmoid)
    yield Change(("wrong operation", "wrong activation", "constant factor"), f"{said} should be squared", parse(f"({said}) ** 2"))
    for cut_ in ("1:", ":-1", ":, 1:", ":, :-1")[: 2 * min(value.ndim, 2)]:
        yield Change(("wrong index", "extra path", "shifted by one step"), f"{said}[{cut_}] belongs where {said} stands", parse(f"({said})[{cut_}]"))
    if value.ndim and isinstance(node, ast.Subscript) and not isinstance(node.slice, (ast.Slice, ast.Tuple)):
        for named in scope.integers():
            yield Change(("mask wrong", "wrong index", "padding border"), f"only up to {named}", ast.Subscript(node.value, ast.Tuple([node.slice, ast.Slice(None, parse(named), None)], ast.Load()), ast.Load()))


def turned(node: Any, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """Transposed, or flipped along its first axes or along time."""
    if value.ndim == 2:
        square = value.shape[0] == value.shape[1]
        causes = ("untransposed square matrix", "transposed") if square else ("transposed", "untransposed square matrix")
        bare = node.value if isinstance(node, ast.Attribute) and node.attr == "T" else None
        yield Change(causes, f"{show(node)} transposed", bare or ast.Attribute(node, "T", ast.Load()))
    if value.ndim == 4 and not isinstance(node, ast.BinOp):
        yield Change(("flipped kernel",), f"{show(node)} flipped up-down and left-right", ast.Subscript(node, parse("x[::-1, ::-1]").slice, ast.Load()))  # type: ignore[attr-defined]
        for axes in ((0, 1, 3, 2), (1, 0, 2, 3)):
            yield Change(("transposed",), f"{show(node)} with its axes changed round", ast.Call(ast.Attribute(node, "transpose", ast.Load()), [parse(str(a)) for a in axes], []))
    if value.ndim == 3 and not isinstance(node, ast.BinOp):
        yield Change(("wrong order", "shifted by one step"), f"{show(node)} in the other order of time", ast.Subscript(node, parse("x[:, ::-1]").slice, ast.Load()))  # type: ignore[attr-defined]


def binary(node: ast.BinOp, scope: Scope, where: str) -> Iterator[Change]:
    left, right, op = node.left, node.right, node.op
    shifted = ("shifted by one step", "wrong index") if where == "index" else None
    if isinstance(op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
        yield Change(shifted or ("sign",), f"{'-' if isinstance(op, ast.Add) else '+'} where {show(node)} has the other sign", put(node, "op", other))
        if isinstance(op, ast.Sub):
            yield Change(shifted or ("sign",), f"{show(node)} the other way round", ast.BinOp(right, op, left))
        if isinstance(op, ast.Sub) and show(left) in ("1", "1.0"):
            yield Change(complement_causes(right, scope), f"{show(node)} stands where {show(right)} belongs", right)
        for kept, dropped in ((left, right), (right, left)):
            yield Change(shifted or extra_causes(dropped, scope), f"the term {show(dropped)} does not belong", kept)
        if isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Mult, ast.Div, ast.MatMult)):
            grouped = ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
            yield Change(("wrong operation", "activation left out"), f"{show(node)} without the brackets of {show(grouped)}", grouped)
    if isinstance(op, (ast.Mult, ast.Div, ast.MatMult)) and isinstance(right, ast.BinOp) and isinstance(right.op, (ast.Add, ast.Sub)):
        loose = ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right)
        yield Change(("wrong operation",), f"the brackets in {show(node)}", loose)
    if isinstance(op, (ast.Mult, ast.Div)):
        for kept, dropped in ((left, right), (right, left)):
            if isinstance(op, ast.Mult) or kept is left:
                yield Change(dropped_causes(dropped, scope), f"the factor {show(dropped)} does not belong", kept)
        other_op = ast.Div() if isinstance(op, ast.Mult) else ast.Mult()
        causes = ("constant factor", "wrong operation") if is_scalar(right, scope) else ("wrong operation",)
        yield Change(causes, f"{show(node)} with the other of product and quotient", put(node, "op", other_op))
        if isinstance(op, ast.Mult):
            yield Change(("wrong operation", "transposed"), f"a matrix product for {show(node)}", put(node, "op", ast.MatMult()))
    if isinstance(op, ast.MatMult):
        yield from products(node, scope)
    if isinstance(op, ast.Pow):
        yield Change(("wrong operation", "constant factor"), f"the power in {show(node)}", left)
        yield Change(("wrong operation",), f"the power in {show(node)}", ast.BinOp(left, ast.Mult(), node))
    if isinstance(op, ast.FloorDiv):
        yield Change(("wrong index",), f"{show(node)} with % for //", put(node, "op", ast.Mod()))
    if isinstance(op, ast.Mod):
        yield Change(("wrong index",), f"{show(node)} with // for %", put(node, "op", ast.FloorDiv()))


def complement_causes(node: ast.expr, scope: Scope) -> tuple[str, ...]:
    """1 - y for y, or the other way round: a mask or a gate from the wrong side."""
    value = scope.value(node)
    if value is not None and np.isin(np.asarray(value, float), (0.0, 1.0)).all():
        return ("mask wrong", "wrong variable")
    return ("gates swapped", "wrong variable", "wrong operation")


def products(node: ast.BinOp, scope: Scope) -> Iterator[Change]:
    """A matrix product with its factors in the other order, transposed or not."""
    left, right = node.left, node.right
    square = {np.shape(scope.value(side))[-1:] == np.shape(scope.value(side))[-2:-1] for side in (left, right)}
    causes = ("untransposed square matrix", "transposed") if True in square else ("transposed", "untransposed square matrix")
    for a, b in ((left, right), (right, left)):
        for one, two in ((a, b), (turn(a), b), (a, turn(b)), (turn(a), turn(b))):
            if (one, two) != (left, right):
                new = ast.BinOp(one, ast.MatMult(), two)
                yield Change(causes, f"{show(node)} in place of {show(new)}", new)
    yield Change(("wrong operation",), f"an element by element product for {show(node)}", put(node, "op", ast.Mult()))
    yield Change(("factor twice", "extra path"), f"the product with {show(right)} does not belong", left)


def turn(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Attribute) and node.attr == "T" else ast.Attribute(node, "T", ast.Load())


def extra_causes(dropped: ast.expr, scope: Scope) -> tuple[str, ...]:
    if scope.gradients and not scope.is_gradient(dropped):
        return ("parameter term", "extra path")
    return ("extra path",)


def dropped_causes(dropped: ast.expr, scope: Scope) -> tuple[str, ...]:
    if is_scalar(dropped, scope):
        return ("constant factor", "factor twice")
    return ("factor twice", "wrong activation") if is_slope(dropped) else ("factor twice", "extra path")


def is_slope(node: ast.expr) -> bool:
    """Whether an expression looks like an activation's derivative: 1 - y * y, y * (1 - y), y > 0."""
    text = show(node).replace(" ", "")
    return "1-" in text or "1.0-" in text or ">0" in text


def unary(node: ast.UnaryOp, scope: Scope, where: str) -> Iterator[Change]:
    if isinstance(node.op, ast.USub):
        yield Change(("sign",), f"the minus of {show(node)}", node.operand)
    if isinstance(node.op, (ast.Invert, ast.Not)):
        yield Change(("mask wrong",), f"{show(node)} the other way round", node.operand)


def constant(node: ast.Constant, scope: Scope, where: str) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield Change(("wrong index",), f"{not value} for {value}", ast.Constant(not value))
    elif isinstance(value, str):
        for holder in scope.values.values():
            if isinstance(holder, dict) and value in holder:
                for key in holder:
                    if isinstance(key, str) and key != value:
                        yield Change(swap_causes(value, key, scope), f'"{value}" stands where "{key}" belongs', ast.Constant(key))
    elif isinstance(value, (int, float)):
        causes = {
            "index": ("shifted by one step", "wrong index"), "axis": ("bias axes", "wrong index"), "shape": ("constant factor", "wrong index"),
            "pair": ("one twin lost", "wrong index"), "order": ("transposed", "wrong index"),
        }.get(where, ("detached branch", "path missing", "constant factor") if value == 0 else ("constant factor", "wrong index"))  # fmt: skip
        others = dict.fromkeys([value + 1, value - 1, 2 * value, value / 2 if where == "value" else value, 0, 1, 2, -value, -1])
        for other in others:
            if other != value or type(other) is not type(value):
                yield Change(causes, f"{other:g} for {value:g}", ast.Constant(other))
        if isinstance(value, int):
            for named in scope.integers():
                known = "stride" in named or "dilation" in named
                first = ("stride ignored",) if known else ("padding border",) if "pad" in named else ("wrong index",) if where == "index" else ()
                yield Change((*first, *causes), f"{named} for {value}", ast.Name(named, ast.Load()))


def name(node: ast.Name, scope: Scope, where: str) -> Iterator[Change]:
    arrays = scope.arrays()
    value = scope.values.get(node.id)
    if not isinstance(node.ctx, ast.Load):
        return
    if node.id in arrays:
        for other, array in arrays.items():
            if other != node.id and array.shape == arrays[node.id].shape:
                yield Change(swap_causes(node.id, other, scope), f"{node.id} stands where {other} belongs", parse(other))
        if arrays[node.id].dtype.kind == "b":
            yield Change(("mask wrong",), f"{node.id} the other way round", ast.UnaryOp(ast.Invert(), node))
    elif isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu"):
        for other in scope.integers():
            if other != node.id:
                text = f"{node.id} is to be multiplied by {other}"
                yield Change(("stride ignored", "wrong index"), text, ast.BinOp(node, ast.Mult(), ast.Name(other, ast.Load())))
        for other, held in scope.values.items():
            if isinstance(value, np.ndarray) and isinstance(held, np.ndarray) and held.dtype.kind in "iu" and held.shape == value.shape and other != node.id:
                yield Change(("wrong index", "wrong variable"), f"{node.id} stands where {other} belongs", ast.Name(other, ast.Load()))
        if isinstance(value, np.ndarray):
            return
        causes = ("shifted by one step", "wrong index")
        for op in (ast.Sub(), ast.Add()):
            sign = "-" if isinstance(op, ast.Sub) else "+"
            yield Change(causes, f"{node.id} {sign} 1 in place of {node.id}", ast.BinOp(node, op, ast.Constant(1)))
        for other in scope.integers():
            if other != node.id:
                first = ("stride ignored",) if "stride" in (other, node.id) else ()
                yield Change((*first, "wrong index", "constant factor"), f"{other} for {node.id}", ast.Name(other, ast.Load()))
    else:
        for other, held in scope.values.items():
            if other != node.id and type(held) is type(value) and value is not None:
                yield Change(swap_causes(node.id, other, scope), f"{node.id} stands where {other} belongs", ast.Name(other, ast.Load()))


def subscript(node: ast.Subscript, scope: Scope, where: str) -> Iterator[Change]:
    if isinstance(node.slice, ast.Slice) or (isinstance(node.slice, ast.Tuple) and any(isinstance(e, ast.Slice) for e in node.slice.elts)):
        reversing = "-1" in show(node.slice)
        value = np.ndim(scope.value(node.value))
        causes = ("flipped kernel", "transposed") if value == 4 else ("wrong order", "shifted by one step", "wrong index")
        yield Change(causes if reversing else ("wrong index", "padding border"), f"{show(node)} in place of {show(node.value)}", node.value)
    if isinstance(node.slice, (ast.Constant, ast.UnaryOp)) and isinstance(node.value, (ast.Call, ast.Name)):
        yield Change(("wrong index", "bias axes"), f"{show(node)} in place of {show(node.value)}", node.value)
        if isinstance(node.value, ast.Call):
            yield from call(node.value, scope, where)
    text = show(node)
    arrays = scope.arrays()
    if text in arrays:
        for other, array in arrays.items():
            if other != text and array.shape == arrays[text].shape:
                yield Change(swap_causes(text, other, scope), f"{text} stands where {other} belongs", parse(other))


def cut(node: ast.Slice, scope: Scope, where: str) -> Iterator[Change]:
    """Bounds and steps of a slice."""
    ends = [None, *(parse(t) for t in ("1", "-1")), *(parse(n) for n in scope.integers())]
    if node.step is None:
        for lower in ends:
            for upper in ends:
                new = ast.Slice(lower, upper, None)
                if show(new) != show(node):
                    small = all(e is None or show(e) in ("1", "-1") for e in (lower, upper))
                    causes = ("shifted by one step", "wrong index") if small else ("wrong index", "padding border", "shifted by one step")
                    yield Change(causes, f"[{show(new)}] belongs where [{show(node)}] stands", new)
    if node.step is None:
        yield Change(("wrong order", "flipped kernel"), "the other way round", put(node, "step", ast.Constant(-1)))
        for named in scope.integers():
            yield Change(("stride ignored", "wrong index"), f"steps of {named}", put(node, "step", ast.Name(named, ast.Load())))
    else:
        yield Change(("stride ignored", "wrong index", "wrong order"), "the step of the slice", put(node, "step", None))


def call(node: ast.Call, scope: Scope, where: str) -> Iterator[Change]:
    function = show(node.func)
    method = function.rpartition(".")[2]
    if method in ("sum", "mean", "max", "min", "prod") and isinstance(node.func, ast.Attribute):
        for other in ("sum", "mean"):
            if other != method:
                causes = ("constant factor",) if method in ("sum", "mean") else ("wrong operation", "bias axes")
                yield Change(causes, f"{other} for {method}", put(node, "func", put(node.func, "attr", other)))
        yield from axes(node, scope)
    if method in ("maximum", "minimum", "max", "min", "argmax", "argmin") and isinstance(node.func, ast.Attribute):
        other = method.replace("max", "min") if "max" in method else method.replace("min", "max")
        yield Change(("mask wrong", "wrong operation"), f"{other} for {method}", put(node, "func", put(node.func, "attr", other)))
    if method in ("zeros_like", "zeros") and node.args:
        yield Change(("detached branch", "path missing", "last step only"), f"{show(node.args[0])} was replaced by zeros", node.args[0])
    if method == "reversed" and len(node.args) == 1:
        yield Change(("wrong order",), "the loop runs in the wrong order", node.args[0])
    if method == "range":
        yield Change(("wrong order",), "the loop runs in the wrong order", ast.Call(parse("reversed"), [node], []))
        yield from ranges(node)
    if method == "where" and len(node.args) == 3:
        test, yes, no = node.args
        yield Change(("mask wrong",), "the two sides of np.where", put(node, "args", [test, no, yes]))
        for kept in (yes, no):
            yield Change(("mask wrong", "factor twice"), f"np.where in place of {show(kept)}", kept)
    if method in ("ones_like", "ones", "copy", "abs", "sqrt", "square", "sign") and node.args:
        yield Change(("wrong operation",), f"{function} does not belong", node.args[0])
    for i, j in combinations(range(len(node.args)), 2):
        arguments = list(node.args)
        arguments[i], arguments[j] = arguments[j], arguments[i]
        text = f"the arguments {show(node.args[i])} and {show(node.args[j])} of {function} changed round"
        yield Change(swap_causes(show(node.args[i]), show(node.args[j]), scope), text, put(node, "args", arguments))
    if where == "value" and method not in ("range", "reversed", "len"):
        for argument in [a for a in node.args[:2] if not isinstance(a, ast.Starred)]:
            yield Change(unwrapped_causes(method), f"{function} does not belong around {show(argument)}", argument)
        if isinstance(node.func, ast.Attribute) and show(node.func.value) != "np":
            yield Change(unwrapped_causes(method), f".{method}() does not belong", node.func.value)
    if method == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
        yield from einsums(node)
    for n, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            causes = ("stride ignored",) if keyword.arg in ("stride", "dilation") else ("padding border",) if keyword.arg == "padding" else ("wrong index",)
            for named in scope.integers():
                yield Change(causes, f"{keyword.arg}={named}", put(node, "keywords", put(keyword, "value", ast.Name(named, ast.Load())), n))
    functions = [n for n, v in scope.values.items() if callable(v)] if isinstance(node.func, ast.Name) else []
    for other in functions:
        if other != function:
            yield Change(("wrong activation", "wrong operation"), f"{other} for {function}", put(node, "func", ast.Name(other, ast.Load())))


def unwrapped_causes(method: str) -> tuple[str, ...]:
    """What a call that should not be there is called."""
    if method in ("transpose", "swapaxes", "moveaxis", "rollaxis"):
        return ("transposed", "wrong order")
    if method in ("roll", "cumsum", "flip", "flipud", "fliplr"):
        return ("shifted by one step", "wrong order", "flipped kernel")
    if method == "pad":
        return ("padding border", "wrong operation")
    if method in ("tanh", "sigmoid", "exp", "log"):
        return ("wrong activation", "pre-activation", "factor twice")
    return ("wrong operation", "factor twice", "wrong activation")


def einsums(node: ast.Call) -> Iterator[Change]:
    """Other letters on the right of the arrow, and two letters of one operand changed round."""
    inputs, arrow, output = node.args[0].value.partition("->")  # type: ignore[attr-defined]
    if not arrow:
        return
    found = [(output[:i] + output[i + 1 :], ("bias axes", "wrong index")) for i in range(len(output))]
    found += [(output[:i] + output[i + 1] + output[i] + output[i + 2 :], ("transposed", "bias axes")) for i in range(len(output) - 1)]
    texts = [(f"{inputs}->{new}", causes) for new, causes in found]
    for i, j in combinations([k for k, letter in enumerate(inputs) if letter.isalpha()], 2):
        swapped = list(inputs)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        texts.append((f"{''.join(swapped)}->{output}", ("transposed", "untransposed square matrix")))
    for text, causes in texts:
        yield Change(causes, f'"{text}" in place of "{inputs}->{output}"', put(node, "args", ast.Constant(text), 0))


def axes(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """A sum over other axes."""
    assert isinstance(node.func, ast.Attribute)
    summed = node.args[0] if show(node.func.value) == "np" and node.args else node.func.value
    ndim = np.ndim(scope.value(summed))
    keep = [k for k in node.keywords if k.arg != "axis"]
    arguments = node.args[:1] if summed is not node.func.value else []
    for count in range(1, ndim + 1):
        for chosen in combinations(range(ndim), count):
            axis = parse(str(chosen[0] if count == 1 else chosen))
            new = ast.Call(node.func, arguments, [*keep, ast.keyword("axis", axis)])
            yield Change(("bias axes", "wrong index"), f"summed over axis {show(axis)}", new)
    whole = summed.value if isinstance(summed, ast.Subscript) else None
    if whole is not None and summed is node.func.value:  # a[-1].sum(axis=0) for a.sum(axis=(0, 1))
        yield from axes(put(node, "func", put(node.func, "value", whole)), scope)


def ranges(node: ast.Call) -> Iterator[Change]:
    causes = ("shifted by one step", "last step only", "wrong index")
    if len(node.args) == 1:
        end = node.args[0]
        yield Change(causes, f"range from 1: the loop starts one step late or early in {show(node)}", ast.Call(node.func, [ast.Constant(1), end], []))
        for op in (ast.Sub(), ast.Add()):
            yield Change(causes, f"the end of {show(node)}", ast.Call(node.func, [ast.BinOp(end, op, ast.Constant(1))], []))
    if len(node.args) == 2:
        yield Change(causes, f"the start of {show(node)}", ast.Call(node.func, [node.args[1]], []))
    if len(node.args) >= 2:
        for position in range(min(2, len(node.args))):
            for op in (ast.Sub(), ast.Add()):
                moved = ast.BinOp(node.args[position], op, ast.Constant(1))
                yield Change(causes, f"the bounds of {show(node)}", put(node, "args", moved, position))


def comparison(node: ast.Compare, scope: Scope, where: str) -> Iterator[Change]:
    for op in (ast.Gt(), ast.GtE(), ast.Lt(), ast.LtE(), ast.Eq(), ast.NotEq()):
        if len(node.ops) == 1 and type(op) is not type(node.ops[0]):
            new = put(node, "ops", [op])
            yield Change(("mask wrong",), f"{show(node)} in place of {show(new)}", new)


def attribute(node: ast.Attribute, scope: Scope, where: str) -> Iterator[Change]:
    if node.attr == "T":
        value = np.shape(scope.value(node.value))
        square = len(value) == 2 and value[0] == value[1]
        yield Change(("untransposed square matrix", "transposed") if square else ("transposed",), f"the transpose in {show(node)}", node.value)


def listing(node: ast.Tuple, scope: Scope, where: str) -> Iterator[Change]:
    """Two elements of a tuple changed round; in an index, rows one by one in place of all of them."""
    if where == "index":
        held = [scope.value(e) if not isinstance(e, ast.Slice) else None for e in node.elts]
        lengths = [f"np.arange(len({show(e)}))" for e, v in zip(node.elts, held) if isinstance(v, np.ndarray) and v.ndim == 1]
        integer = [n for n, v in scope.values.items() if isinstance(v, np.ndarray) and v.ndim == 1 and v.dtype.kind in "iu"]
        for position in range(len(node.elts)):
            for text in (*lengths[:1], *integer):
                if text != show(node.elts[position]):
                    new = put(node, "elts", parse(text), position)
                    yield Change(("wrong index", "mask wrong"), f"[{text}] belongs where [{show(node.elts[position])}] stands", new)
    for i, j in combinations(range(len(node.elts)), 2):
        elements = list(node.elts)
        elements[i], elements[j] = elements[j], elements[i]
        text = f"{show(node.elts[i])} and {show(node.elts[j])} changed round"
        causes = ("wrong index", "transposed") if where != "value" else swap_causes(show(node.elts[i]), show(node.elts[j]), scope)
        yield Change(causes, text, put(node, "elts", elements))


# What a name in the place of another is called


def swap_causes(old: str, new: str, scope: Scope) -> tuple[str, ...]:
    arrays = scope.arrays()
    if old in arrays and new in arrays and arrays[old].shape == arrays[new].shape and arrays[old].dtype.kind == "f":
        if activation_of(arrays[new], arrays[old]):
            return ("pre-activation", "wrong variable")
        if activation_of(arrays[old], arrays[new]):
            return ("pre-activation", "wrong variable", "wrong activation")
    if any(word in name for name in (old, new) for word in ("mask", "valid", "winner", "same", "keep", "kept")):
        return ("mask wrong", "wrong variable")
    bare_old, bare_new = bare(old), bare(new)
    if bare_old != bare_new and gate(bare_old) and gate(bare_new):
        return ("gates swapped", "wrong variable")
    if {bare_old, bare_new} <= {"h", "h_prev", "hprev", "h_t", "prev", "h0", "h_next", "h_old"} or bare_old.replace("_prev", "") == bare_new.replace("_prev", ""):
        return ("shifted by one step", "wrong variable", "stale value")
    return ("wrong variable", "stale value", "gates swapped")


def activation_of(y: np.ndarray, x: np.ndarray) -> bool:
    """Whether y is tanh, sigmoid or ReLU of x."""
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        return any(np.allclose(y, f, rtol=1e-9, atol=1e-12) for f in (np.tanh(x), 1 / (1 + np.exp(-x)), np.maximum(x, 0))) and not np.array_equal(x, y)


def bare(text: str) -> str:
    """daz, p["Wz"], grads["Wz"], z_prev_t -> az, Wz, Wz, z_prev."""
    if "[" in text:
        text = text.partition("[")[2].strip("]'\"")
    for prefix in ("grad_", "d_", "d"):
        if text.startswith(prefix) and len(text) > len(prefix):
            return text[len(prefix) :]
    return text


def gate(text: str) -> bool:
    """z, az, Wz, Uz, bz: something of one gate."""
    return text in GATES or (len(text) == 2 and text[0] in "aWUbsv" and text[1] in GATES)


# Insertions: they need a pool of things to insert


def insertions(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """Factors and terms that may have been left out of a statement's right-hand side, or exchanged for others."""
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)) or node.value is None:
        return
    scope = with_steps(node, with_target_index(node, scope))
    for path, place, deep in places(node.value, scope):
        value = np.asarray(scope.value(place))
        for change in (*missing_terms(place, value, scope), *factors(place, value, scope)):
            yield change._replace(node=put(node, "value", path(change.node)), deep=deep)
    unused = [g for g in scope.gradients if numeric(scope.values.get(g))]
    for path, place, _ in places(node.value, scope, whole=True):
        for g in unused:
            if fits(np.shape(scope.values[g]), np.shape(scope.value(place))) and show(place) != g:
                for op in (ast.Add(), ast.Sub()):
                    new = put(node, "value", path(ast.BinOp(place, op, parse(g))))
                    yield Change(("path missing", "detached branch"), f"the term {g} is missing", new, True)


def with_target_index(node: Any, scope: Scope) -> Scope:
    """For `a[i] = ...`, every other array at i as well."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    if not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Constant):
        return scope
    index = show(ast.Subscript(ast.Name("_", ast.Load()), target.slice, ast.Load()))[2:-1]
    names = [n for n, v in scope.values.items() if isinstance(v, (list, tuple)) or (isinstance(v, np.ndarray) and v.ndim)]
    return Scope(scope.values, scope.gradients, scope.outside, (*scope.program, *(f"{n}[{index}]" for n in names)))


def with_steps(node: ast.stmt, scope: Scope) -> Scope:
    """Every array and list at the statement's own time steps, and at the steps beside them: h[:, t - 1], states[t + 1]."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    steps = [n for n in scope.integers() if n in used]
    texts = []
    for n, v in scope.values.items():
        listed = isinstance(v, (list, tuple)) and v and isinstance(v[0], np.ndarray)
        if listed or (isinstance(v, np.ndarray) and v.ndim > 1 and v.dtype.kind == "f"):
            forms = ("{}[{}]", "{}[:, {}]") if not listed else ("{}[{}]",)
            texts += [form.format(n, step + by) for step in steps for form in forms for by in ("", " - 1", " + 1")]
    return Scope(scope.values, scope.gradients, scope.outside, (*scope.program, *texts))


def places(node: Any, scope: Scope, deep: bool = False, inner: bool = False, whole: bool = False) -> Iterator[tuple[Any, ast.expr, bool]]:
    """Sub-expressions where something may be multiplied or added, how to put them back, and whether they are inside.

    Not the factors of a product one by one: it does not matter which of them is multiplied.
    """
    product_ = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div))
    if not inner and not isinstance(node, (ast.Tuple, ast.Dict, ast.Constant)) and numeric(scope.value(node)):
        yield (lambda new: new), node, deep
        deep = True
    for field, value in ast.iter_fields(node):
        if field == "slice" or (field == "func" and not isinstance(value, ast.Attribute)):
            continue
        children = [(None, value)] if isinstance(value, ast.expr) else list(enumerate(value)) if isinstance(value, list) else []
        for position, child in children:
            if isinstance(child, ast.expr):
                bare = not whole and product_ and not (isinstance(child, ast.BinOp) and isinstance(child.op, (ast.Add, ast.Sub)))
                for path, place, below in places(child, scope, deep, bare, whole):
                    yield (lambda new, path=path, position=position, field=field: put(node, field, path(new), position)), place, below


def pool(value: np.ndarray, scope: Scope) -> Iterator[tuple[tuple[str, ...], str]]:
    """Factors that a value may lack: slopes of activations, gates, masks, weights, sizes."""
    for text, array in scope.arrays().items():
        if array.ndim == 0:
            yield ("factor missing", "constant factor"), text
            yield ("factor missing", "constant factor"), f"(1 / {text})"
        for spread in (text, f"{text}[:, None]"):
            if spread != text and not (array.ndim == 1 and value.ndim == 2 and array.shape[0] == value.shape[0]):
                continue
            if spread == text and not fits(array.shape, value.shape):
                continue
            mask = any(w in text.partition("[")[0] for w in ("mask", "valid", "same", "keep", "kept", "drop")) or array.dtype.kind == "b"
            yield (("mask wrong", "factor missing") if mask else ("factor missing", "activation left out")), spread
            if not mask and array.dtype.kind == "f":
                yield ("factor missing",), f"(1 / np.where({spread} == 0, 1, {spread}))"
            if not mask or array.dtype.kind == "b":
                yield ("mask wrong", "factor missing") if array.dtype.kind == "b" else ("factor missing", "wrong activation"), f"(1 - {spread})"
            if array.dtype.kind == "f":
                yield ("activation left out", "factor missing"), f"(1 - {spread} * {spread})"
                yield ("activation left out", "factor missing"), f"({spread} * (1 - {spread}))"
                yield ("activation left out", "mask wrong"), f"({spread} > 0)"
    sizes: dict[int, list[str]] = {}
    for text, array in scope.arrays().items():
        for axis, size in enumerate(array.shape):
            sizes.setdefault(size, []).append(f"{text}.shape[{axis}]")
    for texts in sizes.values():
        for text in texts[:3]:
            yield ("constant factor",), text
            yield ("constant factor",), f"(1 / {text})"
    for text in scope.integers():
        yield ("constant factor",), text
        yield ("constant factor",), f"(1 / max({text}, 1))"
    for text in ("2", "0.5"):
        yield ("constant factor",), text


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of one shape broadcasts into the other."""
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def factors(place: ast.expr, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """place times something, with none, one or two of its own factors taken out."""
    own = factors_of(place)
    unique: dict[str, tuple[str, ...]] = {}
    for causes, text in pool(value, scope):
        unique.setdefault(text, causes)
    for text, causes in unique.items():
        yield Change(causes, f"the factor {text} is missing", ast.BinOp(place, ast.Mult(), parse(text)))
    if len(own) < 2:
        return
    for taken in (*combinations(range(len(own)), 1), *combinations(range(len(own)), 2)):
        gone = [own[n] for n in taken]
        if len(own) == len(gone):
            continue
        kept = product([f for n, f in enumerate(own) if n not in taken])
        said = " * ".join(show(g) for g in gone)
        if len(gone) == 2:
            yield Change(dropped_causes(product(gone), scope), f"the factor {said} does not belong", kept)
        for text, causes in unique.items():
            yield Change(exchanged(gone, text, causes, scope), f"the factor {said} stands where {text} belongs", ast.BinOp(kept, ast.Mult(), parse(text)))


def exchanged(gone: list[ast.expr], text: str, causes: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """What it is called when one factor stands for another."""
    said = product(gone)
    old, new = scope.value(said), scope.value(parse(text))
    names_old, names_new = ({n.id for n in ast.walk(e) if isinstance(n, ast.Name)} for e in (said, parse(text)))
    if is_scalar(said, scope) and np.ndim(new) == 0:
        return ("constant factor",)
    if "activation left out" in causes[:1] or is_slope(said):
        for o in names_old:
            for n in names_new:
                if o != n and "pre-activation" in swap_causes(o, n, scope):
                    return ("pre-activation", "wrong activation")
        return ("wrong activation", "activation left out", "pre-activation")
    if len(names_old) == len(names_new) == 1 and names_old != names_new:
        return swap_causes(*names_old, *names_new, scope)
    del old
    return ("wrong variable", "gates swapped", "wrong activation")


def factors_of(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors_of(node.left), *factors_of(node.right)]
    return [node]


def product(nodes: list[ast.expr]) -> ast.expr:
    result = nodes[0]
    for node in nodes[1:]:
        result = ast.BinOp(result, ast.Mult(), node)
    return result


def missing_terms(place: ast.expr, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """place plus a term made of a gradient: by itself, times something, or through a matrix."""
    arrays = scope.arrays()
    gradients = {n: a for n, a in arrays.items() if bare_name(n) in scope.gradients}
    terms: list[str] = []
    for g, array in gradients.items():
        if array.shape != value.shape and fits(array.shape, value.shape):
            terms += [g, *(f"{g} / {n}" for n in scope.integers())]
        if array.shape == value.shape:
            terms += [g, *(f"{g} / {n}" for n in scope.integers())]
            for other, held in arrays.items():
                if other != g and fits(held.shape, value.shape) and bare_name(other) not in scope.gradients:
                    terms += [f"{g} * {other}", f"{g} * (1 - {other})"]
        for m, matrix in arrays.items():
            if matrix.ndim == 2 and array.ndim == 2 and m not in gradients:
                if array.shape[1] == matrix.shape[1] and (array.shape[0], matrix.shape[0]) == value.shape:
                    terms.append(f"{g} @ {m}.T")
                if array.shape[1] == matrix.shape[0] and (array.shape[0], matrix.shape[1]) == value.shape and matrix.shape[0] != matrix.shape[1]:
                    terms.append(f"{g} @ {m}")
                if array.shape[0] == matrix.shape[0] and (matrix.shape[1], array.shape[1]) == value.shape:
                    terms.append(f"{m}.T @ {g}")
    for text in terms:
        if text != show(place):
            for op in (ast.Add(), ast.Sub()):
                yield Change(("path missing", "detached branch"), f"the term {text} is missing", ast.BinOp(place, op, parse(text)))


def bare_name(text: str) -> str:
    return text.partition("[")[0]

"""Changes to expressions: another sign, operator, name, index, axis, transpose; a function or slice added or removed.

Every text says what is wrong: `OLD stands where NEW belongs`. OLD is in the program, NEW would make it right.
"""

import ast
import copy
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from minireid.gradcheck.naming import (
    complement_causes,
    dropped_causes,
    extra_causes,
    in_mask,
    index_kind,
    is_scalar,
    swap_causes,
    unwrapped_causes,
)
from minireid.gradcheck.scope import Change, Rename, Scope, dimensions, numeric, parse, put, show


def expression_changes(node: Any, scope: Scope, where: str) -> Iterator[Change]:
    """Changes to an expression or to any part of it.

    where: what the expression is: value, index (in square brackets), shape, pair, order, axis or keepdims.
    """
    yield from own_changes(node, scope, where)
    for field, value in ast.iter_fields(node):
        inside = index_kind(node, scope) if isinstance(node, ast.Subscript) and field == "slice" else where
        if (
            isinstance(node, ast.Call)
            and field == "args"
            and show(node.func).rpartition(".")[2] in ("swapaxes", "transpose", "moveaxis")
        ):
            inside = "order"
        if isinstance(node, ast.Slice) and field == "step":
            continue
        if isinstance(node, ast.Attribute) and node.attr in ("shape", "ndim", "dtype", "size"):
            continue
        if isinstance(value, ast.expr) and not (field == "func" and isinstance(value, ast.Name)):
            for change in expression_changes(value, scope, inside):
                yield in_mask(node, change, scope)._replace(node=put(node, field, change.node))
        elif isinstance(value, list):
            for position, element in enumerate(value):
                if isinstance(element, ast.expr):
                    for change in expression_changes(element, scope, inside):
                        yield in_mask(node, change, scope)._replace(node=put(node, field, change.node, position))
                elif isinstance(element, ast.keyword):
                    for change in expression_changes(
                        element.value, scope, element.arg if element.arg in ("axis", "keepdims") else where
                    ):
                        yield change._replace(node=put(node, field, put(element, "value", change.node), position))


def own_changes(node: Any, scope: Scope, where: str) -> Iterator[Change]:
    """Changes to this node itself, not to its parts."""
    kinds: dict[type, Any] = {
        ast.BinOp: binary, ast.UnaryOp: unary, ast.Constant: constant, ast.Name: other_name, ast.Subscript: subscript,
        ast.Call: call, ast.Compare: comparison, ast.Attribute: attribute, ast.Slice: cut, ast.Tuple: listing,
    }  # fmt: skip
    if type(node) in kinds:
        yield from kinds[type(node)](node, scope, where)
    if where == "value" and isinstance(node, (ast.BinOp, ast.Name, ast.Call, ast.Subscript)):
        value = scope.value(node)
        if numeric(value):
            yield Change(("sign",), f"{show(node)} has the wrong sign", ast.UnaryOp(ast.USub(), node))
            yield from turned(node, np.asarray(value), scope)
            if not isinstance(node, ast.BinOp):
                yield from wrapped(node, np.asarray(value), scope)


def index_of(text: str) -> ast.expr:
    """What stands in square brackets."""
    return ast.parse(f"x[{text}]", mode="eval").body.slice  # type: ignore[attr-defined, no-any-return]


def wrapped(node: Any, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """A function, a power, a complement or a slice around an expression."""
    old = show(node)
    if value.dtype.kind == "b":
        yield Change(("mask wrong",), f"the mask {old} must be inverted", ast.UnaryOp(ast.Invert(), node))
        return
    if isinstance(node, (ast.Name, ast.Subscript)) and value.ndim:
        text = f"{old} must be copied: here two names share one array, and it is changed through the other name"
        yield Change(("stale value", "extra path", "wrong variable"), text, parse(f"np.array({old})"))
    if value.ndim and not scope.is_gradient(node):
        yield Change(complement_causes(node, scope), f"{old} stands where 1 - {old} belongs", parse(f"(1 - {old})"))
    for causes, around in AROUND.items():
        new = around.format(old)
        yield Change(causes, f"{old} stands where {new} belongs", parse(new), accidental=True)
    for cut_ in ("1:", ":-1", ":, 1:", ":, :-1")[: 2 * min(value.ndim, 2)]:
        new = f"({old})[{cut_}]"
        yield Change(WRONG_PART, f"{old} stands where {new} belongs", parse(new))
    if value.ndim and isinstance(node, ast.Subscript) and not isinstance(node.slice, (ast.Slice, ast.Tuple)):
        for named in scope.integers():
            part = ast.Tuple([node.slice, ast.Slice(None, parse(named), None)], ast.Load())
            causes = ("mask wrong", "wrong index", "padding border")
            cut_off = ast.Subscript(node.value, part, ast.Load())
            yield Change(causes, f"{old} stands where {show(cut_off)} belongs", cut_off)


AROUND = {  # causes: the function that may be missing around a value
    ("pre-activation", "wrong activation"): "np.tanh({0})",
    ("pre-activation", "wrong activation", "activation left out"): "(1 / (1 + np.exp(-({0}))))",
    ("activation left out", "wrong operation", "pre-activation"): "np.exp({0})",
    ("mask wrong", "activation left out"): "np.maximum({0}, 0)",
    ("wrong operation", "wrong activation", "constant factor"): "({0}) ** 2",
}
WRONG_PART = ("wrong index", "extra path", "shifted by one step")


def turned(node: Any, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """Transposed, or flipped along its first axes or along time."""
    if value.ndim == 2:
        square = value.shape[0] == value.shape[1]
        causes = (
            ("untransposed square matrix", "transposed") if square else ("transposed", "untransposed square matrix")
        )
        bare = node.value if isinstance(node, ast.Attribute) and node.attr == "T" else None
        new = bare or ast.Attribute(node, "T", ast.Load())
        yield Change(causes, f"{show(node)} stands where {show(new)} belongs", new)
    if value.ndim == 4 and not isinstance(node, ast.BinOp):
        yield Change(
            ("flipped kernel",),
            f"{show(node)} must be flipped up-down and left-right",
            ast.Subscript(node, index_of("::-1, ::-1"), ast.Load()),
        )
        for axes in ((0, 1, 3, 2), (1, 0, 2, 3)):
            yield Change(
                ("transposed",),
                f"{show(node)} must be transposed: its axes in the order {axes}",
                ast.Call(ast.Attribute(node, "transpose", ast.Load()), [parse(str(a)) for a in axes], []),
            )
    if value.ndim == 3 and not isinstance(node, ast.BinOp):
        yield Change(
            ("wrong order", "shifted by one step"),
            f"{show(node)} must be reversed in time",
            ast.Subscript(node, index_of(":, ::-1"), ast.Load()),
        )


def binary(node: ast.BinOp, scope: Scope, where: str) -> Iterator[Change]:
    left, right, op = node.left, node.right, node.op
    counting = where == "index" or isinstance(scope.value(node), (int, np.integer))
    shifted = ("shifted by one step", "wrong index", "last step only") if counting else None
    if isinstance(op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
        old, new = "+-" if isinstance(op, ast.Add) else "-+"
        text = f"{old} stands where {new} belongs, before {show(right)}"
        yield Change(shifted or ("sign",), text, put(node, "op", other))
        if isinstance(op, ast.Sub):
            reverse = ast.BinOp(right, op, left)
            yield Change(shifted or ("sign",), f"{show(node)} stands where {show(reverse)} belongs", reverse)
        if isinstance(op, ast.Sub) and show(left) in ("1", "1.0"):
            yield Change(complement_causes(right, scope), f"{show(node)} stands where {show(right)} belongs", right)
        # 1 - y is a factor: it is removed as a whole or not at all
        complement = isinstance(op, ast.Sub) and show(left) in ("1", "1.0")
        for kept, dropped in () if complement else ((left, right), (right, left)):
            yield Change(
                shifted or extra_causes(dropped, scope), f"the term {show(dropped)} does not belong here", kept
            )
        if isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Mult, ast.Div, ast.MatMult)):
            grouped = ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
            yield Change(
                ("wrong operation", "activation left out"),
                f"{show(node)} stands where {show(grouped)} belongs",
                grouped,
            )
    if (
        isinstance(op, (ast.Mult, ast.Div, ast.MatMult))
        and isinstance(right, ast.BinOp)
        and isinstance(right.op, (ast.Add, ast.Sub))
    ):
        loose = ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right)
        yield Change(("wrong operation",), f"{show(node)} stands where {show(loose)} belongs", loose)
    if isinstance(op, (ast.Mult, ast.Div)):
        for kept, dropped in ((left, right), (right, left)):
            if isinstance(op, ast.Mult) or kept is left:
                yield Change(dropped_causes(dropped, scope), f"the factor {show(dropped)} does not belong here", kept)
        other_op = ast.Div() if isinstance(op, ast.Mult) else ast.Mult()
        causes = ("constant factor", "wrong operation") if is_scalar(right, scope) else ("wrong operation",)
        new = put(node, "op", other_op)
        yield Change(causes, f"{show(node)} stands where {show(new)} belongs", new)
        if isinstance(op, ast.Mult):
            yield Change(
                ("wrong operation", "transposed"),
                f"{show(node)} must be a matrix product",
                put(node, "op", ast.MatMult()),
            )
    if isinstance(op, ast.MatMult):
        yield from products(node, scope)
    if isinstance(op, ast.Pow):
        yield Change(("factor twice", "wrong operation"), f"the power in {show(node)} does not belong here", left)
        yield Change(("wrong operation",), f"the power in {show(node)} is too low", ast.BinOp(left, ast.Mult(), node))
    if isinstance(op, ast.FloorDiv):
        yield Change(("wrong index",), f"// stands where % belongs, in {show(node)}", put(node, "op", ast.Mod()))
    if isinstance(op, ast.Mod):
        yield Change(("wrong index",), f"% stands where // belongs, in {show(node)}", put(node, "op", ast.FloorDiv()))


def products(node: ast.BinOp, scope: Scope) -> Iterator[Change]:
    """A matrix product with its factors in the other order, transposed or not."""
    left, right = node.left, node.right
    square = {np.shape(scope.value(side))[-1:] == np.shape(scope.value(side))[-2:-1] for side in (left, right)}
    causes = (
        ("untransposed square matrix", "transposed") if True in square else ("transposed", "untransposed square matrix")
    )
    for a, b in ((left, right), (right, left)):
        for one, two in ((a, b), (turn(a), b), (a, turn(b)), (turn(a), turn(b))):
            if (one, two) != (left, right):
                new = ast.BinOp(one, ast.MatMult(), two)
                yield Change(causes, f"{show(node)} stands where {show(new)} belongs", new)
    yield Change(
        ("wrong operation",), f"{show(node)} must be an element-by-element product", put(node, "op", ast.Mult())
    )
    yield Change(("factor twice", "extra path"), f"the product with {show(right)} does not belong here", left)


def turn(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Attribute) and node.attr == "T" else ast.Attribute(node, "T", ast.Load())


def unary(node: ast.UnaryOp, scope: Scope, where: str) -> Iterator[Change]:
    if isinstance(node.op, ast.USub):
        causes = ("sign",) if where == "value" else ("wrong index", "shifted by one step", "transposed")
        yield Change(causes, f"the minus sign of {show(node)} does not belong here", node.operand)
    if isinstance(node.op, (ast.Invert, ast.Not)):
        yield Change(("mask wrong",), f"{show(node)} stands where {show(node.operand)} belongs", node.operand)


CONSTANTS = {  # where a wrong number stands: its causes
    "value": ("constant factor", "wrong index"),
    "index": ("shifted by one step", "wrong index"),
    "axis": ("bias axes", "wrong index"),
    "shape": ("constant factor", "wrong index"),
    "pair": ("one twin lost", "wrong index"),
    "order": ("transposed", "wrong index"),
}


def constant(node: ast.Constant, scope: Scope, where: str) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield Change(("wrong index",), f"{value} stands where {not value} belongs", ast.Constant(not value))
    elif isinstance(value, str):
        for holder in scope.values.values():
            if isinstance(holder, dict) and value in holder:
                for key in holder:
                    if isinstance(key, str) and key != value:
                        yield Change(
                            swap_causes(value, key, scope), f'"{value}" stands where "{key}" belongs', ast.Constant(key)
                        )
    elif isinstance(value, (int, float)):
        of_values = ("detached branch", "path missing", "constant factor") if value == 0 else CONSTANTS["value"]
        causes = of_values if where == "value" else CONSTANTS.get(where, CONSTANTS["value"])
        others = dict.fromkeys(
            [value + 1, value - 1, 2 * value, value / 2 if where == "value" else value, 0, 1, 2, -value, -1]
        )
        for other in others:
            if other != value or type(other) is not type(value):
                yield Change(causes, f"{value:g} stands where {other:g} belongs", ast.Constant(other), accidental=True)
        if value == 0:
            yield Change(("mask wrong", "wrong index"), "0 stands where minus infinity belongs", parse("-np.inf"))
        if isinstance(value, int):
            for named in scope.integers():
                first = named_causes(named) or (("wrong index",) if where == "index" else ())
                yield Change((*first, *causes), f"{value} stands where {named} belongs", ast.Name(named, ast.Load()))


def named_causes(name: str) -> tuple[str, ...]:
    """The causes when the argument of this name is not used."""
    if "stride" in name or "dilation" in name:
        return ("stride ignored",)
    return ("padding border",) if "pad" in name else ()


def other_name(node: ast.Name, scope: Scope, where: str) -> Iterator[Change]:
    arrays = scope.arrays()
    value = scope.values.get(node.id)
    if not isinstance(node.ctx, ast.Load):
        return
    if node.id in arrays:
        for other, array in arrays.items():
            if other != node.id and array.shape == arrays[node.id].shape:
                yield Change(
                    swap_causes(node.id, other, scope), f"{node.id} stands where {other} belongs", parse(other)
                )
        if arrays[node.id].dtype.kind == "b":
            yield Change(("mask wrong",), f"the mask {node.id} must be inverted", ast.UnaryOp(ast.Invert(), node))
    elif isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu"):
        for other in scope.integers():
            if other != node.id:
                text = f"{node.id} must be multiplied by {other}"
                yield Change(
                    ("stride ignored", "wrong index"), text, ast.BinOp(node, ast.Mult(), ast.Name(other, ast.Load()))
                )
        for other, held in scope.values.items():
            if (
                isinstance(value, np.ndarray)
                and isinstance(held, np.ndarray)
                and held.dtype.kind in "iu"
                and held.shape == value.shape
                and other != node.id
            ):
                yield Change(
                    ("wrong index", "wrong variable"),
                    f"{node.id} stands where {other} belongs",
                    ast.Name(other, ast.Load()),
                )
        if isinstance(value, np.ndarray):
            return
        causes = ("shifted by one step", "wrong index")
        for op in (ast.Sub(), ast.Add()):
            sign = "-" if isinstance(op, ast.Sub) else "+"
            yield Change(
                causes, f"{node.id} stands where {node.id} {sign} 1 belongs", ast.BinOp(node, op, ast.Constant(1))
            )
        for other in scope.integers():
            if other != node.id:
                first = ("stride ignored",) if "stride" in (other, node.id) else ()
                text = f"{node.id} stands where {other} belongs"
                yield Change((*first, "wrong index", "constant factor"), text, ast.Name(other, ast.Load()))
    else:
        for other, held in scope.values.items():
            if other != node.id and type(held) is type(value) and value is not None:
                yield Change(
                    swap_causes(node.id, other, scope),
                    f"{node.id} stands where {other} belongs",
                    ast.Name(other, ast.Load()),
                )


def subscript(node: ast.Subscript, scope: Scope, where: str) -> Iterator[Change]:
    if isinstance(node.slice, ast.Slice) or (
        isinstance(node.slice, ast.Tuple) and any(isinstance(e, ast.Slice) for e in node.slice.elts)
    ):
        reversing = any(
            isinstance(n, ast.Slice) and n.step is not None and "-" in show(n.step) for n in ast.walk(node.slice)
        )
        value = dimensions(scope.value(node.value))
        causes = (
            ("flipped kernel", "transposed") if value == 4 else ("wrong order", "shifted by one step", "wrong index")
        )
        yield Change(
            causes if reversing else ("wrong index", "padding border"),
            f"{show(node)} stands where {show(node.value)} belongs",
            node.value,
        )
    if isinstance(node.slice, (ast.Constant, ast.UnaryOp)) and isinstance(node.value, (ast.Call, ast.Name)):
        yield Change(("wrong index", "bias axes"), f"{show(node)} stands where {show(node.value)} belongs", node.value)
        if isinstance(node.value, ast.Call):
            yield from call(node.value, scope, where)
    if isinstance(node.slice, ast.Name) and dimensions(scope.value(node.value)) > 1:
        moved = ast.Subscript(node.value, ast.Tuple([ast.Slice(None, None, None), node.slice], ast.Load()), ast.Load())
        yield Change(("transposed", "wrong index"), f"{show(node)} stands where {show(moved)} belongs", moved)
    yield from guarded(node, scope)
    text = show(node)
    arrays = scope.arrays()
    if text in arrays:
        for other, array in arrays.items():
            if other != text and array.shape == arrays[text].shape:
                yield Change(swap_causes(text, other, scope), f"{text} stands where {other} belongs", parse(other))


def guarded(node: ast.Subscript, scope: Scope) -> Iterator[Change]:
    """The previous step: h[:, t - 1], and 0 at the first step."""
    elements = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for step in {n.id for e in elements for n in ast.walk(e) if isinstance(n, ast.Name)} & set(scope.integers()):
        index = copy.deepcopy(node.slice)
        if f"{step} - 1" not in show(ast.Subscript(parse("_"), index, ast.Load())):
            index = Rename(step, parse(f"({step} - 1)")).visit(index)
        new = ast.BinOp(ast.Subscript(node.value, index, ast.Load()), ast.Mult(), parse(f"({step} > 0)"))
        text = f"{show(node)} stands where the previous step belongs (0 at the first step)"
        yield Change(("shifted by one step", "wrong index"), text, new)


def cut(node: ast.Slice, scope: Scope, where: str) -> Iterator[Change]:
    """Bounds and steps of a slice."""
    ends = [None, *(parse(t) for t in ("1", "-1")), *(parse(n) for n in scope.integers())]
    if node.step is None:
        for lower in ends:
            for upper in ends:
                new = ast.Slice(lower, upper, None)
                if show(new) != show(node):
                    small = all(e is None or show(e) in ("1", "-1") for e in (lower, upper))
                    causes = (
                        ("shifted by one step", "wrong index")
                        if small
                        else ("wrong index", "padding border", "shifted by one step")
                    )
                    yield Change(causes, f"[{show(node)}] stands where [{show(new)}] belongs", new)
    if node.step is None:
        text = f"the slice [{show(node)}] must run backwards"
        yield Change(("wrong order", "flipped kernel"), text, put(node, "step", ast.Constant(-1)))
        for named in scope.integers():
            text = f"the slice [{show(node)}] must have the step {named}"
            yield Change(("stride ignored", "wrong index"), text, put(node, "step", ast.Name(named, ast.Load())))
    else:
        maps = any(array.ndim == 4 for array in scope.arrays().values())
        backwards = ("flipped kernel", "wrong order") if maps else ("wrong order", "shifted by one step")
        causes = backwards if "-" in show(node.step) else ("stride ignored", "wrong index")
        yield Change(causes, f"the slice [{show(node)}] must have the step 1", put(node, "step", None))


def call(node: ast.Call, scope: Scope, where: str) -> Iterator[Change]:
    """Changes to a function call: another function, other arguments, or the argument without the call."""
    function = show(node.func)
    method = function.rpartition(".")[2]
    yield from reductions(node, method, scope)
    yield from loops(node, method)
    yield from arguments_swapped(node, function, method, scope)
    if where == "value" and method not in ("range", "reversed", "len"):
        for argument in [a for a in node.args[:2] if not isinstance(a, ast.Starred)]:
            yield Change(unwrapped_causes(method), f"{function} does not belong around {show(argument)}", argument)
        if isinstance(node.func, ast.Attribute) and show(node.func.value) != "np":
            yield Change(unwrapped_causes(method), f".{method}() does not belong here", node.func.value)
    if method == "reshape" and isinstance(node.func, ast.Attribute) and len(node.args) == 2:
        turned_ = ast.Attribute(put(node, "args", node.args[::-1]), "T", ast.Load())
        yield Change(("transposed", "wrong index"), f"{show(node)} stands where {show(turned_)} belongs", turned_)
    if method == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
        yield from einsums(node)
    for n, keyword in enumerate(node.keywords):
        for named in scope.integers() if keyword.arg else ():
            given = put(node, "keywords", put(keyword, "value", ast.Name(named, ast.Load())), n)
            yield Change(
                named_causes(str(keyword.arg)) or ("wrong index",), f"the argument must be {keyword.arg}={named}", given
            )
    functions = [n for n, v in scope.values.items() if callable(v)] if isinstance(node.func, ast.Name) else []
    for other in functions:
        if other != function:
            new = put(node, "func", ast.Name(other, ast.Load()))
            yield Change(("wrong activation", "wrong operation"), f"{function} stands where {other} belongs", new)


def reductions(node: ast.Call, method: str, scope: Scope) -> Iterator[Change]:
    """Another of sum, mean, maximum and minimum; other branches of np.where; zeros instead of a value."""
    if method in ("sum", "mean", "max", "min", "prod") and isinstance(node.func, ast.Attribute):
        for other in ("sum", "mean"):
            if other != method:
                causes = ("constant factor",) if method in ("sum", "mean") else ("wrong operation", "bias axes")
                new = put(node, "func", put(node.func, "attr", other))
                yield Change(causes, f"{method} stands where {other} belongs", new)
        yield from axes(node, scope)
    if method in ("maximum", "minimum", "max", "min", "argmax", "argmin") and isinstance(node.func, ast.Attribute):
        other = method.replace("max", "min") if "max" in method else method.replace("min", "max")
        new = put(node, "func", put(node.func, "attr", other))
        yield Change(("mask wrong", "wrong operation"), f"{method} stands where {other} belongs", new)
    if method in ("zeros_like", "zeros") and node.args:
        text = f"{show(node.args[0])} was replaced by zeros"
        yield Change(("detached branch", "path missing", "last step only"), text, node.args[0])
    if method == "where" and len(node.args) == 3:
        test, yes, no = node.args
        yield Change(("mask wrong",), "the two branches of np.where are swapped", put(node, "args", [test, no, yes]))
        for kept in (yes, no):
            yield Change(("mask wrong", "factor twice"), f"{show(node)} stands where {show(kept)} belongs", kept)


def loops(node: ast.Call, method: str) -> Iterator[Change]:
    """The order and the bounds of a loop."""
    if method == "reversed" and len(node.args) == 1:
        yield Change(("wrong order",), "the loop runs in the wrong order", node.args[0])
    if method == "range":
        yield Change(("wrong order",), "the loop runs in the wrong order", ast.Call(parse("reversed"), [node], []))
        yield from ranges(node)


TURNING = {"transpose", "outer", "swapaxes", "moveaxis", "reshape", "dot", "matmul", "einsum", "tensordot"}


def arguments_swapped(node: ast.Call, function: str, method: str, scope: Scope) -> Iterator[Change]:
    """Two arguments of a call swapped."""
    for i, j in combinations(range(len(node.args)), 2):
        arguments = list(node.args)
        arguments[i], arguments[j] = arguments[j], arguments[i]
        one, two = show(node.args[i]), show(node.args[j])
        turning = ("transposed", "untransposed square matrix")
        causes = turning if method in TURNING else swap_causes(one, two, scope)
        text = f"the arguments {one} and {two} of {function} are swapped"
        yield Change(causes, text, put(node, "args", arguments))


def einsums(node: ast.Call) -> Iterator[Change]:
    """Other letters on the right of the arrow, and two letters on its left swapped."""
    inputs, arrow, output = node.args[0].value.partition("->")  # type: ignore[attr-defined]
    if not arrow:
        return
    found = [(output[:i] + output[i + 1 :], ("bias axes", "wrong index")) for i in range(len(output))]
    found += [
        (output[:i] + output[i + 1] + output[i] + output[i + 2 :], ("transposed", "bias axes"))
        for i in range(len(output) - 1)
    ]
    texts = [(f"{inputs}->{new}", causes) for new, causes in found]
    for i, j in combinations([k for k, letter in enumerate(inputs) if letter.isalpha()], 2):
        swapped = list(inputs)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        texts.append((f"{''.join(swapped)}->{output}", ("transposed", "untransposed square matrix")))
    for text, causes in texts:
        yield Change(
            causes, f'"{inputs}->{output}" stands where "{text}" belongs', put(node, "args", ast.Constant(text), 0)
        )


def axes(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """A sum over other axes."""
    assert isinstance(node.func, ast.Attribute)
    summed = node.args[0] if show(node.func.value) == "np" and node.args else node.func.value
    ndim = dimensions(scope.value(summed))
    keep = [k for k in node.keywords if k.arg != "axis"]
    arguments = node.args[:1] if summed is not node.func.value else []
    for count in range(1, ndim + 1):
        for chosen in combinations(range(ndim), count):
            axis = parse(str(chosen[0] if count == 1 else chosen))
            new = ast.Call(node.func, arguments, [*keep, ast.keyword("axis", axis)])
            yield Change(("bias axes", "wrong index"), f"the axis must be {show(axis)} in {show(node)}", new)
    whole = summed.value if isinstance(summed, ast.Subscript) else None
    if whole is not None and summed is node.func.value:  # a[-1].sum(axis=0) for a.sum(axis=(0, 1))
        yield from axes(put(node, "func", put(node.func, "value", whole)), scope)


def ranges(node: ast.Call) -> Iterator[Change]:
    causes = ("wrong index", "shifted by one step", "last step only")
    if len(node.args) == 1:
        end = node.args[0]
        yield Change(
            causes,
            f"the loop must start at 1, in {show(node)}",
            ast.Call(node.func, [ast.Constant(1), end], []),
        )
        for op in (ast.Sub(), ast.Add()):
            new = ast.Call(node.func, [ast.BinOp(end, op, ast.Constant(1))], [])
            yield Change(causes, f"{show(node)} stands where {show(new)} belongs", new)
    if len(node.args) == 2:
        yield Change(causes, f"the loop must start at 0, in {show(node)}", ast.Call(node.func, [node.args[1]], []))
    if len(node.args) >= 2:
        for position in range(min(2, len(node.args))):
            for op in (ast.Sub(), ast.Add()):
                moved = ast.BinOp(node.args[position], op, ast.Constant(1))
                new = put(node, "args", moved, position)
                yield Change(causes, f"{show(node)} stands where {show(new)} belongs", new)


def comparison(node: ast.Compare, scope: Scope, where: str) -> Iterator[Change]:
    for op in (ast.Gt(), ast.GtE(), ast.Lt(), ast.LtE(), ast.Eq(), ast.NotEq()):
        if len(node.ops) == 1 and type(op) is not type(node.ops[0]):
            new = put(node, "ops", [op])
            counts = isinstance(scope.value(node.left), (int, np.integer))
            causes = ("wrong index", "last step only", "path missing") if counts else ("mask wrong",)
            yield Change(causes, f"{show(node)} stands where {show(new)} belongs", new)


def attribute(node: ast.Attribute, scope: Scope, where: str) -> Iterator[Change]:
    if node.attr == "T":
        value = np.shape(scope.value(node.value))
        square = len(value) == 2 and value[0] == value[1]
        yield Change(
            ("untransposed square matrix", "transposed") if square else ("transposed",),
            f"{show(node)} stands where {show(node.value)} belongs",
            node.value,
        )


def listing(node: ast.Tuple, scope: Scope, where: str) -> Iterator[Change]:
    """Two elements of a tuple swapped; in an index, row n with entry n of another index, instead of all rows."""
    if where == "index":
        held = [scope.value(e) if not isinstance(e, ast.Slice) else None for e in node.elts]
        lengths = [
            f"np.arange(len({show(e)}))" for e, v in zip(node.elts, held) if isinstance(v, np.ndarray) and v.ndim == 1
        ]
        integer = [
            n for n, v in scope.values.items() if isinstance(v, np.ndarray) and v.ndim == 1 and v.dtype.kind in "iu"
        ]
        for position in range(len(node.elts)):
            for text in (*lengths[:1], *integer):
                if text != show(node.elts[position]):
                    new = put(node, "elts", parse(text), position)
                    yield Change(
                        ("wrong index", "mask wrong"),
                        f"[{show(node.elts[position])}] stands where [{text}] belongs",
                        new,
                    )
    for i, j in combinations(range(len(node.elts)), 2):
        elements = list(node.elts)
        elements[i], elements[j] = elements[j], elements[i]
        text = f"{show(node.elts[i])} and {show(node.elts[j])} are swapped"
        causes = (
            ("wrong index", "transposed")
            if where != "value"
            else swap_causes(show(node.elts[i]), show(node.elts[j]), scope)
        )
        yield Change(causes, text, put(node, "elts", elements))

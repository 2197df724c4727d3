"""Factors, terms and calls that may be missing in a line. They are made of the names that the program has there."""

import ast
import copy
from collections.abc import Iterator
from itertools import combinations
from types import ModuleType
from typing import Any

import numpy as np

from minireid.gradcheck.naming import dropped_causes, exchanged
from minireid.gradcheck.scope import Change, Rename, Scope, numeric, parse, product, put, show


def insertions(node: ast.stmt, scope: Scope) -> Iterator[Change]:
    """Factors and terms that may be missing in a statement's right-hand side, or replaced by others."""
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)) or node.value is None:
        return
    scope = with_steps(node, with_target_index(node, scope))
    held = scope.value(node.value)
    whole = held.shape if isinstance(held, np.ndarray) else ()
    for insert in (factors, missing_terms):
        for path, place, deep in places(node.value, scope):
            value = np.asarray(scope.value(place))
            if insert is factors and fits(value.shape, whole):
                value = np.broadcast_to(value, whole)  # a factor may have the shape of the whole right-hand side
            for change in insert(place, value, scope):
                yield change._replace(node=put(node, "value", path(change.node)), deep=deep)
    yield from missing_calls(node, scope)
    unused = sorted(g for g in scope.gradients if numeric(scope.values.get(g)))
    for path, place, _ in places(node.value, scope, whole=True):
        for g in unused:
            if fits(np.shape(scope.values[g]), np.shape(scope.value(place))) and show(place) != g:
                for op in (ast.Add(), ast.Sub()):
                    new = put(node, "value", path(ast.BinOp(place, op, parse(g))))
                    yield Change(
                        ("path missing", "detached branch"),
                        f"the term {'-' if isinstance(op, ast.Sub) else ''}{g} is missing",
                        new,
                        True,
                    )


def missing_calls(node: Any, scope: Scope) -> Iterator[Change]:
    """A gradient passed back through one more layer: module.backward(gradient, its cache)."""
    modules = [
        n for n, v in {**scope.outside, **scope.values}.items() if isinstance(v, ModuleType) and hasattr(v, "backward")
    ]
    caches = [n for n, v in scope.values.items() if "cache" in n or isinstance(v, (tuple, list, dict))]
    used = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    for g in sorted(used & scope.gradients):
        for module in modules:
            for cache in caches or sorted(scope.values):
                new = Rename(g, parse(f"{module}.backward({g}, {cache})")).visit(copy.deepcopy(node.value))
                text = f"{g} is not passed back through {module}"
                yield Change(
                    ("activation left out", "factor missing", "path missing"), text, put(node, "value", new), True
                )


def with_target_index(node: Any, scope: Scope) -> Scope:
    """For `a[i] = ...`: every other array at index i can be used as well."""
    target = (
        node.target if isinstance(node, ast.AugAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    )
    if not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Constant):
        return scope
    index = show(ast.Subscript(ast.Name("_", ast.Load()), target.slice, ast.Load()))[2:-1]
    names = [
        n for n, v in scope.values.items() if isinstance(v, (list, tuple)) or (isinstance(v, np.ndarray) and v.ndim)
    ]
    return Scope(
        scope.values, scope.gradients, scope.outside, scope.loops, (*scope.program, *(f"{n}[{index}]" for n in names))
    )


def with_steps(node: ast.stmt, scope: Scope) -> Scope:
    """Every array and list at the statement's time steps, one before and one after: h[:, t - 1], states[t + 1]."""
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    steps = [n for n in scope.integers() if n in used or n in scope.loops]
    texts = []
    for n, v in scope.values.items():
        listed = isinstance(v, (list, tuple)) and v and isinstance(v[0], np.ndarray)
        if listed or (isinstance(v, np.ndarray) and v.ndim > 1 and v.dtype.kind == "f"):
            forms = ("{}[{}]", "{}[:, {}]") if not listed else ("{}[{}]",)
            texts += [form.format(n, step + by) for step in steps for form in forms for by in ("", " - 1", " + 1")]
    return Scope(scope.values, scope.gradients, scope.outside, scope.loops, (*scope.program, *texts))


def places(
    node: Any, scope: Scope, deep: bool = False, inner: bool = False, whole: bool = False
) -> Iterator[tuple[Any, ast.expr, bool]]:
    """(how to put it back, sub-expression, whether it is inside another one): where to multiply or add something.

    The single factors of a product are left out: it does not matter which of them is multiplied.
    """
    product_ = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div))
    if not inner and not isinstance(node, (ast.Tuple, ast.Dict, ast.Constant)) and numeric(scope.value(node)):
        yield (lambda new: new), node, deep
        deep = True
    for field, value in ast.iter_fields(node):
        if field == "slice" or (field == "func" and not isinstance(value, ast.Attribute)):
            continue
        children = (
            [(None, value)]
            if isinstance(value, ast.expr)
            else list(enumerate(value))
            if isinstance(value, list)
            else []
        )
        for position, child in children:
            if isinstance(child, ast.expr):
                bare = (
                    not whole
                    and product_
                    and not (isinstance(child, ast.BinOp) and isinstance(child.op, (ast.Add, ast.Sub)))
                )
                for path, place, below in places(child, scope, deep, bare, whole):
                    yield (
                        (lambda new, path=path, position=position, field=field: put(node, field, path(new), position)),
                        place,
                        below,
                    )


def pool(value: np.ndarray, scope: Scope) -> Iterator[tuple[tuple[str, ...], str]]:
    """(causes, factor): factors that may be missing: derivatives of activations, gates, masks, weights, sizes."""
    for text, array in scope.arrays().items():
        if array.ndim == 0:
            yield ("factor missing", "constant factor"), text
            yield ("factor missing", "constant factor"), f"(1 / {text})"
        for spread in (text, f"{text}[:, None]"):
            if spread != text and not (array.ndim == 1 and value.ndim == 2 and array.shape[0] == value.shape[0]):
                continue
            if spread == text and not fits(array.shape, value.shape):
                continue
            mask = (
                any(w in text.partition("[")[0] for w in ("mask", "valid", "same", "keep", "kept", "drop"))
                or array.dtype.kind == "b"
            )
            yield (("mask wrong", "factor missing") if mask else ("factor missing", "activation left out")), spread
            if not mask and array.dtype.kind == "f":
                yield ("factor missing",), f"(1 / np.where({spread} == 0, 1, {spread}))"
            if not mask or array.dtype.kind == "b":
                yield (
                    ("mask wrong", "factor missing")
                    if array.dtype.kind == "b"
                    else ("factor missing", "wrong activation"),
                    f"(1 - {spread})",
                )
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
    for text, held in scope.values.items():
        if isinstance(held, np.ndarray) and held.dtype.kind in "iu" and fits(held.shape, value.shape):
            for number in scope.integers():
                yield ("mask wrong", "factor missing"), f"({text} == {number})"


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of the shape `small` broadcasts to the shape `large`."""
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def factors(place: ast.expr, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """place times a factor, with none, one or two of its own factors removed."""
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
        removed = " * ".join(show(g) for g in gone)
        if len(gone) == 2:
            yield Change(dropped_causes(product(gone), scope), f"the factor {removed} does not belong here", kept)
        for text, causes in unique.items():
            yield Change(
                exchanged(gone, text, causes, scope),
                f"the factor {removed} stands where {text} belongs",
                ast.BinOp(kept, ast.Mult(), parse(text)),
            )


def factors_of(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors_of(node.left), *factors_of(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not isinstance(node.left, ast.Constant):
        return [*factors_of(node.left), ast.BinOp(ast.Constant(1), ast.Div(), node.right)]
    return [node]


def missing_terms(place: ast.expr, value: np.ndarray, scope: Scope) -> Iterator[Change]:
    """place plus a term that contains a gradient: alone, times a factor, or times a matrix."""
    arrays = scope.arrays()
    gradients = {n: a for n, a in arrays.items() if bare_name(n) in scope.gradients and "'" not in n}
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
                if (
                    array.shape[1] == matrix.shape[0]
                    and (array.shape[0], matrix.shape[1]) == value.shape
                    and matrix.shape[0] != matrix.shape[1]
                ):
                    terms.append(f"{g} @ {m}")
                if array.shape[0] == matrix.shape[0] and (matrix.shape[1], array.shape[1]) == value.shape:
                    terms.append(f"{m}.T @ {g}")
    for text in terms:
        if text != show(place):
            for op in (ast.Add(), ast.Sub()):
                yield Change(
                    ("path missing", "detached branch"),
                    f"the term {'-' if isinstance(op, ast.Sub) else ''}{text} is missing",
                    ast.BinOp(place, op, parse(text)),
                )


def bare_name(text: str) -> str:
    return text.partition("[")[0]

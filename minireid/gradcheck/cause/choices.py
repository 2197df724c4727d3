"""What may belong in a place: the things that the words in angle brackets of the rules stand for."""

import ast
import types
from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minireid.gradcheck.cause.match import Found
from minireid.gradcheck.cause.scope import Scope, fits, numeric, only_computes, options_of, parse, show, whole


def choices(kind: str, found: Found, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """The expressions that a choice of this kind stands for. node: what the rule matched."""
    value = scope.value(found.get("A", found.get("V", node))) if not isinstance(node, ast.Slice) else None
    makers: dict[str, Any] = {
        "same": same, "factor": factors, "slope": slopes, "mask": masks, "number": numbers, "number+": next_numbers,
        "term": terms, "axes": axes, "order": orders, "int": integers, "indices": indices, "slice": slices,
        "key": keys, "letters": letters, "call": calls, "reshaped": reshaped, "array": any_array, "rows": rows,
        "length": lengths, "carried": carried, "other": others, "padded": padded, "turned": turned,
    }  # fmt: skip
    yield from makers[kind](found, value, node, scope)


def same(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    old = found.get("V")
    if old is None:
        return
    held = np.asarray(scope.value(old))
    for text, array in scope.arrays().items():
        if array.shape == held.shape and text != show(old):
            yield parse(text)


def others(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    for text, array in scope.arrays().items():
        if array.ndim and array.shape != np.shape(value):
            yield parse(text)


def any_array(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    for name, held in scope.names.items():
        if isinstance(held, np.ndarray) and 0 < held.ndim < 3 and held.dtype.kind in "fiu":
            yield ast.Name(name, ast.Load())


def whole_shape(found: Found, node: Any, scope: Scope) -> tuple[int, ...] | None:
    value = scope.value(node)
    return np.shape(value) if numeric(value) else None


def factors(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    shape = whole_shape(found, node, scope)
    if shape is None:
        return
    for text, array in scope.arrays().items():
        for spread in (text, f"{text}[:, None]"):
            if spread != text and not (array.ndim == 1 and len(shape) == 2 and array.shape[0] == shape[0]):
                continue
            if spread == text and not fits(array.shape, shape) and not scope.widens(array.shape, shape):
                continue
            yield parse(spread)
            if array.dtype.kind == "f":
                yield parse(f"(1 - {spread})")


def lengths(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """Counts for each row: the lengths of sequences."""
    shape = whole_shape(found, node, scope)
    for name, held in scope.names.items() if shape else ():
        if isinstance(held, np.ndarray) and held.dtype.kind in "iuf" and held.ndim == 1:
            for spread in (name, f"{name}[:, None]", f"{name}[:, None, None]"):
                if fits(np.shape(scope.value(parse(spread))), shape or ()):
                    yield parse(spread)


def slopes(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    shape = whole_shape(found, node, scope)
    for text, array in scope.arrays().items() if shape is not None else ():
        if (
            array.dtype.kind == "f"
            and (array.shape == shape or (not shape and array.ndim))
            and not scope.is_gradient(text)
        ):
            for form in ("(1 - {0} * {0})", "({0} * (1 - {0}))", "({0} > 0)", "np.exp({0})", "(1 / {0})",
                         "(1 - np.tanh({0}) ** 2)", "2 * {0}", "np.sign({0})"):  # fmt: skip
                yield parse(form.format(text))


def masks(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    shape = whole_shape(found, node, scope)
    if shape is None:
        return
    for name, held in scope.names.items():
        if not isinstance(held, np.ndarray) or not held.size:
            continue
        two = held.dtype.kind == "b" or (held.dtype.kind in "fi" and np.isin(held, (0, 1)).all())
        for spread in (name, f"{name}[:, None]", f"{name}[..., None]"):
            if two and fits(np.shape(scope.value(parse(spread))), shape):
                yield parse(spread)
                yield parse(f"(1 - {spread})")
        if held.dtype.kind in "iu" and fits(held.shape, shape):
            for number in scope.integers():
                yield parse(f"({name} == {number})")


def numbers(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    yield parse("2")
    yield parse("0.5")
    for name in scope.integers():
        yield ast.Name(name, ast.Load())
    for one, two in combinations(scope.integers()[:6], 2):
        yield parse(f"({one} * {two})")
    for name, held in scope.names.items():
        if isinstance(held, (float, np.floating)):
            yield ast.Name(name, ast.Load())
        if isinstance(held, np.ndarray):
            for axis in range(held.ndim):
                yield parse(f"{name}.shape[{axis}]")


def next_numbers(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    old = found["K"].value
    for new in dict.fromkeys([old + 1, old - 1, 2 * old, 1, 2, -1, 0.5 * old, old - 0.5]):
        if (new != old or type(new) is not type(old)) and (isinstance(new, int) or isinstance(old, float) or new % 1):
            yield ast.Constant(new) if new >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-new))


def terms(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """A gradient: alone, times a factor, or times a matrix; and any array that fits."""
    shape = whole_shape(found, node, scope)
    if shape is None:
        return
    arrays = scope.arrays()
    gradients = {n: a for n, a in arrays.items() if scope.is_gradient(n)}
    texts: list[str] = []
    for g, array in gradients.items():
        if fits(array.shape, shape):
            texts += [g, *(f"{g} / {n}" for n in scope.integers())]
            texts += [form.format(g, n) for n, a in arrays.items() if n != g and fits(a.shape, shape)
                      for form in ("{0} * {1}", "{0} * (1 - {1})")]  # fmt: skip
        texts += products(g, array, arrays, shape)
    texts += [n for n, a in arrays.items() if n not in gradients and a.shape == shape]
    for text in dict.fromkeys(texts):
        if text != show(node):
            yield parse(text)


def carried(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """What a round of a loop leaves behind and no round takes up."""
    shape = whole_shape(found, node, scope)
    for name in scope.carried:
        if shape is not None and numeric(scope.names.get(name)) and np.shape(scope.names[name]) == shape:
            yield ast.Name(name, ast.Load())


def products(g: str, array: np.ndarray, arrays: dict[str, np.ndarray], shape: tuple[int, ...]) -> list[str]:
    found = []
    for m, matrix in arrays.items():
        if matrix.ndim != 2 or array.ndim != 2 or m == g:
            continue
        for form, rows, columns, inner in (
            ("{g} @ {m}.T", array.shape[0], matrix.shape[0], array.shape[1] == matrix.shape[1]),
            ("{g} @ {m}", array.shape[0], matrix.shape[1], array.shape[1] == matrix.shape[0]),
            ("{m}.T @ {g}", matrix.shape[1], array.shape[1], array.shape[0] == matrix.shape[0]),
        ):
            if inner and (rows, columns) == shape:
                found.append(form.format(g=g, m=m))
    if array.ndim == 2 and array.shape[1:] == shape:
        found.append(f"{g}.sum(axis=0)")
    return found


def axes(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    summed = scope.value(found["A"])
    ndim = summed.ndim if isinstance(summed, np.ndarray) else 0
    for count in range(1, ndim + 1):
        for chosen in combinations(range(ndim), count):
            yield parse(str(chosen[0] if count == 1 else chosen))


def orders(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    turned = scope.value(found["A"])
    if isinstance(turned, np.ndarray) and 2 < turned.ndim <= 4:
        for order in permutations(range(turned.ndim)):
            if order != tuple(range(turned.ndim)):
                yield parse(str(order))


def reshaped(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """The same sizes in another order, then the axes put back: heads and features, windows and pixels."""
    sizes = node.args[0].elts if len(node.args) == 1 and isinstance(node.args[0], ast.Tuple) else node.args
    for order in permutations(range(len(sizes))) if 2 < len(sizes) <= 4 else ():
        if order != tuple(range(len(sizes))):
            first = ast.Call(node.func, [sizes[k] for k in order], [])
            back: list[ast.expr] = [ast.Constant(order.index(k)) for k in range(len(sizes))]
            yield ast.Call(ast.Attribute(first, "transpose", ast.Load()), back, [])


def padded(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """The same call with other widths where it pads, or with those of other axes."""
    pairs = [show(p) for p in getattr(node.args[1], "elts", [])] if len(node.args) > 1 else []
    own = [n for n, pair in enumerate(pairs) if pair != "(0, 0)"]
    forms = ("({0}, {0})", "(0, {0})", "({0}, 0)", "(0, 2 * {0})", "(2 * {0}, 0)")
    new = [form.format(n) for n in dict.fromkeys(["1", *scope.integers()]) for form in forms]
    some = [own, *([n] for n in own)] if len(own) > 1 else [own]
    every = [[pair if n in places else old for n, old in enumerate(pairs)] for places in some for pair in new]
    every += [list(order) for order in permutations(pairs)] if len(pairs) <= 4 else []
    for widths in {str(w): w for w in every if w != pairs}.values():
        yield ast.Call(node.func, [node.args[0], parse(f"({', '.join(widths)},)"), *node.args[2:]], node.keywords)


def rows(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """Row n with entry n of an array of indices, in place of all rows with one index."""
    for name, held in scope.names.items():
        if isinstance(held, np.ndarray) and held.dtype.kind in "iu" and held.ndim == 1:
            yield parse(f"(np.arange(len({name})), {name})")
            yield parse(f"(np.arange(len({name})), {name} - 1)")


def integers(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    for name in scope.integers():
        if name != show(node):
            yield ast.Name(name, ast.Load())


def indices(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    for name, held in scope.names.items():
        if isinstance(held, np.ndarray) and held.dtype.kind in "iub" and held.ndim:
            yield ast.Name(name, ast.Load())
            yield parse(f"np.arange(len({name}))")
        elif isinstance(held, np.ndarray) and held.ndim and isinstance(node, ast.Slice):
            yield parse(f"np.arange(len({name}))")


def slices(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr | ast.Slice]:
    if node.lower is None and isinstance(node.upper, ast.BinOp) and show(node.upper.right) == "1":
        yield node.upper.left  # one entry, not all entries up to it
    yield from (ast.Slice(parse(n), parse(f"-{n}"), node.step) for n in scope.integers())  # cut on both sides
    ends = [None, parse("1"), parse("-1"), *(parse(n) for n in scope.integers()[:6])]
    for lower in ends:
        for upper in ends:
            yield ast.Slice(lower, upper, node.step)
    steps = [None, parse("-1"), *(parse(n) for n in scope.integers())]
    for step in steps:
        yield ast.Slice(node.lower, node.upper, step)


def keys(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    for held in scope.names.values():
        if isinstance(held, dict) and node.value in held:
            for key in held:
                if isinstance(key, str) and key != node.value:
                    yield ast.Constant(key)


def turned(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """Letters for einsum with the axes of one array, or of the result, in another order."""
    inputs, arrow, output = found["S"].value.partition("->")
    parts = [*inputs.split(","), output]
    for n, part in enumerate(parts) if arrow else ():
        for order in permutations(part) if len(part) <= 4 else ():
            if "".join(order) != part:
                new = [*parts[:n], "".join(order), *parts[n + 1 :]]
                yield ast.Constant(f"{','.join(new[:-1])}->{new[-1]}")


def letters(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """Other letters for einsum: two of different arrays exchanged, or one replaced."""
    inputs, arrow, output = found["S"].value.partition("->")
    if not arrow:
        return
    for i, j in combinations([k for k, c in enumerate(inputs) if c.isalpha()], 2):
        swapped = list(inputs)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        yield ast.Constant(f"{''.join(swapped)}->{output}")
    for i, c in enumerate(inputs):
        for other in sorted(set(inputs + output)) if c.isalpha() else ():
            if other.isalpha() and other != c:
                yield ast.Constant(f"{inputs[:i]}{other}{inputs[i + 1 :]}->{output}")


def calls(found: Found, value: Any, node: Any, scope: Scope) -> Iterator[ast.expr]:
    """The same call with another choice of an option, or of a function of the same file."""
    function = scope.value(node.func)
    for name, default in options_of(function).items():
        others = [not default] if isinstance(default, bool) else [n for n in scope.integers()] if whole(default) else []
        given = {k.arg: show(k.value) for k in node.keywords}
        for other in others:
            if given.get(name) != str(other):
                keywords = [k for k in node.keywords if k.arg != name]
                new = parse(str(other))
                yield ast.Call(node.func, node.args, [*keywords, ast.keyword(name, new)])
    if not isinstance(node.func, ast.Name):
        return
    module = getattr(function, "__module__", "")
    for name, other in {**scope.outside, **scope.names}.items():
        own = isinstance(other, types.FunctionType) and other.__module__ == module  # no classes, no fixtures of tests
        if own and name != node.func.id and not name.startswith("__") and only_computes(other):
            yield ast.Call(ast.Name(name, ast.Load()), node.args, node.keywords)

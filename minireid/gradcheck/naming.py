"""Names of mistakes: from the wrong and the right code to the causes of minireid/gradcheck/__init__.py."""

import ast
from typing import Any

import numpy as np

from minireid.gradcheck.scope import Change, Scope, parse, product, show

GATES = {"z", "r", "c", "i", "f", "o", "g", "n", "u", "update", "reset", "cand", "candidate", "input", "forget"}


def deletion_causes(node: ast.stmt, scope: Scope) -> tuple[str, ...]:
    value = getattr(node, "value", None)
    target = (
        node.target if isinstance(node, ast.AugAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    )
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


def extra_causes(dropped: ast.expr, scope: Scope) -> tuple[str, ...]:
    if is_scalar(dropped, scope):
        return ("extra path", "wrong operation")
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


def complement_causes(node: ast.expr, scope: Scope) -> tuple[str, ...]:
    """1 - y stands for y, or y for 1 - y: a wrong mask, or swapped gates."""
    value = scope.value(node)
    if value is not None and np.isin(np.asarray(value, float), (0.0, 1.0)).all():
        return ("mask wrong", "wrong variable")
    return ("gates swapped", "wrong variable", "wrong operation")


def swap_causes(old: str, new: str, scope: Scope) -> tuple[str, ...]:
    arrays = scope.arrays()
    if old in arrays and new in arrays and arrays[old].shape == arrays[new].shape and arrays[old].dtype.kind == "f":
        if activation_of(arrays[new], arrays[old]):
            return ("pre-activation", "wrong variable")
        if activation_of(arrays[old], arrays[new]):
            return ("pre-activation", "wrong variable", "wrong activation")
    if any(word in name for name in (old, new) for word in ("mask", "valid", "winner", "same", "keep", "kept")):
        return ("mask wrong", "wrong variable")
    if "[" in new and "'" not in old + new and old.partition("[")[0] == new.partition("[")[0]:
        return (
            ("shifted by one step", "wrong index", "mask wrong")
            if "1" in new + old
            else ("wrong index", "mask wrong", "padding border")
        )
    bare_old, bare_new = bare(old), bare(new)
    if bare_old != bare_new and gate(bare_old) and gate(bare_new):
        return ("gates swapped", "wrong variable")
    if (old.startswith("d") and old[1:] == new) or (new.startswith("d") and new[1:] == old):
        return ("wrong variable", "mask wrong")
    if {bare_old, bare_new} <= {"h", "h_prev", "hprev", "h_t", "prev", "h0", "h_next", "h_old"} or bare_old.replace(
        "_prev", ""
    ) == bare_new.replace("_prev", ""):
        return ("shifted by one step", "wrong variable", "stale value")
    return ("wrong variable", "stale value", "gates swapped")


def activation_of(y: np.ndarray, x: np.ndarray) -> bool:
    """Whether y is tanh, sigmoid or ReLU of x."""
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        return any(
            np.allclose(y, f, rtol=1e-9, atol=1e-12) for f in (np.tanh(x), 1 / (1 + np.exp(-x)), np.maximum(x, 0))
        ) and not np.array_equal(x, y)


def bare(text: str) -> str:
    """daz, p["Wz"], grads["Wz"], z_prev_t -> az, Wz, Wz, z_prev."""
    if "['" in text:
        text = text.partition("[")[2].strip("]'\"")
    text = text.partition("[")[0].rpartition(".")[2]
    for prefix in ("grad_", "d_", "d"):
        if text.startswith(prefix) and len(text) > len(prefix):
            return text[len(prefix) :]
    return text


def gate(text: str) -> bool:
    """Whether it is a variable or parameter of one gate: z, az, Wz, Uz, bz."""
    return text in GATES or (len(text) == 2 and text[0] in "aWUbsv" and text[1] in GATES)


def unwrapped_causes(method: str) -> tuple[str, ...]:
    """The causes when a call to this method should not be there."""
    if method in ("transpose", "swapaxes", "moveaxis", "rollaxis"):
        return ("transposed", "wrong order")
    if method in ("roll", "cumsum", "flip", "flipud", "fliplr"):
        return ("shifted by one step", "wrong order", "flipped kernel")
    if method == "pad":
        return ("padding border", "wrong operation")
    if method in ("tanh", "sigmoid", "exp", "log"):
        return ("wrong activation", "pre-activation", "factor twice")
    return ("wrong operation", "factor twice", "wrong activation")


def exchanged(gone: list[ast.expr], text: str, causes: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """The causes when the factors `gone` stand where the factor `text` belongs."""
    wrong = product(gone)
    old, new = scope.value(wrong), scope.value(parse(text))
    names_old, names_new = ({n.id for n in ast.walk(e) if isinstance(n, ast.Name)} for e in (wrong, parse(text)))
    if old is not None and np.ndim(old) == 0 and old == 0:
        return ("detached branch", "path missing")
    if is_scalar(wrong, scope) and np.ndim(new) == 0:
        return ("constant factor",)
    if isinstance(wrong, ast.Compare) and np.array_equal(scope.value(wrong.left), new):  # (mask > 0) for mask
        return ("constant factor", "factor missing", "mask wrong")
    if isinstance(parse(text), ast.Compare):
        return ("mask wrong", "wrong variable")
    if "activation left out" in causes[:1] or is_slope(wrong):
        for o in names_old:
            for n in names_new:
                if o != n and "pre-activation" in swap_causes(o, n, scope):
                    return ("pre-activation", "wrong activation")
        return ("wrong activation", "activation left out", "pre-activation")
    if len(names_old) == len(names_new) == 1 and names_old != names_new:
        return swap_causes(min(names_old), min(names_new), scope)
    return ("wrong variable", "gates swapped", "wrong activation")


def index_kind(node: ast.Subscript, scope: Scope) -> str:
    """The kind of an index: shape (of x.shape), pair (of an array of index pairs), or index."""
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        return "shape"
    value = scope.value(node.value)
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == 2 and value.dtype.kind in "iu":
        return "pair"
    return "index"


def in_mask(node: Any, change: Change, scope: Scope) -> Change:
    """The change, with "mask wrong" as its first cause if it is inside a comparison of arrays."""
    if isinstance(node, ast.Compare) and isinstance(scope.value(node), np.ndarray):
        return change._replace(causes=tuple(dict.fromkeys(("mask wrong", *change.causes))))
    return change

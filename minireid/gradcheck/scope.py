"""The values that a line of a program can use, and small tools for syntax trees. The changes are made with them."""

import ast
import copy
import warnings
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np


class Change(NamedTuple):
    """One change to a program. causes: names of the mistake. text: a sentence. node: what replaces the old node."""

    causes: tuple[str, ...]
    text: str
    node: Any
    deep: bool = False  # an insertion inside the right-hand side, not around all of it
    accidental: bool = False  # may fit by accident: another number, a function around a value


class Both(NamedTuple):
    """Replacements for two statements of a block."""

    first: ast.stmt
    second: ast.stmt
    position: int | None = None  # of the second in the block; None: directly after the first


CHANGING = {"at", "copyto", "put", "place", "fill", "sort", "resize", "append", "pop", "extend", "insert", "update"}


def harmless(call: ast.Call) -> bool:
    """Whether a call only computes: no ufunc.at, no out=, no printing, no change to an object."""
    name = show(call.func).rpartition(".")[2]
    inputs_output = {"print", "input", "open", "exec", "eval", "exit", "setattr", "shuffle"}
    return name not in CHANGING | inputs_output and not any(k.arg == "out" for k in call.keywords)


@dataclass
class Scope:
    """What a statement can use: local values by name, and the names that depend on the upstream gradient."""

    values: dict[str, Any]
    gradients: set[str]
    outside: dict[str, Any] = field(default_factory=dict)  # the file's globals
    loops: frozenset[str] = frozenset()  # names of loop variables
    program: tuple[str, ...] = ()  # expressions elsewhere in the function: a missing one is often among them

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
            if isinstance(value, dict):  # an array that has its own name needs no second name
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
        """The value of an expression here, or None. Calls that could change something are not run."""
        if not all(harmless(n) for n in ast.walk(node) if isinstance(n, ast.Call)):
            return None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                code = compile(ast.fix_missing_locations(ast.Expression(copy.deepcopy(node))), "?", "eval")
                return eval(code, dict(self.outside), self.values)
        except Exception:  # a part of an expression may raise anything
            return None

    def is_gradient(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.gradients for n in ast.walk(node))


def numeric(value: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fb"
    return isinstance(value, float)


def dimensions(value: Any) -> int:
    """ndim of an array; 0 for anything else, such as a list of caches."""
    return value.ndim if isinstance(value, np.ndarray) else 0


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def put(node: Any, field: str, value: Any, position: int | None = None) -> Any:
    """A shallow copy of node with one field (or one element of a list field) replaced."""
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
    for inner in ast.walk(node):
        if isinstance(inner, ast.stmt) and not hasattr(inner, "lineno"):
            inner.lineno = 1  # unparse needs one
    return ast.unparse(node)


class Rename(ast.NodeTransformer):
    def __init__(self, old: str, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.new) if node.id == self.old and isinstance(node.ctx, ast.Load) else node


class Exchange(ast.NodeTransformer):
    def __init__(self, one: str, two: str) -> None:
        self.other = {one: two, two: one}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Name, ast.Subscript)) and isinstance(node.ctx, ast.Load) and show(node) in self.other:
            return parse(self.other[show(node)])
        return super().generic_visit(node)

    visit_Name = visit_Subscript = generic_visit


def product(nodes: list[ast.expr]) -> ast.expr:
    result = nodes[0]
    for node in nodes[1:]:
        result = ast.BinOp(result, ast.Mult(), node)
    return result

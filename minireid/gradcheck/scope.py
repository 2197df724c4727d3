"""What a line of a program can name, and small tools for its syntax tree, for the changes that the diagnosis tries."""

import ast
import copy
import warnings
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np


class Change(NamedTuple):
    """The mistake's name (and others that fit as well), in words, and what takes the place of the node."""

    causes: tuple[str, ...]
    text: str
    node: Any
    deep: bool = False  # an insertion inside the right-hand side rather than around the whole of it
    accidental: bool = False  # fits by accident more easily: a number for a number, a function around a value


class Both(NamedTuple):
    """A replacement of two statements of a block."""

    first: ast.stmt
    second: ast.stmt
    position: int | None = None  # of the second; the one behind the first where not given


CHANGING = {"at", "copyto", "put", "place", "fill", "sort", "resize", "append", "pop", "extend", "insert", "update"}


def harmless(call: ast.Call) -> bool:
    """Whether a call only computes: no ufunc.at, nothing with out=, nothing that prints or stores."""
    name = show(call.func).rpartition(".")[2]
    inputs_output = {"print", "input", "open", "exec", "eval", "exit", "setattr", "shuffle"}
    return name not in CHANGING | inputs_output and not any(k.arg == "out" for k in call.keywords)


@dataclass
class Scope:
    """What a statement can name: local values by name, and which of them depend on the upstream gradient."""

    values: dict[str, Any]
    gradients: set[str]
    outside: dict[str, Any] = field(default_factory=dict)  # the file's own globals
    loops: frozenset[str] = frozenset()  # names of loop variables
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
        """What an expression is worth here, or None. Calls that could change something are not made."""
        if not all(harmless(n) for n in ast.walk(node) if isinstance(n, ast.Call)):
            return None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                code = compile(ast.fix_missing_locations(ast.Expression(copy.deepcopy(node))), "?", "eval")
                return eval(code, dict(self.outside), self.values)
        except Exception:  # whatever a fragment of somebody's expression may raise
            return None

    def is_gradient(self, node: ast.expr) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.gradients for n in ast.walk(node))


def numeric(value: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fb"
    return isinstance(value, float)


def dimensions(value: Any) -> int:
    """Of an array; 0 for anything else, a list of caches for one."""
    return value.ndim if isinstance(value, np.ndarray) else 0


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
    for inner in ast.walk(node):
        if isinstance(inner, ast.stmt) and not hasattr(inner, "lineno"):
            inner.lineno = 1  # unparse wants one
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

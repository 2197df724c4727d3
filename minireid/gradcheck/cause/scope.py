"""The values that a line of the program can use, by the expression that names them."""

import ast
import copy
import dis
import inspect
import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

CHANGING = {"at", "copyto", "put", "put_along_axis", "putmask", "fill_diagonal", "place",
            "fill", "sort", "resize", "append", "pop", "extend", "insert", "update",
            "print", "input", "open", "exec", "eval", "exit", "setattr", "shuffle"}  # fmt: skip
FILES = {"save", "savez", "savez_compressed", "savetxt", "tofile", "dump", "memmap", "unlink", "write", "write_text",
         "write_bytes", "__import__"}  # fmt: skip
COMPUTING = ("numpy", "math")


class Scope:
    """The names at one moment. gradients: names whose values depend on the upstream gradient."""

    def __init__(self, names: dict[str, Any], outside: dict[str, Any], gradients: set[str], texts: Iterable[str] = ()):
        self.names, self.outside, self.gradients, self.texts = names, outside, gradients, tuple(texts)
        self.space = {**outside, **names}
        self.values: dict[str, Any] = {}
        self.whole: tuple[int, ...] = ()  # the shape of the whole expression that is changed
        self.known: dict[str, np.ndarray] | None = None
        self.carried: list[str] = []  # names that rounds of a loop leave behind and that nothing takes up

    def value(self, node: ast.expr) -> Any:
        """The value of an expression here, or None. Calls that could change something are not run."""
        text = ast.dump(node)
        if text not in self.values:
            self.values[text] = self.find(node)
        return self.values[text]

    def find(self, node: ast.expr) -> Any:
        if not all(harmless(n) for n in ast.walk(node) if isinstance(n, ast.Call)):
            return None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                return eval(compile(ast.Expression(placed(node)), "?", "eval"), self.space)
        except Exception:  # a part of an expression may raise anything
            return None

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays and floats by the expression that names them: z, p["Wz"], self.W, masks[t]."""
        if self.known is None:
            self.known = self.find_arrays()
        return self.known

    def find_arrays(self) -> dict[str, np.ndarray]:
        named = {name: np.asarray(value) for name, value in self.names.items() if numeric(value)}
        seen = {id(v) for v in self.names.values()}
        for name, value in self.names.items():
            if isinstance(value, dict):  # an array that has its own name needs no second name
                entries = {k: v for k, v in value.items() if isinstance(k, str) and numeric(v) and id(v) not in seen}
                seen |= {id(v) for v in entries.values()}
                named |= {f"{name}[{k!r}]": np.asarray(v) for k, v in entries.items()}
            elif hasattr(value, "__dict__") and not isinstance(value, (type, types.ModuleType, types.FunctionType)):
                named |= {f"{name}.{k}": np.asarray(v) for k, v in vars(value).items() if numeric(v)}
            elif isinstance(value, tuple) and hasattr(value, "_fields"):
                named |= {f"{name}.{k}": np.asarray(v) for k, v in zip(value._fields, value)
                          if numeric(v) and id(v) not in seen}  # fmt: skip
        for text in (*self.texts, *self.steps()):
            if text not in named and numeric(value := self.value(parse(text))):
                named[text] = np.asarray(value)
        return named

    def steps(self) -> list[str]:
        """Values at this step and the steps beside it: hs[t], hs[t - 1], h[:, t + 1]."""
        found = []
        for name, value in self.names.items():
            listed = isinstance(value, (list, tuple, dict)) and len(value) and numeric(first_of(value))
            deep = isinstance(value, np.ndarray) and value.ndim > 1 and value.dtype.kind == "f"
            forms = ("{}[{}]",) if listed else ("{}[{}]", "{}[:, {}]") if deep else ()
            found += [form.format(name, step + by) for form in forms for step in self.counters()
                      for by in ("", " - 1", " + 1")]  # fmt: skip
        return found

    def counters(self) -> list[str]:
        return [
            n for n, v in self.names.items() if whole(v) and len(n) <= 4 and n not in ("N", "T", "D", "H", "W", "C")
        ]

    def integers(self) -> list[str]:
        return [n for n, v in self.names.items() if whole(v)]

    def widens(self, factor: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        """Whether a factor makes a part as large as the whole expression: u times a sum that kept its axis."""
        try:
            return len(self.whole) > 0 and np.broadcast_shapes(factor, shape) == self.whole
        except ValueError:
            return False

    def is_gradient(self, text: str) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.gradients for n in ast.walk(parse(text)))


def first_of(value: Any) -> Any:
    return next(iter(value.values() if isinstance(value, dict) else value))


def whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def numeric(value: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "fb"
    return isinstance(value, float)


def harmless(call: ast.Call) -> bool:
    """Whether a call only computes: no ufunc.at, no out=, no printing, no change of an object."""
    name = ast.unparse(call.func).rpartition(".")[2]
    return name not in CHANGING and not any(k.arg == "out" for k in call.keywords)


def only_computes(function: types.FunctionType, seen: tuple[Any, ...] = ()) -> bool:
    """Whether a function of the user that has not run can be tried: it uses NumPy, math and such functions alone."""
    codes = [function.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        if any(step.opname in ("IMPORT_NAME", "STORE_GLOBAL", "DELETE_GLOBAL") for step in dis.get_instructions(code)):
            return False
        for name in code.co_names:
            value = function.__globals__.get(name)
            if name in CHANGING | FILES or (isinstance(value, types.ModuleType) and value.__name__ not in COMPUTING):
                return False
            if isinstance(value, types.FunctionType) and value not in seen:
                if not only_computes(value, (*seen, function)):
                    return False
    return True


def parse(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def placed(node: Any) -> Any:
    """A tree that can be compiled: every node has a line. Nodes that have one are left alone."""
    for inner in ast.walk(node):
        if isinstance(inner, (ast.expr, ast.stmt)) and not hasattr(inner, "lineno"):
            inner.lineno = inner.end_lineno = 1
            inner.col_offset = inner.end_col_offset = 0
        elif isinstance(inner, (ast.keyword, ast.arg, ast.alias, ast.excepthandler)) and not hasattr(inner, "lineno"):
            inner.lineno = inner.end_lineno = 1  # type: ignore[attr-defined]
            inner.col_offset = inner.end_col_offset = 0  # type: ignore[attr-defined]
    return node


def show(node: Any) -> str:
    return ast.unparse(placed(copy.copy(node)))


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of the shape `small` broadcasts to the shape `large`."""
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def options_of(function: Any) -> dict[str, Any]:
    """The parameters of a function that have a default, with it; {} for what has no signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not p.empty}

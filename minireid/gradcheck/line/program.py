"""The program that is followed: its statements, the places in it that report a value, and what these are called."""

import ast
import linecache
import types
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A simple statement of the program: where it stands, and its syntax tree. block[position] is `node`."""

    number: int
    node: ast.stmt
    function: ast.FunctionDef
    block: list[ast.stmt]
    position: int
    loops: tuple[ast.stmt, ...]  # the loops around it, the outermost first
    filename: str
    outer: ast.FunctionDef  # the function around its function, if that is followed too; else its function

    @property
    def line(self) -> int:
        return self.node.lineno


@dataclass(frozen=True)
class Site:
    """A place in the program that reports a value.

    kind: argument, assign, add (`+=`), store, touch (changed by a call), use, part (of an expression), term (of a sum),
    item (of a dict) or return. name: `z`, `p.Wz`, `self.W`. statement: its number. key: of an item; the position of an
    argument or of a returned value; the sign of a term; the operator of `+=`. sum: which sum a term belongs to.
    filename, columns: where it is written: its line's characters from columns[0] to columns[1], counted from 0.
    """

    number: int
    kind: str
    name: str
    function: str
    line: int
    statement: int
    key: str = ""
    sum: int = -1
    filename: str = ""
    columns: tuple[int, int] = (0, 0)


class Program:
    """All followed functions: their statements and sites, by number."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.sites: list[Site] = []
        self.code: dict[tuple[str, str, int], types.CodeType] = {}  # (file, qualified name, first line): code with taps
        self.functions: dict[str, list[types.FunctionType]] = {}

    def text(self, statement: Statement, line: int | None = None) -> str:
        return linecache.getline(statement.filename, line or statement.line).strip()


def named(target: ast.AST) -> str:
    """The name of a place: dz; grads.W for grads["W"]; self.dW; dx for dx[:, t]; empty for anything else."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        base = named(target.value)
        return f"{base}.{target.attr}" if base else ""
    if isinstance(target, ast.Subscript):
        base = named(target.value)
        if base and isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str):
            return f"{base}.{target.slice.value}"
        return base
    return ""


def terms_of(node: ast.expr) -> list[ast.expr]:
    """The terms of a sum or difference; the node itself if it is neither."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        return [*terms_of(node.left), *terms_of(node.right)]
    return [node]


def first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def waits(node: ast.FunctionDef) -> bool:
    """Whether it is a generator: its call does not end where its caller goes on, so it is not followed."""
    inner = [n for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.Lambda)) and n is not node]
    own = {id(n) for n in ast.walk(node)} - {id(n) for i in inner for n in ast.walk(i)}
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) and id(n) in own for n in ast.walk(node))

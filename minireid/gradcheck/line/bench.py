"""A stretch of the program, run alone: with a change, is its last value the true one?

The names before the stretch are those of a run in which all earlier values are right (judge.py). So a change can
be tried in a few microseconds, and it is judged by the truth of one value, not by what the rest of the program makes
of it.
"""

import ast
import contextlib
import copy
import io
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.gradcheck.line.program import Program, Statement, first_line, named
from minireid.gradcheck.line.taps import TRACER
from minireid.gradcheck.line.trace import copied


@dataclass(frozen=True)
class Change:
    """`old`, a node of the statement (or the statement itself), becomes `new`. new: a list replaces a statement."""

    statement: Statement
    old: Any
    new: Any


@dataclass
class Instance:
    """Names before the stretch, and the values that are right after it (any one of them)."""

    names: dict[str, Any]
    targets: list[np.ndarray]
    index: Any = None  # compare only this part of the value
    counters: dict[str, Any] = field(default_factory=dict)  # loop variables of the next round
    spreads: bool = False  # the value is added to a larger array
    execution: int = -1  # of the statement with the last expression


@dataclass
class Stretch:
    """Statements, then an expression whose value is compared. function: whose globals they use."""

    function: ast.FunctionDef
    statements: list[ast.stmt]
    read: ast.expr
    instances: list[Instance] = field(default_factory=list)
    turn: int = -1  # before this statement a new round of the loop begins
    plain: Any = None  # the code of the statements as they are, and the names that the last expression changes

    def __post_init__(self) -> None:
        with_lines(self.read)


class Bench:
    """Runs stretches with changes."""

    def __init__(self, program: Program, tolerance: float) -> None:
        self.program, self.tolerance = program, tolerance
        self.parents: dict[int, dict[int, tuple[list[ast.stmt], int, Any]]] = {}
        self.numbers = {id(s.node): s.number for s in program.statements}
        self.mended: list[Change] = []  # mends of other mistakes, which every stretch has

    def function_of(self, statement: Statement) -> types.FunctionType | None:
        for function in self.program.functions.get(statement.function.name, []):
            if is_code_of(function, statement.function, statement.filename):
                return function
        same_file = (f for several in self.program.functions.values() for f in several
                     if f.__code__.co_filename == statement.filename)  # fmt: skip
        return next(same_file, None)

    def space(self, statement: Statement) -> dict[str, Any]:
        function = self.function_of(statement)
        if function is None:
            return {}
        space = {k: v for k, v in function.__globals__.items() if k != TRACER}
        if function.__closure__:
            for name, cell in zip(function.__code__.co_freevars, function.__closure__):
                with contextlib.suppress(ValueError):
                    space[name] = cell.cell_contents
        return space

    def chain(self, function: ast.FunctionDef, node: ast.stmt) -> list[tuple[list[ast.stmt], int]]:
        """(block, position) of the statement and of all statements around it, from the function's body inwards."""
        if id(function) not in self.parents:
            self.parents[id(function)] = dict(parents(function.body, None))
        table, found = self.parents[id(function)], []
        at: Any = node
        while at is not None and id(at) in table:
            block, position, above = table[id(at)]
            found.append((block, position))
            at = above
        return found[::-1]

    def around(self, statement: Statement) -> Any:
        """The loop or condition that a statement stands in; None if it stands in the function itself."""
        self.chain(statement.function, statement.node)
        return self.parents[id(statement.function)][id(statement.node)][2]

    def common(self, one: Statement, other: Statement) -> tuple[list[ast.stmt], int, int] | None:
        """(block, first position, last position): the innermost block that contains both, in this order."""
        a, b = self.chain(one.function, one.node), self.chain(other.function, other.node)
        shared = [(block, i, j) for (block, i), (same, j) in zip(a, b) if block is same]
        return shared[-1] if shared and shared[-1][1] <= shared[-1][2] else None

    # Running

    def right(self, stretch: Stretch, change: Change | None, space: dict[str, Any]) -> bool:
        """Whether the stretch with the change gives a right value in every instance."""
        try:
            runner = self.compiled(stretch, change)
            return all(self.one(runner, stretch, instance, space) for instance in stretch.instances)
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return False

    def one(self, runner: Any, stretch: Stretch, instance: Instance, space: dict[str, Any]) -> bool:
        codes, mutated = runner
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                names = {**space, **instance.names}
                names |= copied({n: names[n] for n in mutated if n in names})
                for position, code in enumerate(codes[:-1]):
                    if position == stretch.turn:
                        names |= instance.counters
                    exec(code, names)
                if stretch.turn == len(codes) - 1:
                    names |= instance.counters
                value = eval(codes[-1], names)
            if instance.index is not None:
                value = value[instance.index]
            return any(self.close(value, target, instance.spreads) for target in instance.targets)
        except Exception:  # a changed program may fail in any way: then it is not right
            return False

    def close(self, value: Any, target: np.ndarray, spreads: bool = False) -> bool:
        value = np.asarray(value)
        if spreads:
            value = np.broadcast_to(value, target.shape)
        if value.shape != target.shape or value.dtype.kind not in "fbiu":
            return False
        return bool(np.abs(value - target).max() <= self.tolerance * np.abs(target).max())

    def compiled(self, stretch: Stretch, change: Change | None) -> tuple[list[Any], set[str]]:
        """(the code of each statement and of the last expression, names that they change in place)."""
        if stretch.plain is None:
            stretch.plain = [self.code_of([s]) for s in stretch.statements], names_changed([ast.Expr(stretch.read)])
        codes, mutated = [], set(stretch.plain[1])
        changes = [*self.mended, *([change] if change is not None else [])]
        for statement, (code, names) in zip(stretch.statements, stretch.plain[0]):
            new = changed(statement, changes)
            if new != [statement]:
                code, more = self.code_of(new)
                names = names | more
            codes.append(code)
            mutated |= names
        (read,) = changed(stretch.read, changes)
        codes.append(compile(ast.Expression(read), "?", "eval"))
        return codes, mutated

    def code_of(self, statements: list[Any]) -> tuple[types.CodeType, set[str]]:
        if any(isinstance(n, ast.Return) for s in statements for n in ast.walk(s)):
            statements = [with_lines(Returns().visit(copy.deepcopy(s))) for s in statements]
        return compile(ast.Module(statements, []), "?", "exec"), names_changed(statements)

    @contextlib.contextmanager
    def applied(self, changes: list[Change]) -> Iterator[None]:
        """For a while, the functions of the program have these changes. They report nothing then."""
        saved: list[tuple[types.FunctionType, types.CodeType]] = []
        try:
            for statement in {id(c.statement.outer): c.statement for c in changes}.values():
                own = [c for c in changes if c.statement.outer is statement.outer]
                for target in self.program.functions.get(statement.outer.name, []):
                    if is_code_of(target, statement.outer, statement.filename):
                        code = new_code(statement, own, target)
                        saved.append((target, target.__code__))
                        target.__code__ = code
            yield
        finally:
            for target, code in saved:
                target.__code__ = code


def is_code_of(function: types.FunctionType, node: ast.FunctionDef, filename: str) -> bool:
    """Whether a function is made of this definition: two classes of a file can have methods of one name."""
    return function.__code__.co_filename == filename and function.__code__.co_firstlineno == first_line(node)


def parents(block: list[ast.stmt], above: Any) -> Iterator[tuple[int, tuple[list[ast.stmt], int, Any]]]:
    for position, statement in enumerate(block):
        yield id(statement), (block, position, above)
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list) and not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                yield from parents(inner, statement)
        for handler in getattr(statement, "handlers", []):
            yield from parents(handler.body, statement)


class Returns(ast.NodeTransformer):
    """A return statement outside of a function becomes an assignment."""

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        return ast.copy_location(
            ast.Assign([ast.Name("__returned__", ast.Store())], node.value or ast.Constant(None)), node
        )

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node


def replaced(node: Any, old: Any, new: Any) -> Any:
    """The tree with `old` replaced by `new`; what is not on the way to it is shared. A list can replace a statement."""
    if node is old:
        return new
    for field_, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            other: Any = replaced(value, old, new)
            if other is not value:
                name = field_
                break
        elif isinstance(value, list):
            other = [replaced(v, old, new) if isinstance(v, ast.AST) else v for v in value]
            if any(a is not b for a, b in zip(other, value)):
                name = field_
                other = [t for v in other for t in (v if isinstance(v, list) else [v])] or [ast.Pass()]
                break
    else:
        return node
    node = copy.copy(node)
    setattr(node, name, other)
    return node


def changed(node: Any, changes: list[Change]) -> list[Any]:
    """What becomes of a node with several changes: one node, or the statements that replace it."""
    nodes = [node]
    for change in changes:
        new = [replaced(n, change.old, change.new) for n in nodes]
        nodes = [m for n in new for m in (n if isinstance(n, list) else [n])]
    return nodes


def with_lines(node: Any) -> Any:
    if not hasattr(node, "lineno"):
        node.lineno = node.end_lineno = 1
        node.col_offset = node.end_col_offset = 0
    return ast.fix_missing_locations(node)


def names_changed(statements: list[Any]) -> set[str]:
    """Names whose objects these statements may change in place."""
    found = set()
    for node in (n for s in statements for n in ast.walk(s)):
        if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            found.add(named(node.target).partition(".")[0])
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            found.add(named(node).partition(".")[0])
        elif isinstance(node, ast.For):  # for d in (dW, db): each d is one of them
            found |= {n.id for n in ast.walk(node.iter) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Call):
            for argument in [*node.args, *(k.value for k in node.keywords)]:
                if isinstance(argument, (ast.Name, ast.Attribute)):
                    found.add(named(argument).partition(".")[0])
            if isinstance(node.func, ast.Attribute):
                found.add(named(node.func.value).partition(".")[0])
    return found - {"", "np", "numpy"}


def new_code(statement: Statement, changes: list[Change], target: types.FunctionType) -> types.CodeType:
    """The code of a function with changes; with the same free variables."""
    node: Any = statement.outer
    for change in changes:
        node = replaced(node, change.old, change.new)
    node = copy.copy(node)
    node.decorator_list, node.returns = [], None
    node.args = copy.deepcopy(node.args)
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        argument.annotation = None
    outer = ast.parse(
        "def outer():\n" + "".join(f"    {n} = None\n" for n in target.__code__.co_freevars) + "    pass"
    ).body[0]
    outer.body.append(node)  # type: ignore[attr-defined]
    module = compile(ast.Module([outer], []), statement.filename, "exec")
    for constant in module.co_consts:
        if isinstance(constant, types.CodeType):
            for inner in constant.co_consts:
                if isinstance(inner, types.CodeType) and inner.co_name == node.name:
                    return inner
    raise ValueError(f"no code for {node.name}")

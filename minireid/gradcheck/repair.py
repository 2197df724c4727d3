"""Why is it wrong? The search for the smallest change to the program that makes it right.

Changes to the suspected line (edits.py, expressions.py, insertions.py) are tried one after another. Each time the
functions run, and the gradients are compared with the numerical ones. A change is the cause if it makes all gradients
right: also with other numbers, another upstream gradient and (if the caller gives them) other sizes. Other lines of the
backward are tried only if no change to the suspected line is found.
"""

import ast
import contextlib
import io
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck.edits import neighbours, statement_changes
from minireid.gradcheck.insertions import insertions
from minireid.gradcheck.scope import Both, Change, Scope, put, show
from minireid.gradcheck.taps import Source, source_of

SECONDS = 12.0  # for the whole search


@dataclass(frozen=True)
class Slot:
    """A statement: `block[position]` of a function."""

    function: ast.FunctionDef
    block: list[ast.stmt]
    position: int

    @property
    def statement(self) -> ast.stmt:
        return self.block[self.position]

    @property
    def line(self) -> int:
        return self.statement.lineno


@dataclass(frozen=True)
class Repair:
    """A change that makes every gradient right. line: where. simple: nothing is inserted. size: characters added."""

    causes: tuple[str, ...]
    text: str
    line: int
    function: str
    before: str
    after: str
    simple: bool
    accidental: bool
    size: int


class Workbench:
    """The source of a function and of its helpers in the same file. It runs them with one statement replaced."""

    def __init__(self, function: Callable[..., Any], source: Source) -> None:
        self.name, self.filename = function.__name__, source.filename
        tree = ast.parse("".join(source.lines)) if source.whole_file else source.tree
        self.functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        for node in self.functions.values():
            node.decorator_list, node.returns = [], None
        self.namespace = dict(function.__globals__)
        if function.__closure__:
            self.namespace |= {n: c.cell_contents for n, c in zip(function.__code__.co_freevars, function.__closure__)}
        for node in self.functions.values():
            self.define(node)
        self.originals = {name: self.namespace[name] for name in self.functions}
        self.defaults = (function.__defaults__, function.__kwdefaults__)

    def define(self, node: ast.FunctionDef) -> None:
        exec(compile(ast.Module(body=[node], type_ignores=[]), self.filename, "exec"), self.namespace)

    def run(self) -> Callable[..., Any]:
        function = self.namespace[self.name]
        function.__defaults__, function.__kwdefaults__ = self.defaults
        return function

    def with_statement(self, slot: Slot, statement: Any) -> Callable[..., Any] | None:
        """The function with one statement replaced, until `restore`. None if Python does not accept it."""
        old = list(slot.block)
        if isinstance(statement, Both):
            second = slot.position + 1 if statement.position is None else statement.position
            slot.block[second] = ast.fix_missing_locations(ast.copy_location(statement.second, old[second]))
            statement = statement.first
        slot.block[slot.position] = ast.fix_missing_locations(ast.copy_location(statement, slot.statement))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns about some of the changed programs
                self.define(slot.function)
        except (SyntaxError, ValueError, TypeError):
            return None
        finally:
            slot.block[:] = old
        return self.run()

    def restore(self, slot: Slot) -> None:
        self.namespace[slot.function.name] = self.originals[slot.function.name]

    def slots(self) -> list[Slot]:
        """Every statement of the function and of the helpers that it calls, by the name of the function."""
        reached, to_visit = set(), [self.name]
        while to_visit:
            name = to_visit.pop()
            if name in self.functions and name not in reached:
                reached.add(name)
                to_visit += [n.id for n in ast.walk(self.functions[name]) if isinstance(n, ast.Name)]
        return [
            slot for name in sorted(reached) for slot in self.within(self.functions[name], self.functions[name].body)
        ]

    def within(self, function: ast.FunctionDef, block: list[ast.stmt]) -> Iterator[Slot]:
        for position, statement in enumerate(block):
            if isinstance(statement, ast.FunctionDef) or is_docstring(statement):
                continue
            yield Slot(function, block, position)
            for name in ("body", "orelse", "finalbody"):
                yield from self.within(function, getattr(statement, name, []))


def is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def search(
    function: Callable[..., Any],
    suspects: list[int],
    scopes: dict[int, dict[str, Any]],
    gradients: set[str],
    right: Callable[[Callable[..., Any]], bool],
    certain: Callable[[Callable[..., Any]], bool],
    *,
    everywhere: bool = True,
    seconds: float = SECONDS,
) -> list[Repair]:
    """Repairs of `function`, the best first; empty if none is found in time.

    suspects: line numbers of the statements to change first, the likeliest first.
    scopes: the values of local names, by line. gradients: names that depend on the upstream gradient.
    right: whether a changed function gives right results here. certain: whether also on the other draws and sizes.
    everywhere: whether to change the other lines too, if no suspect can be repaired. seconds: the longest time.
    """
    source = source_of(function)
    if source is None:
        return []
    bench = Workbench(function, source)
    slots = bench.slots()
    end = time.monotonic() + seconds
    first = [slot for line in dict.fromkeys(suspects) for slot in slots if slot.line == line]
    rest = [slot for slot in slots if slot not in first] if everywhere else []
    for group, inserting in ((first, False), (first, True), (rest, False), (rest, True)):
        until = min(end, time.monotonic() + seconds / 2)  # time is left for the later groups
        found = attempt(bench, group, scopes, gradients, right, certain, until, inserting)
        if found:
            return found
    return []


def attempt(bench, slots, scopes, gradients, right, certain, end, inserting: bool) -> list[Repair]:
    """All repairs in these statements: simple ones, or insertions."""
    found: list[Repair] = []
    changes = insertions if inserting else statement_changes
    for slot in slots:
        scope = scope_at(bench, slot, scopes, gradients)
        seen, here = set(), 0
        for change in changes(slot.statement, scope):
            if time.monotonic() > end:
                return ranked(found)
            if here and change.deep and change.causes[0] == "path missing":
                break  # a change around the whole, or a factor, is good enough
            after = show(change.node)
            if after in seen:
                continue
            seen.add(after)
            if works(bench, slot, change, right) and works(bench, slot, change, certain):
                found.append(repair(slot, change, after, inserting))
                here += 1
    if not inserting:
        found += swaps(bench, slots, right, certain, end)
    return ranked(found)


def swaps(bench, slots, right, certain, end) -> list[Repair]:
    """Repairs by `neighbours`: two statements in the other order, or the first one repeated inside a loop."""
    found = []
    for slot in slots:
        for change in neighbours(slot.block, slot.position):
            if time.monotonic() < end and works(bench, slot, change, right) and works(bench, slot, change, certain):
                found.append(repair(slot, change, show(change.node), False))
    return found


def works(bench: Workbench, slot: Slot, change: Change, right: Callable[[Callable[..., Any]], bool]) -> bool:
    function = bench.with_statement(slot, change.node)
    if function is None:
        return False
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return right(function)
    except Exception:  # a changed program may fail in any way: then it is no repair
        return False
    finally:
        bench.restore(slot)


def repair(slot: Slot, change: Change, after: str, inserting: bool) -> Repair:
    return Repair(
        change.causes,
        change.text,
        line=changed_line(slot.statement, change.node),
        function=slot.function.name,
        before=show(header(slot.statement)),
        after="(this line deleted)" if isinstance(change.node, ast.Pass) else show(header(change.node)),
        simple=not inserting,
        accidental=change.accidental,
        size=len(after) - len(show(slot.statement)),
    )


def header(statement: Any) -> Any:
    """An `if` or `while` without its body, else the statement itself."""
    if isinstance(statement, (ast.If, ast.While)) and not isinstance(statement.test, ast.Constant):
        return put(statement, "body", [ast.Expr(ast.Constant(...))])
    return statement


def changed_line(old: Any, new: Any) -> int:
    """The line of the smallest part of `old` that was replaced."""
    if type(old) is not type(new):
        return getattr(old, "lineno", 0)
    here = getattr(old, "lineno", 0)
    for field, value in ast.iter_fields(old):
        other = getattr(new, field, None)
        pairs = zip(value, other) if isinstance(value, list) and isinstance(other, list) else [(value, other)]
        for a, b in pairs:
            if isinstance(a, ast.AST) and isinstance(b, ast.AST) and a is not b and ast.dump(a) != ast.dump(b):
                return changed_line(a, b) or here
    return here


def ranked(found: list[Repair]) -> list[Repair]:
    """Sorted: simple before inserted, then accidental last, then added terms last, then short first, then by line."""

    def key(r: Repair) -> tuple[Any, ...]:
        return not r.simple, r.accidental, r.causes[0] == "path missing", abs(r.size) // 6, r.line, r.size

    return sorted(found, key=key)


def scope_at(bench: Workbench, slot: Slot, scopes: dict[int, dict[str, Any]], gradients: set[str]) -> Scope:
    """The values of the names when the statement first ran (for a loop: at the nearest line before it)."""
    end = slot.function.end_lineno or slot.line
    lines = [line for line in scopes if slot.function.lineno <= line <= end]
    before = [line for line in lines if line <= slot.line]
    values = scopes[max(before)] if before else scopes[min(lines)] if lines else {}
    expressions = [
        n
        for n in ast.walk(slot.function)
        if isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Load)
    ]
    program = dict.fromkeys(
        show(n) for n in expressions if not isinstance(n, ast.Attribute) or n.attr not in ("T", "shape")
    )
    loops = frozenset(
        n.target.id for n in ast.walk(slot.function) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)
    )
    return Scope(values, gradients, bench.namespace, loops, tuple(program))

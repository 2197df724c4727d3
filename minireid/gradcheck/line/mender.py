"""One wrong run of the backward, and whether a change makes it right: by a stretch of it, or by the whole backward."""

import ast
import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.gradcheck.cause.scope import Scope, show, whole
from minireid.gradcheck.line.bench import Bench, Change, Stretch
from minireid.gradcheck.line.judge import Fault, Judge, Run
from minireid.gradcheck.line.pieces import Pieces
from minireid.gradcheck.line.program import Program, Statement
from minireid.gradcheck.line.trace import Moment

METHODS = ("T", "shape", "sum", "copy", "dot", "reshape")  # attributes that are no variables


class Mender:
    """One wrong run of the backward, its faults in parts, and a bench to try changes on."""

    def __init__(self, judge: Judge, program: Program, run: Run, whole: Callable[[Any], bool]) -> None:
        """whole: tells whether a changed backward is right as a whole, where no stretch of it can be judged alone."""
        self.judge, self.program, self.run, self.whole = judge, program, run, whole
        self.bench = Bench(program, 1e-7 if judge.truth.imaginary else 1e-5)
        self.pieces = Pieces(judge, program, run)
        self.parts = {site: self.pieces.of(fault) for site, fault in run.faults.items()}
        self.moments: dict[int, Moment] = {}
        self.gradients = {owner(e.site.name) for e in judge.plain.events
                          if (e.number, e.leaf) not in judge.constant and e.kind != "term"}  # fmt: skip
        self.end = np.inf  # of processor time: then no other fault is searched

    def look(self, executions: set[int]) -> None:
        """Copy the names before these executions, in a run with the right values."""
        missing = executions - self.moments.keys()
        if missing:
            self.moments |= self.judge.mended(watched=frozenset(missing)).moments

    def scope(self, statement: Statement, execution: int, space: dict[str, Any]) -> Scope:
        """What a change of a statement can be made of: the names before this execution of it."""
        names = self.moments[execution].names
        texts = [show(n) for n in ast.walk(statement.function)
                 if isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Load)
                 and not (isinstance(n, ast.Attribute) and n.attr in METHODS)]  # fmt: skip
        own = {n.id for loop in (*statement.loops, statement.node) for n in ast.walk(loop)
               if isinstance(n, ast.Name)}  # fmt: skip
        over = {n.id for loop in ast.walk(statement.function) if isinstance(loop, (ast.For, ast.While))
                for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - own  # fmt: skip
        names = {n: v for n, v in names.items() if n not in over or not whole(v)}  # counters that a loop has left
        scope = Scope(names, space, self.gradients, dict.fromkeys(texts))
        scope.carried = [name for name in left_behind(statement.function) if name in self.gradients]
        return scope

    def tried(self, stretch: Stretch, change: Change, space: dict[str, Any]) -> bool:
        """Whether a stretch gives the right value with a change in it, or in another function that it calls."""
        if change.statement.function is stretch.function:
            return self.bench.right(stretch, change, space)
        try:
            with self.bench.applied([change]):
                return self.bench.right(stretch, None, space)
        except (SyntaxError, ValueError, TypeError):
            return False

    def mends(self, fault: Fault, change: Change, stretches: list[Stretch], space: dict[str, Any]) -> frozenset[int]:
        """The faults that a change mends: this one, by a stretch; without any, all of them, by the whole backward."""
        if stretches:
            if not any(self.tried(stretch, change, space) for stretch in stretches):
                return frozenset()
            if len(self.run.faults) > 1:
                return frozenset({fault.site})
        return frozenset(self.run.faults) if self.holds([*self.bench.mended, change], self.whole) else frozenset()

    def holds(self, changes: list[Change], test: Callable[[Any], bool]) -> bool:
        """Whether the backward passes a test with these changes of the program."""
        try:
            with self.bench.applied(changes), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                return test(self.judge.problem.backward)
        except Exception:  # a changed program may fail in any way
            return False

    def reads_cache(self, fault: Fault) -> bool:
        """Whether the wrong expressions read arrays that do not depend on the upstream gradient."""
        read = [n.id for parts in self.parts[fault.site] for p in parts.pieces for n in ast.walk(p.read)
                if isinstance(n, ast.Name)]  # fmt: skip
        return any(name not in self.gradients for name in read) or not read

    def latest(self, number: int, until: int, frame: Any) -> int | None:
        """The last execution of a statement in a call, not after `until`."""
        return next(
            (x for x in range(until, -1, -1) if self.run.statements[x] == number and self.run.frames[x] is frame), None
        )


def owner(name: str) -> str:
    """The variable that a name belongs to: grads for grads.W, self.dh for self.dh.3."""
    parts = name.split(".")
    return ".".join(parts[: 1 + (parts[0] == "self")])


def left_behind(function: ast.AST) -> list[str]:
    """Names that a loop of the function assigns and nothing reads, but for their own assignments."""
    loops = [n for n in ast.walk(function) if isinstance(n, (ast.For, ast.While))]
    assigned = {n.id for loop in loops for s in loop.body for n in ast.walk(s)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
    read: set[str] = set()
    for statement in ast.walk(function):
        if isinstance(statement, ast.stmt):
            names = [n for field in ast.iter_child_nodes(statement) if not isinstance(field, ast.stmt)
                     for n in ast.walk(field) if isinstance(n, ast.Name)]  # fmt: skip
            own = {n.id for n in names if isinstance(n.ctx, ast.Store)}
            read |= {n.id for n in names if isinstance(n.ctx, ast.Load)} - own
    return sorted(assigned - read)

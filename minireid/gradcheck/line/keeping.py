"""A change of what the forward keeps, with which every gradient is right. The result of the forward stays as it is.

The first that is tried: a copy of an array that is changed after it was kept; a line at another moment, before or after
what it reads is changed; a line that spoils what was kept, taken out.
"""

import ast
import contextlib
import copy
import functools
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import Scope, parse, show
from minireid.gradcheck.cause.search import located
from minireid.gradcheck.line.bench import Change, names_changed, replaced
from minireid.gradcheck.line.mend import Mend, changes, head
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.program import Statement
from minireid.gradcheck.line.trace import FORWARD, Moment
from minireid.gradcheck.line.trace import run as traced

NEAR = 3  # lines over which a line is moved


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Python warns about some of the changed programs, and they may print."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        yield


@quiet()
def forward_mend(mender: Mender, tiers: tuple[int, ...], seconds: float) -> Mend | None:
    """The best change of the first tier that has one. -1: another moment, or a copy; 0 and 1: those of the rules."""
    problem = mender.judge.problem
    moments = moments_of_forward(mender)

    def result() -> list[Any]:
        return [leaf for _, leaf in leaves(problem.copied().call(problem.forward)[0])]

    def right(backward: Callable[..., Any]) -> bool:
        return same(result(), y) and mender.whole(backward)

    y = result()
    end = time.thread_time() + seconds
    for tier in tiers:
        found: list[Mend] = []
        for number in reversed(moments):
            statement = mender.program.statements[number]
            scope = Scope(moments[number].names, mender.bench.space(statement), set())
            several = moments_of(mender, statement, scope) if tier < 0 else changes(statement, scope, tier)
            for change, make in several:
                if time.thread_time() > end:
                    return min(found, key=Mend.key, default=None)
                if fits_in(change, scope) and mender.holds([change], right):
                    found.append(make())
        if found:
            return min(found, key=Mend.key)
    return None


def fits_in(change: Change, scope: Scope) -> bool:
    """Whether the new expression has no more axes than the old one: with one more a state could grow in every step."""
    if change.old is change.statement.node or not isinstance(change.new, ast.expr):
        return True
    values = [scope.value(node) for node in (change.old, change.new)]
    old, new = (value.ndim if isinstance(value, np.ndarray) else 0 for value in values)
    return not old or new <= old


def moments_of_forward(mender: Mender) -> dict[int, Moment]:
    """The names before the first execution of each statement of the forward."""
    tracer, problem = mender.judge.tracer, mender.judge.problem
    traced(tracer, FORWARD, lambda: problem.copied().call(problem.forward))
    order = list(tracer.statements)
    first = {number: execution for execution, number in reversed(list(enumerate(order)))}
    traced(tracer, FORWARD, lambda: problem.copied().call(problem.forward), watched=frozenset(first.values()))
    moments = {number: tracer.moments[e] for number, e in first.items() if e in tracer.moments}
    tracer.off()
    return moments


def same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other))


def moments_of(mender: Mender, statement: Statement, scope: Scope) -> Iterator[tuple[Change, Callable[[], Mend]]]:
    """Changes of the moment at which something is kept: (change, what makes the mend of it)."""
    node = statement.node
    waits = any(isinstance(loop, ast.While) for loop in statement.loops)  # such a loop could run for ever
    if isinstance(node, (ast.Assign, ast.AugAssign)) and not waits:
        target = show(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        text = f"{target} is changed here before the backward uses it"
        yield made(Change(statement, node, [located(ast.Pass(), node)]), Cause.OLD_VALUE, text, 2)
    for kept in stored_as_is(node):
        if isinstance(scope.value(kept), np.ndarray):
            text = f"{show(kept)} is kept here, and changed in place afterwards: it needs a copy"
            new = replaced(node, kept, parse(f"{show(kept)}.copy()"))
            yield made(Change(statement, node, new), Cause.SHARED, text, 0)
    if not waits:
        yield from moved(mender, statement)


def made(change: Change, cause: Cause, text: str, rank: int, shown: str = "") -> tuple[Change, Callable[[], Mend]]:
    return change, functools.partial(Mend, change, cause, text, 0, rank, 0, 0, at=change.statement.node, shown=shown)


def moved(mender: Mender, statement: Statement) -> Iterator[tuple[Change, Callable[[], Mend]]]:
    """The statement after one that changes what it reads, or before it."""
    node = statement.node
    block, position = mender.bench.chain(statement.function, node)[-1]
    around = mender.bench.around(statement) or statement.function
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for other in range(max(position - NEAR, 0), min(position + NEAR + 1, len(block))):
        changed = read & (assigned(block[other]) | names_changed([block[other]]))
        if other == position or not changed or isinstance(node, ast.Return):
            continue
        order = [s for s in block if s is not node]
        order.insert(other, node)
        new = copy.copy(around)
        for name in ("body", "orelse", "finalbody"):
            if getattr(around, name, None) is block:
                setattr(new, name, order)
        side = "after" if other > position else "before"
        text = f"{', '.join(sorted(changed))} is changed in line {block[other].lineno}: this line has to come {side} it"
        between = order[min(position, other) : max(position, other) + 1]
        shown = "; ".join(show(head(s)) for s in between)
        yield made(Change(statement, around, new), Cause.OLD_VALUE, text, 1, shown)


def assigned(node: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def stored_as_is(node: ast.stmt) -> list[ast.expr]:
    """The names that a statement stores as they are: in a tuple, list or dict, in an attribute, by a call of append."""
    value = getattr(node, "value", None)
    if isinstance(value, (ast.Name, ast.Attribute)):
        return [value] if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.Expr) and isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return [name for argument in value.args for name in held(argument)]
    return held(value)


def held(node: Any) -> list[ast.expr]:
    """The names in a tuple, a list or a dict; also in [x] * n."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return [node]
    if isinstance(node, ast.BinOp):
        return [name for side in (node.left, node.right) if isinstance(side, ast.List) for name in held(side)]
    inside = node.elts if isinstance(node, (ast.Tuple, ast.List)) else node.values if isinstance(node, ast.Dict) else []
    return [name for one in inside for name in held(one)]

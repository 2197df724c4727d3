"""A value that is no variable's derivative by its name is judged by what is made of it.

`dh = dout[t] + dh_next` claims to be the derivative by `h`. So what `dh_next` should be is the true `dh` less
`dout[t]`. In the same way a product, a quotient and a matrix product are solved for one of their parts. If the forward
has a value whose derivative that is, `dh_next` claims it from now on, and its line is judged like any other.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minireid.gradcheck.cause.scope import Scope, fits, numeric, whole
from minireid.gradcheck.line.bench import Bench
from minireid.gradcheck.line.follow import Program
from minireid.gradcheck.line.judge import Fault, Judge, Run
from minireid.gradcheck.line.pieces import Pieces, expression_name
from minireid.gradcheck.line.trace import Event

ROUNDS = 4  # what is made of what is made of ...
MADE = ("assign", "add", "store")
Value = Callable[[ast.expr], Any]


def claim_summands(judge: Judge, program: Program) -> None:
    """Give claims to what wrong values are made of, as long as some are found."""
    bench = Bench(program, 0)
    for _ in range(ROUNDS):
        run = judge.mended()
        targets = [pair for fault in run.faults.values() for pair in steps(judge, fault)]
        run = judge.mended(watched=frozenset(event.execution for event, _ in targets))
        pieces = Pieces(judge, program, run)
        found = [pair for event, target in targets for pair in parts(judge, pieces, bench, event, target)]
        before = judge.claimed, judge.ignored, judge.scales, judge.choices
        judge.claimed = dict(judge.claimed)
        for event, like in found:
            judge.claimed[event.number, event.leaf] = [like]
        if not found or len(others_like(judge, *found[0]).faults()) > len(run.faults):
            judge.claimed, judge.ignored, judge.scales, judge.choices = before  # the sum itself is wrong, not its parts
            return


def steps(judge: Judge, fault: Fault) -> Iterator[tuple[Event, np.ndarray]]:
    """(an event that assigns a value or a part of it, what it should assign) for the wrong values of a fault."""
    for event, claim in fault.events:
        if claim.value is None or claim.shape != event.shape or claim.value.size > judge.largest:
            continue
        wanted = judge.wanted(event, claim)
        stored = [
            e for e in judge.final[event.number, event.leaf] if e.index is not None and e.index[0] is not Ellipsis
        ]
        if stored:
            yield from ((e, wanted[e.index[0]]) for e in stored)
        elif event.kind != "add":
            yield event, wanted


def parts(
    judge: Judge, pieces: Pieces, bench: Bench, event: Event, target: np.ndarray
) -> Iterator[tuple[Event, Event]]:
    """(where a part of a wrong value was made, the forward's event whose derivative it should be)."""
    at, expression = pieces.place(event), pieces.expression(event)
    moment = pieces.run.moments.get(event.execution)
    if at is None or expression is None or moment is None:
        return
    scope = Scope(moment.names, bench.space(at[1]), set())
    for node, wanted in solved(expression, target, scope.value):
        made = maker(pieces.run, event, expression_name(node))
        if (
            made is None
            or made.value is None
            or made.shape != np.shape(wanted)
            or not np.array_equal(made.value, scope.value(node))
        ):
            continue
        key = (made.number, made.leaf)
        if key not in judge.final or key in judge.constant:
            continue
        like, is_ = judge.like(wanted), judge.recognise(made)
        partly = like is not None and is_ in pieces.uses_of(like)  # it has one use of those that the sum needs
        if like is not None and (partly or (is_ is None and not judge.claimed.get(key))):
            yield made, like


def maker(run: Run, event: Event, name: str) -> Event | None:
    """The event that gave the name its value, before the event's statement."""
    before = [e for e in run.events if name and e.frame.number == event.frame.number and e.name == name
              and e.execution < event.execution and e.kind in MADE]  # fmt: skip
    return before[-1] if before else None


def solved(node: ast.expr, target: np.ndarray, value: Value) -> Iterator[tuple[ast.expr, np.ndarray]]:
    """(a name in the expression, what it would have to be alone so that the expression is `target`)."""
    if isinstance(node, (ast.Name, ast.Subscript)) or (isinstance(node, ast.Attribute) and node.attr != "T"):
        yield node, target
    elif isinstance(node, ast.Attribute):
        yield from solved(node.value, target.T, value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from solved(node.operand, -target, value)
    elif isinstance(node, ast.BinOp):
        left, right = value(node.left), value(node.right)
        for part, wanted in (
            (node.left, left_of(node.op, target, right)),
            (node.right, right_of(node.op, target, left)),
        ):
            own = left if part is node.left else right
            if wanted is not None and np.shape(wanted) == np.shape(own) and np.all(np.isfinite(wanted)):
                yield from solved(part, wanted, value)


def left_of(operator: ast.operator, target: np.ndarray, right: Any) -> np.ndarray | None:
    """a, so that `a operator right` is the target; None where there is not exactly one."""
    if not (numeric(right) or whole(right)):
        return None
    if isinstance(operator, ast.MatMult):
        return solved_matrix(np.transpose(right), np.transpose(target), transposed=True)
    if not fits(np.shape(right), np.shape(target)):
        return None
    with np.errstate(all="ignore"):
        match operator:
            case ast.Add():
                return target - right
            case ast.Sub():
                return target + right
            case ast.Mult():
                return target / right
            case ast.Div():
                return target * right
    return None


def right_of(operator: ast.operator, target: np.ndarray, left: Any) -> np.ndarray | None:
    """b, so that `left operator b` is the target; None where there is not exactly one."""
    if isinstance(operator, ast.MatMult):
        return solved_matrix(left, target) if numeric(left) else None
    if isinstance(operator, ast.Sub):
        return left_of(ast.Add(), -target, -left) if numeric(left) else None
    return left_of(operator, target, left) if isinstance(operator, (ast.Add, ast.Mult)) else None


def solved_matrix(a: np.ndarray, b: np.ndarray, transposed: bool = False) -> np.ndarray | None:
    """x, so that a @ x = b; None where there is not exactly one."""
    if np.ndim(a) != 2 or np.ndim(b) != 2 or a.shape[0] != b.shape[0] or np.linalg.matrix_rank(a) < a.shape[1]:
        return None
    x = np.linalg.pinv(a) @ b
    return x.T if transposed else x


def others_like(judge: Judge, example: Event, found: Event) -> Judge:
    """The same place in the other rounds of its loop claims the same variable there."""
    for event in judge.plain.events:
        key = (event.number, event.leaf)
        if event.site is example.site and judge.is_final(event) and not judge.claimed[key]:
            like = judge.counterpart(found, example, event)
            judge.claimed[key] = [like] if like is not None else []
    return judge

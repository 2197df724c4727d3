"""A value that is no variable's derivative by its name is judged by what is made of it.

`dh = dout[t] + dh_next` claims to be the derivative by `h`. So what `dh_next` should be is the true `dh` less
`dout[t]`. In the same way a product, a quotient and a matrix product are solved for one of their parts. If the forward
has a value whose derivative that is, `dh_next` claims it from now on, and its line is judged like any other.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minireid.gradcheck.cause.scope import Scope
from minireid.gradcheck.line.bench import Bench
from minireid.gradcheck.line.follow import Program
from minireid.gradcheck.line.judge import LARGEST, Judge, Run
from minireid.gradcheck.line.pieces import Pieces, expression_name
from minireid.gradcheck.line.trace import Event

ROUNDS = 4  # what is made of what is made of ...
MADE = ("assign", "add", "store")
Value = Callable[[ast.expr], Any]


def claim_summands(judge: Judge, program: Program) -> None:
    """Give claims to what wrong values are made of, as long as some are found."""
    bench = Bench(program, 0)
    for _ in range(ROUNDS):
        faults = [pair for fault in judge.mended().faults.values() for pair in fault.events]
        run = judge.mended(watched=frozenset(event.execution for event, _ in faults))
        pieces = Pieces(judge, program, run)
        found = [pair for fault in run.faults.values() for event, claim in fault.events
                 for pair in parts(judge, pieces, bench, run, event, claim)]  # fmt: skip
        before = judge.claimed, judge.ignored, judge.scales, judge.choices
        judge.claimed = dict(judge.claimed)
        for event, like in found:
            judge.claimed[event.number, event.leaf] = [like]
        if not found or len(others_like(judge, *found[0]).faults()) > len(run.faults):
            judge.claimed, judge.ignored, judge.scales, judge.choices = before  # the sum itself is wrong, not its parts
            return


def parts(
    judge: Judge, pieces: Pieces, bench: Bench, run: Run, event: Event, claim: Event
) -> Iterator[tuple[Event, Event]]:
    """(where a part of a wrong value was made, the forward's event whose derivative it should be)."""
    at, expression = pieces.place(event), pieces.expression(event)
    if at is None or expression is None or at[0] not in run.moments or event.kind == "add":
        return
    if claim.value is None or claim.shape != event.shape or claim.value.size > LARGEST:
        return
    scope = Scope(run.moments[at[0]].names, bench.space(at[1]), set())
    for node, wanted in solved(expression, judge.wanted(event, claim), scope.value):
        made = maker(run, event, expression_name(node))
        if made is None or made.shape != wanted.shape or not np.array_equal(made.value, scope.value(node)):
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
    before = [e for e in run.events if name and e.frame is event.frame and e.name == name
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
    if not isinstance(right, (int, float, np.ndarray, np.generic)):
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
            case ast.MatMult() if np.ndim(right) == 2 and np.linalg.matrix_rank(right) == np.shape(right)[0]:
                return target @ np.linalg.pinv(right)
    return None


def right_of(operator: ast.operator, target: np.ndarray, left: Any) -> np.ndarray | None:
    """b, so that `left operator b` is the target; None where there is not exactly one."""
    if not isinstance(left, (int, float, np.ndarray, np.generic)):
        return None
    with np.errstate(all="ignore"):
        match operator:
            case ast.Sub():
                return left - target
            case ast.Add() | ast.Mult():
                return left_of(operator, target, left)
            case ast.MatMult() if np.ndim(left) == 2 and np.linalg.matrix_rank(left) == np.shape(left)[1]:
                return np.linalg.pinv(left) @ target
    return None


def others_like(judge: Judge, example: Event, found: Event) -> Judge:
    """The same place in the other rounds of its loop claims the same variable there."""
    for event in judge.plain.events:
        key = (event.number, event.leaf)
        if event.site is example.site and judge.is_final(event) and not judge.claimed[key]:
            like = judge.counterpart(found, example, event)
            judge.claimed[key] = [like] if like is not None else []
    return judge

"""A mend: a small change that makes a wrong value right.

Which changes of a statement there are, what the mistake is called, and how the right line is shown.
"""

import ast
import copy
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import Scope, numeric, show
from minireid.gradcheck.cause.search import Candidate, candidates, roots, statement_candidates
from minireid.gradcheck.line.bench import Change, replaced
from minireid.gradcheck.line.program import Statement
from minireid.gradcheck.line.truth import Truth

RANKS = {Cause.ASSIGNS: 0, Cause.SHARED: 0, Cause.TWIN: 0}  # where changes to a whole statement stand among the rules


@dataclass
class Mend:
    """A change that makes a value right. mends: how many of the faults. size: characters added."""

    change: Change
    cause: Cause
    text: str
    tier: int
    rank: int
    distance: int  # statements from the wrong value
    size: int
    fixed: frozenset[int] = frozenset()  # sites of the faults that it mends
    by_chance: bool = False  # it may fit by accident
    at: Any = None  # the node to point at, if it is not the changed one
    line_added: str = ""  # where a line is missing: that line
    shown: str = ""  # the lines as they should be, if they are not those of the statement alone

    @property
    def statement(self) -> Statement:
        return self.change.statement

    @property
    def line(self) -> int:
        return getattr(self.at or self.change.old, "lineno", self.statement.line)

    def after(self) -> str:
        """The statement as it should be."""
        if self.line_added:
            return f"{self.line_added}   (a line after this one)"
        if self.shown:
            return self.shown
        if self.change.old is self.statement.node:
            new = self.change.new if isinstance(self.change.new, list) else [self.change.new]
            kept = [n for n in new if not isinstance(n, ast.Pass)]
            return "; ".join(show(head(n)) for n in kept) if kept else "(this line deleted)"
        return show(replaced(head(self.statement.node), self.change.old, self.change.new))

    def key(self) -> tuple[Any, ...]:
        first = self.cause is Cause.SHARED and isinstance(self.statement.node, ast.Assign)
        return (
            not first,
            -len(self.fixed),
            self.tier + self.by_chance,
            self.distance > 0,
            max(self.size, 0) // 8,
            self.distance,
            self.rank,
            abs(self.size),
        )


def head(node: ast.stmt) -> ast.stmt:
    """A loop or condition without its body."""
    if isinstance(node, (ast.For, ast.While, ast.If)):
        node = copy.copy(node)
        node.body, node.orelse = [ast.Expr(ast.Constant(...))], []
    return node


def changes(statement: Statement, scope: Scope, tier: int, truth: Truth | None = None,
            first: ast.expr | None = None) -> Iterator[tuple[Change, Callable[[], Mend]]]:  # fmt: skip
    """Every change of one tier to a statement, with what makes the mend of it.

    truth: with it the name of the mistake can be more exact than the rule's. first: the expression to begin with.
    """
    for name, text, new in statement_candidates(statement.node, scope, tier):
        change = Change(statement, statement.node, new)
        subtracts = isinstance(new[0], ast.AugAssign) and isinstance(new[0].op, ast.Sub)  # likelier a wrong sign
        yield (
            change,
            functools.partial(Mend, change, name, text, tier, 300 if subtracts else RANKS.get(name, 300), 0, 0),
        )

    def made(change: Change, candidate: Candidate) -> Mend:
        size = len(show(candidate.new)) - len(show(candidate.old))
        name = cause_of(truth, candidate, scope, statement.node) if truth is not None else candidate.rule.cause
        return Mend(change, name, candidate.text(), tier, candidate.rank, 0, size, by_chance=candidate.by_chance)

    places = list(roots(statement.node))
    if first is not None:
        places = [(first, "value"), *((root, where) for root, where in places if root is not first)]
    inside = {id(n) for n in ast.walk(first)} if first is not None else set()
    for root, where in places:
        for candidate in candidates(root, where, scope, tier):
            if root is first or id(candidate.old) not in inside:
                change = Change(statement, candidate.old, candidate.new)
                yield change, functools.partial(made, change, candidate)


# The name of the mistake


def cause_of(truth: Truth, candidate: Candidate, scope: Scope, statement: ast.stmt) -> Cause:
    """The name of the mistake: that of the rule, unless the values say it more exactly."""
    cause, old, new = candidate.rule.cause, scope.value(candidate.old), scope.value(candidate.new)
    gone = re.search(r"{([ABD])}", candidate.rule.text) if cause is Cause.FACTOR_EXTRA else None
    if gone is not None and is_setting(factor := candidate.found[gone[1]]):
        if (dropped := scope.value(factor)) is not None and np.ndim(dropped) == 0:
            return Cause.CONSTANT
    if (
        cause in (Cause.VARIABLE, Cause.OPERATION, Cause.FACTOR_MISSING, Cause.FACTOR_EXTRA)
        and np.ndim(old) == 0
        and numeric(old)
        and is_setting(candidate.old)
        and any(e.shape for e in truth.inputs.values())  # of a function of numbers each is a variable
    ):
        return Cause.CONSTANT
    if cause in (Cause.VARIABLE, Cause.ACTIVATION, Cause.OPERATION) and is_multiple(old, new):
        return Cause.CONSTANT
    if cause is Cause.ACTIVATION and "np.sign" in show(candidate.new):
        return Cause.OPERATION
    if cause in (Cause.VARIABLE, Cause.ACTIVATION) and isinstance(old, np.ndarray) and new is not None:
        a, b = np.asarray(old), np.asarray(new)
        if activation_of(a, b) or activation_of(b, a):
            return Cause.PRE_ACTIVATION
        if other_step(truth, a, b):
            return Cause.STEP
        if is_mask(a) or is_mask(b):
            return Cause.MASK
        if a.ndim > 1 and any(np.array_equal(b, np.flip(a, axes)) for axes in ((0, 1), (-2, -1))):
            return Cause.FLIPPED
    if isinstance(candidate.new, ast.Slice) and cuts_padding(truth, candidate, scope, statement):
        return Cause.BORDER
    return cause


def cuts_padding(truth: Truth, candidate: Candidate, scope: Scope, statement: ast.stmt) -> bool:
    """Whether a new slice cuts off exactly what is constant around a value of the forward: its padding."""
    cut = [n for n in ast.walk(statement) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Load)
           and any(i is candidate.old for i in ast.walk(n.slice))]  # fmt: skip
    base = scope.value(cut[0].value) if cut else None
    if not isinstance(base, np.ndarray):
        return False
    places = Scope({**scope.names, "__places__": np.arange(base.size).reshape(base.shape)}, scope.outside, set())
    new = replaced(cut[0].slice, candidate.old, candidate.new)
    kept = places.value(ast.Subscript(ast.Name("__places__", ast.Load()), new, ast.Load()))
    padded = [e.value for e in truth.by_shape[base.shape] if e.value is not None]
    return any(0 < np.size(kept) < base.size and np.ptp(np.delete(value, kept)) == 0 < np.ptp(value.flat[kept])
               for value in padded)  # fmt: skip


def other_step(truth: Truth, one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two arrays are values of one variable of the forward in two rounds of a loop."""

    def rounds(value: np.ndarray) -> set[tuple[str, str]]:
        alike = [e for e in truth.events if e.value is not None and e.shape == value.shape and e.loops
                 and np.array_equal(e.value, value)]  # fmt: skip
        return {(e.site.name, str(e.loops)) for e in alike if e.site.name}

    return any(n == m and a != b for n, a in rounds(one) for m, b in rounds(two))


def is_setting(node: ast.expr) -> bool:
    """Whether a number is a setting or a size, and not an entry of an array."""
    return not any(isinstance(n, ast.Subscript) and not isinstance(n.value, ast.Attribute) for n in ast.walk(node))


def is_multiple(old: Any, new: Any) -> bool:
    """Whether an array is a number times another, not 1 or -1."""
    if not (numeric(old) and numeric(new)) or np.size(old) < 2 or np.shape(old) != np.shape(new) or not np.any(old):
        return False
    a, b = np.asarray(old, float), np.asarray(new, float)
    where = np.unravel_index(np.argmax(np.abs(a)), a.shape)
    number = b[where] / a[where]
    return bool(number) and abs(number) != 1 and bool(np.allclose(b, number * a, rtol=1e-9))


def is_mask(value: np.ndarray) -> bool:
    """Whether an array lets some entries through and others not: bool, or 0 and one other number."""
    if value.dtype.kind == "b":
        return True
    numbers = np.unique(value) if value.size < 10_000 else value
    return value.size > 2 and numbers.size == 2 and bool(0 in numbers)


def activation_of(y: np.ndarray, x: np.ndarray) -> bool:
    """Whether y is tanh, sigmoid, exp or ReLU of x."""
    if x.dtype.kind != "f" or y.dtype.kind != "f" or x.shape != y.shape or x.size < 2 or np.array_equal(x, y):
        return False
    with np.errstate(all="ignore"):
        return any(np.allclose(y, f, rtol=1e-9, atol=1e-12)
                   for f in (np.tanh(x), 1 / (1 + np.exp(-x)), np.maximum(x, 0), np.exp(x)))  # fmt: skip

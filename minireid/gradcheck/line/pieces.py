"""The pieces of a wrong value: which expression computed each, and what it should be.

A value that is a sum (terms with +, or `+=` in a loop) is taken apart. Each piece should be the derivative by one use
of the variable. A piece that is so by no use is wrong; a use that no piece belongs to is missing.
"""

import ast
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from minireid.gradcheck.line.judge import Fault, Judge, Run
from minireid.gradcheck.line.program import Program, Statement, named, terms_of
from minireid.gradcheck.line.trace import Event

MAKING = ("assign", "add", "store", "touch", "argument")  # kinds of events that give a name its value


@dataclass
class Piece:
    """One execution of an expression whose value is wrong. targets: what would be right (any of them).

    read: what to evaluate; inside it stands the expression that may be changed. index: the part that counts.
    whole: whether `read` is a name to be read after the statement ran.
    """

    execution: int
    statement: int
    read: ast.expr
    targets: list[np.ndarray]
    index: Any = None
    whole: bool = False
    spreads: bool = False


@dataclass
class Parts:
    """pieces: wrong ones. missing: uses without a piece. twice: uses counted twice. final: the last event of the sum,
    and what it should be the derivative by. blamed: an event of the only statement that adds something wrong.
    unreached: a use, and an entry to which nothing is added in its round.
    """

    pieces: list[Piece] = field(default_factory=list)
    missing: list[Event] = field(default_factory=list)
    twice: list[Event] = field(default_factory=list)
    final: tuple[Event, Event] | None = None
    birth: Event | None = None
    blamed: Event | None = None
    unreached: tuple[Event, tuple[int, ...]] | None = None
    group: list[Event] = field(default_factory=list)


Raw = tuple[Event, np.ndarray, float, ast.expr | None]


class Pieces:
    """Takes the faults of one run apart."""

    def __init__(self, judge: Judge, program: Program, run: Run) -> None:
        self.judge, self.truth, self.program, self.run = judge, judge.truth, program, run
        self.events = {(e.number, e.leaf): e for e in run.events}
        self.terms: dict[tuple[int, int], list[Event]] = {}
        for event in run.events:
            if event.kind == "term":
                self.terms.setdefault((event.execution, event.frame.number), []).append(event)

    def of(self, fault: Fault) -> list[Parts]:
        """The parts of every wrong execution; of a value that each round replaces and should add to, the last one."""
        last = {(event.name, claim.number): (event, claim) for event, claim in fault.events}
        return [self.parts(event, claim) for event, claim in last.values()]

    def parts(self, event: Event, claim: Event) -> Parts:
        event = self.source(event)
        plain = self.judge.final[event.number, event.leaf]
        group = [self.events.get((e.number, e.leaf), e) for e in plain]
        found = Parts(final=(event, claim), birth=group[0], group=group)
        if event.value is None or claim.value is None or claim.value.size > self.judge.largest:
            return found
        if event.shape == claim.shape and event.site.number not in self.judge.scales:
            self.taken_apart(found, group, claim)
        raw = self.raw(group) if not found.pieces and not found.missing and event.shape == claim.shape else []
        if len(raw) == 1:  # one expression, and perhaps a number after it: dz /= m
            maker, _, number, read = raw[0]
            piece = self.piece(maker, [self.judge.wanted(event, claim) / number], read)
            found.pieces = [piece] if piece is not None else []
        elif len(group) == 1 and not found.pieces and not found.missing:
            found.pieces = [p for p in [self.piece(event, [self.judge.wanted(event, claim)])] if p is not None]
        return found

    def source(self, event: Event) -> Event:
        """Where a value was made that is only passed on under its name: `return dx`, `dh[t] = d`."""
        same = [e for e in self.run.events if e.object is event.object and e.number < event.number]
        same = [e for e in same if e.kind in ("store", "assign") and e.index is None and (e.kind == "store" or e.leaf)]
        same = [e for e in same if e.kind == "store" or e.leaf == event.leaf]
        if event.kind == "return" and event.leaf and same and (same[-1].number, same[-1].leaf) in self.judge.final:
            return same[-1]
        expression = self.expression(event)
        at = self.place(event)
        while isinstance(expression, (ast.Name, ast.Subscript, ast.Attribute)) and named(expression) and at is not None:
            frame = self.run.frames[at[0]]
            name = expression_name(expression)
            before = [e for e in self.run.events if e.frame is frame and e.name == name and e.number < event.number
                      and e.execution < at[0] and e.kind in MAKING]  # fmt: skip
            last = before[-1] if before else None
            if last is None or last.shape != event.shape or not np.allclose(last.print, event.print, rtol=1e-9):
                break
            key = (last.number, last.leaf)
            if last.kind == "argument" or key not in self.judge.final:
                break
            claimed = self.judge.claimed.get(key) and last.site.number not in {*self.run.faults, *self.judge.ignored}
            recognised = event.kind != "return" and self.judge.recognise(last) is not None
            if claimed or (recognised and last.site.number not in self.run.faults):
                break  # it is right as what it is: the mistake is to take it for something else
            if self.judge.recognise(last) is not None and self.read_elsewhere(name, last, event):
                break  # the same: other lines use it as what it is
            event, expression, at = last, self.expression(last), self.place(last)
        return event

    def read_elsewhere(self, name: str, made: Event, event: Event) -> bool:
        """Whether other statements than the event's read a value too, after it was made."""
        at = self.place(event)
        statements = {self.run.statements[x] for x, frame in enumerate(self.run.frames)
                      if frame is made.frame and x > made.execution} - {at[1].number if at else -1}  # fmt: skip
        nodes = [n for number in statements for n in ast.walk(self.program.statements[number].node)]
        return any(named(n) == name for n in nodes if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript)))

    def taken_apart(self, found: Parts, group: list[Event], claim: Event) -> None:
        if any(e.kind in ("add", "store") and e.site.key == "?" and self.times(group, e) is None for e in group):
            return  # `*=`: no sum
        if group[-1].index is not None and not group[-1].site.key:
            found.pieces = self.stored(group, claim)
            return
        raw = self.raw(group)
        uses = self.uses_of(claim)
        if not raw:
            found.missing = uses  # it is 0: nothing was added
        if not uses or not raw or (len(raw) == 1 and len(uses) == 1):
            return
        if len(uses) > 1 and (whole := self.matching(group[-1].value, uses)):  # type: ignore[arg-type]
            found.missing = [u for u in uses if all(u is not m for m in whole)]
            return
        left = list(uses)
        wrong = []
        for event, value, sign, read in raw:
            matched = self.matching(value, left)
            if matched:
                left = [u for u in left if all(u is not m for m in matched)]
            elif again := self.matching(value, uses):
                found.twice += again
            else:
                wrong.append((event, value, sign, read))
        wrong, left = self.without_right_statements(wrong, left)
        if left and len({event.site.statement for event, *_ in wrong}) == 1:
            found.blamed, found.unreached = wrong[0][0], self.unreached(wrong, left)
        windows = group[-1].index is not None
        if windows and (left == uses or (left and len(raw) < len(group) - 1)):  # some of them add zeros
            found.pieces = self.windows(group, claim)
            return
        if not wrong:
            found.missing = left
            return
        if len(wrong) > len(left) == len(uses):
            return  # the terms are more than the uses, and none is right alone: only their sum can be judged
        for event, value, sign, read in wrong[:4]:
            near = [u for u in left if self.judge.claims.same_round(u, event)] if len(wrong) > 1 else left
            several = near or left
            targets = [self.truth.full(u) / sign for u in several] if len(wrong) > 1 else []
            if several and (len(several) > 1 or not targets):
                targets.append(np.sum([self.truth.full(u) for u in several], axis=0) / sign)
            if not left:
                targets = []
            if event.index is not None and read is None:
                targets = [np.asarray(t[event.index[0]]) for t in targets]
            else:
                targets = [reduced(t, value.shape) for t in targets]
            piece = self.piece(event, targets, read)
            if piece is not None and targets:
                piece.spreads = event.index is None
                found.pieces.append(piece)

    def without_right_statements(self, wrong: list[Raw], left: list[Event]) -> tuple[list[Raw], list[Event]]:
        """Without the statements that add, in all their rounds, just what the uses in one statement need."""
        for number in dict.fromkeys(event.site.statement for event, *_ in wrong):
            own = [raw for raw in wrong if raw[0].site.statement == number]
            added = np.sum([value for _, value, *_ in own], axis=0)
            print_, norm = self.truth.tracer.print_of(added), float(np.linalg.norm(added))
            for use in dict.fromkeys(u.site.statement for u in left):
                uses = [u for u in left if u.site.statement == use]
                if self.truth.same(print_, np.sum([self.truth.print(u) for u in uses], axis=0), norm):
                    wrong = [raw for raw in wrong if all(raw is not o for o in own)]
                    left = [u for u in left if u.site.statement != use]
                    break
        return wrong, left

    def unreached(self, wrong: list[Raw], left: list[Event]) -> tuple[Event, tuple[int, ...]] | None:
        """A use, and an entry that gets nothing in its round, where all that is added in the round is right."""
        for use in left:
            own = [v for e, v, *_ in wrong if use.loops and use.loops.items() <= e.loops.items()]
            if own and own[0].shape == use.shape:
                rest, touched = self.truth.full(use) - np.sum(own, axis=0), np.any([v != 0 for v in own], axis=0)
                lacking = np.abs(rest) > 1e-7 * np.abs(rest).max()
                if lacking.any() and not (lacking & touched).any():
                    return use, tuple(int(i) for i in np.argwhere(lacking)[0])
        return None

    def times(self, group: list[Event], event: Event) -> float | None:
        """The number that `*=` or `/=` multiplies an array with; None if it is none."""
        position = next(n for n, e in enumerate(group) if e is event)
        before, after = group[position - 1].value if position else None, event.value
        return None if before is None or after is None else multiple(before, after)

    def raw(self, group: list[Event]) -> list[Raw]:
        """(event, what it adds, times what its expression stands in the sum, the expression)."""
        found: list[Raw] = []
        before: np.ndarray | None = None
        for event in group:
            if event.value is None:
                return []
            if event.site.key == "?" and event.kind in ("add", "store"):
                number = self.times(group, event)
                if number is None:
                    return []
                before, found = event.value, [(e, number * v, number * sign, read) for e, v, sign, read in found]
                continue
            fresh = event.kind not in ("add", "touch", "store") or (event.kind == "store" and not event.site.key)
            added = event.value if fresh or before is None else event.value - before
            before = event.value
            if not np.any(added):
                continue
            statement = self.program.statements[event.site.statement] if event.site.statement >= 0 else None
            subtracts = (
                statement is not None
                and isinstance(statement.node, ast.AugAssign)
                and isinstance(statement.node.op, ast.Sub)
            )
            terms = [t for t in self.terms.get((event.execution, event.frame.number), []) if t.value is not None]
            expression = self.expression(event)
            several = terms_of(expression) if expression is not None else []
            if event.index is None and len(several) > 1 and len(several) == len(self.of_sum(terms, event)):
                for term, node in zip(self.of_sum(terms, event), several):
                    sign = -1 if (term.site.key == "-") != subtracts else 1
                    value = np.broadcast_to(sign * term.value, event.shape)  # type: ignore[operator]
                    if np.any(value):  # not the zeros that `dW = dW + ...` begins with
                        found += self.renewed(event, node, value) or [(event, value, sign, node)]
            else:
                renewed = self.renewed(event, expression, added) if event.kind == "assign" else []
                found += renewed or [(event, added, -1 if subtracts else 1, None)]
        return found

    def renewed(self, event: Event, node: ast.expr | None, value: np.ndarray) -> list[Raw]:
        """What `dW` had before, in `dW = dW / m + W`, where this term is a number times it; empty if it is not."""
        if node is None or not any(expression_name(n) == event.name for n in ast.walk(node) if isinstance(n, ast.expr)):
            return []
        before = [e for e in self.run.events if e.name == event.name and e.frame is event.frame and e.kind != "term"
                  and e.number < event.number and (e.number, e.leaf) in self.judge.final]  # fmt: skip
        if not before or before[-1].value is None or before[-1].shape != event.shape:
            return []
        number = multiple(before[-1].value, value)
        if number is None:
            return []
        group = [self.events.get((e.number, e.leaf), e) for e in self.judge.final[before[-1].number, before[-1].leaf]]
        return [(e, number * v, number * sign, read) for e, v, sign, read in self.raw(group)]

    def of_sum(self, terms: list[Event], event: Event) -> list[Event]:
        """The terms of the sum that the event's expression is: the last sum before it with its name."""
        own = [t for t in terms if t.number < event.number and t.site.line >= event.site.line - 20]
        named_ = [t for t in own if t.site.name == (event.site.key if event.kind == "item" else event.site.name)]
        sums = [t.site.sum for t in named_]
        return [t for t in named_ if t.site.sum == sums[-1]] if sums else []

    def matching(self, value: np.ndarray, uses: list[Event]) -> list[Event]:
        """The use (or two, or all that are left) whose derivative this value is."""
        print_, norm = self.truth.tracer.print_of(value), float(np.linalg.norm(value))
        for use in uses:
            if self.truth.is_by(print_, norm, use):
                return [use]
        for count in (2, len(uses)):
            for several in combinations(uses, count) if 1 < count <= len(uses) <= 8 else ():
                if self.truth.same(print_, sum(self.truth.print(u) for u in several), norm):  # type: ignore[arg-type]
                    return list(several)
        return []

    def uses_of(self, claim: Event) -> list[Event]:
        """Where the forward uses the variable; empty if the derivatives by these uses do not add up to the whole."""
        if claim.uses:
            return [u for u in claim.uses if np.any(np.abs(self.truth.print(u)) > 1e-13)]
        later = [e for e in self.judge.claims.in_frame[claim.frame.number] if e.number > claim.number]
        if claim.kind == "input":
            attribute = f"self.{claim.name.rpartition('.')[2]}"
            later = [
                e
                for e in self.truth.events
                if e.kind == "use" and e.name in (claim.name, attribute) and e.shape == claim.shape
            ]
            return later if self.adds_up(later, claim) else []
        uses = []
        for event in later:
            again = event.name == claim.name and event.kind in ("assign", "add", "touch")
            if again and not np.array_equal(event.print, claim.print):
                break  # from here on the name has another value
            if event.name == claim.name and event.kind == "use" and event.shape == claim.shape:
                uses.append(event)
        uses = [u for u in uses if np.any(np.abs(self.truth.print(u)) > 1e-13)]
        return uses if self.adds_up(uses, claim) else []

    def adds_up(self, uses: list[Event], claim: Event) -> bool:
        whole = self.truth.print(claim)
        total = sum((self.truth.print(u) for u in uses), np.zeros(len(whole)))
        return bool(uses) and self.truth.same(total, whole, float(np.abs(whole).max()))

    def stored(self, group: list[Event], claim: Event) -> list[Piece]:
        """Pieces for stores with = into parts of an array."""
        true, found = self.judge.wanted(group[-1], claim), []
        for event in group:
            if event.index is None or event.index[0] is Ellipsis or event.value is None:
                continue
            part, wanted = event.value[event.index[0]], true[event.index[0]]
            if np.shape(part) and not np.size(part):
                continue
            if not np.abs(np.asarray(part) - wanted).max() <= 1e-7 * np.abs(true).max():
                piece = self.piece(event, [np.asarray(wanted)])
                if piece is not None:
                    piece.index = event.index[0] if piece.whole else None
                    found.append(piece)
        return found[:4]

    def windows(self, group: list[Event], claim: Event) -> list[Piece]:
        """Pieces for `+=` into parts of an array that do not overlap: what each should add."""
        found, before = [], group[0]
        rest, times = self.judge.wanted(group[-1], claim) - group[-1].value, np.zeros(claim.shape)
        for event in group[1:]:
            if event.value is None or before.value is None or event.index is None or event.index[0] is Ellipsis:
                return []
            times[event.index[0]] += 1
            sign, part = -1 if event.site.key == "-" else 1, np.asarray(rest[event.index[0]])
            if np.abs(part).max(initial=0) > 1e-7 * np.abs(rest).max():
                piece = self.piece(event, [sign * (part + (event.value - before.value)[event.index[0]])])
                found += [piece] if piece is not None else []
            before = event
        return found[:4] if times.max() == 1 else []

    # Expressions

    def piece(self, event: Event, targets: list[np.ndarray], read: ast.expr | None = None) -> Piece | None:
        at = self.place(event)
        if at is None:
            return None
        execution, statement = at
        node = read or self.expression(event)
        if node is not None:
            return Piece(execution, statement.number, node, targets)
        place = self.reading(event, statement)
        return None if place is None else Piece(execution, statement.number, place, targets, whole=True)

    def place(self, event: Event) -> tuple[int, Statement] | None:
        """(execution, statement) that computes the event's value: for an argument, that of the caller."""
        execution = event.frame.caller if event.kind == "argument" else event.execution
        if not 0 <= execution < len(self.run.statements):
            return None
        return execution, self.program.statements[self.run.statements[execution]]

    def expression(self, event: Event) -> ast.expr | None:
        """The expression whose value the event reports; None if there is none alone."""
        at = self.place(event)
        if at is None:
            return None
        node: Any = at[1].node
        if event.kind == "argument":
            return self.argument(node, event)
        if event.kind == "item":
            items = [(k, v) for d in ast.walk(node) if isinstance(d, ast.Dict) for k, v in zip(d.keys, d.values)]
            own = [v for k, v in items if isinstance(k, ast.Constant) and str(k.value) == event.site.key]
            return next((v for v in own if v.lineno == event.line), None)
        if event.kind == "return" and isinstance(node, ast.Return) and node.value is not None:
            value = node.value
            if isinstance(value, ast.Tuple):
                value = value.elts[int(event.site.key)]
            first, _, rest = event.leaf.partition(".")
            if first.startswith("#") and isinstance(value, ast.Tuple):  # return loss, (dW, db)
                return with_leaf(value.elts[int(first[1:])], f".{rest}" if rest else "")
            return with_leaf(value, event.leaf)
        if event.kind in ("assign", "add", "store") and isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if len(targets) == 1 and isinstance(targets[0], (ast.Name, ast.Attribute, ast.Subscript)):
                leaf = event.leaf if event.kind != "store" else ""
                return with_leaf(node.value, leaf) if node.value is not None else None
            if isinstance(targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                for target, value in zip(targets[0].elts, node.value.elts):
                    if named(target) == event.site.name:
                        return with_leaf(value, event.leaf)
        return None

    def argument(self, node: Any, event: Event) -> ast.expr | None:
        position = int(event.site.key)
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                method = isinstance(call.func, ast.Attribute) and len(event.frame.given) > len(call.args) + len(
                    call.keywords
                )
                place = position - method
                if name == event.frame.function and 0 <= place < len(call.args):
                    return with_leaf(call.args[place], event.leaf)
        return None

    def reading(self, event: Event, statement: Statement) -> ast.expr | None:
        """The name of the value, to be read after the statement ran."""
        if event.kind == "return":
            read: ast.expr = ast.Name("__returned__", ast.Load())
            if isinstance(statement.node, ast.Return) and isinstance(statement.node.value, ast.Tuple):
                read = ast.Subscript(read, ast.Constant(int(event.site.key)), ast.Load())
            return with_leaf(read, event.leaf)
        if not event.site.name or event.kind == "item":
            return None
        first, *keys = event.site.name.split(".")
        read = ast.Name(first, ast.Load())
        for key in keys:
            read = ast.Attribute(read, key, ast.Load()) if first == "self" and read == keys[0] else sub(read, key)
        if first == "self" and keys:
            read = ast.Attribute(ast.Name("self", ast.Load()), keys[0], ast.Load())
        return with_leaf(read, event.leaf)


def multiple(one: np.ndarray, other: np.ndarray) -> float | None:
    """The number that makes one array the other; None if there is none, or if it is 0."""
    if not np.any(one):
        return None
    where = np.unravel_index(np.argmax(np.abs(one)), one.shape)
    number = float(other[where] / one[where])
    return number if number and np.allclose(other, number * one, rtol=1e-12) else None


def expression_name(node: ast.expr) -> str:
    """dx; grads.W for grads["W"]; empty for a part of an array."""
    if isinstance(node, ast.Subscript) and not (
        isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    ):
        return ""
    return named(node)


def sub(node: ast.expr, key: str) -> ast.expr:
    return ast.Subscript(node, ast.Constant(key), ast.Load())


def with_leaf(node: ast.expr, leaf: str) -> ast.expr:
    """node["W"] for the leaf .W; an entry of a dict display itself."""
    for key in leaf.split(".")[1:]:
        if isinstance(node, ast.Dict):
            inside = [v for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant) and str(k.value) == key]
            node = inside[0] if inside else sub(node, key)
        else:
            node = sub(node, key)
    return node


def reduced(target: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return target if target.shape == shape else np.broadcast_to(target, shape)

"""The search for the smallest change that makes a value right: the rules of the table, tried one after another."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.choices import choices
from minireid.gradcheck.cause.match import Found, choice_in, match, pattern, places, rewritten
from minireid.gradcheck.cause.rules import RULES, Rule
from minireid.gradcheck.cause.scope import Scope, numeric, parse, placed, show, whole

WHOLE_PRODUCT = {"-A", "A * <factor>", "A * <slope>", "A * <number>", "A / <number>", "A / <factor>", "A * <mask>"}

WHOLE = ("call", "slice", "reshaped", "padded")  # choices that are all of the right side


@dataclass(frozen=True)
class Candidate:
    """`old` becomes `new`. rank: its place in the table."""

    rule: Rule
    old: Any
    new: Any
    found: Found
    choice: Any
    rank: int

    @property
    def by_chance(self) -> bool:
        """Whether it may fit by accident: a number that the program does not have."""
        return isinstance(self.choice, ast.Constant) and self.rule.tier > 0

    def text(self) -> str:
        words = {k: show(v) for k, v in self.found.items() if isinstance(v, ast.AST)}
        words["choice"] = show(self.choice) if self.choice is not None else ""
        return self.rule.text.format(old=show(self.old), new=show(self.new), **words)


def roots(statement: ast.stmt) -> Iterator[tuple[Any, str]]:
    """The expressions of a statement, with what they are: value, index or number."""
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        if statement.value is not None:
            yield statement.value, "value"
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Subscript):
                    yield node.slice, "index"
    elif isinstance(statement, (ast.Return, ast.Expr)) and statement.value is not None:
        yield statement.value, "value"
    elif isinstance(statement, ast.For):
        yield statement.iter, "number"
    elif isinstance(statement, (ast.If, ast.While)):
        yield statement.test, "value"


def candidates(root: Any, where: str, scope: Scope, tier: int) -> Iterator[Candidate]:
    """All changes of one tier inside an expression."""
    whole_value = scope.value(root) if where == "value" and isinstance(root, ast.expr) else None
    scope.whole = whole_value.shape if isinstance(whole_value, np.ndarray) else ()
    for node, place, product in places(root, where):
        for rank, rule in enumerate(RULES):
            if rule.tier != tier or rule.where != place or (product and rule.right in WHOLE_PRODUCT):
                continue
            if rule.wrong == "A" and place == "value" and is_tuple(node, scope):
                continue  # several values are no number; a shape times 5 has five times the axes
            found: Found = {}
            if not match(pattern(rule.wrong), node, scope, found):
                continue
            kind = choice_in(rule.right)
            for choice in choices(kind, found, node, scope) if kind else (None,):
                new = choice if kind in WHOLE else rewritten(pattern(rule.right), found, choice)
                yield Candidate(rule, node, placed(new), found, choice, rank)


def is_tuple(node: ast.expr, scope: Scope) -> bool:
    return isinstance(node, ast.Tuple) or isinstance(scope.value(node), tuple)


def statement_candidates(node: ast.stmt, scope: Scope, tier: int = 0) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """(cause, text, new statements): changes of one tier to a whole statement."""
    for cause, text, new in whole_changes(node, scope) if tier == 0 else one_more(node, scope) if tier == 2 else ():
        yield cause, text, [located(n, node) for n in new]


def located(new: ast.stmt, old: ast.stmt) -> ast.stmt:
    for inner in ast.walk(new):
        if isinstance(inner, ast.stmt) and not hasattr(inner, "lineno"):
            ast.copy_location(inner, old)
    return ast.fix_missing_locations(new)


def whole_changes(node: ast.stmt, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    if isinstance(node, ast.Assign) and len(node.targets) > 1:
        several: list[ast.stmt] = [ast.Assign([t], node.value) for t in node.targets]
        names = " and ".join(show(t) for t in node.targets)
        yield Cause.SHARED, f"{names} are one and the same array here", several
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        yield from assigned(node, node.targets[0], scope)
    if isinstance(node, ast.AugAssign):
        yield from added(node)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
        clips = "clip" in show(node)
        text = "clipping changes the gradient: it has to go" if clips else "this line should not be there"
        updates = isinstance(node, ast.AugAssign) and not scope.is_gradient(show(node.target))
        if updates:
            text = f"{show(node.target)} is changed here before it is used: it has to come after"  # type: ignore[union-attr]
        yield (Cause.OPERATION if clips else Cause.OLD_VALUE if updates else Cause.TERM_EXTRA), text, [ast.Pass()]
    yield from twins(node)
    if not isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
        yield from exchanged(node, scope)
        yield from everywhere(node, scope)
        yield from both(node, scope)


def exchanged(node: ast.stmt, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """Two names of one kind, exchanged everywhere in the statement."""
    names = list(dict.fromkeys(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in scope.names))
    for one, two in combinations(names, 2):
        a, b = scope.names[one], scope.names[two]
        if (whole(a) and whole(b)) or (numeric(a) and numeric(b) and np.shape(a) == np.shape(b)):
            cause = Cause.INDEX if whole(a) else Cause.ORDER if side_by_side(node, one, two) else Cause.VARIABLE
            yield (
                cause,
                f"{one} and {two} are exchanged",
                [Renamed({one: parse(two), two: parse(one)}).visit(copy.deepcopy(node))],
            )


def side_by_side(node: ast.stmt, one: str, two: str) -> bool:
    """Whether two names are elements of one tuple or list, such as the parts that np.concatenate puts together."""
    rows = [[show(e) for e in n.elts] for n in ast.walk(node) if isinstance(n, (ast.Tuple, ast.List))]
    return any(one in row and two in row for row in rows)


def everywhere(node: Any, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """A name that one side of the statement uses more than once, replaced in all of these places."""
    for part in ("target", "targets", "value"):
        yield from counters_everywhere(node, part, scope)
    value = getattr(node, "value", None)
    if value is None:
        return
    names = [n.id for n in ast.walk(value) if isinstance(n, ast.Name) and n.id in scope.names]
    for old in dict.fromkeys(n for n in names if names.count(n) > 1 and numeric(scope.names[n])):
        for text, array in scope.arrays().items():
            if text != old and array.shape == np.shape(scope.names[old]):
                new = copy.copy(node)
                new.value = Renamed({old: parse(text)}).visit(copy.deepcopy(value))
                yield Cause.VARIABLE, f"{old} stands where {text} belongs", [new]


def counters_everywhere(node: Any, part: str, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """The same for a whole number: i : i + n becomes s : s + n."""
    side: Any = getattr(node, part, None)
    several = side if isinstance(side, list) else [side] if side is not None else []
    names = [n.id for s in several for n in ast.walk(s) if isinstance(n, ast.Name) and whole(scope.names.get(n.id))]
    for old in dict.fromkeys(n for n in names if names.count(n) > 1):
        for other in (n for n in scope.integers() if n != old):
            changed = [Renamed({old: parse(other)}).visit(copy.deepcopy(s)) for s in several]
            new = copy.copy(node)
            setattr(new, part, changed if isinstance(side, list) else changed[0])
            yield Cause.INDEX, f"{old} stands where {other} belongs", [new]


def both(node: ast.stmt, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """A stride or a padding left out in both rows and columns."""
    counters = [
        n for n in dict.fromkeys(n.id for n in ast.walk(node) if isinstance(n, ast.Name)) if whole(scope.names.get(n))
    ]
    for factor in scope.integers():
        for one, two in combinations([c for c in counters if c != factor], 2):
            names = {n: parse(f"{n} * {factor}") for n in (one, two)}
            for part in ("target", "targets", "value"):
                inside = getattr(node, part, None)
                if inside is None:
                    continue
                new = copy.copy(node)
                changed = [
                    Renamed(names).visit(copy.deepcopy(i)) for i in (inside if isinstance(inside, list) else [inside])
                ]
                setattr(new, part, changed if isinstance(inside, list) else changed[0])
                yield Cause.STRIDE, f"{one} and {two} must be multiplied by {factor}", [new]
        strided = Strided(factor)
        new = strided.visit(copy.deepcopy(node))
        if strided.changed > 1:
            yield Cause.STRIDE, f"rows and columns must go in steps of {factor}", [new]
        for form in ("{p}:{p} + {n}", "{p}:-{p}"):
            cut = Cut(factor, form)
            new = cut.visit(copy.deepcopy(node))
            if cut.changed > 1:
                yield Cause.BORDER, f"rows and columns must start at {factor}", [new]
    for form in (":{n}",):
        cut = Cut("0", form)
        new = cut.visit(copy.deepcopy(node))
        if cut.changed > 1:
            yield Cause.BORDER, "rows and columns must start at 0", [new]


class Renamed(ast.NodeTransformer):
    """Names become others where they are read. What stands behind out= is written, so it stays."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg == "out" else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.names and isinstance(node.ctx, ast.Load):
            return copy.deepcopy(self.names[node.id])
        return node


class Cut(ast.NodeTransformer):
    """: n becomes p : p + n in every slice."""

    def __init__(self, start: str, form: str) -> None:
        self.start, self.form, self.changed = start, form, 0

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        length = node.upper
        if length is None or node.step is not None:
            return node
        if node.lower is not None:
            if not (isinstance(length, ast.BinOp) and isinstance(length.op, ast.Add)):
                return node
            length = length.right
        self.changed += 1
        text = self.form.format(p=self.start, n=show(length))
        return ast.parse(f"x[{text}]", mode="eval").body.slice  # type: ignore[attr-defined]


class Strided(ast.NodeTransformer):
    """a : a + n becomes a : a + n * s : s in every slice."""

    def __init__(self, step: str) -> None:
        self.step, self.changed = step, 0

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        upper = node.upper
        if (
            node.step is not None
            or node.lower is None
            or not isinstance(upper, ast.BinOp)
            or not isinstance(upper.op, ast.Add)
        ):
            return node
        if show(upper.left) != show(node.lower):
            return node
        self.changed += 1
        text = f"{show(node.lower)}:{show(node.lower)} + ({show(upper.right)}) * {self.step}:{self.step}"
        return ast.parse(f"x[{text}]", mode="eval").body.slice  # type: ignore[attr-defined]


def assigned(node: ast.Assign, target: ast.expr, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    if isinstance(target, (ast.Name, ast.Subscript, ast.Attribute)):
        yield (
            Cause.ASSIGNS,
            "the line replaces what is there, but it should add",
            [ast.AugAssign(target, ast.Add(), node.value)],
        )
        yield Cause.ASSIGNS, "the line replaces, but it should subtract", [ast.AugAssign(target, ast.Sub(), node.value)]
    if isinstance(target, ast.Subscript):
        yield add_at(target, node.value, Cause.ASSIGNS)
        yield from row_by_row(target, node.value)
    if isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
        names = [e.id for e in target.elts]  # type: ignore[attr-defined]
        for i in range(len(names)):
            for j in range(i):
                swapped = list(target.elts)
                swapped[i], swapped[j] = swapped[j], swapped[i]
                text = f"{names[j]} and {names[i]} are unpacked in the wrong order"
                yield Cause.VARIABLE, text, [ast.Assign([ast.Tuple(swapped, ast.Store())], node.value)]
        for i, name in enumerate(names):
            for other in sorted(scope.gradients & scope.names.keys() - set(names)):
                new = [ast.Name(other, ast.Store()) if k == i else e for k, e in enumerate(target.elts)]
                text = f"what is stored in {name} belongs in {other}"
                yield Cause.NOT_CARRIED, text, [ast.Assign([ast.Tuple(new, ast.Store())], node.value)]
    if isinstance(target, ast.Name) and isinstance(node.value, ast.Name):
        own = ast.Assign(node.targets, parse(f"{node.value.id}.copy()"))
        yield Cause.SHARED, f"{target.id} and {node.value.id} are one and the same array: it needs a copy", [own]
    if isinstance(target, ast.Name):
        for other in sorted(scope.gradients & scope.names.keys() - {target.id}):
            text = f"what is stored in {target.id} belongs in {other}"
            yield Cause.VARIABLE, text, [ast.Assign([ast.Name(other, ast.Store())], node.value)]


def row_by_row(target: ast.Subscript, value: ast.expr) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """x[:, i] = y[:, None] puts entry i[n] of all rows; row n has its own with x[np.arange(len(i)), i] = y."""
    places, text = getattr(target.slice, "elts", []), show(value)
    if len(places) == 2 and isinstance(places[0], ast.Slice) and text.endswith("[:, None]"):
        i = show(places[1])
        new = f"{show(target.value)}[np.arange(len({i})), {i}] = {text.removesuffix('[:, None]')}"
        yield Cause.INDEX, f"entry n of {i} belongs to row n, not to all rows", ast.parse(new).body


def added(node: ast.AugAssign) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    target = node.target
    if isinstance(node.op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield (
            Cause.SIGN,
            f"{show_op(node.op)} stands where {show_op(other)} belongs",
            [ast.AugAssign(target, other, node.value)],
        )
        yield Cause.ADDS, "the line adds, but it should replace", [ast.Assign([target], node.value)]
    if isinstance(node.op, (ast.Mult, ast.Div)):
        yield Cause.FACTOR_EXTRA, f"the factor {show(node.value)} does not belong here", [ast.Pass()]
    if isinstance(target, ast.Subscript):
        value = ast.UnaryOp(ast.USub(), node.value) if isinstance(node.op, ast.Sub) else node.value
        yield add_at(target, value, Cause.ASSIGNS)
    load = placed(ast.parse(show(target), mode="eval").body)
    operation = ast.BinOp(load, node.op, node.value)
    text = f"{show(target)} is changed in place, and with it another name: it needs a new array"
    yield Cause.SHARED, text, [ast.Assign([target], operation)]


def one_more(node: ast.stmt, scope: Scope) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """A line that adds a term, after one that is no sum: dx += dy after dx /= std."""
    if isinstance(node, ast.AugAssign) and not isinstance(node.op, (ast.Add, ast.Sub)):
        target = parse(show(node.target))
        for term in choices("term", {"A": target}, target, scope):
            text = f"after this line one is missing that adds {show(term)}"
            yield Cause.TERM_MISSING, text, [node, ast.AugAssign(node.target, ast.Add(), term)]


def show_op(op: ast.operator) -> str:
    return "+=" if isinstance(op, ast.Add) else "-="


def add_at(target: ast.Subscript, value: ast.expr, cause: Cause) -> tuple[Cause, str, list[ast.stmt]]:
    base = parse(show(target.value))
    new = ast.Expr(ast.Call(parse("np.add.at"), [base, index_of(target.slice), value], []))
    return cause, "an index that occurs more than once keeps only one of its contributions", [new]


def index_of(node: Any) -> Any:
    """An index as an expression: slices become slice(...)."""
    if isinstance(node, ast.Slice):
        return ast.Call(parse("slice"), [n or ast.Constant(None) for n in (node.lower, node.upper, node.step)], [])
    if isinstance(node, ast.Tuple):
        return ast.Tuple([index_of(e) for e in node.elts], ast.Load())
    return node


def twins(node: ast.stmt) -> Iterator[tuple[Cause, str, list[ast.stmt]]]:
    """The same once more for the other row of the pair, with the opposite or the same sign."""
    text = show(node)
    for a, b in (("0", "1"), ("1", "0"), ("i", "j"), ("left", "right"), ("first", "second"), ("a", "b")):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            index = show(node.target.slice)
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and text.startswith("np.")
            and len(node.value.args) == 3
        ):
            index = show(node.value.args[1])
        else:
            return
        if a not in index:
            continue
        for old, new in (
            ("+=", "-="),
            ("-=", "+="),
            ("add", "subtract"),
            ("subtract", "add"),
            ("+=", "+="),
            ("add", "add"),
        ):
            if old not in text:
                continue
            again = text.replace(old, new, 1).replace(index, index.replace(a, b), 1)
            try:
                more = ast.parse(again).body[0]
            except SyntaxError:
                continue
            yield Cause.TWIN, f"the other row of the pair gets no gradient: {again} is missing", [node, more]


Test = Callable[[Any, Any], bool]

"""The new code of a function in which every condition passes through a recorder (conditions.py).

if x > 0:                  if __tracer__.compared(0, x, 0):
np.maximum(x, y)           __tracer__.called(1, np.maximum, x, y)
"""

import ast
import copy
import dis
import operator
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from minireid.gradcheck.line.program import waits
from minireid.gradcheck.line.taps import TRACER, call, located

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
SMALLER = dict.fromkeys(("minimum", "fmin", "min"), operator.lt)  # of two numbers they take the first if it is smaller
KINDS = dict.fromkeys(("maximum", "fmax", "max", *SMALLER), "larger")
KINDS |= {"abs": "abs", "absolute": "abs", "fabs": "abs", "clip": "clip", "any": "test", "all": "test"}
LONGEST = 50  # characters of a condition that are told
# Opcodes of a function that can choose.
CHOOSES = {number for name, number in dis.opmap.items() if name == "COMPARE_OP" or name.startswith("POP_JUMP")}


@dataclass
class Condition:
    """A place. kind: test, mask, clip, abs, or larger (which of two numbers). guard: it keeps from a rare event only.

    text: its source. operation: of a comparison, or lt or gt. first, second: the source of the two numbers of `larger`.
    """

    function: str
    line: int
    text: str
    kind: str
    operation: Callable[[Any, Any], Any] = operator.gt
    first: str = ""
    second: str = ""
    guard: bool = False

    def lacks(self, seen: set[Any]) -> set[Any]:
        """The sides that did not occur; none where it never ran."""
        return ({-1, 0, 1} if self.kind == "clip" else {True, False}) - seen if seen else set()

    def words(self, lacking: set[Any]) -> str:
        """What happened in place of the sides that are lacking."""
        if self.kind == "clip":
            where = "" if len(lacking) > 1 else {-1: " below", 1: " above"}.get(min(lacking), "")
            return f"{self.text} cut {'everything' if 0 in lacking else 'nothing'} off{where}"
        if self.kind == "abs":
            return f"{self.text} was given no {'positive' if True in lacking else 'negative'} number"
        if self.kind == "larger":
            return f"{self.text} was {self.first if False in lacking else self.second} everywhere"
        return f"{self.text} was {False in lacking} everywhere"


class Taps(ast.NodeTransformer):
    """Puts taps into the conditions of one function, and of the functions inside it.

    conditions: each tap adds one. lines: of the file. masks: whether an argument may be a mask. name: of the function.
    unused: its arguments that may be masks and were not used yet.
    """

    def __init__(
        self, conditions: list[Condition], lines: list[str], masks: bool, name: str = "", unused: Iterable[str] = ()
    ) -> None:
        self.conditions, self.lines, self.masks, self.name, self.unused = conditions, lines, masks, name, set(unused)

    def function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if getattr(node, "tapped", False) or waits(node):
            return node
        node.tapped = True  # type: ignore[attr-defined]
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        inner = Taps(self.conditions, self.lines, self.masks, node.name, (a.arg for a in arguments if self.masks))
        node.body = [inner.visit(statement) for statement in node.body]
        return node

    visit_FunctionDef = function

    def tap(self, method: str, like: Any, kind: str, *arguments: ast.expr, **rest: Any) -> Any:
        """A call of the recorder that stands where `like` stood."""
        number = ast.Constant(len(self.conditions))
        self.conditions.append(Condition(self.name, like.lineno, self.text(like), kind, **rest))
        return located(call(method, number, *arguments), like)

    def text(self, node: Any) -> str:
        """The source as it was written, if it stands in one line."""
        if node.lineno == node.end_lineno:
            text = self.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()
        else:
            text = ast.unparse(node)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

    def visit_Name(self, node: ast.Name) -> Any:
        """The first use of an argument: it may be a mask."""
        if not isinstance(node.ctx, ast.Load) or node.id not in self.unused:
            return node
        self.unused.discard(node.id)
        return self.tap("masked", node, "mask", node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) > 1 or type(node.ops[0]) not in OPERATORS:
            return node  # `is None`, `in`: nothing that depends on numbers
        before = copy.deepcopy(node)
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        return self.tap("compared", before, "test", left, right, operation=OPERATORS[type(node.ops[0])])

    def visit_Call(self, node: ast.Call) -> Any:
        before = copy.deepcopy(node)
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in KINDS:
            return node
        first, second = [*map(self.text, before.args), "", ""][:2]
        rest = {"first": first, "second": second, "operation": SMALLER.get(name, operator.gt)}
        new = self.tap("called", before, KINDS[name], node.func, *node.args, **rest)
        new.keywords = node.keywords
        return new

    def visit_If(self, node: Any) -> Any:
        if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
            return node  # it says which inputs are not allowed: that is no branch of the function
        before = copy.deepcopy(node.test)
        self.generic_visit(node)
        if isinstance(before, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) and not tapped(node.test):
            node.test = self.tap("tested", before, "test", node.test)
        return node

    visit_IfExp = visit_If

    def same(self, node: Any) -> Any:
        return node

    visit_Assert = visit_JoinedStr = visit_ClassDef = same


def tapped(node: ast.AST) -> bool:
    """Whether a node has become a call of the recorder."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith(TRACER)


def may_choose(code: types.CodeType) -> bool:
    """Whether a function may have conditions. Most have none, and need no new code."""
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return bool(set(KINDS) & set(code.co_names) or CHOOSES & set(code.co_code[::2])) or any(map(may_choose, inner))

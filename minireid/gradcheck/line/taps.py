"""Taps: calls in the syntax tree of a function that pass a value on and report it.

before   before a simple statement: the statement and the local names
value    after a name or attribute was assigned; for an argument; for an expression
store    after a part of an array or an entry of a dict was assigned
settle   after a loop that assigned parts of an array
"""

import ast
import copy
from typing import Any

from minireid.gradcheck.line.program import Program, Site, Statement, named, terms_of, waits

TRACER = "__tracer__"
SIZES = ("shape", "dtype", "ndim", "size")  # attributes that have no derivative
OPERATORS = {ast.Add: "+", ast.Sub: "-"}  # of `+=`; any other: ?
BUFFERS = ("zeros", "empty", "ones", "full")  # new arrays: for the complex step they must hold complex numbers


class Taps(ast.NodeTransformer):
    """Puts the taps into one function, and into the functions inside it."""

    def __init__(self, program: Program, filename: str) -> None:
        self.program, self.filename = program, filename

    def function(
        self, node: ast.FunctionDef, original: ast.FunctionDef | None = None, outer: ast.FunctionDef | None = None
    ) -> ast.FunctionDef:
        """The function with taps. original: a copy of it that stays as it is, inside the copy of `outer`."""
        if getattr(node, "tapped", False) or waits(node):
            return node
        node.tapped = True  # type: ignore[attr-defined]
        self.node, self.statement_number = original or copy.deepcopy(node), -1
        self.outer = outer or self.node
        self.loops: list[ast.stmt] = []
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        stored = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.locals = {*names, *stored}
        entry: list[ast.stmt] = [located(ast.Expr(call("enter", ast.Constant(node.name))), node)]
        for position, name in enumerate(names):
            site = self.site("argument", name, node, str(position))
            tap = call("value", ast.Constant(site), ast.Name(name, ast.Load()))
            entry.append(located(ast.Assign([ast.Name(name, ast.Store())], tap), node))
        body = self.block(node.body, self.node.body)
        leave = located(ast.Expr(call("leave")), node)
        node.body = [
            entry[0],
            located(ast.Try(body=[*entry[1:], *body], handlers=[], orelse=[], finalbody=[leave]), node),
        ]
        return node

    def block(self, statements: list[ast.stmt], originals: list[ast.stmt]) -> list[ast.stmt]:
        """The statements with taps. originals: the same statements, which stay as they are."""
        found = []
        for position, (statement, original) in enumerate(zip(statements, originals)):
            found += self.statement(statement, original, originals, position)
        return found

    def statement(self, node: Any, original: Any, block: list[ast.stmt], position: int) -> list[ast.stmt]:
        """What replaces a statement: a report of the names, the statement with taps, a tap for each assigned value."""
        if isinstance(node, ast.FunctionDef):
            inner = Taps(self.program, self.filename)
            return [inner.function(node, original, self.outer)]
        if isinstance(node, (ast.ClassDef, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass)):
            return [node]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return [node]  # a docstring
        number = self.statement_number = len(self.program.statements)
        self.program.statements.append(
            Statement(number, original, self.node, block, position, tuple(self.loops), self.filename, self.outer)
        )
        before = call("before", ast.Constant(number), ast.Call(ast.Name("locals", ast.Load()), [], []))
        recording = ast.Attribute(ast.Name(TRACER, ast.Load()), "recording", ast.Load())
        here = located(ast.Expr(ast.BoolOp(ast.And(), [recording, before])), node)  # locals() takes time
        if isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
            return [here, *self.compound(node, original)]
        after: list[ast.stmt] = []
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            operator = OPERATORS.get(type(node.op), "?") if isinstance(node, ast.AugAssign) else ""
            after = [tap for target in targets for tap in self.taps_on(target, operator)]
            node.value = self.right(node.value, named(targets[0]))
        elif isinstance(node, ast.Return) and node.value is not None:
            node.value = self.returned(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            after = self.touched(node.value)
            node.value = self.visit(node.value)
        return [here, node, *(located(tap, node) for tap in after)]

    def compound(self, node: Any, original: Any) -> list[ast.stmt]:
        if isinstance(node, (ast.For, ast.While)):
            return self.loop(node, original)
        for name in ("body", "orelse", "finalbody"):
            if getattr(node, name, None):
                setattr(node, name, self.block(getattr(node, name), getattr(original, name)))
        for handler, other in zip(getattr(node, "handlers", []), getattr(original, "handlers", [])):
            handler.body = self.block(handler.body, other.body)
        return [node]

    def loop(self, node: Any, original: Any) -> list[ast.stmt]:
        source = node.target if isinstance(node, ast.For) else node.test
        names = [n.id for n in ast.walk(source) if isinstance(n, ast.Name) and n.id in self.locals]
        data = drawn_by_zip(node.target, node.iter) if isinstance(node, ast.For) else set()
        names = [n for n in names if n not in data]
        counters = ast.Dict([ast.Constant(n) for n in names], [ast.Name(n, ast.Load()) for n in names])
        depth = ast.Constant(len(self.loops))
        start = located(ast.Expr(call("loop", depth, counters)), node)
        end = located(ast.Expr(call("end_loop", depth)), node)
        if isinstance(node, ast.For):
            node.iter = self.visit(node.iter)
        entering = [located(t, node) for t in self.taps_on(node.target, "")] if isinstance(node, ast.For) else []
        outermost = not self.loops
        if outermost:
            self.inner: list[tuple[int, ast.expr]] = []
        self.loops.append(original)
        node.body = [start, *entering, *self.block(node.body, original.body)]
        self.loops.pop()
        node.orelse = self.block(node.orelse, original.orelse)
        if not outermost:
            return [node, end]
        last = {ast.unparse(base): (site, base) for site, base in self.inner}.values()
        settled = [ast.Expr(call("settle", ast.Constant(site), copy.deepcopy(base))) for site, base in last]
        return [node, end, *(located(s, node) for s in settled)]

    # Right-hand sides

    def right(self, value: ast.expr, name: str) -> ast.expr:
        """Taps in a right-hand side: on the entries of a dict, the elements of a tuple, the terms of a sum."""
        if isinstance(value, ast.Dict):
            keys = [k.value if isinstance(k, ast.Constant) else "" for k in value.keys]
            items = [self.wrap(self.right(v, str(k)), "item", str(k), v, str(k)) if k != "" else self.visit(v)
                     for k, v in zip(keys, value.values)]  # fmt: skip
            value.values = items
            return value
        if isinstance(value, ast.Tuple):
            value.elts = [self.right(v, name) for v in value.elts]
            return value
        if len(terms_of(value)) == 1:
            return self.visit(value)
        return self.add_up(value, name, "+", len(self.program.sites))

    def add_up(self, node: ast.expr, name: str, sign: str, number: int) -> ast.expr:
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            other = {"+": "-", "-": "+"}[sign] if isinstance(node.op, ast.Sub) else sign
            left, right = self.add_up(node.left, name, sign, number), self.add_up(node.right, name, other, number)
            return ast.copy_location(ast.BinOp(left, node.op, right), node)
        return self.wrap(self.visit(node), "term", name, node, sign, number)

    def returned(self, value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Tuple):
            value.elts = [self.position(v, n) for n, v in enumerate(value.elts)]
            return value
        return self.position(value, 0)

    def position(self, value: ast.expr, number: int) -> ast.expr:
        name = f"returned {number}"
        return self.wrap(self.right(value, name), "return", name, value, str(number))

    # Targets

    def taps_on(self, target: ast.expr, augmented: str) -> list[ast.stmt]:
        if isinstance(target, (ast.Tuple, ast.List)):
            return [tap for element in target.elts for tap in self.taps_on(element, augmented)]
        name = named(target)
        if not name:
            return []
        load = copy.deepcopy(target)
        for node in ast.walk(load):
            if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
                node.ctx = ast.Load()
        if isinstance(target, (ast.Name, ast.Attribute)):
            site = self.site("add" if augmented else "assign", name, target, augmented)
            return [ast.Assign([copy.deepcopy(target)], call("value", ast.Constant(site), load))]
        assert isinstance(load, ast.Subscript)
        if any(isinstance(n, (ast.Call, ast.NamedExpr)) for n in ast.walk(load.value)):
            return []
        assert isinstance(target, ast.Subscript)
        site = self.site("store", name, target, augmented)
        if self.loops and isinstance(target.value, ast.Name):
            self.inner.append((site, load.value))
        index = ast.Call(ast.Attribute(ast.Name(TRACER, ast.Load()), "index", ast.Load()), [], [])
        if not repeatable(load.slice):
            index_ = ast.Constant(None)
            return [ast.Expr(call("store", ast.Constant(site), load.value, index_))]
        return [ast.Expr(call("store", ast.Constant(site), load.value, ast.Subscript(index, load.slice, ast.Load())))]

    def touched(self, node: ast.Call) -> list[ast.stmt]:
        """Names that a call may have changed: its first argument, out=, the object of a method."""
        places: list[ast.expr] = [a for a in node.args[:1] if named(a) and not isinstance(a, ast.Subscript)]
        places += [k.value for k in node.keywords if k.arg == "out" and isinstance(k.value, ast.Name)]
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("fill", "sort", "resize", "put", "itemset"):
            places += [node.func.value] if isinstance(node.func.value, ast.Name) else []
        taps = []
        for place in places:
            if isinstance(place, ast.Name) and place.id in self.locals:
                site = self.site("touch", place.id, place)
                tap = call("value", ast.Constant(site), ast.Name(place.id, ast.Load()))
                taps.append(ast.Assign([ast.Name(place.id, ast.Store())], tap))
        return taps  # type: ignore[return-value]

    def wrap(self, node: ast.expr, kind: str, name: str, where: ast.expr, key: str = "", sum_: int = -1) -> ast.expr:
        site = self.site(kind, name, where, key, sum_)
        return located(call("value", ast.Constant(site), node), where)

    def site(self, kind: str, name: str, where: Any, key: str = "", sum_: int = -1) -> int:
        number = len(self.program.sites)
        one_line = where.end_lineno == where.lineno
        columns = (where.col_offset, where.end_col_offset if one_line else where.col_offset)
        self.program.sites.append(Site(number, kind, name, self.node.name, where.lineno, self.statement_number, key,
                                       sum_, self.filename, columns))  # fmt: skip
        return number

    # Expressions: a use wherever a variable is read, a part for every operand and argument that is more than a name.

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.locals:
            return self.wrap(node, "use", node.id, node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr in SIZES or not isinstance(node.ctx, ast.Load):
            return node
        if isinstance(node.value, ast.Name) and node.attr != "T":
            return self.wrap(node, "use", named(node), node) if node.value.id in self.locals else node
        node.value = self.visit(node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) and named(node):
            return self.wrap(node, "use", named(node), node)
        node.value = self.visit(node.value)
        return node  # an index has no derivative

    def part(self, node: ast.expr) -> ast.expr:
        """An operand or argument with taps; itself reported too if it is more than a name or a number."""
        leaf = isinstance(node, (ast.Name, ast.Attribute, ast.Constant, ast.Tuple, ast.List, ast.Starred, ast.Lambda))
        keyed = (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        )
        name = named(node) if isinstance(node, ast.Subscript) else ""
        new = self.visit(node)
        return new if leaf or keyed else self.wrap(new, "part", name, node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        inside = self.visit if isinstance(node.op, (ast.Add, ast.Sub)) else self.part
        node.left, node.right = inside(node.left), inside(node.right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        node.operand = self.part(node.operand)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        buffer = isinstance(node.func, ast.Attribute) and node.func.attr in BUFFERS
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.part(node.func.value)
        node.args = [self.argument(a) for a in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return located(call("buffer", node), node) if buffer else node

    def argument(self, node: ast.expr) -> ast.expr:
        """An argument of a call; the terms of a sum, and what is put together in a list, are reported one by one."""
        if isinstance(node, (ast.List, ast.Tuple)):
            node.elts = [self.argument(element) for element in node.elts]
            return node
        if len(terms_of(node)) > 1:
            number = len(self.program.sites)
            return self.wrap(self.add_up(node, "", "+", number), "part", "", node)
        return self.part(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node

    def comprehension(self, node: Any) -> ast.expr:
        return node

    visit_ListComp = visit_DictComp = visit_SetComp = visit_GeneratorExp = visit_JoinedStr = comprehension


def call(method: str, *arguments: ast.expr) -> ast.Call:
    """The syntax tree of __tracer__.method(arguments)."""
    return ast.Call(ast.Attribute(ast.Name(TRACER, ast.Load()), method, ast.Load()), list(arguments), [])


def located(new: Any, like: ast.AST) -> Any:
    return ast.fix_missing_locations(ast.copy_location(new, like))


def drawn_by_zip(target: ast.expr, iterated: ast.expr) -> set[str]:
    """Names of a loop that are data and count nothing: ix, y in `for ix, y in zip(inputs, targets)`."""
    if not isinstance(iterated, ast.Call) or not iterated.args:
        return set()
    name, inner = ast.unparse(iterated.func), iterated.args
    elements = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    if name == "enumerate" and len(elements) == 2:
        return drawn_by_zip(elements[1], inner[0])
    if name in ("reversed", "list", "tuple"):
        return drawn_by_zip(target, inner[0])
    if name != "zip" or len(elements) != len(inner):
        return set()
    return {n.id for e, i in zip(elements, inner) if "range" not in ast.unparse(i)
            for n in ast.walk(e) if isinstance(n, ast.Name)}  # fmt: skip


def repeatable(index: ast.expr) -> bool:
    """Whether it does no harm to evaluate an index twice: it calls only functions such as str, len or np.arange."""
    called = [ast.unparse(n.func) for n in ast.walk(index) if isinstance(n, ast.Call)]
    known = all(f in ("str", "int", "len", "range", "slice") or f.startswith(("np.", "numpy.")) for f in called)
    return known and not any("random" in f for f in called) and ":=" not in ast.unparse(index)

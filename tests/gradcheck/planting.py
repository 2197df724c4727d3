"""Functions with mistakes in them, as modules whose source can be read: nothing is written to the disk."""

import ast
import inspect
import itertools
import linecache
import textwrap
from types import ModuleType

number = itertools.count()


def module(text: str) -> ModuleType:
    """The text as a module; inspect.getsource works on its functions."""
    text = textwrap.dedent(text)
    filename = f"<planted {next(number)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    made = ModuleType("planted")
    made.__file__ = filename
    exec(compile(text, filename, "exec"), made.__dict__)
    return made


def changed(page: ModuleType, *changes: tuple[str, str]) -> ModuleType:
    """A page of ours with pieces of its text exchanged, each of which has to stand there once."""
    text = source(page)
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {page.__name__}"
        text = text.replace(old, new)
    return module(text)


def source(page: ModuleType) -> str:
    return "".join(linecache.getlines(page.__file__)) if page.__name__ == "planted" else inspect.getsource(page)


def line_of(page: ModuleType, piece: str) -> int:
    """The number of the one line of a page that has this piece."""
    lines = [n for n, line in enumerate(source(page).splitlines(), 1) if piece in line]
    assert len(lines) == 1, f"{piece!r} stands in the lines {lines} of {page.__name__}"
    return lines[0]


def fixed(page: ModuleType, report) -> ModuleType:
    """The page with the first fix of every finding in its line, as a person would type it in."""
    lines = source(page).splitlines()
    nodes = [n for n in ast.walk(ast.parse("\n".join(lines))) if isinstance(n, ast.stmt)]
    for finding in sorted(report.findings, key=lambda f: -f.line.number):
        line, fix = finding.line.number, finding.causes[0].fix
        assert fix, f"there is no fix for line {line}"
        node = min((n for n in nodes if n.lineno <= line <= n.end_lineno), key=lambda n: n.end_lineno - n.lineno)
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else node.end_lineno
        new = fix.replace("(this line deleted)", "pass").splitlines()[: 1 if body else None]
        lines[node.lineno - 1 : last] = [" " * node.col_offset + text for text in new]
    return module("\n".join(lines))

"""An exception of the checked function as one sentence: the message, the shapes in the line that raised, the line."""

import ast
import linecache
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

NAMED = 6  # values of a line that are told, at most


def raised(error: Exception, function: Callable[..., Any]) -> str:
    """The sentence. function: what was called. The line is the last one of its file that ran."""
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    lines = list(zip(frames, traceback.extract_tb(error.__traceback__)))
    frame, line = ([pair for pair in lines if pair[1].filename == file] or lines)[-1]
    message = f": {str(error).splitlines()[0].strip()}" if str(error) else ""
    values = ", ".join(list(dict.fromkeys(told(expression(line), frame)))[:NAMED])
    values = f"; {values}" if values else ""
    name = getattr(function, "__name__", "backward")
    return f"{name} raises {type(error).__name__}{message}{values} (line {line.lineno}: {line.line})"


def expression(line: traceback.FrameSummary) -> str:
    """The text that raised, which may be a part of a line or several lines."""
    texts = [text.encode() for text in linecache.getlines(line.filename)]
    first, last = line.lineno or 1, line.end_lineno or line.lineno or 1
    picked = texts[first - 1 : last]
    if not picked or line.colno is None or line.end_colno is None:
        return line.line or ""
    picked[-1] = picked[-1][: line.end_colno]  # the columns count bytes
    picked[0] = picked[0][line.colno :]
    return b"".join(picked).decode(errors="replace")


def told(text: str, frame: FrameType) -> Iterator[str]:
    """What each name in the text is, in words: "x has the shape (3, 5)", "t is 4"."""
    for written in (f"({text.strip()})", text.strip()):  # an expression of several lines needs brackets
        try:
            tree = ast.parse(written)
            break
        except SyntaxError:
            continue
    else:  # a part of a statement such as `for`
        return
    if any(isinstance(node, ast.Raise) for node in ast.walk(tree)):
        return  # whoever wrote a message of his own has said what he wanted to
    yield from of_node(tree, frame)


def of_node(node: ast.AST, frame: FrameType) -> Iterator[str]:
    """The same for a part of the syntax tree. `p["W"].T` is one name; `hs[t]` is hs and t."""
    if is_path(node):
        assert isinstance(node, ast.expr)
        try:
            value = eval(compile(ast.Expression(node), "<name>", "eval"), frame.f_globals, frame.f_locals)
        except Exception:  # this may be what has raised: then what it consists of is told
            value = None
        if words := in_words(value):
            yield f"{ast.unparse(node)} {words}"
            return
    for child in ast.iter_child_nodes(node):
        yield from of_node(child, frame)


def is_path(node: ast.AST) -> bool:
    """Whether the node is a name, or a part of one under constant keys: no function is called to read it."""
    if isinstance(node, ast.Attribute):
        return is_path(node.value)
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and is_path(node.value)
    return isinstance(node, ast.Name)


def in_words(value: Any) -> str:
    """What matters of a value where something does not fit; empty for functions, modules and the like."""
    if isinstance(value, np.ndarray):
        return f"has the shape {value.shape}"
    if isinstance(value, (bool, int, np.integer, str)):
        return f"is {value!r}" if isinstance(value, str) else f"is {value}"
    if isinstance(value, (float, np.floating)):
        return "is one number"
    if isinstance(value, (list, tuple)):
        return f"is a {type(value).__name__} of length {len(value)}"
    if isinstance(value, dict):
        return f"has the keys {', '.join(map(str, value))}" if value else "has no keys"
    return ""

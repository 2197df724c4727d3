"""Functions with mistakes in them, as modules whose source can be read: nothing is written to the disk."""

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
    text = inspect.getsource(page)
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {page.__name__}"
        text = text.replace(old, new)
    return module(text)


def line_of(page: ModuleType, piece: str) -> int:
    """The number of the one line of a page that has this piece."""
    lines = [n for n, line in enumerate(inspect.getsource(page).splitlines(), 1) if piece in line]
    assert len(lines) == 1, f"{piece!r} stands in the lines {lines} of {page.__name__}"
    return lines[0]

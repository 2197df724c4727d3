"""The pages of layers, losses, networks and kernels in the site: those of the reading room, with the site's header.

They stand at the addresses that listings of their files would have: minireid/layers/gru.py.html. Below the room's page
stands the whole file, with anchors of its own.
"""

import posixpath
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from pathlib import Path

from minireid.base.files import write_text
from minireid.practice.course import render
from minireid.reading import library
from minireid.reading.page import parse
from minireid.reading.site import slowest_first
from minireid.reading.write import Around

HERE = Path(__file__).parent


@cache
def names() -> dict[str, str]:
    """{file of the repository: name of its page}: minireid/layers/gru.py is gru."""
    return {f"minireid/{path.parent.name}/{path.name}": name for name, path in library.files().items()}


@cache
def file_of(name: str) -> str | None:
    return next((file for file, other in names().items() if other == name), None)


def start(pool: ProcessPoolExecutor, out: Path, clip: library.Clip, header: str, values: bool) -> list[Future[None]]:
    """Begin to write all pages. header: HTML, with links as from minireid/layers."""
    for folder in {posixpath.dirname(file) for file in names()}:
        (out / folder).mkdir(parents=True, exist_ok=True)
    return [pool.submit(write, out, clip, header, values, name) for name in slowest_first()]


def write(out: Path, clip: library.Clip, header: str, values: bool, name: str) -> None:
    file = file_of(name)
    assert file is not None  # a name of `names`
    folder = posixpath.dirname(file)

    def address(other: str) -> str | None:
        there = file_of(other)
        return posixpath.relpath(f"{there}.html", folder) if there else None

    around = Around(header, whole_file(name, file), styles())
    write_text(out / f"{file}.html", library.library_page(name, address, clip, values=values, around=around))


def whole_file(name: str, file: str) -> str:
    """The listing, to unfold; unfolded where the room's page shows no forward."""
    text = library.file_of(name).read_text("utf-8")
    unfolded = "" if any("forward" in function.name for function in parse(text).functions) else " open"
    listing = render.code(text, posixpath.basename(file))
    return f'<details class="whole"{unfolded}><summary>The whole file, {file}</summary>{listing}</details>'


def styles() -> str:
    files = [(HERE / file).read_text("utf-8") for file in ("header.css", "whole.css")]
    return "\n".join(["", *files, render.colours()])


@cache
def rows(file: str) -> frozenset[int]:
    """The lines of a file that are rows of its page: those of functions, unless they are empty."""
    functions = parse(library.file_of(names()[file]).read_text("utf-8")).functions
    return frozenset(line.number for function in functions for line in function.lines if line.text.strip())

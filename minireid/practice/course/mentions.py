"""The pages of the library that a notebook is about: what its cells import, link, or name in backticks."""

import re
from collections.abc import Iterator

import nbformat

ROOMS = "layers|losses|networks|kernels"
IMPORT = re.compile(rf"^ *from minireid\.(?:{ROOMS})(?:\.(\w+))? import (?:\(([^)]*)\)|(.*))", re.MULTILINE)
LINK = re.compile(rf"minireid/(?:{ROOMS})/(\w+)\.py\b")
BACKTICKS = re.compile(r"`(\w+)(?:\.[^`\n]*)?`")  # `gru`, `gru.py`, `gru.backward(dh, cache)`


def mentioned(notebook: str, pages: dict[str, str]) -> list[str]:
    """Files, in the order in which the notebook comes to them. pages: {file: name of its page}."""
    files = {name: file for file, name in pages.items()}
    found = [name for cell in nbformat.reads(notebook, 4).cells for name in names_in(cell.cell_type, cell.source)]
    return [files[name] for name in dict.fromkeys(found) if name in files]


def names_in(kind: str, source: str) -> Iterator[str]:
    if kind == "code":
        for page, several, rest in IMPORT.findall(source):
            yield from [page] if page else re.findall(r"(\w+)(?: as \w+)?", several or rest.partition("#")[0])
    else:
        marks = [*LINK.finditer(source), *BACKTICKS.finditer(source)]
        yield from (mark[1] for mark in sorted(marks, key=lambda mark: mark.start()))

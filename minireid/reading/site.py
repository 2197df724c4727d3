"""Every page of the library as a site: a start page, and one file for each page. It opens from disk."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from html import escape
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from minireid.base.errors import InputError
from minireid.base.files import write_text
from minireid.base.processes import end_with_parent
from minireid.reading.library import Clip, files, library_page
from minireid.reading.page import parse
from minireid.reading.write import FRAME, prose, style

TITLES = {
    "layers": "Layers",
    "losses": "Losses",
    "networks": "Networks",
    "kernels": "Kernels: the convolution in several ways",
}


def write_site(out: Path, clip: Clip, *, processes: int | None = None) -> int:
    """Write all pages into a new folder, completely or not at all. Returns how many. InputError if `out` is there."""
    if out.exists():
        raise InputError(f"expected a new folder, but {out} is there: choose another name or remove it")
    if not out.parent.is_dir():
        raise InputError(f"expected a folder {out.parent} to make {out.name} in, found none: make it first")
    with TemporaryDirectory(dir=out.parent) as folder:
        site = Path(folder) / "site"
        site.mkdir()
        names = slowest_first()
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
            list(pool.map(partial(write_page, site, clip), names))
        write_text(site / "index.html", start_page())
        shutil.move(site, out)
    return len(names) + 1


def slowest_first() -> list[str]:
    """Networks take longest: they begin, so that no process waits at the end."""
    found = files()
    return sorted(found, key=lambda name: found[name].parent.name != "networks")


def write_page(out: Path, clip: Clip, name: str) -> None:
    write_text(out / f"{name}.html", library_page(name, address, clip))


def address(name: str) -> str | None:
    """Where a page of the site is, beside the others."""
    return f"{name}.html" if name == "index" or name in files() else None


def start_page() -> str:
    """Every page with the first sentence of its docstring, by room."""
    found = files()
    parts = [
        "<h1>The reading room</h1>",
        '<p class="lead">Every page of minireid with the values of a small run: forward on the left, backward on the '
        "right, the proof of every line.</p>",
    ]
    for room, title in TITLES.items():
        items = "".join(
            f'<li><a href="{name}.html">{escape(name)}</a> {prose(parse(path.read_text("utf-8")).title, address)}</li>'
            for name, path in found.items()
            if path.parent.name == room
        )
        parts.append(f"<h2>{escape(title)}</h2><ul>{items}</ul>")
    title, body = "The reading room · minireid", "\n".join(parts)
    return FRAME.format(title=title, style=style(), before="", body=body, data="{}", script="")

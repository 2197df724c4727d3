"""The website of the course: every file that one reaches by links from tutorials/README.md becomes a page."""

import posixpath
import re
import shutil
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from html import escape
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from minireid.base.errors import InputError
from minireid.base.files import write_bytes, write_text
from minireid.base.html import HEAD
from minireid.base.processes import end_with_parent
from minireid.practice.course import reading_pages, render
from minireid.practice.course.exercises_page import exercises_page, write_stubs
from minireid.practice.course.mentions import mentioned
from minireid.reading.library import Clip

ROOT = Path(__file__).parents[3]
START, EXERCISES = "tutorials/README.md", "tutorials/exercises.md"  # the second is made here
NAVIGATION = {"Course": START, "Exercises": EXERCISES, "Library": "minireid/README.md"}
PICTURES = (".png", ".svg", ".gif")
LINE = re.compile(r"(?:L|line-)(\d+)")  # gru.py#L69, as GitHub has it
COPY = 'COPY = \\"\\"'  # the first line of code of every notebook, as it stands in its file
FRAME = (
    HEAD
    + """<link rel="stylesheet" href="{root}course.css">
</head>
<body>
{header}<main>
{body}
</main>
</body>
</html>
"""
)


def write_site(out: Path, clip: Clip, *, copy: str = "", values: bool = True) -> int:
    """Write the site into a new folder, completely or not at all. Returns the number of its pages.

    clip: what the pages of networks show. values: pages of the library have the values of a run, which take longest.
    copy: the address of your copy of minireid, as `git clone` takes it; notebooks to download install from it.
    InputError if `out` is there, or if there is no folder tutorials (an installed wheel has none).
    """
    if out.exists():
        raise InputError(f"expected a new folder, but {out} is there: choose another name or remove it")
    if not (ROOT / START).is_file():
        raise InputError(
            "expected the folder tutorials beside the package: use a clone, installed with pip install -e ."
        )
    if '"' in copy or "\\" in copy or any(letter.isspace() for letter in copy):
        raise InputError(f"expected --copy with an address such as https://example.org/minireid.git, got {copy!r}")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent) as folder:
        pool = ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=end_with_parent)
        try:
            alive = reading_pages.start(pool, Path(folder) / "site", clip, header("minireid/layers/gru.py"), values)
            count = write_pages(Path(folder) / "site", copy)
            for page in alive:
                page.result()
        finally:
            pool.shutdown(cancel_futures=True)
        shutil.move(Path(folder) / "site", out)
    return count


def write_pages(out: Path, copy: str) -> int:
    notebooks = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "tutorials").glob("*.ipynb"))}
    alive = reading_pages.names().keys()  # written elsewhere
    pending, done = deque(NAVIGATION.values()), {*NAVIGATION.values(), *alive}
    while pending:
        name = pending.popleft()
        links = Links(name)
        if name.endswith(PICTURES):
            write_bytes(made(out / name), (ROOT / name).read_bytes())
        else:
            text = exercises_page(notebooks) if name == EXERCISES else (ROOT / name).read_text("utf-8")
            write_text(made(out / page_of(name)), framed(name, body_of(name, text, links)))
        if name.endswith(".ipynb"):
            write_text(out / name, text.replace(COPY, f'COPY = \\"{copy}\\"'))
        pending += sorted(links.found - done)
        done |= links.found
    write_stubs(out / "tutorials" / "stubs")
    write_text(out / "course.css", style())
    start = page_of(START)
    write_text(
        out / "index.html",
        f'<!doctype html><meta http-equiv="refresh" content="0; url={start}"><a href="{start}">The course</a>\n',
    )
    return sum(not name.endswith(PICTURES) for name in done)


def style() -> str:
    files = [Path(__file__).with_name(name).read_text("utf-8") for name in ("course.css", "header.css")]
    return "\n".join([*files, render.colours(), ""])


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def body_of(name: str, text: str, links: "Links") -> str:
    if name.endswith(".ipynb"):
        download = f'<p><a href="{posixpath.basename(name)}" download>Download this notebook</a> to run it.</p>'
        return download + pages_of_notebook(text, links) + render.notebook(text, links.address)
    if name.endswith(".md"):
        return render.markdown(text, links.address)
    return f"<h1>{escape(name)}</h1>\n{render.code(text, name)}"


def pages_of_notebook(text: str, links: "Links") -> str:
    """Links to the pages of the library that it imports, links or mentions."""
    names = reading_pages.names()
    found = {names[file]: posixpath.relpath(file, links.folder) for file in mentioned(text, names)}
    linked = ", ".join(f'<a href="{links.address(url)}">{name}</a>' for name, url in found.items())
    return f"<p>Pages of this notebook: {linked}</p>\n" if found else ""


def header(name: str) -> str:
    """The links at the top of a page, by the file that it shows."""
    root = "../" * name.count("/")
    links = " ".join(f'<a href="{root}{page_of(page)}">{said}</a>' for said, page in NAVIGATION.items())
    return f'<header><nav aria-label="Site">{links}</nav></header>\n'


def framed(name: str, body: str) -> str:
    """The page of a file: its body in the frame that all pages share."""
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", body, re.DOTALL)
    title = re.sub(r"<.*?>", "", heading.group(1)).strip() if heading else name
    return FRAME.format(title=title, root="../" * name.count("/"), header=header(name), body=body)


def page_of(name: str) -> str:
    """The page of a file of the repository: README.md -> index.html, a.ipynb -> a.html, gru.py -> gru.py.html."""
    folder, file = posixpath.split(name)
    if file == "README.md":
        file = "index.html"
    elif file.endswith((".ipynb", ".md")):
        file = file.rpartition(".")[0] + ".html"
    elif not file.endswith(PICTURES):
        file += ".html"
    return posixpath.join(folder, file)


class Links:
    """The links of one file. found: files of the repository that they lead to."""

    def __init__(self, name: str) -> None:
        self.folder = posixpath.dirname(name)
        self.found: set[str] = set()

    def address(self, url: str) -> str | None:
        """The link of the page. None if it leads to a folder without a README, or to nothing."""
        path, mark, place = url.partition("#")
        if re.match(r"[a-z]+:", url) or not path or path.startswith("stubs/"):
            return url
        name = posixpath.normpath(posixpath.join(self.folder, path))
        if (ROOT / name).is_dir():
            name = posixpath.join(name, "README.md") if name != "." else "README.md"
        if name.startswith("..") or not (name == EXERCISES or (ROOT / name).is_file()):
            return None
        self.found.add(name)
        return posixpath.relpath(page_of(name), self.folder or ".") + mark + place_on_page(name, place)


def place_on_page(name: str, place: str) -> str:
    """The anchor of a line: a row of the reading room's page, or its place in the listing. Others stay as they are."""
    line = LINE.match(place)
    if not line or name.endswith((".md", ".ipynb")):
        return place
    row = name in reading_pages.names() and int(line[1]) in reading_pages.rows(name)
    return f"L{line[1]}" if row else f"line-{line[1]}"

"""The website of the course: every file that one reaches by links from tutorials/README.md becomes a page."""

import posixpath
import re
import shutil
from collections import deque
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from minireid.base.errors import InputError
from minireid.base.files import write_bytes, write_text
from minireid.practice.course import render
from minireid.practice.course.exercises_page import exercises_page, write_stubs

ROOT = Path(__file__).parents[3]
START, EXERCISES = "tutorials/README.md", "tutorials/exercises.md"  # the second is made here
NAVIGATION = {"Course": START, "Exercises": EXERCISES, "Library": "minireid/README.md"}
PICTURES = (".png", ".svg", ".gif")
COPY = 'COPY = \\"\\"'  # the first line of code of every notebook, as it stands in its file
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{root}course.css">
</head>
<body>
<header><nav aria-label="Site">{navigation}</nav></header>
<main>
{body}
</main>
</body>
</html>
"""


def write_site(out: Path, *, copy: str = "") -> int:
    """Write the site into a new folder, completely or not at all. Returns the number of its pages.

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
        count = write_pages(Path(folder) / "site", copy)
        shutil.move(Path(folder) / "site", out)
    return count


def write_pages(out: Path, copy: str) -> int:
    notebooks = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "tutorials").glob("*.ipynb"))}
    pending, done = deque(NAVIGATION.values()), set(NAVIGATION.values())
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
    write_text(out / "course.css", f"{Path(__file__).with_name('course.css').read_text('utf-8')}\n{render.colours()}\n")
    start = page_of(START)
    write_text(
        out / "index.html",
        f'<!doctype html><meta http-equiv="refresh" content="0; url={start}"><a href="{start}">The course</a>\n',
    )
    return sum(not name.endswith(PICTURES) for name in done)


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def body_of(name: str, text: str, links: "Links") -> str:
    if name.endswith(".ipynb"):
        download = f'<p><a href="{posixpath.basename(name)}" download>Download this notebook</a> to run it.</p>'
        return download + render.notebook(text, links.address)
    if name.endswith(".md"):
        return render.markdown(text, links.address)
    return f"<h1>{escape(name)}</h1>\n{render.code(text, name)}"


def framed(name: str, body: str) -> str:
    """The page of a file: its body in the frame that all pages share."""
    root = "../" * name.count("/")
    navigation = " ".join(f'<a href="{root}{page_of(page)}">{said}</a>' for said, page in NAVIGATION.items())
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", body, re.DOTALL)
    title = re.sub(r"<.*?>", "", heading.group(1)).strip() if heading else name
    return FRAME.format(title=title, root=root, navigation=navigation, body=body)


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
        return posixpath.relpath(page_of(name), self.folder or ".") + mark + place

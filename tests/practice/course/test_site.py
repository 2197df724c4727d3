"""`minireid course site`: every page, every link, no network; on a laptop and on a phone."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from minireid import cli
from minireid.base.errors import InputError
from minireid.practice.course import render, site
from minireid.practice.exercises.catalogue import EXERCISES

pytest.importorskip("nbconvert")
URL = "https://example.org/copy.git"
OTHERWHERE = re.compile(r"(?:https?|mailto|data):")


class Page(HTMLParser):
    """The links, the ids and the tags of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.loaded: list[str] = []
        self.without_alt: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.ids |= {found[key] for key in ("id", "name") if key in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("link", "img", "iframe") or (tag == "script" and "src" in found):
            self.loaded.append(found.get("src") or found.get("href", ""))
        if tag == "img" and not found.get("alt"):
            self.without_alt.append(found.get("src", "")[:60])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("course") / "site"
    assert cli.main(["course", "site", str(out), "--copy", URL, "--no-values"]) == 0
    return out


def nothing(height: int, width: int, flow: bool) -> np.ndarray:
    """A black clip."""
    return np.zeros((8, height, width, 5 if flow else 3), np.float32)


def pages(built: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(built.rglob("*.html"))}


def dead_links(built: Path) -> list[str]:
    found = pages(built)
    dead = []
    for path, page in found.items():
        for link in page.links:
            target, _, place = unquote(link).partition("#")
            if OTHERWHERE.match(link):
                continue
            there = (path.parent / target).resolve() if target else path
            if not there.is_file() or (place and there in found and place not in found[there].ids):
                dead.append(f"{path.relative_to(built)}: {link}")
    return dead


def test_all_links_lead_to_a_place_that_is_there(built: Path) -> None:
    assert not dead_links(built)


def test_nothing_is_fetched(built: Path) -> None:
    for path, page in pages(built).items():
        for address in page.loaded:
            assert address.startswith("data:") or (path.parent / address).is_file(), f"{path}: {address[:80]}"


def test_every_notebook_and_every_exercise_has_its_place(built: Path) -> None:
    for notebook in (site.ROOT / "tutorials").glob("*.ipynb"):
        page = Page(built / "tutorials" / f"{notebook.stem}.html")
        assert f"{notebook.name}" in page.links
        assert not page.without_alt, notebook.name
    assert EXERCISES.keys() <= Page(built / "tutorials" / "exercises.html").ids
    assert {path.stem for path in (built / "tutorials" / "stubs").iterdir()} == set(EXERCISES)


def test_a_library_page_is_alive(built: Path) -> None:
    top = {f"../../{page}.html" for page in ("tutorials/index", "tutorials/exercises", "minireid/index")}
    for path in (built / "minireid" / "layers").glob("*.html"):
        page = Page(path)
        assert top <= set(page.links)
        assert "line-1" in page.ids and '<h2 id="source-title">' in path.read_text("utf-8")
    assert "L69" in Page(built / "minireid" / "layers" / "gru.py.html").ids


@pytest.mark.slow
def test_with_values_it_has_the_same_pages_and_no_dead_link(built: Path, tmp_path: Path) -> None:
    whole = tmp_path / "site"
    assert cli.main(["course", "site", str(whole)]) == 0
    assert [path.relative_to(built) for path in pages(built)] == [path.relative_to(whole) for path in pages(whole)]
    assert not dead_links(whole)
    assert '"places":[{' in (whole / "minireid" / "networks" / "src.py.html").read_text("utf-8")


def test_downloads_install_from_the_copy(built: Path) -> None:
    for notebook in (built / "tutorials").glob("*.ipynb"):
        assert f'COPY = \\"{URL}\\"' in notebook.read_text("utf-8")


def test_formulas_are_mathml() -> None:
    page = render.markdown("Take $x^2$ and\n\n$$y = \\frac{1}{x} \\tag{F7}$$", lambda url: url)
    assert page.count("<math") == 2 and "F7" in page and "\\" not in re.sub("<annotation.*?</annotation>", "", page)


def test_links_of_files_become_links_of_pages() -> None:
    links = site.Links("tutorials/README.md")
    assert links.address("results.md#a") == "results.html#a"
    assert links.address("../minireid/layers/gru.py") == "../minireid/layers/gru.py.html"
    assert links.address("../minireid") == "../minireid/index.html"
    assert links.address("https://example.org/a.md") == "https://example.org/a.md"
    assert links.address("../../outside.md") is None and links.address("none.md") is None
    assert links.found == {"tutorials/results.md", "minireid/layers/gru.py", "minireid/README.md"}


def test_bad_input_is_one_line_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["course", "site", str(tmp_path)]) == 2
    assert cli.main(["course", "site", str(tmp_path / "site"), "--copy", 'a" b']) == 2
    assert not list(tmp_path.iterdir())
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_site_is_complete_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise InputError("no more")

    monkeypatch.setattr(site, "exercises_page", fails)  # the second page, while others are being written
    with pytest.raises(InputError):
        site.write_site(tmp_path / "site", nothing, values=False)
    assert not list(tmp_path.iterdir())


def test_pictures_need_a_notebook_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["course", "pictures", str(tmp_path / "out"), "--only", "99"]) == 2
    assert "number 99" in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_pictures_are_saved_with_what_they_say(tmp_path: Path) -> None:
    assert cli.main(["course", "pictures", str(tmp_path / "out"), "--only", "5"]) == 0
    pictures = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in pictures] == [f"05_{k:02d}.svg" for k in range(1, len(pictures) + 1)] and pictures
    for path in pictures:
        text = path.read_text("utf-8")
        assert "<dc:description>" in text and "CC BY 4.0" in text

"""The report: one file that needs nothing else, in which every text is a text."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from minireid.plots import report


class Page(HTMLParser):
    """Collects the tags and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_report_holds_everything_itself_and_escapes_all_texts(tmp_path: Path) -> None:
    bad = '<script>alert("&")</script>'
    png = tmp_path / "picture.png"
    Image.new("RGB", (30, 20), (1, 2, 3)).save(png)
    content = png.read_bytes()
    report.report(
        tmp_path / "report.html",
        title=f"title {bad}",
        caption=f"caption {bad}",
        rows=[["%", "rank-1"], [f"method {bad}", "62.3 ± 1.4"]],
        pictures=[(f'picture "{bad}', f"explained {bad}", png)] * 2,
        recipe_text=f"# recipe {bad} {{braces}}",
    )
    png.unlink()
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(html)
    names = [name for name, _ in page.tags]
    assert names.count("img") == 2 and "script" not in names and "link" not in names
    for name, attributes in page.tags:
        assert not any(key.startswith("on") for key in attributes)
        if name == "img":
            head, _, data = str(attributes["src"]).partition(",")
            assert head == "data:image/png;base64" and base64.b64decode(data) == content
            assert Image.open(io.BytesIO(base64.b64decode(data))).size == (30, 20)
            assert attributes["alt"] == f'picture "{bad}'
    for start in ("title", "caption", "method", "explained"):
        assert f"{start} {bad}" in page.texts
    assert f"# recipe {bad} {{braces}}" in page.texts and "62.3 ± 1.4" in page.texts
    assert not re.search(r"https?:|url\(|@import|src=\"(?!data:)", html)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert "a" not in names


def test_report_links_the_networks_page(tmp_path: Path) -> None:
    report.report(
        tmp_path / "report.html",
        title="", caption="", rows=[["%"]], pictures=[], recipe_text="", network_page='network".html',
    )  # fmt: skip
    page = Page()
    page.feed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [attributes for name, attributes in page.tags if name == "a"] == [{"href": 'network".html'}]
    assert report.LINK in page.texts


def test_report_without_its_picture_leaves_the_old_report(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(FileNotFoundError):
        report.report(
            tmp_path / "report.html",
            title="", caption="", rows=[["%"]], pictures=[("a", "b", tmp_path / "none.png")], recipe_text="",
        )  # fmt: skip
    assert (tmp_path / "report.html").read_text() == "old"

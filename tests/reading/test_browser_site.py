"""Every page of `minireid read --all` in the browser: silent, asks for nothing, fits a laptop and a phone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minireid import cli
from minireid.reading.library import files
from tests.reading.browser import Reader

pytestmark = pytest.mark.slow
WIDTHS = (1280, 390)
CHOOSE_ALL = """() => {
  document.querySelectorAll("summary").forEach(summary => summary.click());
  document.querySelectorAll(".row[id]").forEach(row => row.click());
}"""


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reading") / "site"
    assert cli.main(["read", "--all", str(out), "--no-open"]) == 0
    return out


def faults(reader: Reader, width: int) -> list[str]:
    """What the page said since it was last asked, and how much wider it is than the window."""
    reader.page.set_viewport_size({"width": width, "height": 844})
    found = [*reader.said, *([f"{reader.width()} px wide in {width}"] if reader.width() > width else [])]
    reader.said.clear()
    return found


def test_every_page_is_silent_and_fits(site: Path, opened: Callable[..., Reader]) -> None:
    pages = sorted(site.glob("*.html"))
    assert {page.stem for page in pages} == {*files(), "index"}
    found = []
    for page in pages:
        reader = opened(page)
        found += [f"{page.stem}: {fault}" for width in WIDTHS for fault in faults(reader, width)]
        reader.page.evaluate(CHOOSE_ALL)
        found += [f"{page.stem}, all lines chosen: {fault}" for width in WIDTHS for fault in faults(reader, width)]
        reader.page.close()
    assert not found, "\n".join(found)


def test_the_start_page_leads_to_a_page_and_back(site: Path, opened: Callable[..., Reader]) -> None:
    reader = opened(site / "index.html")
    reader.find("a", has_text="gru_projected").click()
    assert reader.find("h1").inner_text() == "gru_projected"
    reader.find('a:text-is("gru.py")').first.click()
    assert reader.find("h1").inner_text() == "gru"
    reader.find("nav a").click()
    assert reader.find("h1").inner_text() == "The reading room"

"""The reading room in a real browser: pages are written once, and each test opens its own."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minireid import cli
from tests.reading.browser import ARGUMENTS, Reader, chromium


@pytest.fixture(scope="module")  # while it is open no other event loop can run in this process, so not for the session
def browser() -> Iterator[Any]:
    """Chromium. Skips where it or Playwright is missing."""
    needs = "needs Playwright: pip install -e '.[browser]'"
    playwright = pytest.importorskip("playwright.sync_api", reason=needs)
    if chromium() is None:
        pytest.skip("needs chromium on the PATH, or its place in MINIREID_CHROMIUM")
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Reader]]:
    """Opens a page. At the end of the test no page may have said anything or asked for anything but files."""
    readers: list[Reader] = []

    def open_(path: Path, *, width: int = 1280, colours: str = "light", clock: bool = False) -> Reader:
        page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=colours)
        readers.append(Reader(page))
        if clock:  # time stands still until a test moves it
            page.clock.install()
        return readers[-1].open(path)

    yield open_
    for reader in readers:
        reader.page.close()
    assert not [said for reader in readers for said in reader.said]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`minireid read` with these arguments: the page. Each is written once."""
    folder = tmp_path_factory.mktemp("reading")

    @functools.cache
    def write(*arguments: str) -> Path:
        out = folder / f"{'_'.join(Path(a).name.strip('-') for a in arguments)}.html"
        assert cli.main(["read", *arguments, "--no-open", "--out", str(out)]) == 0
        return out

    return write

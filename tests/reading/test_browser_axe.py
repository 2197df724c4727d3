"""axe-core finds no serious fault on the pages: contrast, names, what the keyboard can reach; in light and in dark.

axe-core comes with the package axe-playwright-python, so no network is needed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minireid.reading.site import start_page
from tests.reading.browser import Reader

Open = Callable[..., Reader]
Write = Callable[..., Path]
PAGES = ("gru", "conv2d", "maxpool2d", "contrastive_squared", "attentive_rnn", "msp_src")
SERIOUS = ("serious", "critical")
in_light_and_dark = pytest.mark.parametrize("colours", ["light", "dark"])


@pytest.fixture(scope="module")
def axe() -> Any:
    needs = "needs axe-core: pip install -e '.[browser]'"
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason=needs).Axe()


def faults(axe: Any, reader: Reader) -> list[str]:
    """What is serious: the rule, the element, and what axe says."""
    found = axe.run(reader.page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:100]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def choose(reader: Reader) -> None:
    """The first line that has a value, and after it one whose values are wrong, if there is one."""
    for rows in (".row[id]:has(.chip > *)", ".row.off"):
        if reader.find(rows).count():
            reader.find(rows).first.locator(".num").click()
    assert reader.find("#panel .places").count() == 1


@in_light_and_dark
@pytest.mark.parametrize("name", PAGES)
def test_a_page_with_a_line_chosen(axe: Any, opened: Open, written: Write, name: str, colours: str) -> None:
    reader = opened(written(name), colours=colours)
    choose(reader)
    assert not faults(axe, reader)


@in_light_and_dark
def test_lines_that_wait_and_values_as_text(axe: Any, opened: Open, written: Write, colours: str) -> None:
    reader = opened(written("gru"), colours=colours)
    reader.find("summary").click()
    reader.find("#moment").focus()
    reader.press("Home")
    choose(reader)
    assert reader.find(".row.waits").count() > 5
    assert not faults(axe, reader)


@in_light_and_dark
def test_a_bug_that_is_looked_for(axe: Any, opened: Open, written: Write, colours: str) -> None:
    reader = opened(written("--bug", "20"), colours=colours)
    reader.find("#hint").click()
    reader.row("dc = dh * z").locator(".num").click()
    reader.find("#blame").click()
    assert reader.find(".row.tried").count() == 1
    while reader.now.startswith("forward"):
        reader.find("#after").click()
    choose(reader)
    reader.find("#blame").click()
    assert "Found" in reader.find("#answer").inner_text()
    assert not faults(axe, reader)


@in_light_and_dark
def test_a_phone(axe: Any, opened: Open, written: Write, colours: str) -> None:
    reader = opened(written("gru"), width=390, colours=colours)
    choose(reader)
    assert not faults(axe, reader)


@in_light_and_dark
def test_the_start_page(axe: Any, opened: Open, tmp_path: Path, colours: str) -> None:
    (tmp_path / "index.html").write_text(start_page(), encoding="utf-8")
    assert not faults(axe, opened(tmp_path / "index.html", colours=colours))

"""A page of the reading room in chromium, as a reader has it: rows, panel, moment; and what the browser said."""

import os
import shutil
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# The code of a row without the small numbers that mark the uses of a variable.
CODE = """row => {
  const copy = row.querySelector(".text").cloneNode(true);
  copy.querySelectorAll("sup").forEach(mark => mark.remove());
  return copy.textContent.trim();
}"""
# The lit pieces of a row: [text, mark]. A piece that lies in another lit piece is not named again.
PIECES = """row => [...row.querySelectorAll(".text span.lit:not(span.lit span)")].map(e => {
  const copy = e.cloneNode(true), mark = e.querySelector(":scope > sup");
  copy.querySelectorAll("sup").forEach(sup => sup.remove());
  return [copy.textContent, mark ? mark.textContent : ""];
})"""


def chromium() -> str | None:
    """Where chromium is: MINIREID_CHROMIUM, or on the PATH."""
    return os.environ.get("MINIREID_CHROMIUM") or shutil.which("chromium")


class Reader:
    """A page that is open. said: console messages, errors, and requests that leave the disk."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.request(request.url))
        page.set_default_timeout(10_000)
        self.find, self.press = page.locator, page.keyboard.press

    def request(self, url: str) -> None:
        if not url.startswith("file:"):
            self.said.append(f"request: {url}")

    def open(self, path: Path) -> "Reader":
        self.page.goto(path.resolve().as_uri())
        return self

    def row(self, code: str) -> Any:
        """The row with exactly this code."""
        rows = self.find(".row[id]")
        found = [n for n, text in enumerate(self.codes()) if text == code]
        assert len(found) == 1, f"{len(found)} rows are {code}"
        return self.find("#" + rows.nth(found[0]).get_attribute("id"))

    def number(self, code: str) -> int:
        return int(self.row(code).get_attribute("id")[1:])

    def codes(self, which: str = "") -> list[str]:
        """The code of all rows, or of those that match: .lit, .off."""
        found: list[str] = self.find(f".row[id]{which}").evaluate_all(f"rows => rows.map({CODE})")
        return found

    def pieces(self, code: str) -> list[tuple[str, str]]:
        """What is lit inside a row: (text, mark)."""
        return [(text, mark) for text, mark in self.row(code).evaluate(PIECES)]

    def point(self, code: str) -> None:
        """At the row, not at a piece of its code."""
        self.row(code).locator(".num").hover()

    def choose(self, code: str) -> None:
        self.row(code).locator(".num").click()

    @property
    def now(self) -> str:
        return str(self.find("#now").inner_text())

    @property
    def panel(self) -> str:
        return str(self.find("#panel").inner_text())

    def values(self, table: int = 0) -> list[list[float]] | None:
        """The numbers of a table in the panel; None where no value is shown."""
        tables = self.find("#panel table.values")
        if not tables.count():
            return None
        rows = tables.nth(table).evaluate("t => [...t.rows].map(row => [...row.cells].map(cell => cell.textContent))")
        return [[number(text) for text in row] for row in rows]

    def focused(self) -> str:
        """The id of what the keyboard is at."""
        return str(self.page.evaluate("document.activeElement.id"))

    def tab_to(self, wanted: str, most: int = 150) -> int:
        """Press Tab until the element that matches a selector has the focus. Returns how often."""
        for pressed in range(most):
            if self.page.evaluate("query => document.activeElement.matches(query)", wanted):
                return pressed
            self.press("Tab")
        raise AssertionError(f"{most} times Tab do not lead to {wanted}")

    def width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def colour(self, query: str, of: str = "color") -> str:
        """The computed style of the first element that matches."""
        return str(self.find(query).first.evaluate("(e, of) => getComputedStyle(e)[of]", of))


def number(text: str) -> float:
    """A number as the page writes it, with a true minus sign."""
    return float(text.replace("\N{MINUS SIGN}", "-"))

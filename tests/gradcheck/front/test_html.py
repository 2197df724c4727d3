"""The report as HTML: complete, escaped, without scripts; the wrong line is marked by more than a colour."""

import html.parser
import linecache
import re

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.finding import Explanation, Finding, Line
from minireid.gradcheck.forward import with_forward
from minireid.gradcheck.front.html import STYLE, Shown
from minireid.gradcheck.report import Report
from minireid.gradcheck.tensor.compare import TensorReport
from tests.gradcheck.planting import line_of, module

X = np.random.default_rng(0).normal(size=(3, 5))
PAGE = """
import numpy as np

def forward(x):
    y = np.tanh(x)
    return y, y

def helper(dy, y):
    return dy * (1 + y * y)  # <script>alert("&")</script>

def backward(dy, y):
    dx = helper(dy, y)
    return dx
"""
VOID = {"br", "hr", "img", "meta", "input"}


class Reader(html.parser.HTMLParser):
    """Reads a page, and complains about elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


class Rows(html.parser.HTMLParser):
    """The rows of source: whether each is marked, its words, and whether a screen reader is told."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.depth = 0
        self.rows: list[dict] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        classes = (dict(attributes).get("class") or "").split()
        if tag == "div":
            self.depth = self.depth + 1 if self.depth else int("row" in classes)
            if self.depth == 1:
                self.rows.append({"wrong": "wrong" in classes, "text": "", "said": []})
        if self.depth and "aria-label" in dict(attributes):
            self.rows[-1]["said"].append(dict(attributes)["aria-label"])

    def handle_endtag(self, tag):
        self.depth -= int(tag == "div" and self.depth > 0)

    def handle_data(self, data):
        if self.depth:
            self.rows[-1]["text"] += data


def rows_of(text: str) -> list[dict]:
    return Rows(text).rows


@pytest.fixture(scope="module")
def wrong():
    page = module(PAGE)
    return page, check(page.forward, page.backward, X)


def test_the_wrong_line_is_shown_in_its_function(wrong):
    page, report = wrong
    read = Reader(report.to_html())
    number = line_of(page, "1 + y * y")
    assert report.line.number == number and f"Line {number} in helper" in read.text
    assert 'return dy * (1 + y * y)  # <script>alert("&")</script>' in read.text and "def helper(dy, y):" in read.text
    assert "Probable cause" in read.text and "Everything comes out right with:" in read.text
    assert "1 - y * y" in read.text.partition("comes out right with:")[2]


def test_a_mark_is_a_word_too(wrong):
    page, report = wrong
    html = report.to_html()
    read = Reader(html)
    said = [(row["text"].split()[0], row["said"]) for row in rows_of(html) if row["said"]]
    assert said == [(f"→{line_of(page, '1 + y * y')}", ["wrong line"])]
    assert "→" in read.text and "WRONG" in read.text
    assert [a.get("scope") for tag, a in read.seen if tag == "th"].count("row") == 1
    (section,) = [a for tag, a in read.seen if tag == "section"]
    assert section["aria-label"].startswith("Gradient check of") and section["aria-label"].endswith("wrong")


def test_the_marked_row_is_the_wrong_one_and_its_values_stand_below(wrong):
    page, report = wrong
    rows = rows_of(report.to_html())
    first, second, after = (n for n, row in enumerate(rows) if row["wrong"] or (n and rows[n - 1]["wrong"]))
    assert rows[first]["text"].startswith(f"→{line_of(page, '1 + y * y')}    return dy * (1 + y * y)")
    assert second == first + 1 and after == second + 1 and not rows[after]["wrong"]
    line = report.line
    said = f"computed {line.computed:.6g}, true {line.true:.6g}; {line.wrong}"
    assert rows[second]["text"].strip().startswith("✗ ") and rows[second]["text"].endswith(said)


def test_a_large_function_is_shown_around_its_wrong_line():
    lines = tuple(f"x{n} = {n}" for n in range(1, 201))
    found = [Finding(Line("backward", 150, "x50 = 50", "x50", "", (), 1.0, 2.0, "wrong"))]
    report = Report("f", [], ["wrong"], 0, "", found, sources=[Shown("backward", 101, lines)])
    rows = rows_of(report.to_html())
    assert [rows[n]["text"] for n in (0, -1)] == ["120x20 = 20", "180x80 = 80"]
    assert [row["text"] for row in rows if row["wrong"]] == ["→150x50 = 50", "✗ x50: computed 1, true 2; wrong"]


def test_hints_are_those_of_the_text(wrong):
    _, report = wrong
    signs = ("WRONG", "how far off", "Line ", "Probable cause", "comes out right with:")
    for hints in range(5):
        text = Reader(report.to_html(hints)).text
        assert [sign in text for sign in signs] == [n <= hints for n in range(5)], hints


def test_of_a_wrong_forward_the_forward_is_shown(wrong):
    page, _ = wrong
    right = check(np.tanh, lambda dy, y: dy, X, diagnosis=False)
    for report in (right, check(page.forward, page.backward, X)):
        number = line_of(page, "y = np.tanh(x)")
        finding = Finding(Line("forward", number, "y = np.tanh(x)"))
        html = with_forward(report, ("it differs", finding), page.forward).to_html()
        (row,) = (row for row in rows_of(html) if row["wrong"])
        assert row["text"] == f"→{number}    y = np.tanh(x)" and f"Line {number} in forward" in html


def test_in_a_notebook_the_rules_hold_inside_of_the_report_alone():
    rules = re.sub(r"@media[^{]*\{(.*?\})\s*\}", r"\1", STYLE, flags=re.DOTALL)
    selectors = [one for group in re.findall(r"([^{}]+)\{[^}]*\}", rules) for one in group.split(",")]
    assert len(selectors) > 25 and all(".gradcheck" in one for one in selectors)
    assert not re.search(r"\.(?:row|text|num|code)[^{]*\{", re.sub(r"\.gradcheck [^{]*\{", "", STYLE))
    for theme in ('[data-jp-theme-light="false"]', ".vscode-dark", '[theme="dark"]'):
        assert f"{theme} .gradcheck" in STYLE


def test_there_are_no_ids_which_several_reports_in_a_notebook_would_share(wrong):
    _, report = wrong
    assert not [a for _, a in Reader(report.to_html()).seen if "id" in a]


def test_it_needs_no_other_file_and_no_script(wrong):
    _, report = wrong
    page = report.to_html()
    read = Reader(page)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in read.seen}
    assert "http" not in page and "url(" not in page and "@import" not in page
    assert not any(name.startswith("on") for _, attributes in read.seen for name in attributes)
    assert "prefers-color-scheme: dark" in page


def test_everything_is_escaped():
    evil = '<img src=x onerror="alert(1)">&'
    line = Line(evil, 3, evil, evil, evil, (0,), 1.0, 2.0, evil, (evil,))
    tensor = TensorReport(evil, (2,), 1.0, (0,), 2.0, 1.0, 0, evil)
    found = [Finding(line, [Explanation(evil, evil, evil)])]
    report = Report(evil, [tensor], [evil], 0, evil, found, [evil], evil)
    read = Reader(report.to_html())
    assert "img" not in {tag for tag, _ in read.seen} and read.text.count(evil) >= 12


def test_every_finding_is_told():
    lines = [Line("backward", n, f"d{n} = dy") for n in (3, 7)]
    found = [Finding(line, [Explanation(Cause.SIGN, f"sign {line.number}", f"d{line.number} = -dy")]) for line in lines]
    read = Reader(Report("f", [], ["wrong"], 0, "", found).to_html())
    assert all(f"Line {n} in backward" in read.text and f"sign {n}" in read.text for n in (3, 7))
    assert read.text.count("With all of these together everything comes out right with:") == 2


def test_what_is_right_is_short(wrong):
    report = check(lambda x: (x * x, x), lambda dy, x: 2 * x * dy, X)
    read = Reader(report._repr_html_())
    assert "right" in read.text and "WRONG" not in read.text and "pre" not in {tag for tag, _ in read.seen}


def test_a_cell_of_a_notebook_is_shown():
    """IPython keeps the text of a cell in linecache, under a name of its own."""
    name, text = "/tmp/ipykernel_1/2.py", PAGE.replace("dx = helper(dy, y)", "dx = dy * (1 + y * y)")
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    cell: dict = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), cell)
    report = check(cell["forward"], cell["backward"], X)
    read = Reader(report.to_html())
    assert report.line and report.line.text == "dx = dy * (1 + y * y)" and "def backward(dy, y):" in read.text


class Layer:
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dy):
        return 3 * self.x * dy


def test_a_method_is_shown_without_a_line():
    read = Reader(check(Layer(), X).to_html())
    assert "return 3 * self.x * dy" in read.text

"""The report as HTML: complete, escaped, without scripts; the wrong line is marked by more than a colour."""

import html.parser
import linecache

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.finding import Explanation, Finding, Line
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
    _, report = wrong
    read = Reader(report.to_html())
    assert [attributes.get("aria-label") for tag, attributes in read.seen if tag == "strong"][:1] == ["wrong line"]
    assert sum(tag == "mark" for tag, _ in read.seen) == 1 and "→" in read.text and "WRONG" in read.text
    assert [a.get("scope") for tag, a in read.seen if tag == "th"].count("row") == 1
    (section,) = [a for tag, a in read.seen if tag == "section"]
    assert section["aria-label"].startswith("Gradient check of") and section["aria-label"].endswith("wrong")


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

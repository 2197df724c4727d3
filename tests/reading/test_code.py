"""Rows of source in the reading room: those of a report in a notebook, with what can be pointed at."""

import re
from pathlib import Path

from minireid.gradcheck.finding import Finding, Line
from minireid.gradcheck.front import lines
from minireid.gradcheck.front.html import STYLE, Shown
from minireid.gradcheck.report import Report
from minireid.reading import write
from minireid.reading.code import function_html
from minireid.reading.page import parse

TEXT = """def backward(dy, y):
    if dy is None:
        return "no"

    dx = dy * (1 + y * y)
    return 2 * dx
"""
WRONG = 5


def rows_of(html: str) -> list[str]:
    """Each row, without what only the reading room has: its address, its place for values."""
    rows = re.findall(r'<div class="row.*?</div>', html)
    return [re.sub(r' id="L\d+" tabindex="0"|<span class="side"></span>', "", row) for row in rows]


def test_the_rows_of_a_report_are_those_of_the_reading_room() -> None:
    room = function_html(parse(TEXT).functions[0], [], {}, {WRONG})
    found = [Finding(Line("backward", WRONG, "dx = dy * (1 + y * y)"))]
    report = Report("f", [], ["wrong"], 0, "", found, sources=[Shown("backward", 1, tuple(TEXT.splitlines()))])
    assert rows_of(room) == rows_of(report.to_html()) and len(rows_of(room)) == 6
    (marked,) = (row for row in rows_of(room) if "wrong" in row)
    assert lines.ARROW + str(WRONG) in marked


def test_rows_have_what_the_script_looks_for() -> None:
    room = function_html(parse(TEXT.replace("y * y)", "y * y)  # F2, twice")).functions[0], [], {}, set())
    assert '<div class="row" id="L5" tabindex="0" data-q="F2"><span class="num">5</span>' in room
    assert '<span class="side"><i class="remark">twice</i><b class="tag" data-q="F2">F2</b></span>' in room


def test_both_have_the_same_rules_and_colours() -> None:
    for rule in lines.RULES:
        assert rule in write.style() and f".gradcheck {rule}" in STYLE
    for palette in (lines.LIGHT, lines.DARK):
        assert palette in write.style() and palette in STYLE
    own = (Path(write.__file__).parent / "reading.css").read_text("utf-8")
    assert not re.search(r"--(?:no|no-back|k|s|d): ", own), "the colours of a row have one place, lines.py"

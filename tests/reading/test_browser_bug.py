"""A page with a planted bug in the browser: hints, red lines, right and wrong answers; with a mouse and with keys."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reading.browser import Reader

TO_BLAME = "dac = dc"  # of bug 20: the factor 1 - c * c is missing
BEFORE, AFTER = "dc = dh * z", "dr = dq * h_prev"


@pytest.fixture
def bug(opened: Callable[..., Reader], written: Callable[..., Path]) -> Reader:
    return opened(written("--bug", "20"))


def test_only_the_wrong_line_is_to_blame(bug: Reader) -> None:
    right = f"L{bug.number(TO_BLAME)}"
    for line in bug.find(".row[id]").evaluate_all("rows => rows.map(row => row.id)"):
        if line != right:
            bug.find(f"#{line} .num").click()
            bug.find("#blame").click()
            assert bug.find("#answer").inner_text().startswith(f"Not line {line[1:]}.")
    bug.choose(TO_BLAME)
    bug.find("#blame").click()
    assert f"Found: line {bug.number(TO_BLAME)}." in bug.find("#answer").inner_text()
    assert "the factor 1 - c^2 is easily lost" in bug.find("#answer").inner_text()
    assert "Right is" in bug.find("#answer").inner_text()
    assert bug.codes(".wrong") == [TO_BLAME]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (BEFORE, "Its values are right at first: later it is given wrong ones."),
        (AFTER, "Its values are wrong, but only because it is given wrong ones."),
    ],
)
def test_a_wrong_answer_is_told_why(bug: Reader, code: str, answer: str) -> None:
    bug.choose(code)
    bug.find("#blame").click()
    assert answer in bug.find("#answer").inner_text()
    assert bug.codes(".tried") == [code]


def test_hints_come_in_stages(bug: Reader) -> None:
    hints = bug.find("#task li")
    assert hints.count() == 0 and "Found" not in bug.find("#answer").inner_text()
    bug.find("#hint").click()
    assert hints.all_inner_texts() == ["Compare what F4 calls c with what it calls ac."]
    assert bug.find("#hint").inner_text() == "Another hint"
    bug.find("#hint").click()
    assert hints.count() == 2 and "step_backward" in hints.nth(1).inner_text()
    assert bug.find("#hint").count() == 0


def test_red_appears_when_stepping(bug: Reader) -> None:
    bug.find("#moment").focus()
    bug.press("Home")
    white = bug.colour(f"#L{bug.number(TO_BLAME)}", "backgroundColor")
    for _ in range(6):
        assert bug.now.startswith("forward") and not bug.codes(".off")
        bug.press("ArrowRight")
    assert bug.now == "backward, t = 5"
    off = bug.codes(".off")
    assert off[0] == TO_BLAME and AFTER in off and BEFORE not in off
    assert bug.colour(f"#L{bug.number(TO_BLAME)}", "backgroundColor") != white
    bug.choose(TO_BLAME)
    assert "✗ not the true derivative by ac" in bug.panel and "first at [" in bug.panel


def test_keys_blame_a_line(bug: Reader) -> None:
    bug.tab_to("#hint")
    bug.press("Enter")
    assert bug.find("#task li").count() == 1 and bug.focused() == "hint"
    bug.tab_to(".row")
    while bug.focused() != f"L{bug.number(TO_BLAME)}":
        bug.press("ArrowDown")
    bug.press("Enter")  # to its values: the arrow has chosen it
    assert bug.tab_to("#blame") < 6
    bug.press("Enter")
    assert "Found" in bug.find("#answer").inner_text()

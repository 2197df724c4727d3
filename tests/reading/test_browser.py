"""What a reader does in the browser: point, choose, step, play, change a number, read a file of their own, print."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minireid.layers import gru
from minireid.reading.library import followed_page
from minireid.reading.place import Followed
from tests.reading.browser import Reader, number

Open = Callable[..., Reader]
Write = Callable[..., Path]
Q = "q = r * h_prev"
DR = "dr = dq * h_prev"
DX = 'dac @ p["Wc"].T + dar @ p["Wr"].T + daz @ p["Wz"].T'
DH_PREV = 'dh_prev = dh * (1 - z) + dq * r + dar @ p["Ur"].T + daz @ p["Uz"].T'
H = "h = (1 - z) * h_prev + z * c"
NAMED = {"h": H, "q": Q, "dr": DR, "dh_prev": DH_PREV}


@pytest.fixture
def page(opened: Open, written: Write) -> Reader:
    return opened(written("gru"))


@pytest.fixture(scope="module")
def run() -> Followed:
    found = followed_page("gru")
    assert found is not None
    return found


def values_of(run: Followed, name: str) -> dict[str, np.ndarray]:
    """The values of a name of one step of the GRU, by frame."""
    return next(p for p in run.places if p.kind == "name" and p.name == name and p.function.startswith("step")).values


def assert_shown(shown: list[list[float]] | None, true: np.ndarray) -> None:
    """The numbers are those of the run, rounded to three digits."""
    assert shown is not None and np.shape(shown) == np.shape(np.atleast_2d(true))
    for seen, value in zip(np.ravel(shown), np.ravel(true)):
        last_digit = 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 0.0
        assert abs(seen - value) <= 0.501 * last_digit + 1e-12
        assert float(f"{seen:.3g}") == seen


# Joins


@pytest.mark.parametrize("how", ["point", "focus"])
def test_a_line_lights_its_equation_and_its_backward(page: Reader, how: str) -> None:
    page.point(Q) if how == "point" else page.row(Q).focus()
    assert page.codes(".lit") == [Q, DR]
    assert page.find(".equation.lit").evaluate_all("found => found.map(e => e.dataset.q)") == ["F3"]
    assert [text for text, _ in page.pieces(DH_PREV)] == ["dq * r"]
    page.point("dc = dh * z")  # F5
    assert [text for text, _ in page.pieces(DH_PREV)] == ["dh * (1 - z)"] and Q not in page.codes(".lit")


def test_an_equation_lights_the_same(page: Reader) -> None:
    page.find('.equation[data-q="F3"]').hover()
    assert page.codes(".lit") == [Q, DR]
    assert [text for text, _ in page.pieces(DH_PREV)] == ["dq * r"]


def test_a_sum_lights_the_uses_of_its_variable(page: Reader) -> None:
    page.point(DH_PREV)
    uses = {
        code: page.pieces(code) for code in page.codes() if ("h_prev", "") in [(t, "") for t, _ in page.pieces(code)]
    }
    forward = [code for code in uses if code != DH_PREV]
    assert [code.partition(" = ")[0] for code in forward] == ["az", "ar", "q", "h"]
    assert [uses[code] for code in forward] == [[("h_prev", str(n))] for n in (1, 2, 3, 4)]
    page.choose(DH_PREV)
    assert "h_prev is used in 4 places" in page.panel
    there = page.find("#panel li a").evaluate_all("found => found.map(a => a.hash)")
    assert there == [f"#L{page.number(code)}" for code in forward[::-1]]  # in the order of the terms
    page.find("#panel li a").first.click()
    assert page.codes(".chosen") == [H]


@pytest.mark.parametrize(
    ("term", "use"), [("dh * (1 - z)", H), ("dq * r", Q), ('dar @ p["Ur"].T', "ar"), ('daz @ p["Uz"].T', "az")]
)
def test_a_term_lights_the_use_that_it_belongs_to(page: Reader, term: str, use: str) -> None:
    page.point(DH_PREV)
    mark = dict(page.pieces(DH_PREV))[term]
    page.row(DH_PREV).locator("span.m > sup", has_text=mark).hover()
    lit = {code: page.pieces(code) for code in page.codes() if page.pieces(code) and code != DH_PREV}
    assert list(lit.values()) == [[("h_prev", mark)]]
    assert next(iter(lit)).startswith(use)


# Moments


@pytest.mark.parametrize("name", list(NAMED))
def test_the_slider_shows_the_numbers_of_the_run(page: Reader, run: Followed, name: str) -> None:
    values = values_of(run, name)
    page.choose(NAMED[name])
    page.find("#moment").focus()
    page.press("Home")
    tables = []
    for side, t in [*(("forward", t) for t in range(6)), *(("backward", t) for t in range(5, -1, -1))]:
        assert page.now == f"{side}, t = {t}"
        if side == "forward" and name.startswith("d"):
            assert page.values() is None and "the backward has not run yet" in page.panel
        else:
            assert_shown(page.values(), values[str(t)])
            tables.append(str(page.values()))
        page.press("ArrowRight")
    assert page.now == "backward, t = 0"
    assert len(set(tables)) == len({v.tobytes() for v in values.values()}) > 3


def test_buttons_move_the_moment_and_stop_at_the_ends(page: Reader) -> None:
    assert page.now == "backward, t = 5"
    page.find("#before").click()
    assert page.now == "forward, t = 5"
    for _ in range(7):
        page.find("#before").click()
    assert page.now == "forward, t = 0"
    page.find("#after").click()
    assert page.now == "forward, t = 1" and page.find("#moment").input_value() == "1"


def test_play_runs_and_pause_stops_it(opened: Open, written: Write) -> None:
    page = opened(written("gru"), clock=True)
    play = page.find("#play")
    page.choose(H)
    play.click()
    assert (play.inner_text(), page.now) == ("Pause", "forward, t = 0")
    first = page.values()
    page.page.clock.run_for(1900)
    assert page.now == "forward, t = 2" and page.values() != first
    play.click()
    page.page.clock.run_for(5000)
    assert (play.inner_text(), page.now) == ("Play", "forward, t = 2")
    play.click()
    page.page.clock.run_for(60_000)
    assert (play.inner_text(), page.now) == ("Play", "backward, t = 0")


def test_the_proof_stands_with_the_line(page: Reader) -> None:
    page.choose(DR)
    assert "✓ the true derivative by r" in page.panel
    assert not page.codes(".off") and page.row(DR).locator(".chip .ok").count() == 1


def test_values_can_be_hidden(page: Reader) -> None:
    page.choose(DR)
    page.find("#fold").click()
    assert not page.find("#panel").is_visible() and page.find("#fold").get_attribute("aria-expanded") == "false"
    page.find("#fold").click()
    assert page.find("#panel").is_visible()


# Keys alone


def test_keys_reach_a_line_its_values_and_the_moments(page: Reader, run: Followed) -> None:
    page.tab_to(".row")
    while page.focused() != page.row(DR).get_attribute("id"):
        before = page.focused()
        page.press("ArrowDown")
        assert page.focused() != before
        assert page.page.evaluate("document.activeElement.getBoundingClientRect().bottom") <= top_of_bar(page)
    assert f"line {page.number(DR)}" in page.panel and page.codes(".chosen") == [DR]
    assert_shown(page.values(), values_of(run, "dr")["5"])
    page.press("ArrowRight")
    assert page.now == "backward, t = 4"
    assert_shown(page.values(), values_of(run, "dr")["4"])
    page.press("ArrowLeft")
    assert page.now == "backward, t = 5"
    page.press("ArrowUp")
    assert page.focused() == f"L{page.number(DR) - 1}"


def test_keys_reach_the_values_of_a_part(page: Reader) -> None:
    page.row("dx = " + DX).focus()
    page.press("ArrowUp")  # from the line below: the line is chosen at once
    part = f'[data-place="{page.find("#panel button", has_text="dq * r").get_attribute("data-place")}"]'
    page.press("Enter")  # to the values
    assert page.tab_to(part) < 6
    page.press("Enter")
    assert "This term is the derivative by one use of h_prev" in page.panel
    assert page.tab_to(part) == 0
    page.press("Escape")
    assert page.focused() == f"L{page.number(DH_PREV)}"


def test_keys_move_the_slider_and_play(page: Reader) -> None:
    page.tab_to("#play")
    page.press("Enter")
    assert page.find("#play").inner_text() == "Pause"
    page.press("Enter")
    assert page.find("#play").inner_text() == "Play"
    page.tab_to("#moment")
    page.press("End")
    assert page.now == "backward, t = 0"
    page.press("ArrowLeft")
    assert page.now == "backward, t = 1"


def top_of_bar(page: Reader) -> float:
    return float(page.find("#bar").evaluate("bar => bar.getBoundingClientRect().top"))


def test_a_page_without_a_bug_asks_for_none(page: Reader) -> None:
    page.choose(DR)
    assert page.find("#blame, #hint, #task").count() == 0


# One number changed


def bold(page: Reader) -> tuple[float, float, float]:
    """The value, the loss and the predicted loss, as they stand there."""
    value, loss, predicted = (number(text) for text in page.find("#moved b").all_inner_texts())
    return value, loss, predicted


def test_a_number_moves_the_loss_and_the_prediction(page: Reader) -> None:
    for option in range(page.find("#which option").count()):
        page.find("#which").select_option(index=option)
        value, loss, predicted = bold(page)
        assert loss == predicted
        page.find("#amount").focus()
        page.press("End")
        assert bold(page)[0] > value and bold(page)[1] != loss and bold(page)[2] != predicted
        page.press("Home")
        assert bold(page)[0] < value


def test_loss_and_prediction_are_those_of_the_layer(page: Reader, run: Followed) -> None:
    """The layer runs once more with the other number; the prediction's slope is a difference quotient."""
    name, _, entry = page.find("#which option").first.inner_text().partition("[")
    index = tuple(int(n) for n in entry.rstrip("]").split(","))
    x, p = run.problem.whole.arguments(run.problem.arrays)
    start = float(x[index])

    def loss(value: float) -> float:
        moved = np.array(x)
        moved[index] = value
        return float(np.sum(gru.forward(moved, p)[0] * run.problem.upstream))

    slope = (loss(start + 1e-5) - loss(start - 1e-5)) / 2e-5
    page.find("#which").select_option(index=0)
    page.find("#amount").focus()
    for key, step in (("Home", -max(1.0, abs(start))), ("End", max(1.0, abs(start)))):
        page.press(key)
        assert name == "x"
        assert_shown([list(bold(page))], np.array([start + step, loss(start + step), loss(start) + slope * step]))


# A file of one's own


def test_a_wrong_file_shows_its_wrong_line(opened: Open, written: Write, run: Followed, tmp_path: Path) -> None:
    wrong = "dr = dq * r"
    text = Path(gru.__file__).read_text(encoding="utf-8")
    assert text.count(DR) == 1
    (tmp_path / "mine.py").write_text(text.replace(DR, wrong), encoding="utf-8")
    page = opened(written(str(tmp_path / "mine.py"), "--like", "gru"))
    assert page.codes(".wrong") == [wrong]
    assert page.find("p.no").inner_text().startswith(f"Line {page.number(wrong)}:")
    page.choose(wrong)
    computed = values_of(run, "dq")["5"] * values_of(run, "r")["5"]
    assert "✗ not the true derivative by r: first at [0, 0]" in page.panel
    told = page.find("#panel p b").all_inner_texts()
    assert_shown([[number(text) for text in told]], np.array([computed[0, 0], values_of(run, "dr")["5"][0, 0]]))
    assert_shown(page.values(0), computed)
    assert_shown(page.values(1), values_of(run, "dr")["5"])


# Windows, colours, paper


def test_a_phone_scrolls_down_only(opened: Open, written: Write) -> None:
    page = opened(written("gru"), width=390)
    assert page.width() == 390
    page.choose(DH_PREV)
    assert page.width() == 390 and page.find("#panel table").count() == 1


def test_dark_mode_has_other_colours(opened: Open, written: Write) -> None:
    light, dark = (opened(written("gru"), colours=colours) for colours in ("light", "dark"))
    for query, of in (("body", "color"), ("body", "backgroundColor"), ("#bar", "backgroundColor"), (".k", "color")):
        assert light.colour(query, of) != dark.colour(query, of), query
    assert brightness(light.colour("body", "backgroundColor")) > 200 > 100 > brightness(light.colour("body"))
    assert brightness(dark.colour("body", "backgroundColor")) < 100 < 200 < brightness(dark.colour("body"))


def brightness(colour: str) -> float:
    """Of rgb(r, g, b): the mean, 0 to 255."""
    return float(np.mean([float(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")]))


def test_paper_has_all_values_and_no_bar(opened: Open, written: Write, run: Followed) -> None:
    page = opened(written("gru"), colours="dark")
    table = page.find(".all table")
    assert page.find("#bar").is_visible() and not table.is_visible()
    page.page.emulate_media(media="print")
    assert not page.find("#bar").is_visible() and table.is_visible()
    names = set(table.locator("tbody th").all_inner_texts())
    assert {p.label for p in run.places if p.kind in ("name", "argument") and p.values} == names
    assert brightness(page.colour("body", "backgroundColor")) > 200

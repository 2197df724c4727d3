"""A page taken apart: nothing is lost, equations and tags stand where they belong."""

from pathlib import Path

import pytest

from minireid.reading.library import files
from minireid.reading.page import Equation, parse


def lines_of(name: str) -> dict[str, list[str]]:
    page = parse(files()[name].read_text("utf-8"))
    return {line.text.strip(): line.tags for function in page.functions for line in function.lines}


def test_equations_and_tags_of_gru() -> None:
    page = parse(files()["gru"].read_text("utf-8"))
    assert [e.label for e in page.equations] == ["F1", "F2", "F3", "F4", "F5"]
    assert page.equations[2].lines[0].startswith("q = r h'")
    tags = lines_of("gru")
    assert tags["q = r * h_prev"] == ["F3"]
    assert tags['az = x @ p["Wz"] + h_prev @ p["Uz"] + p["bz"]'] == ["F1"]  # from the equation: the line has no tag
    assert next(t for text, t in tags.items() if text.startswith("dh_prev =")) == ["F5", "F3", "F2", "F1"]


def test_remarks_stay_beside_the_tags() -> None:
    page = parse(files()["gru"].read_text("utf-8"))
    (line,) = [n for f in page.functions for n in f.lines if n.text.strip() == "z, _ = sigmoid.forward(az)"]
    assert (line.tags, line.comment) == (["F1"], "(N, S); its derivative needs z alone")


def test_a_case_of_an_equation_belongs_to_it() -> None:
    page = parse(files()["contrastive_squared"].read_text("utf-8"))
    assert [len(e.lines) for e in page.equations] == [2, 1]


def test_the_derivation_stands_above_its_function() -> None:
    page = parse(files()["gru"].read_text("utf-8"))
    above = {f.name: f.above for f in page.functions}
    assert above["step_backward"].startswith("dX always means")
    assert above["backward"].startswith("Backpropagation through time")
    assert [f.side for f in page.functions] == ["forward", "forward", "backward", "forward", "backward"]


@pytest.mark.parametrize("name", sorted(files()))
def test_no_line_of_a_function_is_lost(name: str) -> None:
    text = files()[name].read_text("utf-8")
    source = text.splitlines()
    page = parse(text)
    for function in page.functions:
        for line in function.lines:
            assert source[line.number - 1].startswith(line.text)
            rest = source[line.number - 1][len(line.text) :].strip()
            assert all(word in rest for word in line.comment.split())
    labels = {e.label for e in page.equations}
    assert all(isinstance(e, Equation) and e.lines[0] for e in page.equations)
    assert len(labels) == len(page.equations)


def test_text_that_is_no_page_is_read_too() -> None:
    page = parse("x = 1\n\n\ndef forward(x):\n    return x, None  # no tag\n")
    assert (page.title, page.intro, page.functions[0].lines[1].comment) == ("", [], "no tag")
    with pytest.raises(SyntaxError):
        parse("def forward(:\n")


def test_files_are_those_of_the_four_rooms() -> None:
    assert files()["gru"].parent.name == "layers" and files()["loops"].parent.name == "kernels"
    assert {Path(path).parent.name for path in files().values()} == {"layers", "losses", "networks", "kernels"}

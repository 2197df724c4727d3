"""The page for students is true."""

import re
from pathlib import Path

import pytest

from minireid.gradcheck.cases.user_module import imported
from minireid.practice.cells import gated, margin
from minireid.practice.cells.check import judged, told
from minireid.practice.cells.definition import used_by
from minireid.practice.cells.student import definition_of, page

README = (Path(gated.__file__).parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n\$ (.*?)\n(.*?)\n```", README, re.MULTILINE | re.DOTALL)
ANSWER = Path(__file__).parent / "answers" / "cell_s4.py"


def test_the_equations_are_those_of_the_command() -> None:
    command, shown = BLOCKS[0]
    assert command == "minireid exercise cell --student s4"
    assert page(definition_of("s4")).startswith(shown + "\n\n")
    (listed,) = re.findall(r"Here these are (.*)\.", README)
    assert all(f"= {function.strip('`')} " in f"{shown} " for function in listed.split(", "))
    uses = [name for used in used_by(definition_of("s4")).values() for name in used]
    assert (uses.count("h_prev"), uses.count("U")) == (3, 2)


def test_the_report_is_the_checkers(tmp_path: Path) -> None:
    command, shown = BLOCKS[1]
    start, hints = command.split(" --hints ")
    assert start == "minireid exercise cell check my_cell.py --student s4"
    file = tmp_path / "my_cell.py"
    file.write_text(
        ANSWER.read_text(encoding="utf-8").replace("dc * (c_prev - g)", "dc * (g - c_prev)"), encoding="utf-8"
    )
    assert told(*judged(file, imported(file), definition_of("s4"), 0), int(hints)).startswith(shown + "\n")


def test_the_python_for_graders_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    exec(source, {})
    assert capsys.readouterr().out.startswith("[('h', False), ('c', False), ('x', False), ('h_prev', False)")


def test_the_figures() -> None:
    """The others: test_draws.test_how_many_there_are."""
    assert f"{gated.LEAST} to {gated.MOST} uses" in README
    assert f"{margin.count() / 1e10:.0f} · 10^10 losses" in README

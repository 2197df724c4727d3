"""minireid zoo: what it prints and writes, and that it keeps the answers to itself until it is asked for them."""

import re
import subprocess
from pathlib import Path

import pytest

from minireid.base.errors import InputError
from minireid.cli import main
from minireid.practice.zoo import plant, texts
from minireid.practice.zoo.bugs import BUGS
from tests.practice.zoo.test_bugs import CAUSES

Capture = pytest.CaptureFixture[str]
NUMBERS = range(1, len(BUGS) + 1)


def test_the_listing_names_every_bug_once_and_gives_no_answers() -> None:
    text = texts.listing()
    assert [int(n) for n in re.findall(r"^ +(\d+)  ", text, re.MULTILINE)] == list(NUMBERS)
    for bug in BUGS:
        assert text.count(f" {bug.title}\n") == 1
        assert bug.explanation not in text and bug.hint not in text and (not bug.new or bug.new not in text)
    for cause in CAUSES:
        assert cause not in text.lower(), cause
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("number", NUMBERS)
def test_show_gives_the_broken_function_alone(number: int) -> None:
    bug = BUGS[number - 1]
    text = texts.show(number)
    broken, first_wrong = plant.source(bug)
    lines = {int(n): line for n, line in re.findall(r"^ *(\d+)(?:  (.*))?$", text, re.MULTILINE)}
    first, last = plant.function_lines(broken, bug.function)
    assert list(lines) == list(range(first, last + 1))
    assert [lines[n] for n in lines] == [line.rstrip() for line in broken.splitlines()[first - 1 : last]]
    assert lines.get(first_wrong, "") == broken.splitlines()[first_wrong - 1] or not bug.new
    assert f"minireid gradcheck bug{number}.py --like {plant.like(bug)}" in text
    assert bug.explanation not in text and bug.hint not in text


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_tells(number: int) -> None:
    bug = BUGS[number - 1]
    title, diff, explanation = texts.solve(number).split("\n\n")
    assert title == f"{number}. {bug.title}: {bug.cause}" and " ".join(explanation.split()) == bug.explanation
    removed = re.findall(r"^-(?!-)(.*)$", diff, re.MULTILINE)
    added = re.findall(r"^\+(?!\+)(.*)$", diff, re.MULTILINE)
    broken, right = plant.source(bug)[0].splitlines(), plant.clean_source(bug).splitlines()
    assert all(line in broken for line in removed) and all(line in right for line in added) and removed + added


def test_a_solution_can_be_applied(tmp_path: Path) -> None:
    number = next(n for n in NUMBERS if BUGS[n - 1].module == "layers.elman" and BUGS[n - 1].function == "backward")
    file = tmp_path / "mine.py"
    texts.write(number, file)
    diff = texts.solve(number).split("\n\n")[1] + "\n"
    try:
        subprocess.run(["patch", str(file)], input=diff, text=True, check=True, capture_output=True, timeout=20)
    except FileNotFoundError:
        pytest.skip("there is no patch here")
    assert file.read_text() == plant.clean_source(BUGS[number - 1])


@pytest.mark.parametrize("number", NUMBERS)
def test_a_hint_helps_and_does_not_tell(number: int) -> None:
    text = texts.hint(number)
    assert " ".join(text.split()).endswith(BUGS[number - 1].hint) and BUGS[number - 1].explanation not in text


def test_the_written_page_is_the_broken_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    texts.write(3, file)
    assert file.read_text(encoding="utf-8") == plant.source(BUGS[2])[0]


@pytest.mark.parametrize("number", [0, -1, len(BUGS) + 1])
def test_a_number_that_no_bug_has(number: int, tmp_path: Path) -> None:
    for command in (texts.show, texts.hint, texts.solve, lambda n: texts.write(n, tmp_path / "a.py")):
        with pytest.raises(InputError, match=f"from 1 to {len(BUGS)}, got {number}"):
            command(number)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("my work")
    with pytest.raises(InputError, match="is there"):
        texts.write(1, file)
    assert file.read_text() == "my work"


def test_the_command_line(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.py"
    for words, expected in (
        (["zoo"], texts.listing()),
        (["zoo", "show", "2"], texts.show(2)),
        (["zoo", "hint", "2"], texts.hint(2)),
        (["zoo", "solve", "2"], texts.solve(2)),
        (["zoo", "show", "2", "--out", str(file)], texts.show(2, file)),
    ):
        assert main(words) == 0
        assert capsys.readouterr().out == expected + "\n"
    assert file.read_text(encoding="utf-8") == plant.source(BUGS[1])[0] and str(file) in texts.show(2, file)


@pytest.mark.parametrize(
    "words, says",
    [
        (["show"], "expected a number: minireid zoo show 17"),
        (["solve", "9999"], "got 9999"),
        (["hint", "2", "--out", "mine.py"], "expected --out with show alone"),
        (["--out", "mine.py"], "expected --out with show alone"),
        (["show", "2", "--out", "mine.txt"], "expected --out to end in .py"),
        (["show", "2", "--out", "nowhere/mine.py"], "expected a folder nowhere"),
        (["show", "9999", "--out", "mine.py"], "got 9999"),
    ],
)
def test_bad_input_is_one_line(words: list[str], says: str, tmp_path: Path, capsys: Capture, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["zoo", *words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and says in said.err and said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())

"""`minireid zoo exam`: questions without their answers, a key that is right, the same exam for the same seed."""

import re
from pathlib import Path

import numpy as np
import pytest

from minireid import cli
from minireid.base.errors import InputError
from minireid.practice.zoo import exam, plant
from minireid.practice.zoo.bugs import BUGS

FITTING = [bug for bug in BUGS if exam.fits(bug)]


def test_exam_and_key_belong_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["zoo", "exam", "--seed", "7", "--bugs", "5", "--papers", "2", "--out"]
    assert cli.main([*words, str(tmp_path / "one")]) == cli.main([*words, str(tmp_path / "two")]) == 0
    questions, key = ((tmp_path / "one" / name).read_text("utf-8") for name in ("exam.md", "key.md"))
    assert questions == (tmp_path / "two" / "exam.md").read_text("utf-8")
    assert re.findall(r"^## .*$", questions, re.MULTILINE) == re.findall(r"^## .*$", key, re.MULTILINE)
    assert "7 questions, 66 points" in questions
    wrong = re.findall(r"^a\) line (\d+): `(.*)`$", key, re.MULTILINE)
    right = re.findall(r"^b\) `(.*)`", key, re.MULTILINE)
    assert len(wrong) == len(right) == 5
    for (number, line), mended in zip(wrong, right):
        assert re.search(rf"^ *{number}  +{re.escape(line)}", questions, re.MULTILINE)
        assert f"  {mended}\n" not in questions
    assert "written:" in capsys.readouterr().out


def test_another_seed_is_another_exam() -> None:
    drawn = [tuple(exam.chosen(np.random.default_rng(seed), 5)) for seed in range(20)]
    assert len(set(drawn)) == 20
    for bugs in drawn:
        assert len({(bug.module, bug.function) for bug in bugs}) == 5


def test_there_are_enough_questions_and_none_gives_itself_away() -> None:
    assert len(FITTING) >= 60
    for bug in FITTING:
        _, question, answer = exam.bug_question(bug)
        assert bug.title not in question and bug.hint not in question and bug.cause in answer


@pytest.mark.parametrize("bug", FITTING[::6], ids=lambda bug: bug.title)
def test_the_wrong_gradients_are_named(bug) -> None:
    returned = plant.source(bug)[0]
    assert exam.wrong_gradients(bug) and all(name[1:].split(".")[0] in returned for name in exam.wrong_gradients(bug))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"bugs": 1000}, "from 0 to"),
        ({"bugs": -1, "papers": 3}, "from 0 to"),
        ({"bugs": 0, "papers": 0}, "a question"),
        ({"seed": -1}, "--seed and --papers of 0 or more"),
    ],
)
def test_bad_numbers_write_nothing(words: dict[str, int], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        exam.write_exam(tmp_path / "exam", **{"seed": 0, "bugs": 2, "papers": 0, **words})
    assert not list(tmp_path.iterdir())


def test_an_exam_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is there"):
        exam.write_exam(tmp_path, seed=0, bugs=1, papers=0)
    assert cli.main(["zoo", "exam"]) == 2

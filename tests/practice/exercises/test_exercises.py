"""Every exercise: its stub is empty and stands alone, its solution is right, its typical mistakes are told apart."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from minireid.practice.exercises.catalogue import ALL, EXERCISES, table
from minireid.practice.exercises.exercise import Asked, Exercise
from minireid.practice.exercises.known import mistakes_of
from minireid.practice.exercises.mistakes import OWN
from minireid.practice.exercises.stub import EMPTY, stub
from minireid.practice.grading.grade import Grade
from minireid.practice.grading.grader import grade_file
from tests.practice.exercises.solutions import file_of, solution

each = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
SAMPLER = "minireid.practice.exercises.pages.pair_sampler"
SAMPLER_MISTAKES = (
    ("mine[camera[mine] != camera[first]]", "mine", "positive: two cameras"),
    ("np.flatnonzero(person != person[first])", "len(person)", "negative: two persons"),
    ("np.arange(2 * P) < P", "np.arange(2 * P) % 2 == 0", "same"),
    ("rng.choice(persons)", "persons[0]", "every clip can be drawn"),
    ("first = rng.choice(mine)", "first = np.random.choice(mine)", "random by rng alone"),
    (
        "person == rng.choice(persons)",
        "person == rng.choice(np.append(persons, persons[:1].repeat(9)))",
        "persons alike",
    ),
    ("positive + negative)", "positive + negative).T", "shapes"),
)


def graded(text: str, exercise: Exercise, folder: Path, seed: int) -> Grade:
    file = folder / f"{exercise.name}.py"
    file.write_text(text)
    return grade_file(file, exercise, seed)


def asked_functions(exercise: Exercise) -> list[tuple[Asked, object]]:
    pairs = [(a, f) for a in exercise.asked for f in (a.function, a.backward) if f]
    return [(a, f) for a, f in pairs if not (a.given and f is a.function)]


def test_there_are_about_twenty_in_three_levels() -> None:
    assert len(ALL) == len(EXERCISES) >= 20
    assert {e.level for e in ALL} == {1, 2, 3}
    assert all(e.points > 0 and e.minutes > 0 and e.hint[-1] in ".?" for e in ALL)
    assert all(name in table() for name in EXERCISES)


@each
def test_the_stub_gets_no_points_and_one_helpful_word(exercise: Exercise, tmp_path: Path) -> None:
    grade = graded(stub(exercise), exercise, tmp_path, 0)
    assert grade.points == 0 and not any(row.ok for row in grade.rows)
    line = int(re.findall(r"is not written yet \(line (\d+) of ", grade.word)[0])
    assert EMPTY in stub(exercise).splitlines()[line - 1]


@each
def test_functions_that_do_nothing_get_no_points(exercise: Exercise, tmp_path: Path) -> None:
    grade = graded(stub(exercise).replace(EMPTY, "..."), exercise, tmp_path, 0)
    assert grade.points == 0 and not any(row.ok for row in grade.rows), grade.rows


@each
def test_the_stub_stands_alone(exercise: Exercise) -> None:
    text = stub(exercise)
    tree = ast.parse(text)
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {ast.unparse(node) for node in imported} <= {"import numpy as np", "from typing import NamedTuple"}
    exec(compile(text, exercise.name, "exec"), {"__name__": exercise.name})
    assert all(len(line) <= 120 for line in text.splitlines())
    assert text.count(EMPTY) == len(asked_functions(exercise))
    assert f"minireid exercise check {exercise.name}.py" in text


@each
def test_the_stub_keeps_the_pages_equations_and_signatures(exercise: Exercise) -> None:
    text = stub(exercise)
    defined = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    for asked, function in asked_functions(exercise):
        mine = defined[asked.prefix + function.__name__]
        theirs = [name for name in inspect.signature(function).parameters if name not in asked.without]
        assert [a.arg for a in mine.args.args + mine.args.kwonlyargs] == theirs
        page = inspect.getmodule(function).__doc__ + (inspect.getdoc(function) or "")
        for equation in re.findall(r"^ +(F\d.*)$", page, re.MULTILINE):
            if function.__name__ != "forward" or not asked.given:
                assert equation.split("   ")[0] in text or "rmsprop" in page


@each
def test_the_stub_does_not_hold_the_answer(exercise: Exercise) -> None:
    text = stub(exercise)
    given = "\n".join(inspect.getsource(thing) for thing in exercise.given)
    for _, function in asked_functions(exercise):
        body = ast.parse(inspect.getsource(function)).body[0].body[1:]
        for statement in (node for part in body for node in ast.walk(part) if isinstance(node, ast.stmt)):
            code = ast.unparse(statement).splitlines()[0]
            if len(code) > 12 and code not in given:
                assert code not in text, code


@each
@pytest.mark.parametrize("seed", [0, 1])
def test_the_solution_gets_full_points(exercise: Exercise, seed: int, tmp_path: Path) -> None:
    assert_right(graded(solution(exercise), exercise, tmp_path, seed))


@each
@pytest.mark.slow
def test_the_solution_gets_full_points_on_fifty_seeds(exercise: Exercise, tmp_path: Path) -> None:
    for seed in range(2, 52):
        assert_right(graded(solution(exercise), exercise, tmp_path, seed))


def assert_right(grade: Grade) -> None:
    assert grade.ok and grade.points == grade.of and grade.word == "all right" and not grade.causes
    assert not any(row.note for row in grade.rows)


@pytest.mark.parametrize("name", OWN)
def test_typical_mistakes_are_told_apart(name: str, tmp_path: Path) -> None:
    """Each is named by its own sentence: nothing is looked at but numbers."""
    exercise = EXERCISES[name]
    assert len(OWN[name]) >= 5 and len({mistake.said for mistake in OWN[name]}) == len(OWN[name])
    for mistake in OWN[name]:
        page = file_of(mistake.module).read_text(encoding="utf-8")
        assert page.count(mistake.old) == 1, mistake
        wrong = solution(exercise, {mistake.module: page.replace(mistake.old, mistake.new)})
        grade = graded(wrong, exercise, tmp_path, 7)
        assert grade.points < grade.of and grade.causes == (mistake.said,), (mistake, grade.word)


@pytest.mark.parametrize(("old", "new", "rule"), SAMPLER_MISTAKES)
def test_typical_mistakes_of_a_sampler_are_told_apart(old: str, new: str, rule: str, tmp_path: Path) -> None:
    page = file_of(SAMPLER).read_text(encoding="utf-8")
    assert page.count(old) == 1
    exercise = EXERCISES["pair_sampler"]
    grade = graded(solution(exercise, {SAMPLER: page.replace(old, new)}), exercise, tmp_path, 7)
    wrong = [row.tensor for row in grade.rows if not row.ok]
    assert wrong[0] == rule and grade.points < grade.of


def test_mistakes_of_the_zoo_are_known_too() -> None:
    assert len(mistakes_of(EXERCISES["gru_step"])) > 20 + len(OWN["gru_step"])
    assert not any("step_backward" in m.said for m in mistakes_of(EXERCISES["bptt"]))  # the step is given there


@each
def test_draws_are_fresh_and_no_two_sizes_of_parameters_agree(exercise: Exercise) -> None:
    for asked in exercise.asked:
        first, again, other = (asked.draws(np.random.default_rng(seed), 3) for seed in (1, 1, 2))
        assert repr(first) == repr(again) != repr(other)

"""A whole class: a folder with one file or one folder for each student. One bad file never stops it.

CLASS/ada/linear.py, CLASS/ada/gru_step.py          a folder for each student: files are named like exercises
CLASS/ada.py                                        a file for each student: one exercise is given
"""

import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from minireid.base.errors import InputError
from minireid.practice.cells.exercise import KINDS, own_exercise
from minireid.practice.exercises.catalogue import EXERCISES, exercise_of
from minireid.practice.exercises.exercise import Exercise
from minireid.practice.grading.grade import Grade, nothing
from minireid.practice.grading.grader import grade_file
from minireid.practice.grading.process import Limits


class Work(NamedTuple):
    """A student's grade for one exercise. path: of the file, which may not be there."""

    student: str
    path: Path
    grade: Grade


def grade_class(
    folder: Path,
    names: Sequence[str] = (),
    *,
    course: str = "",
    seed: int | None = None,
    workers: int | None = None,
    hints: int = 1,
    limits: Limits = Limits(),  # noqa: B008
    tell: Callable[[Work], None] = lambda work: None,
) -> list[Work]:
    """Every student's grade for every exercise, by student.

    names: the exercises; none: those of which any student has a file. "cell" and "loss": the student's own,
    drawn from the name of the folder or file and the word of the course. seed: None draws one, the same for all.
    workers: how many files at once; None: one for each core. hints: 2 line, 3 cause, 4 fix, from the checker. tell:
    is called after each file.
    InputError for an empty folder, or if the exercise of a file is not known.
    """
    tasks = found(folder, names)
    for name in {name for _, _, name in tasks}:
        exercise_for("anybody", name, course)  # a bad word of the course is told before the first file
    seed = secrets.randbelow(2**31) if seed is None else seed

    def work(task: tuple[str, Path, str]) -> Work:
        student, path, name = task
        try:
            exercise = exercise_for(student, name, course)
            done = Work(student, path, one(path, exercise, seed, hints, limits))
        except InputError as fault:  # no cell can be drawn from this name
            done = Work(student, path, nothing(exercise_for("anybody", name, course), str(fault), seed))
        tell(done)
        return done

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        return list(pool.map(work, tasks))


def one(path: Path, exercise: Exercise, seed: int, hints: int, limits: Limits) -> Grade:
    try:
        return grade_file(path, exercise, seed, hints=hints, limits=limits)
    except InputError as fault:
        return nothing(exercise, str(fault), seed)
    except Exception as fault:  # a fault of the grader's must not cost the others their grades
        return nothing(exercise, f"the grader failed: {type(fault).__name__}: {fault}", seed)


def found(folder: Path, names: Sequence[str]) -> list[tuple[str, Path, str]]:
    """(student, path, name of the exercise), for each student every exercise."""
    if not folder.is_dir():
        raise InputError(f"expected a folder with a file or a folder for each student, found no folder {folder}")
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    homes = [path for path in entries if path.is_dir()]
    files = [path for path in entries if path.suffix == ".py"]
    wanted = [name if name in KINDS else exercise_of(name).name for name in names] or handed_in(homes)
    tasks = [(named(home.name), home / f"{name}.py", name) for home in homes for name in wanted]
    if files and len(names) != 1:
        raise InputError(f"expected --exercise NAME for {files[0]}: a file for each student is one exercise of all")
    tasks += [(named(file.stem), file, wanted[0]) for file in files]
    if not tasks:
        raise InputError(f"expected files such as STUDENT/linear.py or STUDENT.py in {folder}, found none")
    return sorted(tasks, key=lambda task: task[0])


def exercise_for(student: str, name: str, course: str) -> Exercise:
    return own_exercise(student, course=course, kind=name) if name in KINDS else exercise_of(name)


def named(name: str) -> str:
    """A student's name that can be printed, whatever bytes the file system holds."""
    return os.fsencode(name).decode("utf-8", "replace")


def handed_in(homes: list[Path]) -> list[str]:
    return [name for name in (*EXERCISES, *KINDS) if any((home / f"{name}.py").exists() for home in homes)]

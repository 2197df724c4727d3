"""Grades one file of a student."""

import secrets
import time
from pathlib import Path

from minireid.base.errors import InputError
from minireid.practice.exercises.exercise import Exercise
from minireid.practice.grading.grade import Grade
from minireid.practice.grading.hints import reports
from minireid.practice.grading.judge import judge
from minireid.practice.grading.process import LARGEST_FILE, Limits, running


def grade_file(
    path: Path,
    exercise: Exercise,
    seed: int | None = None,
    *,
    hints: int = 1,
    limits: Limits = Limits(),  # noqa: B008
) -> Grade:
    """seed: None draws a fresh one, which nobody can know before. hints: 2 line, 3 cause, 4 fix, from the checker.

    InputError if there is no such file, if it is a link, or if it is too large.
    """
    if path.is_symlink() or not path.is_file():
        raise InputError(f"expected a file {path}" + (", found a link" if path.is_symlink() else ", found none"))
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(f"expected {path} to have at most {LARGEST_FILE} bytes, it has {path.stat().st_size}")
    seed = secrets.randbelow(2**31) if seed is None else seed
    began = time.monotonic()
    name = f"{exercise.name}.py"
    source = path.read_bytes()
    with running(source, name, limits) as student:
        grade = judge(exercise, student, name, seed)
    if not grade.ok:
        grade = grade._replace(reports=reports(source, exercise, seed, hints))
    return grade._replace(seconds=round(time.monotonic() - began, 2))

"""A grade: points for every tensor, what was seen, and one helpful word. Plain data, made by the parent process."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from minireid.practice.exercises.exercise import Exercise

NO_ANSWER = ("not written", "no answer", "missing")


class Row(NamedTuple):
    """One tensor. part: the function of the student's file that it comes from. said: a few words. note: what is
    accepted, but somebody should look at."""

    part: str
    tensor: str
    ok: bool
    points: float
    of: float
    said: str
    note: str = ""


class Grade(NamedTuple):
    """word: one helpful sentence. seed: with it the same numbers are drawn again. hint: where to look. causes:
    known mistakes that lead to just these numbers. reports: of the gradient checker, where they were asked for."""

    exercise: str
    points: float
    of: float
    word: str
    rows: tuple[Row, ...]
    seed: int
    seconds: float = 0.0
    hint: str = ""
    causes: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return bool(self.rows) and all(row.ok for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "ok": self.ok, "rows": [row._asdict() for row in self.rows]}


def total(exercise: Exercise, rows: list[Row], word: str, seed: int, causes: tuple[str, ...]) -> Grade:
    points = round(sum(row.points for row in rows), 2)
    of = float(exercise.points)
    return Grade(exercise.name, points, of, word, tuple(rows), seed, hint=exercise.hint, causes=causes)


def nothing(exercise: Exercise, word: str, seed: int) -> Grade:
    """The grade of a file that could not be tried."""
    return Grade(exercise.name, 0.0, float(exercise.points), word, (), seed)


def text(grade: Grade, hints: int = 1) -> str:
    """hints: 0 the verdict, 1 also every tensor and where to look, 3 also the cause; and what the checker said."""
    lines = [f"{grade.exercise}  {points(grade.points)} of {points(grade.of)} points   seed {grade.seed}"]
    lines.append(f"  {grade.word}")
    if hints >= 1:
        for row in condensed(grade.rows):
            state = "right" if row.ok else "wrong"
            said = "" if row.said == "right" else row.said
            note = f"  (note: {row.note})" if row.note else ""
            lines.append(f"  {state}  {row.part:<16} {row.tensor:<10} {points(row.of):>5}  {said}{note}".rstrip())
        if not grade.ok and grade.hint:
            lines.append(f"  a usual trap: {grade.hint}")
    lines += [f"  probably {cause}" for cause in grade.causes if hints >= 3]
    return "\n".join([*lines, *grade.reports])


def condensed(rows: Sequence[Row]) -> list[Row]:
    """The rows to show: tensors of one function that did not come are one."""
    shown: list[Row] = []
    for (part, said), group in groupby(rows, lambda row: (row.part, row.said)):
        tensors = list(group)
        if said in NO_ANSWER and len(tensors) > 1:
            got, of = sum(row.points for row in tensors), sum(row.of for row in tensors)
            shown.append(Row(part, f"{len(tensors)} tensors", False, got, round(of, 2), said))
        else:
            shown += tensors
    return shown


def points(number: float) -> str:
    """10, 7.5, 3.33"""
    return f"{number:.2f}".rstrip("0").rstrip(".")

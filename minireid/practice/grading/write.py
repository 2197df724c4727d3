"""Writes the grades of a class into a folder: each file whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from minireid.base.errors import InputError
from minireid.base.files import write_text
from minireid.practice.grading import feedback, tables
from minireid.practice.grading.classes import Work


def check_out(folder: Path) -> None:
    """InputError unless the folder can be made. Call it before the grading, not after it."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"expected a folder for --out, got the file {folder}")
    if not folder.parent.is_dir():
        raise InputError(f"expected a folder {folder.parent} to make {folder.name} in, found none: make it first")


def write_class(folder: Path, works: Sequence[Work], hints: int) -> None:
    """grades.csv, grades.xml (JUnit), feedback/STUDENT.html. InputError if they cannot be written."""
    pages = folder / "feedback"
    try:
        pages.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise InputError(f"cannot make the folder {pages} ({fault.strerror})") from None
    write_text(folder / "grades.csv", tables.as_csv(works))
    write_text(folder / "grades.xml", tables.junit(works))
    for student, mine in tables.by_student(works).items():
        write_text(pages / f"{student}.html", feedback.page(student, mine, hints))

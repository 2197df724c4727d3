"""Functions to write yourself, and their check."""

import argparse
from pathlib import Path

from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("list", "start", "check", "pack"))
    command.add_argument("names", nargs="*", metavar="NAME", help="start, pack: the exercise; check: your FILE.py")
    command.add_argument("--exercise", metavar="NAME", help="check: the exercise, if the file has another name")
    command.add_argument(
        "--hints", type=int, choices=range(5), default=1,
        help="check: 0 the verdict, 1 tensors (default), 2 the wrong line, 3 the cause, 4 the fix",
    )  # fmt: skip
    command.add_argument("--gradescope", type=Path, metavar="OUT.zip", help="pack: an autograder to upload there")
    command.add_argument("--seed", type=int, help="check: draw the numbers from it (default: new ones each time)")


def run(arguments: argparse.Namespace) -> int:
    from minireid.practice.exercises import catalogue

    if arguments.action == "list":
        print(catalogue.table())
        return 0
    if arguments.action == "pack":
        return pack(arguments.gradescope, arguments.names, arguments.hints)
    if len(arguments.names) != 1:
        what = "NAME" if arguments.action == "start" else "FILE.py"
        raise InputError(f"expected minireid exercise {arguments.action} {what}; all names: minireid exercise list")
    if arguments.action == "start":
        from minireid.practice.exercises.stub import stub

        print(stub(catalogue.exercise_of(arguments.names[0])), end="")
        return 0
    return check(Path(arguments.names[0]), arguments.exercise, arguments.seed, arguments.hints)


def pack(out: Path | None, names: list[str], hints: int) -> int:
    from minireid.practice.grading import gradescope

    if out is None:
        raise InputError("expected --gradescope OUT.zip: minireid exercise pack linear gru_step --gradescope OUT.zip")
    gradescope.pack(out, names, hints)
    print(f"written: {out}")
    return 0


def check(path: Path, name: str | None, seed: int | None, hints: int) -> int:
    """Print what the grader says. 1 unless all is right."""
    from minireid.practice.exercises.catalogue import exercise_of
    from minireid.practice.grading.grade import text
    from minireid.practice.grading.grader import grade_file

    grade = grade_file(path, exercise_of(name or path.stem), seed, hints=hints)
    print(text(grade, hints))
    return 0 if grade.ok else 1

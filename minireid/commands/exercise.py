"""Functions to write yourself, and their check."""

import argparse
from collections.abc import Callable
from pathlib import Path

from minireid.base.arguments import whole
from minireid.commands.exercise_cell import add_cell_arguments, run_cell


def add_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, function: Callable[[argparse.Namespace], int], does: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=does, description=does)
        parser.set_defaults(do=function)
        return parser

    action("list", show_list, "All exercises, with level, points and minutes.")
    start = action("start", show_stub, "Print the file to write in: minireid exercise start gru_step > gru_step.py")
    start.add_argument("name", metavar="NAME")

    checked = action("check", check, "Points for your file.")
    checked.add_argument("file", type=Path, metavar="FILE.py")
    checked.add_argument("--exercise", metavar="NAME", help="the exercise, if the file has another name")
    checked.add_argument("--seed", type=whole(0), help="draw the numbers from it (default: new ones each time)")

    packed = action("pack", pack, "An autograder for Gradescope, to upload there.")
    packed.add_argument("names", nargs="+", metavar="NAME")
    packed.add_argument("--gradescope", type=Path, required=True, metavar="OUT.zip")
    for parser in (checked, packed):
        parser.add_argument(
            "--hints", type=int, choices=range(5), default=1,
            help="0 the verdict, 1 tensors (default), 2 the wrong line, 3 the cause, 4 the fix",
        )  # fmt: skip

    add_cell_arguments(action("cell", run_cell, "A gated cell or a loss of your own, drawn from your name."))


def run(arguments: argparse.Namespace) -> int:
    return arguments.do(arguments)


def show_list(arguments: argparse.Namespace) -> int:
    from minireid.practice.exercises import catalogue

    print(catalogue.table())
    return 0


def show_stub(arguments: argparse.Namespace) -> int:
    from minireid.practice.exercises import catalogue
    from minireid.practice.exercises.stub import stub

    print(stub(catalogue.exercise_of(arguments.name)), end="")
    return 0


def pack(arguments: argparse.Namespace) -> int:
    from minireid.practice.grading import gradescope

    gradescope.pack(arguments.gradescope, arguments.names, arguments.hints)
    print(f"written: {arguments.gradescope}")
    return 0


def check(arguments: argparse.Namespace) -> int:
    """Print what the grader says. 1 unless all is right."""
    from minireid.practice.exercises.catalogue import exercise_of
    from minireid.practice.grading.grade import text
    from minireid.practice.grading.grader import grade_file

    exercise = exercise_of(arguments.exercise or arguments.file.stem)
    grade = grade_file(arguments.file, exercise, arguments.seed, hints=arguments.hints)
    print(text(grade, arguments.hints))
    return 0 if grade.ok else 1

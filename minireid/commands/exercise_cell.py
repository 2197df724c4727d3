"""A gated cell or a loss of your own, drawn from your name: write forward and backward."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.base.errors import InputError


def add_cell_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", nargs="?", choices=("start", "check"), help="default: print the equations")
    command.add_argument("file", nargs="?", type=Path, metavar="FILE.py", help="start: a new file; check: your file")
    command.add_argument("--student", required=True, metavar="ID", help="your name or number: each has another cell")
    command.add_argument("--course", default="", metavar="WORD", help="a word of the course: all have other cells")
    command.add_argument("--loss", action="store_true", help="a margin loss on pairs, in place of a gated cell")
    command.add_argument("--latex", action="store_true", help="print the equations as LaTeX")
    command.add_argument("--picture", type=Path, metavar="FILE", help="draw what uses what, as .svg or .png")
    command.add_argument("--seed", type=whole(0), default=0, help="with check: other numbers")
    command.add_argument(
        "--hints",
        type=int,
        choices=range(5),
        default=1,
        help="with check, how much is told: 0 the verdict, 1 tensors (default), 2 line, 3 cause, 4 fix",
    )


def run_cell(arguments: argparse.Namespace) -> int:
    """Returns 1 after a file that is not right, else 0."""
    from minireid.practice.cells import student

    kind = "loss" if arguments.loss else "cell"
    definition = student.definition_of(arguments.student, course=arguments.course, kind=kind)
    if bool(arguments.action) != bool(arguments.file):
        raise InputError(
            "expected a file with start and check alone: minireid exercise cell check FILE.py --student ID"
        )
    if arguments.action == "check":
        return check(arguments, kind)
    if arguments.picture:
        from minireid.practice.cells.picture import save_picture

        save_picture(definition, arguments.picture)
        print(f"written: {arguments.picture}\n")
    if arguments.action == "start":
        student.write_stub(definition, arguments.student, arguments.file)
        print(f"written: {arguments.file}. When it is done: {command(arguments, 'check', arguments.file)}")
    elif arguments.latex:
        print(student.latex_page(definition))
    else:
        print(student.page(definition))
        print(f"\nthe file to write in: {command(arguments, 'start', Path(f'my_{kind}.py'))}")
    return 0


def check(arguments: argparse.Namespace, kind: str) -> int:
    from minireid.practice.cells.check import check_own

    found = check_own(
        arguments.file,
        arguments.student,
        course=arguments.course,
        kind=kind,
        seed=arguments.seed,
        hints=arguments.hints,
    )
    print(found["text"])
    return 0 if found["ok"] else 1


def command(arguments: argparse.Namespace, action: str, file: Path) -> str:
    """The command that goes on from here."""
    from shlex import quote

    words = ["minireid", "exercise", "cell", action, str(file), "--student", arguments.student]
    words += ["--course", arguments.course] * bool(arguments.course) + ["--loss"] * arguments.loss
    return " ".join(map(quote, words))

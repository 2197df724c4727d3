"""Grade the exercises of a whole class."""

import argparse
import sys
from pathlib import Path

from minireid.base.arguments import whole


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, help="with a folder (ADA/linear.py) or a file (ADA.py) for each student")
    command.add_argument(
        "--exercise", action="append", default=[], metavar="NAME",
        help="only this one (may be given again; default: all of which somebody has a file)",
    )  # fmt: skip
    command.add_argument(
        "--course", default="", metavar="WORD", help="of cells and losses of one's own (cell.py, loss.py)"
    )
    command.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write grades.csv, grades.xml, feedback/STUDENT.html"
    )
    command.add_argument("--hints", type=int, choices=range(5), default=1, help="of the feedback, as in exercise check")
    command.add_argument("--seed", type=whole(0), help="draw the numbers from it (default: new ones each time)")
    command.add_argument("--jobs", type=whole(1, 1000), metavar="N", help="files at once (default: one for each core)")


def run(arguments: argparse.Namespace) -> None:
    from minireid.practice.grading import classes, tables
    from minireid.practice.grading.write import check_out, write_class

    if arguments.out:
        check_out(arguments.out)
    done = [0]

    def tell(work: classes.Work) -> None:
        done[0] += 1
        if sys.stderr.isatty():
            print(f"\r{done[0]} files", end="", file=sys.stderr, flush=True)

    works = classes.grade_class(
        arguments.folder,
        arguments.exercise,
        course=arguments.course,
        seed=arguments.seed,
        hints=arguments.hints,
        workers=arguments.jobs,
        tell=tell,
    )
    print(tables.table(works))
    if arguments.out:
        write_class(arguments.out, works, arguments.hints)
        print(f"written to {arguments.out}: grades.csv, grades.xml, feedback/")

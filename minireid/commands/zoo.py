"""Wrong backward passes: find the bug."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", nargs="?", choices=("show", "hint", "solve", "exam"), help="default: list all bugs")
    command.add_argument("number", type=whole(1), nargs="?")
    command.add_argument(
        "--out", type=Path, metavar="OUT", help="show: the broken page, as a new file; exam: a new folder"
    )
    command.add_argument("--seed", type=whole(0), default=0, help="exam: the number of the exam (default 0)")
    command.add_argument("--bugs", type=whole(0, 1000), default=5, help="exam: how many wrong pages (default 5)")
    command.add_argument(
        "--papers", type=whole(0, 1000), default=1, help="exam: how many derivatives in fractions (default 1)"
    )


def run(arguments: argparse.Namespace) -> None:
    from minireid.practice.zoo import texts

    if arguments.action == "exam":
        return exam(arguments)
    if arguments.action and arguments.number is None:
        raise InputError(f"expected a number: minireid zoo {arguments.action} 17")
    if arguments.out and arguments.action != "show":
        raise InputError("expected --out with show alone: minireid zoo show 17 --out FILE.py")
    if arguments.out:
        texts.write(arguments.number, arguments.out)
    if arguments.action == "show":
        print(texts.show(arguments.number, arguments.out))
    elif arguments.action == "hint":
        print(texts.hint(arguments.number))
    elif arguments.action == "solve":
        print(texts.solve(arguments.number))
    else:
        print(texts.listing())


def exam(arguments: argparse.Namespace) -> None:
    from minireid.practice.zoo.exam import write_exam

    if arguments.out is None or arguments.number is not None:
        raise InputError("expected a folder: minireid zoo exam --seed 7 --bugs 5 --out EXAM")
    for path in write_exam(arguments.out, seed=arguments.seed, bugs=arguments.bugs, papers=arguments.papers):
        print(f"written: {path}")

"""Wrong backward passes: find the bug."""

import argparse
from pathlib import Path

from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", nargs="?", choices=("show", "hint", "solve"), help="default: list all bugs")
    command.add_argument("number", type=int, nargs="?")
    command.add_argument("--out", type=Path, metavar="FILE.py", help="with show: write the broken page to a new file")


def run(arguments: argparse.Namespace) -> None:
    from minireid.practice.zoo import texts

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

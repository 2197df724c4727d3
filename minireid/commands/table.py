"""The table of a sweep: Markdown, CSV and CMC curves."""

import argparse
from pathlib import Path

from minireid.base.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("sweeps", type=Path, nargs="+", metavar="SWEEP")
    command.add_argument("--out", type=Path, help="folder to write (default: SWEEP)")


def run(arguments: argparse.Namespace) -> None:
    from minireid.experiments.table import table

    if len(arguments.sweeps) > 1 and not arguments.out:
        raise InputError("expected --out FOLDER for the table of several sweeps")
    print(table(arguments.sweeps, arguments.out or arguments.sweeps[0]))

"""Options that several commands have."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.base.errors import InputError


def add_threads(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--threads",
        type=whole(1),
        help="threads for the convolutions (default: all cores); any number gives the same bits",
    )


def add_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe: training.seed=3"
    )


def out_of_runs(out: Path | None, runs: list[Path], name: str) -> Path:
    """The folder for results: `out`, or else RUN/name. InputError for several runs without --out."""
    if len(runs) > 1 and not out:
        raise InputError("expected --out FOLDER for the results of several runs")
    return out or runs[0] / name

"""Train and evaluate recipes x splits x seeds, on all cores or on a cluster."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.commands.options import add_set


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("prepared", type=Path, help="prepared folder (python -m data_tools.prepare)")
    command.add_argument("--out", type=Path, required=True, help="sweep folder to make, or to continue")
    command.add_argument(
        "--recipe", action="append", default=[], metavar="NAME", help="a row of the table; several: NAME,NAME"
    )
    command.add_argument("--rows", metavar="FILE", help="sweep file: a name (systems), or the path of a .toml file")
    command.add_argument(
        "--splits", type=whole(1), metavar="N", help="the first N splits (default: 3, or all if fewer)"
    )
    command.add_argument("--splits-file", type=Path, metavar="FILE", help="your own splits, as for train --splits")
    command.add_argument(
        "--seeds", type=whole(1, 100_000), default=1, metavar="N", help="the seeds 0 to N - 1 (default: 1)"
    )
    command.add_argument("--protocols", metavar="NAME,NAME", help="each row once per protocol (default: the recipe's)")
    command.add_argument(
        "--workers",
        type=whole(0, 10_000),
        metavar="N",
        help="default: one per core; 0: in this process; the bits are the same",
    )
    command.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, whose workers see the same files")
    add_set(command)


def run(arguments: argparse.Namespace) -> int:
    from minireid.experiments.rows import rows_of
    from minireid.experiments.run import plan, sweep

    recipes = [name for names in arguments.recipe for name in names.split(",")]
    protocols = arguments.protocols.split(",") if arguments.protocols else []
    title, rows = rows_of(recipes, arguments.rows, tuple(arguments.set), protocols)
    planned = plan(
        arguments.prepared, arguments.out, title, rows, arguments.splits_file, arguments.splits, arguments.seeds
    )
    return sweep(planned, at_a_time=arguments.workers, scheduler=arguments.scheduler)

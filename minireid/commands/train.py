"""Train a recipe on a prepared folder, or resume a run."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.base.errors import InputError
from minireid.commands.options import add_set, add_threads


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("prepared", type=Path, nargs="?", help="prepared folder (python -m data_tools.prepare)")
    command.add_argument("--recipe", help="name of a recipe, or path of a .toml file (default: msp_src)")
    command.add_argument("--out", type=Path, help="run folder to make")
    command.add_argument("--resume", type=Path, metavar="RUN", help="continue this run from its last checkpoint")
    command.add_argument("--split", type=whole(0), help="number of the split (default: 0)")
    command.add_argument("--splits", type=Path, metavar="FILE", help="your own splits: [{train: [...], test: [...]}]")
    command.add_argument(
        "--definition",
        "--plain",
        action="store_true",
        help="compute by the definitions, in plain NumPy: slower, equal except for rounding",
    )
    add_set(command)
    add_threads(command)


def run(arguments: argparse.Namespace) -> int | None:
    from minireid.base.signals import stopped_code
    from minireid.base.threads import threads
    from minireid.training.loop import Interrupted

    with threads(arguments.threads):
        try:
            if arguments.resume:
                resume(arguments)
            else:
                start(arguments)
        except (Interrupted, KeyboardInterrupt) as stopped:
            run = arguments.resume or arguments.out
            if run is None or not (run / "checkpoint.npz").is_file():  # nothing has begun
                raise
            print(f"\n{str(stopped) or 'stopped'}; go on with: minireid train --resume {run}")
            return stopped_code()
    return None


def start(arguments: argparse.Namespace) -> None:
    from minireid.experiments.start import checked, new_run

    if not arguments.prepared or not arguments.out:
        raise InputError("expected minireid train PREPARED --out RUN (or --resume RUN)")
    start = checked(
        arguments.prepared,
        arguments.recipe or "msp_src",
        tuple(arguments.set),
        splits_file=arguments.splits,
        number=arguments.split or 0,
    )
    new_run(start, arguments.out, definition=arguments.definition)


def resume(arguments: argparse.Namespace) -> None:
    from minireid.experiments.start import resume_run

    for_new_runs = (arguments.prepared, arguments.out, arguments.recipe, arguments.set, arguments.splits)
    if any(for_new_runs) or arguments.split is not None:
        raise InputError("expected --resume RUN alone: a run keeps its own data, recipe and split")
    resume_run(arguments.resume, definition=arguments.definition)

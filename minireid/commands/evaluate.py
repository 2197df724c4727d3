"""CMC and mAP of runs and of simple baselines, with pictures and a report."""

import argparse
from pathlib import Path

from minireid.commands.options import add_threads, out_of_runs


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    command.add_argument("--out", type=Path, help="folder for tables, pictures and report (default: RUN/evaluation)")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a key of the evaluation: evaluation.frames=16",
    )
    add_threads(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.base.threads import threads
    from minireid.commands.read_clip import real_clip
    from minireid.evaluation.evaluate import evaluate_runs
    from minireid.reading.library import network_page

    out = out_of_runs(arguments.out, arguments.runs, "evaluation")
    with threads(arguments.threads):
        print(evaluate_runs(arguments.runs, out, tuple(arguments.set), lambda name: network_page(name, real_clip)))

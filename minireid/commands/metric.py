"""Metric learning on the embeddings of runs: PCA, LFDA, KISSME, XQDA, re-ranking."""

import argparse
from pathlib import Path

from minireid.commands.options import add_threads, out_of_runs


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    command.add_argument("--out", type=Path, help="folder for the tables (default: RUN/metric)")
    add_threads(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.base.threads import threads
    from minireid.evaluation.compare_metrics import compare_metrics

    out = out_of_runs(arguments.out, arguments.runs, "metric")
    with threads(arguments.threads):
        print(compare_metrics(arguments.runs, out))

"""Rank the tracks of GALLERY for every track of PROBE.

The table is printed, and a picture shows some probes with their first gallery tracks.
"""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.commands.options import add_threads


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("trained", type=Path, metavar="RUN")
    command.add_argument("probe", type=Path, metavar="PROBE", help="prepared folder")
    command.add_argument("gallery", type=Path, metavar="GALLERY", help="prepared folder")
    command.add_argument("--top", type=whole(1), default=10, help="how many gallery tracks are listed (default: 10)")
    command.add_argument("--out", type=Path, required=True, help=".png picture to write")
    add_threads(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.base.threads import threads
    from minireid.data.prepared import open_prepared
    from minireid.evaluation.search import search
    from minireid.training.run import open_run

    with threads(arguments.threads):
        run = open_run(arguments.trained)
        probe, gallery = open_prepared(arguments.probe), open_prepared(arguments.gallery)
        print(search(run, probe, gallery, top=arguments.top, picture=arguments.out))
    print(f"wrote {arguments.out}")

"""Embeddings of every track of a prepared folder."""

import argparse
from pathlib import Path

from minireid.commands.options import add_threads


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("trained", type=Path, metavar="RUN")
    command.add_argument("folder", type=Path, help="prepared folder")
    command.add_argument("--out", type=Path, required=True, help=".npz file to write")
    add_threads(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.base.files import check_target
    from minireid.base.threads import threads
    from minireid.data.prepared import open_prepared
    from minireid.evaluation.folder import embed_folder, save_embeddings
    from minireid.training.run import open_run

    check_target(arguments.out, ".npz")
    with threads(arguments.threads):
        prepared = open_prepared(arguments.folder)
        embeddings = embed_folder(open_run(arguments.trained), prepared)
    save_embeddings(arguments.out, embeddings, prepared)
    print(f"wrote {arguments.out}: views x tracks x features = {' x '.join(map(str, embeddings.shape))}")

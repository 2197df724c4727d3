"""Walk one batch through a network, layer by layer."""

import argparse
from pathlib import Path

from minireid.base.arguments import whole
from minireid.commands.options import add_set, add_threads


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("prepared", type=Path, nargs="?", help="prepared folder (default: random numbers)")
    command.add_argument("--recipe", default="msp_src", help="name of a recipe, or path of a .toml file")
    command.add_argument(
        "--persons", type=whole(2), default=100, help="classes, without a prepared folder (default: 100)"
    )
    add_set(command)
    add_threads(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.base.threads import threads
    from minireid.data.prepared import open_prepared
    from minireid.recipes.recipe import load
    from minireid.training.trace import trace

    recipe = load(arguments.recipe, tuple(arguments.set))
    with threads(arguments.threads):
        prepared = open_prepared(arguments.prepared) if arguments.prepared else None
        print(trace(recipe, prepared, arguments.persons))

"""List the recipes, or print every value of one recipe and the file that it comes from."""

import argparse

from minireid.commands.options import add_set


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", nargs="?", choices=("show",), help="print one recipe (default: list the recipes)")
    command.add_argument("name", nargs="?", default="msp_src", help="a recipe, or a .toml file (default: msp_src)")
    add_set(command)


def run(arguments: argparse.Namespace) -> None:
    from minireid.recipes.text import listing, show

    print(show(arguments.name, tuple(arguments.set)) if arguments.action else listing())

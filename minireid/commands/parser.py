"""The parser of the whole command line, made from the files in this folder."""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType

from minireid.base.arguments import Parser

HEAD = "Person re-identification in video, line by line: read the method, check gradients, train and search."


def parse(groups: Mapping[str, Sequence[str]], argv: Sequence[str] | None) -> argparse.Namespace:
    """groups: {heading: names of commands}. Returns the arguments; their `run` is the command's function."""
    commands = {heading: [module(name) for name in names] for heading, names in groups.items()}
    top = Parser(
        prog="minireid",
        usage="minireid COMMAND ...",
        description=HEAD,
        epilog=listing(commands),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choice = top.add_subparsers(required=True, metavar="COMMAND", prog="minireid", help=argparse.SUPPRESS)
    for command in (command for group in commands.values() for command in group):
        parser = choice.add_parser(name_of(command), description=help_of(command))
        command.add_arguments(parser)
        parser.set_defaults(run=command.run)
    return top.parse_args(argv)


def module(name: str) -> ModuleType:
    return importlib.import_module(f"minireid.commands.{name}")


def name_of(command: ModuleType) -> str:
    return command.__name__.rpartition(".")[2]


def help_of(command: ModuleType) -> str:
    """The first line of the file's docstring, without its full stop."""
    return (command.__doc__ or "").partition("\n")[0].rstrip(".")


def listing(commands: Mapping[str, Sequence[ModuleType]]) -> str:
    """All commands below their headings."""
    lines = []
    for heading, group in commands.items():
        lines += [f"{heading}:", *(f"  {name_of(command):<11}{help_of(command)}" for command in group), ""]
    return "\n".join([*lines, "minireid COMMAND --help explains one command."])

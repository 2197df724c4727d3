"""The command line: the list of commands, and the messages and exit codes when one of them fails."""

import sys

from minireid.base.exits import exit_code
from minireid.commands.parser import parse

COMMANDS = {
    "learn": ("demo", "read", "trace", "zoo", "paper", "exercise", "grade", "course"),
    "check a gradient": ("gradcheck",),
    "train and compare": ("recipe", "train", "evaluate", "sweep", "table", "metric", "bench"),
    "look for people": ("embed", "search"),
}


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code. 0: done. 1: a check failed. 2: bad input, with a message of one line. 130: Ctrl-C."""
    arguments = parse(COMMANDS, argv)
    return exit_code(lambda: arguments.run(arguments), before="minireid: ")


if __name__ == "__main__":
    sys.exit(main())

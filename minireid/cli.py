"""The command line: the list of the commands, and what the process says and returns when one of them fails."""

import sys

from minireid.base.errors import InputError
from minireid.commands.parser import parse

COMMANDS = {
    "learn": ("demo", "trace", "zoo", "paper"),
    "check a gradient": ("gradcheck",),
    "train and compare": ("recipe", "train", "evaluate", "sweep", "table", "metric", "bench"),
    "look for people": ("embed", "search"),
}


def main(argv: list[str] | None = None) -> int:
    """The exit code. 0: done. 1: a check found something wrong. 2: bad input, told in one line. 130: Ctrl-C."""
    arguments = parse(COMMANDS, argv)
    try:
        return arguments.run(arguments) or 0
    except InputError as fault:
        print(f"minireid: error: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minireid: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone (| head)
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())

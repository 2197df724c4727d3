"""The command line: the list of commands, and the messages and exit codes when one of them fails."""

import sys

COMMANDS = {
    "learn": ("demo", "read", "trace", "zoo", "paper", "exercise", "grade", "course"),
    "check a gradient": ("gradcheck",),
    "train and compare": ("recipe", "train", "evaluate", "sweep", "table", "metric", "bench"),
    "look for people": ("embed", "search"),
}


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code. 0: done. 1: a check failed. 2: bad input, with a message of one line.

    130: Ctrl-C, 143: SIGTERM. 141: nobody reads the output any more.
    """
    try:
        from minireid.base.exits import done, exit_code

        code = exit_code(lambda: run(argv), before="minireid: ")
        if argv is None:  # this process is the command
            done()
        return code
    except KeyboardInterrupt:  # before the last handler was there
        print("minireid: stopped", file=sys.stderr)
        return 130


def run(argv: list[str] | None) -> int | None:
    """The parser and the command are imported here: Ctrl-C meanwhile is one line too."""
    from minireid.base.environment import check_environment
    from minireid.commands.parser import parse

    check_environment()
    arguments = parse(COMMANDS, argv)
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""The command lines. Only what Python itself has loaded is imported here, so that Ctrl-C is one line from then on."""

import sys
from importlib import import_module


def started(name: str) -> int:
    """Run the command data_tools.commands.NAME. Returns its exit code."""
    try:
        code = import_module(f"{__name__}.{name}").main()
        import_module("minireid.base.exits").done()
        return code
    except KeyboardInterrupt:  # before the last handler was there
        print("stopped", file=sys.stderr)
        return 130

"""What a command line prints and returns when its work fails. Nobody sees a traceback for bad input."""

import sys
from collections.abc import Callable

from minireid.base.errors import InputError


def exit_code(work: Callable[[], int | None], *, before: str = "", stopped: str = "stopped") -> int:
    """Do the work. 0, or what it returned; 2 after an InputError, or without a package, which is one line; 130 after
    Ctrl-C.

    before: stands before that line; stopped: the line after Ctrl-C.
    """
    try:
        return work() or 0
    except InputError as fault:
        print(f"{before}error: {fault}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as fault:
        package = (fault.name or "").partition(".")[0]
        if package in ("", "minireid", "data_tools"):
            raise  # a mistake of ours
        print(f"{before}error: this needs {package}, found none: pip install {package}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{before}{stopped}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone (| head)
        sys.stderr.close()
        return 1

"""What a command line prints and returns when its work fails. Nobody sees a traceback for bad input.

Only what Python itself has loaded is imported above `exit_code`: Ctrl-C in the first moments is heard too, and a file
such as `signal.py` in the current folder is told before it is run (shadowed.py).
"""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from minireid.base.errors import InputError, without_controls
from minireid.base.shadowed import told_when_imported

LONGEST = 400  # characters of the line, with its end
READER_GONE = 141  # what a shell says of a program whose output nobody reads any more (| head)


def exit_code(work: Callable[[], int | None], *, before: str = "", stopped: str = "stopped") -> int:
    """Do the work. Returns 0, or what it returned. What fails is told in one line on stderr, with the code

        2      bad input, no memory, a full disk, a package that is missing
        130    Ctrl-C; 143 after SIGTERM, which a cluster or `timeout` sends
        141    the reader of our output has gone; without a line

    before: stands before that line; stopped: the line after Ctrl-C. A mistake of ours keeps its traceback.
    """
    try:
        open_streams()
        told_when_imported()
        from minireid.base import memory, signals

        with memory.no_more_than_there_is(), signals.signals_raise():
            try:
                return work() or 0
            finally:
                sys.stdout.flush()  # a full disk behind > is told here, not by Python after our end
    except SystemExit:  # --help
        raise
    except BaseException as fault:
        code, line = verdict(fault, stopped)
        if code == 0:
            raise  # a mistake of ours
        if line is not None:
            with suppress(OSError):
                print(one_line(before + line), file=sys.stderr)
        close_what_is_broken()
        return code
    finally:
        exec("")  # Python ends itself by SIGINT where Ctrl-C came inside a library's exec of a text: this resets it


def done() -> None:
    """The process has done its command, and only ends. (A file signal.py can have kept signals.py out.)"""
    signals = sys.modules.get("minireid.base.signals")
    if signals is not None:
        signals.ignored_from_now_on()


def verdict(fault: BaseException, stopped: str) -> tuple[int, str | None]:
    """(exit code, the line); (0, None) for a mistake of ours."""
    heard = getattr(sys.modules.get("minireid.base.signals"), "heard", [])
    if isinstance(fault, KeyboardInterrupt) or heard:  # C code can make another exception of one
        return 128 + (heard[-1] if heard else 2), stopped
    if isinstance(fault, BrokenPipeError):
        return READER_GONE, None
    line = what_failed(fault)
    return (0, None) if line is None else (2, f"error: {line}")


def what_failed(fault: BaseException) -> str | None:
    """None: a mistake of ours."""
    if isinstance(fault, InputError):
        return str(fault)
    if isinstance(fault, ModuleNotFoundError):
        package = (fault.name or "").partition(".")[0]
        ours = package in ("", "minireid", "data_tools")
        return None if ours else f"this needs {package}, found none: pip install {package}"
    if isinstance(fault, MemoryError):
        why = f" ({fault})" if str(fault) else ""
        return (
            f"this needs more memory than there is{why}: choose smaller clips.length, clips.crop, network.filters or "
            "pairs.persons, or a machine with more"
        )
    if isinstance(fault, RecursionError):
        return "the input is nested too deeply to be read: check the files and options of this command"
    if isinstance(fault, UnicodeError):
        return f"a name or a text cannot be read or written here ({fault}): use UTF-8 (PYTHONUTF8=1)"
    if isinstance(fault, OSError):
        return system_error(fault)
    return None


def system_error(fault: OSError) -> str:
    why = fault.strerror or str(fault) or type(fault).__name__
    names = [os.fsdecode(name) for name in (fault.filename, fault.filename2) if isinstance(name, (str, bytes))]
    if names:
        return f"cannot use {' and '.join(names)} ({why}): check the path, its permissions and the disk"
    if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return f"cannot write ({why}): make room on the disk, or send the output elsewhere"
    return f"the system refused ({why}): check the disk, the permissions and the limits (ulimit -a)"


def one_line(text: str) -> str:
    """At most LONGEST characters, without control characters. What is too long loses its middle: the remedy is last."""
    text = without_controls(text.strip())
    if len(text) < LONGEST:
        return text
    half = (LONGEST - 4) // 2
    return f"{text[:half]} … {text[-half:]}"[: LONGEST - 1]


def open_streams() -> None:
    """stdin, stdout and stderr are there, and can print every character.

    A shell set to ASCII or cp1252 gets \\xf6 for ö. Streams that the shell has closed (>&-) go to nowhere: otherwise
    the next file that is opened would be in their place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))
        elif hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def close_what_is_broken() -> None:
    """Send stdout and stderr to nowhere if they cannot be written to: Python would complain of that after our end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # ValueError: it has no number
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

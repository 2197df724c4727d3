"""What the process of a student's file may not do. Called in that process, before the file is imported.

    limits      of the system: processor time, memory, size of a file, number of processes, no core
    hook        Python's own audit events (PEP 578): no network, no other process, no ctypes, no file outside
                of its folder (reading: Python's own files too)

This stops accidents and simple tricks, and says so in a sentence. It is not a jail: code that knows CPython's inside
gets around a hook. A jail is a container without a network, thrown away after each file.

This file is copied beside child.py. It needs the standard library alone.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

NEVER = {
    "the network": ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "poplib.", "imaplib."),
    "other processes": (
        "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.",
    ),
    "signals to others": ("os.kill", "signal.pthread_kill"),
    "ctypes": ("ctypes.",),
    "the limits of its process": ("resource.set", "resource.prlimit"),
    "the tracing of its process": ("sys.setprofile", "sys.settrace"),
    "all objects of its process": ("gc.get_objects", "gc.get_ref", "sys._current_"),
}  # fmt: skip
PATHS = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate",
    "os.utime", "os.chdir", "os.chflags", "os.lockf", "os.setxattr", "os.removexattr", "shutil.",
)  # fmt: skip
LISTS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.")


def limits(seconds: int, memory: int, file: int) -> None:
    """seconds: processor time. memory, file: bytes. Where the system has no such limits (Windows), nothing is done."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_CPU": (seconds, seconds + 2),
        "RLIMIT_AS": (memory, memory),
        "RLIMIT_FSIZE": (file, file),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_NOFILE": (64, 64),
        "RLIMIT_NPROC": (0, 0),  # root is not bound by it: `nobody` is called before
    }
    for name, limit in wanted.items():
        try:
            resource.setrlimit(getattr(resource, name), limit)
        except (AttributeError, OSError, ValueError):  # macOS has no limit of the address space
            continue

    def over(*_: Any) -> None:
        raise TimeoutError(f"more than {seconds} seconds of the processor: an endless loop?")

    signal.signal(signal.SIGXCPU, over)  # so that the answer tells the line; a second later the system kills


def nobody(folder: str) -> None:
    """If this is root: become a user who owns this folder alone. Unless Python's own files are then closed.

    Root of a user namespace (unshare --map-root-user) has no other user to become, and no rights to lose.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    number = 65534
    try:
        os.chown(folder, number, number)
        os.setegid(number)
        os.seteuid(number)
        os.listdir(os.path.dirname(os.__file__))
        os.listdir(folder)
    except OSError:
        os.seteuid(0)
        os.setegid(0)
        return
    os.seteuid(0)
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)


def close(folder: str, readable: list[str], never: dict[str, tuple[str, ...]] = NEVER) -> Callable[[bool], None]:
    """Set the hook. folder: may be read and written. readable: folders that may be read. never: refused events.

    Returns a function: open(True) lets child.py itself set a tracing function, open(False) closes again.
    """
    writes = (os.path.realpath(folder) + os.sep,)
    reads = (*writes, *(os.path.realpath(one) + os.sep for one in readable))
    nothing = (os.devnull, "/dev/urandom")
    opened = [False]
    real, fsdecode, separator = os.path.realpath, os.fsdecode, os.sep

    def inside(path: Any, folders: tuple[str, ...]) -> bool:
        if path is None:
            return True
        if isinstance(path, int):
            return False
        place = real(fsdecode(path))
        return place in nothing or (place + separator).startswith(folders)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if opened[0]:
            return
        if event == "open":
            path, mode, flags = arguments
            writing = any(sign in (mode or "") for sign in "wax+") or (flags or 0) & 3
            if not inside(path, writes if writing else reads):
                raise PermissionError(f"the grader's fence: {'writing' if writing else 'reading'} {path!r}")
        elif event.startswith(LISTS):
            if not inside(arguments[0] if arguments else ".", reads):
                raise PermissionError(f"the grader's fence: listing {arguments[0]!r}")
        elif event.startswith(PATHS):
            if not all(inside(path, writes) for path in arguments if isinstance(path, (str, bytes, os.PathLike))):
                raise PermissionError(f"the grader's fence: {event} outside of its folder")
        else:
            for what, events in never.items():
                if event.startswith(events):
                    raise PermissionError(f"the grader's fence: {what}")

    def let(open_it: bool) -> None:
        opened[0] = open_it

    sys.addaudithook(hook)
    return let

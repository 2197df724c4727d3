"""Stands inside every process that is struck. Python itself imports a file of this name when it starts.

It counts what the process does to files below one folder: a file opened to be written, a folder made, a name changed
or removed. Each is a byte appended to the file `counted`: "p" in the first process, "w" in its workers. Before the
chosen one, the process gets its signal. So a moment is a number, and is the same each time, however busy the machine.
The file `begun` appears when the first module of ours is imported: what comes before is Python's own start. The file
`unsynced` gets the names of data files that were given their final name before the disk had them (os.fsync).

FAULTS, in the environment, is JSON. below: the folder. begun, counted, unsynced: paths. at: number of the operation,
from 1, or 0 for never. who: "p" or "w". signal, group: whether the whole group gets it. largest: bytes that a file may
have, or 0.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

OURS = ("minireid", "data_tools")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DATA = (".npy", ".npz", ".json", ".toml", ".partial")
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}


def watch(wanted: dict[str, Any]) -> None:
    """Add the hook that counts and strikes."""
    first = os.environ.setdefault("FAULTS_FIRST", str(os.getpid()))
    done = [0]
    begun = [os.path.exists(wanted["begun"])]
    below = os.path.join(wanted["below"], "")
    renamed = check_of_renames(wanted["unsynced"])

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import" and not begun[0] and arguments[0].partition(".")[0] in OURS:
            begun[0] = True
            touch(wanted["begun"], b"")
        if event not in CHANGES and not (event == "open" and writes(arguments)):
            return
        path = arguments[0]
        if not isinstance(path, (str, bytes)) or not os.path.abspath(os.fsdecode(path)).startswith(below):
            return
        if event == "os.rename":
            renamed(os.path.realpath(os.fsdecode(path)), os.path.realpath(os.fsdecode(arguments[1])))
        who = "p" if first == str(os.getpid()) else "w"
        done[0] += 1
        touch(wanted["counted"], who.encode())
        if done[0] == wanted["at"] and who == wanted["who"]:
            touch(wanted["counted"], f"<{event} {os.path.basename(os.fsdecode(path))}>".encode())
            if wanted["group"]:
                os.killpg(0, wanted["signal"])
            else:
                os.kill(os.getpid(), wanted["signal"])

    sys.addaudithook(hook)
    os.register_at_fork(after_in_child=lambda: done.__setitem__(0, 0))  # each process counts its own


def check_of_renames(unsynced: str) -> Callable[[str, str], None]:
    """A function of a file's or folder's old and new path. It notes the data files that were not synced before."""
    synced: set[str] = set()
    fsync = os.fsync

    def noted(file: Any) -> None:
        fsync(file)
        synced.add(os.readlink(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}"))

    def renamed(old: str, new: str) -> None:
        inside = [os.path.join(folder, name) for folder, _, names in os.walk(old) for name in names]
        for file in inside if os.path.isdir(old) else [old]:
            if file in synced:
                synced.add(new + file[len(old) :])
            elif file.endswith(DATA):
                touch(unsynced, f"{os.path.basename(file)}\n".encode())

    os.fsync = noted  # type: ignore[assignment]
    return renamed


def writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return any(letter in (mode or "") for letter in "wax+") or bool((flags or 0) & WRITING)


def touch(path: str, content: bytes) -> None:
    held = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(held, content)
    os.close(held)


if "FAULTS" in os.environ:
    given = json.loads(os.environ["FAULTS"])
    if given["largest"]:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (given["largest"], given["largest"]))
    watch(given)

"""Stands inside every process that is struck. Python itself imports a file of this name when it starts.

It counts what the process does to files below one folder: a file opened to be written, or handed to the disk; a folder
made; a name changed or removed. Each is a byte appended to the file `counted`: "p" in the first process, "w" in its
workers. Before the chosen one, the process gets its signal. So a moment is a number, and is the same each time, however
busy the machine. The file `begun` appears when the first module of ours is imported: what comes before is Python's own
start. The file `unsynced` gets the names of data files that were given their final name before the disk had them.

FAULTS, in the environment, is JSON. below: the folder. begun, counted, unsynced: paths. at: number of the operation,
from 1, or 0 for never. who: "p" or "w". signal, group: whether the whole group gets it. largest: bytes that a file may
have, or 0.
"""

import json
import os
import sys
from typing import Any

OURS = ("minireid", "data_tools")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DATA = (".npy", ".npz", ".json", ".toml", ".partial")
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}


class Watch:
    """Counts operations, and strikes before the chosen one."""

    def __init__(self, wanted: dict[str, Any]):
        self.wanted, self.done = wanted, 0
        self.synced: set[str] = set()
        self.below = os.path.join(wanted["below"], "")
        self.first = os.environ.setdefault("FAULTS_FIRST", str(os.getpid()))
        self.begun = os.path.exists(wanted["begun"])

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python calls this before it imports, opens, makes, renames and removes."""
        if event == "import" and not self.begun and arguments[0].partition(".")[0] in OURS:
            self.begun = True
            append(self.wanted["begun"], "")
        if event in CHANGES or (event == "open" and writes(arguments)):
            if isinstance(arguments[0], (str, bytes)):
                self.operation(event, os.path.abspath(os.fsdecode(arguments[0])))
            if event == "os.rename":
                self.renamed(*(os.path.realpath(os.fsdecode(path)) for path in arguments[:2]))

    def operation(self, event: str, path: str) -> None:
        if not path.startswith(self.below):
            return
        who = "p" if self.first == str(os.getpid()) else "w"
        self.done += 1
        append(self.wanted["counted"], who)
        chosen = self.done == self.wanted["at"] and who == self.wanted["who"]
        if chosen and first_to_make(self.wanted["begun"] + "-struck"):
            append(self.wanted["counted"], f"<{event} {os.path.basename(path)}>")
            if self.wanted["group"]:
                os.killpg(0, self.wanted["signal"])
            else:
                os.kill(os.getpid(), self.wanted["signal"])

    def sync(self, file: Any) -> None:
        """In place of os.fsync."""
        path = os.readlink(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}")
        self.operation("os.fsync", path)
        system_fsync(file)
        self.synced.add(path)

    def renamed(self, old: str, new: str) -> None:
        """Note the data files that get this new name, or the name of a folder around them, and were not synced."""
        inside = [os.path.join(folder, name) for folder, _, names in os.walk(old) for name in names]
        for file in inside if os.path.isdir(old) else [old]:
            if file in self.synced:
                self.synced.add(new + file[len(old) :])
            elif file.endswith(DATA) and file.startswith(self.below):
                append(self.wanted["unsynced"], os.path.basename(file) + "\n")

    def forked(self) -> None:
        self.done = 0  # each process counts its own


def writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return any(letter in (mode or "") for letter in "wax+") or bool((flags or 0) & WRITING)


def first_to_make(path: str) -> bool:
    """Whether this file was not there. So one worker is struck, not each, nor those that replace it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def append(path: str, text: str) -> None:
    held = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(held, text.encode())
    os.close(held)


if "FAULTS" in os.environ:
    given = json.loads(os.environ["FAULTS"])
    if given["largest"]:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (given["largest"], given["largest"]))
    watch = Watch(given)
    system_fsync = os.fsync
    os.fsync = watch.sync  # type: ignore[assignment]
    os.register_at_fork(after_in_child=watch.forked)
    sys.addaudithook(watch.hook)

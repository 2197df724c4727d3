"""Real processes: started with a mark in their environment, struck, waited for; who is left is found by the mark."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.world import PROJECT, World

PATIENCE = 300  # seconds: whatever runs longer hangs
LEFT = 5  # seconds until the last worker must have ended
INSIDE = Path(__file__).parent / "inside"


@dataclass(frozen=True)
class Moment:
    """When a process is struck, how, and who.

    at: before this file operation, from 1; 0: `seconds` after our first import. who: "parent", "worker" or "both".
    """

    signal: int
    who: str
    at: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        when = f"before its file operation {self.at}" if self.at else f"{self.seconds:.3f} s after our first import"
        return f"{signal.Signals(self.signal).name} to {self.who}, {when}"


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its exit code, what it said, its share of the file operations, and who outlived it."""

    code: int
    out: str
    err: str
    counted: str  # a letter for each file operation; <...>: the one that it was struck before
    before: str  # the same, up to the strike
    struck: bool  # whether the signal was sent; a process may end before
    seconds: float
    left: list[str]  # command lines of processes that were there 5 s after the end
    hangs: bool
    unsynced: list[str]  # data files that were named before the disk had them


class Running:
    """A command at work in `folder`. private: a folder for what it says and counts, not the command's own."""

    def __init__(self, world: World, words: tuple[str, ...], folder: Path, *, strike: Moment | None, largest: int = 0):
        self.private = world.private()
        self.mark = f"FAULTS_MARK={self.private}"
        self.strike, self.began = strike, time.monotonic()
        wanted: dict[str, Any] = {
            "below": str(folder),
            "begun": str(self.private / "begun"),
            "counted": str(self.private / "counted"),
            "unsynced": str(self.private / "unsynced"),
            "at": strike.at if strike else 0,
            "who": "w" if strike and strike.who == "worker" else "p",
            "signal": strike.signal if strike else 0,
            "group": bool(strike and strike.who == "both"),
            "largest": largest,
        }
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("FAULTS")},
            "PYTHONPATH": os.pathsep.join([str(INSIDE), str(PROJECT)]),
            "FAULTS": json.dumps(wanted),
            "FAULTS_MARK": str(self.private),
            "TMPDIR": str(world.temporary),
        }
        with (self.private / "out").open("wb") as out, (self.private / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,  # a group of its own, as a terminal makes it
            )

    def end(self) -> Ended:
        """Strike, if that is to be done from outside; wait for the end; look for who is left, and end them."""
        struck = self.strike_by_the_clock() if self.strike and not self.strike.at else False
        before = self.said("counted")
        hangs = False
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            hangs = True
            self.process.kill()
            self.process.wait()
        seconds = time.monotonic() - self.began
        left = self.outlived()
        counted = self.said("counted")
        return Ended(
            self.process.returncode,
            self.said("out"),
            self.said("err"),
            counted,
            counted.partition("<")[0] if "<" in counted else before,
            struck or "<" in counted,
            seconds,
            left,
            hangs,
            self.said("unsynced").split(),
        )

    def said(self, name: str) -> str:
        file = self.private / name
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def strike_by_the_clock(self) -> bool:
        """Send the signal at its moment. False if the process had ended, or had no worker until its end."""
        assert self.strike
        while not (self.private / "begun").exists() and self.process.poll() is None:
            time.sleep(0.002)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(self.strike.seconds)
        if self.strike.who == "worker":
            while self.process.poll() is None and not self.workers():
                time.sleep(0.01)
        if self.process.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            if self.strike.who == "both":
                os.killpg(self.process.pid, self.strike.signal)
            elif self.strike.who == "parent":
                self.process.send_signal(self.strike.signal)
            else:
                workers = self.workers()
                if not workers:
                    return False
                os.kill(workers[0], self.strike.signal)
        return True

    def workers(self) -> list[int]:
        """The processes that do the work: not the first, and not Python's own helper."""
        return [pid for pid, line in self.marked() if pid != self.process.pid and "resource_tracker" not in line]

    def marked(self) -> Iterator[tuple[int, str]]:
        """(id, command line) of every living process that this command started, itself included."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                    if state not in "ZX":  # has ended, and waits to be noticed
                        line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        yield int(entry.name), line.strip()

    def outlived(self) -> list[str]:
        """Command lines of those who are there LEFT seconds after the end. They are killed."""
        until = time.monotonic() + LEFT
        while (found := list(self.marked())) and time.monotonic() < until:
            time.sleep(0.05)
        for pid, _ in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return [line for _, line in found]


def run(world: World, words: tuple[str, ...], folder: Path, *, strike: Moment | None = None, largest: int = 0) -> Ended:
    """Start a command, strike it if so wished, and wait for its end."""
    return Running(world, words, folder, strike=strike, largest=largest).end()

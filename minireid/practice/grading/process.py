"""The grader's side of a student's process: starts it, asks it, ends it.

The process has a folder of its own with one file, the student's; a path with NumPy alone, so minireid cannot be
imported; an empty environment; the limits and the hook of fence.py; a limit of time. Where Linux allows it (unshare),
it also has a network of its own with nothing in it, and process numbers of its own: what it starts ends with it.
"""

import contextlib
import functools
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minireid.practice.grading import wire

HERE = Path(__file__).parent
LARGEST_FILE = 200_000  # bytes of a student's file
UNSHARE = (("--net", "--pid", "--fork", "--kill-child", "--mount-proc"), ("--user", "--map-root-user"))


class Limits(NamedTuple):
    """seconds: of the clock, for all calls together. processor: seconds of it. memory, file: bytes."""

    seconds: float = 20.0
    processor: int = 10
    memory: int = 1 << 30
    file: int = 1 << 20


class Failure(NamedTuple):
    """Why there is no answer. kind: the exception's name, or "time", "ended", "nonsense". line: of the file."""

    kind: str
    text: str
    line: int | None = None
    function: str = ""


class Student:
    """A running process. Its methods return an answer (a dict) or a Failure, and never raise for what the file does."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.process, self.limits = process, limits
        self.deadline = time.monotonic() + limits.seconds
        self.answers: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Read answers until the end. In a thread: a process left behind could keep the pipe open for ever."""
        while True:
            try:
                self.answers.put(wire.receive(self.process.stdout))  # type: ignore[arg-type]
            except EOFError:
                return self.answers.put(Failure("ended", "the file ended its process"))
            except Exception:  # whatever the bytes are: they are the student's
                return self.answers.put(Failure("nonsense", "the file wrote into the grader's pipe"))

    def ask(self, **request: Any) -> dict[str, Any] | Failure:
        try:
            wire.send(self.process.stdin, request)  # type: ignore[arg-type]
        except OSError:
            pass  # it has ended: the answer says so
        try:
            answer = self.answers.get(timeout=max(0.0, self.deadline - time.monotonic()))
        except queue.Empty:
            self.answers.put(Failure("time", f"not finished after {self.limits.seconds:g} seconds: an endless loop?"))
            self.end()
            return self.answers.get()
        if isinstance(answer, Failure):
            self.answers.put(answer)  # also for the next question
            return self.explained(answer)
        if not isinstance(answer, dict):
            return Failure("nonsense", "the file wrote into the grader's pipe")
        return failure_from(answer["error"]) if isinstance(answer.get("error"), dict) else answer

    def explained(self, failure: Failure) -> Failure:
        """A process that ended: by which limit?"""
        if failure.kind != "ended":
            return failure
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        code = self.process.returncode or 0
        number = -code if code < 0 else code - 128
        if number in (getattr(signal, "SIGXCPU", -1), getattr(signal, "SIGKILL", -1)):
            return Failure(
                "time", f"stopped by the system: more than {self.limits.processor} seconds of the processor?"
            )
        return failure

    def leave(self) -> None:
        """Nothing more is asked. What has not gone by itself at once is killed."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.process.stdin.close()  # type: ignore[union-attr]
            self.process.wait(0.5)
        self.end()

    def end(self) -> None:
        """Kill the process and all of its group."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()


def failure_from(error: dict[str, Any]) -> Failure:
    line = error.get("line")
    kind, text, function = (printable(error.get(key)) for key in ("kind", "text", "function"))
    return Failure(kind, text, line if type(line) is int else None, function)


def printable(text: Any) -> str:
    """One line of at most 300 signs, none of which moves a cursor."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)[:300]).split())


@contextlib.contextmanager
def running(source: bytes, name: str, limits: Limits = Limits()) -> Iterator[Student]:  # noqa: B008
    """A process for a file of this content and name (gru_step.py), which is not imported yet."""
    with tempfile.TemporaryDirectory(prefix="grade", ignore_cleanup_errors=True) as folder:
        top = Path(folder)
        os.chmod(top, 0o755)
        own, machine = top / "own", top / "machine"
        own.mkdir()
        (own / name).write_bytes(source)
        furnish(machine)
        student = Student(start(own, machine, limits), limits)
        try:
            yield student
        finally:
            student.leave()
            for stream in (student.process.stdin, student.process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]


def furnish(machine: Path) -> None:
    """The folder that the process imports from: NumPy, and the files of this room that run there."""
    machine.mkdir()
    for file in ("child.py", "fence.py", "listening.py", "wire.py"):
        shutil.copy(HERE / file, machine / file)
    numpy = Path(np.__file__).parent
    for library in (numpy, numpy.with_name("numpy.libs")):
        if library.is_dir():
            link(machine / library.name, library)


def link(new: Path, old: Path) -> None:
    try:
        new.symlink_to(old, target_is_directory=True)
    except OSError:  # Windows, without the right to make links
        shutil.copytree(old, new)


def start(own: Path, machine: Path, limits: Limits) -> subprocess.Popen[bytes]:
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    numbers = [str(number) for number in (limits.processor, limits.memory, limits.file)]
    command = [python, "-I", "-S", "-B", "-X", "utf8", str(machine / "child.py"), str(own), *numbers]
    return subprocess.Popen(
        [*apart(), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=own,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **needed_by_windows()},
        start_new_session=True,
    )


def needed_by_windows() -> dict[str, str]:
    return {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}


@functools.cache
def apart() -> tuple[str, ...]:
    """The command in front that gives a process its own network and process numbers; empty where that is refused."""
    program = shutil.which("unshare")
    for flags in (UNSHARE[0], UNSHARE[0] + UNSHARE[1]) if program else ():
        command = (program, *flags)
        try:
            if subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0:
                return command  # type: ignore[return-value]
        except (OSError, subprocess.TimeoutExpired):
            continue
    return ()

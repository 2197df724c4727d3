"""One case in this process: run its command, look at what it said and left, and say what is wrong with that.

The promise: exit code 2 and one line of at most 400 characters; 1 where a check found something; 0 only with the result
of the unharmed input, or where the case allows another. No traceback, nothing half-written or left behind, under 60 s.
"""

import contextlib
import hashlib
import importlib
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.bad_input.cases import Case

LIMIT = int(os.environ.get("BAD_INPUT_LIMIT", "60"))  # seconds
LONGEST = 400  # characters of the line
ROOT = Path(__file__).resolve().parents[2]
BAR = re.compile(r"\d+%\||\d+(step|track|frame|image|person)/s|\?(step|track|frame|image|person)/s|^\s*$")
SECONDS = re.compile(r"[\d.,]+ ?(ms|s|min|seconds?|minutes?|hours?|MiB|MB|GB)\b|[\d.]+ {2,}|[\d.]+$", re.MULTILINE)
VARY = {"seconds", "seconds per epoch"}  # of JSON files: never twice the same
VARY |= {"source_sha256", "index_sha256"}  # of a prepared folder: another source, and so another checksum
NOTE = ".checked"  # says that the frames were read once; it is no result
Listing = dict[str, str]
DIGESTS: dict[tuple[str, int, int, int, int], str] = {}  # of files that have not changed since


class TooLong(BaseException):
    """The time is over. No `except Exception` catches it."""


class Result(NamedTuple):
    """code: None after an exception, which is `raised`; changed: {path: digest of what is there now}."""

    code: int | None
    out: str
    err: str
    raised: str
    changed: Listing
    left: list[str]
    seconds: float


def run(case: Case, *, alone: bool = False) -> Result:
    """Harm the world in the current folder, and run the command. alone: in a process of its own."""
    case.harm()
    before = listing()
    began = time.perf_counter()
    code, out, err, raised = (as_process if alone else in_here)(case.words)
    seconds = time.perf_counter() - began
    left = [*children_left(), *sorted(set(os.listdir(tempfile.gettempdir())) - {"world", "pristine"})]
    after = listing()
    changed = {
        path: after.get(path, "gone") for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    }
    return Result(code, out, err, raised, changed, left, seconds)


def faults(case: Case, result: Result, unharmed: Callable[[], Result]) -> list[str]:
    """What is wrong with the result; nothing if the promise is kept."""
    if result.raised.startswith("TooLong"):
        return [f"hang: {LIMIT} s of the processor, or none for as long"]
    found = [f"traceback: {result.raised}"] if result.raised else []
    if not result.raised and "Traceback (most recent call last)" in result.out + result.err:
        found.append(f"traceback: {(result.err + result.out).strip().splitlines()[-1][:150]}")
    if result.left:
        found.append(f"left behind: {', '.join(result.left)[:150]}")
    if result.code == 2:
        found += [f"said: {fault}" for fault in faults_of_words(result.err)]
        if result.changed:
            found.append(f"written although refused: {', '.join(sorted(result.changed))[:150]}")
    elif result.code == 1 and case.finds:
        if result.changed and case.words[0] == "verify":
            found.append(f"written by a check: {', '.join(sorted(result.changed))[:150]}")
    elif result.code == 0 and case.may != "refuse":
        differs = difference(case, result, unharmed()) if case.may == "same" else ""
        if differs:
            found.append(f"silent: accepted, and not as the unharmed input: {differs}")
    elif result.code is not None:
        found.append(f"silent: accepted, exit code {result.code}" if result.code == 0 else f"exit code {result.code}")
    return found


def faults_of_words(err: str) -> list[str]:
    """What is wrong with the standard error of a refusal."""
    lines = [line.rpartition("\r")[2] for line in err.splitlines()]
    lines = [line for line in lines if not BAR.search(line) or "error:" in line]
    if lines and lines[0].startswith("usage:"):  # argparse's own
        lines = lines[-1:] if ": error: " in lines[-1] else lines
    found = [] if len(lines) == 1 else [f"{len(lines)} lines, not one: {' / '.join(lines)[:150]}"]
    longest = max(map(len, lines), default=0)
    return [*found, *([f"a line of {longest:,} characters"] if longest > LONGEST else [])]


def difference(case: Case, result: Result, unharmed: Result) -> str:
    """What differs from the answer to the unharmed input. Times, and pictures that have some, are left out."""
    if result.code != unharmed.code:
        return f"exit code {result.code}, not {unharmed.code}"
    paths = result.changed.keys() | unharmed.changed.keys()
    differ = sorted(path for path in paths if result.changed.get(path) != unharmed.changed.get(path))
    if differ:
        return ", ".join(differ)[:150]
    said = [SECONDS.sub("", text) for text in (result.out, unharmed.out)]
    return "what is printed" if "sweep" not in case.words and said[0] != said[1] else ""


# What is there.


def listing() -> Listing:
    """Everything below the current folder: a digest of each file, links and other things by what they are."""
    found: Listing = {}
    for folder, folders, files in os.walk("."):
        for name in {*folders, *files} - {NOTE}:
            path = Path(folder, name)
            found[os.fsencode(path).decode("utf-8", "backslashreplace")] = what_is(path)
    return found


def what_is(path: Path) -> str:
    try:
        about = path.lstat()
    except PermissionError:  # in a folder that may not be entered
        return "closed"
    if stat.S_ISLNK(about.st_mode):
        return f"link to {os.readlink(path)}"
    if not stat.S_ISREG(about.st_mode):
        return stat.filemode(about.st_mode)
    if not about.st_mode & 0o400:
        return f"{about.st_size} bytes, changed {about.st_mtime_ns}"
    key = (str(path.absolute()), about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
    if key not in DIGESTS:
        DIGESTS[key] = digest(path)
    return DIGESTS[key]


def digest(path: Path) -> str:
    """Of what matters in a file."""
    content = path.read_bytes()
    if path.suffix in (".png", ".svg", ".html") or path.name == "log.jsonl":
        return "picture, page or log"
    if path.suffix == ".json":
        with contextlib.suppress(ValueError, RecursionError):
            content = json.dumps(without_times(json.loads(content))).encode()
    if path.suffix in (".md", ".csv"):
        content = SECONDS.sub("", content.decode("utf-8", "replace")).encode()
    return hashlib.sha256(content).hexdigest()


def without_times(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_times(value) for key, value in tree.items() if key not in VARY}
    return [without_times(value) for value in tree] if isinstance(tree, list) else tree


def children_left() -> list[str]:
    """Processes that the command left. They are ended."""
    found, numbers = [], set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            numbers.update((task / "children").read_text().split())
    for number in sorted(numbers):
        with contextlib.suppress(OSError):
            words = Path("/proc", number, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and "resource_tracker" not in words and "forkserver" not in words:
                found.append(f"process {words[:80]}")
                os.kill(int(number), signal.SIGKILL)
    return found


# How the command is run.


def in_here(words: tuple[str, ...]) -> tuple[int | None, str, str, str]:
    """(exit code, standard output, standard error, exception): `main` in this process, with files for its streams."""
    code, raised = None, ""
    with streams() as said, warnings.catch_warnings():  # a warning that was shown once is shown again
        watch()
        try:
            code = main_of(words[0])(list(words[1:]))
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
        except BaseException as fault:
            raised = root_of(fault)
        finally:
            signal.alarm(0)
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
    return code, *said(), raised


def watch() -> None:
    """TooLong once the command has used LIMIT seconds of the processor, or none for LIMIT seconds: then it waits.

    On a busy machine a command that works may take longer, up to five times. Where threads still wait after that, this
    process ends: its parent begins another.
    """
    began, used = time.monotonic(), [time.process_time()] * 4  # now, and a third of LIMIT earlier, …

    def look(*arguments: Any) -> None:
        used.append(time.process_time())
        waits = len(used) > 6 and used[-1] - used[-4] < 0.1
        if waits or used[-1] - used[0] >= LIMIT or time.monotonic() - began > 5 * LIMIT:
            signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
            signal.alarm(5)
            raise TooLong
        signal.alarm(LIMIT // 3)

    signal.signal(signal.SIGALRM, look)
    signal.alarm(LIMIT // 3)


def main_of(name: str) -> Callable[[list[str]], int | None]:
    module = "minireid.cli" if name == "minireid" else f"data_tools.commands.{name}"
    return importlib.import_module(module).main


def root_of(fault: BaseException) -> str:
    """The exception, and the innermost line of the project's own that it comes from."""
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if str(ROOT) in frame.filename]
    ours = [frame for frame in frames if "/tests/" not in frame.filename]
    where = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno} {ours[-1].name}" if ours else "outside"
    return f"{type(fault).__name__} in {where}: {' '.join(str(fault).split())[:120]}"


@contextlib.contextmanager
def streams() -> Iterator[Callable[[], tuple[str, str]]]:
    """Standard output and error go to files, standard input has nothing. Yields what reads them."""
    old = [os.dup(number) for number in (0, 1, 2)]
    streams_before = sys.stdin, sys.stdout, sys.stderr
    with tempfile.TemporaryFile(dir="/tmp") as out, tempfile.TemporaryFile(dir="/tmp") as err, open(os.devnull) as none:
        for number, file in enumerate((none, out, err)):
            os.dup2(file.fileno(), number)
        sys.stdin = none
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", write_through=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        try:
            yield lambda: (read[0], read[1])
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(ValueError, OSError):
                    stream.flush()
            sys.stdin, sys.stdout, sys.stderr = streams_before
            for number, copy in enumerate(old):
                os.dup2(copy, number)
                os.close(copy)
            read = []
            for file in (out, err):
                file.seek(0)
                read.append(file.read(10_000_000).decode("utf-8", "backslashreplace"))


def as_process(words: tuple[str, ...]) -> tuple[int | None, str, str, str]:
    """The same as a process of its own."""
    module = "minireid.cli" if words[0] == "minireid" else f"data_tools.{words[0]}"
    command = [sys.executable, "-m", module, *words[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=5 * LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return None, "", "", "TooLong"
    return done.returncode, *(said.decode("utf-8", "backslashreplace") for said in (done.stdout, done.stderr)), ""

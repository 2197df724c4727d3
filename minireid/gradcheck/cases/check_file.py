"""`minireid gradcheck FILE.py`: checks the user's own functions, in a process of its own with a time limit.

So the file cannot harm or block the command. An exception in the file is reported with its line. The process writes
what it knows after each function. If the time is over, this is reported.
"""

import json
import linecache
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minireid.base.errors import InputError

SECONDS = 60.0
KEPT = 65536
FAILED = 1  # Python's exit code after an exception
FILE_PROCESS = "minireid.gradcheck.cases.file_process"
ROOT = Path(__file__).parents[3]
CRASHES = {
    4: "crashed the interpreter (illegal instruction)",
    6: "crashed or aborted the interpreter (os.abort?)",
    7: "crashed the interpreter (bus error)",
    8: "crashed the interpreter (floating point exception)",
    9: "was ended by the system: does it need too much memory?",
    11: "crashed the interpreter (segmentation fault)",
}


def check_file(
    path: Path,
    like: str | None = None,
    *,
    seed: int = 0,
    seconds: float = SECONDS,
    picture: Path | None = None,
    hints: int = 4,
    shapes: str = "",
) -> dict[str, Any]:
    """{"ok", "file", "like", "checks": [...], "texts": [...], "finished"}; without `like` also "unchecked": [...].

    like: the name of a page or case. seconds: the time limit. picture: where to save a plot of a wrong gradient.
    hints: how much the texts tell (Report.text). shapes: what to draw, without `like` (front/shapes.py).
    Raises InputError if the file or `like` does not exist, the file cannot be imported, or the time is over before
    anything is known.
    """
    order = {"like": like, "shapes": shapes, "seed": seed, "hints": hints, "picture": str(picture or "")}
    return answered(path, order, seconds)


def answered(path: Path, order: dict[str, Any], seconds: float, module: str = FILE_PROCESS) -> dict[str, Any]:
    """What `module`, run as a process, writes about the file at `path`.

    order: what it is given, as JSON; "file" and "result" are added. It writes its answer to "result": at least
    "finished", or "input_error". Raises InputError as `check_file` does.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}; expected a Python file with your functions")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        end = run({**order, "file": str(path), "result": str(result)}, seconds, module)
        if end.over and not result.is_file():
            raise InputError(f"{path}: not finished after {seconds:g} seconds; is there an endless loop?")
        if not result.is_file():
            raise InputError(f"{path} {end.why(path)}")
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if "input_error" in found:
        raise InputError(found["input_error"])
    if not found["finished"]:
        found["stopped"] = (
            f"the time was over after {seconds:g} seconds: this is what was known then; more time: --time-limit"
            if end.over
            else f"this is what was known before the file {end.why(path)}"
        )
    return found


@dataclass(frozen=True)
class End:
    """How the process ended. code: None if its time was over. said: the end of what it wrote to stderr."""

    code: int | None
    said: str

    @property
    def over(self) -> bool:
        return self.code is None or self.code == -getattr(signal, "SIGXCPU", 1000)

    def why(self, path: Path) -> str:
        """What the file did, and at which of its lines, if faulthandler has told it."""
        own = re.search(rf'File "{re.escape(str(path.resolve()))}", line (\d+)', self.said)
        at = f" at line {own[1]}: {linecache.getline(str(path), int(own[1])).strip()}" if own else ""
        if self.code is None:
            return "did not end"
        if self.code < 0:
            return f"{CRASHES.get(-self.code, f'ended with signal {-self.code}')}{at}"
        last = (self.said.strip().splitlines() or [""])[-1]
        if self.code == FAILED and last:
            return f"cannot be checked: {last}"
        return f"ended the check itself, with exit code {self.code} (os._exit?): take that out"


def run(order: dict[str, Any], seconds: float, module: str) -> End:
    """Run the process to its end. What it prints goes nowhere, and nobody answers what it asks."""
    # -X utf8: the file, and what is written, are UTF-8 on every system
    command = [sys.executable, "-P", "-X", "utf8", "-X", "faulthandler", "-m", module, json.dumps(order)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONIOENCODING": "utf-8:replace",
        "OMP_NUM_THREADS": "1",  # the arrays are tiny: threads of BLAS would only wait for each other
        "OPENBLAS_NUM_THREADS": "1",
        "MINIREID_COLOUR": "1" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "",
        "MINIREID_SECONDS": str(math.ceil(seconds)),
    }
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE, env=environment) as process:
        said: list[bytes] = []
        listener = threading.Thread(target=keep_the_end, args=(process.stderr, said), daemon=True)
        listener.start()
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            listener.join(5)  # something that the file has started may keep the pipe open
    return End(code, b"".join(said).decode("utf-8", errors="replace"))


def keep_the_end(stream: Any, said: list[bytes]) -> None:
    """said: one text, the last KEPT bytes of the stream; it may write for ever."""
    while chunk := stream.read1(KEPT):
        said[:] = [b"".join([*said, chunk])[-KEPT:]]

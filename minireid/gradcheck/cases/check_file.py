"""`minireid gradcheck FILE.py`: checks the user's own functions, in a process of its own with a time limit.

So the file cannot harm or block the command. An exception in the file is reported with its line. The process writes
what it knows after each function. If the time is over, this is reported.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from minireid.base.errors import InputError

SECONDS = 120.0
FILE_PROCESS = "minireid.gradcheck.cases.file_process"
ROOT = Path(__file__).parents[3]


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
        last = run({**order, "file": str(path), "result": str(result)}, seconds, module)
        if last is None and not result.is_file():
            raise InputError(f"{path}: not finished after {seconds:g} seconds; is there an endless loop?")
        if not result.is_file():
            raise InputError(f"{path}: the process that ran it died: {last}")
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if "input_error" in found:
        raise InputError(found["input_error"])
    if not found["finished"]:
        found["stopped"] = (
            f"the time was over after {seconds:g} seconds: this is what was known then; more time: --time-limit"
            if last is None
            else f"the process died before the end: {last}"
        )
    return found


def run(order: dict[str, Any], seconds: float, module: str) -> str | None:
    """Run the process to its end. Returns its last message, or None if the time was over."""
    # -X utf8: the file, and what is written, are UTF-8 on every system
    command = [sys.executable, "-P", "-X", "utf8", "-m", module, json.dumps(order)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONIOENCODING": "utf-8:replace",
        "OMP_NUM_THREADS": "1",  # the arrays are tiny: threads of BLAS would only wait for each other
        "OPENBLAS_NUM_THREADS": "1",
        "MINIREID_COLOUR": "1" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "",
    }
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=seconds, env=environment
        )
    except subprocess.TimeoutExpired:
        return None
    return (done.stderr.strip().splitlines() or ["it ended without a message"])[-1]

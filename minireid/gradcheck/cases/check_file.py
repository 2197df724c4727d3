"""`minireid gradcheck FILE.py --like gru`: checks the user's own functions, with the signatures of a page of minireid.

First the user's forward is compared with the page's. A gradient check cannot find a wrong forward: the backward may be
the right derivative of the wrong function. Then the backward is checked. The file runs in its own process with a time
limit, so it cannot harm or block the command. An exception in the file is reported with its line.
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


def check_file(
    path: Path, like: str, *, seed: int = 0, seconds: float = SECONDS, picture: Path | None = None
) -> dict[str, Any]:
    """{"ok", "file", "like", "checks": [...], "text"}: what was found, in a process of its own.

    like: the name of a page or case. seconds: the time limit. picture: where to save a plot of a wrong gradient.
    Raises InputError if the file or `like` does not exist, the file cannot be imported, or the time is over.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}; expected a Python file with your functions")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [
            sys.executable,
            "-P",
            "-m",
            "minireid.gradcheck.cases.file_process",
            str(path),
            like,
            str(seed),
            str(result),
            str(picture or ""),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")])),
            "OMP_NUM_THREADS": "1",  # the arrays are tiny: threads of BLAS would only wait for each other
            "OPENBLAS_NUM_THREADS": "1",
            "MINIREID_COLOUR": "1" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "",
        }
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)
        except subprocess.TimeoutExpired:
            raise InputError(f"{path}: not finished after {seconds:g} seconds; is there an endless loop?") from None
        if not result.is_file():
            last = (done.stderr.strip().splitlines() or ["it ended without a message"])[-1]
            raise InputError(f"{path}: the process that ran it died: {last}")
        found = json.loads(result.read_text())
    if "input_error" in found:
        raise InputError(found["input_error"])
    return found

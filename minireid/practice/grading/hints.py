"""What the gradient checker says of a student's file: the line, the cause, the fix. The grade never depends on it.

The checker runs in the process of the file, so the file could forge what it says, to its own author. That process has
the limits and the hook of fence.py, as the one that is graded.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from minireid.practice.exercises.exercise import Exercise
from minireid.practice.grading.process import apart, needed_by_windows

ROOT = Path(__file__).parents[3]
SECONDS = 60.0


def reports(source: bytes, exercise: Exercise, seed: int, hints: int, seconds: float = SECONDS) -> tuple[str, ...]:
    """The checker's texts about what is wrong, from the line (2) to the fix (4); none if it has nothing to say."""
    if hints < 2 or exercise.like is None:
        return ()
    with tempfile.TemporaryDirectory(prefix="hint", ignore_cleanup_errors=True) as folder:
        own = Path(folder)
        file = own / f"{exercise.name}.py"
        file.write_bytes(source)
        order = {"file": str(file), "like": exercise.like or None, "shapes": "", "seed": seed % 1000, "hints": hints,
                 "picture": "", "result": str(own / "result.json")}  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command(order, own), timeout=seconds, cwd=own, env=environment(), **silent())
        try:
            found = json.loads((own / "result.json").read_text(encoding="utf-8"))
            texts = [str(text)[:4000] for text in found.get("texts", ()) if "WRONG" in str(text)[:400]]
        except (OSError, ValueError, AttributeError):
            return ()
    return tuple(texts[:3])


def command(order: dict[str, Any], own: Path) -> list[str]:
    module = "minireid.practice.grading.hint_process"
    return [*apart(), sys.executable, "-P", "-B", "-X", "utf8", "-m", module, str(own), json.dumps(order)]


def environment() -> dict[str, str]:
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = os.pathsep.join([str(ROOT), str(Path(np.__file__).parents[1])])
    return {"PYTHONPATH": path, "NO_COLOR": "1", **threads, **needed_by_windows()}


def silent() -> dict[str, Any]:
    return {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

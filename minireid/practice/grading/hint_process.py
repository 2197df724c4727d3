"""The process in which the gradient checker runs a student's file for a hint. hints.py starts it."""

import os
import sys
from pathlib import Path

import numpy as np
import numpy.random

sys.modules["numba"] = None  # type: ignore[assignment]  # it is not needed, and loads libraries later

from minireid.gradcheck.cases import file_process  # noqa: E402
from minireid.practice.grading import fence  # noqa: E402

SECONDS, MEMORY, FILE = 50, 2 << 30, 1 << 22
NEEDED = ("the tracing of its process", "all objects of its process")  # by the checker itself
NEVER = {what: events for what, events in fence.NEVER.items() if what not in NEEDED}


def main(own: str, order: str) -> None:
    root = Path(__file__).parents[3]
    libraries = [os.path.dirname(os.__file__), str(Path(np.__file__).parents[1]), str(root / "minireid")]
    fence.limits(SECONDS, MEMORY, FILE)
    fence.close(own, libraries, NEVER)
    file_process.main(order)


if __name__ == "__main__":
    main(*sys.argv[1:])

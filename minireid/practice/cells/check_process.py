"""The process in which a student's file runs: it checks it, and writes what it found. check.py starts it."""

import json
import sys
from pathlib import Path

from minireid.gradcheck.cases.file_process import fenced, limit_time, write
from minireid.gradcheck.cases.user_module import imported
from minireid.practice.cells.check import judged, told
from minireid.practice.cells.student import definition_of


def main(order: str) -> None:
    """order: JSON of check.check_own, with the file and where to write the result."""
    wanted = json.loads(order)
    path = Path(wanted["file"])
    definition = definition_of(wanted["student"], course=wanted["course"], kind=wanted["kind"])

    def work() -> None:
        rows, report = judged(path, imported(path), definition, wanted["seed"])
        ok = report.ok and bool(rows) and all(row.ok for row in rows)
        found = {"ok": ok, "text": told(rows, report, wanted["hints"]), "check": report.to_json(), "finished": True}
        write(Path(wanted["result"]), {**found, "forward": [row._asdict() for row in rows]})

    fenced(work, wanted)


if __name__ == "__main__":
    limit_time()
    main(sys.argv[1])

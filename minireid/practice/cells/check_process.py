"""The process in which a student's file runs: it checks it, and writes what it found. check.py starts it."""

import contextlib
import io
import json
import sys
from pathlib import Path

from minireid.base.errors import InputError
from minireid.gradcheck.cases.file_process import write
from minireid.gradcheck.cases.user_module import imported
from minireid.practice.cells.check import judged, told
from minireid.practice.cells.student import definition_of


def main(order: str) -> None:
    """order: JSON of check.check_own, with the file and where to write the result."""
    wanted = json.loads(order)
    path, result = Path(wanted["file"]), Path(wanted["result"])
    definition = definition_of(wanted["student"], course=wanted["course"], kind=wanted["kind"])
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what the file prints is not the command's answer
            rows, report = judged(path, imported(path), definition, wanted["seed"])
    except InputError as error:
        write(result, {"input_error": str(error), "finished": True})
        return
    ok = report.ok and bool(rows) and all(row.ok for row in rows)
    found = {"ok": ok, "text": told(rows, report, wanted["hints"]), "check": report.to_json(), "finished": True}
    write(result, {**found, "forward": [row._asdict() for row in rows]})


if __name__ == "__main__":
    main(sys.argv[1])

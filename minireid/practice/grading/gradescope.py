"""An autograder for Gradescope: a zip file to upload, and what it runs there.

Gradescope unpacks the zip file into /autograder/source and runs setup.sh once. For each submission it runs
run_autograder, which finds the student's files in /autograder/submission and writes /autograder/results/results.json.
Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

import io
import json
import stat
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.files import check_target, write_bytes, write_text
from minireid.practice.exercises.catalogue import exercise_of
from minireid.practice.grading.classes import Work, one
from minireid.practice.grading.grade import points, text
from minireid.practice.grading.process import Limits

PACKAGE = Path(__file__).parents[2]
SETTINGS = "exercises.json"
OLDEST = (2020, 1, 1, 0, 0, 0)  # the date of all files, so that the same package gives the same zip file
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once. The grader needs Python 3.11 or newer, and NumPy.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv util-linux
python=python3
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  apt-get install -y --no-install-recommends software-properties-common
  add-apt-repository -y ppa:deadsnakes/ppa
  apt-get update
  apt-get install -y --no-install-recommends python3.12 python3.12-venv
  python=python3.12
fi
"$python" -m venv /autograder/venv
/autograder/venv/bin/pip install -q 'numpy=={numpy}'
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this for each submission. It writes results/results.json.
set -euo pipefail
top="${AUTOGRADER:-/autograder}"
python="${AUTOGRADER_PYTHON:-$top/venv/bin/python}"
chmod -R go-rwx "$top/source"  # a student's file runs as another user, who cannot read the answers
cd "$top"
PYTHONPATH="$top/source" exec "$python" -m minireid.practice.grading.gradescope "$top"
"""


def pack(out: Path, names: Sequence[str], hints: int = 1) -> None:
    """Write the zip file. names: the exercises of the assignment. hints: what students are told, as in grade.text.

    InputError for an unknown exercise or if `out` cannot be written.
    """
    check_target(out, ".zip", option="--gradescope")
    settings = {"exercises": [exercise_of(name).name for name in names], "hints": hints}
    files = {"setup.sh": SETUP.format(numpy=np.__version__), "run_autograder": RUN, SETTINGS: json.dumps(settings)}
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in (".py", ".toml") and "__pycache__" not in path.parts:
            files[f"minireid/{path.relative_to(PACKAGE).as_posix()}"] = path.read_text(encoding="utf-8")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, OLDEST)
            mode = 0o755 if name in ("setup.sh", "run_autograder") else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            entry.create_system = 3  # Unix: the mode counts
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    write_bytes(out, stream.getvalue())


def grade_submission(top: Path) -> None:
    """Grade top/submission and write top/results/results.json."""
    import secrets

    settings = json.loads((top / "source" / SETTINGS).read_text(encoding="utf-8"))
    seed = secrets.randbelow(2**31)
    works = []
    for name in settings["exercises"]:
        path = top / "submission" / f"{name}.py"
        works.append(Work("submission", path, one(path, exercise_of(name), seed, settings["hints"], Limits())))
    (top / "results").mkdir(exist_ok=True)
    content = json.dumps(results(works, settings["hints"]), indent=1)
    write_text(top / "results" / "results.json", content)


def results(works: Sequence[Work], hints: int) -> dict[str, Any]:
    """The documented form: a score, and a test for each exercise, with partial credit."""
    tests = [
        {
            "name": f"{work.grade.exercise}",
            "number": str(number),
            "score": work.grade.points,
            "max_score": work.grade.of,
            "status": "passed" if work.grade.ok else "failed",
            "output": text(work.grade, hints),
            "output_format": "text",
            "visibility": "visible",
        }
        for number, work in enumerate(works, start=1)
    ]
    got, of = (sum(getattr(work.grade, key) for work in works) for key in ("points", "of"))
    return {
        "score": round(got, 2),
        "execution_time": round(sum(work.grade.seconds for work in works)),
        "output": f"{points(got)} of {points(of)} points",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"seed": works[0].grade.seed},
    }


if __name__ == "__main__":
    grade_submission(Path(sys.argv[1]))

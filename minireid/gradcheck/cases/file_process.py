"""The process in which the user's file runs: it imports and checks it, and writes a report. check_file.py starts it."""

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minireid.base.errors import InputError
from minireid.gradcheck import Report
from minireid.gradcheck.cases.alone import known_inputs
from minireid.gradcheck.cases.like import reports_on
from minireid.gradcheck.cases.user_module import error_text, imported
from minireid.gradcheck.front.shapes import parsed
from minireid.gradcheck.front.whole_file import check_module

Tell = Callable[[list[Report], list[str]], None]


def main(order: str) -> None:
    """order: JSON of check_file.py: file, like, shapes, seed, hints, picture, and where to write the result."""
    wanted = json.loads(order)

    def tell(reports: list[Report], lines: list[str], finished: bool = False) -> None:
        write(Path(wanted["result"]), {**answer(wanted, reports, lines), "finished": finished})

    def work() -> None:
        reports, lines = everything(wanted, tell)
        if wanted["picture"]:
            draw_worst(reports, wanted["picture"])
        tell(reports, lines, finished=True)

    fenced(work, wanted)


def fenced(work: Callable[[], None], wanted: dict[str, Any]) -> None:
    """Do the work with a file that can do anything. What it prints goes nowhere; sys.exit is told with its line."""
    path, result = Path(wanted["file"]), Path(wanted["result"])
    try:
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BufferedWriter(Nowhere()), "utf-8", "backslashreplace")):
            work()
    except InputError as error:
        write(result, {"input_error": str(error), "finished": True})
    except SystemExit as error:
        said = f"{path} ends the check itself: {error_text(error, path)}; take that out"
        write(result, {"input_error": said, "finished": True})


class Nowhere(io.RawIOBase):
    """Takes what a file prints, 100 MB of it too, and bytes that are no text; and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return len(content)


def limit_time() -> None:
    """Of the processor: an endless loop ends too where the process that waits for it was killed."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        seconds = int(os.environ.get("MINIREID_SECONDS", "60")) + 5
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))


def everything(wanted: dict[str, Any], tell: Tell) -> tuple[list[Report], list[str]]:
    """(reports, a line for each thing that could not be checked)."""
    path, seed = Path(wanted["file"]), int(wanted["seed"])
    if wanted["like"]:
        return reports_on(path, wanted["like"], seed, lambda reports: tell(reports, [])), []
    wishes = parsed(wanted["shapes"] or "")
    module = imported(path)
    reports: list[Report] = []
    lines: list[str] = []
    source = path.read_text(encoding="utf-8", errors="replace")
    for found in check_module(module, source, wishes, seed, known_inputs(seed)):
        if isinstance(found, str):
            lines.append(found)
        else:
            reports[:] = [report for report in reports if report.name != found.name] + [found]
        tell(reports, lines)
    if not reports and not lines:
        raise InputError(
            f"{path} has nothing to check; expected NAME_forward and NAME_backward, forward and backward, "
            "a class with both, or NAME_loss(x, y) -> (loss, gradients)"
        )
    if not reports:
        raise InputError(f"{path}: nothing could be checked: {'; '.join(lines)}")
    return reports, lines


def draw_worst(reports: list[Report], picture: str) -> None:
    """The worst wrong tensor of all reports, if one can be drawn."""
    drawn = [(t.error, -n, r) for n, r in enumerate(reports) for t in r.tensors if t.name in r.arrays]
    if drawn:
        max(drawn, key=lambda one: one[:2])[2].plot().savefig(picture)


def answer(wanted: dict[str, Any], reports: list[Report], lines: list[str]) -> dict[str, Any]:
    texts = [report.text(wanted["hints"]) for report in reports]
    found = {
        "ok": all(report.ok for report in reports),
        "file": wanted["file"],
        "like": wanted["like"],
        "checks": [report.to_json() for report in reports],
        "texts": texts,
    }
    return found if wanted["like"] else {**found, "unchecked": lines}


def write(path: Path, found: dict[str, Any]) -> None:
    """All at once: the process may be stopped at any time."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found), encoding="utf-8")
    for _ in range(20):
        try:
            os.replace(partial, path)
            return
        except PermissionError:  # Windows: somebody is reading it
            time.sleep(0.05)


if __name__ == "__main__":
    limit_time()
    main(sys.argv[1])

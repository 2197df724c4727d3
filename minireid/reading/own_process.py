"""The process in which a student's file is followed. own.py starts it."""

import json
import sys
from pathlib import Path

from minireid.base.errors import InputError
from minireid.gradcheck import Report
from minireid.gradcheck.cases.file_process import fenced, limit_time, write
from minireid.gradcheck.cases.like import reports_on
from minireid.gradcheck.cases.page_case import functions_for, pages
from minireid.gradcheck.cases.pages import Case
from minireid.gradcheck.cases.user_module import error_text, imported
from minireid.gradcheck.front import nearest
from minireid.reading.cases import cases_to_read, problem_like, problem_of_case
from minireid.reading.page import parse
from minireid.reading.place import Followed
from minireid.reading.run import follow
from minireid.reading.write import page_html


def main(order: str) -> None:
    """order: JSON with like, seed, file, result."""
    wanted = json.loads(order)

    def work() -> None:
        html = own_html(Path(wanted["file"]), wanted["like"], int(wanted["seed"]))
        write(Path(wanted["result"]), {"html": html, "finished": True})

    fenced(work, wanted)


def own_html(path: Path, like: str, seed: int) -> str:
    if not cases_to_read(like):
        raise InputError(nearest.unknown(like, pages(), "to compare with"))
    reports = reports_on(path, like, seed, lambda reports: None)
    try:
        page = parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a text in UTF-8") from None
    page.title = page.title or f"{path.name}, read like {like}"
    wrong = {line: said for report in reports for line, said in blamed(report).items()}
    note = " ".join(dict.fromkeys(text for report in reports for text in [report.forward, *report.faults] if text))
    followed = followed_file(path, like)
    return page_html(path.name, page, followed, wrong=wrong, note=note)


def blamed(report: Report) -> dict[int, str]:
    """The wrong lines that the checker has found, with the likeliest cause of each."""
    found = {}
    for finding in report.findings:
        if finding.line is not None and not report.ok:
            cause = finding.causes[0] if finding.causes else None
            found[finding.line.number] = f"{cause.cause}: {cause.text}" if cause else finding.line.wrong
    return found


def followed_file(path: Path, like: str) -> Followed:
    """The run of the first case that the file has functions for, on its small input."""
    module = imported(path)
    cases = cases_to_read(like)
    found = [(case, functions) for case in cases if (functions := functions_for(module, case)) is not None]
    if not found:
        names = " or ".join(f"{case.forward.__name__} and {case.backward.__name__}" for case in unlike(cases))
        raise InputError(f"{path}: expected functions {names}, as on the page {like}")
    case, functions = found[0]
    try:
        problem = problem_like(case, functions, problem_of_case(case))
        return follow(problem, str(functions[0].__code__.co_filename))
    except Exception as error:  # somebody's file can raise anything
        raise InputError(f"{path}: {error_text(error, path)}") from None


def unlike(cases: list[Case]) -> list[Case]:
    """One case for each pair of functions."""
    return list({case.forward.__name__: case for case in cases}.values())


if __name__ == "__main__":
    limit_time()
    main(sys.argv[1])

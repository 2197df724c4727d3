"""The page of a student's own file: run and checked in a process of its own, so the file cannot harm the command."""

from pathlib import Path

from minireid.base.errors import InputError
from minireid.gradcheck.cases.check_file import answered

PROCESS = "minireid.reading.own_process"


def own_page(path: Path, like: str, seconds: float) -> str:
    """The HTML of FILE.py, read like the page `like`. InputError if it cannot be read, or the time is over."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; expected a Python file with your functions")
    html: str = answered(path, {"like": like, "seed": 0}, seconds, PROCESS)["html"]
    return html

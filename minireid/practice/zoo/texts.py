"""What `minireid zoo` prints. Bugs are numbered from 1. Any other number raises InputError."""

import difflib
import textwrap
from pathlib import Path

from minireid.base.errors import InputError
from minireid.base.files import check_target, write_text
from minireid.practice.zoo import plant
from minireid.practice.zoo.bug import Bug
from minireid.practice.zoo.bugs import BUGS

DIFFICULTIES = {1: "reading is enough", 2: "needs a derivation or a check", 3: "hidden from most checks"}


def listing() -> str:
    """Every bug: its number, its page and its title, by difficulty. No answers."""
    lines = [f"{len(BUGS)} wrong pages. In each, one function has one mistake."]
    for difficulty, meaning in DIFFICULTIES.items():
        lines += ["", f"Difficulty {difficulty}: {meaning}"]
        for number, bug in enumerate(BUGS, 1):
            if bug.difficulty == difficulty:
                lines.append(f"{number:>5}  {bug.module.rpartition('.')[2]:<20} {bug.title}")
    lines += ["", "minireid zoo show 17 prints the function, hint 17 a hint, solve 17 the answer.",
              "minireid read --bug 17 opens the page in a browser, with the values of a run."]  # fmt: skip
    return "\n".join(lines)


def show(number: int, path: Path | None = None) -> str:
    """The broken function with its line numbers, and how to check it. path: where the broken page was written."""
    bug = numbered(number)
    text, _ = plant.source(bug)
    first, last = plant.function_lines(text, bug.function)
    code = [f"{n:>4}  {line}".rstrip() for n, line in enumerate(text.splitlines()[first - 1 : last], first)]
    file = path or Path(f"bug{number}.py")
    check = [f"minireid gradcheck {file} --like {plant.like(bug)}"]
    if path is None:
        check = [f"minireid zoo show {number} --out {file}", *check]
    where = f"minireid/{bug.module.replace('.', '/')}.py, with one mistake in {bug.function}:"
    return "\n".join(
        [f"{number}. {bug.title}", "", where, "", *code, "", "Check it with", *(f"    {c}" for c in check)]
    )


def write(number: int, path: Path) -> None:
    """Write the whole broken page into a new file. InputError if the file exists or its name does not end in .py."""
    bug = numbered(number)
    check_target(path, ".py")
    if path.exists():
        raise InputError(f"expected a new file for --out, but {path} is there: choose another name or remove it")
    write_text(path, plant.source(bug)[0])


def hint(number: int) -> str:
    """The title and a hint."""
    bug = numbered(number)
    return f"{number}. {bug.title}\n\n{textwrap.fill(bug.hint, 100)}"


def solve(number: int) -> str:
    """The cause, the diff from the broken page to the right one, and the explanation."""
    bug = numbered(number)
    name = plant.page(bug).name
    diff = difflib.unified_diff(
        plant.source(bug)[0].splitlines(),
        plant.clean_source(bug).splitlines(),
        f"{name}, wrong",
        f"{name}, right",
        n=2,
        lineterm="",
    )
    return "\n".join([f"{number}. {bug.title}: {bug.cause}", "", *diff, "", textwrap.fill(bug.explanation, 100)])


def numbered(number: int) -> Bug:
    if not 1 <= number <= len(BUGS):
        raise InputError(f"expected the number of a bug from 1 to {len(BUGS)}, got {number}: minireid zoo lists them")
    return BUGS[number - 1]

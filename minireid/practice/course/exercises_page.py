"""The page of all exercises: what each asks for, its points, its minutes, where it is taught, and its stub."""

import re
from collections.abc import Mapping
from pathlib import Path

from minireid.base.files import write_text
from minireid.practice.exercises.catalogue import EXERCISES
from minireid.practice.exercises.exercise import Exercise
from minireid.practice.exercises.stub import stub


def exercises_page(notebooks: Mapping[str, str]) -> str:
    """Markdown. notebooks: {file name: text}. Links are those of the folder tutorials."""
    lines = [
        "# Exercises",
        "",
        *HEAD,
        "",
        "| exercise | level | points | minutes | taught in |",
        "|---|---|---|---|---|",
    ]
    for exercise in EXERCISES.values():
        where = ", ".join(f"[{int(name[:2])}]({name})" for name in taught_in(exercise, notebooks))
        link = f"[{exercise.name}](#{exercise.name})"
        lines.append(f"| {link} | {exercise.level} | {exercise.points} | {exercise.minutes} | {where} |")
    for exercise in EXERCISES.values():
        lines += ["", f"## {exercise.name}", "", f"{exercise.title}. [The file](stubs/{exercise.name}.txt)"]
        lines += ["", "```python", stub(exercise).rstrip(), "```"]
    return "\n".join(lines) + "\n"


HEAD = (
    "Each is a file with equations, shapes and empty functions. Write the functions in NumPy.",
    "`minireid exercise check FILE.py` gives points; in a notebook `check_exercise` does the same.",
    "Minutes are estimates.",
    "One more has no page and no answer anywhere: `minireid exercise cell --student YOUR_NAME` draws it for you.",
)


def taught_in(exercise: Exercise, notebooks: Mapping[str, str]) -> list[str]:
    """The notebooks that set the exercise."""
    call = re.compile(rf'check_exercise\(\s*\\?"{exercise.name}\\?"')
    return [name for name, text in sorted(notebooks.items()) if call.search(text)]


def write_stubs(folder: Path) -> None:
    """One text file an exercise, into a new folder."""
    folder.mkdir(parents=True)
    for exercise in EXERCISES.values():
        write_text(folder / f"{exercise.name}.txt", stub(exercise))

"""An exam on paper from the zoo: pages with one wrong line, and derivatives in exact fractions. With its key."""

import textwrap
from pathlib import Path

import numpy as np

from minireid.base.errors import InputError
from minireid.base.files import write_text
from minireid.gradcheck import check
from minireid.gradcheck.cases.like import accepted, cases_of, functions_for
from minireid.gradcheck.cases.pages import USUAL
from minireid.practice.pencil import doctor
from minireid.practice.zoo import plant
from minireid.practice.zoo.bug import Bug
from minireid.practice.zoo.bugs import BUGS

HARDEST = 2  # what is hidden from most checks is no question for paper
LONGEST = 40  # lines of a wrong function
POINTS_BUG, POINTS_PAPER = 10, 8
PARTS = (
    ("Which line is wrong? Give its number.", 3),
    ("Write the line as it must be.", 3),
    ("Which of the returned gradients come out wrong?", 2),
    ("Which rule or equation did the author miss? One sentence.", 2),
)
KINDS = ("gru", "contrastive")  # of the problems in fractions, in turn


def write_exam(folder: Path, *, seed: int, bugs: int, papers: int) -> tuple[Path, Path]:
    """Write exam.md and key.md into a new folder. The same seed draws the same exam.

    InputError if the folder is there already, or if there are not so many bugs on different functions.
    """
    if folder.exists():
        raise InputError(f"expected a new folder for --out, but {folder} is there: choose another name or remove it")
    if min(seed, papers) < 0 or bugs + papers < 1:
        raise InputError(f"expected --seed and --papers of 0 or more and a question, got {seed}, {papers}, {bugs} bugs")
    questions = [bug_question(bug) for bug in chosen(np.random.default_rng(seed), bugs)]
    questions += [paper_question(KINDS[n % len(KINDS)], 1000 * seed + n) for n in range(papers)]
    points = POINTS_BUG * bugs + POINTS_PAPER * papers
    head = f"{len(questions)} questions, {points} points. Exam number {seed}."
    rule = "Every wrong page has one mistake, in the function whose lines are numbered. dX is the gradient of X."
    exam = ["# Backward passes, read and written by hand", head, rule, "Name:"]
    key = ["# Key", head]
    for number, (title, question, answer) in enumerate(questions, start=1):
        exam += [f"## {number}. {title}", question]
        key += [f"## {number}. {title}", answer]
    folder.mkdir(parents=True)
    for name, parts in (("exam.md", exam), ("key.md", key)):
        write_text(folder / name, "\n\n".join(parts) + "\n")
    return folder / "exam.md", folder / "key.md"


def fits(bug: Bug) -> bool:
    """Whether a bug is a question for paper: in a short backward whose forward stands on the same page."""
    text, _ = plant.source(bug)
    first, last = plant.function_lines(text, bug.function)
    on_page = f"def {forward_of(bug)}(" in text
    return "backward" in bug.function and on_page and bug.difficulty <= HARDEST and last - first < LONGEST


def forward_of(bug: Bug) -> str:
    return bug.function.replace("backward", "forward")


def chosen(rng: np.random.Generator, count: int) -> list[Bug]:
    """Bugs on different functions, the easier ones first."""
    by_function: dict[tuple[str, str], list[Bug]] = {}
    for bug in filter(fits, BUGS):
        by_function.setdefault((bug.module, bug.function), []).append(bug)
    if not 0 <= count <= len(by_function):
        raise InputError(f"expected --bugs from 0 to {len(by_function)} (one for each function), got {count}")
    groups = [list(by_function.values())[n] for n in rng.permutation(len(by_function))[:count]]
    return sorted((group[rng.integers(len(group))] for group in groups), key=lambda bug: bug.difficulty)


def bug_question(bug: Bug) -> tuple[str, str, str]:
    """(title, question, answer)"""
    text, line = plant.source(bug)
    page = text.partition('"""')[2].partition('"""')[0].strip()
    listing = f"{function(text, forward_of(bug))}\n\n{function(text, bug.function, numbered=True)}"
    parts = "\n".join(f"{letter}) {part} ({points} points)" for letter, (part, points) in zip("abcd", PARTS))
    title = f"{plant.page(bug).stem} ({POINTS_BUG} points)"
    question = f"The page says:\n\n```\n{page}\n```\n\n```python\n{listing}\n```\n\n{parts}"
    wrong, right = (source.splitlines()[line - 1].strip() for source in (text, plant.clean_source(bug)))
    answer = [
        f"a) line {line}: `{wrong}`",
        f"b) `{right}`" + (" (and the lines below it)" if "\n" in bug.new or "\n" in bug.old else ""),
        f"c) {', '.join(wrong_gradients(bug)) or 'none: it raises'}",
        f"d) {bug.cause}. {' '.join(bug.explanation.split())}",
    ]
    return title, question, "\n\n".join(answer)


def function(text: str, name: str, *, numbered: bool = False) -> str:
    first, last = plant.function_lines(text, name)
    lines = text.splitlines()[first - 1 : last]
    return "\n".join(f"{n:>4}  {line}".rstrip() if numbered else line for n, line in enumerate(lines, first))


def wrong_gradients(bug: Bug) -> list[str]:
    """The names of the gradients that the mistake makes wrong, as the checker finds them."""
    module = plant.load(bug)
    found: dict[str, None] = {}
    for case in cases_of(plant.like(bug), 0, USUAL):
        functions = functions_for(module, case)
        if functions is not None:
            config, _ = accepted(functions[0], case)
            report = check(*functions, *case.arrays, diagnosis=False, **config)
            found |= {f"d{tensor.name.removeprefix('p.')}": None for tensor in report.tensors if not tensor.ok}
    return list(found)


def paper_question(kind: str, seed: int) -> tuple[str, str, str]:
    """(title, question, answer)"""
    problem, ask = doctor.draw(kind, seed)
    page = doctor.question(problem, ask).partition(" Others may be asked")[0]
    question = f"```\n{page}\n```\n\nWrite down every line of your way."
    answer = f"```\n{textwrap.dedent(problem.solution(ask))}\n```"
    return f"{problem.name(ask)}, by hand ({POINTS_PAPER} points)", question, answer

"""A planted bug as a page to read in a browser: step through the run, and name the line that is to blame."""

import difflib
from types import ModuleType

from minireid.gradcheck.cases.page_case import cases_of, functions_for
from minireid.gradcheck.cases.pages import OTHER, USUAL, Case
from minireid.gradcheck.tensor.problem import Problem
from minireid.practice.zoo.bug import Bug
from minireid.practice.zoo.plant import clean_source, function_lines, like, load, load_clean, source
from minireid.practice.zoo.texts import DIFFICULTIES, numbered
from minireid.reading.cases import cases_to_read, drawn_problem, problem_like, problem_of_case
from minireid.reading.differences import against
from minireid.reading.page import parse
from minireid.reading.place import Followed
from minireid.reading.run import follow
from minireid.reading.write import page_html


def bug_page(number: int) -> str:
    """The HTML of bug `number` of the zoo. InputError for any other number."""
    bug = numbered(number)
    text, line = source(bug)
    page = parse(text)
    page.title = f"A page with one mistake, like {like(bug)}. {DIFFICULTIES[bug.difficulty].capitalize()}."
    first, last = function_lines(text, bug.function)
    hints = [bug.hint, f"The mistake is in {bug.function}, between line {first} and line {last}."]
    task = {"lines": to_blame(bug, line), "hints": hints, "right": bug.old, "explanation": bug.explanation}
    followed = followed_bug(bug)
    return page_html(f"{number}. {bug.title}", page, followed, bug=task)


def to_blame(bug: Bug, line: int) -> list[int]:
    """The lines that a reader may name: those that differ from the right page, or stand around what is missing."""
    right, wrong = clean_source(bug).splitlines(), source(bug)[0].splitlines()
    found = {line}
    for tag, _, _, first, last in difflib.SequenceMatcher(None, right, wrong, autojunk=False).get_opcodes():
        if tag == "delete":
            found |= {first, first + 1}
        elif tag != "equal":
            found |= set(range(first + 1, last + 1))
    return sorted(found)


def followed_bug(bug: Bug) -> Followed:
    """The run of the broken page, its forward held against that of the right one.

    Some bugs do not show on the page's own input: with stride 1, without overlaps, with a loss of the last frame. Then
    another case of the page is run, with other sizes, or with a loss of all outputs.
    """
    name = like(bug)
    small = cases_to_read(name)
    others = [*small, *(case for sizes in (USUAL, OTHER) for case in cases_of(name, 0, sizes))]
    tried = [(case, problem_of_case) for case in small] + [(case, drawn_problem) for case in others]
    for case, problem in [(case, problem) for case, problem in tried if not case.name.endswith("/step")]:
        right = problem(case)
        followed = followed_like(load(bug), case, right)
        against(followed, followed_like(load_clean(bug), case, right))
        if followed.error or any(place.wrong for place in followed.places):
            break
    return followed


def followed_like(module: ModuleType, case: Case, right: Problem) -> Followed:
    functions = functions_for(module, case)
    assert functions is not None  # a planted bug keeps the names of the page's functions
    return follow(problem_like(case, functions, right), functions[0].__code__.co_filename)

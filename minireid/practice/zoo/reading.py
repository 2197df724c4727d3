"""A planted bug as a page to read in a browser: step through the run, and name the line that is to blame."""

import difflib

from minireid.gradcheck.cases.page_case import functions_for
from minireid.practice.zoo.bug import Bug
from minireid.practice.zoo.plant import clean_source, function_lines, like, load, source
from minireid.practice.zoo.texts import DIFFICULTIES, numbered
from minireid.reading.cases import case_of, problem_like, problem_of
from minireid.reading.differences import against
from minireid.reading.library import followed_page
from minireid.reading.page import parse
from minireid.reading.run import Followed, follow
from minireid.reading.write import page_html


def bug_page(number: int) -> str:
    """The HTML of bug `number` of the zoo. InputError for any other number."""
    bug = numbered(number)
    text, line = source(bug)
    page = parse(text)
    page.title = f"A page with one mistake, like {like(bug)}. {DIFFICULTIES[bug.difficulty].capitalize()}."
    first, last = function_lines(text, bug.function)
    hints = [bug.hint, f"The mistake is in {bug.function}, between line {first} and line {last}."]
    task = {"lines": to_blame(bug, line), "hints": hints, "explanation": bug.explanation}
    return page_html(f"{number}. {bug.title}", page, followed_bug(bug), bug=task)


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
    """The run of the broken page, its forward held against that of the right one."""
    module = load(bug)
    name = like(bug)
    case = case_of(name)
    functions = functions_for(module, case)
    assert functions is not None  # a planted bug keeps the names of the page's functions
    followed = follow(problem_like(case, functions, problem_of(name)), functions[0].__code__.co_filename)
    if not bug.module.startswith("kernels."):
        against(followed, right_page(name))
    return followed


def right_page(name: str) -> Followed:
    followed = followed_page(name)
    assert followed is not None  # pages of the zoo have cases
    return followed

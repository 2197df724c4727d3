"""The file that a student starts from, made from the page of the reference: equations, shapes and signatures stay.

What is asked for has no body. Comments of the page are not taken over, for they hold the derivation. The file stands
alone: it imports NumPy, and nothing of minireid.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from minireid.practice.exercises.exercise import Asked, Exercise

WIDTH = 120
EMPTY = 'raise NotImplementedError("write this")'


def stub(exercise: Exercise) -> str:
    """The text of the file."""
    parts = [f'"""Exercise: {exercise.title}\n\n{about(exercise)}\n\n{footer(exercise)}\n"""']
    parts += [source_of(thing) for thing in exercise.given]
    for asked in exercise.asked:
        if not asked.given:
            parts.append(emptied(asked.function, asked))
        if asked.backward:
            parts.append(emptied(asked.backward, asked))
    head, *rest = parts
    return "\n\n\n".join([f"{head}\n\n{imports(exercise)}", *rest]) + "\n"


def about(exercise: Exercise) -> str:
    """The docstrings of the pages, down to the shapes."""
    pages = dict.fromkeys(
        (asked.backward if asked.given and asked.backward else asked.function).__module__ for asked in exercise.asked
    )
    without = {name for asked in exercise.asked for name in asked.without}
    texts = []
    for page in pages:
        paragraphs = (sys.modules[page].__doc__ or "").strip().split("\n\n")
        last = next((n for n, p in enumerate(paragraphs) if p.startswith(("Shapes", "Any shape"))), len(paragraphs) - 1)
        texts.append("\n\n".join([paragraphs[0], *(silent(p, without) for p in paragraphs[1 : last + 1])]))
    return "\n\n\n".join(texts)


def silent(paragraph: str, without: set[str]) -> str:
    """The paragraph without the sentences that name a missing argument."""
    if not any(re.search(rf"\b{name}\b", paragraph) for name in without):
        return paragraph
    sentences = re.split(r"(?<=[.;]) (?=[A-Za-z`])", paragraph.replace("\n", " "))
    kept = " ".join(s for s in sentences if not any(re.search(rf"\b{name}\b", s) for name in without))
    return textwrap.fill(re.sub(r";$", ".", kept), WIDTH)


def footer(exercise: Exercise) -> str:
    parameters = any(asked.backward and "p" in asked.arguments() for asked in exercise.asked)
    rules = []
    if parameters:
        rules.append("p and grads are dicts of arrays with the same keys; a gradient is shaped like its value.")
    if any(asked.backward and not asked.given for asked in exercise.asked):
        rules.append("The cache is yours: whatever backward will need.")
    return (textwrap.fill(" ".join(rules), WIDTH) + "\n\n" if rules else "") + (
        f"Level {exercise.level}, {exercise.points} points, about {exercise.minutes} minutes. To check it:\n\n"
        f"    minireid exercise check {exercise.name}.py"
    )


def imports(exercise: Exercise) -> str:
    named = any(inspect.isclass(thing) for thing in exercise.given)
    return "from typing import NamedTuple\n\nimport numpy as np" if named else "import numpy as np"


def source_of(thing: Any) -> str:
    return inspect.getsource(thing).rstrip()


def written(default: Any) -> ast.expr:
    """A default as a value: its name may be a constant of the page."""
    return ast.parse(repr(default), mode="eval").body


def emptied(function: Callable[..., Any], asked: Asked) -> str:
    """The function without its body and without the arguments that are left out."""
    tree = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.name = asked.prefix + tree.name
    pairs = list(zip(tree.args.kwonlyargs, tree.args.kw_defaults))
    tree.args.kwonlyargs = [argument for argument, _ in pairs if argument.arg not in asked.without]
    tree.args.kw_defaults = [
        default and written(inspect.signature(function).parameters[argument.arg].default)
        for argument, default in pairs
        if argument.arg not in asked.without
    ]
    for argument in tree.args.args + tree.args.kwonlyargs:
        argument.annotation = None
    tree.returns = None
    docstring = silent(inspect.getdoc(function) or "", set(asked.without))
    tree.body = [ast.Pass()]
    head = ast.unparse(tree).partition("\n")[0]
    body = docstring.replace("\n", "\n    ").replace("\n    \n", "\n\n")
    ending = "\n    " if "\n" in body else ""
    return f'{head}\n    """{body}{ending}"""\n    {EMPTY}'

"""What a student gets: the page with the equations, and the file to write in."""

from collections.abc import Callable
from pathlib import Path
from textwrap import fill

from minireid.base.errors import InputError
from minireid.base.files import check_target, write_text
from minireid.practice.cells import gated, margin
from minireid.practice.cells.definition import Definition, shapes, used_by
from minireid.practice.cells.expression import FUNCTIONS, Expression
from minireid.practice.cells.identity import tidy
from minireid.practice.cells.text import latex, latex_name, text

DRAWS: dict[str, Callable[[str, str], Definition]] = {"cell": gated.draw, "loss": margin.draw}
GLUE = "\0"  # a space where no line may end
NOT_NUMPY = {"sigmoid": "sigmoid(a) = 1 / (1 + exp(-a))"}


def definition_of(student: str, *, course: str = "", kind: str = "cell") -> Definition:
    """The cell or the loss of this student: the same on every machine.

    student: a name or number; capitals and spaces around it do not matter. course: a word of the course, or "": with
    another word every student has another one. kind: "cell" or "loss". InputError for a name that is none.
    """
    if kind not in DRAWS:
        raise InputError(f"expected cell or loss, got {kind!r}")
    return DRAWS[kind](tidy(student, "--student"), tidy(course, "--course") if course else "")


def page(definition: Definition) -> str:
    """The equations with their notes, what the signs mean, the shapes."""
    rows = [(f"F{n}", f"{e.name} = {text(e.right)}", e.note) for n, e in enumerate(definition.equations, start=1)]
    width = max(len(equation) for _, equation, note in rows if note)
    lines = [f"    {number:<4}{equation:<{width if note else 0}}   {note}".rstrip() for number, equation, note in rows]
    parts = [headline(definition), "\n".join(lines), signs(definition), shape_list(definition)]
    return "\n\n".join(parts)


def headline(definition: Definition) -> str:
    return f"A {'gated cell' if definition.kind == 'cell' else 'margin loss'} of your own: {definition.title}."


def signs(definition: Definition) -> str:
    """What stands in the equations beside names."""
    parts = ["@ is the matrix product. * / ** go entry by entry."]
    used = {operation for equation in definition.equations for operation in operations(equation.right)}
    parts += [f"{meaning}." for name, meaning in NOT_NUMPY.items() if name in used]
    numpy = sorted(used & ({*FUNCTIONS} - {*NOT_NUMPY}))
    numpy += ["mean"] * bool(used & {"mean", "mean of each row"}) + ["sum"] * ("sum" in used)
    numpy += ["maximum"] * ("positive part" in used)
    parts += [f"{', '.join(numpy)}: as in NumPy."] if numpy else []
    if definition.kind == "cell":
        parts.append(
            "h_prev is the state before this step" + (", c_prev the cell." if "c_prev" in definition.inputs else ".")
        )
    else:
        rows = "x" if "y" not in used_by(definition) else "y"
        parts.append(
            f"{rows}[i] are the rows of {rows} with the numbers i. same is 1 for a pair of one person, else 0."
        )
    return fill(" ".join(parts), 100)


def operations(expression: Expression) -> set[str]:
    if not isinstance(expression, tuple):
        return set()
    return {expression[0]}.union(*(operations(operand) for operand in expression[1:]))


def shape_list(definition: Definition) -> str:
    """Shapes: x (N, D); h_prev, h (N, S); ..., and what the letters count."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, shape in shapes(definition).items():
        groups.setdefault(shape, []).append(name)
    listed = "; ".join(f"{', '.join(names)}{GLUE}{written(shape)}" for shape, names in groups.items())
    letters = ", ".join(f"{letter} {what}" for letter, what in definition.letters.items())
    return fill(f"Shapes: {listed}. {letters}.", 100).replace(GLUE, " ")


def written(shape: tuple[str, ...]) -> str:
    """(N, D), (S,), or "a number"."""
    return f"({f',{GLUE}'.join(shape)}{',' if len(shape) == 1 else ''})" if shape else "a number"


def latex_page(definition: Definition) -> str:
    r"""The equations as \begin{align} ... \end{align}."""
    rows = [rf"  {latex_name(e.name)} &= {latex(e.right)}" for e in definition.equations]
    return "\n".join([r"\begin{align}", " \\\\\n".join(rows), r"\end{align}"])


def stub(definition: Definition, student: str) -> str:
    """The file to write in: two functions with their docstrings, NumPy alone."""
    forward, backward = definition.functions()
    results = [f"d{name}" for name in definition.outputs]
    gradients = [f"d{name}" for name in definition.inputs] + ["grads"] * bool(definition.params)
    takes = [f"{name} {written(shape)}" for name, shape in definition.inputs.items()]
    takes += ["i and j (P,) row numbers", "same (P,) booleans"] if definition.kind == "loss" else []
    known = shapes(definition)
    gives = [f"{name} {written(known[name])}" for name in definition.outputs]
    parameters = ", ".join(f"{name}{GLUE}{written(shape)}" for name, shape in definition.params.items())
    body = f'''\
"""{page(definition)}

Student: {" ".join(student.split())}
"""

import numpy as np


def {forward}({", ".join(definition.arguments())}):
    """{", ".join(takes)} -> {", ".join(gives)}, cache.

{fill(f"params: a dict with {parameters}.", 112, initial_indent="    ", subsequent_indent="    ")}
    cache: whatever {backward} needs.
    """
    raise NotImplementedError("write {forward}")
    return {", ".join(definition.outputs)}, cache


# dX is the derivative of the training loss with respect to X; it has the shape of X.


def {backward}({", ".join(results)}, cache):
    """{upstream(definition)} -> {", ".join(gradients)}.

    grads: a dict with the names of params.
    """
    raise NotImplementedError("write {backward}")
    return {", ".join(gradients)}
'''
    return body.replace(GLUE, " ")


def upstream(definition: Definition) -> str:
    if definition.kind == "loss":
        return "dloss, a number"
    results = ", ".join(f"d{name}" for name in definition.outputs)
    return f"{results} (N, S): what comes from the steps after this one and from its output"


def write_stub(definition: Definition, student: str, path: Path) -> None:
    """InputError if the file exists: a student's work is not overwritten."""
    check_target(path, ".py", option="the file")
    if path.exists():
        raise InputError(f"{path} exists already, and perhaps has your work in it: expected the name of a new file")
    write_text(path, stub(definition, student))

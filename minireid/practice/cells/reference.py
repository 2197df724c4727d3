"""The forward of a definition as a Python function with one line for each equation, names as there.

The checker follows it beside the student's forward: the first name with another value gives the line.
"""

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.practice.cells.definition import Definition
from minireid.practice.cells.expression import CONSTANTS, FUNCTIONS
from minireid.practice.cells.text import text

NAMES = FUNCTIONS | {"mean": np.mean, "sum": np.sum, "maximum": np.maximum} | CONSTANTS


def source(definition: Definition) -> str:
    """def step_forward(x, h_prev, params): ... return {"h": h}"""
    name = definition.functions()[0]
    lines = [f"def {name}({', '.join(definition.arguments())}):"]
    lines += [f'    {parameter} = params["{parameter}"]' for parameter in definition.params]
    lines += [f"    {equation.name} = {text(equation.right)}" for equation in definition.equations]
    results = ", ".join(f'"{result}": {result}' for result in definition.outputs)
    return "\n".join([*lines, f"    return {{{results}}}", ""])


def reference(definition: Definition) -> Callable[..., dict[str, Any]]:
    """The function. It takes real arrays, in the order of `arguments`."""
    code, filename = source(definition), f"<equations of the {definition.kind}>"
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    space: dict[str, Any] = dict(NAMES)
    exec(compile(code, filename, "exec"), space)  # the text comes from this package, never from the user
    return space[definition.functions()[0]]  # type: ignore[no-any-return]

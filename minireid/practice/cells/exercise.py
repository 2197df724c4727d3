"""A cell or a loss of one's own as an exercise for the grader: points, a class, a notebook.

The right gradients are those of the complex step through the equations. No backward is written here either.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.practice.cells.compare import true_gradients
from minireid.practice.cells.definition import Definition, draw_arrays, draw_sizes, forward
from minireid.practice.cells.student import definition_of
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs

KINDS = ("cell", "loss")
POINTS, MINUTES = {"cell": 20, "loss": 15}, {"cell": 60, "loss": 60}
HINT = "Count the arrows that leave each name in the picture: its gradient is a sum of that many terms."


def own_exercise(student: str, *, course: str = "", kind: str = "cell") -> Exercise:
    """The exercise that only this student has. Arguments and InputError: those of definition_of."""
    definition = definition_of(student, course=course, kind=kind)
    forward_, backward = functions(definition)
    asked = Asked(forward_, lambda rng: drawn(definition, rng), definition.outputs, backward)
    title = f"A {kind} of {student}'s own: {definition.title}"
    return Exercise(kind, title, 3, POINTS[kind], MINUTES[kind], (asked,), HINT)


def functions(definition: Definition) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Right functions, with the names and arguments of the student's: forward by the equations, backward by numbers."""
    names = definition.arguments()

    def right_forward(*arrays: Any) -> tuple[Any, ...]:
        return (*forward(definition, dict(zip(names, arrays))).values(), arrays)

    def right_backward(*given: Any) -> tuple[Any, ...]:
        *upstream, arrays = given
        inputs = dict(zip(names, arrays))
        true = true_gradients(definition, inputs, dict(zip(definition.outputs, upstream)))
        parameters = {name: true[f"params.{name}"] for name in definition.params}
        return (*(true[name] for name in definition.inputs), *([parameters] if parameters else []))

    right_forward.__name__, right_backward.__name__ = definition.functions()
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    right_forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return right_forward, right_backward


def drawn(definition: Definition, rng: np.random.Generator) -> Inputs:
    arrays = draw_arrays(definition, rng, draw_sizes(rng))
    return Inputs(tuple(arrays[name] for name in definition.arguments()))

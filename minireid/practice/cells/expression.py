"""The right side of an equation, as plain data: a name, a number, or a tuple (operation, operand, ...).

    ("+", ("@", "x", "Wz"), "bz")        x @ Wz + bz

Everything else is made from this one form: its value, its text, its LaTeX, and which names it uses. All operations
take complex arrays too. So the complex step gives every derivative, and no derivative is written anywhere here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Expression = Any  # str | int | float | tuple: mypy has no recursive tuples


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def positive_part(a: np.ndarray) -> np.ndarray:
    """maximum(0, a), of complex numbers by their real part."""
    return np.where(np.real(a) > 0, a, 0)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "arctan": np.arctan,
    "sin": np.sin,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "arcsinh": np.arcsinh,
    "cosh": np.cosh,
}
OPERATIONS: dict[str, Callable[..., Any]] = FUNCTIONS | {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,  # entry by entry
    "/": np.divide,
    "**": np.power,
    "@": np.matmul,
    "negative": np.negative,
    "positive part": positive_part,
    "rows": lambda x, i: x[i],
    "mean of each row": lambda a: a.mean(axis=1),
    "mean": np.mean,
    "sum": np.sum,
}
CONSTANTS = {"pi": np.pi}


def value(expression: Expression, values: Mapping[str, Any]) -> Any:
    """The value, where `values` has an array for every name. KeyError for a name that it lacks."""
    if isinstance(expression, str):
        return CONSTANTS[expression] if expression in CONSTANTS else values[expression]
    if isinstance(expression, tuple):
        operation, *operands = expression
        return OPERATIONS[operation](*(value(operand, values) for operand in operands))
    return expression


def uses(expression: Expression) -> list[str]:
    """Every name in it, from left to right, as often as it stands there; constants are no names."""
    if isinstance(expression, tuple):
        return [name for operand in expression[1:] for name in uses(operand)]
    return [expression] if isinstance(expression, str) and expression not in CONSTANTS else []


def put_in(expression: Expression, parts: Mapping[str, Expression]) -> Expression:
    """The same with expressions in place of names."""
    if isinstance(expression, tuple):
        operation, *operands = expression
        return (operation, *(put_in(operand, parts) for operand in operands))
    return parts.get(expression, expression) if isinstance(expression, str) else expression


def summed(terms: list[Expression]) -> Expression:
    """term + term + ..., of at least one term."""
    first, *others = terms
    for term in others:
        first = ("+", first, term)
    return first

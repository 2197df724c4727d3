"""What a function returns, by the names of its tensors."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.practice.exercises.exercise import Asked, Inputs
from minireid.practice.grading.wire import Code, Seed


def revived(draw: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Copies for the reference: generators and functions in place of their descriptions."""

    def one(value: Any) -> Any:
        if isinstance(value, Seed):
            return np.random.default_rng(value.value)
        return value.function() if isinstance(value, Code) else copy.deepcopy(value)

    return tuple(one(value) for value in draw.arrays), {name: one(value) for name, value in draw.config.items()}


def plain_results(asked: Asked, function: Callable[..., Any], draw: Inputs) -> dict[str, Any]:
    """What a function without a backward returns and changes."""
    arrays, config = revived(draw)
    results = function(*arrays, **config)
    found = named_results(asked, results if len(asked.results) > 1 else (results,))
    return found | leaves_of({name: array for name, array in zip(asked.arguments(), arrays) if name in asked.changes})


def named_results(asked: Asked, values: Any) -> dict[str, np.ndarray]:
    return leaves_of(dict(zip(asked.results, listed(values))))


def named_gradients(asked: Asked, arrays: tuple[Any, ...], gradients: Any) -> dict[str, np.ndarray]:
    """{"x": dx, "W": dW}. Parameters of a dict may come as W or dW."""
    pairs = [(name, array) for name, array in zip(asked.arguments(), arrays) if has_gradient(array)]
    one_alone = len(pairs) == 1 and not (isinstance(gradients, tuple) and len(gradients) == 1)
    gradients = (gradients,) if one_alone or isinstance(gradients, np.ndarray) else listed(gradients)
    found: dict[str, Any] = {}
    for (name, array), gradient in zip(pairs, gradients):
        if not isinstance(array, dict):
            found[name] = gradient
        else:
            found |= {path: at(gradient, path.split(".")) for path, _ in leaves(array)}
    return found


def has_gradient(array: Any) -> bool:
    """Numbers of rows and labels have none."""
    return isinstance(array, dict) or np.asarray(array).dtype.kind == "f"


def at(gradients: Any, path: list[str]) -> Any:
    """The gradient at ["shared", "W"], or None."""
    for key in path:
        if not isinstance(gradients, dict):
            return None
        gradients = gradients.get(key, gradients.get(f"d{key}"))
    return gradients


def leaves_of(tree: dict[str, Any]) -> dict[str, Any]:
    return dict(leaves(tree))


def listed(values: Any) -> tuple[Any, ...]:
    """What came from the process may be anything."""
    return tuple(values) if isinstance(values, (tuple, list)) else ()

"""Losses in one call: f(x, y) -> (loss, gradients), as in CS231n, or net.loss(X, y) of an object with parameters."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck.front.arguments import framed, names_of
from minireid.gradcheck.front.conventions import class_of
from minireid.gradcheck.front.expect import something
from minireid.gradcheck.front.forms import ONE_CALL, Form
from minireid.gradcheck.front.gradients import by_argument
from minireid.gradcheck.front.layer import is_object
from minireid.gradcheck.front.networks import net_loss
from minireid.gradcheck.tensor.problem import Problem, fresh

EXPECTED = "check_loss needs a function that returns (loss, gradients)"


def loss_of(loss: Any, arguments: tuple[Any, ...], config: dict[str, Any], seed: int) -> tuple[Problem, list[str]]:
    """(problem, notes). Raises InputError, one line, where the result is not (loss, gradients)."""
    notes: list[str] = []
    names = None
    if is_object(loss):
        loss, arguments, names, notes = net_loss(loss, arguments, config)
    elif not callable(loss):
        raise InputError(f"{EXPECTED}, or an object with a method loss; got a {type(loss).__name__}")
    frame, trees = framed(arguments, names or names_of(loss, len(arguments)))
    problem = Problem(loss, loss, trees, config, seed, frame=frame, form=Form(ONE_CALL))
    if names:  # the gradient by the input of a network is not asked for
        problem = problem.without([name for name in problem.names() if name != "self"])
    something(problem)
    result = loss(*problem.whole.arguments(problem.arrays), **fresh(config))
    refuse(result, loss)
    _, gradients = Form(ONE_CALL).split(result)
    given = owners(gradients, problem)
    missing = [name for name in problem.names() if given.get(name) is None]
    if missing and len(missing) < len(problem.names()):
        problem = problem.without(missing)
        told = [name for name in missing if class_of(name) != "y"]  # nobody needs the gradient by the labels
        notes = [*notes, *(f"UNCHECKED: {name}: {name_of(loss)} returns no gradient for it" for name in told)]
    return replace(problem, form=Form(ONE_CALL)), notes


def refuse(result: Any, loss: Callable[..., Any]) -> None:
    if not isinstance(result, (tuple, list)) or len(result) < 2:
        kind = f"an array of the shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        raise InputError(f"{EXPECTED}; {name_of(loss)} returns {kind}. Two functions? Use check(forward, backward, x)")
    if np.ndim(result[0]) != 0 or not isinstance(result[0], (float, np.ndarray)):
        kind = f"an array of the shape {np.shape(result[0])}" if np.ndim(result[0]) else type(result[0]).__name__
        raise InputError(f"{EXPECTED} with a loss of one float; {name_of(loss)} returns {kind} as its loss")


def owners(gradients: Any, problem: Problem) -> dict[str, Any]:
    """{argument: its gradients}. A loss need not return all: svm_loss(W, X, y) -> (loss, dW)."""
    names = problem.names()
    given = gradients if isinstance(gradients, (tuple, list)) else (gradients,)
    if isinstance(gradients, dict) or len(given) == len(names):
        return by_argument(gradients, problem.whole, problem.arrays) or {}
    found: dict[str, Any] = {}
    for gradient in given:  # each belongs to the first argument of its shape that has none yet
        left = [name for name in names if name not in found]
        fits = [name for name in left if fit(problem.inputs()[name], gradient)]
        if left and gradient is not None:
            found[(fits or left)[0]] = gradient
    return found


def fit(tree: Any, gradient: Any) -> bool:
    """Whether a gradient has the shape of an array, or is a branch where the tree is one."""
    if isinstance(tree, dict) or isinstance(gradient, dict):
        return isinstance(tree, dict) and isinstance(gradient, (dict, list, tuple))
    return np.shape(tree) == np.shape(gradient)


def name_of(function: Callable[..., Any]) -> str:
    return getattr(inspect.unwrap(function), "__name__", "the function")

"""A layer as a class, checked like two functions: check(Linear(5, 7), x).

    forward(x, {"W": …})    a copy of the object gets the arrays, its forward runs; the cache is the copy
    backward(dy, copy)      a copy of the cache runs its backward; the gradients are read from it

Each call works on a copy of the object as it was given. So what backward adds up (self.dW += …) starts from the same
numbers each time.
"""

import inspect
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck.front import names
from minireid.gradcheck.front.arguments import Frame, framed
from minireid.gradcheck.front.gradients import by_argument
from minireid.gradcheck.front.layer import BACKWARDS, FORWARDS, Layer, is_object, layer_of, method_of
from minireid.gradcheck.front.parameters import Parameter, arrays_of, get, is_state, parameters, put, too_deep
from minireid.gradcheck.tensor.problem import Named, Problem


def owner_of(forward: Any, backward: Any) -> Any:
    """The object, if one with both methods was given, or its two methods; None for functions."""
    one, other = getattr(forward, "__self__", None), getattr(backward, "__self__", None)
    if one is not None and one is other and is_object(one) and not inspect.ismodule(one):
        return one
    is_layer = is_object(forward) and bool(method_of(forward, BACKWARDS) and method_of(forward, FORWARDS))
    return forward if is_layer else None


def object_problem(thing: Any, arguments: tuple[Any, ...], config: Any, seed: int) -> tuple[Problem, list[str]]:
    """(problem, notes) of an object with forward and backward. Raises InputError, one line, if it has not both."""
    layer = layer_of(thing, arguments, config)
    notes = prepare(layer, arguments, seed)
    values = {p.name: np.array(get(layer.template, p.paths[0])) for p in layer.found}
    even = [name for name, value in values.items() if value.size > 1 and np.ptp(value) == 0]
    if even:  # with W all zeros, a wrong gradient by x would be zero as well
        rng = np.random.default_rng([seed, 3])
        values |= {name: values[name] + 0.5 * rng.normal(size=values[name].shape) for name in even}
        said = ", ".join(f"self.{name}" for name in even)
        notes.append(f"{said}: all entries are equal, so other numbers were drawn for the check")
    return problem_of(layer, arguments, values, seed), notes


def prepare(layer: Layer, arguments: tuple[Any, ...], seed: int) -> list[str]:
    """Run it once to find the parameters and their gradients. Returns notes; what has no gradient is UNCHECKED."""
    frame, trees = framed(arguments, layer.inputs)
    y, kept = layer.run(frame.arguments(trees), {})
    if "cache" in layer.style:
        layer.two_results = True
        y, kept = layer.run(frame.arguments(trees), {})
    before = arrays_of(layer.template)
    layer.found = parameters(before, before)
    refuse_loss(layer, y)
    try:
        upstream = upstream_for(y, np.random.default_rng([seed, 4]))
        _, _, after = layer.gradients(upstream, kept)
        layer.found = parameters(before, arrays_of(after[0] if isinstance(after, tuple) else after))
        own = settle(layer, upstream, kept, frame, trees)
    except Exception:  # backward raises: the report says so
        layer.found = [p for p in layer.found if not is_state(p.name)]
        return []
    notes = reset(layer)
    open_ = [p for p in layer.found if p.name not in own and not is_state(p.name)]
    layer.found = [p for p in layer.found if p.name in own]
    return [*notes, *too_deep(layer.template)] + [
        f"UNCHECKED: self.{p.name}: no gradient of it was found (expected an attribute such as self.d{p.paths[0][-1]})"
        for p in open_
    ]


def settle(layer: Layer, upstream: Any, kept: Any, frame: Frame, trees: tuple[Any, ...]) -> dict[str, Any]:
    """{parameter: gradient}. A place that stays zero is not used if the gradient comes another way."""

    def collected() -> dict[str, Any]:
        returned, own, _ = layer.gradients(upstream, kept)
        return own | returned_for(layer, returned, own, frame, trees)[1]

    own, places = collected(), layer.found
    layer.found = [p if np.any(own.get(p.name)) else replace(p, gradient=None) for p in places]
    again = collected()
    layer.found = [new if new.name in again else old for new, old in zip(layer.found, places)]
    return own | again


def refuse_loss(layer: Layer, y: Any) -> None:
    if "dy" not in layer.style and np.ndim(y) != 0:
        raise InputError(
            f"{layer.title}.{layer.backward} takes no upstream gradient, so {layer.forward} must return one float, "
            f"a loss; it returns an array of the shape {np.shape(y)}"
        )


def reset(layer: Layer) -> list[str]:
    """Gradients that are not zero before backward: of an object that was used before. They start from zero."""
    used = []
    for p in layer.found:
        if p.gradient is None or p.gradient not in arrays_of(layer.template):
            continue
        old = get(layer.template, p.gradient)
        if np.any(old):
            put(layer.template, p.gradient, np.zeros_like(old))
            used.append(f"self.{'.'.join(map(str, p.gradient))}")
    return [f"{', '.join(used)} was not zero before backward: it starts from zero in this check"] if used else []


def upstream_for(y: Any, rng: np.random.Generator) -> Any:
    if isinstance(y, (tuple, list)):
        return {str(n): rng.normal(size=np.shape(part)) for n, part in enumerate(y)}
    return rng.normal(size=np.shape(y))


def problem_of(layer: Layer, arguments: tuple[Any, ...], values: dict[str, np.ndarray], seed: int) -> Problem:
    """The layer as two functions: of its inputs and, last, of its parameters, as a dict `self`."""
    inputs, trees = framed(arguments, layer.inputs)
    frame, arrays = framed((*arguments, from_leaves(dict(values))), [*layer.inputs, "self"])  # type: ignore[arg-type]

    def forward(*given: Any) -> Any:
        return layer.run(given[:-1], dict(leaves(given[-1])))

    def backward(upstream: Any, kept: Any) -> Any:
        if isinstance(upstream, (tuple, list)):
            upstream = {str(n): part for n, part in enumerate(upstream)}
        returned, own, _ = layer.gradients(upstream, kept)
        matched, more = returned_for(layer, returned, own, inputs, trees)
        parameters = {name: gradient for name, gradient in {**own, **more}.items() if name in values}
        found = tuple(matched.get(name) for name in inputs.differentiated)
        return (*found, from_leaves(parameters)) if values else found

    return Problem(
        Named(forward, getattr(layer.template, layer.forward), layer.title),
        Named(backward, getattr(layer.template, layer.backward), f"{layer.title}.{layer.backward}"),
        arrays, {}, seed, frame=frame, alone="dy" not in layer.style,
    )  # fmt: skip


def returned_for(
    layer: Layer, returned: Any, own: dict[str, Any], frame: Frame, trees: tuple[Any, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(gradients of the inputs, gradients of parameters that backward returns as well: dx, dW, db)."""
    lacking = [p for p in layer.found if p.name not in own]
    count = len(frame.kept)
    if isinstance(returned, dict) and lacking:
        keys = names.pairs(map(str, returned), [str(p.paths[0][-1]) for p in lacking], families=True)
        by_last = {str(p.paths[0][-1]): p.name for p in lacking}
        more = {by_last[keys[str(k)]]: v for k, v in returned.items() if str(k) in keys}
        return by_argument({k: v for k, v in returned.items() if str(k) not in keys}, frame, trees) or {}, more
    if isinstance(returned, (tuple, list)) and len(returned) > count and lacking:
        more = in_order(layer, lacking, list(returned[count:]))
        return by_argument(tuple(returned[:count]), frame, trees) or {}, more
    if not count:
        return {}, {}
    matched = by_argument(returned, frame, trees)
    return {frame.differentiated[0]: returned} if matched is None else matched, {}


def in_order(layer: Layer, lacking: list[Parameter], gradients: list[Any]) -> dict[str, Any]:
    """(dx, dW, db): each belongs to the first parameter of its shape; to the first one if none has it."""
    found: dict[str, Any] = {}
    for gradient in gradients:
        left = [p for p in lacking if p.name not in found]
        fits = [p for p in left if np.shape(get(layer.template, p.paths[0])) == np.shape(gradient)]
        if left:
            found[(fits or left)[0].name] = gradient
    return found

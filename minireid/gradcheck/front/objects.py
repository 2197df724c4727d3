"""A layer as a class, checked like two functions: check(Linear(5, 7), x).

    forward(x, {"W": …})    a copy of the object gets the arrays, its forward runs; the cache is the copy
    backward(dy, copy)      a copy of the cache runs its backward; the gradients are read from it

Each call works on a copy of the object as it was given. So what backward adds up (self.dW += …) starts from the same
numbers each time.
"""

import copy
import inspect
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck.front import names
from minireid.gradcheck.front.arguments import Frame, framed, names_of
from minireid.gradcheck.front.forms import cache_like, gradient_like, parameters_of
from minireid.gradcheck.front.gradients import by_argument
from minireid.gradcheck.front.parameters import Parameter, arrays_of, get, is_state, parameters, parts_of, put
from minireid.gradcheck.tensor.problem import Named, Problem

FORWARDS = ("forward", "__call__", "fprop", "fwd", "forward_pass")
BACKWARDS = ("backward", "bprop", "bwd", "backward_pass", "backprop")
RATES = ("lr", "learning_rate", "learningrate", "eta", "alpha", "rate", "step_size")
# attributes in which the result stands, if forward returns nothing
OUTPUTS = ("output", "outputs", "out", "y", "a", "A", "Z", "h_t", "h", "h_next", "next_h")
RESULTS = ("output", "outputs", "out", "h_t", "h_next", "next_h")  # parameters of backward that mean them
INPUTS = ("x", "X", "input", "inputs", "a_prev", "A_prev")
EXPECTED = (
    "expected two functions, check(forward, backward, x), or an object with forward and backward, check(layer, x)"
)


def is_object(thing: Any) -> bool:
    kinds = hasattr(thing, "__dict__") or hasattr(type(thing), "__slots__")
    return not inspect.isroutine(thing) and not inspect.isclass(thing) and kinds


def method_of(thing: Any, choices: tuple[str, ...], *, called: bool = True) -> str:
    """The first of these methods (or, not called, attributes) that the object has; an empty string if it has none."""
    found = {name: getattr(thing, name, None) for name in choices}
    return next((name for name, one in found.items() if (callable(one) if called else one is not None)), "")


def owner_of(forward: Any, backward: Any) -> Any:
    """The object, if one with both methods was given, or its two methods; None for functions."""
    one, other = getattr(forward, "__self__", None), getattr(backward, "__self__", None)
    if one is not None and one is other and is_object(one) and not inspect.ismodule(one):
        return one
    is_layer = is_object(forward) and bool(method_of(forward, BACKWARDS) and method_of(forward, FORWARDS))
    return forward if is_layer else None


@dataclass
class Layer:
    """An object with its two methods.

    inputs: names of what forward takes. style: for each parameter of backward "dy", "cache", "rate" or the name of an
    input. found: the parameters that are checked. two_results: forward returns (y, cache).
    """

    template: Any
    forward: str
    backward: str
    inputs: list[str]
    config: dict[str, Any]
    style: list[str]
    found: list[Parameter] = field(default_factory=list)
    two_results: bool = False

    @property
    def title(self) -> str:
        return type(self.template).__name__

    def run(self, inputs: tuple[Any, ...], values: dict[str, np.ndarray]) -> tuple[Any, Any]:
        """(y, what backward needs). values: the arrays of the parameters, by name."""
        mine = copy.deepcopy(self.template)
        fill(mine, self.found, values)
        y, cache = getattr(mine, self.forward)(*inputs, **self.config), None
        if self.two_results:
            y, cache = y
        if y is None and method_of(mine, OUTPUTS, called=False):  # self.output = …, and nothing is returned
            y = getattr(mine, method_of(mine, OUTPUTS, called=False))
        return y, (mine, dict(zip(self.inputs, inputs)), cache, y)

    def gradients(self, upstream: Any, kept: Any) -> tuple[Any, dict[str, Any], Any]:
        """(what backward returns, {parameter: gradient}, the object afterwards).

        With a rate of learning of 1, backward takes one step: W - (new W) is the gradient.
        """
        mine, inputs, cache, y = copy.deepcopy(kept)
        before = {p.name: np.array(get(mine, p.paths[0])) for p in self.found}
        dys = iter(list(upstream.values()) if self.style.count("dy") > 1 else [upstream])
        values = {"cache": cache, "rate": 1.0, "output": y, **inputs}
        returned = getattr(mine, self.backward)(*(next(dys) if k == "dy" else values[k] for k in self.style))
        if returned is None:
            returned = self.left_behind(mine)
        own = {p.name: get(mine, p.gradient) for p in self.found if p.gradient is not None}
        if "rate" in self.style:
            steps = {name: old - get(mine, path_of(self.found, name)) for name, old in before.items()}
            own |= {name: step for name, step in steps.items() if name not in own and np.any(step)}
        if "dy" not in self.style:  # a loss: its upstream gradient is 1 where people leave it out
            returned = times(returned, upstream)
            own = {name: times(gradient, upstream) for name, gradient in own.items()}
        return returned, own, mine

    def left_behind(self, mine: Any) -> Any:
        """Gradients of the inputs as attributes, self.dinputs = …, where backward returns nothing."""
        arrays = [name for name, value in parts_of(mine) if isinstance(value, np.ndarray)]
        there = [name for name in arrays if name not in self.inputs and names.meanings(name)[1:]]
        found = names.pairs(there, self.inputs, families=True)
        return {target: getattr(mine, name) for name, target in found.items()} or None


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


def layer_of(thing: Any, arguments: tuple[Any, ...], config: dict[str, Any]) -> Layer:
    if inspect.isclass(thing):
        raise InputError(f"{thing.__name__} is a class: make an object of it first, check({thing.__name__}(...), x)")
    forward, backward = method_of(thing, FORWARDS), method_of(thing, BACKWARDS)
    if not forward or not backward or not is_object(thing):
        lacks = " and ".join(n for n, has in (("forward", forward), ("backward", backward)) if not has)
        raise InputError(f"{EXPECTED}; got a {type(thing).__name__} without {lacks or 'attributes'}")
    try:
        template = copy.deepcopy(thing)
    except Exception as error:
        raise InputError(f"a {type(thing).__name__} cannot be copied ({error}): the check works on copies") from None
    inputs = names_of(getattr(thing, forward), len(arguments))
    style = style_of(getattr(thing, backward), inputs, f"{type(thing).__name__}.{backward}")
    return Layer(template, forward, backward, inputs, config, style)


def style_of(backward: Any, inputs: list[str], title: str) -> list[str]:
    """What each parameter of backward is, by its name."""
    needed, every = parameters_of(backward)
    needed = needed or every[:1]  # backward(self, dout=1)
    style = [kind_of(name, inputs) for name in needed]
    if style.count("dy") > 1 and (named := [n for n, name in enumerate(needed) if name in INPUTS]) and inputs:
        style[named[0]] = inputs[0]
    for n, name in enumerate(needed):  # h_t is the output, h_prev_l the input that no other name means
        if style.count("dy") > 1 and style[n] == "dy" and not gradient_like(name):
            left = [one for one in inputs if one not in style]
            style[n] = "output" if name in RESULTS else left[0] if left and len(name) > 1 else "dy"
    dys = [name for name, kind in zip(needed, style) if kind == "dy"]
    if len(dys) > 1 and not all(name.lower().startswith(("d", "grad")) for name in dys):
        raise InputError(
            f"{title}({', '.join(needed)}): cannot tell which is the upstream gradient; expected backward(dy), "
            "backward(dy, x), backward(dy, lr) or backward(dy, cache): rename its parameters so"
        )
    return style


def kind_of(name: str, inputs: list[str]) -> str:
    if name in inputs:
        return name
    return "cache" if cache_like(name) else "rate" if name.lower() in RATES else "dy"


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
    return notes + [
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
        arrays, {}, seed, frame=frame,
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


def fill(thing: Any, found: list[Parameter], values: dict[str, np.ndarray]) -> None:
    """Set the arrays of the parameters, at every path to each."""
    for parameter in found:
        if parameter.name in values:
            for path in parameter.paths:
                put(thing, path, values[parameter.name])


def path_of(found: list[Parameter], name: str) -> Any:
    return next(p.paths[0] for p in found if p.name == name)


def times(gradient: Any, by: Any) -> Any:
    if isinstance(gradient, (tuple, list)):
        return tuple(times(part, by) for part in gradient)
    return gradient if gradient is None or isinstance(gradient, dict) else np.asarray(gradient) * by

"""A layer as an object: its two methods, and one run of each on a copy of it."""

import copy
import inspect
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck.front import names
from minireid.gradcheck.front.arguments import names_of
from minireid.gradcheck.front.forms import cache_like, gradient_like, parameters_of
from minireid.gradcheck.front.parameters import Parameter, get, parts_of, put

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
        if "dy" not in self.style and upstream != 1:  # a loss: its upstream gradient is 1 where people leave it out
            returned = times(returned, upstream)
            own = {name: times(gradient, upstream) for name, gradient in own.items()}
        return returned, own, mine

    def left_behind(self, mine: Any) -> Any:
        """Gradients of the inputs as attributes, self.dinputs = …, where backward returns nothing."""
        arrays = [name for name, value in parts_of(mine) if isinstance(value, np.ndarray)]
        there = [name for name in arrays if name not in self.inputs and names.meanings(name)[1:]]
        found = names.pairs(there, self.inputs, families=True)
        return {target: getattr(mine, name) for name, target in found.items()} or None


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

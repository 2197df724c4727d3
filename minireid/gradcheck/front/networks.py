"""A network with one method for the loss and its gradients: net.loss(X, y) -> (loss, grads), as in CS231n."""

import copy
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck.front.arguments import framed, names_of
from minireid.gradcheck.front.gradients import fitted
from minireid.gradcheck.front.layer import fill, method_of
from minireid.gradcheck.front.parameters import arrays_of, get, is_state, parameters, too_deep
from minireid.gradcheck.tensor.problem import Named, fresh

LOSSES = ("loss", "loss_and_gradients", "loss_and_grad", "compute_loss")
GRADIENTS = ("gradient", "gradients", "grad", "compute_gradients")  # net.loss(x, t), net.gradient(x, t) -> grads


def net_loss(
    net: Any, arguments: tuple[Any, ...], config: dict[str, Any]
) -> tuple[Named, tuple[Any, ...], list[str], list[str]]:
    """(f, its arguments, its names, notes): f(*arguments, parameters) -> (loss, {"self": gradients})."""
    method = method_of(net, LOSSES)
    if not method:
        layer = f"{type(net).__name__} with forward and backward? Use check(net, x)"
        raise InputError(f"expected an object with a method loss(X, y) -> (loss, grads); got a {layer}")
    template = copy.deepcopy(net)
    before = arrays_of(template)
    found = [p for p in parameters(before, before) if not is_state(p.name)]
    whole = from_leaves({p.name: np.array(get(template, p.paths[0])) for p in found})  # type: ignore[misc]
    skeleton = framed((whole,), ["self"])[0].skeletons[0]

    def loss(*given: Any, **settings: Any) -> Any:
        mine = copy.deepcopy(template)
        fill(mine, found, dict(leaves(given[-1])))
        result = getattr(mine, method)(*given[:-1], **settings)
        other = method_of(mine, GRADIENTS)
        if not isinstance(result, (tuple, list)) and other:
            result = (result, getattr(mine, other)(*given[:-1]))
        if not isinstance(result, (tuple, list)) or len(result) != 2 or not found:
            return result
        return result[0], {"self": fitted(skeleton, result[1])}

    wanted = Named(loss, getattr(net, method), type(net).__name__)
    names = [*names_of(getattr(net, method), len(arguments)), "self"]
    frame, trees = framed(arguments, names[:-1])
    result = loss(*frame.arguments(trees), whole, **fresh(config))
    if not isinstance(result, (tuple, list)) or len(result) != 2 or not isinstance(result[1], dict):
        return wanted, (*arguments, whole), names, []
    given = {name for name, gradient in leaves(result[1]["self"]) if gradient is not None}
    missing = [p.name for p in found if p.name not in given]
    if len(missing) == len(found):  # nothing fits: every parameter is reported as missing
        return wanted, (*arguments, whole), names, []
    found = [p for p in found if p.name not in missing]
    whole = from_leaves({p.name: np.array(get(template, p.paths[0])) for p in found})  # type: ignore[misc]
    notes = [f"UNCHECKED: self.{name}: {type(net).__name__}.{method} returns no gradient for it" for name in missing]
    return wanted, (*arguments, whole), names, [*notes, *too_deep(template)]

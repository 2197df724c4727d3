"""What backward returns, put in order: one tree of gradients for every argument in which something is differentiated.

People return a tuple, a list or a dict; with or without places for labels; nested or flat; {"dW": …} or {"W_grad": …}.
What does not fit is left as it is: tensor/faults.py and tensor/compare.py say what is wrong with it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.front import names
from minireid.gradcheck.front.arguments import Branch, Constant, Frame, Leaf, Skeleton, array_of, is_soft


def by_argument(returned: Any, frame: Frame, trees: tuple[Any, ...], optional: int = 0) -> dict[str, Any] | None:
    """{argument: tree of gradients}, or None where their number does not fit.

    trees: the differentiated arguments. optional: arguments of forward that were not given; gradients of them come
    last and are left out.
    """
    kept, wanted = frame.kept, frame.differentiated
    inner = [frame.skeletons[n] for n in kept]
    if isinstance(returned, dict):
        return from_dict(returned, frame)
    if not isinstance(returned, (tuple, list)):
        hard = [i for i, skeleton in enumerate(inner) if not is_soft(skeleton)] or [0]
        one = len(kept) == 1 or (len(hard) == 1 and len(hard) < len(kept))
        return {wanted[hard[0]]: fitted(inner[hard[0]], returned)} if one else None
    whole = array_of(returned)
    if len(kept) == 1 and whole is not None and whole.shape == np.shape(trees[0]) and isinstance(inner[0], Leaf):
        return {wanted[0]: whole.astype(np.float64)}  # a gradient as floats
    chosen = positions(returned, frame, optional)
    if chosen is not None:
        return {wanted[i]: fitted(inner[i], returned[n]) for i, n in chosen.items()}
    if len(kept) == 1 and isinstance(inner[0], Branch):
        return {wanted[0]: fitted(inner[0], returned)}
    return None


def positions(returned: Any, frame: Frame, optional: int) -> dict[int, int] | None:
    """{number of the differentiated argument: place in the returned tuple}, if the places are plain."""
    count, kept = len(returned), frame.kept
    soft = [i for i, n in enumerate(kept) if is_soft(frame.skeletons[n])]
    if count == len(kept):
        return {i: i for i in range(count)}
    if count == len(frame.skeletons):  # with None, or anything, in the places of labels
        return dict(enumerate(kept))
    if soft and len(soft) < len(kept) and count == len(kept) - len(soft):
        return {i: n for n, i in enumerate(i for i in range(len(kept)) if i not in soft)}
    for given in (len(kept), len(frame.skeletons)):
        if given < count <= given + optional:  # gradients of arguments that were not given, such as h0
            return {i: i for i in range(len(kept))} if given == len(kept) else dict(enumerate(kept))
    return None


def from_dict(returned: dict[Any, Any], frame: Frame) -> dict[str, Any]:
    """A dict for all arguments: {"dx", "dW"}, or the gradients of one dict of parameters."""
    wanted = frame.differentiated
    whole = Branch(dict, {name: (name, frame.skeletons[n]) for name, n in zip(wanted, frame.kept)})
    if len(wanted) == 1 and isinstance(frame.skeletons[frame.kept[0]], Branch):
        own = names.pairs(map(str, returned), wanted)
        branches = [returned[key] for key in returned if str(key) in own and len(returned) == 1]
        if not any(isinstance(branch, (dict, list, tuple)) for branch in branches):
            return {wanted[0]: fitted(frame.skeletons[frame.kept[0]], returned)}
    constants = [name for name, skeleton in zip(frame.names, frame.skeletons) if isinstance(skeleton, Constant)]
    unneeded = names.pairs([str(k) for k in returned], [*wanted, *constants])
    rest = {k: v for k, v in returned.items() if unneeded.get(str(k)) not in constants}
    return lone(fitted(whole, rest), whole)


def lone(found: dict[str, Any], whole: Branch) -> dict[str, Any]:
    """If one gradient and one array are left over, and their shapes are equal, they belong together."""
    extra = [name for name in found if name not in whole.parts]
    open_ = [name for name, (_, skeleton) in whole.parts.items() if name not in found and isinstance(skeleton, Leaf)]
    if len(extra) == 1 and len(open_) == 1:
        found[open_[0]] = found.pop(extra[0])
    return found


def fitted(skeleton: Skeleton, returned: Any) -> Any:
    """The gradients of one argument, with the names of its tree."""
    if isinstance(skeleton, Leaf):
        return array_from(returned)
    if isinstance(returned, dict):
        return fitted_dict(skeleton, returned)
    if isinstance(returned, (list, tuple)):
        parts = skeleton.parts
        kept = {name: part for name, (_, part) in parts.items() if not isinstance(part, Constant)}
        order = parts if len(returned) == len(parts) and not issubclass(skeleton.kind, dict) else kept
        if len(returned) == len(order):
            return {n: fitted(parts[n][1], value) for n, value in zip(order, returned) if n in kept}
    return returned


def fitted_dict(skeleton: Branch, returned: dict[Any, Any]) -> dict[str, Any]:
    given = {str(key).replace(".", "/"): value for key, value in returned.items()}
    paths = dict(reachable(skeleton))
    own = names.pairs(given, list(skeleton.parts))  # the names of this floor first, then those below it
    below = names.pairs([g for g in given if g not in own], [p for p in paths if p not in skeleton.parts])
    found: dict[str, Any] = {}
    for name, value in given.items():
        target = own.get(name)
        if target is not None and isinstance(skeleton.parts[target][1], Constant):
            continue
        if target is not None:
            found[target] = fitted(skeleton.parts[target][1], value)
        elif name in below:
            *branches, last = paths[below[name]]
            here = found
            for branch in branches:
                here = here.setdefault(branch, {})
            here[last] = array_from(value)
        else:
            found[name] = value
    return found


def reachable(skeleton: Branch) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(name, path) of every array below: by its last name where only one has it, and by its whole path."""
    every = list(paths_of(skeleton))
    last = [path[-1] for path in every]
    for path in every:
        if last.count(path[-1]) == 1:
            yield path[-1], path
        yield "/".join(path), path
        yield "_".join(path), path


def paths_of(skeleton: Skeleton, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(skeleton, Leaf):
        yield path
    elif isinstance(skeleton, Branch):
        for name, (_, part) in skeleton.parts.items():
            yield from paths_of(part, (*path, name))


def in_order(returned: list[Any], frame: Frame, trees: tuple[Any, ...]) -> dict[str, Any] | None:
    """(dx, dW, db) for forward(x, {"W", "b"}): one gradient for every array, where all shapes agree."""
    flat = [(name, array) for name, array in leaves(dict(zip(frame.differentiated, trees)))]
    if len(flat) != len(returned) or any(np.shape(a) != np.shape(g) for (_, a), g in zip(flat, returned)):
        return None
    rest = iter(returned)

    def filled(skeleton: Skeleton) -> Any:
        if isinstance(skeleton, Leaf):
            return array_from(next(rest))
        return {n: filled(part) for n, (_, part) in skeleton.parts.items() if not isinstance(part, Constant)}

    return {name: filled(frame.skeletons[n]) for name, n in zip(frame.differentiated, frame.kept)}


def array_from(value: Any) -> Any:
    """Python floats, and nested lists of them, as an array; anything else as it is."""
    if isinstance(value, (int, float)) and not isinstance(value, (bool, np.generic)):
        return np.array(float(value))
    if isinstance(value, (list, tuple)) and (array := array_of(value)) is not None:
        return array.astype(np.float64)
    return value


def for_constants(returned: Any, frame: Frame) -> Iterator[tuple[str, Any]]:
    """(name, value) of integer arrays for which backward returns numbers: they were meant to be differentiated."""
    for name, value, gradient in facing(returned, frame):
        whole = isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu")
        numbers = whole and isinstance(gradient, np.ndarray)
        if numbers and gradient.dtype.kind == "f" and gradient.shape == np.shape(value) and np.any(gradient):
            yield name, value


def facing(returned: Any, frame: Frame) -> Iterator[tuple[str, Any, Any]]:
    """(name, configuration, the gradient returned in its place)."""
    if isinstance(returned, (tuple, list)) and len(returned) == len(frame.skeletons):
        for name, skeleton, gradient in zip(frame.names, frame.skeletons, returned):
            yield from opposite(skeleton, gradient, name)
    elif len(frame.skeletons) == 1:
        yield from opposite(frame.skeletons[0], returned, frame.names[0])
    elif isinstance(returned, dict):
        whole = Branch(dict, {name: (name, skeleton) for name, skeleton in zip(frame.names, frame.skeletons)})
        yield from ((name.lstrip("."), value, gradient) for name, value, gradient in opposite(whole, returned, ""))


def opposite(skeleton: Skeleton, gradient: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(skeleton, Constant):
        yield name, skeleton.value, gradient
    elif isinstance(skeleton, Branch) and isinstance(gradient, dict):
        own = names.pairs(map(str, gradient), list(skeleton.parts))
        for key, value in gradient.items():
            if str(key) in own:
                yield from opposite(skeleton.parts[own[str(key)]][1], value, f"{name}.{own[str(key)]}")

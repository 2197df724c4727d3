"""The parameters of an object, and where backward leaves their gradients. Both are found by their names.

    self.W, self.dW                     self.weights, self.weights_gradient
    self.params["W"], self.grads["W"]   self.params = [W, b], self.grads = [dW, db]
    self.layers[0].W, …                 self.W.data, self.W.grad

A *path* leads from the object to an array: ("layers", 0, "W"). Its steps are attributes, keys and positions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minireid.gradcheck.front import names

Path = tuple[Any, ...]
DEEPEST = 10  # steps of a path: self.layers[0].block.layers[1].W has six
HOLDERS = ("data", "value", "val", "array", "w")  # W.data has its gradient in W.grad
GRADIENTS = ("grads", "grad", "gradients", "gradient", "dparams", "derivatives")
# arrays that are no parameters: running means, and what an optimiser keeps
STATE = (
    r"(?:running|moving|momentum|velocity)_\w+$|(?:vel|[vms])_?d?[Ww]$|(?:vel|[vms])_?d?[Bb]$|\w+_(?:momentums?|cache)$"
)


@dataclass(frozen=True)
class Parameter:
    """name: its first path, with full stops. paths: all paths to the same array. gradient: where backward puts it."""

    name: str
    paths: tuple[Path, ...]
    gradient: Path | None = None


def arrays_of(thing: Any) -> dict[Path, np.ndarray]:
    """Every array of floats that can be reached from an object."""
    return dict(reach(thing, (), set(), DEEPEST))


def too_deep(thing: Any) -> list[str]:
    """UNCHECKED notes for arrays that lie just below what `arrays_of` looks through."""
    seen = arrays_of(thing)
    below = [
        path for path in dict(reach(thing, (), set(), DEEPEST + 2)) if path not in seen and not is_state(str(path[-1]))
    ]
    why = f"it lies more than {DEEPEST} steps deep. Check the part that holds it by itself"
    return [f"UNCHECKED: self.{name_of(path)}: {why}" for path in below]


def reach(thing: Any, path: Path, above: set[int], deepest: int) -> Iterator[tuple[Path, np.ndarray]]:
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind == "f":
            yield path, thing
        return
    if id(thing) in above or len(path) > deepest:
        return
    for key, part in parts_of(thing):
        yield from reach(part, (*path, key), above | {id(thing)}, deepest)


def parts_of(thing: Any) -> list[tuple[Any, Any]]:
    """(key, part) of a dict, a list, or an object of a person's own class."""
    if isinstance(thing, dict):
        return list(thing.items())
    if isinstance(thing, (list, tuple)):
        return list(enumerate(thing))
    skipped = (type, ModuleType, FunctionType, MethodType, np.random.Generator, np.random.RandomState, np.generic)
    if isinstance(thing, skipped):
        return []
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(thing, name)]
    return [*getattr(thing, "__dict__", {}).items(), *((name, getattr(thing, name)) for name in slots)]


def get(thing: Any, path: Path) -> Any:
    for key in path:
        thing = thing[key] if isinstance(thing, (dict, list, tuple)) else getattr(thing, key)
    return thing


def put(thing: Any, path: Path, value: Any) -> None:
    """Set the part at a path. A tuple on the way is replaced by another one."""
    *way, last = path
    owner = get(thing, tuple(way))
    if isinstance(owner, tuple):
        put(thing, tuple(way), (*owner[:last], value, *owner[last + 1 :]))
    elif isinstance(owner, (dict, list)):
        owner[last] = value
    else:
        setattr(owner, last, value)


def is_state(name: str) -> bool:
    return bool(re.match(STATE, name.rpartition(".")[2]))


def name_of(path: Path) -> str:
    return ".".join(str(key).replace(".", "/") for key in path)


def parameters(before: dict[Path, np.ndarray], after: dict[Path, np.ndarray]) -> list[Parameter]:
    """The parameters among the arrays of a new object. after: its arrays when backward has run once."""
    gradients = {path for path in before if holds_gradient(path, before)}
    groups: dict[int, list[Path]] = {}
    for path, array in before.items():
        if path not in gradients:
            groups.setdefault(id(array), []).append(path)
    used: set[Path] = set()
    found = []
    for paths in groups.values():
        own = [place for path in paths if (place := gradient_at(path, before, after)) and place not in used]
        used |= set(own[:1])
        found.append(Parameter(name_of(paths[0]), tuple(paths), own[0] if own else None))
    return found


def holds_gradient(path: Path, arrays: dict[Path, np.ndarray]) -> bool:
    """Whether an array of a new object is the place of a gradient: self.dW, self.grads["W"], self.W.grad."""
    if any(isinstance(key, str) and key.strip("_") in GRADIENTS for key in path):
        return True
    beside = [other for other in arrays if other[:-1] == path[:-1] and arrays[other].shape == arrays[path].shape]
    last = path[-1]
    return isinstance(last, str) and names.is_gradient_of(last, [str(other[-1]) for other in beside])


def gradient_at(path: Path, before: dict[Path, np.ndarray], after: dict[Path, np.ndarray]) -> Path | None:
    """The path of the gradient of the array at `path`; None if there is nothing of such a name and the same size."""
    *way, last = path
    owner, shape = tuple(way), before[path].shape
    new = {other for other in after if other != path and (other not in before or holds_gradient(other, before))}
    beside = [other for other in new if other[:-1] == owner]
    if last in HOLDERS:
        named = [other for other in beside if str(other[-1]).strip("_") in GRADIENTS]
    else:
        chosen = names.pairs([str(o[-1]) for o in beside], [str(last)], families=True)
        named = [other for other in beside if str(other[-1]) in chosen]
    if not named and isinstance(last, (str, int)):
        named = [other for other in new if parallel(path, other)]
    return min(named, key=lambda other: (after[other].shape != shape, len(other)), default=None)


def parallel(path: Path, other: Path) -> bool:
    """self.grads["W"] beside self.params["W"] or self.W; self.grads[0] beside self.params[0]."""
    *way, last = path
    *elsewhere, key = other
    if not elsewhere or str(elsewhere[-1]).strip("_") not in GRADIENTS:
        return False
    owner = tuple(elsewhere[:-1])
    if isinstance(last, int) or isinstance(key, int):
        return last == key and bool(way) and tuple(way[:-1]) == owner
    same = bool(names.pairs([str(key)], [str(last)]))
    return same and (tuple(way) == owner or tuple(way[:-1]) == owner)

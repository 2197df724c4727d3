"""A person's positional arguments, taken apart: what is differentiated, and what is configuration.

Differentiated: arrays of floats, Python floats, lists of them; alone, or in dicts, lists and tuples. Configuration:
everything else (integers, booleans, strings, None, labels, functions), wherever it stands. It works on *trees*:
an array, or a dict of trees with names as keys. A `Frame` remembers how the arguments are put together from the trees.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

NOTHING = object()  # the tree of an argument in which nothing is differentiated


@dataclass(frozen=True)
class Leaf:
    """A differentiated array. soft: it was a Python float, which may also be meant as configuration."""

    soft: bool = False


@dataclass(frozen=True)
class Constant:
    """Configuration. It is copied before each call, where a function could change it."""

    value: Any


@dataclass(frozen=True)
class Branch:
    """A dict, list or tuple. kind: dict, list, tuple or a named tuple. parts: {name in the tree: (key, skeleton)}."""

    kind: type
    parts: dict[str, tuple[Any, Any]]


Skeleton = Any  # Leaf, Constant or Branch


def take_apart(value: Any) -> tuple[Skeleton, Any]:
    """(skeleton, tree) of one argument. The arrays of the tree are copies, so the caller's are never changed."""
    if isinstance(value, np.ndarray):
        return (Leaf(), np.array(value)) if value.dtype.kind in "fc" else (Constant(value), NOTHING)
    if isinstance(value, float):  # np.float64 too
        return Leaf(soft=True), np.array(float(value))
    if isinstance(value, (list, tuple)) and (array := array_of(value)) is not None:
        return (Leaf(soft=True), array) if array.dtype.kind == "f" else (Constant(value), NOTHING)
    if isinstance(value, (dict, list, tuple)):
        return apart_branch(value)
    return Constant(value), NOTHING


def apart_branch(value: Any) -> tuple[Skeleton, Any]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    parts, tree = {}, {}
    for key, part in items:
        name = str(key).replace(".", "/")  # a full stop separates the names of a path
        skeleton, branch = take_apart(part)
        parts[name] = (key, skeleton)
        if branch is not NOTHING:
            tree[name] = branch
    return (Branch(type(value), parts), tree) if tree else (Constant(value), NOTHING)


def array_of(value: Any) -> np.ndarray | None:
    """Nested lists of Python numbers as an array; None where anything else is in them, or the lengths differ."""
    numbers = list(flat(value))
    if not numbers or not all(isinstance(n, (int, float)) for n in numbers):
        return None
    try:
        return np.array(value)
    except ValueError:  # lists of different lengths
        return None


def flat(value: Any) -> Iterator[Any]:
    for part in value:
        if isinstance(part, (list, tuple)):
            yield from flat(part)
        else:
            yield part


def put_together(skeleton: Skeleton, tree: Any) -> Any:
    """The argument as the person's function expects it. The arrays are those of the tree, not copies."""
    if isinstance(skeleton, Leaf):
        return tree
    if isinstance(skeleton, Constant):
        return copy_of(skeleton.value)
    items = [(key, put_together(part, tree.get(name))) for name, (key, part) in skeleton.parts.items()]
    if issubclass(skeleton.kind, dict):
        return made_dict(skeleton.kind, items)
    values = [value for _, value in items]
    return skeleton.kind(*values) if hasattr(skeleton.kind, "_fields") else skeleton.kind(values)


def made_dict(kind: type, items: list[tuple[Any, Any]]) -> Any:
    try:
        made = kind()
        made.update(items)
        return made
    except TypeError:  # a defaultdict, or a class of the person's own
        return dict(items)


def copy_of(value: Any) -> Any:
    """A copy of what a function could change, or draw numbers from."""
    changeable = (np.ndarray, dict, list, tuple, set, np.random.Generator, np.random.RandomState)
    return copy.deepcopy(value) if isinstance(value, changeable) else value


@dataclass(frozen=True)
class Frame:
    """All positional arguments. names, skeletons: one for each. plain: the trees are the arguments already."""

    names: tuple[str, ...]
    skeletons: tuple[Skeleton, ...]
    plain: bool = False

    @property
    def kept(self) -> list[int]:
        """The positions of the arguments in which something is differentiated."""
        return [n for n, skeleton in enumerate(self.skeletons) if not isinstance(skeleton, Constant)]

    @property
    def differentiated(self) -> list[str]:
        return [self.names[n] for n in self.kept]

    def arguments(self, trees: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.plain:
            return trees
        rest = iter(trees)
        return tuple(
            put_together(skeleton, None if isinstance(skeleton, Constant) else next(rest))
            for skeleton in self.skeletons
        )

    def without(self, names: list[str], trees: tuple[Any, ...]) -> tuple["Frame", tuple[Any, ...]]:
        """The same with these arguments, or arrays in them, as configuration, at the values that they have now."""
        rest = dict(zip(self.differentiated, trees))
        parts = [
            fixed(skeleton, rest.get(name, NOTHING), name, names) for name, skeleton in zip(self.names, self.skeletons)
        ]
        skeletons = tuple(skeleton for skeleton, _ in parts)
        return replace(self, skeletons=skeletons, plain=False), tuple(t for _, t in parts if t is not NOTHING)


def fixed(skeleton: Skeleton, tree: Any, name: str, names: list[str]) -> tuple[Skeleton, Any]:
    """A skeleton and its tree with what is called so as configuration."""
    if isinstance(skeleton, Constant):
        return skeleton, NOTHING
    if name in names:
        return Constant(put_together(skeleton, tree)), NOTHING
    if isinstance(skeleton, Leaf):
        return skeleton, tree
    parts, left = {}, {}
    for part, (key, inner) in skeleton.parts.items():
        made, branch = fixed(inner, tree.get(part, NOTHING), f"{name}.{part}", names)
        parts[part] = (key, made)
        if branch is not NOTHING:
            left[part] = branch
    if not left:
        return Constant(put_together(skeleton, tree)), NOTHING
    return Branch(skeleton.kind, parts), left


def soft_leaves(skeleton: Skeleton, name: str) -> list[str]:
    """The names of all Python floats in an argument."""
    if isinstance(skeleton, Branch):
        return [leaf for part, (_, s) in skeleton.parts.items() for leaf in soft_leaves(s, f"{name}.{part}")]
    return [name] if isinstance(skeleton, Leaf) and skeleton.soft else []


def is_soft(skeleton: Skeleton) -> bool:
    """Whether nothing but Python floats is differentiated in an argument: it may be configuration as a whole."""
    if isinstance(skeleton, Branch):
        return all(is_soft(part) or isinstance(part, Constant) for _, part in skeleton.parts.values())
    return isinstance(skeleton, Leaf) and skeleton.soft


def framed(arguments: tuple[Any, ...], names: list[str]) -> tuple[Frame, tuple[Any, ...]]:
    """(frame, trees) of a person's positional arguments."""
    apart = [take_apart(argument) for argument in arguments]
    skeletons = tuple(skeleton for skeleton, _ in apart)
    frame = Frame(tuple(names), skeletons, all(is_plain(skeleton) for skeleton in skeletons))
    return frame, tuple(tree for _, tree in apart if tree is not NOTHING)


def is_plain(skeleton: Skeleton) -> bool:
    """Whether a tree is the argument itself: an array, or nested dicts of arrays with plain names."""
    if isinstance(skeleton, Branch):
        return skeleton.kind is dict and all(n == k and is_plain(s) for n, (k, s) in skeleton.parts.items())
    return isinstance(skeleton, Leaf)


def names_of(function: Callable[..., Any], count: int) -> list[str]:
    """Names for `count` positional arguments, from the signature; `argument 2` where it has none."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):  # some functions written in C have no signature
        parameters = ()  # type: ignore[assignment]
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*positional, *(f"argument {n}" for n in range(len(positional), count))][:count]


def constant_leaves(skeleton: Skeleton, name: str) -> Iterator[tuple[str, Any]]:
    """(name, value) of all configuration in an argument."""
    if isinstance(skeleton, Constant):
        yield name, skeleton.value
    elif isinstance(skeleton, Branch):
        for part, (_, inner) in skeleton.parts.items():
            yield from constant_leaves(inner, f"{name}.{part}")

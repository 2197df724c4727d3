"""What is checked: two plain functions, their arguments, and the upstream gradient, which defines the loss.

L = sum of upstream * forward(*arrays, **config)[0]
"""

import copy
import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.tensor.draws import stream


@dataclass
class Problem:
    """forward(*arrays, **config) -> (y, cache), backward(dy, cache) -> a gradient for every array."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    arrays: tuple[Any, ...]
    config: dict[str, Any]
    seed: int
    upstream: Any = None

    def call(self, forward: Callable[..., Any], arrays: tuple[Any, ...] | None = None) -> tuple[Any, Any]:
        """(y, cache). Every generator is copied, so each call draws the same numbers."""
        return forward(*(self.arrays if arrays is None else arrays), **fresh(self.config))

    def cache(self) -> Any:
        return self.call(self.forward)[1]

    def drawn(self) -> "Problem":
        """The same problem with a random upstream gradient of y's shapes, from the seed."""
        number = itertools.count()

        def drawn(leaf: Any) -> Any:
            normal = stream(self.seed, "upstream", next(number)).normal(size=np.shape(leaf))
            return (normal.astype(np.float32) if np.asarray(leaf).dtype == np.float32 else normal)[()]

        return replace(self, upstream=map_leaves(drawn, self.call(self.forward)[0]))

    def copied(self) -> "Problem":
        """The same problem with copies of everything that a changed program could overwrite."""
        config = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in self.config.items()}
        return replace(self, arrays=tuple(map_leaves(np.array, a) for a in self.arrays), config=config,
                       upstream=map_leaves(lambda leaf: np.array(leaf)[()], self.upstream))  # fmt: skip

    def in_float64(self) -> "Problem":
        """The same problem with all arrays, and the upstream gradient, converted to float64."""
        (upstream,) = as_float64((self.upstream,)) if self.upstream is not None else (None,)
        return replace(self, arrays=as_float64(self.arrays), upstream=upstream)

    def with_other_upstream(self) -> "Problem":
        return replace(self, seed=self.seed + 1_000_003).drawn()

    def redrawn(self, seed: int) -> "Problem":
        """Other numbers of the same shapes and a similar size, and another upstream gradient."""
        number = itertools.count()

        def other(array: np.ndarray) -> np.ndarray:
            normal = stream(seed, "other numbers", next(number)).normal(size=array.shape)
            return array.mean() + (array.std() or 1.0) * normal if array.size else array

        return replace(self, arrays=tuple(map_leaves(other, a) for a in self.arrays), seed=seed).drawn()

    def names(self) -> list[str]:
        """The names of the positional arrays, as the forward's signature gives them."""
        parameters = inspect.signature(self.forward).parameters.values()
        named = [p.name for p in parameters if p.kind != p.VAR_POSITIONAL]
        return [*named, *(f"argument {n}" for n in range(len(named), len(self.arrays)))][: len(self.arrays)]

    def inputs(self) -> dict[str, Any]:
        return dict(zip(self.names(), self.arrays))

    def arguments_of(self, backward: str) -> list[str]:
        """The positional arguments of the forward function that belongs to the backward function of this name."""
        if backward == self.backward.__name__:
            return self.names()
        scope = getattr(inspect.unwrap(self.backward), "__globals__", {})
        forward = scope.get(backward.replace("backward", "forward"))
        if forward is None or "backward" not in backward or not inspect.isfunction(forward):
            return []
        return [p.name for p in inspect.signature(forward).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]

    def gradients(self, backward: Callable[..., Any] | None = None) -> Any:
        """What backward returns, by the name of the argument."""
        return self.by_name(self.backwards(backward or self.backward))

    def backwards(self, backward: Callable[..., Any]) -> Any:
        """What backward returns. It runs on copies, so a change in place has no effect elsewhere."""
        own = self.copied()
        return backward(own.upstream, own.cache())

    def by_name(self, returned: Any) -> dict[str, Any]:
        if len(self.arrays) == 1 and not (isinstance(returned, (tuple, list)) and len(returned) == 1):
            returned = (returned,)
        return dict(zip(self.names(), returned))


def own(given: Any) -> Any:
    """`given` with a writable copy in place of every array: of one array that is given twice, two copies.

    given: an array, or a dict, list or tuple of such. All else is passed on as it is.
    """
    if isinstance(given, np.ndarray):
        return np.array(given)
    if type(given) in (list, tuple):
        return type(given)(own(part) for part in given)
    if isinstance(given, dict):
        copied = copy.copy(given)  # stays a defaultdict, if it is one
        copied.update((key, own(part)) for key, part in given.items())
        return copied
    return given


def as_float64(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map_leaves(lambda a: a.astype(np.float64), a) for a in arrays)


def fresh(config: dict[str, Any]) -> dict[str, Any]:
    """config with every generator copied, so each call draws the same numbers."""
    return {k: copy.deepcopy(v) if isinstance(v, np.random.Generator) else v for k, v in config.items()}


def complex_arrays(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map_leaves(lambda a: a.astype(np.complex128), a) for a in arrays)


def weighted_sum(upstream: Any, y: Any) -> complex:
    """L: the sum of upstream * y over all outputs."""
    return complex(sum(np.sum(d * v) for (_, d), (_, v) in zip(leaves(upstream), leaves(y))))

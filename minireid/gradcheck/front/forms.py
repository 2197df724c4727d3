"""How a pair of functions is called: what forward returns, and in which order backward takes its arguments.

forward -> (y, cache)                backward(dy, cache), or backward(cache, dy) if its first parameter is a cache
forward -> (y1, y2, cache)           backward(dy1, dy2, cache), or backward(dy1, cache): y2 is left out
forward -> (y, a, b)                 backward(dy, a, b)
forward -> y                         backward(dy), or backward(dy, x, w): arguments of forward, by their names
loss    -> (loss, gradients)         one call: there is no backward
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.gradcheck.front.arguments import array_of

CACHES = ("cache", "caches", "ctx", "context", "saved", "memory", "tape", "store")
ONE_CALL = "loss"  # the kind of a function that returns (loss, gradients)


@dataclass(frozen=True)
class Form:
    """kind: "pair", "several" (outputs), "spread" (caches one by one), "bare" (y alone) or "loss" (one call).

    outputs: how many. cache_first: backward(cache, dy). by_name: names of what backward takes besides: arguments of
    forward (kind "bare") or configuration. container: the type of y where it is a list or a tuple. left_out: how many
    outputs backward takes no gradient for.
    """

    kind: str = "pair"
    outputs: int = 1
    cache_first: bool = False
    by_name: tuple[str, ...] = ()
    container: type | None = None
    left_out: int = 0

    def split(self, result: Any) -> tuple[Any, Any]:
        """(y, cache) of what forward returned; several outputs are a dict with the names "0", "1"."""
        if self.kind == "several":
            return {str(n): plain(y) for n, y in enumerate(result[: self.outputs])}, result[-1]
        if self.kind == "spread":
            return self.tree(result[0]), tuple(result[1:])
        if self.kind == "bare":
            return self.tree(result), None
        if self.kind == ONE_CALL:
            return plain(result[0]), result[1] if len(result) == 2 else tuple(result[1:])
        return self.tree(result[0]), result[1]

    def tree(self, y: Any) -> Any:
        if self.container is None:
            return plain(y)
        return {str(n): plain(part) for n, part in enumerate(y)}

    def upstreams(self, upstream: Any) -> list[Any]:
        """The first arguments of backward: one gradient for each output."""
        if self.kind == "several":
            return [upstream[str(n)] for n in range(self.outputs)]
        if self.container is None:
            return [upstream]
        parts = [upstream[name] for name in upstream]
        return [self.container(*parts) if hasattr(self.container, "_fields") else self.container(parts)]

    def run(self, backward: Callable[..., Any], upstream: Any, cache: Any, named: dict[str, Any]) -> Any:
        """What backward returns. named: values by name, for by_name."""
        caches = list(cache) if self.kind == "spread" else [] if self.kind == "bare" else [cache]
        dys = self.upstreams(upstream)
        return backward(
            *([*caches, *dys] if self.cache_first else [*dys, *caches]), **{k: named[k] for k in self.by_name}
        )


def form_of(result: Any, backward: Callable[..., Any], named: dict[str, Any], given: set[str]) -> Form | None:
    """The form that fits to what forward returned and to the parameters of backward; None if none does.

    named: everything that backward could ask for by name. given: those of them that are configuration.
    """
    needed, every = parameters_of(backward)
    extra = tuple(n for n in every[2:] if n in given) if every else ()
    first = bool(needed) and cache_like(needed[0]) and not all(map(cache_like, needed[1:2]))
    if isinstance(result, (tuple, list)) and not numbers(result):
        if len(result) == 2:
            asked = [name for name in needed if name not in extra]
            return Form(cache_first=first and len(asked) > 1, by_name=extra, container=container_of(result[0]))
        if len(result) > 2 and len(needed) == len(result):
            if all(map(gradient_like, needed[1:-1])) and all(is_float(y) for y in result[:-1]):
                return Form("several", len(result) - 1)
            return Form("spread", container=container_of(result[0]))
        if len(result) > 2 and len(needed) == 2 and all(is_float(y) for y in result[:-1]) and not is_float(result[-1]):
            return Form("several", 1, left_out=len(result) - 2)
        return None
    if needed and not isinstance(result, (tuple, list)) and all(n in named for n in needed[1:]):
        return Form("bare", by_name=tuple(needed[1:]))
    return None


def parameters_of(function: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """(names that must be given, all names) of the parameters."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return [], []
    named = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return [p.name for p in named if p.default is p.empty], [p.name for p in named]


def unused_defaults(function: Callable[..., Any], count: int) -> int:
    """How many positional parameters follow the first `count` ones: such as h0=None."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return 0
    positional = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keyword = [p for p in found if p.kind == p.KEYWORD_ONLY and p.default is None]
    return max(0, len(positional) - count) + len(keyword)


def cache_like(name: str) -> bool:
    return name.lower().rstrip("_") in CACHES


def gradient_like(name: str) -> bool:
    return bool(re.match(r"[dD]_?[A-Za-z]|g_|grad|delta|up", name)) or "grad" in name


def is_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def numbers(value: Any) -> bool:
    """Whether a list is an array of numbers, and not (y, cache)."""
    return isinstance(value, list) and array_of(value) is not None and len(value) != 2


def container_of(y: Any) -> type | None:
    """The type of a list or tuple of arrays; None for everything else."""
    if isinstance(y, (list, tuple)) and array_of(y) is None and all(isinstance(p, (np.ndarray, float)) for p in y):
        return type(y)
    return None


def plain(y: Any) -> Any:
    """y as a tree: a list of floats becomes an array, a dict gets names without full stops."""
    if isinstance(y, list) and (array := array_of(y)) is not None:
        return array
    if isinstance(y, dict):
        return {str(key).replace(".", "/"): plain(part) for key, part in y.items()}
    return y

"""How the network pages run their layers: each call keeps the layer's cache and shows its result to `watch`.

    run = Forward(p, ...)                     back = Backward(cache, watch)
    y = run("conv1", conv_block, x)           dx = back("conv1", dy)

The name finds the layer's parameters in `p` ("high.linear" is p["high"]["linear"]). `watch` is told the name too.
Only the caches are recorded: a network's backward is written by hand, and calls its layers in reverse order.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minireid.base.trees import Tree, put
from minireid.kernels import im2col
from minireid.layers import conv_block

Watch = Callable[[str, np.ndarray], None]


def ignore(name: str, array: np.ndarray) -> None:
    """The `watch` that does nothing."""


class Call(NamedTuple):
    """One call of a layer: the layer, its cache, whether it has parameters, and (N, T) where it ran per frame."""

    layer: ModuleType
    cache: Any
    parameters: bool
    frames: tuple[int, int] | None = None


class Forward:
    """Runs layers, and holds the arguments that every network's `forward` takes.

    p: parameters. lengths (N,): real frames of each clip, None for all. rng: for dropout, None for evaluation without
    dropout. block, kernel: the modules that convolutions run on (see minireid/training/ways.py). watch: is shown every
    result.
    """

    def __init__(
        self,
        p: Tree,
        *,
        lengths: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
        dropout_rate: float = 0.6,
        block: ModuleType = conv_block,
        kernel: ModuleType = im2col,
        watch: Watch = ignore,
    ) -> None:
        self.p, self.lengths, self.dropout = p, lengths, {"rate": dropout_rate, "rng": rng}
        self.block, self.kernel, self.watch = block, kernel, watch
        self.cache: dict[str, Call] = {}

    def __call__(self, name: str, layer: ModuleType, *inputs: np.ndarray, **config: Any) -> Any:
        """layer.forward(*inputs, own parameters if there are any, **config) -> its result."""
        own = self.own(name)
        y, cache = layer.forward(*inputs, *own, **config)
        self.cache[name] = Call(layer, cache, bool(own))
        self.watch(name, y)
        return y

    def per_frame(self, name: str, layer: ModuleType, x: np.ndarray, **config: Any) -> np.ndarray:
        """The same for a layer of maps: x (N, T, H, W, C) -> y (N, T, ...), every frame by itself."""
        N, T = x.shape[:2]
        own = self.own(name)
        y, cache = layer.forward(x.reshape(N * T, *x.shape[2:]), *own, **config)
        self.cache[name] = Call(layer, cache, bool(own), (N, T))
        y = y.reshape(N, T, *y.shape[1:])
        self.watch(name, y)
        return y

    def own(self, name: str) -> tuple[Tree, ...]:
        """(the layer's parameters,), or () for a layer without any."""
        node = self.p
        for part in name.split("."):
            if part not in node:
                return ()
            node = node[part]
        return (node,)


class Backward:
    """Runs the layers' backwards. grads: the gradients of all parameters, shaped like p."""

    def __init__(self, cache: dict[str, Call], watch: Watch = ignore) -> None:
        self.cache, self.watch = cache, watch
        self.grads: Tree = {}

    def __call__(self, name: str, dy: np.ndarray, **config: Any) -> Any:
        """dy -> dx, or the tuple of the inputs' gradients. `watch` is shown dy as "d" + name."""
        self.watch(f"d{name}", dy)
        layer, cache, parameters, frames = self.cache[name]
        if frames:
            dy = dy.reshape(-1, *dy.shape[2:])
        dinputs = layer.backward(dy, cache, **config)
        if parameters:
            *dinputs, own = dinputs
            put(self.grads, name, own)
        else:
            dinputs = (dinputs,)
        if frames:
            dinputs = [None if dx is None else dx.reshape(*frames, *dx.shape[1:]) for dx in dinputs]
        return dinputs[0] if len(dinputs) == 1 else tuple(dinputs)

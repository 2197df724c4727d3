"""A network run on one clip: its blocks, in the order in which they run, and which block reads which.

A block is one result that the network shows to `watch`: that of a layer, or of a line on the network's own page, such
as a sum. Its name is the one that `watch` is told. The clip itself is called "input".
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from minireid import networks
from minireid.networks.running import Forward
from minireid.recipes import recipe as recipes
from minireid.recipes.schema import Recipe
from minireid.training import model as models
from minireid.training.trace import Watcher, other_flops, own_parameters
from minireid.training.ways import DEFINITION

INPUT = "input"
Results = dict[str, np.ndarray]


class Block(NamedTuple):
    """layer: its page, None for a line on the network's own page. reads: names of blocks, each with a part such as
    "rows 1 to 32", "" for the whole. flops: per frame."""

    name: str
    layer: ModuleType | None
    reads: dict[str, str]
    result: np.ndarray
    parameters: int
    flops: float


class Run(NamedTuple):
    """recipe: what chose the settings, in words. levels: {level of the embedding: (its block, how many numbers)}."""

    recipe: str
    blocks: list[Block]
    levels: dict[str, tuple[str, int]]


def recipe_of(name: str) -> Recipe:
    """The recipe of this network: the one of its name, one that names it, or its family's with this network in it."""
    base, changes = base_of(name)
    return recipes.load(base, changes)


def base_of(name: str) -> tuple[str, tuple[str, ...]]:
    """(name of a recipe, what to change in it) for a network."""
    if name in recipes.names():
        return name, ()
    for other in recipes.names():
        if recipes.load(other).network.name == name:
            return other, ()
    family = networks.page(name).FACTS.family
    return family if family in recipes.names() else "msp_src", (f"network.name={name}",)


def run(name: str, clip: np.ndarray) -> Run:
    """The network on one clip (T, H, W, C), with its first parameters (seed 0) and without dropout."""
    T, H, W, C = clip.shape
    size = (f"clips.crop=[{H}, {W}]", f"clips.flow={str(C > 3).lower()}", "training.seed=0")
    base, changes = base_of(name)
    recipe = recipes.load(base, (*changes, *size))
    p = models.init(recipe, 2)["network"]  # the heads of the losses, for two persons, are not used
    watcher = Watcher()
    way = watcher.counting(DEFINITION)
    model = models.model_of(recipe, way)
    x = np.ascontiguousarray(clip[None])
    with calls_noted(watcher) as calls:
        embeddings, _ = model.network.forward(x, p, watch=watcher, **model.settings)
    arrays: Results = {INPUT: x}
    blocks: list[Block] = []
    for block, row in watcher.rows.items():
        layer, inputs = calls.get(block, (None, ()))
        if layer is way.block:  # the one that counts
            layer = DEFINITION.block
        reads = reads_of(inputs, arrays) if inputs else sum_of(row["array"], arrays, blocks)
        own = own_parameters(p, block)
        flops = row["flops"] / T + other_flops(own, row["shape"], T)
        size_of_own = sum(array.size for array in own.values())
        blocks.append(Block(block, layer, reads, row["array"], size_of_own, flops))
        arrays[block] = row["array"]
    kept = model.network.FACTS.levels or tuple(embeddings)
    levels = {level: (next(iter(read(embeddings[level], arrays))), embeddings[level].shape[1]) for level in kept}
    return Run(" with ".join((base, *changes)), blocks, levels)


@contextmanager
def calls_noted(watcher: Watcher) -> Iterator[dict[str, tuple[Any, tuple[np.ndarray, ...]]]]:
    """{block: (layer, inputs)} of every call of a Forward, under the name that `watcher` was just told."""
    calls: dict[str, tuple[Any, tuple[np.ndarray, ...]]] = {}
    whole, per_frame = Forward.__call__, Forward.per_frame

    def noting(method: Any) -> Any:
        def call(run: Forward, name: str, layer: Any, *inputs: np.ndarray, **config: Any) -> Any:
            y = method(run, name, layer, *inputs, **config)
            calls[list(watcher.rows)[-1]] = (layer, inputs)
            return y

        return call

    with patch.multiple(Forward, __call__=noting(whole), per_frame=noting(per_frame)):
        yield calls


# Which results an array comes from: by memory, or by values.


def reads_of(inputs: tuple[np.ndarray, ...], earlier: Results) -> dict[str, str]:
    found: dict[str, str] = {}
    for array in inputs:
        found |= read(array, earlier)
    return found


def read(array: np.ndarray, earlier: Results) -> dict[str, str]:
    """{block: part}: a result itself or a view of it; else the results that stand in it side by side."""
    for name, result in reversed(earlier.items()):
        if np.may_share_memory(array, result):
            return {name: part(array, result)}
    beside = {name: result for name, result in reversed(earlier.items()) if result.shape[:-1] == array.shape[:-1]}
    found: dict[str, str] = {}
    at = 0
    while at < array.shape[-1]:
        rest = array[..., at:]
        fitting = [name for name, result in beside.items() if np.array_equal(rest[..., : result.shape[-1]], result)]
        if not fitting:
            return {}
        found[fitting[0]] = ""  # the latest of those that are equal
        at += beside[fitting[0]].shape[-1]
    return found


def part(view: np.ndarray, result: np.ndarray) -> str:
    """Which rows of all maps a view shows: "rows 1 to 32"; "" for all."""
    if view.ndim != 5 or result.ndim != 5 or view.shape[2] == result.shape[2]:
        return ""
    first = (view.ctypes.data - result.ctypes.data) // result.strides[2]
    return f"rows {first + 1} to {first + view.shape[2]}"


def sum_of(array: np.ndarray, earlier: Results, blocks: list[Block]) -> dict[str, str]:
    """The results that add up to this one, among those that no block has read. {} where there are none."""
    taken = {name for block in blocks for name in block.reads}
    free = [name for name in reversed(earlier) if name not in taken and earlier[name].shape == array.shape]
    for count in (2, 3, 4):
        for names in itertools.combinations(free, count):
            if np.allclose(np.sum([earlier[name] for name in names], axis=0), array, atol=1e-5):
                return {name: "" for name in reversed(names)}
    return {}

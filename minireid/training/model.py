"""A recipe's words turned into modules: which network, which unit, which losses; and their parameters."""

import dataclasses
import importlib
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from minireid.errors import InputError
from minireid.layers import linear
from minireid.networks.watching import ignore
from minireid.recipe import Recipe
from minireid.trees import Tree, leaves


def network_of(recipe: Recipe) -> ModuleType:
    """The network's page. Raises InputError where the recipe asks src for parts that it does not have."""
    asked = (recipe.network.unit, recipe.network.depth, recipe.network.pool)
    only = ("elman_unsquashed", 1, "temporal_mean")
    if recipe.network.name == "src" and asked != only:
        raise InputError(f"src has unit, depth and pool {only}, got {asked}: use msp_src to choose others")
    if recipe.network.name != "src" and recipe.network.unit == "elman_unsquashed":
        raise InputError("unit elman_unsquashed belongs to src: use elman, gru or gru_reset_after")
    return importlib.import_module(f"minireid.networks.{recipe.network.name}")


QUICKER = {"gru": "gru_projected"}  # pages that compute the same as another in fewer, larger products


def parts_of(recipe: Recipe, *, plain: bool = False) -> dict[str, Any]:
    """What embed and forward of the recipe's network take besides clips and parameters: unit and pool, as modules.

    plain: the pages that define them, even where there are quicker ones.
    """
    layer = partial(importlib.import_module, package="minireid.layers")
    unit = recipe.network.unit if plain else QUICKER.get(recipe.network.unit, recipe.network.unit)
    parts = {"unit": layer(f".{unit}"), "pool": layer(f".{recipe.network.pool}")}
    absent = {"src": ("unit", "pool"), "msp_src_low": ("unit",)}.get(recipe.network.name, ())
    return {name: part for name, part in parts.items() if name not in absent}


def init(recipe: Recipe, identities: int, *, dtype: type = np.float32) -> Tree:
    """Parameters {"network": …, "classifiers": {level: …}} drawn from the recipe's seed."""
    rng = np.random.default_rng(recipe.training.seed)
    height, width = recipe.clips.crop
    unit = {key: part for key, part in parts_of(recipe).items() if key == "unit"}
    depth = {"depth": recipe.network.depth} if unit else {}
    network = network_of(recipe).init(
        rng, height=height, width=width, channels=5 if recipe.clips.flow else 3, dtype=dtype, **unit, **depth
    )
    widen(network, recipe.network.gain)
    no_clip: np.ndarray = np.zeros((1, 1, height, width, 5 if recipe.clips.flow else 3), dtype)
    levels, _ = network_of(recipe).forward(no_clip, network, **parts_of(recipe))
    classifiers = {level: linear.init(rng, e.shape[1], identities, dtype=dtype) for level, e in levels.items()}
    return {"network": network, "classifiers": classifiers}


def widen(network: Tree, gain: float) -> None:
    """Multiply the kernels and matrices of all convolutions and linear layers by `gain`, in place.

    Uniform in +-1/sqrt(fan_in), Torch7's choice, has the variance 1 / (3 fan_in): every layer's output is smaller than
    its input. gain 1.73 (the square root of 3) makes that 1 / fan_in and keeps the size.
    """
    for name, array in leaves(network):
        if name.endswith(".W") and ("conv" in name or "linear" in name):
            array *= array.dtype.type(gain)


def loss_settings(recipe: Recipe) -> dict[str, Any]:
    """The configuration of the recipe's joint loss."""
    wanted = dataclasses.asdict(recipe.losses)
    verification = importlib.import_module(f"minireid.losses.{wanted.pop('verification')}")
    if wanted.pop("together") == "joint":
        del wanted["verification_length"], wanted["identification_length"]
    return {**wanted, "verification": verification}


def loss_and_gradients(
    recipe: Recipe,
    params: Tree,
    x: np.ndarray,
    *,
    lengths: np.ndarray,
    labels: np.ndarray,
    pairs: np.ndarray,
    same: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator | None,
    kernel: ModuleType | None = None,
    watch=ignore,
) -> tuple[float, dict[str, float], dict[str, np.ndarray], Tree]:
    """One whole step but for the update: loss, its parts by name, embeddings by level, and gradients of params.

    kernel: None for the quickest way; one of minireid/kernels, and the definitions compute it, layer by layer, on that.
    """
    network = network_of(recipe)
    embeddings, network_cache = network.forward(
        x,
        params["network"],
        lengths=lengths,
        rng=rng,
        dropout_rate=recipe.network.dropout,
        kernel=kernel,
        watch=watch,
        **parts_of(recipe, plain=kernel is not None),
    )
    together = importlib.import_module(f"minireid.losses.{recipe.losses.together}")
    loss, loss_cache = together.forward(
        embeddings,
        params["classifiers"],
        labels=labels,
        pairs=pairs,
        same=same,
        weights=weights,
        **loss_settings(recipe),
    )
    watch("loss", np.asarray(loss))
    dembeddings, classifier_grads = together.backward(1.0, loss_cache)
    _, network_grads = network.backward(dembeddings, network_cache, need_dx=False, watch=watch)
    parts = {name: float(part) for name, part in loss_cache["parts"].items()}
    return float(loss), parts, embeddings, {"network": network_grads, "classifiers": classifier_grads}

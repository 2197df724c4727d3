"""A recipe's words turned into modules: which network, which unit, which losses; and their parameters."""

import dataclasses
import importlib
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from minireid.errors import InputError
from minireid.networks.watching import ignore
from minireid.recipe import Recipe
from minireid.trees import Tree, leaves

OWN_UNIT = {  # of networks with a recurrence of their own: unit, depth and pool that a recipe has to name (None: any)
    "src": ("elman_unsquashed", 1, "temporal_mean"),
    "crf": ("elman_relu", 1, "temporal_mean"),
    "crf_spatial": ("elman_relu", 0, "temporal_mean"),
    "crf_temporal": ("elman_relu", 1, "temporal_mean"),
    "crf_parts": ("elman_relu", 1, "temporal_mean"),
    "deep_rcn": ("conv_gru_stacked", 1, None),
    "deep_rcn_independent": ("conv_gru", 1, None),
    "utrcnn": ("attentive_rnn", 1, "temporal_last"),
}
UNITS = ("gru", "gru_reset_after", "elman", "lstm")  # those that msp_src can be given
TAKES = {  # network: what its init is told, and what its forward and embed are told, of the recipe's words
    "msp_src": (("unit", "depth"), ("unit", "pool")),
    "msp_src_low": ((), ("pool",)),
    "msp_src_high": (("unit", "depth"), ("unit", "pool")),
    "msp_src_motion": (("unit", "depth"), ("unit", "pool")),
    "deep_rcn": (("kernels", "lower_in_candidate"), ("pool",)),
    "deep_rcn_independent": (("kernels",), ("pool",)),
    "utrcnn": ((), ("attention", "top_k")),
}
QUICKER = {"gru": "gru_projected"}  # pages that compute the same as another in fewer, larger products


def network_of(recipe: Recipe) -> ModuleType:
    """The network's page. Raises InputError where the recipe asks it for parts that it does not have."""
    wanted = recipe.network
    if wanted.name in OWN_UNIT:
        asked, only = (wanted.unit, wanted.depth, wanted.pool), OWN_UNIT[wanted.name]
        if any(there is not None and there != here for here, there in zip(asked, only)):
            words = ", ".join("any" if word is None else str(word) for word in only)
            raise InputError(f"{wanted.name} has unit, depth, pool {words}, got {asked}: use msp_src to choose others")
    elif wanted.unit not in UNITS:
        raise InputError(f"unit {wanted.unit} belongs to another network than {wanted.name}: use {', '.join(UNITS)}")
    count = 4 if wanted.name.startswith("deep_rcn") else 3
    if len(wanted.filters) != count:
        raise InputError(f"expected network.filters of {wanted.name} to be {count} numbers, got {list(wanted.filters)}")
    if (recipe.losses.together == "similarity") != (count == 4):
        raise InputError(
            f"expected losses.together to be similarity for deep_rcn, and for no other network, got "
            f"{recipe.losses.together} for {wanted.name}"
        )
    return importlib.import_module(f"minireid.networks.{wanted.name}")


def parts_of(recipe: Recipe, *, plain: bool = False) -> dict[str, Any]:
    """What forward and embed of the recipe's network take besides clips and parameters: modules and settings.

    plain: the pages that define them, even where there are quicker ones.
    """
    layer = partial(importlib.import_module, package="minireid.layers")
    wanted = dataclasses.asdict(recipe.network)
    unit = wanted["unit"] if plain else QUICKER.get(wanted["unit"], wanted["unit"])
    modules = {"unit": unit, "pool": wanted["pool"]}
    _, taken = TAKES.get(recipe.network.name, ((), ()))
    return {name: layer(f".{modules[name]}") if name in modules else wanted[name] for name in taken}


def init(recipe: Recipe, identities: int, *, dtype: type = np.float32) -> Tree:
    """Parameters {"network": …, "heads": {level: …}} drawn from the recipe's seed. A head is what a loss puts on top of
    an embedding: a classifier, or the weights of a similarity. InputError where the network does not fit the crop."""
    rng = np.random.default_rng(recipe.training.seed)
    height, width = recipe.clips.crop
    channels = 5 if recipe.clips.flow else 3
    wanted = dataclasses.asdict(recipe.network)
    told, _ = TAKES.get(recipe.network.name, ((), ()))
    settings = {name: parts_of(recipe)["unit"] if name == "unit" else wanted[name] for name in told}
    try:
        network = network_of(recipe).init(
            rng, height=height, width=width, channels=channels, filters=recipe.network.filters, dtype=dtype, **settings
        )
    except ValueError as fault:
        raise InputError(f"{fault}: change clips.crop or [network]") from None
    widen(network, recipe.network.gain)
    no_clip: np.ndarray = np.zeros((1, 1, height, width, channels), dtype)
    levels, _ = network_of(recipe).forward(no_clip, network, **parts_of(recipe))
    head = loss_of(recipe).init
    return {
        "network": network,
        "heads": {level: head(rng, e.shape[1], identities, dtype=dtype) for level, e in levels.items()},
    }


def widen(network: Tree, gain: float) -> None:
    """Multiply the kernels and matrices of all convolutions and linear layers by `gain`, in place.

    Uniform in +-1/sqrt(fan_in), Torch7's choice, has the variance 1 / (3 fan_in): every layer's output is smaller than
    its input. gain 1.73 (the square root of 3) makes that 1 / fan_in and keeps the size.
    """
    for name, array in leaves(network):
        if name.endswith(".W") and ("conv" in name or "linear" in name):
            array *= array.dtype.type(gain)


def loss_of(recipe: Recipe) -> ModuleType:
    return importlib.import_module(f"minireid.losses.{recipe.losses.together}")


def loss_settings(recipe: Recipe) -> dict[str, Any]:
    """The configuration of the recipe's loss."""
    wanted = dataclasses.asdict(recipe.losses)
    if wanted.pop("together") == "similarity":
        return {}
    for part in ("verification", "identification"):
        wanted[part] = importlib.import_module(f"minireid.losses.{wanted[part]}")
    if recipe.losses.together == "joint":
        del wanted["verification_length"], wanted["identification_length"]
    return wanted


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
    together = loss_of(recipe)
    loss, loss_cache = together.forward(
        embeddings,
        params["heads"],
        labels=labels,
        pairs=pairs,
        same=same,
        weights=weights,
        **loss_settings(recipe),
    )
    watch("loss", np.asarray(loss))
    dembeddings, head_grads = together.backward(1.0, loss_cache)
    _, network_grads = network.backward(dembeddings, network_cache, need_dx=False, watch=watch)
    parts = {name: float(part) for name, part in loss_cache["parts"].items()}
    return float(loss), parts, embeddings, {"network": network_grads, "heads": head_grads}

"""A recipe turned into modules: the network and the loss, each with its settings; and the initial parameters."""

import dataclasses
import importlib
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minireid import networks
from minireid.base.errors import InputError
from minireid.base.trees import Tree, leaves
from minireid.networks.facts import taken_by
from minireid.recipes.schema import Recipe
from minireid.training.ways import DEFINITION, Way


class Model(NamedTuple):
    """network: a page of minireid/networks; settings: keyword arguments of its forward. loss: a page of
    minireid/losses; loss_settings: keyword arguments of its forward. dropout: rate in training."""

    network: ModuleType
    settings: dict[str, Any]
    dropout: float
    loss: ModuleType
    loss_settings: dict[str, Any]


def model_of(recipe: Recipe, way: Way) -> Model:
    """The modules that the recipe names, with those of `way`."""
    network = networks.page(recipe.network.name)
    settings = taken_by(network.forward, network.FACTS, recipe.settings)
    if "unit" in settings:
        settings["unit"] = way.unit(settings["unit"])
    settings |= {"block": way.block, "kernel": way.kernel}
    loss = importlib.import_module(f"minireid.losses.{recipe.losses.together}")
    return Model(network, settings, recipe.network.dropout, loss, loss_settings(recipe))


def loss_settings(recipe: Recipe) -> dict[str, Any]:
    """What the recipe's loss takes besides embeddings, heads and pairs."""
    settings = dataclasses.asdict(recipe.losses)
    if settings.pop("together") == "similarity":
        return {}
    for part in ("verification", "identification"):
        settings[part] = importlib.import_module(f"minireid.losses.{settings[part]}")
    if recipe.losses.together == "joint":
        del settings["verification_length"], settings["identification_length"]
    return settings


def init(recipe: Recipe, identities: int, *, dtype: type = np.float32) -> Tree:
    """Parameters {"network": …, "heads": {level: …}}, drawn with the recipe's seed.

    A head holds the parameters of the loss for one level of the embedding: a classifier of `identities` persons, or the
    weights of a similarity. Raises InputError where the network does not fit the crop.
    """
    rng = np.random.default_rng(recipe.training.seed)
    network, _, _, loss, _ = model = model_of(recipe, DEFINITION)
    height, width = recipe.clips.crop
    channels = 5 if recipe.clips.flow else 3
    size: dict[str, Any] = {"height": height, "width": width, "channels": channels, "filters": recipe.network.filters}
    settings = taken_by(network.init, network.FACTS, recipe.settings)
    try:
        p = network.init(rng, **size, dtype=dtype, **settings)
    except ValueError as fault:
        raise InputError(f"{fault}: change clips.crop or [network]") from None
    widen(p, recipe.network.gain)
    no_clip: np.ndarray = np.zeros((1, 1, height, width, channels), dtype)
    embeddings, _ = network.forward(no_clip, p, **model.settings)
    heads = {level: loss.init(rng, e.shape[1], identities, dtype=dtype) for level, e in embeddings.items()}
    return {"network": p, "heads": heads}


def widen(network: Tree, gain: float) -> None:
    """Multiply the kernels of all convolutional blocks and the matrices of all linear layers by `gain`, in place.
    Recurrent layers and the heads of the loss are not changed.

    Torch7 draws from +-1/sqrt(fan_in). The variance is then 1 / (3 fan_in): every layer's output is smaller than its
    input. A gain of 1.73 (the square root of 3) makes the variance 1 / fan_in and keeps the size.
    """
    for name, array in leaves(network):
        if name.endswith(".W") and ("conv" in name or "linear" in name):
            array *= array.dtype.type(gain)

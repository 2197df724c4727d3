"""What a system costs: its parameters, and the floating-point operations of its forward pass for one frame."""

import numpy as np

from minireid.base.trees import leaves
from minireid.recipes.schema import Recipe
from minireid.training import model
from minireid.training.trace import Watcher, other_flops, own_parameters
from minireid.training.ways import DEFINITION


def parameters(recipe: Recipe) -> int:
    """How many parameters the network has. Heads are not counted: they depend on the number of training persons."""
    return sum(array.size for _, array in leaves(model.init(recipe, 2)["network"]))


def flops_per_frame(recipe: Recipe) -> float:
    """To embed a clip of the recipe's length: two for every multiply-add in a convolution or matrix product.

    Additions, pools, activations and the sums of an attention are not counted: they are less than 1 %. What is computed
    once per clip is divided by its number of frames.
    """
    params = model.init(recipe, 2)["network"]
    T, channels = recipe.clips.length, 5 if recipe.clips.flow else 3
    clip: np.ndarray = np.zeros((1, T, *recipe.clips.crop, channels), np.float32)
    watcher = Watcher()
    counted = model.model_of(recipe, watcher.counting(DEFINITION))
    counted.network.forward(clip, params, watch=watcher, **counted.settings)
    products = sum(other_flops(own_parameters(params, name), row["shape"], T) for name, row in watcher.rows.items())
    return products + (watcher.flops + sum(row["flops"] for row in watcher.rows.values())) / T

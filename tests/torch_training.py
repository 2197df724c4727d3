"""The training of a recipe once more, in PyTorch: network, losses, gradients, clipping, optimiser, schedule.

Networks and losses are those of torch_layers.py. Gradients come from autograd, the update from torch.optim. What
minireid draws is handed over: the first parameters, the batch, and the generator of the dropout. Everything is float64.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from minireid.base.trees import Tree, leaves, map_leaves
from minireid.recipes.schema import Recipe, Training
from minireid.training.batches import Batch
from tests import torch_layers

Tensor = torch.Tensor
LUMA = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)


class Stepped(NamedTuple):
    """The loss before the step, its gradients before clipping, and the parameters after the step."""

    loss: float
    grads: Tree
    params: Tree


def twin(recipe: Recipe, params: Tree, steps: int) -> Callable[[Batch, np.random.Generator], Stepped]:
    """A function that does the next step of this training. params: where it starts. steps: of the whole training."""
    p = map_leaves(lambda array: torch.tensor(array, requires_grad=True), params)
    tensors = [tensor for _, tensor in leaves(p)]
    optimiser = optimiser_of(recipe.training, tensors)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: factor(recipe.training.schedule, k, steps))

    def step(batch: Batch, rng: np.random.Generator) -> Stepped:
        optimiser.zero_grad(set_to_none=False)
        loss = loss_of(recipe, p, batch, rng)
        loss.backward()
        grads = map_leaves(lambda tensor: tensor.grad.numpy().copy(), p)
        torch.nn.utils.clip_grad_value_(tensors, recipe.training.clip_elements)
        optimiser.step()
        schedule.step()
        return Stepped(loss.item(), grads, map_leaves(lambda tensor: tensor.detach().numpy().copy(), p))

    return step


def loss_of(recipe: Recipe, p: Any, batch: Batch, rng: np.random.Generator) -> Tensor:
    """Forward and losses. rng: gives the dropout's numbers."""
    network = getattr(torch_layers, recipe.network.name)
    drop = torch_layers.dropout(rng, recipe.network.dropout)
    x = torch.as_tensor(batch.x, dtype=torch.float64)
    embeddings = network(x, p["network"], lengths=batch.lengths, drop=drop, **settings_of(recipe))
    pairs = {"labels": batch.labels, "pairs": batch.pairs, "same": batch.same, "weights": half_and_half(batch.same)}
    how = recipe.losses
    if how.together == "similarity":
        return torch_layers.similarity(embeddings, p["heads"], **pairs)
    return torch_layers.joint(
        embeddings,
        p["heads"],
        parts=(how.verification_weight, how.identification_weight),
        on_sphere=(how.verification_length, how.identification_length) if "sphere" in how.together else None,
        verification=getattr(torch_layers, how.verification),
        identification=getattr(torch_layers, how.identification),
        margin=how.margin,
        **pairs,
    )


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """The network's settings, where torch_layers.py has a choice: names of layers become its functions. Sizes are known
    from the parameters."""
    in_parameters = ("depth", "kernels", "lower_in_candidate")
    settings = {key: value for key, value in recipe.settings.items() if key not in in_parameters}
    return {key: getattr(torch_layers, v) if key in ("unit", "pool") else v for key, v in settings.items()}


def half_and_half(same: np.ndarray) -> Tensor:
    """Positive pairs together count as much as negative pairs together."""
    kinds = torch.as_tensor(same)
    mean_of_each = [kind / kind.sum() for kind in (kinds.double(), (~kinds).double()) if kind.any()]
    return torch.stack(mean_of_each).sum(0) / 2


def optimiser_of(how: Training, tensors: list[Tensor]) -> torch.optim.Optimizer:
    """torch.optim's SGD has Torch7's dampening (the first step is not damped). Its RMSprop calls the decay alpha."""
    if how.weight_decay:
        raise NotImplementedError("no shipped recipe has a weight decay")
    if how.optimiser == "sgd":
        return torch.optim.SGD(tensors, lr=how.learning_rate, momentum=how.momentum, dampening=how.dampening)
    if how.optimiser == "rmsprop":
        return torch.optim.RMSprop(tensors, lr=how.learning_rate, alpha=0.9, eps=1e-8)
    return torch.optim.Adam(tensors, lr=how.learning_rate, betas=(0.9, 0.999), eps=1e-8)


def factor(schedule: str, step: int, steps: int) -> float:
    """Of the learning rate. cosine: from 1 to 0 (Loshchilov & Hutter 2017, eq. 5 without restarts)."""
    return 1.0 if schedule == "constant" else (1 + math.cos(math.pi * step / steps)) / 2


def windows(
    frames: np.ndarray,
    which: np.ndarray,
    offsets: np.ndarray,
    zoom: np.ndarray,
    size: tuple[int, int],
    *,
    negate_flow: bool = True,
    square_root: bool = False,
) -> np.ndarray:
    """images.normalised_windows in PyTorch, in float64: bytes (N, T, H, W, C) -> what the network sees of them."""
    clips = []
    for clip, mirrored, (top, left), scale in zip(frames, which, offsets.tolist(), zoom.tolist()):
        x = torch.as_tensor(clip).double()
        if mirrored:
            x = x.flip(2)
            if negate_flow and x.shape[-1] == 5:
                x[..., 3] = 127 - (x[..., 3] - 127)
        clips.append(grid_read(normalised(x, square_root), top, left, scale, size))
    return torch.stack(clips).numpy()


def normalised(x: Tensor, square_root: bool) -> Tensor:
    """(T, H, W, C) bytes, RGB and perhaps flow -> YUV and flow, each image and channel with mean 0 and deviation 1."""
    rgb = x[..., :3] / 255
    y = rgb @ LUMA
    yuv = torch.stack([y, 0.492 * (rgb[..., 2] - y), 0.877 * (rgb[..., 0] - y)], -1)
    channels = torch.cat([yuv, x[..., 3:]], -1)
    spread, mean = torch.std_mean(channels, dim=(1, 2), correction=0, keepdim=True)
    return (channels - mean) / (spread.sqrt() if square_root else spread)


def grid_read(x: Tensor, top: int, left: int, zoom: float, size: tuple[int, int]) -> Tensor:
    """x (T, H, W, C) -> (T, *size, C): a window that is `size` / zoom large, by PyTorch's bilinear F.grid_sample, which
    counts places from -1 to 1. The window has the same middle for every zoom. Zeros outside of the frame."""
    places = []
    for start, length, available in zip((top, left), size, x.shape[1:3]):
        from_middle = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
        places.append(2 * (start + (length - 1) / 2 + from_middle / zoom) / (available - 1) - 1)
    rows, columns = torch.meshgrid(*places, indexing="ij")
    grid = torch.stack([columns, rows], -1).expand(len(x), *size, 2)
    read = F.grid_sample(x.permute(0, 3, 1, 2), grid, mode="bilinear", padding_mode="zeros", align_corners=True)
    return read.permute(0, 2, 3, 1)

"""The training step of msp_src in PyTorch, with which `minireid bench` compares minireid.

The same network, losses and update, from the same weights, written to be fast in PyTorch: eager, maps as (N, C, H, W)
tensors in either memory layout, the pool before tanh (a quarter of the work for tanh), one matrix product for the
inputs of all gates and frames of the GRU, and no gradient of the images.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from minireid.base.trees import leaves, map_leaves

Params = dict[str, Any]
LAYOUTS = {"channels last": torch.channels_last, "default": torch.contiguous_format}


def parameters(p: Params, layout: str) -> Params:
    """The parameters as leaf tensors; kernels (KH, KW, C_in, C_out) become (C_out, C_in, KH, KW) in this layout."""

    def tensor(array: np.ndarray) -> torch.Tensor:
        t = torch.tensor(array)
        if t.ndim == 4:
            t = t.permute(3, 2, 0, 1).contiguous(memory_format=LAYOUTS[layout])
        return t.requires_grad_()

    return map_leaves(tensor, p)


def frames_of(x: np.ndarray, layout: str) -> torch.Tensor:
    """Maps (N, H, W, C) as a tensor (N, C, H, W) in this layout."""
    return torch.tensor(x).permute(0, 3, 1, 2).contiguous(memory_format=LAYOUTS[layout])


def block(x: torch.Tensor, p: Params) -> torch.Tensor:
    return torch.tanh(F.max_pool2d(F.conv2d(x, p["W"], p["b"], padding=2), 2))


def gru(x: torch.Tensor, p: Params) -> torch.Tensor:
    """x (N, T, D) -> states (N, T, S); the equations of minireid/layers/gru.py."""
    S = len(p["bz"])
    a = x @ torch.cat([p["Wz"], p["Wr"], p["Wc"]], 1) + torch.cat([p["bz"], p["br"], p["bc"]])
    U, h, states = torch.cat([p["Uz"], p["Ur"]], 1), x.new_zeros(len(x), S), []
    for a_t in a.unbind(1):
        zr = torch.sigmoid(a_t[:, : 2 * S] + h @ U)
        c = torch.tanh(a_t[:, 2 * S :] + (zr[:, S:] * h) @ p["Uc"])
        h = torch.lerp(h, c, zr[:, :S])
        states.append(h)
    return torch.stack(states, 1)


def embed(frames: torch.Tensor, p: Params, T: int) -> dict[str, torch.Tensor]:
    m2 = block(block(frames, p["conv1"]), p["conv2"])
    # (H, W, C) order, as minireid flattens maps; in channels_last this permutation is only another view
    a = m2.unflatten(0, (-1, T)).mean(1)
    b = F.max_pool2d(a, 2).permute(0, 2, 3, 1).flatten(1)
    low = b @ p["low"]["linear"]["W"] + p["low"]["linear"]["b"]
    m3 = block(m2, p["high"]["conv3"]).permute(0, 2, 3, 1).flatten(1)
    e = (m3 @ p["high"]["linear"]["W"] + p["high"]["linear"]["b"]).unflatten(0, (-1, T))
    return {"low": low, "high": gru(e, p["high"]["unit1"]).mean(1)}


def loss_of(
    levels: dict[str, torch.Tensor],
    classifiers: Params,
    labels: torch.Tensor,
    pairs: torch.Tensor,
    same: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    """Contrastive loss (squared) of the pairs and softmax cross-entropy, both at each level."""
    loss = torch.zeros(())
    for level, e in levels.items():
        d = (e[pairs[:, 0]] - e[pairs[:, 1]]).norm(dim=1)
        loss = loss + torch.where(same, d**2 / 2, F.relu(margin - d) ** 2 / 2).mean()
        loss = loss + F.cross_entropy(e @ classifiers[level]["W"] + classifiers[level]["b"], labels)
    return loss


def training_step(p: Params, batch: dict[str, np.ndarray], layout: str, learning_rate: float) -> Callable[[], float]:
    """A function that does one step (forward, losses, backward, SGD) and returns the loss."""
    params = parameters(p, layout)
    update = torch.optim.SGD([torch.as_tensor(t) for _, t in leaves(params)], lr=learning_rate)
    T = batch["x"].shape[1]
    frames = frames_of(batch["x"].reshape(-1, *batch["x"].shape[2:]), layout)
    labels, pairs, same = (torch.tensor(batch[name]) for name in ("labels", "pairs", "same"))

    def step() -> float:
        update.zero_grad()
        levels = embed(frames, params["network"], T)
        loss = loss_of(levels, params["heads"], labels, pairs, same, margin=2.0)
        loss.backward()
        update.step()
        return loss.item()

    return step


def embedding(p: Params, x: np.ndarray, layout: str) -> Callable[[], None]:
    """A function that embeds the clips, without gradients."""
    params, frames = parameters(p, layout), frames_of(x.reshape(-1, *x.shape[2:]), layout)

    def run() -> None:
        with torch.inference_mode():
            embed(frames, params["network"], x.shape[1])

    return run


def block_ways(x: np.ndarray, p: Params, dy: np.ndarray, layout: str) -> dict[str, Callable[[], Any]]:
    """Functions of one block (convolution, pool, tanh): forward; gradients of W and b; gradients of W, b and x."""
    t = parameters(p, layout)
    maps, upstream = frames_of(x, layout), frames_of(dy, layout)
    with_x = maps.clone().requires_grad_()
    y, y_with_x = block(maps, t), block(with_x, t)

    def forward() -> None:
        with torch.inference_mode():
            block(maps, t)

    def weights() -> None:
        torch.autograd.grad(y, [t["W"], t["b"]], upstream, retain_graph=True)

    def both() -> None:
        torch.autograd.grad(y_with_x, [with_x, t["W"], t["b"]], upstream, retain_graph=True)

    return {"forward": forward, "backward weights": weights, "backward both": both}


def assert_threads(n: int) -> None:
    assert torch.get_num_threads() == n, f"PyTorch runs on {torch.get_num_threads()} threads, expected {n}"

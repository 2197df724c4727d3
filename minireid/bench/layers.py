"""The three convolutions of msp_src, one by one: every way to compute them, forward and backward."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minireid.bench.measure import bursts, in_turns
from minireid.kernels import direct, im2col, loops
from minireid.layers import conv_block_fused, maxpool2d, tanh

TorchSeconds = Callable[..., float]  # TorchProcess.seconds
LAYOUTS = ("channels last", "default")  # of PyTorch
PADDING = 2
FRAMES = 32


class Layer(NamedTuple):
    """Maps H x W of C channels to O channels, kernels 5 x 5."""

    name: str
    H: int
    W: int
    C: int
    O: int


def layers_of(height: int, width: int) -> list[Layer]:
    return [
        Layer("conv1", height, width, 5, 16),
        Layer("conv2", height // 2, width // 2, 16, 32),
        Layer("conv3", height // 4, width // 4, 32, 32),
    ]


def flop(layer: Layer, frames: int) -> float:
    """Floating-point operations of one direction: two for each product. Every product counts (dense)."""
    return 2.0 * frames * layer.H * layer.W * 25 * layer.C * layer.O


def bytes_moved(layer: Layer, frames: int, direction: str) -> float:
    """The fewest bytes to read and write, in float32: the input, the pooled output and the weights.

    Backward also reads one byte per output: which value of the window was the maximum.
    """
    inside, outside = frames * layer.H * layer.W * layer.C, frames * layer.H * layer.W * layer.O / 4
    return 4 * (inside + outside + 25 * layer.C * layer.O) + (outside if direction != "forward" else 0)


def draw(layer: Layer) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """x (FRAMES, H, W, C), p, and the block's upstream gradient (FRAMES, H/2, W/2, O), all float32."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((FRAMES, layer.H, layer.W, layer.C), np.float32)
    dy = rng.standard_normal((FRAMES, layer.H // 2, layer.W // 2, layer.O), np.float32)
    return x, conv_block_fused.init(rng, 5, 5, layer.C, layer.O), dy


def measure_layer(layer: Layer, rounds: int, torch: TorchSeconds | None) -> list[dict[str, Any]]:
    """One row for each way and direction: milliseconds for FRAMES frames, dense GFLOP/s.

    loops, im2col and direct compute the convolution alone. fused and PyTorch (in both layouts) compute the whole block,
    with pool and tanh. loops computes one frame of at most 8 x 8, and its time is scaled to FRAMES whole frames.
    """
    x, p, dy = draw(layer)
    m, pool_cache = maxpool2d.forward(im2col.forward(x, p["W"], p["b"], stride=1, padding=PADDING))
    dz = maxpool2d.backward(tanh.backward(dy, np.tanh(m)), pool_cache)
    _, cache = conv_block_fused.forward(x, p, padding=PADDING)
    functions = bursts(by_direction(im2col, x, p, dz) | by_direction(direct, x, p, dz))
    functions |= bursts({
        "fused/forward": lambda: conv_block_fused.forward(x, p, padding=PADDING),
        "fused/backward weights": lambda: conv_block_fused.backward(dy, cache, need_dx=False),
        "fused/backward both": lambda: conv_block_fused.backward(dy, cache),
    })  # fmt: skip
    for layout in LAYOUTS if torch else ():
        for direction in ("forward", "backward weights", "backward both"):
            assert torch is not None
            functions[f"PyTorch, {layout}/{direction}"] = partial(torch, "block", layer, direction, layout)
    medians = {key: float(np.median(seconds)) for key, seconds in in_turns(functions, rounds).items()}
    for key in [key for key in medians if key.endswith("/backward both")]:  # for the input alone: the difference
        way = key.partition("/")[0]
        medians[f"{way}/backward input"] = medians.pop(key) - medians[f"{way}/backward weights"]
    h, w = min(8, layer.H), min(8, layer.W)
    scale = FRAMES * layer.H * layer.W / (h * w)
    for key, function in by_direction(loops, x[:1, :h, :w], p, dz[:1, :h, :w]).items():
        began = time.perf_counter()
        function()
        medians[key] = scale * (time.perf_counter() - began)
    return [row(layer, *key.partition("/")[::2], seconds) for key, seconds in medians.items()]


def by_direction(kernel, x, p, dz) -> dict[str, Callable[[], Any]]:
    how = {"stride": 1, "padding": PADDING}
    name = kernel.__name__.rpartition(".")[2]
    return {
        f"{name}/forward": lambda: kernel.forward(x, p["W"], p["b"], **how),
        f"{name}/backward weights": lambda: kernel.backward_weights(dz, x, W_shape=p["W"].shape, **how),
        f"{name}/backward input": lambda: kernel.backward_input(dz, p["W"], x_shape=x.shape, **how),
    }


def row(layer: Layer, way: str, direction: str, seconds: float) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "map": f"{layer.H} x {layer.W}",
        "channels": f"{layer.C} -> {layer.O}",
        "direction": direction,
        "way": way,
        "ms": 1e3 * seconds,
        "GFLOP/s": flop(layer, FRAMES) / seconds / 1e9,
        "FLOP/byte": flop(layer, FRAMES) / bytes_moved(layer, FRAMES, direction),
    }

"""The three convolutions of msp_src, one by one: every way to compute them, forward and backward."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minireid.bench.measure import interleaved
from minireid.kernels import direct, im2col, loops
from minireid.layers import conv_block, maxpool2d, tanh

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
    """Floating-point operations of one direction, every product counted (dense): two for each."""
    return 2.0 * frames * layer.H * layer.W * 25 * layer.C * layer.O


def bytes_moved(layer: Layer, frames: int, direction: str) -> float:
    """What has to be read and written at the least, in float32: the map of either side, pooled on the output's."""
    inside, outside = frames * layer.H * layer.W * layer.C, frames * layer.H * layer.W * layer.O / 4
    return 4 * (inside + outside + 25 * layer.C * layer.O) + (outside if direction != "forward" else 0)


def measure_layer(layer: Layer, rounds: int, torch_ways: Callable | None) -> list[dict[str, Any]]:
    """One row for each way and direction: milliseconds for FRAMES frames, dense GFLOP/s.

    loops, im2col and direct do the convolution alone; fused, and PyTorch in either layout, the whole block (with pool
    and tanh). loops work on one frame of 8 x 8 or less, and their time is scaled to the whole.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((FRAMES, layer.H, layer.W, layer.C), np.float32)
    p = conv_block.init(rng, 5, 5, layer.C, layer.O)
    dy = rng.standard_normal((FRAMES, layer.H // 2, layer.W // 2, layer.O), np.float32)
    m, pool_cache = maxpool2d.forward(im2col.forward(x, p["W"], p["b"], stride=1, padding=PADDING))
    dz = maxpool2d.backward(tanh.backward(dy, np.tanh(m)), pool_cache)
    functions: dict[tuple[str, str], Callable[[], Any]] = {}
    for kernel in (im2col, direct):
        functions |= by_direction(kernel, x, p, dz)
    _, cache = conv_block.forward(x, p, padding=PADDING)
    functions["fused", "forward"] = lambda: conv_block.forward(x, p, padding=PADDING)
    functions["fused", "backward weights"] = lambda: conv_block.backward(dy, cache, need_dx=False)
    functions["fused", "backward both"] = lambda: conv_block.backward(dy, cache)
    if torch_ways:
        functions |= torch_ways(x, p, dy)
    seconds = interleaved({" / ".join(key): f for key, f in functions.items()}, rounds)
    medians = {key: float(np.median(seconds[" / ".join(key)])) for key in functions}
    for way in [way for way, direction in medians if direction == "backward both"]:  # the input's is the difference
        medians[way, "backward input"] = medians.pop((way, "backward both")) - medians[way, "backward weights"]
    rows = [row(layer, way, direction, s) for (way, direction), s in medians.items()]
    return slow_rows(layer, x, p, dz, rounds) + rows


def slow_rows(layer: Layer, x, p, dz, rounds: int) -> list[dict[str, Any]]:
    h, w = min(8, layer.H), min(8, layer.W)
    small = by_direction(loops, x[:1, :h, :w], p, dz[:1, :h, :w])
    scale = FRAMES * layer.H * layer.W / (h * w)
    seconds = interleaved({direction: f for (_, direction), f in small.items()}, min(rounds, 2), warm_up=0)
    return [row(layer, "loops", direction, scale * float(np.median(s))) for direction, s in seconds.items()]


def by_direction(kernel, x, p, dz) -> dict[tuple[str, str], Callable[[], Any]]:
    how = {"stride": 1, "padding": PADDING}
    name = kernel.__name__.rpartition(".")[2]
    return {
        (name, "forward"): lambda: kernel.forward(x, p["W"], p["b"], **how),
        (name, "backward weights"): lambda: kernel.backward_weights(dz, x, W_shape=p["W"].shape, **how),
        (name, "backward input"): lambda: kernel.backward_input(dz, p["W"], x_shape=x.shape, **how),
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

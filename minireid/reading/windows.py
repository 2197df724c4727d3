"""The window of a convolution or a pool on its map: the numbers that the reader moves it over."""

from typing import Any

import numpy as np

from minireid.gradcheck.tensor.problem import Problem

CONVOLUTIONS = ("conv2d", "loops", "im2col")
POOLS = {"maxpool2d": "max", "average_pool2d": "mean"}


def window_of(name: str, problem: Problem, gradients: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """What the script needs, of the first image; None for a page without a window. Maps are (H, W, C)."""
    if name not in CONVOLUTIONS and name not in POOLS:
        return None
    x, y = problem.arrays[0], problem.call(problem.forward)[0]
    maps = {"x": x[0], "y": y[0], "dy": problem.upstream[0], "dx": gradients["x"][0]}
    if name in POOLS:
        size = (x.shape[1] // y.shape[1], x.shape[2] // y.shape[2])
        return {"kind": POOLS[name], **maps, "size": size, "stride": size, "padding": 0}
    p, stride = problem.arrays[1], problem.config["stride"]
    size = p["W"].shape[:2]
    return {
        "kind": "conv", **maps, "W": p["W"], "b": p["b"], "size": size, "stride": (stride, stride),
        "padding": problem.config["padding"],
    }  # fmt: skip


SECTION = """<section aria-labelledby="window-title"><h2 id="window-title">The window on the map</h2>
<div id="window"></div></section>"""

"""A strip of a clip: its frames, and below each the optical flow that leads to it.

Flow is drawn as a colour wheel: the hue is the direction, the strength of the colour is the speed, white is no motion.
"""

from pathlib import Path

import numpy as np
from matplotlib.colors import hsv_to_rgb

from minireid.plots import style

SHOWN = 12
FLOW_ZERO = 127  # the byte that means: no motion
CELL, GAP = 128 / 144, 0.05  # inches; a frame 32 pixels wide is enlarged four times, without a remainder
HEADER = 0.55


def draw(path: Path, frames: np.ndarray, *, title: str, flow_scale: float | None = None) -> None:
    """frames uint8 (T, H, W, C) to a PNG: at most 12 of them, every second or third of a longer clip, numbered from 1.

    C = 3: RGB. C = 5: RGB, then horizontal and vertical flow as bytes 127 + flow * flow_scale; flow is in pixels from
    the frame before.
    """
    T, H, W, C = frames.shape
    if C == 5 and flow_scale is None:
        raise ValueError("clip strip: frames with flow need the flow_scale of their index")
    which = range(0, T, -(-T // SHOWN))
    height = CELL * H / W
    rows = 2 if C == 5 else 1
    wheel = CELL + 2 * GAP if C == 5 else 0.0
    with style.settings():
        width = max(3 * GAP + len(which) * (CELL + GAP) + wheel, 2.5)
        figure = style.free_figure(width, HEADER + rows * (height + GAP) + GAP)
        style.label(figure, 2 * GAP, 0.17, title, ha="left", fontsize=11, fontweight="bold", color=style.BLACK)
        for k, t in enumerate(which):
            left = 2 * GAP + k * (CELL + GAP)
            style.label(figure, left + CELL / 2, HEADER - 0.1, str(t + 1))
            style.picture(figure, left, HEADER, CELL, height, frames[t, ..., :3])
        if flow_scale is not None and C == 5:
            flow = (frames[list(which), ..., 3:].astype(float) - FLOW_ZERO) / flow_scale
            draw_flow(figure, flow, HEADER + height + GAP, height)
        style.save(figure, path)


def draw_flow(figure: style.Figure, flow: np.ndarray, top: float, height: float) -> None:
    """flow (T, H, W, 2), in pixels, side by side at `top` inches; then the wheel that explains the colours."""
    # The 97th percentile, not the maximum: the flow of a few pixels is very wrong.
    fastest = max(float(np.percentile(np.hypot(flow[..., 0], flow[..., 1]), 97)), 0.1)
    for k, field in enumerate(flow):
        left = 2 * GAP + k * (CELL + GAP)
        style.picture(figure, left, top, CELL, height, flow_colours(field / fastest), frame="#CCCCCC", points=0.6)
    left = 4 * GAP + len(flow) * (CELL + GAP)
    style.picture(figure, left, top, CELL, CELL, wheel())
    rim = f"direction\nof motion;\nrim: {fastest:.1f} pixels\na frame or more"
    style.label(figure, left + CELL / 2, top + CELL + 0.06, rim, va="top", fontsize=8)


def flow_colours(flow: np.ndarray) -> np.ndarray:
    """flow (..., 2), horizontal and vertical, 1 = full colour -> RGB (..., 3) from 0 to 1."""
    hue = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1
    strength = np.clip(np.hypot(flow[..., 0], flow[..., 1]), 0, 1)
    return hsv_to_rgb(np.stack([hue, strength, np.ones_like(hue)], axis=-1))


def wheel() -> np.ndarray:
    """The colour of every direction: RGB (257, 257, 3), white outside the circle."""
    y, x = np.mgrid[-1:1:257j, -1:1:257j]
    colours = flow_colours(np.stack([x, y], axis=-1))
    colours[np.hypot(x, y) > 1] = 1
    return colours

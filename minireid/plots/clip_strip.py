"""A strip of a clip: its frames, and below each the optical flow that leads to it.

Flow is drawn as a colour wheel: the hue is the direction, the strength of the colour is the speed, white is no motion.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb

from minireid.plots import style

SHOWN = 12
FLOW_ZERO = 127  # the byte that means: no motion


def draw(path: Path, frames: np.ndarray, *, title: str, flow_scale: float | None = None) -> None:
    """frames uint8 (T, H, W, C) to a PNG: at most 12 of them, evenly from first to last, numbered from 1.

    C = 3: RGB; C = 5: and horizontal, vertical flow as bytes 127 + flow * flow_scale, flow in pixels from the frame before.
    """
    T, H, W, C = frames.shape
    if C == 5 and flow_scale is None:
        raise ValueError("clip strip: frames with flow need the flow_scale of their index")
    which = np.unique(np.linspace(0, T - 1, min(T, SHOWN)).round().astype(int))
    rows = 2 if C == 5 else 1
    with style.settings():
        figure = style.figure(max(0.85 * (len(which) + 1.2), 4), rows * 0.85 * H / W + 0.75)
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore[union-attr]
        grid = figure.subplots(rows, len(which) + 1, squeeze=False, width_ratios=[*[1] * len(which), 1.2])
        for axes, t in zip(grid[0], which):
            style.image_axes(axes)
            axes.imshow(frames[t, ..., :3], interpolation="nearest")
            axes.set_title(str(t + 1), loc="center", fontsize=9, fontweight="normal", pad=4)
        grid[0, -1].set_axis_off()
        if flow_scale is not None and C == 5:
            draw_flow(grid[1], (frames[which, ..., 3:].astype(float) - FLOW_ZERO) / flow_scale)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        style.save(figure, path)


def draw_flow(row: np.ndarray, flow: np.ndarray) -> None:
    """flow (T, H, W, 2), in pixels, into the first T axes of a row; the wheel that explains the colours into the last."""
    fastest = max(float(np.percentile(np.hypot(flow[..., 0], flow[..., 1]), 99.5)), 1e-6)
    for axes, field in zip(row, flow):
        style.image_axes(axes)
        axes.imshow(flow_colours(field / fastest), interpolation="nearest")
        axes.spines[:].set(visible=True, color="#CCCCCC", linewidth=0.6)
    draw_wheel(row[-1], fastest)


def flow_colours(flow: np.ndarray) -> np.ndarray:
    """flow (..., 2), horizontal and vertical, 1 = full colour -> RGB (..., 3) from 0 to 1."""
    hue = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1
    strength = np.clip(np.hypot(flow[..., 0], flow[..., 1]), 0, 1)
    return hsv_to_rgb(np.stack([hue, strength, np.full_like(hue, 0.97)], axis=-1))


def draw_wheel(axes: Axes, fastest: float) -> None:
    """The colour of every direction; the rim is `fastest` pixels a frame."""
    y, x = np.mgrid[-1:1:121j, -1:1:121j]
    colours = flow_colours(np.stack([x, y], axis=-1))
    colours[np.hypot(x, y) > 1] = 1
    style.image_axes(axes)
    axes.imshow(colours, extent=(-1, 1, 1, -1))
    axes.set_xlabel(f"moves this way;\nrim: {fastest:.1f} pixels\na frame", fontsize=8, color="#333333")

"""The first layer's filters: what the network looks for in the pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minireid.plots import style

NAMES = ("Y\nbrightness", "U\nblue", "V\nred", "flow\nsideways", "flow\ndownwards")


def draw(path: Path, W: np.ndarray, *, names: Sequence[str] = NAMES) -> None:
    """W (KH, KW, C, O), the weights of a convolution, to a PNG: one row per channel (C names), one column per filter.

    All filters share one colour scale, symmetric about white = 0: pale filters are weak.
    """
    _, _, C, O = W.shape
    largest = max(float(np.abs(W).max()), 1e-12)
    with style.settings():
        figure = style.figure(0.5 * O + 2, 0.44 * C + 0.75, pad=0.02)
        grid = figure.subplots(C, O, squeeze=False)
        for c in range(C):
            for o in range(O):
                axes = grid[c, o]
                axes.set(xticks=[], yticks=[])
                axes.grid(False)
                image = axes.imshow(W[:, :, c, o], cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
                axes.spines[:].set(visible=True, color="#CCCCCC", linewidth=0.6)
                if c == 0:
                    axes.set_title(str(o + 1), loc="center", fontsize=8, fontweight="normal", pad=3)
            grid[c, 0].set_ylabel(names[c], rotation=0, ha="right", va="center", fontsize=9, labelpad=8)
        bar = figure.colorbar(image, ax=grid, shrink=0.9, pad=0.01, aspect=14)
        bar.ax.grid(False)
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.ax.tick_params(labelsize=8)
        figure.suptitle("Filters of the first layer", x=0.01, ha="left", fontsize=11, fontweight="bold")
        style.save(figure, path)

"""Pictures of a gradient check: two gradients side by side, and the error as a function of the step."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from minireid.plots import style


def three_gradients(computed: np.ndarray, true: np.ndarray, *, title: str) -> style.Figure:
    """backward's gradient, the numerical gradient and their difference. Both gradients have one colour scale.

    Any shape: a sequence (N, T, D) is drawn step by step from left to right. Otherwise the last axis is the columns.
    """
    panels = {"backward says": computed, "true": true, "difference": computed - true}
    with style.settings():
        figure = style.figure(8, 3.2)
        axes = figure.subplots(1, 3)
        for place, (name, values) in zip(axes, panels.items()):
            flat = laid_out(values)
            widest = float(np.abs(flat if name == "difference" else laid_out(true)).max(initial=0)) or 1.0
            image = place.imshow(flat, cmap="RdBu_r", vmin=-widest, vmax=widest, aspect="auto", interpolation="nearest")
            place.set_title(name)
            place.grid(False)
            for axis in (place.xaxis, place.yaxis):  # rows and columns are counted in whole numbers
                axis.set_major_locator(MaxNLocator(integer=True))
            figure.colorbar(image, ax=place, shrink=0.8)
            place.set_xlabel("time step, and the features of each" if values.ndim == 3 else "last axis")
        if computed.ndim == 3:
            size = computed.shape[2]
            for place in axes:
                place.set_xticks(np.arange(computed.shape[1]) * size + (size - 1) / 2, range(computed.shape[1]))
        axes[0].set_ylabel("clips" if computed.ndim == 3 else "the axes before")
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def laid_out(values: np.ndarray) -> np.ndarray:
    """Any array as rows and columns. (N, T, D): a row per clip, step beside step. Else: last axis as columns."""
    if values.ndim == 3:
        return values.reshape(len(values), -1)
    return values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)


def u_curve(steps: np.ndarray, errors: np.ndarray, *, title: str = "") -> style.Figure:
    """The error of a central difference over its step h: h^2 for large h, rounding (1/h) for small h."""
    with style.settings():
        figure = style.figure(5, 3.4)
        axes = figure.subplots()
        axes.loglog(steps, np.maximum(errors, 1e-18), color=style.BLUE, marker="o", markersize=3)
        axes.set_xlabel("step h")
        axes.set_ylabel("error of the difference")
        axes.set_title(title or "too small a step is as bad as too large a one")
    return figure

"""How a recurrence looks back: which earlier frames a state reads, and how far a gradient reaches."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from minireid.plots import style


def attention(matrices: dict[str, np.ndarray], *, marked: Sequence[int] = ()) -> style.Figure:
    """{name: weights (T, T)}, one panel each. Entry [t, i] is the weight of the state of frame i in that of frame t.

    Only i < t counts; the rest is white. Each panel has its own colour scale: from 0, or symmetric about white = 0 if
    there are negative weights. `marked`: frames, counted from 0, get an orange bar. The axes count frames from 1.
    """
    if not matrices:
        raise ValueError("attention: expected at least one matrix")
    with style.settings():
        figure = style.figure(0.4 + 3.4 * len(matrices), 3.4)
        panels = figure.subplots(1, len(matrices), sharey=True, squeeze=False)[0]
        for axes, (name, weights) in zip(panels, matrices.items()):
            if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
                raise ValueError(f"attention: expected (T, T) weights of one clip, got {weights.shape} for {name}")
            matrix(axes, weights, marked)
            axes.set_title(name)
            axes.set_xlabel("looks at frame")
        panels[0].set_ylabel("state of frame")
    return figure


def matrix(axes: Axes, weights: np.ndarray, marked: Sequence[int]) -> None:
    T = len(weights)
    earlier = np.ma.masked_array(weights, mask=~np.tri(T, k=-1, dtype=bool))  # i < t
    largest = float(np.abs(earlier).max()) if T > 1 else 1.0
    negative = T > 1 and earlier.min() < 0
    image = axes.imshow(
        earlier,
        cmap="RdBu_r" if negative else "Blues",
        vmin=-largest if negative else 0,
        vmax=largest or 1.0,
        extent=(0.5, T + 0.5, T + 0.5, 0.5),
        interpolation="nearest",
    )
    for frame in marked:
        span = [frame + 0.5, frame + 1.5]
        axes.plot(span, [0, 0], color=style.ORANGE, linewidth=4, solid_capstyle="butt", clip_on=False)
    axes.set(xlim=(0.5, T + 0.5), ylim=(T + 0.5, 0.5))  # the bars lie above it
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(False)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8)
    bar.outline.set_visible(False)  # type: ignore[operator]


def by_frame(dx: np.ndarray) -> np.ndarray:
    """dx (N, T, D), the gradient of the input -> (T,): its norm at each frame, mean over the clips."""
    return np.sqrt((dx * dx).sum(axis=2)).mean(axis=0)


def reach(gradients: dict[str, np.ndarray], *, title: str, marked: Sequence[int] = ()) -> style.Figure:
    """{name: norms (T,) of the gradient of each frame's input}, one line each, divided by the last frame's norm.

    The scale is logarithmic: on a straight line, the norm changes by the same factor at every frame. A norm of 0 leaves
    a gap. `marked`: frames, counted from 0, get an orange background.
    """
    with style.settings():
        figure = style.figure(8, 3.8)
        axes = figure.subplots()
        for frame in marked:
            axes.axvspan(frame + 0.5, frame + 1.5, color=style.ORANGE, alpha=0.25, linewidth=0)
        for k, (name, norms) in enumerate(gradients.items()):
            if norms.ndim != 1 or not norms[-1] > 0:
                raise ValueError(f"reach: expected norms (T,), above 0 at the last frame, got {norms} for {name}")
            shares = np.where(norms > 0, norms / norms[-1], np.nan)
            colour, dashes = style.SERIES[k % len(style.SERIES)], "--" if k >= len(style.SERIES) else "-"
            axes.semilogy(np.arange(1, len(norms) + 1), shares, color=colour, linestyle=dashes, label=name)
            axes.set_xlim(0.5, len(norms) + 0.5)
        axes.set_title(title)
        axes.set_xlabel("frame")
        axes.set_ylabel("gradient, last frame = 1")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure

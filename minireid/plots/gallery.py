"""A ranked gallery: some probes, and whom the network takes for the most alike. Green frames are right, red ones wrong."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from minireid.plots import style

SHOWN = 10
FRAME = {True: style.GREEN, False: "#CC2233", None: "#BBBBBB"}


def draw(
    path: Path,
    probes: np.ndarray,
    ranked: np.ndarray,
    distances: np.ndarray,
    *,
    right: np.ndarray | None,
    probe_names: Sequence[str],
    ranked_names: Sequence[Sequence[str]] | None = None,
    ranks: np.ndarray | None = None,
) -> None:
    """One line a probe, to a PNG: the probe, then its gallery, most alike first.

    probes uint8 (P, H, W, C), one frame each; ranked uint8 (P, K, H, W, C), the first K <= 10 entries; distances (P, K);
    right (P, K) booleans, or None where nobody knows (a search): grey frames. probe_names stand under the probes,
    ranked_names (where given) under the entries, ranks (P,) of the true matches (infinity: never) under the probes.
    Colours are the first three channels, RGB. Frames tell right from wrong twice: by colour, and thick for right.
    """
    P, K = ranked.shape[:2]
    if len(probes) != P or distances.shape != (P, K) or not 1 <= K <= SHOWN:
        raise ValueError(f"gallery: expected {P} probes and distances {(P, K)} of at most {SHOWN} entries each")
    H, W = probes.shape[1:3]
    lines = 1 + (ranked_names is not None)
    with style.settings():
        figure = style.figure(0.92 * (K + 1.5), P * (0.78 * H / W + 0.18 * (1 + lines)) + 0.35)
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03, wspace=0, hspace=0)  # type: ignore[union-attr]
        grid = figure.subplots(P, K + 2, squeeze=False, width_ratios=[1, 0.15, *[1] * K])
        for p, (probe, *entries) in enumerate(np.delete(grid, 1, axis=1)):
            grid[p, 1].set_axis_off()
            caption = probe_names[p] + ("" if ranks is None else f"\n{at_rank(ranks[p])}")
            show(probe, probes[p], caption, colour=style.BLACK, width=1.2)
            for k, axes in enumerate(entries):
                hit = None if right is None else bool(right[p, k])
                caption = f"{distances[p, k]:.2f}" + ("" if ranked_names is None else f"\n{ranked_names[p][k]}")
                show(axes, ranked[p, k], caption, colour=FRAME[hit], width=5 if hit else 2)
                if p == 0:
                    axes.set_title(str(k + 1), loc="center", fontsize=9, pad=5)
        grid[0, 0].set_title("probe", loc="center", fontsize=9, pad=5)
        figure.supxlabel("under each picture: its distance to the probe", fontsize=9, color="#555555")
        style.save(figure, path)


def spread(ranks: np.ndarray, count: int) -> np.ndarray:
    """Which probes to show: `count` of them, evenly from the best rank to the worst, so that none are picked by hand."""
    best_first = np.argsort(ranks, kind="stable")
    return best_first[np.linspace(0, len(ranks) - 1, min(count, len(ranks))).round().astype(int)]


def at_rank(rank: float) -> str:
    return f"found at {rank:.0f}" if np.isfinite(rank) else "never found"


def show(axes: Axes, frame: np.ndarray, caption: str, *, colour: str, width: float) -> None:
    """One frame in a coloured border with a caption below."""
    style.image_axes(axes)
    axes.imshow(frame[..., :3], interpolation="nearest")
    H, W = frame.shape[:2]
    border = Rectangle((-0.5, -0.5), W, H, fill=False, edgecolor=colour, linewidth=width, clip_on=False)
    axes.add_patch(border)
    axes.set_xlabel(caption, fontsize=8, color="#333333", labelpad=4)

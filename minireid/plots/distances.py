"""How far apart clips of the same person are, and clips of different ones: the less they overlap, the better."""

from pathlib import Path

import numpy as np

from minireid.plots import style

BINS = 30


def draw(path: Path, same: np.ndarray, different: np.ndarray, *, what: str = "distance") -> None:
    """Distances of pairs of the same person and of different persons, any shapes, to a PNG of two histograms.

    what: the label of the axis, for another number that is smaller for the same person.
    """
    same, different = same[np.isfinite(same)], different[np.isfinite(different)]
    if not len(same) * len(different):
        raise ValueError("distances: expected at least one finite distance of each kind")
    everything = np.concatenate([same, different])
    edges = np.linspace(everything.min(), max(everything.max(), everything.min() + 1e-6), BINS + 1).tolist()
    with style.settings():
        figure = style.figure(7.2, 3.6)
        axes = figure.subplots()
        for values, colour, name in ((different, style.ORANGE, "different persons"), (same, style.BLUE, "same person")):
            weights = np.full(len(values), 100 / len(values))
            label = f"{name}: {len(values):,} pairs, median {np.median(values):.2f}"
            axes.hist(values, edges, weights=weights, color=colour, alpha=0.35)
            axes.hist(values, edges, weights=weights, color=colour, histtype="step", linewidth=2, label=label)
            axes.axvline(float(np.median(values)), color=colour, linestyle="--", linewidth=1.5)
        axes.set_title(f"A pair of the same person is the closer one in {100 * closer(same, different):.1f} % of cases")
        axes.set_xlabel(what)
        axes.set_ylabel("% of the pairs of its kind")
        axes.grid(axis="x", visible=False)
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.18), ncols=2, fontsize=9)
        style.save(figure, path)


def closer(same: np.ndarray, different: np.ndarray) -> float:
    """The share of (same, different) pairs of distances in which `same` is strictly smaller: 0.5 is chance."""
    ordered = np.sort(different)
    return float((len(ordered) - np.searchsorted(ordered, same, side="right")).mean() / len(ordered))

"""Learning curves from the log of a run, one panel for each kind of number."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from minireid.plots import style

LEVEL_COLOURS = {
    **{"high": style.BLUE, "low": style.ORANGE},  # msp_src
    **{"whole": style.BLUE, "upper": style.ORANGE, "lower": style.PINK, "fused": style.BLACK},  # crf_parts
}  # all others have one level: green
WINDOW = 50  # the bold line averages over a fiftieth of the run


def draw(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Log records, one per step, to a PNG.

    Every record has "step" and "epoch" (from 1) and "loss". Drawn if there: for each level of the network "LEVEL
    identification", "LEVEL verification", "LEVEL same", "LEVEL different" (mean distances); in some records "validation
    rank-1" and "validation mAP" (shares from 0 to 1). Thin lines are single steps, bold lines are moving averages.
    """
    if not records:
        raise ValueError("learning curves: expected at least one record")
    kinds = ["loss", "identification", "verification", "distances", "validation"]
    shown = [kind for kind in kinds if names(records, kind)]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    with style.settings():
        figure = style.figure(4.2 * columns, 3.1 * rows, pad=0.1)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes, kind in zip(grid.flat, shown):
            PANELS[kind](axes, records)
            axes.set_xlabel("epoch")
            axes.set_xlim(0, epochs(records)[-1])
            if axes.get_legend() is None and axes.get_legend_handles_labels()[1]:
                axes.legend(fontsize=9)
        style.save(figure, path)


def names(records: Sequence[dict[str, Any]], kind: str) -> list[str]:
    """The keys of one kind, in the log's order."""
    keys = dict.fromkeys(key for record in records for key in record)
    if kind == "loss":
        return ["loss"]
    if kind == "validation":
        return [key for key in keys if key.startswith("validation ")]
    endings = (" same", " different") if kind == "distances" else (f" {kind}",)
    return [key for key in keys if key.endswith(endings)]


def epochs(records: Sequence[dict[str, Any]]) -> np.ndarray:
    """How many epochs were done at each record, with fractions: (R,)."""
    step = np.array([record["step"] for record in records], float)
    in_first = [record["step"] for record in records if record["epoch"] == 1]
    return step / max(in_first, default=step[0])


def series(records: Sequence[dict[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs and the values of the records that have this key."""
    there = np.array([key in record for record in records])
    return epochs(records)[there], np.array([record[key] for record in records if key in record], float)


def moving_average(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of `window` values around each value, fewer at the ends. Same length."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    k = np.arange(len(values))
    first, last = np.maximum(k - window // 2, 0), np.minimum(k + window // 2 + 1, len(values))
    return (total[last] - total[first]) / (last - first)


def line(axes: Axes, x: np.ndarray, y: np.ndarray, *, colour: str, label: str | None, dashes: str = "-") -> None:
    axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.25)
    average = moving_average(y, max(1, len(y) // WINDOW))
    axes.plot(x, average, color=colour, label=label, linestyle=dashes)


def loss(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    line(axes, *series(records, "loss"), colour=style.BLACK, label=None)
    axes.set_title("Loss")
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])


def part(axes: Axes, records: Sequence[dict[str, Any]], kind: str, title: str) -> None:
    for key in names(records, kind):
        level = key.removesuffix(f" {kind}")
        line(axes, *series(records, key), colour=LEVEL_COLOURS.get(level, style.GREEN), label=f"{level} level")
    axes.set_title(title)
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])


def identification(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    part(axes, records, "identification", "Who is who (identification)")


def verification(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    part(axes, records, "verification", "Same or not (verification)")


def distances(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    for key in names(records, "distances"):
        level, kind = key.rsplit(" ", 1)
        colour, dashes = LEVEL_COLOURS.get(level, style.GREEN), "--" if kind == "same" else "-"
        line(axes, *series(records, key), colour=colour, label=f"{level}, {kind}", dashes=dashes)
    axes.set_title("Mean distance, same and different person")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
    axes.legend(fontsize=9, ncols=2, loc="upper left")


def validation(axes: Axes, records: Sequence[dict[str, Any]]) -> None:
    for colour, key in zip((style.BLUE, style.GREEN), names(records, "validation")):
        x, y = series(records, key)
        axes.plot(x, 100 * y, color=colour, marker="o", markersize=4, label=key.removeprefix("validation "))
    axes.set_title("People held out (%)")
    axes.set_ylim(0, 100)
    axes.legend(fontsize=9, loc="lower right")


PANELS = {
    "loss": loss,
    "identification": identification,
    "verification": verification,
    "distances": distances,
    "validation": validation,
}

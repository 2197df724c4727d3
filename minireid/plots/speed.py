"""Pictures of speed from the rows of `minireid bench`: a roofline, bars of whole steps, growth of the cost."""

from pathlib import Path
from typing import Any

import numpy as np

from minireid.plots import style

COLOURS = {
    "loops": style.GREY,
    "im2col": style.SKY,
    "direct": style.GREEN,
    "PyTorch, default": style.PINK,
    "PyTorch, channels last": style.ORANGE,
    "fused": style.BLUE,
    "minireid": style.BLUE,
}
MARKS = {"forward": "o", "backward weights": "s", "backward input": "^"}


def draw_roofline(path: Path, rows: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """GFLOP/s over FLOP per byte, and the machine's limits: one mark per layer, direction and way, fewest threads only.

    rows: "threads", "way", "direction", "FLOP/byte", "GFLOP/s". about: "peak GFLOP/s" by threads, "GB/s".
    """
    n = min(row["threads"] for row in rows)
    rows = [row for row in rows if row["threads"] == n and row["GFLOP/s"] > 0]
    peak, bandwidth = about["peak GFLOP/s"][n], about["GB/s"]
    with style.settings():
        figure = style.figure(7.5, 5)
        axes = figure.subplots()
        intensity = np.geomspace(1, 2 * max(row["FLOP/byte"] for row in rows), 200)
        axes.plot(intensity, np.minimum(peak, bandwidth * intensity), color=style.BLACK, linewidth=1.5)
        axes.text(1.3, peak * 1.1, f"peak {peak:.0f} GFLOP/s", va="bottom")
        for way, colour in COLOURS.items():
            for direction, mark in MARKS.items():
                mine = [row for row in rows if row["way"] == way and row["direction"] == direction]
                axes.scatter(
                    [row["FLOP/byte"] for row in mine],
                    [row["GFLOP/s"] for row in mine],
                    color=colour,
                    marker=mark,
                    s=36,
                    label=way if direction == "forward" and mine else None,
                )
        for direction, mark in MARKS.items():
            axes.scatter([], [], color=style.BLACK, marker=mark, s=36, label=direction)
        axes.text(2, 1.2 * bandwidth, f"memory {bandwidth:.0f} GB/s", va="top")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title("Three convolutions, six ways, one thread")
        axes.set_xlabel("floating-point operations per byte that has to be moved")
        axes.set_ylabel("GFLOP/s, every product counted")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        style.save(figure, path)


def draw_bars(path: Path, rows: list[dict[str, Any]]) -> None:
    """Milliseconds of whole steps and of embeddings. rows: "what", "size", "threads", "ms" by way, "ratio" by way."""
    whats = list(dict.fromkeys(row["what"] for row in rows))
    with style.settings():
        figure = style.figure(8, 0.6 + 0.62 * len(rows) + 0.4)
        panels = figure.subplots(1, len(whats), squeeze=False)[0]
        for axes, what in zip(panels, whats):
            mine = [row for row in rows if row["what"] == what]
            names = list(mine[0]["ms"])
            for k, name in enumerate(names):
                at = np.arange(len(mine)) + (k - (len(names) - 1) / 2) * 0.27
                lengths = [row["ms"][name] / row["ms"]["minireid"] for row in mine]
                axes.barh(at, lengths, height=0.25, color=COLOURS[name], label=name)
                for y, length, row in zip(at, lengths, mine):
                    axes.text(length, y, f" {row['ms'][name]:.0f} ms", va="center", fontsize=8)
            axes.set_yticks(
                range(len(mine)),
                [f"{row['size']}\n{row['threads']} thread{'s' * (row['threads'] > 1)}" for row in mine],
            )
            axes.invert_yaxis()
            axes.set_xlim(0, 1.25 * max(row["ms"][name] / row["ms"]["minireid"] for row in mine for name in names))
            axes.set_title(what)
            axes.set_xlabel("time, minireid = 1")
        bars, names = panels[0].get_legend_handles_labels()
        figure.legend(bars, names, loc="outside lower center", ncols=len(names), frameon=False)
        style.save(figure, path)


def draw_growth(path: Path, rows: list[dict[str, Any]]) -> None:
    """Nanoseconds per frame and pixel while frames, clips or pixels grow. rows: "grows", "size", "ns"."""
    middle = float(np.median([row["ns"] for row in rows]))
    with style.settings():
        figure = style.figure(8, 3.2)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, what in zip(panels, ("frames", "clips", "pixels")):
            mine = [row for row in rows if row["grows"] == what]
            axes.axhspan(0.85 * middle, 1.15 * middle, color=style.GREY, alpha=0.15, linewidth=0)
            axes.plot([row["size"] for row in mine], [row["ns"] for row in mine], marker="o", color=style.BLUE)
            axes.set_xscale("log", base=2)
            axes.set_ylim(0, 1.6 * middle)
            axes.set_xlabel({"frames": "frames a clip", "clips": "clips a step", "pixels": "pixels a frame"}[what])
        panels[0].set_ylabel("ns per frame and pixel")
        panels[0].set_title("Cost of a step (grey: 15 % about the median)")
        style.save(figure, path)

"""The CMC curve: how often the right person is among the first k of the ranked gallery, for every k."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from minireid.plots import style

LAST_RANK = 50
MARKED = (1, 5, 10, 20)
DASHES = ("-", "--", "-.")  # for more curves than colours


def draw(path: Path, curves: dict[str, np.ndarray]) -> None:
    """{method: CMC at ranks 1 to G, shares from 0 to 1} to a PNG. The first is drawn boldly."""
    if not curves:
        raise ValueError("CMC curve: expected at least one curve")
    last = min(LAST_RANK, max(len(curve) for curve in curves.values()))
    with style.settings():
        figure = style.figure(6, 5)
        axes = figure.subplots()
        for k, (method, curve) in enumerate(curves.items()):
            plain = method == "chance"
            axes.plot(
                np.arange(1, len(curve[:last]) + 1),
                100 * curve[:last],
                label=f"{method} ({100 * curve[0]:.1f})",
                color=style.GREY if plain else style.SERIES[k % len(style.SERIES)],
                linestyle=":" if plain else DASHES[k // len(style.SERIES) % len(DASHES)],
                linewidth=3 if k == 0 else 1.8,
                marker="o",
                markersize=7 if k == 0 else 4.5,
                markevery=[r - 1 for r in MARKED if r <= len(curve[:last])],
                zorder=10 - k,
                clip_on=False,
            )
        axes.set_title("Right person among the first k")
        axes.set_xlabel("rank k")
        axes.set_ylabel("share of probes")
        axes.yaxis.set_major_formatter(PercentFormatter(decimals=0))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, 100)
        axes.set_xlim(1, max(last, 2))
        axes.set_xticks([r for r in (*MARKED, 30, 40, 50) if r <= last])
        axes.legend(
            title="method (rank-1, %)", alignment="left", loc="upper left", bbox_to_anchor=(-0.02, -0.13), ncols=2
        )
        style.save(figure, path)

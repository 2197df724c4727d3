"""A ranked gallery: some probes, each with its first gallery entries. Right: green frames, wrong: red frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minireid.plots import style

SHOWN = 10
COLOUR = {True: style.GREEN, False: "#CC2233", None: "#BBBBBB"}  # right, wrong, unknown
POINTS = {True: 5.0, False: 2.0, None: 2.0}  # width of the frame: also readable without colours
CELL, GAP = 128 / 144, 0.14  # inches; a frame 32 pixels wide is enlarged four times, without a remainder
HEADER, LINE = 0.34, 0.14  # inches; LINE: of a caption
FOOT = 3.3  # inches: of the sentence below all
LETTERS = 15  # of a name that fits under a picture


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
    """One line per probe, to a PNG: the probe, then its gallery entries, nearest first.

    probes uint8 (P, H, W, C), one frame each; ranked uint8 (P, K, H, W, C), the first K <= 10 entries; distances
    (P, K); right (P, K) booleans, or None if unknown (a search): grey frames. Under the probes: probe_names and ranks
    (P,) of the true matches (infinity: never). Under the entries: ranked_names. Colours are the first three channels,
    RGB.
    """
    P, K = ranked.shape[:2]
    if len(probes) != P or distances.shape != (P, K) or not 1 <= K <= SHOWN:
        raise ValueError(f"gallery: expected {P} probes and distances {(P, K)} of at most {SHOWN} entries each")
    height = CELL * probes.shape[1] / probes.shape[2]
    row = height + LINE * (1 if ranks is None and ranked_names is None else 2) + 0.24
    with style.settings():
        width = max((K + 1) * (CELL + GAP) + 3 * GAP, place(0) + FOOT)
        figure = style.free_figure(width, HEADER + P * row + 0.2)
        style.label(figure, GAP + CELL / 2, HEADER - 0.15, "probe", fontweight="bold")
        for k in range(K):
            style.label(figure, place(k) + CELL / 2, HEADER - 0.15, str(k + 1), fontweight="bold")
        for p in range(P):
            top = HEADER + p * row
            caption = shortened(probe_names[p]) + ("" if ranks is None else f"\n{at_rank(ranks[p])}")
            style.picture(figure, GAP, top, CELL, height, probes[p][..., :3], frame=style.BLACK, points=1)
            below(figure, GAP, top + height, caption)
            for k in range(K):
                hit = None if right is None else bool(right[p, k])
                caption = f"{distances[p, k]:.2f}" + (
                    "" if ranked_names is None else f"\n{shortened(ranked_names[p][k])}"
                )
                image = ranked[p, k, ..., :3]
                style.picture(figure, place(k), top, CELL, height, image, frame=COLOUR[hit], points=POINTS[hit])
                below(figure, place(k), top + height, caption)
        meaning = "number under each picture: its distance to the probe"
        style.label(figure, place(0), HEADER + P * row + 0.12, meaning, ha="left", color="#555555")
        style.save(figure, path)


def spread(ranks: np.ndarray, count: int) -> np.ndarray:
    """Which probes to show: `count` of them, evenly spaced from the best rank to the worst."""
    best_first = np.argsort(ranks, kind="stable")
    return best_first[np.linspace(0, len(ranks) - 1, min(count, len(ranks))).round().astype(int)]


def place(k: int) -> float:
    """The left edge of gallery entry k, in inches."""
    return 2.5 * GAP + (k + 1) * (CELL + GAP)


def shortened(name: str) -> str:
    """A name that fits under a picture: p25/entrance/monday -> p25/…/monday."""
    first, _, rest = name.partition("/")
    middle = f"{first}/…/{rest.rpartition('/')[2]}"
    if len(name) <= LETTERS:
        return name
    return middle if "/" in rest and len(middle) <= LETTERS else f"{name[: LETTERS // 2]}…{name[-(LETTERS // 2) :]}"


def at_rank(rank: float) -> str:
    return f"found at {rank:.0f}" if np.isfinite(rank) else "never found"


def below(figure: style.Figure, left: float, bottom: float, caption: str) -> None:
    style.label(figure, left + CELL / 2, bottom + 0.1, caption, va="top", fontsize=8)

"""How every picture looks, and how it is written.

Colours are Okabe and Ito's eight, which people with any common colour blindness can tell apart. Figures are drawn on the
Agg canvas directly: no window, no global state of matplotlib is touched.
"""

import io
import os
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PINK = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#8A8A8A"
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK)  # the order in which lines take them

SETTINGS = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": "#333333",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
}
DOTS_PER_INCH = (144, 120, 100, 80, 60)  # the first with which the file is small enough
LARGEST = 300_000  # bytes: a report holds several pictures


def figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that lays its parts out by itself. Use it inside `settings()`."""
    canvas = FigureCanvasAgg(Figure(figsize=(width, height), layout="constrained", facecolor="white"))
    return canvas.figure


def settings() -> rc_context:
    """`with settings():` around all that draws, so that nobody else's matplotlib changes."""
    return rc_context(SETTINGS)


def image_axes(axes: Axes) -> None:
    """No ticks, grid or frame: the axes hold an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def save(picture: Figure, path: Path) -> None:
    """As PNG, at most 300 kB, whole or not at all. Where it takes more, 256 colours must do, then fewer dots."""
    content = as_png(picture, DOTS_PER_INCH[0])
    for dots in DOTS_PER_INCH:
        if len(content) <= LARGEST:
            break
        content = with_few_colours(as_png(picture, dots))
    write(path, content)


def as_png(picture: Figure, dots: int) -> bytes:
    stream = io.BytesIO()
    picture.savefig(stream, format="png", dpi=dots, metadata={"Software": None})
    return stream.getvalue()


def with_few_colours(png: bytes) -> bytes:
    """The same picture in the 256 colours that suit it best."""
    stream = io.BytesIO()
    colours = Image.open(io.BytesIO(png)).convert("RGB")
    few = colours.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def write(path: Path, content: bytes) -> None:
    """Write beside `path`, then put in its place."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)

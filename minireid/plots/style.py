"""How all pictures look, and how they are saved.

Colours are Okabe and Ito's eight, which people with any common colour blindness can tell apart. Figures are drawn on
the Agg canvas directly: no window opens, and matplotlib's global state does not change.
"""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from PIL import Image

from minireid.base.files import write_bytes

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PINK = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#8A8A8A"
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK)  # colours of the lines, in this order

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
DOTS_PER_INCH = (144, 120, 100, 80, 60)  # tried in this order until the file is small enough
LARGEST = 300_000  # bytes: a report holds several pictures


def figure(width: float, height: float, *, pad: float = 0.04) -> Figure:
    """An empty figure, sizes in inches. matplotlib places its parts, at least `pad` apart."""
    layout = ConstrainedLayoutEngine(w_pad=pad, h_pad=pad)
    return FigureCanvasAgg(Figure(figsize=(width, height), layout=layout, facecolor="white")).figure


def free_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, for `picture` and `label`."""
    return FigureCanvasAgg(Figure(figsize=(width, height), facecolor="white")).figure


def settings() -> AbstractContextManager[None]:
    """For `with settings():` around drawing code. Outside it, matplotlib's settings are unchanged."""
    return rc_context(SETTINGS)  # type: ignore[arg-type, unused-ignore]


def picture(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    height: float,
    image: np.ndarray,
    *,
    frame: str | None = None,
    points: float = 0,
) -> None:
    """An RGB image at this place, in inches from the figure's upper left, with a frame `points` wide around it."""
    whole_width, whole_height = figure.get_size_inches()
    bottom = whole_height - top - height
    axes = figure.add_axes((left / whole_width, bottom / whole_height, width / whole_width, height / whole_height))
    axes.set_axis_off()
    axes.imshow(image, interpolation="nearest", aspect="auto")
    if frame is not None:
        out = points / 72 / 2  # to the middle of the line: its inner edge touches the image
        corner, size = (left - out, bottom - out), (width + 2 * out, height + 2 * out)
        border = Rectangle(corner, *size, fill=False, edgecolor=frame, linewidth=points, joinstyle="miter")
        border.set_transform(figure.dpi_scale_trans)
        figure.add_artist(border)


def label(figure: Figure, x: float, y: float, text: str, **looks: Any) -> None:
    """Text at this place, in inches from the figure's upper left; centred, 9 points, unless `looks` say otherwise."""
    width, height = figure.get_size_inches()
    given: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "color": "#333333"} | looks
    figure.text(x / width, 1 - y / height, text, **given)


def save(picture: Figure, path: Path) -> None:
    """Save as PNG, completely or not at all. Above 300 kB: with 256 colours, then with fewer dots per inch."""
    content = as_png(picture, DOTS_PER_INCH[0])
    for dots in DOTS_PER_INCH:
        if len(content) <= LARGEST:
            break
        content = with_few_colours(as_png(picture, dots))
    write_bytes(path, content)


def as_png(picture: Figure, dots: int) -> bytes:
    stream = io.BytesIO()
    picture.savefig(stream, format="png", dpi=dots, metadata={"Software": None})
    return stream.getvalue()


def with_few_colours(png: bytes) -> bytes:
    """The same picture with at most 256 colours."""
    stream = io.BytesIO()
    colours = Image.open(io.BytesIO(png)).convert("RGB")
    few = colours.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(stream, format="PNG", optimize=True)
    return stream.getvalue()

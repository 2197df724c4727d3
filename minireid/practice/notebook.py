"""For notebooks: a picture that also says in words what it shows."""

import io
import os
from itertools import count

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

DOTS_PER_INCH = 90
PICTURES = "MINIREID_PICTURES"  # `minireid course pictures` sets it: the beginning of the names of SVG files
numbers = count(1)


def show(figure: Figure, alt: str) -> None:
    """Show the figure under the cell, with `alt` for those who cannot see it, and close it.

    alt: what a reader must learn from the picture, in a sentence or two. On the website screen readers read it aloud.
    Needs IPython, which every notebook has.
    """
    from IPython.display import Image, display

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", metadata={"Software": None})
    if beginning := os.environ.get(PICTURES):
        about = {"Description": alt, "Rights": "CC BY 4.0", "Date": None}
        figure.savefig(f"{beginning}_{next(numbers):02d}.svg", bbox_inches="tight", metadata=about)
    plt.close(figure)
    display(Image(stream.getvalue(), alt=alt))

"""For notebooks: a picture that also says in words what it shows."""

import io

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

DOTS_PER_INCH = 90


def show(figure: Figure, alt: str) -> None:
    """Show the figure under the cell, with `alt` for those who cannot see it, and close it.

    alt: what a reader must learn from the picture, in one or two sentences. Screen readers read it aloud.
    Needs IPython, which every notebook has.
    """
    from IPython.display import Image, display

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    display(Image(stream.getvalue(), alt=alt))

"""A picture of equations: each name is a box, an arrow leads from a name to the name that uses it.

The boxes stand in columns, each to the right of all that it uses. An arrow over several columns gets a place of its own
in each, a *lane*, so that it never runs behind a box (Sugiyama, Tagawa & Toda 1981).
"""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import fill

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Line

from minireid.base.files import write_bytes
from minireid.plots import style

COLUMN = 1.5  # inches from column to column
WIDTH, HEIGHT = 1.0, 0.46  # of a box
BOX, LANE = 0.74, 0.3  # inches that a box and a lane take of a column
MARGIN = 0.3
LETTERS = 10  # of the title, in an inch
SWEEPS = 8
Node = tuple[str, int]  # a name in its own column, or its lane in another

GIVEN, BETWEEN, RESULT = "#E8F1F8", "#F4F4F4", "#FBE9C6"


def uses_graph(
    uses: Mapping[str, Sequence[str]],
    given: Sequence[str],
    results: Sequence[str],
    below: Mapping[str, str],
    title: str,
) -> style.Figure:
    """uses: {name: the names that its equation uses}, in the order of computation. given: what is not computed; each
    is used. results: the names that are returned, in orange. below: {name: a small text in its box}.
    """
    column = columns_of(uses, given)
    ways = ways_of(uses, column)
    place = places(column, ways)
    width = max(column.values()) * COLUMN + WIDTH + 2 * MARGIN
    heading = fill(title, int((width - 2 * MARGIN) * LETTERS))
    top = min(y for _, y in place.values()) - 0.8 - 0.17 * (1 + heading.count("\n"))
    height = max(y for _, y in place.values()) + HEIGHT / 2 + MARGIN - top
    with style.settings():
        figure = style.free_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-WIDTH / 2 - MARGIN, width - WIDTH / 2 - MARGIN)
        axes.set_ylim(top + height, top)
        axes.text(-WIDTH / 2, top + 0.2, heading, fontsize=10, weight="bold", va="top")
        for way in ways:
            line = line_through([place[node] for node in way])
            axes.add_patch(
                FancyArrowPatch(path=line, arrowstyle="-|>", mutation_scale=9, linewidth=1, color=style.GREY)
            )
        for name, number in column.items():
            colour = GIVEN if name in given else RESULT if name in results else BETWEEN
            box(axes, *place[name, number], name, below.get(name, ""), colour)
    return figure


def columns_of(uses: Mapping[str, Sequence[str]], given: Sequence[str]) -> dict[str, int]:
    """{name: its column}. A given name stands one column before its first use."""
    depth: dict[str, int] = {}
    for name, used in uses.items():
        depth[name] = 1 + max((depth.get(source, 0) for source in used), default=0)
    first = {name: min(depth[user] for user, used in uses.items() if name in used) - 1 for name in given}
    return first | depth


def ways_of(uses: Mapping[str, Sequence[str]], column: Mapping[str, int]) -> list[list[Node]]:
    """For each use: the box, the lanes of its name in the columns between, the box that uses it."""
    return [
        [(source, number) for number in range(column[source], column[name])] + [(name, column[name])]
        for name, used in uses.items()
        for source in used
    ]


def places(column: Mapping[str, int], ways: Sequence[Sequence[Node]]) -> dict[Node, tuple[float, float]]:
    """{node: (x, y)} in inches. Each column is sorted by the middle of its neighbours, to and fro."""
    nodes = list(dict.fromkeys([*column.items(), *(node for way in ways for node in way)]))
    links = list(dict.fromkeys(pair for way in ways for pair in pairwise(way)))
    before: dict[Node, list[Node]] = {node: [a for a, b in links if b == node] for node in nodes}
    after: dict[Node, list[Node]] = {node: [b for a, b in links if a == node] for node in nodes}
    numbers = range(max(column.values()) + 1)
    stacks = {number: [node for node in nodes if node[1] == number] for number in numbers}
    height = {node: BOX if column[node[0]] == node[1] else LANE for node in nodes}
    y: dict[Node, float] = {}
    for number in numbers:
        y |= stacked(stacks[number], height)
    for sweep in range(SWEEPS):
        neighbours, order = (before, numbers) if sweep % 2 == 0 else (after, reversed(numbers))
        for number in order:
            wish = {node: middle([y[n] for n in neighbours[node]], y[node]) for node in stacks[number]}
            stacks[number].sort(key=lambda node: wish[node])
            y |= stacked(stacks[number], height)
    return {node: (node[1] * COLUMN, y[node]) for node in nodes}


def stacked(nodes: Sequence[Node], height: Mapping[Node, float]) -> dict[Node, float]:
    """One below the other, around 0."""
    y, found = -sum(height[node] for node in nodes) / 2, {}
    for node in nodes:
        found[node] = y + height[node] / 2
        y += height[node]
    return found


def middle(rows: Sequence[float], otherwise: float) -> float:
    return sum(rows) / len(rows) if rows else otherwise


def line_through(points: Sequence[tuple[float, float]]) -> Line:
    """From the right edge of the first box: straight through lanes, level at both ends of a bend, to the last box."""
    x, y = points[0]
    corners, codes = [(x + WIDTH / 2, y)], [Line.MOVETO]
    for number, (to_x, to_y) in enumerate(points[1:], start=1):
        start, end = corners[-1], (to_x - WIDTH / 2, to_y)
        bend = (end[0] - start[0]) / 2
        corners += [(start[0] + bend, start[1]), (end[0] - bend, end[1]), end]
        codes += [Line.CURVE4] * 3
        if number < len(points) - 1:
            corners.append((to_x + WIDTH / 2, to_y))
            codes.append(Line.LINETO)
    return Line(corners, codes)


def box(axes: Axes, x: float, y: float, name: str, small: str, colour: str) -> None:
    corner, shape = (x - WIDTH / 2, y - HEIGHT / 2), "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, shape, facecolor=colour, edgecolor="#555555", zorder=2))
    axes.text(x, y - (0.08 if small else 0), name, ha="center", va="center", fontsize=10, zorder=3)
    axes.text(x, y + 0.12, small, ha="center", va="center", fontsize=8, color="#555555", zorder=3)


def save_svg(picture: style.Figure, path: Path, *, title: str, text: str) -> None:
    """Save as SVG with a title and a description, for readers who do not see it. The same bytes each time."""
    stream = io.BytesIO()
    with rc_context({"svg.hashsalt": "minireid"}):
        picture.savefig(stream, format="svg", metadata={"Date": None, "Title": title, "Description": text})
    write_bytes(path, stream.getvalue())

"""Where each block of a network stands: in which row and column, so that branches lie side by side; and a plan of it.

A block stands below all blocks that it reads, and under one of them where that place is free. A block that is alone,
with no line passing it, stands across all columns.
"""

from html import escape
from typing import NamedTuple

from minireid.reading.architecture_pictures import listed

MOST = 3  # columns: more are too narrow for the pictures
WIDE, HIGH, BETWEEN, ROW, EDGE = 124, 26, 14, 46, 16  # of the plan, in pixels
Reads = dict[str, list[str]]  # {block: the blocks that it reads}, in the order in which they run


class Place(NamedTuple):
    """row, column: from 0. wide: across all columns."""

    row: int
    column: int
    wide: bool


def places(reads: Reads) -> dict[str, Place]:
    """Row by row: the blocks whose inputs all stand in rows above; those without a free place wait for the next row."""
    rows: dict[str, int] = {}
    columns: dict[str, int] = {}
    row = 0
    while len(rows) < len(reads):
        ready = [name for name in reads if name not in rows and all(rows.get(r, row) < row for r in reads[name])]
        placed = one_row(ready, reads, columns)
        rows |= dict.fromkeys(placed, row)
        columns |= placed
        row += 1
    return {name: Place(rows[name], columns[name], alone(name, rows, reads)) for name in reads}


def one_row(ready: list[str], reads: Reads, columns: dict[str, int]) -> dict[str, int]:
    """{block: column}: first under a block that it reads, then in any column that is left."""
    placed: dict[str, int] = {}
    for name in ready:
        for column in [columns[r] for r in reads[name]] or [0]:
            if name not in placed and column not in placed.values():
                placed[name] = column
    for name in ready:
        free = [column for column in range(MOST) if column not in placed.values()]
        if name not in placed and free:
            placed[name] = free[0]
    return placed


def alone(name: str, rows: dict[str, int], reads: Reads) -> bool:
    """Whether nothing else stands in this row, and no line passes it from above to below."""
    row = rows[name]
    others = any(rows[other] == row for other in reads if other != name)
    passing = any(rows[r] < row < rows[other] for other in reads for r in reads[other])
    return not others and not passing


# The plan: a small drawing of all blocks, with a line from each to those that read it.


def plan(reads: Reads, found: dict[str, Place]) -> str:
    """An SVG picture. It has the colours of the page."""
    columns = 1 + max(place.column for place in found.values())
    width = 2 * EDGE + across(columns)
    height = ROW * max(place.row for place in found.values()) + HIGH + 2
    told = "; ".join(f"{name} reads {listed(read)}" for name, read in reads.items() if read)
    lines, around = [], {column: 0 for column in range(columns)}
    for start, end in ((found[r], found[name]) for name in reads for r in reads[name]):
        column = end.column if start.wide else start.column
        bend = 0.0
        if any(b.column == column and start.row < b.row < end.row for b in found.values()):
            bend = (-0.75 if around[column] % 2 else 0.75) * WIDE  # the first one to the right, the next to the left
            around[column] += 1
        lines.append(line(start, end, bend, columns))
    boxes = [box(name, place, columns) for name, place in found.items()]
    return (
        f'<svg class="plan" role="img" aria-label="Plan of the network: {escape(told, quote=True)}." '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">' + "".join(lines + boxes) + "</svg>"
    )


def across(columns: int) -> int:
    """The width of this many boxes side by side."""
    return columns * WIDE + (columns - 1) * BETWEEN


def box(name: str, place: Place, columns: int) -> str:
    x = EDGE if place.wide else EDGE + place.column * (WIDE + BETWEEN)
    y, wide = 1 + place.row * ROW, across(columns) if place.wide else WIDE
    text = f'<text x="{x + wide / 2:g}" y="{y + HIGH / 2 + 4:g}">{escape(name)}</text>'
    return f'<rect x="{x}" y="{y}" width="{wide}" height="{HIGH}" rx="4"/>{text}'


def line(start: Place, end: Place, bend: float, columns: int) -> str:
    """From the lower edge of a box to the upper edge of another. bend: around the boxes between them."""
    x0, x1 = (EDGE + place.column * (WIDE + BETWEEN) + WIDE / 2 for place in (start, end))
    if start.wide and end.wide:
        x0 = x1 = EDGE + across(columns) / 2
    elif start.wide or end.wide:
        x0 = x1 = x1 if start.wide else x0
    y0, y1 = 1 + start.row * ROW + HIGH, 1 + end.row * ROW
    if not bend:
        return f'<path d="M{x0:g} {y0}L{x1:g} {y1}"/>'
    return f'<path d="M{x0:g} {y0}C{x0 + bend:g} {y0} {x1 + bend:g} {y1} {x1:g} {y1}"/>'

"""The rounds of the loop side by side: how large each value, gradient and term is at each frame.

The size of an array is the root of the mean of its squares (RMS). Where the gradient that is carried back falls most,
a sentence says so, and the rows of its terms and of their factors show why.
"""

import itertools
from html import escape

import numpy as np

from minireid.reading.place import Followed, Place

CLOSED = 0.25  # a factor that falls below this share of itself in one round closes the way


def size(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(np.abs(array.astype(float)))))) if array.size else 0.0


def over_time(followed: Followed) -> str:
    """A section with a table; empty where nothing repeats."""
    forward = [p for p in followed.places if shown(p, "forward") and p.kind == "name"]
    backward = [p for p in followed.places if shown(p, "backward") and p.kind in ("name", "term") and p.claim]
    carried = carried_gradient(followed)
    if len(followed.rounds["backward"]) < 2 or not backward:
        return ""
    rounds = sorted({*followed.rounds["forward"], *followed.rounds["backward"]}, key=int)
    bodies = [group("Forward", [row(p, rounds) for p in forward], len(rounds))]
    rows = []
    for place in backward:
        rows.append(row(place, rounds))
        if place.kind == "term":
            rows += [row(p, rounds) for p in factors(followed, place)]
    bodies.append(group("Backward: read from right to left", rows, len(rounds)))
    head = "".join(f'<th scope="col">{followed.loop} = {r}</th>' for r in rounds)
    return (
        '<section aria-labelledby="time-title"><h2 id="time-title">Over the rounds of the loop</h2>'
        "<p>The size of each array (root of the mean square) at each round; bars are scaled by row. "
        f"{sentence(followed, carried)}</p>"
        '<div class="wide" tabindex="0" role="group" aria-label="sizes over the rounds"><table class="time"><thead><tr>'
        f'<th scope="col">name</th><th scope="col">line</th>{head}</tr></thead>{"".join(bodies)}</table>'
        "</div></section>"
    )


def shown(place: Place, side: str) -> bool:
    return place.side == side and len(place.values) > 1 and place.name != "_"


def group(title: str, rows: list[str], columns: int) -> str:
    head = f'<tr class="group"><th colspan="{columns + 2}" scope="rowgroup">{escape(title)}</th></tr>'
    return f"<tbody>{head}{''.join(rows)}</tbody>"


def row(place: Place, rounds: list[str]) -> str:
    sizes = {r: size(v) for r, v in place.values.items()}
    most = max(sizes.values()) or 1.0
    cells = "".join(cell(sizes.get(r), most) for r in rounds)
    kind = {"term": "term", "expression": "factor"}.get(place.kind, "")
    return (
        f'<tr class="{kind}" data-i="{place.number}"><th scope="row"><code>{escape(place.label)}</code></th>'
        f'<td><a href="#L{place.line}">{place.line}</a></td>{cells}</tr>'
    )


def cell(value: float | None, most: float) -> str:
    if value is None:
        return "<td></td>"
    return f'<td class="number" style="--share:{value / most:.3f}">{value:.2g}</td>'


def carried_gradient(followed: Followed) -> Place | None:
    """The gradient that goes from round to round: a sum of several terms in the loop, with the most terms."""
    terms: dict[int, int] = {}
    for place in followed.places:
        if place.kind == "term" and place.claim and len(place.values) > 1:
            terms[place.line] = terms.get(place.line, 0) + 1
    sums = [p for p in followed.places if p.line in terms and p.kind == "name" and p.claim and len(p.values) > 1]
    return max(sums, key=lambda p: terms[p.line], default=None)


def factors(followed: Followed, term: Place) -> list[Place]:
    """Parts of a term that are computed there and can close its way: 1 - z."""
    a, b = term.columns
    inside = [p for p in followed.places if p.kind == "expression" and p.line == term.line and p.side == "backward"]
    return [p for p in inside if a <= p.columns[0] and p.columns[1] <= b and p.columns != term.columns
            and is_plain(p.text)]  # fmt: skip


def is_plain(text: str) -> bool:
    """Whether an expression is computed element by element from names."""
    return not any(sign in text for sign in "@.[")


def sentence(followed: Followed, carried: Place | None) -> str:
    """Where the carried gradient falls most, and which parts of its terms are small there."""
    if carried is None:
        return ""
    rounds = [r for r in followed.rounds["backward"] if r in carried.values]
    sizes = [size(carried.values[r]) for r in rounds]
    falls = [b / a if a > 0 else 1.0 for a, b in itertools.pairwise(sizes)]
    if not falls or min(falls) > 0.5:
        return f"<code>{escape(carried.name)}</code> does not fall below a half of itself in any round."
    n = int(np.argmin(falls))
    here, before = rounds[n + 1], rounds[n]
    loop = followed.loop
    terms = [p for p in followed.places if p.kind == "term" and p.line == carried.line and p.side == "backward"]
    shares = ", ".join(
        f"<code>{escape(p.text)}</code> {size(p.values[here]):.2g} (at {loop} = {before}: {size(p.values[before]):.2g})"
        for p in terms
    )
    closed = [p for p in gates(followed, carried) if falls_to(p, before, here) < CLOSED]
    why = ", ".join(
        f"<code>{escape(p.text)}</code> in line {p.line} is {size(p.values[here]):.2g} "
        f"(at {loop} = {before}: {size(p.values[before]):.2g})"
        for p in closed
    )
    return (
        f"Going back, <code>{escape(carried.name)}</code> falls most at {loop} = {here}: from {sizes[n]:.2g} at "
        f"{loop} = {before} to {sizes[n + 1]:.2g}."
        + (f" What closes the way at {loop} = {here}: {why}." if why else "")
        + f" Its terms at {loop} = {here}: {shares}. The rows of the table below go on from there."
    )


def gates(followed: Followed, carried: Place) -> list[Place]:
    """Factors such as 1 - z and 1 - c * c that the gradients of this function are multiplied with."""
    own = [p for p in followed.places if p.kind == "expression" and p.function == carried.function]
    return list({p.text: p for p in own if " - " in p.text and is_plain(p.text)}.values())


def falls_to(place: Place, before: str, here: str) -> float:
    """Its size in this round, as a share of its size in the round before; 1 where there is none."""
    sizes = [size(place.values[r]) if r in place.values else 0.0 for r in (before, here)]
    return sizes[1] / sizes[0] if sizes[0] else 1.0

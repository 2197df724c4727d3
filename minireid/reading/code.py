"""Lines of source as HTML: rows of gradcheck/front/lines.py in which every place is a span that can be pointed at."""

from collections.abc import Iterable
from html import escape

from minireid.gradcheck.front import lines
from minireid.reading.page import Function, Line
from minireid.reading.place import Place

RANK = {"term": 0, "name": 1, "use": 2, "expression": 3}  # of several places with the same columns the first is meant
CHIPS = 4  # a line that assigns more names shows their values on request alone
Marks = dict[int, int]  # by the number of a place: which use of its variable it is, from 1


def marks_of(places: Iterable[Place]) -> Marks:
    """The uses of a variable that is used several times, and the terms that belong to them, get the same number."""
    found: Marks = {}
    of_variable: dict[tuple[str, str], list[Place]] = {}
    places = list(places)
    for place in places:
        if place.kind == "use" and place.live:
            of_variable.setdefault((place.name, place.function), []).append(place)
    for place in places:
        uses = of_variable.get(place.claim or ("", ""), [])
        if place.kind == "term" and len(uses) > 1 and place.uses:
            found[place.number] = 1 + min(uses.index(use) for use in uses if use.number in place.uses)
            found |= {use.number: n for n, use in enumerate(uses, 1)}
    return found


def function_html(function: Function, places: list[Place], marks: Marks, wrong: set[int]) -> str:
    """wrong: numbers of lines that are known to be to blame."""
    by_line: dict[int, list[Place]] = {}
    for place in places:
        by_line.setdefault(place.line, []).append(place)
    colours = lines.colours_of("\n".join(line.text for line in function.lines), function.lines[0].number)
    rows = [row(line, by_line.get(line.number, []), colours, marks, line.number in wrong) for line in function.lines]
    return lines.listing(function.name, rows)


def row(line: Line, places: list[Place], colours: lines.Colours, marks: Marks, wrong: bool) -> str:
    """A line: its number, its text, its remark, its equations, and a chip for each name that it gives a value."""
    body = spans(line.text, places, colours.get(line.number, []), marks)
    tags = "".join(f'<b class="tag" data-q="{tag}">{tag}</b>' for tag in line.tags)
    remark = f'<i class="remark">{escape(line.comment)}</i>' if line.comment else ""
    chips = [chip(place) for place in places if place.kind in ("name", "argument") and place.name != "_"]
    value = f' data-q="{" ".join(line.tags)}"' if line.tags else ""
    side = f'<span class="side">{remark}{tags}{"".join(chips) if len(chips) <= CHIPS else ""}</span>'
    attributes = f' id="L{line.number}" tabindex="0"{value}'
    return lines.row(line.number, line.text, body, wrong=wrong, attributes=attributes, side=side)


def chip(place: Place) -> str:
    return f'<span class="chip" data-i="{place.number}"></span>'


def spans(text: str, places: list[Place], colours: list[tuple[int, int, str]], marks: Marks) -> str:
    """The text with a span for every place; those of the syntax tree lie inside each other."""
    best: dict[tuple[int, int], Place] = {}
    for place in places:
        if place.columns[1] > place.columns[0] and place.kind in RANK:
            old = best.get(place.columns)
            if old is None or RANK[place.kind] < RANK[old.kind]:
                best[place.columns] = place
    opens: dict[int, list[str]] = {}
    closes: dict[int, list[str]] = {}
    for columns in sorted(best, key=lambda c: (c[0], -c[1])):
        place = best[columns]
        opens.setdefault(columns[0], []).append(f'<span{classes(place, marks)} data-i="{place.number}">')
        closes.setdefault(columns[1], []).insert(0, close(place, marks))
    tags = {column: closes.get(column, []) + opens.get(column, []) for column in {*opens, *closes}}
    return lines.coloured(text, lines.indent_of(text), colours, tags)


def classes(place: Place, marks: Marks) -> str:
    return f' class="m m{(marks[place.number] - 1) % 6 + 1}"' if place.number in marks else ""


def close(place: Place, marks: Marks) -> str:
    return f"<sup>{marks[place.number]}</sup></span>" if place.number in marks else "</span>"

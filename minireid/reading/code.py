"""Lines of source as HTML: keywords and comments coloured, every place a span that can be pointed at."""

import io
import keyword
import tokenize
from collections.abc import Iterable
from html import escape

from minireid.reading.page import Function, Line
from minireid.reading.run import Place

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
    colours = colours_of("\n".join(line.text for line in function.lines), function.lines[0].number)
    rows = [row(line, by_line.get(line.number, []), colours, marks, line.number in wrong) for line in function.lines]
    return f'<div class="code" role="group" aria-label="{escape(function.name)}">{"".join(rows)}</div>'


def row(line: Line, places: list[Place], colours: dict[int, list[tuple[int, int, str]]], marks: Marks,
        wrong: bool) -> str:  # fmt: skip
    """A line: its number, its text, its remark, its equations, and a chip for each name that it gives a value."""
    text = line.text
    indent = len(text) - len(text.lstrip())
    body = spans(text, indent, places, colours.get(line.number, []), marks)
    tags = "".join(f'<b class="tag" data-q="{tag}">{tag}</b>' for tag in line.tags)
    remark = f'<i class="remark">{escape(line.comment)}</i>' if line.comment else ""
    chips = [chip(place) for place in places if place.kind in ("name", "argument") and place.name != "_"]
    kind = " wrong" if wrong else ""
    value = f' data-q="{" ".join(line.tags)}"' if line.tags else ""
    if not text.strip():
        return f'<div class="row empty"><span class="num">{line.number}</span></div>'
    return (
        f'<div class="row{kind}" id="L{line.number}" tabindex="0"{value}><span class="num">{line.number}</span>'
        f'<span class="text" style="--in:{indent}">{body}</span>'
        f'<span class="side">{remark}{tags}{"".join(chips) if len(chips) <= CHIPS else ""}</span></div>'
    )


def chip(place: Place) -> str:
    return f'<span class="chip" data-i="{place.number}"></span>'


def spans(text: str, start: int, places: list[Place], colours: list[tuple[int, int, str]], marks: Marks) -> str:
    """The text from column `start`, with a span for every place; those of the syntax tree lie inside each other."""
    best: dict[tuple[int, int], Place] = {}
    for place in places:
        if place.columns[1] > place.columns[0] and place.kind in RANK:
            old = best.get(place.columns)
            if old is None or RANK[place.kind] < RANK[old.kind]:
                best[place.columns] = place
    opens: dict[int, list[Place]] = {}
    closes: dict[int, list[Place]] = {}
    for columns in sorted(best, key=lambda c: (c[0], -c[1])):
        opens.setdefault(columns[0], []).append(best[columns])
        closes.setdefault(columns[1], []).insert(0, best[columns])
    ends = {end for _, end, _ in colours}
    begins = {begin: kind for begin, _, kind in colours}
    cuts = sorted({start, len(text), *opens, *closes, *begins, *ends})
    found = []
    for a, b in zip(cuts, [*cuts[1:], len(text)]):
        found += [close(place, marks) for place in closes.get(a, [])]
        found += [f'<span{classes(place, marks)} data-i="{place.number}">' for place in opens.get(a, [])]
        inside = [kind for begin, end, kind in colours if begin <= a < end]
        piece = escape(text[a:b])
        found.append(f'<span class="{inside[0]}">{piece}</span>' if inside and piece else piece)
    return "".join(found)


def classes(place: Place, marks: Marks) -> str:
    return f' class="m m{(marks[place.number] - 1) % 6 + 1}"' if place.number in marks else ""


def close(place: Place, marks: Marks) -> str:
    return f"<sup>{marks[place.number]}</sup></span>" if place.number in marks else "</span>"


def colours_of(text: str, first: int) -> dict[int, list[tuple[int, int, str]]]:
    """By line: (first column, last column, class) of keywords, strings and numbers; none if it is no Python."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
            kind = {tokenize.STRING: "s", tokenize.NUMBER: "d"}.get(token.type, "")
            kind = "k" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else kind
            for n in range(token.start[0], token.end[0] + 1) if kind else ():
                begin = token.start[1] if n == token.start[0] else 0
                end = token.end[1] if n == token.end[0] else 10_000
                found.setdefault(first + n - 1, []).append((begin, end, kind))
    except (tokenize.TokenError, IndentationError):
        return {}
    return found

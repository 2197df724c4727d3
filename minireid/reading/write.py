"""A page as one HTML file: the source, the values of a run, the proof, the graph. It needs no network and no server."""

import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minireid.base.html import HEAD
from minireid.base.trees import leaves
from minireid.gradcheck.front import lines
from minireid.reading.cases import about
from minireid.reading.change import changes
from minireid.reading.code import Marks, function_html, marks_of
from minireid.reading.graph import graph
from minireid.reading.mathml import line as equation_line
from minireid.reading.page import Equation, Function, Page
from minireid.reading.place import TRUE, Followed, Place
from minireid.reading.time import over_time
from minireid.reading.windows import SECTION, window_of

HERE = Path(__file__).parent
DIGITS = 6  # significant digits of the values in the file
Address = Callable[[str], str | None]  # the name of a page -> where it is; None: nowhere
FRAME = (
    HEAD
    + """<style>
{style}
</style>
</head>
<body>
{before}<main>
{body}
</main>
<script type="application/json" id="data">{data}</script>
<script>
{script}
</script>
</body>
</html>
"""
)


class Around(NamedTuple):
    """What a site puts around a page: HTML before its main part and at its end, and their CSS."""

    before: str = ""
    after: str = ""
    styles: str = ""


ALONE = Around()


def page_html(name: str, page: Page, followed: Followed | None, *, address: Address = lambda name: None,
              extra: str = "", note: str = "", wrong: dict[int, str] | None = None,
              bug: dict[str, Any] | None = None, styles: str | None = None, around: Around = ALONE) -> str:  # fmt: skip
    """The whole file. extra: HTML between the introduction and the source. note: a sentence below the title.

    wrong: by line, what is wrong there. bug: of a page with a planted bug: {"lines": […], "hints": […], "right": …,
    "explanation": …}; the reader has to find it. styles: the CSS, by default style().
    """
    places = followed.places if followed else []
    marks = marks_of(places)
    window = window_of(name, followed.problem, followed.gradients) if followed else None
    parts = [
        f"<h1>{escape(name)}</h1>",
        f'<p class="lead">{prose(page.title, address)}</p>',
        navigation(address),
        f"<p><b>{escape(note)}</b></p>" if note else "",
        "".join(f'<p class="no">Line {n}: {escape(said)}</p>' for n, said in (wrong or {}).items()),
        run_text(followed) if followed else "",
        intro(page, address),
        extra,
        '<div id="task"></div>' if bug else "",
        source(page, places, marks, set(wrong or {}), address),
        drawing(page, followed) if followed else "",
        SECTION if window else "",
        over_time(followed) if followed else "",
        slider_section() if followed else "",
        table_of_values(followed) if followed else "",
        controls(followed) if followed else "",
        around.after,
    ]
    data = data_of(followed, marks, bug, window) if followed else {}
    return FRAME.format(
        title=f"{escape(name)} · minireid",
        style=(styles or style()) + around.styles,
        before=around.before,
        body="\n".join(part for part in parts if part),
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        script=(HERE / "reading.js").read_text("utf-8") if followed else "",
    )


def style() -> str:
    """All rules of a page; those of a row of source are shared with the checker's reports."""
    return "\n".join([lines.palette(":root"), lines.style(), (HERE / "reading.css").read_text("utf-8")])


def navigation(address: Address) -> str:
    start = address("index")
    return f'<nav aria-label="Site"><a href="{start}">All pages</a></nav>' if start else ""


def prose(text: str, address: Address) -> str:
    """Plain text with *stress*, `code` and names of pages, which become links."""
    found = escape(" ".join(text.split()))
    found = re.sub(r"`([^`]+)`", r"<code>\1</code>", found)
    found = re.sub(r"(?<!\w)\*(\w[^*]*\w)\*(?!\w)", r"<em>\1</em>", found)

    def linked(match: re.Match[str]) -> str:
        there = address(match[2])
        return f'<a href="{there}">{match[2]}.py</a>' if there else match[0]

    return re.sub(r"((?:minireid/)?(?:layers/|losses/|networks/|kernels/)?)\b([a-z]\w+)\.py\b", linked, found)


def intro(page: Page, address: Address) -> str:
    """The docstring: paragraphs, and the equations as a list of things that can be pointed at."""
    found, open_ = [], False
    for part in page.intro:
        if isinstance(part, Equation) != open_:
            found.append("</ol>" if open_ else '<ol class="equations">')
            open_ = not open_
        if isinstance(part, Equation):
            formulas = "".join(f"<div>{equation_line(line)}</div>" for line in part.lines)
            label = part.label.replace("'", "’")
            found.append(
                f'<li tabindex="0" class="equation" data-q="{label}"><b class="tag" data-q="{label}">{label}</b>'
                f"<div>{formulas}</div></li>"
            )
        elif part.startswith("    "):
            found.append(f'<pre tabindex="0">{escape(part)}</pre>')
        else:
            found.append(f"<p>{prose(part, address)}</p>")
    return "\n".join([*found, "</ol>" if open_ else ""])


def run_text(followed: Followed) -> str:
    """How to read the page, and what was run."""
    inputs = ", ".join(f"<code>{escape(n)}</code> {shape_text(a)}" for n, a in leaves(followed.problem.inputs()))
    rounds = followed.rounds
    slider = (
        f"forward {followed.loop} = {rounds['forward'][0]} … {rounds['forward'][-1]}, then backward "
        f"{rounds['backward'][0]} … {rounds['backward'][-1]}"
        if rounds["forward"] and rounds["backward"]
        else "forward, then backward"
    )
    rules = (
        f"The values are those of one small run: {inputs}. {escape(about(followed.problem))}",
        "Click a line, or a part of it: its values appear below. The strip beside a line is its value: orange is "
        "positive, blue negative, white 0. Full colour is the largest value of the whole run.",
        f"The slider goes through the run: {slider}.",
        '<span class="ok">✓</span> A gradient equals the true derivative: its variable was changed a little in the '
        'forward, and the change of the loss was measured. <span class="no">✗</span> It does not.',
        "A number in a disc counts the uses of a variable, each variable by itself. The term of its gradient that "
        "comes from this use has the same number and colour.",
    )
    stopped = f"The backward stopped: {escape(followed.error)}." if followed.error else ""
    items = "".join(f"<li>{rule}</li>" for rule in (*rules, stopped) if rule)
    return f'<h2 id="how">How to read this page</h2><ul class="legend">{items}</ul>'


def controls(followed: Followed) -> str:
    """The slider over the moments of the run; values of the chosen line below it."""
    loop = followed.loop or "step"
    return f"""<section id="bar" aria-label="Values">
<div class="moments"><button id="play" type="button">Play</button>
<button id="before" type="button" aria-label="one moment back">◀</button>
<input id="moment" type="range" min="0" value="0" aria-label="moment of the run: forward, then backward, by {loop}">
<button id="after" type="button" aria-label="one moment on">▶</button>
<output id="now" for="moment"></output><button id="fold" type="button" aria-expanded="true">Hide values</button></div>
<div id="panel" aria-live="polite"></div>
</section>"""


def drawing(page: Page, followed: Followed) -> str:
    picture = graph(page, followed)
    if not picture:
        return ""
    return (
        '<section aria-labelledby="graph-title"><h2 id="graph-title">The graph</h2><p>Each box is a name. An arrow '
        "leads to what is computed from it. The equation stands above the box, its parameters below it. In the "
        "backward every arrow is turned, and the boxes hold gradients."
        f'</p><div class="wide" tabindex="0" role="group" aria-label="graph">{picture}</div></section>'
    )


def source(page: Page, places: list[Place], marks: Marks, wrong: set[int], address: Address) -> str:
    """The functions: what is forward on the left, its backward beside it on the right."""
    rows: list[str] = []
    others: list[str] = []
    partner = {f.name: partner_of(f, page.functions) for f in page.functions}
    taken = {id(p) for p in partner.values() if p is not None}
    for function in page.functions:
        if id(function) in taken:
            continue
        both = [f for f in (function, partner[function.name]) if f is not None]
        parts = [above(f, address) for f in both] + [function_part(f, places, marks, wrong) for f in both]
        kind = "pair both" if len(both) > 1 else "pair"
        (others if function.name.startswith("init") else rows).append(f'<div class="{kind}">{"".join(parts)}</div>')
    return (
        '<section aria-labelledby="source-title"><h2 id="source-title">Forward and backward</h2>'
        f"{''.join(rows + others)}</section>"
    )


def partner_of(function: Function, functions: list[Function]) -> Function | None:
    """The backward of a function: step_backward of step_forward."""
    if "forward" not in function.name:
        return None
    wanted = function.name.replace("forward", "backward")
    return next((f for f in functions if f.name == wanted), None)


def above(function: Function, address: Address) -> str:
    """The comment before a function: the derivation."""
    comment = "".join(
        f'<pre tabindex="0">{escape(part)}</pre>' if part.startswith("  ") else f"<p>{prose(part, address)}</p>"
        for part in paragraphs(function.above)
    )
    return f'<div class="above">{comment}</div>' if comment else ""


def function_part(function: Function, places: list[Place], marks: Marks, wrong: set[int]) -> str:
    own = [p for p in places if function.lines[0].number <= p.line <= function.lines[-1].number]
    return f'<div class="function"><h3>{escape(function.name)}</h3>{function_html(function, own, marks, wrong)}</div>'


def paragraphs(comment: str) -> list[str]:
    """Paragraphs of a comment. Lines that are indented are a paragraph of their own, as they stand."""
    found: list[str] = []
    for line in comment.splitlines():
        if not line.strip():
            found.append("")
        elif found and found[-1] and found[-1].startswith("  ") == line.startswith("  "):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return [part for part in found if part]


def slider_section() -> str:
    return """<section aria-labelledby="change-title"><h2 id="change-title">Change one number</h2>
<p>Move one number of the inputs or parameters. The loss was computed anew for each of its values. The gradient predicts
a straight line, which is right near the start.</p>
<div id="change"></div></section>"""


def table_of_values(followed: Followed) -> str:
    """All values as text, for screen readers, paper, and browsers without scripts."""
    rows = []
    for place in followed.places:
        if place.kind not in ("name", "argument") or not place.values:
            continue
        key, value = list(place.values.items())[-1]
        when = f"{followed.loop} = {key}" if key else ""
        proof = proof_text(place, key)
        rows.append(
            f"<tr><td>{place.line}</td><th scope='row'><code>{escape(place.label)}</code></th><td>{when}</td>"
            f"<td>{shape_text(value)}</td><td><code>{escape(numbers_text(value))}</code></td><td>{proof}</td></tr>"
        )
    head = "".join(f'<th scope="col">{h}</th>' for h in ("line", "name", "round", "shape", "values", "proof"))
    return (
        '<details class="all"><summary>All values as text (each name in the last round that computed it)</summary>'
        f'<div class="wide" tabindex="0" role="group" aria-label="all values"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        "</details>"
    )


def proof_text(place: Place, key: str) -> str:
    if key not in place.errors or place.claim is None:
        return ""
    error = place.errors[key]
    return f"{'right' if key not in place.wrong else 'WRONG'}: error {error:.0e} by {escape(place.by)}"


def shape_text(value: np.ndarray) -> str:
    return " × ".join(map(str, value.shape)) or "number"


def numbers_text(value: np.ndarray) -> str:
    """The numbers with a bracket for each row."""
    shown = np.asarray(value, float) + 0.0  # no -0
    return np.array2string(
        shown, threshold=96, edgeitems=3, max_line_width=10_000, formatter={"float": lambda v: f"{v:.3g}"}
    ).replace("\n", "")


# The data that the script reads.


class Pool:
    """Arrays, each once. An array becomes its number; the file holds [shape, numbers] at that position."""

    def __init__(self) -> None:
        self.arrays: list[list[Any]] = []
        self.known: dict[tuple[Any, bytes], int] = {}

    def __call__(self, array: np.ndarray) -> int:
        array = np.asarray(array, float)
        key = (array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = len(self.arrays)
            self.arrays.append([list(array.shape), rounded(array.ravel())])
        return self.known[key]


def rounded(array: np.ndarray) -> Any:
    """Numbers with DIGITS significant digits; what is not finite as text, since JSON has no such numbers."""
    found = [float(f"{v:.{DIGITS}g}") if np.isfinite(v) else str(v) for v in np.ravel(np.asarray(array, float))]
    found = [int(v) if isinstance(v, float) and v == int(v) and abs(v) < 1e15 else v for v in found]
    return found if np.ndim(array) else found[0]


def data_of(followed: Followed, marks: Marks, bug: dict[str, Any] | None, window: Any) -> dict[str, Any]:
    pool = Pool()
    window = window and {k: pool(v) if isinstance(v, np.ndarray) else v for k, v in window.items()}
    places = [place_data(place, pool, marks) for place in followed.places]
    return {
        "loop": followed.loop,
        "rounds": followed.rounds,
        "places": places,
        "change": changes(followed.problem, followed.gradients, rounded),
        "tolerance": TRUE,
        "bug": bug,
        "window": window,
        "arrays": pool.arrays,
    }


def place_data(place: Place, pool: Pool, marks: Marks) -> dict[str, Any]:
    """What the script knows of a place; what is empty is left out."""
    found: dict[str, Any] = {
        "i": place.number,
        "b": place.side == "backward",
        "k": place.kind,
        "l": place.line,
        "n": place.label,
        "f": place.function,
        "v": {key: pool(value) for key, value in place.values.items()},
        "m": marks.get(place.number, 0),
    }
    found |= {"t": {key: pool(value) for key, value in place.true.items()}} if place.true else {}
    found |= {"e": {key: rounded(np.array(e)) for key, e in place.errors.items()}} if place.errors else {}
    found |= {"c": place.by} if place.claim else {}
    found |= {"r": place.rule} if place.rule and place.live else {}
    return found | ({"u": place.uses} if place.uses else {})

"""A line of source as HTML, and its CSS: for reports in notebooks (html.py) and for the reading room.

A row is a number and the coloured text. The wrong row is marked by colour, a border, an arrow, and by words that a
screen reader says.
"""

import io
import keyword
import tokenize
from collections.abc import Mapping, Sequence
from html import escape

WORDS = "wrong line"
ARROW = f'<b class="arrow" role="img" aria-label="{WORDS}">→</b>'
LIGHT = (
    "--text: #1b1b1b; --page: #ffffff; --line: #d3d6db; --quiet: #5a5f66; --ok: #0a6b2d; --no: #b3001b; "
    "--no-back: #ffe3e7; --k: #7a1fa2; --s: #0a5d33; --d: #8a4b00;"
)
DARK = (
    "--text: #e7e7e7; --page: #16181c; --line: #3d424b; --quiet: #b0b6bf; --ok: #7fdc9d; --no: #ff8f9c; "
    "--no-back: #47151c; --k: #d7a5f5; --s: #8fd6ac; --d: #f0b879;"
)
RULES = (  # each is one line with one selector, so that style() can put a scope before it
    '.code { border: 1px solid var(--line); border-radius: 6px; padding: .35em 0; margin: .35em 0 .9em; font-family: '
    'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .86em; }',
    ".row { display: flex; flex-wrap: wrap; gap: 0 .7em; margin: 0; padding: .07em .6em .07em 0; "
    "border-left: 4px solid transparent; }",
    ".row.empty { min-height: .7em; }",
    ".row .num { width: 2.8em; flex: none; text-align: right; color: var(--quiet); user-select: none; }",
    ".row .text { flex: 1 1 min(25.6em, 100% - 3.6em); min-width: 0; box-sizing: border-box; white-space: pre-wrap; "
    "overflow-wrap: anywhere; padding-left: calc(var(--in) * 1ch + 2ch); text-indent: calc(var(--in) * -1ch - 2ch); }",
    ".row.wrong { border-left: 4px double var(--no); background: var(--no-back); color: var(--text); "
    "font-weight: inherit; }",
    ".row .arrow { float: left; padding-left: .3em; color: var(--no); }",
    ".row .no { color: var(--no); }",
    ".k { color: var(--k); }",
    ".s { color: var(--s); }",
    ".d { color: var(--d); }",
    ".c { color: var(--quiet); }",
)  # fmt: skip
KINDS = {"STRING": "s", "NUMBER": "d", "COMMENT": "c"} | dict.fromkeys(
    ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END"), "s"
)
Colours = dict[int, list[tuple[int, int, str]]]  # by line: (first column, last column, class)


def palette(scope: str) -> str:
    """The colours as variables of `scope`, light or dark as the reader has chosen; light on paper."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{ {scope} {{ {DARK} }} }}"
    return f"{scope} {{ {LIGHT} }}\n{dark}"


def style(scope: str = "") -> str:
    """The rules. scope: a selector and a blank, ".gradcheck ", so that they hold inside of it alone."""
    return "\n".join(scope + rule for rule in RULES)


def colours_of(text: str, first: int) -> Colours:
    """Where keywords, strings, numbers, comments stand; nothing if it is no Python. first: the first line's number."""
    found: Colours = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
            kind = KINDS.get(tokenize.tok_name[token.type], "")
            kind = "k" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else kind
            for n in range(token.start[0], token.end[0] + 1) if kind else ():
                begin = token.start[1] if n == token.start[0] else 0
                end = token.end[1] if n == token.end[0] else 10_000
                found.setdefault(first + n - 1, []).append((begin, end, kind))
    except (tokenize.TokenError, SyntaxError):
        return {}
    return found


def coloured(
    text: str, start: int, colours: Sequence[tuple[int, int, str]], inserts: Mapping[int, list[str]] | None = None
) -> str:
    """The text from column `start`. inserts: tags of HTML that stand before a column; they may hold several pieces."""
    inserts = inserts or {}
    ends = {end for _, end, _ in colours}
    begins = {begin for begin, _, _ in colours}
    cuts = sorted({start, len(text), *inserts, *begins, *ends})
    found = []
    for a, b in zip(cuts, [*cuts[1:], len(text)]):
        found += inserts.get(a, [])
        inside = [kind for begin, end, kind in colours if begin <= a < end]
        piece = escape(text[a:b]) if a >= start else ""
        found.append(f'<span class="{inside[0]}">{piece}</span>' if inside and piece else piece)
    return "".join(found)


def row(number: int | str, text: str, body: str, *, wrong: bool = False, attributes: str = "", side: str = "") -> str:
    """body: the text behind its indentation, as HTML. attributes: of the row, " id=…". side: HTML at its end."""
    if not text.strip():
        return f'<div class="row empty"><span class="num">{number}</span></div>'
    return (
        f'<div class="row{" wrong" if wrong else ""}"{attributes}>'
        f'<span class="num">{ARROW if wrong else ""}{number}</span>{indented(text, body)}{side}</div>'
    )


def below(text: str, body: str) -> str:
    """What is known of a wrong line, right below it and part of its mark. text: of that line. body: HTML."""
    return f'<div class="row wrong"><span class="num"></span>{indented(text, body)}</div>'


def indented(text: str, body: str) -> str:
    """The indentation stands as text too, so it is there when the lines are copied."""
    indent = indent_of(text)
    return f'<span class="text" style="--in:{indent}">{text[:indent]}{body}</span>'


def indent_of(text: str) -> int:
    return len(text) - len(text.lstrip())


def listing(name: str, rows: Sequence[str]) -> str:
    """name: what a screen reader calls it."""
    return f'<div class="code" role="group" aria-label="{escape(name)}">{"".join(rows)}</div>'

"""A report as HTML, for notebooks: the source with the wrong line marked, the values, the cause and the fix.

It needs no other file and no script. Colours follow the reader's light or dark mode. Each mark is also a word, so a
screen reader, or a print in black and white, tells the same.
"""

import ast
import inspect
import linecache
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from minireid.gradcheck.front import lines
from minireid.gradcheck.tensor.compare import told_apart

if TYPE_CHECKING:
    from minireid.gradcheck.finding import Finding, Line
    from minireid.gradcheck.report import Report

AROUND = 30  # of a longer function: so many lines before and after the wrong one

SCOPE = ".gradcheck"  # in a notebook the rules hold inside of it alone
STYLE = f"""
{lines.palette(SCOPE)}
[data-jp-theme-light="false"] {SCOPE}, .vscode-dark {SCOPE}, [theme="dark"] {SCOPE} {{ {lines.DARK} }}
[data-jp-theme-light="true"] {SCOPE}, .vscode-light {SCOPE}, [theme="light"] {SCOPE} {{ {lines.LIGHT} }}
{lines.style(SCOPE + " ")}
""" + """
.gradcheck { color: var(--text); background: var(--page); font: 14px/1.45 system-ui, sans-serif; max-width: 62rem;
  padding: .1em .8em .6em; border-radius: 4px; }
.gradcheck h3 { font-size: 1.1em; margin: .6em 0 .3em; } .gradcheck h4 { font-size: 1em; margin: .8em 0 .2em; }
.gradcheck p { margin: .25em 0; } .gradcheck .bad { color: var(--no); font-weight: 600; }
.gradcheck .good { color: var(--ok); font-weight: 600; } .gradcheck .soft { color: var(--quiet); }
.gradcheck table { border-collapse: collapse; margin: .3em 0; }
.gradcheck th, .gradcheck td { border-bottom: 1px solid var(--line); padding: .15em .8em .15em 0; text-align: left;
  background: transparent; color: inherit; }
.gradcheck code { font-family: ui-monospace, monospace; background: transparent; color: inherit; }
"""  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A part of a person's source: the name of the function, the number of its first line, its lines."""

    name: str
    first: int
    lines: tuple[str, ...]


def shown(functions: list[Callable[..., Any]], line: Any) -> list[Shown]:
    """The source to show: the function with the wrong line; without a line, the last one. Empty if there is none.

    functions: forward and backward. line: a Line of the report, or None. The text is read now: a file may change.
    """
    found = [part for function in functions if (part := source_of(function)) is not None]
    if line is None:
        return found[-1:]
    inside = [part for part in found if part.name == line.function and in_it(part, line.number)]
    return inside[-1:] or helpers(functions, line)


def in_it(part: Shown, number: int) -> bool:
    return part.first <= number < part.first + len(part.lines)


def code_of(function: Any) -> types.CodeType | None:
    """The code of a function, of a method, or of a wrapper that keeps it."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    return code if isinstance(code, types.CodeType) else None


def source_of(function: Any) -> Shown | None:
    code = code_of(function)
    if code is None:
        return None
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        return None
    return Shown(code.co_name, max(first, 1), tuple(line.rstrip("\n") for line in lines))


def helpers(functions: list[Callable[..., Any]], line: Any) -> list[Shown]:
    """The wrong line in another function of the same file, or notebook cell."""
    for name in {code.co_filename for f in functions if (code := code_of(f)) is not None}:
        lines = linecache.getlines(name)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            own = isinstance(node, ast.FunctionDef) and node.name == line.function
            if own and node.lineno <= line.number <= (node.end_lineno or 0):  # type: ignore[attr-defined]
                first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
                text = [one.rstrip("\n") for one in lines[first - 1 : last]]
                if text[line.number - first].strip() == line.text:
                    return [Shown(line.function, first, tuple(text))]
    return []


def to_html(report: "Report", hints: int = 4) -> str:
    """The whole report as a part of a page. hints: as of Report.text."""
    verdict = f'<span class="{"good" if report.ok else "bad"}">{"right" if report.ok else "WRONG"}</span>'
    how = f"seed {report.seed}{', ' if report.method else ''}{report.method}"
    parts = [
        f"<h3>{e(report.name)}: {verdict} <span class='soft'>({e(how)})</span></h3>",
        *(faults(report) if hints >= 1 else []),
        *(source(report) if hints >= 2 else []),
        *(findings(report, hints) if hints >= 2 else []),
        *(tensors(report) if hints >= 1 else []),
        *notes(report, hints),
        *alive(report),
    ]
    name = f"Gradient check of {report.name}: {'right' if report.ok else 'wrong'}"
    return (
        f'<style>{STYLE}</style>\n<section class="gradcheck" aria-label="{e(name)}">\n'
        + "\n".join(parts)
        + "\n</section>"
    )


def e(text: Any) -> str:
    return escape(str(text), quote=True)


def faults(report: "Report") -> list[str]:
    sentences = [*([report.forward] if report.forward else []), *report.faults]
    return [f'<p class="bad">{e(sentence)}</p>' for sentence in sentences]


def source(report: "Report") -> list[str]:
    """The function with its wrong line marked; or that line alone, where the function is not known."""
    line = report.line
    if report.ok or not (report.sources or line):
        return []
    if not report.sources:
        return alone(line) if line else []
    part = report.sources[0]
    number = line.number if line else 0
    colours = lines.colours_of("\n".join(part.lines), part.first)
    rows = []
    for n, text in enumerate(part.lines, part.first):
        if number and abs(n - number) > AROUND:
            continue
        body = lines.coloured(text, lines.indent_of(text), colours.get(n, []))
        rows.append(lines.row(n, text, body, wrong=n == number))
        rows += below(line, text) if line and n == number else []
    title = f"<h4>Line {number} in {e(part.name)}</h4>" if number else f"<h4>{e(part.name)}</h4>"
    return [title, lines.listing(f"source of {part.name}", rows)]


def alone(line: "Line") -> list[str]:
    """A wrong line without its function."""
    rows = [lines.row(line.number, line.text, plain(line.text), wrong=True), *below(line, line.text)]
    title = f"Line {line.number} in {line.function}"
    return [f"<h4>{e(title)}</h4>", lines.listing(title, rows)]


def plain(text: str) -> str:
    """A line of code without those around it."""
    return lines.coloured(text, lines.indent_of(text), lines.colours_of(text, 1).get(1, []))


def below(line: "Line", text: str) -> list[str]:
    """Right below the wrong line: its worst entry, computed and true."""
    if not line.variable or math.isnan(line.true):
        return []
    place = f"{line.variable}{list(line.index) if line.index else ''}{' ' + line.where if line.where else ''}"
    computed, true = told_apart(line.computed, line.true, 6)
    said = f"{e(place)}: computed <b>{computed}</b>, true <b>{true}</b>; {e(line.wrong)}"
    return [lines.below(text, f'<b class="no">✗</b> {said}')]


def findings(report: "Report", hints: int) -> list[str]:
    """What is known of every finding. Of all but the first, the line too: that of the first is marked."""
    if report.ok:
        return []
    found = []
    for finding in report.findings:
        line = finding.line
        if line is not None and finding is not report.findings[0]:
            found += alone(line)
        found += before(line)
        found += causes(finding, report.fixed(), hints) if hints >= 3 else []
    return found


def before(line: "Line | None") -> list[str]:
    if line is None or not line.before:
        return []
    names = ", ".join(f"<code>{e(name)}</code>" for name in line.before)
    return [f'<p><span class="good">Right</span> up to there: {names}</p>']


def causes(finding: "Finding", fixed: str, hints: int) -> list[str]:
    """fixed: what comes out right with the fix."""
    if not finding.causes:
        return []
    first, *rest = finding.causes
    found = ["<h4>Probable cause</h4>", f"<p><strong>{e(first.cause)}</strong>: {e(first.text)}</p>"]
    if first.fix and hints >= 4:
        rows = [lines.row("", text, plain(text)) for text in first.fix.splitlines()]
        found += [f"<p>{fixed.capitalize()} comes out right with:</p>", lines.listing("the fix", rows)]
    others = [cause for cause in rest if cause.text != first.text]
    return found + [f"<p>or <strong>{e(cause.cause)}</strong>: {e(cause.text)}</p>" for cause in others]


def tensors(report: "Report") -> list[str]:
    if not report.tensors:
        return []
    rows = [
        f'<tr><th scope="row"><code>{e(t.name)}</code></th><td><code>{e(t.shape)}</code></td>'
        f'<td><span class="{"good" if t.ok else "bad"}">{"right" if t.ok else "WRONG"}</span></td>'
        f"<td>{e(t.verdict)}</td></tr>"
        for t in report.tensors
    ]
    head = "".join(f'<th scope="col">{word}</th>' for word in ("tensor", "shape", "gradient", "how far off"))
    return ["<h4>Gradients</h4>", f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"]


def notes(report: "Report", hints: int) -> list[str]:
    shown = [note for note in report.notes if hints >= 1 or note.startswith("UNCHECKED")]
    return [f'<p class="{"bad" if note.startswith("UNCHECKED") else "soft"}">{e(note)}</p>' for note in shown]


def alive(report: "Report") -> list[str]:
    """The command that shows the run of the functions in a browser, where there is one."""
    if report.ok or not report.alive:
        return []
    return [f'<p class="soft">Every value of a small run, in a browser: <code>{e(report.alive)}</code></p>']

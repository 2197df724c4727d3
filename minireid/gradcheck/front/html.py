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

if TYPE_CHECKING:
    from minireid.gradcheck.finding import Finding, Line
    from minireid.gradcheck.report import Report

AROUND = 30  # of a longer function: so many lines before and after the wrong one

LIGHT = (
    "--text: #1b1b1b; --back: #ffffff; --line: #c9c9c9; --bad: #b3001b; --bad-back: #ffe9ec; --good: #0a6b2d; "
    "--soft: #595959;"
)
DARK = (
    "--text: #e8e8e8; --back: #1c1c1e; --line: #555555; --bad: #ff8f9c; --bad-back: #47151c; --good: #7fdc9d; "
    "--soft: #b0b0b0;"
)
STYLE = (
    f"""
.gradcheck {{ {LIGHT} }}
@media (prefers-color-scheme: dark) {{ .gradcheck {{ {DARK} }} }}
[data-jp-theme-light="false"] .gradcheck, .vscode-dark .gradcheck, [theme="dark"] .gradcheck {{ {DARK} }}
[data-jp-theme-light="true"] .gradcheck, .vscode-light .gradcheck, [theme="light"] .gradcheck {{ {LIGHT} }}
"""
    + """
.gradcheck { color: var(--text); background: var(--back); font: 14px/1.45 system-ui, sans-serif; max-width: 62rem;
  padding: .1em .8em .6em; border-radius: 4px; }
.gradcheck h3 { font-size: 1.1em; margin: .6em 0 .3em; } .gradcheck h4 { font-size: 1em; margin: .8em 0 .2em; }
.gradcheck p { margin: .25em 0; } .gradcheck .bad { color: var(--bad); font-weight: 600; }
.gradcheck .good { color: var(--good); font-weight: 600; } .gradcheck .soft { color: var(--soft); }
.gradcheck pre { border: 1px solid var(--line); border-radius: 4px; padding: .4em 0; margin: .3em 0; overflow-x: auto;
  font: 13px/1.4 ui-monospace, monospace; background: transparent; color: inherit; }
.gradcheck pre span.row { display: block; padding: 0 .6em; white-space: pre; }
.gradcheck pre span.row.wrong { background: var(--bad-back); border-left: 4px solid var(--bad); padding-left: .35em; }
.gradcheck mark { background: none; color: inherit; }
.gradcheck table { border-collapse: collapse; margin: .3em 0; }
.gradcheck th, .gradcheck td { border-bottom: 1px solid var(--line); padding: .15em .8em .15em 0; text-align: left;
  background: transparent; color: inherit; }
.gradcheck td.number { font-family: ui-monospace, monospace; text-align: right; }
.gradcheck code { font-family: ui-monospace, monospace; background: transparent; color: inherit; }
"""
)


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


def to_html(report: "Report") -> str:
    """The whole report as a part of a page."""
    verdict = f'<span class="{"good" if report.ok else "bad"}">{"right" if report.ok else "WRONG"}</span>'
    how = f"seed {report.seed}{', ' if report.method else ''}{report.method}"
    title = f"<h3>{e(report.name)}: {verdict} <span class='soft'>({e(how)})</span></h3>"
    parts = [
        title,
        *faults(report),
        *source(report),
        *findings(report),
        *tensors(report),
        *notes(report),
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
    """The function, its wrong line marked by colour, a border, an arrow, and a word for screen readers."""
    if report.ok:
        return []
    if not report.sources:
        line = report.line
        return [f"<h4>Line {line.number} in {e(line.function)}</h4><pre>{e(line.text)}</pre>"] if line else []
    part = report.sources[0]
    number = report.line.number if report.line else 0
    title = f"<h4>Line {number} in {e(part.name)}</h4>" if number else f"<h4>{e(part.name)}</h4>"
    rows = []
    width = len(str(part.first + len(part.lines)))
    for n, text in enumerate(part.lines, part.first):
        if number and abs(n - number) > AROUND:
            continue
        if n == number:
            mark = '<strong class="bad" aria-label="wrong line">→</strong>'
            rows.append(f'<span class="row wrong"><mark>{mark} {n:>{width}}  {e(text)}</mark></span>')
        else:
            rows.append(f'<span class="row">  <span class="soft">{n:>{width}}</span>  {e(text)}</span>')
    return [title, f'<pre tabindex="0" aria-label="source of {e(part.name)}">{"".join(rows)}</pre>']


def findings(report: "Report") -> list[str]:
    """The values and the causes of every finding. Of all but the first, the line too: that of the first is marked."""
    if report.ok:
        return []
    found = []
    for finding in report.findings:
        line = finding.line
        if line is not None and finding is not report.findings[0]:
            found.append(f"<h4>Line {line.number} in {e(line.function)}</h4><pre>{e(line.text)}</pre>")
        found += [*values(line), *causes(finding, report.fixed())]
    return found


def values(line: "Line | None") -> list[str]:
    if line is None:
        return []
    found = []
    if line.variable and not math.isnan(line.true):
        place = f"{line.variable}{list(line.index) if line.index else ''}{' ' + line.where if line.where else ''}"
        found.append(
            f"<p><code>{e(place)}</code>: computed <code>{line.computed:.6g}</code>, "
            f"true <code>{line.true:.6g}</code>; {e(line.wrong)}</p>"
        )
    if line.before:
        names = ", ".join(f"<code>{e(name)}</code>" for name in line.before)
        found.append(f'<p><span class="good">Right</span> up to there: {names}</p>')
    return found


def causes(finding: "Finding", fixed: str) -> list[str]:
    """fixed: what comes out right with the fix."""
    if not finding.causes:
        return []
    first, *rest = finding.causes
    found = ["<h4>Probable cause</h4>", f"<p><strong>{e(first.cause)}</strong>: {e(first.text)}</p>"]
    if first.fix:
        found.append(
            f'<p>{fixed.capitalize()} comes out right with:</p><pre><span class="row">{e(first.fix)}</span></pre>'
        )
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


def notes(report: "Report") -> list[str]:
    return [f'<p class="{"bad" if note.startswith("UNCHECKED") else "soft"}">{e(note)}</p>' for note in report.notes]

"""What a student gets back: one HTML page with every tensor, in words. It needs no other file."""

from collections.abc import Sequence
from html import escape

from minireid.practice.grading.classes import Work
from minireid.practice.grading.grade import Grade, Row, condensed, points

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
td.points { text-align: right; white-space: nowrap; }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; }
.hint { border-left: 4px solid #c9a227; padding-left: .75rem; }
"""


COLOURS = """
.right { color: #11601f; }
.wrong { color: #9c1c12; font-weight: 600; }
"""


def page(student: str, works: Sequence[Work], hints: int = 1) -> str:
    """The page of one student. hints: 0 the verdict alone, 1 also every tensor and where to look."""
    got, of = sum(work.grade.points for work in works), sum(work.grade.of for work in works)
    parts = "\n".join(section(work.grade, hints) for work in works)
    name = escape(student)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}: {points(got)} of {points(of)} points</title>\n<style>{STYLE}{COLOURS}</style></head>\n<body>\n"
        f"<h1>{name}: {points(got)} of {points(of)} points</h1>\n{parts}\n</body>\n</html>\n"
    )


def section(grade: Grade, hints: int, reports: Sequence[str] = ()) -> str:
    """reports: what the checker said, as HTML; by default the texts that the grade has."""
    parts = [f"<h2>{escape(grade.exercise)}: {points(grade.points)} of {points(grade.of)}</h2>"]
    parts.append(f'<p class="{"right" if grade.ok else "wrong"}">{escape(grade.word)}</p>')
    if hints >= 1 and grade.rows:
        rows = "\n".join(row_of(row) for row in condensed(grade.rows))
        head = "<tr><th>function</th><th>tensor</th><th>result</th><th>points</th></tr>"
        parts.append(f"<table>\n{head}\n{rows}\n</table>")
    if hints >= 1 and not grade.ok and grade.hint:
        parts.append(f'<p class="hint">A usual trap: {escape(grade.hint)}</p>')
    parts += [f'<p class="hint">Probably {escape(cause)}</p>' for cause in grade.causes if hints >= 3]
    parts += reports or [f"<pre>{escape(report)}</pre>" for report in grade.reports]
    parts.append(f"<p><small>seed {grade.seed}</small></p>")
    return "\n".join(parts)


def row_of(row: Row) -> str:
    said = "right" if row.ok else f"wrong: {row.said}"
    note = f"<br><small>{escape(row.note)}</small>" if row.note else ""
    return (
        f'<tr><td>{escape(row.part)}</td><td>{escape(row.tensor)}</td><td class="{"right" if row.ok else "wrong"}">'
        f'{escape(said)}{note}</td><td class="points">{points(row.points)} of {points(row.of)}</td></tr>'
    )

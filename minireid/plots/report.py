"""report.html: one file with the table, the pictures and the recipe. It needs no internet and no scripts."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from minireid.base.files import write_text
from minireid.base.html import HEAD

LINK = "How this network works, layer by layer"
PIXELS = 1.5  # pixels of a picture per pixel of the page: sharp on high-resolution screens
CSS = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #222; background: #fff;
  max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .3rem; }
p { margin: .3rem 0 .8rem; max-width: 46rem; overflow-wrap: break-word; }
.protocol { color: #555; border-left: 3px solid #0072B2; padding-left: .8rem; }
.wide { overflow-x: auto; }
img.wide { max-width: max(100%, 40rem); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { padding: .35rem .8rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #888; }
th:first-child, td:first-child { text-align: left; }
tbody tr:first-child td { font-weight: 600; }
figure { margin: 0; overflow-x: auto; }
img { max-width: 100%; height: auto; display: block; }
pre { background: #f5f5f5; padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; line-height: 1.45; }
@media print { img.wide { max-width: 100%; }
  body { max-width: none; padding: 0; font-size: 11pt; } section { break-inside: avoid; }
  section.recipe { break-inside: auto; } pre { white-space: pre-wrap; } }
"""
PAGE = (
    HEAD
    + """<style>{css}</style>
</head>
<body>
{body}
</body>
</html>
"""
)


def report(
    path: Path,
    *,
    title: str,
    caption: str,
    rows: Sequence[Sequence[str]],
    pictures: Sequence[tuple[str, str, Path]],
    recipe_text: str,
    network_page: str = "",
) -> None:
    """Write the report, completely or not at all.

    caption: the protocol in one line. rows: the result table as texts, its header first. pictures: (title, one sentence
    that explains it, PNG file). network_page: the address of a page about the network. All texts are escaped.
    """
    images = [(name, explanation, file.read_bytes()) for name, explanation, file in pictures]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="protocol">{escape(caption)}</p>',
        *([f'<p><a href="{escape(network_page)}">{LINK}</a></p>'] if network_page else []),
        f"<section><h2>Results</h2>{table(rows)}</section>",
        *(picture(*image) for image in images),
        f'<section class="recipe"><h2>Recipe</h2><pre>{escape(recipe_text)}</pre></section>',
    ]
    page = PAGE.format(title=escape(title), css=CSS, body="\n".join(parts))
    write_text(path, page)


def table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{header}</tr></thead><tbody>{lines}</tbody></table></div>'


def picture(title: str, explanation: str, png: bytes) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    width = round(int.from_bytes(png[16:20], "big") / PIXELS)  # the header of a PNG has its width
    kind = ' class="wide"' if width > 640 else ""  # on a phone, wide pictures scroll instead of becoming tiny
    image = f'<figure><img{kind} src="{source}" width="{width}" alt="{escape(title)}"></figure>'
    return f"<section><h2>{escape(title)}</h2><p>{escape(explanation)}</p>{image}</section>"

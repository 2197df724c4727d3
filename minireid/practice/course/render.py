"""Files of the repository as HTML: notebooks, Markdown, source. Formulas become MathML, so no page needs a network."""

import re
from collections.abc import Callable
from html import escape
from typing import Any

import nbformat
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

Address = Callable[[str], str | None]  # a link of a file -> the link of its page; None: there is no such page
TAG = re.compile(r"\\tag\{(.*?)\}")


def formula(latex: str, display: str) -> str:
    """LaTeX -> MathML. The number of an equation stands at its right."""
    tags = TAG.findall(latex)
    math = convert(TAG.sub("", latex).strip(), display=display)
    return math if display == "inline" else f'<span class="equation">{math}<span>{escape(" ".join(tags))}</span></span>'


class Renderer(IPythonRenderer):
    """Markdown with formulas, and with links that lead to pages of the site."""

    def __init__(self, address: Address) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self.address = address

    def block_math(self, body: str) -> str:
        return formula(body, "block")

    def inline_math(self, body: str) -> str:
        return formula(body, "inline")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        there = self.address(url)
        return text if there is None else super().link(text, there, title)

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        return f'<h{level} id="{anchor(text)}">{text}</h{level}>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, self.address(url) or url, title)


class Exporter(HTMLExporter):
    """A notebook's cells as HTML, without a frame."""

    def __init__(self, address: Address) -> None:
        self.address = address
        super().__init__(template_name="basic")

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield ("markdown2html", lambda source: markdown(source, self.address))


def anchor(heading: str) -> str:
    """The id of a heading, as GitHub makes it: small letters, digits, _ and - for spaces."""
    return re.sub(r"[^\w -]", "", re.sub(r"<.*?>", "", heading)).lower().replace(" ", "-")


def markdown(source: str, address: Address) -> str:
    return str(MarkdownWithMath(renderer=Renderer(address)).render(source))


def notebook(text: str, address: Address) -> str:
    body, _ = Exporter(address).from_notebook_node(nbformat.reads(text, 4))
    return body


def code(text: str, name: str) -> str:
    """Source with line numbers that can be linked to: gru.py.html#line-69."""
    try:
        lexer = get_lexer_for_filename(name)
    except ClassNotFound:
        lexer = TextLexer()
    return str(highlight(text, lexer, HtmlFormatter(linenos="inline", lineanchors="line", anchorlinenos=True)))


def colours() -> str:
    """The style sheet of highlighted code: for light and for dark screens."""
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"

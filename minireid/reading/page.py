"""A page of source, taken apart: title, prose, equations; its functions, the comments between them, their lines.

The lines stay as they are. A comment `# F5, F3` at the end of a line names its equations. Where a line has a sum of as
many terms as it names equations, the tags stand in the order of the terms.
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass, field

LABEL = re.compile(r"^ {4}([A-Z]\d'?) ?(.*)$")  # an equation of the docstring
TAG = re.compile(r"\b([A-Z]\d)\b")
BACKWARD = ("backward", "bwd")


@dataclass
class Equation:
    """label: F1. lines: its text, as it stands in the docstring."""

    label: str
    lines: list[str]


@dataclass
class Line:
    """number: in the file. text: without its comment. comment: without the tags. tags: the equations it belongs to."""

    number: int
    text: str
    comment: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass
class Function:
    """above: the comment before it. lines: from `def` to its end. names: what each line assigns, by line."""

    name: str
    side: str
    above: str
    lines: list[Line]
    node: ast.FunctionDef


@dataclass
class Page:
    """title: the first sentence of the docstring. intro: its prose and equations in order."""

    title: str
    intro: list[str | Equation]
    functions: list[Function]
    text: str

    @property
    def equations(self) -> list[Equation]:
        return [part for part in self.intro if isinstance(part, Equation)]


def parse(text: str) -> Page:
    """Take a page's source apart. SyntaxError if it is no Python."""
    tree = ast.parse(text)
    title, _, rest = (ast.get_docstring(tree) or "").partition("\n\n")
    lines = text.splitlines()
    comments = comments_of(text)
    functions = [function_of(node, lines, comments) for node in tree.body if isinstance(node, ast.FunctionDef)]
    page = Page(" ".join(title.split()), intro_of(rest), functions, text)
    complete_tags(page)
    return page


def intro_of(docstring: str) -> list[str | Equation]:
    """Paragraphs and equations. A line that is indented further, or follows an equation, belongs to it."""
    found: list[str | Equation] = []
    for line in docstring.splitlines():
        label = LABEL.match(line)
        if label:
            found.append(Equation(label[1], [label[2].strip()]))
        elif not line.strip():
            found.append("")
        elif line.startswith("    ") and found and isinstance(found[-1], Equation):
            found[-1].lines.append(line.strip())
        elif found and isinstance(found[-1], str) and found[-1]:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return [part for part in found if part]


def comments_of(text: str) -> dict[int, tuple[int, str]]:
    """By line: the column of its comment, and the comment."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = (token.start[1], token.string)
    return found


def function_of(node: ast.FunctionDef, lines: list[str], comments: dict[int, tuple[int, str]]) -> Function:
    first, last = min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.end_lineno or node.lineno
    side = "backward" if any(word in node.name for word in BACKWARD) else "forward"
    found = [line_of(n, lines[n - 1], comments.get(n)) for n in range(first, last + 1)]
    return Function(node.name, side, above(first, lines), found, node)


def line_of(number: int, text: str, comment: tuple[int, str] | None) -> Line:
    if comment is None:
        return Line(number, text.rstrip())
    column, said = comment
    said = "" if said.startswith("# fmt") else said.lstrip("# ")
    head = re.match(r"(?:[A-Z]\d(?:, | to )?)+", said)
    tags = TAG.findall(head[0]) if head else []
    return Line(number, text[:column].rstrip(), said[len(head[0]) :].strip(" ,") if head else said, tags)


def above(first: int, lines: list[str]) -> str:
    """The comment that stands before a function, with blank lines between them or not."""
    n = first - 2
    while n >= 0 and not lines[n].strip():
        n -= 1
    found = []
    while n >= 0 and lines[n].startswith("#"):
        found.append(lines[n][1:].removeprefix(" "))
        n -= 1
    return "\n".join(found[::-1])


def complete_tags(page: Page) -> None:
    """A line without a tag that makes a name of exactly one equation belongs to it: az = … of F1 z = sigmoid(az)."""
    for function in page.functions:
        for line in function.lines:
            name = re.match(r"\s*(\w+) = ", line.text)
            if line.tags or not name or function.side == "backward":
                continue
            owners = [e.label for e in page.equations if re.search(rf"\b{name[1]}\b", e.lines[0])]
            line.tags = owners if len(owners) == 1 else []

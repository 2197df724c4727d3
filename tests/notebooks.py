"""What a notebook of the course puts out, what its prose says, and whether the two have drifted apart."""

import re

import nbformat

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
ROUNDING = 1e-9  # what is smaller is rounding, and differs between processors
TAGS = {
    "timing",  # its numbers are times: they are not compared
    "trained",  # numbers after many steps, which rounding moves: the cell itself asserts what the prose says of them
}
# a decimal, a percentage or a number of three digits or more: what somebody must have computed
CLAIM = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\w)|(?<![\w.])\d+(?= ?%)|(?<![\w.-])\d{3,}(?![\w.]*\w)")
YEAR = re.compile(r"\b(?:1[6-9]|20)\d\d\b")


def cells(notebook: nbformat.NotebookNode, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    """The code in the folded solutions, in order."""
    text = "\n".join(cell.source for cell in cells(notebook, "markdown"))
    folded = re.findall(r"<details>(.*?)</details>", text, re.DOTALL)
    return [code for part in folded for code in re.findall(r"```python\n(.*?)```", part, re.DOTALL)]


def outputs(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """What a cell put out, without stderr: there the first run says that it compiles."""
    return [output for output in cell.outputs if output.get("name") != "stderr"]


def kinds(cell: nbformat.NotebookNode) -> set[str]:
    """What a cell put out: text, pictures, a value."""
    return {name for output in outputs(cell) for name in (output.get("data") or {output.output_type: ""})}


def texts(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell put out, as text: all that was printed first, then each value. Without styles, which say nothing."""
    printed = "".join(output.text for output in outputs(cell) if output.output_type == "stream")
    values = [sorted(output.get("data", {}).items()) for output in outputs(cell)]
    found = [printed, *(STYLE.sub("", str(v)) for value in values for key, v in value if "image" not in key)]
    return [text for text in found if text]


def drifted(before: str, after: str, numbers: bool = True) -> str:
    """How two outputs differ, or "". Numbers may differ by one in their last digit, or below 1e-9 altogether."""
    if NUMBER.sub("0", before).split() != NUMBER.sub("0", after).split():
        return f"stored:\n{before}\nnow:\n{after}"
    pairs = zip(NUMBER.findall(before), NUMBER.findall(after)) if numbers else ()
    wrong = [f"{b} is {a} now" for b, a in pairs if not close(b, a)]
    return "; ".join(wrong) and f"{'; '.join(wrong)} in\n{after}"


def close(before: str, after: str) -> bool:
    mantissa, _, exponent = before.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    last = 10.0 ** (int(exponent or 0) - digits) if "." in mantissa or exponent else 0
    b, a = float(before), float(after)
    return max(abs(a), abs(b)) < ROUNDING or abs(a - b) <= max(1.01 * last, 1e-6 * abs(b))


def prose(source: str) -> str:
    """The sentences of a markdown cell: without code, formulas, headings, links' targets, folded solutions, HTML."""
    for pattern in (r"<details>.*?</details>", r"```.*?```", r"\$\$.*?\$\$", r"`[^`]*`", r"\$[^$]*\$"):
        source = re.sub(pattern, " ", source, flags=re.DOTALL)
    source = re.sub(r"^#.*$", " ", source, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)|<[^>]*>", " ", source)


def unsupported(notebook: nbformat.NotebookNode) -> list[str]:
    """Numbers in the prose that neither an earlier cell nor the one below has computed or contains."""
    headings = "\n".join(re.findall(r"^#.*$", "\n".join(c.source for c in cells(notebook, "markdown")), re.MULTILINE))
    seen = set(CLAIM.findall(headings))  # sections are called by their numbers
    found = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            seen |= shown(cell)
            continue
        below = next((c for c in notebook.cells[place:] if c.cell_type == "code"), None)
        known = seen | (shown(below) if below is not None and place else set())
        text = YEAR.sub(" ", prose(cell.source))
        found += [f"{number} in: {line.strip()}" for line in text.split("\n") for number in CLAIM.findall(line)
                  if number not in known and not any(rounds(number, k) for k in known)]  # fmt: skip
    return found


def shown(cell: nbformat.NotebookNode) -> set[str]:
    """The numbers that a code cell contains and puts out."""
    text = "\n".join([cell.source, *texts(cell)]).replace("_", "")
    return {number.lstrip("+-") for number in NUMBER.findall(text)}


def rounds(said: str, computed: str) -> bool:
    """Is `said` the number `computed`, rounded, or as a percentage?"""
    digits = len(said.partition(".")[2])
    value = float(computed)
    return any(f"{v:.{digits}f}" == said for v in (value, 100 * value))


def words(notebook: nbformat.NotebookNode) -> int:
    text = "\n".join(re.sub(r"```.*?```", " ", cell.source, flags=re.DOTALL) for cell in cells(notebook, "markdown"))
    return len(text.split())

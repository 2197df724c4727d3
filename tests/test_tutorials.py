"""The notebooks run from a clean kernel and put out what is stored in them; what they say is what they compute.

They are portable, small and readable by a screen reader.
"""

import base64
import re
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks import TAGS, cells, drifted, kinds, solutions, texts, unsupported, words

pytestmark = pytest.mark.slow

TUTORIALS = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
SECONDS = 420  # for a whole notebook, on a machine that does other work too
WORDS = 2000
LARGEST_PICTURE, LARGEST_NOTEBOOK = 150_000, 400_000  # bytes
LARGER = {"11_from_frames_to_cmc": 700_000}  # people and flow in colour
FORBIDDEN = {
    "an absolute path": r"(?:^|[\s'\"(=:])(?:/[\w.-]+/|[A-Za-z]:\\)",
    "a traceback": r"Traceback|Error:|Warning:",
    "a date or a time of day": r"\b(?:19|20)\d\d-[01]\d-[0-3]\d\b|\b\d?\d:\d\d:\d\d\b",
}
INSTALL = """COPY = ""  # on Colab: the address of your copy of minireid, as `git clone` takes it
if COPY:
    %pip install -q "minireid @ git+{COPY}\""""
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_they_are_numbered_without_a_gap() -> None:
    assert [int(path.stem[:2]) for path in NOTEBOOKS] == list(range(1, len(NOTEBOOKS) + 1))


@each_notebook
def test_puts_out_what_is_stored(path: Path, tmp_path: Path) -> None:
    """Every cell, then every solution, in an empty folder with a clean kernel."""
    stored, fresh = nbformat.read(path, 4), nbformat.read(path, 4)
    for cell in cells(fresh, "code"):
        cell.outputs, cell.execution_count = [], None
    fresh.cells += [nbformat.v4.new_code_cell(code) for code in solutions(fresh)]
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(fresh, timeout=SECONDS, kernel_name="python3", resources=resources)
    began = time.monotonic()
    with client.setup_kernel():
        for number, cell in enumerate(fresh.cells):
            client.execute_cell(cell, number)  # raises where the cell does
    assert time.monotonic() - began < SECONDS
    for before, after in zip(cells(stored, "code"), cells(fresh, "code")):
        assert kinds(before) == kinds(after), before.source
        tags = set(before.metadata.get("tags", ()))
        if "timing" not in tags:
            for old, new in zip(texts(before), texts(after), strict=True):
                difference = drifted(old, new, numbers="trained" not in tags)
                assert not difference, f"{before.source}\n{difference}"


@each_notebook
def test_says_what_it_computes(path: Path) -> None:
    found = unsupported(nbformat.read(path, 4))
    assert not found, "no cell computes or contains:\n" + "\n".join(found)


@each_notebook
def test_is_stored_as_it_ran(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = cells(notebook, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}, "metadata, such as times, belongs to one run"
        assert set(cell.metadata.get("tags", ())) <= TAGS


@each_notebook
def test_has_the_form_of_the_course(path: Path) -> None:
    """What you can do after it, what it needs, hours, an install cell, predictions, exercises, before and next."""
    notebook = nbformat.read(path, 4)
    first, install, last = notebook.cells[0].source, notebook.cells[1], notebook.cells[-1].source
    assert first.startswith(f"# {int(path.stem[:2])}. ")
    for part in ("**After this", "**You need**", "**Time**"):
        assert part in first, part
    assert install.cell_type == "code" and install.source == INSTALL
    assert words(notebook) <= WORDS
    assert "**Predict" in "".join(cell.source for cell in cells(notebook, "markdown"))
    assert len(solutions(notebook)) >= 2
    assert "CC BY 4.0" in last
    number = NOTEBOOKS.index(path)
    around = [NOTEBOOKS[n] for n in (number - 1, number + 1) if 0 <= n < len(NOTEBOOKS)]
    for other in around:
        assert f"({other.name})" in last, f"no link to {other.name}"


def test_the_start_page_has_the_titles_and_hours_of_the_notebooks() -> None:
    page = (TUTORIALS / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        first = nbformat.read(path, 4).cells[0].source
        title = re.findall(r"^# \d+\. (.*)$", first, re.MULTILINE)[0]
        (hours,) = re.findall(r"\*\*Time\*\*: about ([\d½]+) hours", first)
        (row,) = re.findall(rf"^\| \[\d+\]\({path.name}\) \| (.*) \|$", page, re.MULTILINE)
        assert row.startswith(title) and row.endswith(f"| {hours}"), (title, hours, row)


@each_notebook
def test_pictures_are_told_in_words(path: Path) -> None:
    for cell in cells(nbformat.read(path, 4), "code"):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                alt = output.metadata.get("image/png", {}).get("alt", "")
                assert len(alt.split()) >= 6, f"the picture of this cell has no alternative text:\n{cell.source}"


@each_notebook
@pytest.mark.parametrize("what", FORBIDDEN)
def test_output_is_portable(path: Path, what: str) -> None:
    for cell in cells(nbformat.read(path, 4), "code"):
        assert all(output.get("name") != "stderr" and output.output_type != "error" for output in cell.outputs)
        for text in texts(cell):
            expected = what == "a traceback" and "backward raises" in text  # told in a report, on purpose
            assert expected or not re.search(FORBIDDEN[what], text, re.MULTILINE), f"{what} in {text}"


@each_notebook
def test_is_small(path: Path) -> None:
    assert path.stat().st_size <= LARGER.get(path.stem, LARGEST_NOTEBOOK)
    outputs = [output for cell in cells(nbformat.read(path, 4), "code") for output in cell.outputs]
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    for picture in pictures:
        assert len(base64.b64decode(picture)) <= LARGEST_PICTURE


@each_notebook
def test_links_lead_somewhere(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(nbformat.read(path, 4), "markdown"))
    for target in re.findall(r"\]\(([\w./-]+\.\w+)(?:#[\w-]*)?\)", text):
        assert (TUTORIALS / target).exists(), target

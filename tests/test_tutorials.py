"""The tutorials run from a clean kernel, and what is committed of them is complete, portable and small."""

import base64
import re
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "tutorials").glob("*.ipynb"))
SECONDS = 180  # for a whole notebook
LARGEST_PICTURE, LARGEST_NOTEBOOK = 150_000, 700_000  # bytes
FORBIDDEN = {
    "an absolute path": r"(?:^|[\s'\"(=:])(?:/[\w.-]+/|[A-Za-z]:\\)",
    "a traceback": r"Traceback|Error:|Warning:",
    "a date or a time of day": r"\b(?:19|20)\d\d-[01]\d-[0-3]\d\b|\b\d?\d:\d\d:\d\d\b",
}
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    """The code in the folded solutions, in order."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    folded = re.findall(r"<details>(.*?)</details>", text, re.DOTALL)
    return [code for part in folded for code in re.findall(r"```python\n(.*?)```", part, re.DOTALL)]


def kinds(cell: nbformat.NotebookNode) -> set[str]:
    """What a cell put out: text, pictures, a value."""
    return {name for output in cell.outputs for name in (output.get("data") or {output.output_type: ""})}


def texts(cell: nbformat.NotebookNode) -> list[str]:
    found = [output.text for output in cell.outputs if output.output_type == "stream"]
    data = [value for output in cell.outputs for key, value in output.get("data", {}).items() if "image" not in key]
    return [*found, *map(str, data)]


def test_there_are_two() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS][:2] == ["01", "02"]


@each_notebook
def test_runs_from_a_clean_kernel(path: Path, tmp_path: Path) -> None:
    """Every cell, then every solution, in an empty folder; each cell puts out what it did when it was committed."""
    committed, fresh = nbformat.read(path, 4), nbformat.read(path, 4)
    for cell in code_cells(fresh):
        cell.outputs, cell.execution_count = [], None
    fresh.cells += [nbformat.v4.new_code_cell(code) for code in solutions(fresh)]
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(fresh, timeout=SECONDS, kernel_name="python3", resources=resources)
    began = time.monotonic()
    with client.setup_kernel():
        for number, cell in enumerate(fresh.cells):
            if number == len(committed.cells):
                assert time.monotonic() - began < SECONDS
            client.execute_cell(cell, number)  # raises where the cell does
    for before, after in zip(code_cells(committed), code_cells(fresh)):
        assert kinds(before) == kinds(after), before.source


@each_notebook
def test_is_committed_as_it_ran(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert not any(cell.metadata for cell in notebook.cells), "metadata, such as times, belongs to one run"
    assert len(solutions(notebook)) >= 3
    assert "CC BY 4.0" in notebook.cells[-1].source


@each_notebook
@pytest.mark.parametrize("what", FORBIDDEN)
def test_output_is_portable(path: Path, what: str) -> None:
    for cell in code_cells(nbformat.read(path, 4)):
        assert all(output.get("name") != "stderr" and output.output_type != "error" for output in cell.outputs)
        for text in texts(cell):
            expected = what == "a traceback" and "except" in cell.source  # shown on purpose
            assert expected or not re.search(FORBIDDEN[what], text, re.MULTILINE), f"{what} in {text}"


@each_notebook
def test_is_small(path: Path) -> None:
    assert path.stat().st_size <= LARGEST_NOTEBOOK
    outputs = [output for cell in code_cells(nbformat.read(path, 4)) for output in cell.outputs]
    pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    for picture in pictures:
        assert len(base64.b64decode(picture)) <= LARGEST_PICTURE

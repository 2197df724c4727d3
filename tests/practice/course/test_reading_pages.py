"""The website's pages of layers, losses, networks and kernels are those of the reading room; notebooks link them."""

import json
import re
from pathlib import Path

import pytest

from minireid.commands.read_clip import real_clip
from minireid.practice.course import mentions, reading_pages, site

pytest.importorskip("nbconvert")
NOTEBOOKS = sorted((site.ROOT / "tutorials").glob("*.ipynb"))
ROOMS = ("layers", "losses", "networks", "kernels")


def names_on_disk() -> dict[str, str]:
    """{name of a page: its file}, by listing folders."""
    found = {}
    for room in ROOMS:
        for path in (site.ROOT / "minireid" / room).glob("[a-z]*.py"):
            found[path.stem] = f"minireid/{room}/{path.name}"
    return found


def mentioned_in(notebook: Path) -> set[str]:
    """Names in backticks (`gru`, `gru.py`, `gru.backward`), links, and words of lines that import from a room."""
    words: set[str] = set()
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            words |= {piece.split(".")[0] for piece in text.split("`")[1::2]}
            words |= set(re.findall(rf"(?:{'|'.join(ROOMS)})/(\w+)\.py", text))
        else:
            lines = [line for line in text.splitlines() if re.match(rf"from minireid\.(?:{'|'.join(ROOMS)})\b", line)]
            words |= {word for line in lines for word in re.findall(r"\w+", line)}
    return words & names_on_disk().keys()


def linked(notebook: Path) -> set[str]:
    """The files that the top of the notebook's page links."""
    links = site.Links(f"tutorials/{notebook.name}")
    site.pages_of_notebook(notebook.read_text("utf-8"), links)
    return links.found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_links_every_page_that_it_mentions(notebook: Path) -> None:
    files = names_on_disk()
    assert {files[name] for name in mentioned_in(notebook)} <= linked(notebook)


def test_names_are_found_where_they_stand() -> None:
    cells = [
        ("markdown", "Read `gru.py`, `conv2d` and `elman.step_forward(x, h, p)`; not `tanhs`, relu or `lstm x`."),
        ("code", "from minireid.layers import (\n    linear,\n    sigmoid as s,\n)\nfrom minireid.base import tanh"),
        ("code", "from minireid.networks.euclidean import score as minus_distance  # not dropout"),
        ("markdown", "Again [gru](../minireid/layers/gru.py), and [the loss](../minireid/losses/softmax.py#L20)."),
    ]
    text = json.dumps({"cells": [cell(*c) for c in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    found = [reading_pages.names()[file] for file in mentions.mentioned(text, reading_pages.names())]
    assert found == ["gru", "conv2d", "elman", "linear", "sigmoid", "euclidean", "softmax"]


def cell(kind: str, source: str) -> dict[str, object]:
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": f"c{len(source)}", "metadata": {}, "source": source, **more}


def test_links_to_a_line_lead_to_its_row() -> None:
    links = site.Links("tutorials/05.ipynb")
    address = "../minireid/layers/gru.py"
    assert links.address(f"{address}#L69") == f"{address}.html#L69"
    assert links.address(f"{address}#L69-L75") == f"{address}.html#L69"
    assert links.address(f"{address}#line-69") == f"{address}.html#L69"
    assert links.address(f"{address}#L1") == f"{address}.html#line-1", "no row: in the listing"
    assert links.address("../minireid/cli.py#L9") == "../minireid/cli.py.html#line-9"
    assert links.address("results.md#line-up") == "results.html#line-up"


def test_every_page_is_at_the_address_of_its_file() -> None:
    assert reading_pages.names() == {file: name for name, file in names_on_disk().items()}


def test_a_page_has_rows_values_the_header_and_links(tmp_path: Path) -> None:
    (tmp_path / "minireid" / "layers").mkdir(parents=True)
    header = site.header("minireid/layers/elman_relu.py")
    reading_pages.write(tmp_path, real_clip, header, True, "elman_relu")
    page = (tmp_path / "minireid" / "layers" / "elman_relu.py.html").read_text("utf-8")
    assert 'href="../../tutorials/index.html"' in page and 'href="../../minireid/index.html"' in page
    assert 'href="../networks/crf.py.html"' in page and "All pages" not in page
    assert '"places":[{' in page, "the values of a run"
    lines = reading_pages.rows("minireid/layers/elman_relu.py")
    assert lines and all(f'id="L{line}"' in page for line in lines)
    assert all(f'id="line-{line}"' in page for line in (1, *lines))
    assert '<details class="whole"><summary>' in page


def test_the_file_is_unfolded_where_there_is_no_forward() -> None:
    assert '<details class="whole" open>' in reading_pages.whole_file("facts", "minireid/networks/facts.py")

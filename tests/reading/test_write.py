"""The written page: numbers in the file are those of the run, nothing is fetched, everything has its words."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.layers import conv2d, maxpool2d
from minireid.reading.cases import LARGE, problem_of
from minireid.reading.change import changes
from minireid.reading.graph import graph, main_function, nodes_and_edges
from minireid.reading.library import files, followed_page, library_page
from minireid.reading.page import parse
from minireid.reading.place import Followed
from minireid.reading.run import follow
from minireid.reading.time import over_time, size
from minireid.reading.windows import window_of
from minireid.reading.write import page_html, rounded


def clip(height: int, width: int, flow: bool) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(8, height, width, 5 if flow else 3)).astype(np.float32)


@pytest.fixture(scope="module")
def read_gru() -> Followed:
    followed = followed_page("gru")
    assert followed is not None
    return followed


@pytest.fixture(scope="module")
def html(read_gru: Followed) -> str:
    return page_html("gru", parse(files()["gru"].read_text("utf-8")), read_gru)


def data_in(html: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_numbers_in_the_file_are_those_of_the_run(html: str, read_gru: Followed) -> None:
    data = data_in(html)
    compared = 0
    for place, shown in zip(read_gru.places, data["places"], strict=True):
        for key, value in place.values.items():
            shape, numbers = data["arrays"][shown["v"][key]]
            assert tuple(shape) == value.shape
            np.testing.assert_allclose(np.array(numbers, float), value.ravel(), rtol=2e-5, atol=1e-12)
            compared += 1
    assert compared > 500


def test_nothing_is_fetched(html: str) -> None:
    assert not re.search(r'(?:src|href)="(?!#|data:)', html)
    assert "http" not in html.replace("http://www.w3.org", "")
    assert "@import" not in html and "url(" not in html.replace("url(#tip)", "")


def test_every_line_of_the_source_is_in_the_page(html: str) -> None:
    rows = re.findall(r'<div class="row[^"]*" id="L(\d+)"', html)
    page = parse(files()["gru"].read_text("utf-8"))
    expected = [str(n.number) for f in page.functions for n in f.lines if n.text.strip()]
    assert sorted(map(int, rows)) == sorted(map(int, expected))


def test_the_table_of_values_has_the_proof_in_words(html: str, read_gru: Followed) -> None:
    table = html[html.index("All values as text") :]
    assert table.count("right: error") >= 15 and "WRONG" not in table


def test_the_source_cannot_break_the_page() -> None:
    page = parse(
        '"""</script><b>"""\n\n\ndef forward(x):\n    y = "</script><script>alert(1)</script>"\n    return y\n'
    )
    html = page_html("x<y", page, None)
    assert "<script>alert" not in html and "x&lt;y" in html


def test_where_the_gradient_falls_is_told(read_gru: Followed) -> None:
    text = re.sub(r"<.*?>", "", over_time(read_gru))
    assert f"dh_prev falls most at t = {LARGE}" in text
    gates = [p for p in read_gru.places if p.text == "1 - z" and p.side == "backward" and p.values]
    before, here = str(LARGE + 1), str(LARGE)
    told = f"is {size(gates[0].values[here]):.2g} (at t = {before}: {size(gates[0].values[before]):.2g})"
    assert any(f"1 - z in line {gate.line} {told}" in text for gate in gates)
    term = next(p for p in read_gru.places if p.text == "dq * r" and p.kind == "term")
    assert f"dq * r {size(term.values[here]):.2g} (at t = {before}: {size(term.values[before]):.2g})" in text


def test_a_backward_that_stops_is_told() -> None:
    def broken(dy, cache):
        raise ValueError("no <b>")

    followed = follow(replace(problem_of("tanh"), backward=broken), __file__)
    assert "The backward stopped: ValueError: no &lt;b&gt;." in page_html("own", parse("x = 1\n"), followed)


def test_a_layer_without_a_loop_has_no_rounds() -> None:
    followed = followed_page("tanh")
    assert followed is not None and over_time(followed) == ""


def test_the_graph_has_the_names_and_the_equations(read_gru: Followed) -> None:
    page = parse(files()["gru"].read_text("utf-8"))
    function = main_function(page)
    assert function is not None and function.name == "step_forward"
    nodes, edges = nodes_and_edges(function, read_gru)
    assert {(e.source, e.target) for e in edges} == {
        ("x", "az"), ("h_prev", "az"), ("az", "z"), ("x", "ar"), ("h_prev", "ar"), ("ar", "r"), ("r", "q"),
        ("h_prev", "q"), ("x", "ac"), ("q", "ac"), ("ac", "c"), ("z", "h"), ("h_prev", "h"), ("c", "h"),
    }  # fmt: skip
    assert next(e.tags for e in edges if e.target == "q") == ["F3"]
    assert nodes["az"].parameters == ["p.Wz", "p.Uz", "p.bz"]
    gradients = {n: read_gru.places[node.gradient].label for n, node in nodes.items() if node.gradient >= 0}
    assert gradients == {n: f"d{n}" for n in nodes}
    assert graph(page, read_gru).count('class="node"') == len(nodes)


def test_one_number_changed() -> None:
    problem = problem_of("linear")
    followed = followed_page("linear")
    assert followed is not None
    for change in changes(problem, followed.gradients):
        np.testing.assert_allclose(change["loss"], change["predicted"], rtol=1e-9)  # a linear layer has no other loss
    followed = followed_page("tanh")
    assert followed is not None
    (change,) = changes(followed.problem, followed.gradients)
    middle = len(change["values"]) // 2
    assert change["loss"][middle] == pytest.approx(change["predicted"][middle])
    assert abs(change["loss"][0] - change["predicted"][0]) > 0.01  # tanh bends
    x = followed.problem.arrays[0].copy()
    x[tuple(change["index"])] = change["values"][0]
    assert change["loss"][0] == pytest.approx(float((followed.problem.upstream * np.tanh(x)).sum()))


def test_the_window_of_a_convolution_holds_what_the_page_computes() -> None:
    problem, followed = problem_of("conv2d"), followed_page("conv2d")
    assert followed is not None
    window = window_of("conv2d", problem, followed.gradients)
    assert window is not None and window["padding"] == 1
    x, p = problem.arrays
    y, cache = conv2d.forward(x, p, **problem.config)
    dx, _ = conv2d.backward(problem.upstream, cache)
    np.testing.assert_array_equal(window["y"], y[0])
    np.testing.assert_allclose(window["dx"], dx[0])
    pool = followed_page("maxpool2d")
    assert pool is not None
    shown = window_of("maxpool2d", pool.problem, pool.gradients)
    assert shown is not None and shown["size"] == (2, 2)
    np.testing.assert_array_equal(shown["y"], maxpool2d.forward(pool.problem.arrays[0])[0][0])
    assert window_of("gru", problem, followed.gradients) is None


def test_numbers_that_json_does_not_know() -> None:
    assert rounded(np.array([1.0, np.inf, np.nan, 0.123456789])) == [1, "inf", "nan", 0.123457]
    assert rounded(np.array(2.5)) == 2.5


@pytest.mark.parametrize("name", ("lengths", "direct", "pair_weights"))
def test_a_page_without_a_run_is_written_too(name: str) -> None:
    html = library_page(name, lambda name: None, clip)
    assert "<h1>" in html and 'id="moment"' not in html


def test_a_network_page_has_its_architecture_and_its_proof() -> None:
    html = library_page("src", lambda name: f"{name}.html", clip)
    assert 'class="architecture"' in html and 'href="conv_block.html"' in html
    assert "right: error" in html and len(html) < 4e6


def test_an_unknown_page_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="gru"):
        library_page("gruu", lambda name: None, clip)

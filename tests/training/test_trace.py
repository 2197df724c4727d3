"""`minireid trace`: the numbers on its page are the network's."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.cli import main
from minireid.training import model
from minireid.training.trace import random_batch, trace
from tests import small_data

Capture = pytest.CaptureFixture[str]


def total(page: str) -> str:
    """The number of parameters in the last line."""
    return page.strip().splitlines()[-1].split()[1]


def rows(page: str) -> dict[str, list[str]]:
    """{layer: the words after it}"""
    table = page[page.index("output shape") :].splitlines()[2:]
    return {line[:18].strip(): line[18:].split() for line in table if not line.startswith("-")}


def test_parameters_of_the_baseline(capsys: Capture) -> None:
    assert main(["trace", "--recipe", "src"]) == 0
    page = capsys.readouterr().out
    assert total(page) == "397,828"
    assert "clips of 16 frames, 56 x 40 pixels, 5 channels" in page
    counts = rows(page)
    expected = {
        "conv1": 2016,
        "conv2": 12832,
        "conv3": 25632,
        "linear": 327808,
        "recurrence": 16640,
        "head clip": 12900,
    }
    for name, number in expected.items():
        assert f"{number:,}" in counts[name], name
    assert sum(expected.values()) == 397828 and 2016 + 12832 + 25632 == 40480


def test_parameters_of_the_main_network(capsys: Capture) -> None:
    changes = ["clips.crop=[128, 64]", "clips.flow=true", "clips.length=1", "pairs.persons=2", "network.depth=1"]
    words = [word for change in (*changes, "network.unit=gru") for word in ("--set", change)]
    assert main(["trace", "--recipe", "msp_src", *words]) == 0
    assert total(capsys.readouterr().out) == "1,213,800"


def test_other_persons_change_the_classifiers_only(capsys: Capture) -> None:
    found = []
    for persons in ("100", "40"):
        assert main(["trace", "--recipe", "msp_src", *small_data.as_changes(), "--persons", persons]) == 0
        found.append(int(total(capsys.readouterr().out).replace(",", "")))
    assert found[0] - found[1] == 2 * 60 * 129


def test_shapes_and_flops(capsys: Capture) -> None:
    page = trace(small_data.recipe(), None, 10)
    table = rows(page)
    assert "msp_src: 4 clips of 3 frames, 16 x 8 pixels, 3 channels, from random numbers" in page
    assert " ".join(table["conv1"]).startswith("4 x 3 x 8 x 4 x 16 1,216 ")
    assert " ".join(table["high.conv3"]).startswith("4 x 3 x 2 x 1 x 32 25,632 ")
    assert " ".join(table["low.linear"]).startswith("4 x 128 8,320 ")
    assert " ".join(table["high.unit1"]).startswith("4 x 3 x 128 98,688 ")
    mega = {name: float(table[name][10]) for name in ("conv1", "conv2", "high.conv3")}  # after 5 sizes, 4 x, parameters
    for name, flops in (
        ("conv1", 2 * 75 * 16 * 8 * 16),  # 5 x 5 x 3 weights for each of 16 x 8 x 16 values
        ("conv2", 2 * 400 * 8 * 4 * 32),
        ("high.conv3", 2 * 800 * 4 * 2 * 32),
    ):
        assert mega[name] == pytest.approx(flops / 1e6, abs=6e-4), name


def test_losses_against_chance(capsys: Capture) -> None:
    page = trace(small_data.recipe(), None, 10)
    for level in ("low", "high"):
        found = re.search(rf"{level} identification +([\d.]+) +chance among 10 persons: ln 10 = ([\d.]+)", page)
        assert found and abs(float(found[1]) - math.log(10)) < 1 and float(found[2]) == pytest.approx(2.303)
        assert re.search(rf"{level} verification +[\d.]+ +all embeddings in one point: 1.000", page)
    linear = trace(small_data.recipe("losses.verification=contrastive_linear", "losses.margin=3.0"), None, 10)
    assert "all embeddings in one point: 1.500" in linear  # half of the pairs, 3 each


def test_every_unit_has_a_page() -> None:
    for unit, depth, gates in (("gru", 2, "zr"), ("gru_reset_after", 1, "zr"), ("elman", 1, ""), ("gru", 0, "")):
        page = trace(small_data.recipe(f"network.unit={unit}", f"network.depth={depth}"), None, 4)
        assert sum(name.startswith("high.unit") for name in rows(page)) == depth
        assert gates_of(page) == [f"high.unit{d}.{gate}" for d in range(1, depth + 1) for gate in gates]
    page = trace(small_data.recipe("network.unit=lstm", "network.depth=2"), None, 4)
    assert gates_of(page) == [f"high.unit{d}.{gate}" for d in (1, 2) for gate in "ifo"]


def gates_of(page: str) -> list[str]:
    """The gates whose saturation the page tells."""
    line = re.search(r"gate off or on \(1 %\): (.+)", page)
    return re.findall(r"(\S+) [\d.]+ %", line[1]) if line else []


NEW = {  # network: (changes, base recipe)
    "crf": ([], "crf"),
    "crf_spatial": (["network.name=crf_spatial"], "crf"),
    "crf_temporal": (["network.name=crf_temporal"], "crf"),
    "crf_parts": (["network.name=crf_parts"], "crf"),
    "utrcnn": ([], "utrcnn"),
    "deep_rcn": ([*small_data.DEEP_RCN], "deep_rcn"),
    "deep_rcn_independent": (
        [*small_data.DEEP_RCN, "network.name=deep_rcn_independent"],
        "deep_rcn",
    ),
}


def page_of(name: str, *changes: str) -> str:
    own, base = NEW[name]
    return trace(small_data.recipe(*own, *changes, name=base), None, 10)


@pytest.mark.parametrize("name", NEW)
def test_every_system_has_a_page(name: str) -> None:
    """Every layer with its gradient and times, all parameters in some line, and what its kind can suffer from."""
    page = page_of(name)
    assert page.startswith(f"{name}: 4 clips of 3 frames, 16 x 8 pixels, 3 channels") and "nan" not in page
    table = page[page.index("output shape") :].splitlines()[2:]
    counts = [int(line[42:53].replace(",", "")) for line in table if not line.startswith("-")]
    assert sum(counts[:-1]) == counts[-1] == int(total(page).replace(",", ""))
    assert all(len(line) <= 140 for line in table)
    levels = ["level1", "level2", "level3"] if name.startswith("deep_rcn") else []
    assert gates_of(page) == [f"{level}.{gate}" for level in levels for gate in "zr"]
    assert ("|tanh| above 0.99" in page) == (name == "utrcnn") != ("ReLU always 0" in page)


def test_the_levels_of_deep_rcn() -> None:
    """Shapes and FLOPs by hand: 16 x 8 pixels, kernels of 5 x 5, 4 filters and states everywhere."""
    table = rows(page_of("deep_rcn"))
    assert " ".join(table["conv0"]).startswith("4 x 3 x 16 x 8 x 4 112 ")
    assert " ".join(table["level1"]).startswith("4 x 3 x 8 x 4 x 4 2,412 ")
    assert " ".join(table["level3"]).startswith("4 x 3 x 2 x 1 x 4 3,212 ")
    assert " ".join(table["clip"]).startswith("4 x 2 x 1 x 12 0 ") and table["head clip"][-1] == "25"
    mega = {
        name: float(table[name][table[name].index(n) + 1]) for name, n in (("level1", "2,412"), ("level3", "3,212"))
    }
    assert mega["level1"] == pytest.approx(2 * 32 * 25 * 6 * 16 / 1e6, abs=6e-4)
    assert mega["level3"] == pytest.approx(2 * 2 * 25 * 8 * 16 / 1e6, abs=6e-4)


def test_a_similarity_starts_at_chance_and_says_what_that_is() -> None:
    found = re.search(r"clip verification +([\d.]+) +chance: ln 2 = 0.693", page := page_of("deep_rcn"))
    assert found and abs(float(found[1]) - math.log(2)) < 0.1
    assert "one point" not in page and "identification" not in page


def test_a_triplet_loss_in_one_point_is_its_margin() -> None:
    changes = ("losses.verification=triplet_hard", "losses.margin=0.3", "losses.identification=softmax_smoothed")
    page = trace(small_data.recipe(*changes), None, 10)
    assert re.search(r"low verification +[\d.]+ +all embeddings in one point: 0.300", page)
    assert re.search(r"low identification +2.[\d]+ +chance among 10 persons: ln 10 = 2.303", page)


def test_gates_are_those_that_the_network_runs_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Biases of 20 open a gate wherever it is; all others stay as they are."""
    real = model.init
    for name, gate in (("deep_rcn", "level2.r"), ("deep_rcn", "level3.z"), ("deep_rcn_independent", "level1.z")):

        def opened(*arguments: Any, **named: Any) -> Any:
            params = real(*arguments, **named)
            params["network"][gate[:6]][f"b{gate[-1]}"] += 20  # noqa: B023 used at once
            return params

        with monkeypatch.context() as patch:
            patch.setattr(model, "init", opened)
            line = re.search(r"gate off or on \(1 %\): (.+)", page_of(name))
        assert line and f"{gate} 100.0 %" in line[1] and line[1].count("100.0") == 1, line


def test_filters_that_are_shut_and_states_that_are_saturated(monkeypatch: pytest.MonkeyPatch) -> None:
    real = model.init

    def broken(*arguments: Any, **named: Any) -> Any:
        params = real(*arguments, **named)
        params["network"]["conv2"]["b"][:16] -= 1000  # of 32
        params["network"]["recurrence"].get("b", np.zeros(1))[:] += 100
        return params

    monkeypatch.setattr(model, "init", broken)
    assert "ReLU always 0:           conv1 0.0 %, conv2 50.0 %, conv3 " in page_of("crf")
    assert re.search(
        r"\|tanh\| above 0.99: +conv1 0.0 %, conv2 50.0 %, conv3 [\d.]+ %, recurrence 100.0 %", page_of("utrcnn")
    )


def test_the_unit_of_msp_src_motion_is_shown_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features far from 0 would open and shut all gates; centred, as the unit reads them, they do nothing to them."""
    real = model.init

    def far_from_zero(*arguments: Any, **named: Any) -> Any:
        params = real(*arguments, **named)
        params["network"]["high"]["linear"]["b"] += 1000
        return params

    monkeypatch.setattr(model, "init", far_from_zero)
    page = trace(small_data.recipe("network.name=msp_src_motion", "network.depth=1"), None, 10)
    assert "high.unit1.z 0.0 %, high.unit1.r 0.0 %" in page


def test_saturation_is_seen() -> None:
    """Weights ten times as large push most tanh values to the ends."""
    quiet, loud = (trace(small_data.recipe(f"network.gain={gain}"), None, 4) for gain in (1.0, 30.0))
    shares = [float(re.search(r"\|tanh\| above 0.99: +conv1 ([\d.]+) %", page)[1]) for page in (quiet, loud)]  # type: ignore[index]
    assert shares[0] < 5 and shares[1] > 50


def test_a_batch_of_a_prepared_folder(tmp_path: Path, capsys: Capture) -> None:
    prepared = small_data.write_prepared(tmp_path / "prepared")
    assert main(["trace", str(prepared.path), *small_data.as_changes()]) == 0
    page = capsys.readouterr().out
    assert f"from {prepared.path}" in page and "chance among 10 persons" in page
    assert not (set(tmp_path.iterdir()) - {prepared.path}), "trace writes nothing"


def test_pairs_of_random_bytes_are_what_they_say() -> None:
    """A pair is of the same person where `same` says so, and of two persons elsewhere."""
    for name, persons in (("src", 1), ("msp_src", 2), ("msp_src", 3), ("msp_src", 8)):
        inputs, _ = random_batch(small_data.recipe(f"pairs.persons={persons}", name=name), 10)
        i, j = inputs.pairs.T
        np.testing.assert_array_equal(inputs.labels[i] == inputs.labels[j], inputs.same, err_msg=f"{persons} persons")

"""`minireid trace`: the numbers on its page are the network's."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from minireid.cli import main
from minireid.trace import random_inputs, trace
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
    assert "msp_src: 4 clips of 3 frames, 16 x 8 pixels, 3 channels, from random bytes" in page
    assert " ".join(table["conv1"]).startswith("12 x 8 x 4 x 16 1,216 ")
    assert " ".join(table["high.conv3"]).startswith("12 x 2 x 1 x 32 25,632 ")
    assert " ".join(table["low.linear"]).startswith("4 x 128 8,320 ")
    assert " ".join(table["high.unit1"]).startswith("4 x 3 x 128 98,688 ")
    mega = {name: float(table[name][8]) for name in ("conv1", "conv2", "high.conv3")}  # after 4 sizes, 3 x, parameters
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
    for unit, depth in (("gru", 2), ("gru_reset_after", 1), ("elman", 1), ("gru", 0)):
        page = trace(small_data.recipe(f"network.unit={unit}", f"network.depth={depth}"), None, 4)
        assert sum(name.startswith("high.unit") for name in rows(page)) == depth
        assert ("gate off or on" in page) == (unit.startswith("gru") and depth > 0)


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
        inputs, _ = random_inputs(small_data.recipe(f"pairs.persons={persons}", name=name), 10)
        i, j = inputs.pairs.T
        np.testing.assert_array_equal(inputs.labels[i] == inputs.labels[j], inputs.same, err_msg=f"{persons} persons")

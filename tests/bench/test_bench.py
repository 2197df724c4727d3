"""`minireid bench` from end to end, as small as it gets, and what it rests on."""

import json
import time
from functools import partial

import numpy as np
import pytest
from PIL import Image

from minireid.bench import layers, measure, steps
from minireid.cli import main
from minireid.kernels import loops


@pytest.mark.slow
def test_it_measures_prints_and_draws(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(measure, "SETTLE", 0.0)  # what is measured does not matter here
    monkeypatch.setattr(measure, "COUNTED", 0.0)
    assert main(["bench", "--quick", "--rounds", "1", "--json", "--out", str(tmp_path / "speed")]) == 0
    printed, said = capsys.readouterr()
    result = json.loads(printed)
    assert json.loads((tmp_path / "speed" / "results.json").read_text()) == result
    assert "% of peak" in said and "training step, 64 x 32" in said
    ways = {row["way"] for row in result["layers"]}
    assert {"loops", "im2col", "direct", "fused"} <= ways
    for way in ways:
        found = {(row["layer"], row["direction"]) for row in result["layers"] if row["way"] == way}
        assert len(found) == 9, way
    assert all(row["ms"]["minireid"] > 0 for row in result["steps"])
    for name in ("roofline", "bars"):
        assert min(Image.open(tmp_path / "speed" / f"{name}.png").size) > 300


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--out", "FILE"]])
def test_bad_arguments_are_refused_before_anything_is_measured(arguments, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["bench", *[str(tmp_path / "file") if a == "FILE" else a for a in arguments]]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_bursts_take_turns_and_ratios_are_paired():
    calls: list[str] = []

    def measuring(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    seconds = measure.in_turns({name: partial(measuring, name) for name in "AB"}, 3)
    assert calls == list("ABABABAB")
    np.testing.assert_array_equal(seconds["A"], [3, 5, 7])  # the first turn does not count
    ratio = measure.paired_ratio(np.array([1.0, 4.0, 9.0]), np.array([1.0, 2.0, 3.0]))
    assert ratio == {"median": 2.0, "quartile 1": 1.5, "quartile 3": 2.5}


def test_a_burst_is_the_median_of_calls_after_it_has_settled():
    calls = 0

    def slower_at_first() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.05 if calls == 1 else 0.01)

    assert 0.01 <= measure.burst(slower_at_first) < 0.04


def test_the_number_of_operations_is_that_of_the_definition():
    """Two for each product of the definition, but that it leaves out those with the padding."""
    layer = layers.Layer("small", 6, 8, 3, 4)
    products = sum(1 for _ in loops.products((1, 6, 8, 3), (5, 5, 3, 4), 1, 2))
    inside = sum(min(i + 2, 5) - max(i - 2, 0) + 1 for i in range(6)) * sum(
        min(j + 2, 7) - max(j - 2, 0) + 1 for j in range(8)
    )
    assert products == inside * 3 * 4
    assert layers.flop(layer, 1) == 2 * products * (6 * 8 * 25) / inside


def test_a_step_lowers_the_loss_and_leaves_the_parameters_it_was_given_alone():
    params, batch = steps.draw(4, 3, 16, 16)
    before = params["network"]["conv1"]["W"].copy()
    step = steps.training_step(params, batch)
    losses = [step() for _ in range(5)]
    assert losses[-1] < losses[0] and np.isfinite(losses).all()
    np.testing.assert_array_equal(params["network"]["conv1"]["W"], before)
    assert steps.embedding(params, batch["x"])().shape == (4, 256)


def test_pytorch_does_the_same_work(judge):
    """Loss by loss over three steps of SGD, in either layout."""
    from minireid.bench import torch_step

    params, batch = steps.draw(4, 3, 16, 24)
    mine = steps.training_step(params, batch)
    theirs = [torch_step.training_step(params, batch, layout, steps.LEARNING_RATE) for layout in torch_step.LAYOUTS]
    assert tuple(torch_step.LAYOUTS) == layers.LAYOUTS
    for _ in range(3):
        loss = mine()
        for other in theirs:
            assert other() == pytest.approx(loss, rel=1e-5)

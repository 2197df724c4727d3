"""Parameters and FLOPs a frame, counted by hand."""

import pytest

from minireid.experiments import cost
from minireid.recipes.recipe import load
from tests import small_data

BLOCKS = (  # 16 x 8 pixels of 3 channels, padding 2: the maps keep their size, then are halved
    2 * 25 * 3 * 16 * 8 * 16,
    2 * 25 * 16 * 8 * 4 * 32,
    2 * 25 * 32 * 4 * 2 * 32,
)
LINEAR = 2 * (2 * 1 * 32) * 128  # 2 x 1 places are left


def test_crf() -> None:
    recipe = small_data.recipe(name="crf")
    recurrence = 2 * 2 * 128 * 128  # W and U
    assert cost.flops_per_frame(recipe) == sum(BLOCKS) + LINEAR + recurrence
    convolutions = 25 * (3 * 16 + 16 * 32 + 32 * 32) + 16 + 32 + 32
    assert cost.parameters(recipe) == convolutions + 2 * 32 * 128 + 128 + 2 * 128 * 128
    spatial = small_data.recipe("network.name=crf_spatial", name="crf")
    assert cost.flops_per_frame(spatial) == sum(BLOCKS) + LINEAR


def test_crf_parts() -> None:
    """A half costs half of the whole body's convolutions; each linear layer reads what is left; the fusion is shared
    out among the frames of a clip."""
    recipe = small_data.recipe("network.name=crf_parts", "clips.length=5", name="crf")
    recurrences = 3 * 2 * 2 * 128 * 128
    linear = LINEAR + 2 * LINEAR / 2
    assert cost.flops_per_frame(recipe) == 2 * sum(BLOCKS) + linear + recurrences + 3 * 2 * 128 * 128 / 5


def test_utrcnn() -> None:
    """Padding 4: maps of 20 x 12, halved 10 x 6, then 14 x 10, 7 x 5, then 11 x 9, 5 x 4. The attention is left out."""
    recipe = small_data.recipe(name="utrcnn")
    blocks = 2 * 25 * 3 * 20 * 12 * 16 + 2 * 25 * 16 * 14 * 10 * 32 + 2 * 25 * 32 * 11 * 9 * 32
    assert cost.flops_per_frame(recipe) == blocks + 2 * (5 * 4 * 32) * 128 + 3 * 2 * 128 * 128
    assert cost.parameters(recipe) == (
        25 * (3 * 16 + 16 * 32 + 32 * 32) + 80 + 5 * 4 * 32 * 128 + 128 + 3 * 128 * 128 + 2 * 128 + 128
    )


@pytest.mark.parametrize("kernels", [(5, 5), (9, 1)], ids=str)
def test_deep_rcn(kernels: tuple[int, int]) -> None:
    """16 x 8 pixels, levels of 8 x 4, 4 x 2 and 2 x 1 places; filters 4, and 5, 6, 7 states."""
    k, l = (n * n for n in kernels)
    changes = (*small_data.DEEP_RCN, "network.filters=[4, 5, 6, 7]", f"network.kernels={list(kernels)}")
    convolutions = 2 * 9 * (16 * 8 * 3 * 4 + (8 * 4 + 4 * 2 + 2 * 1) * 4 * 4)
    units = (
        2 * 8 * 4 * 3 * (k * 4 * 5 + l * 5 * 5)
        + 2 * 4 * 2 * 3 * (k * 4 * 6 + l * 6 * 6)
        + 2 * 2 * 1 * 3 * (k * 4 * 7 + l * 7 * 7)
    )
    of_lower = 2 * 4 * 2 * k * 5 * 6 + 2 * 2 * 1 * k * 6 * 7  # for one gate
    weights = 9 * (3 * 4 + 3 * 4 * 4) + 3 * sum(k * 4 * S + l * S * S + S for S in (5, 6, 7)) + 4 * 4
    independent = small_data.recipe(*changes, "network.name=deep_rcn_independent", name="deep_rcn")
    assert cost.flops_per_frame(independent) == convolutions + units
    assert cost.parameters(independent) == weights
    for gates, in_candidate in ((2, "false"), (3, "true")):
        recipe = small_data.recipe(*changes, f"network.lower_in_candidate={in_candidate}", name="deep_rcn")
        assert cost.flops_per_frame(recipe) == convolutions + units + gates * of_lower
        assert cost.parameters(recipe) == weights + gates * k * (5 * 6 + 6 * 7)


def test_msp_src() -> None:
    """Its low level's linear layer is once for a clip: a third of it for a frame of three."""
    recipe = small_data.recipe("network.unit=gru", "network.depth=1")
    unit = 6 * 2 * 128 * 128
    assert cost.flops_per_frame(recipe) == pytest.approx(sum(BLOCKS) + LINEAR + LINEAR / 3 + unit, rel=1e-12)
    lstm = small_data.recipe("network.unit=lstm", "network.depth=2")
    assert cost.flops_per_frame(lstm) == pytest.approx(sum(BLOCKS) + LINEAR + LINEAR / 3 + 2 * unit * 8 / 6, rel=1e-12)


def test_the_heads_are_not_counted_and_the_baseline_has_its_parameters() -> None:
    assert cost.parameters(load("src")) == 397_828 - 12_900


def test_longer_clips_cost_the_same_for_a_frame() -> None:
    for name, changes in (("crf", ()), ("deep_rcn", small_data.DEEP_RCN), ("utrcnn", ())):
        short, long = (small_data.recipe(*changes, f"clips.length={T}", name=name) for T in (2, 7))
        assert cost.flops_per_frame(short) == cost.flops_per_frame(long), name

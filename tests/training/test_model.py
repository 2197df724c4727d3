"""A recipe's words turned into modules, parameters and one step's loss and gradients."""

from typing import Any

import numpy as np
import pytest

from minireid.errors import InputError
from minireid.gradcheck import check
from minireid.networks import msp_src, src
from minireid.training import model
from minireid.trees import from_leaves, leaves
from tests import small_data

K = 4


def batch(channels: int = 3, dtype: type = np.float32) -> dict[str, Any]:
    """Two persons, each with a clip from both cameras."""
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(4, 3, 16, 8, channels)).astype(dtype),
        "lengths": np.array([3, 2, 3, 1]),
        "labels": np.array([2, 2, 0, 0]),
        "pairs": np.array([[0, 1], [2, 3], [0, 3], [2, 1]]),
        "same": np.array([True, True, False, False]),
        "weights": np.array([0.3, 0.2, 0.1, 0.4], dtype),
    }


def shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in leaves(tree)}


def test_networks_by_name() -> None:
    assert model.network_of(small_data.recipe()) is msp_src
    assert model.network_of(small_data.recipe(name="src")) is src


@pytest.mark.parametrize(
    "name, changes, says",
    [
        ("src", ["network.unit=gru"], "src has unit, depth, pool"),
        ("src", ["network.depth=2"], "src has unit, depth, pool"),
        ("src", ["network.pool=temporal_max"], "src has unit, depth, pool"),
        ("msp_src", ["network.unit=elman_unsquashed"], "elman_unsquashed belongs to another network"),
    ],
)
def test_parts_that_do_not_belong_together(name: str, changes: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        model.network_of(small_data.recipe(*changes, name=name))


@pytest.mark.parametrize("unit, matrices", [("gru", 6), ("gru_reset_after", 6), ("elman", 2)])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_unit_and_depth(unit: str, matrices: int, depth: int) -> None:
    params = model.init(small_data.recipe(f"network.unit={unit}", f"network.depth={depth}"), K)
    units = {name: tree for name, tree in params["network"]["high"].items() if name.startswith("unit")}
    assert list(units) == [f"unit{d}" for d in range(1, depth + 1)]
    assert all(sum(array.ndim == 2 for array in tree.values()) == matrices for tree in units.values())


@pytest.mark.parametrize("name", ["msp_src", "msp_src_low", "msp_src_high"])
@pytest.mark.parametrize("pool", ["temporal_mean", "temporal_max", "temporal_last"])
def test_levels_and_pools(name: str, pool: str) -> None:
    recipe = small_data.recipe(f"network.name={name}", f"network.pool={pool}")
    params = model.init(recipe, K)
    levels = {"msp_src": {"low", "high"}, "msp_src_low": {"low"}, "msp_src_high": {"high"}}[name]
    assert set(params["heads"]) == levels
    assert all(shapes(c) == {"W": (128, K), "b": (K,)} for c in params["heads"].values())
    assert model.parts_of(recipe)["pool"].__name__ == f"minireid.layers.{pool}"
    loss, parts, embeddings, grads = model.loss_and_gradients(recipe, params, **batch(), rng=None)
    assert set(embeddings) == levels and shapes(grads) == shapes(params)
    assert set(parts) == {f"{level} {kind}" for level in levels for kind in ("verification", "identification")}
    assert loss == pytest.approx(sum(parts.values()), rel=1e-6)


def test_pools_make_a_difference() -> None:
    losses = set()
    for pool in ("temporal_mean", "temporal_max", "temporal_last"):
        recipe = small_data.recipe(f"network.pool={pool}")
        losses.add(model.loss_and_gradients(recipe, model.init(recipe, K), **batch(), rng=None)[0])
    assert len(losses) == 3


def test_parameters_come_from_the_recipes_seed() -> None:
    first, again, other = (model.init(small_data.recipe(f"training.seed={s}"), K) for s in (3, 3, 4))
    for (_, a), (_, b), (name, c) in zip(leaves(first), leaves(again), leaves(other)):
        assert a.tobytes() == b.tobytes() and a.dtype == np.float32
        assert not np.array_equal(a, c) or not a.any(), name


def test_gain_widens_convolutions_and_linear_layers_only() -> None:
    plain, wide = (dict(leaves(model.init(small_data.recipe(f"network.gain={g}"), K))) for g in (1.0, 1.5))
    widened = {name for name in plain if not np.array_equal(plain[name], wide[name])}
    assert widened == {f"network.{name}.W" for name in ("conv1", "conv2", "low.linear", "high.conv3", "high.linear")}
    for name in widened:
        np.testing.assert_allclose(wide[name], 1.5 * plain[name], rtol=1e-6)
        assert wide[name].dtype == np.float32


def test_the_weights_of_the_losses() -> None:
    def loss(verification: float, identification: float) -> tuple[float, dict[str, float]]:
        recipe = small_data.recipe(
            f"losses.verification_weight={verification}", f"losses.identification_weight={identification}"
        )
        total, parts, _, _ = model.loss_and_gradients(recipe, model.init(recipe, K), **batch(), rng=None)
        return total, parts

    _, parts = loss(1, 1)
    V, I = (sum(part for name, part in parts.items() if kind in name) for kind in ("verification", "identification"))
    for v, i in ((1, 1), (2, 0.5), (0, 1), (1, 0)):
        total, again = loss(v, i)
        assert total == pytest.approx(v * V + i * I, rel=1e-6)
        assert again == parts, "parts are written down without their weights"


def test_pairs_count_by_their_weights() -> None:
    recipe = small_data.recipe()
    params = model.init(recipe, K)
    parts = []
    for n in range(4):
        alone = {**batch(), "weights": np.eye(4, dtype=np.float32)[n]}
        parts.append(model.loss_and_gradients(recipe, params, **alone, rng=None)[1]["low verification"])
    together = model.loss_and_gradients(recipe, params, **batch(), rng=None)[1]["low verification"]
    assert len(set(parts)) == 4
    assert together == pytest.approx(np.dot([0.3, 0.2, 0.1, 0.4], parts), rel=1e-5)


def test_padding_after_a_clips_end_changes_nothing() -> None:
    recipe = small_data.recipe()
    params = model.init(recipe, K)
    padded = batch()
    for n, length in enumerate(padded["lengths"]):
        padded["x"][n, length:] = 1e6
    assert model.loss_and_gradients(recipe, params, **padded, rng=None)[0] == pytest.approx(
        model.loss_and_gradients(recipe, params, **batch(), rng=None)[0], rel=1e-6
    )


def test_margin_and_kind_of_the_verification_loss() -> None:
    totals = set()
    for kind in ("contrastive_squared", "contrastive_linear", "contrastive_crf"):
        for margin in (2.0, 3.0):
            recipe = small_data.recipe(f"losses.verification={kind}", f"losses.margin={margin}")
            totals.add(model.loss_and_gradients(recipe, model.init(recipe, K), **batch(), rng=None)[0])
    assert len(totals) == 6


def test_together_on_a_sphere_or_not() -> None:
    totals = set()
    for words in (
        ("losses.together=joint",),
        ("losses.together=joint_on_sphere", "losses.verification_length=1.0", "losses.identification_length=4.0"),
        ("losses.together=joint_on_sphere", "losses.verification_length=2.0", "losses.identification_length=4.0"),
        ("losses.together=joint_on_sphere", "losses.verification_length=1.0", "losses.identification_length=8.0"),
    ):
        recipe = small_data.recipe(*words)
        loss, _, _, grads = model.loss_and_gradients(recipe, params := model.init(recipe, K), **batch(), rng=None)
        assert shapes(grads) == shapes(params)
        totals.add(loss)
    assert len(totals) == 4


def test_dropout_needs_a_generator_and_follows_it() -> None:
    recipe = small_data.recipe("network.dropout=0.5")
    params = model.init(recipe, K)

    def loss(rng: np.random.Generator | None) -> float:
        return model.loss_and_gradients(recipe, params, **batch(), rng=rng)[0]

    assert loss(None) == loss(None)
    assert loss(np.random.default_rng(0)) == loss(np.random.default_rng(0)) != loss(np.random.default_rng(1))
    off = small_data.recipe("network.dropout=0.0")
    assert model.loss_and_gradients(off, params, **batch(), rng=np.random.default_rng(0))[0] == loss(None)


def test_the_dropout_rate_is_the_recipes() -> None:
    """At 0.999 next to nothing is left of the low level: its embedding is the bias of its linear layer."""
    recipe = small_data.recipe("network.dropout=0.999")
    params = model.init(recipe, K)
    few = batch()
    _, _, embeddings, _ = model.loss_and_gradients(recipe, params, **few, rng=np.random.default_rng(0))
    bias = params["network"]["low"]["linear"]["b"]
    assert np.any(np.all(np.isclose(embeddings["low"], bias), axis=1))


@pytest.mark.parametrize("name", ["msp_src", "src"])
def test_the_derivative_of_a_whole_step(name: str) -> None:
    """Loss to parameters, through classifiers and network, in float64, along a few random directions."""
    flow = "true" if name == "src" else "false"
    recipe = small_data.recipe(f"clips.flow={flow}", "network.dropout=0.0", name=name)
    inputs = batch(channels=5 if name == "src" else 3, dtype=np.float64)
    params = model.init(recipe, K, dtype=np.float64)
    start = dict(leaves(params))
    rng = np.random.default_rng(1)
    directions = [{n: 0.001 * rng.normal(size=a.shape) for n, a in start.items()} for _ in range(3)]

    def forward(steps: np.ndarray) -> tuple[Any, Any]:
        moved = {n: a + sum(s * d[n] for s, d in zip(steps, directions)) for n, a in start.items()}
        loss, _, _, grads = model.loss_and_gradients(recipe, from_leaves(moved), **inputs, rng=None)
        return np.float64(loss), dict(leaves(grads))

    def backward(dloss: Any, grads: dict[str, np.ndarray]) -> np.ndarray:
        return dloss * np.array([sum(np.sum(grads[n] * d[n]) for n in start) for d in directions])

    report = check(forward, backward, np.zeros(3), seed=0)
    assert report.ok, str(report)

"""A recipe's words turned into modules, parameters and one step's loss and gradients."""

from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.trees import from_leaves, leaves
from minireid.gradcheck import check
from minireid.kernels import direct, im2col
from minireid.layers import conv_block, conv_block_fused, gru, gru_projected, temporal_last, temporal_mean
from minireid.losses import similarity
from minireid.networks import msp_src, src
from minireid.recipes.schema import Recipe
from minireid.training import model, step
from minireid.training.batches import Batch
from minireid.training.model import model_of
from minireid.training.ways import DEFINITION, fast
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


def computed(recipe: Recipe, params: Any, rng: np.random.Generator | None, **inputs: Any) -> tuple[Any, ...]:
    """loss, parts, embeddings, gradients."""
    double = inputs["x"].dtype == np.float64
    return step.gradients(model_of(recipe, DEFINITION if double else fast()), params, Batch(**inputs), rng)[:4]


def shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in leaves(tree)}


NO_TIME = ("network.name=crf_spatial",)
INDEPENDENT = (*small_data.DEEP_RCN, "network.name=deep_rcn_independent")
SYSTEMS = {  # network: what it is trained by, a shipped recipe and changes
    "src": ("src",),
    "crf": ("crf",),
    "crf_spatial": ("crf", *NO_TIME),
    "crf_temporal": ("crf", "network.name=crf_temporal"),
    "crf_parts": ("crf", "network.name=crf_parts"),
    "deep_rcn": ("deep_rcn", *small_data.DEEP_RCN),
    "deep_rcn_independent": ("deep_rcn", *INDEPENDENT),
    "utrcnn": ("utrcnn",),
}


def system(name: str, *changes: str) -> Recipe:
    base, *own = SYSTEMS[name]
    return small_data.recipe(*own, *changes, name=base)


def test_networks_by_name() -> None:
    assert model_of(small_data.recipe(), DEFINITION).network is msp_src
    for name in SYSTEMS:
        assert model_of(system(name), DEFINITION).network.__name__ == f"minireid.networks.{name}"
    assert model_of(system("src"), DEFINITION).network is src


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """What the recipe's forward is given, without the modules that convolutions run on."""
    settings = model_of(recipe, fast()).settings
    return {key: value for key, value in settings.items() if key not in ("block", "kernel")}


def test_what_a_network_is_given() -> None:
    """Modules by name, and settings; nothing that it has no use for."""
    assert settings_of(system("crf")) == settings_of(system("crf_parts")) == settings_of(system("src")) == {}
    chosen = settings_of(system("utrcnn", "network.attention=raw", "utrcnn.top_k=5"))
    assert chosen == {"attention": "raw", "top_k": 5}
    assert settings_of(system("utrcnn")) == {"attention": "softmax", "top_k": 0}
    assert settings_of(system("deep_rcn")) == {"pool": temporal_last}
    assert settings_of(system("deep_rcn_independent", "network.pool=temporal_mean")) == {"pool": temporal_mean}
    assert settings_of(small_data.recipe("network.unit=gru"))["unit"] is gru_projected
    lstm = settings_of(small_data.recipe("network.unit=lstm", "network.pool=temporal_last"))
    assert lstm["unit"].__name__ == "minireid.layers.lstm" and lstm["pool"] is temporal_last


def test_definition_or_fast() -> None:
    """The definitions are NumPy alone; the fast way is the compiled twins."""
    slow, quick = (model_of(small_data.recipe(), way).settings for way in (DEFINITION, fast()))
    assert (slow["unit"], slow["block"], slow["kernel"]) == (gru, conv_block, im2col)
    assert (quick["unit"], quick["block"], quick["kernel"]) == (gru_projected, conv_block_fused, direct)


def test_filters_and_kernels_reach_the_parameters() -> None:
    sizes = {name: array.shape for name, array in leaves(model.init(system("crf", "network.filters=[3, 5, 7]"), K))}
    assert sizes["network.conv1.W"] == (5, 5, 3, 3) and sizes["network.conv3.b"] == (7,)
    changes = ("network.filters=[3, 5, 7, 2]", "network.kernels=[9, 1]")
    for in_candidate in (False, True):
        recipe = system("deep_rcn", *changes, f"network.lower_in_candidate={str(in_candidate).lower()}")
        sizes = {name: array.shape for name, array in leaves(model.init(recipe, K)["network"])}
        assert sizes["conv0.W"] == (3, 3, 3, 3) and sizes["conv3.W"] == (3, 3, 3, 3)
        assert sizes["level2.Wz"] == (9, 9, 3, 7) and sizes["level2.Lz"] == (9, 9, 5, 7)
        assert sizes["level3.Uc"] == (1, 1, 2, 2)
        assert ("level3.Lc" in sizes) == in_candidate
    sizes = {name: array.shape for name, array in leaves(model.init(system("deep_rcn_independent", *changes), K))}
    assert sizes["network.level1.Wz"] == (9, 9, 3, 5) and sizes["network.level3.Wc"] == (9, 9, 3, 2)


def test_heads() -> None:
    """A classifier for each level of a distance; for the similarity its weights, whoever there is to be told apart."""
    assert shapes(model.init(system("utrcnn"), K)["heads"]) == {"clip.W": (128, K), "clip.b": (K,)}
    parts = model.init(system("crf_parts"), K)["heads"]
    assert list(parts) == ["whole", "upper", "lower", "fused"]
    assert all(shapes(head) == {"W": (128, K), "b": (K,)} for head in parts.values())
    places = 2 * 1  # 16 x 8 pixels
    for name in ("deep_rcn", "deep_rcn_independent"):
        for identities in (2, 50):
            assert shapes(model.init(system(name), identities)["heads"]) == {"clip.v": (places * 12,), "clip.c": ()}


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("deep_rcn", ["clips.crop=[20, 16]"], "deep_rcn: expected height and width to be multiples of 8, got 20 x 16"),
        ("deep_rcn", ["clips.crop=[16, 12]"], "deep_rcn: expected height and width to be multiples of 8, got 16 x 12"),
        ("deep_rcn_independent", ["clips.crop=[17, 8]"], "expected height and width to be multiples of 8, got 17 x 8"),
        ("deep_rcn", ["network.kernels=[4, 1]"], "kernels must be odd"),
        ("deep_rcn", ["network.kernels=[9, 2]"], "kernels must be odd"),
        (
            "crf_parts",
            ["clips.crop=[17, 8]"],
            "crf_parts: expected an even height (frames are cut into two halves), got 17",
        ),
    ],
)
def test_sizes_that_do_not_fit_the_network(name: str, changes: list[str], says: str) -> None:
    with pytest.raises(InputError) as found:
        model.init(system(name, *changes), K)
    text = str(found.value)
    assert says in text and text.endswith(": change clips.crop or [network]") and "\n" not in text


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_of_every_system(name: str) -> None:
    recipe = system(name, "network.dropout=0.3")
    params = model.init(recipe, K)
    loss, parts, embeddings, grads = computed(recipe, params, np.random.default_rng(0), **batch())
    levels = {"crf_parts": ["whole", "upper", "lower", "fused"]}.get(name, ["clip"])
    assert list(embeddings) == levels and shapes(grads) == shapes(params)
    kinds = ["verification"] if name.startswith("deep_rcn") else ["verification", "identification"]
    assert set(parts) == {f"{level} {kind}" for level in levels for kind in kinds}
    assert np.isfinite(loss) and loss > 0
    assert all(array.dtype == np.float32 for _, array in leaves(grads))


def test_smoothed_labels_and_triplets_are_what_the_recipe_asks_for() -> None:
    totals = set()
    for kind in ("softmax", "softmax_smoothed"):
        for verification in ("contrastive_squared", "triplet_hard"):
            recipe = small_data.recipe(f"losses.identification={kind}", f"losses.verification={verification}")
            assert model.loss_settings(recipe)["identification"].__name__ == f"minireid.losses.{kind}"
            assert model.loss_settings(recipe)["verification"].__name__ == f"minireid.losses.{verification}"
            totals.add(computed(recipe, model.init(recipe, K), None, **batch())[0])
    assert len(totals) == 4
    assert model_of(system("deep_rcn"), DEFINITION).loss is similarity and model.loss_settings(system("deep_rcn")) == {}


@pytest.mark.parametrize("unit, matrices", [("gru", 6), ("gru_reset_after", 6), ("elman", 2), ("lstm", 8)])
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
    assert settings_of(recipe)["pool"].__name__ == f"minireid.layers.{pool}"
    loss, parts, embeddings, grads = computed(recipe, params, None, **batch())
    assert set(embeddings) == levels and shapes(grads) == shapes(params)
    assert set(parts) == {f"{level} {kind}" for level in levels for kind in ("verification", "identification")}
    assert loss == pytest.approx(sum(parts.values()), rel=1e-6)


def test_pools_make_a_difference() -> None:
    losses = set()
    for pool in ("temporal_mean", "temporal_max", "temporal_last"):
        recipe = small_data.recipe(f"network.pool={pool}")
        losses.add(computed(recipe, model.init(recipe, K), None, **batch())[0])
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
        total, parts, _, _ = computed(recipe, model.init(recipe, K), None, **batch())
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
        parts.append(computed(recipe, params, None, **alone)[1]["low verification"])
    together = computed(recipe, params, None, **batch())[1]["low verification"]
    assert len(set(parts)) == 4
    assert together == pytest.approx(np.dot([0.3, 0.2, 0.1, 0.4], parts), rel=1e-5)


def test_padding_after_a_clips_end_changes_nothing() -> None:
    recipe = small_data.recipe()
    params = model.init(recipe, K)
    padded = batch()
    for n, length in enumerate(padded["lengths"]):
        padded["x"][n, length:] = 1e6
    assert computed(recipe, params, None, **padded)[0] == pytest.approx(
        computed(recipe, params, None, **batch())[0], rel=1e-6
    )


def test_margin_and_kind_of_the_verification_loss() -> None:
    totals = set()
    for kind in ("contrastive_squared", "contrastive_linear", "contrastive_crf"):
        for margin in (2.0, 3.0):
            recipe = small_data.recipe(f"losses.verification={kind}", f"losses.margin={margin}")
            totals.add(computed(recipe, model.init(recipe, K), None, **batch())[0])
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
        loss, _, _, grads = computed(recipe, params := model.init(recipe, K), None, **batch())
        assert shapes(grads) == shapes(params)
        totals.add(loss)
    assert len(totals) == 4


def test_dropout_needs_a_generator_and_follows_it() -> None:
    recipe = small_data.recipe("network.dropout=0.5")
    params = model.init(recipe, K)

    def loss(rng: np.random.Generator | None) -> float:
        return computed(recipe, params, rng, **batch())[0]

    assert loss(None) == loss(None)
    assert loss(np.random.default_rng(0)) == loss(np.random.default_rng(0)) != loss(np.random.default_rng(1))
    off = small_data.recipe("network.dropout=0.0")
    assert computed(off, params, np.random.default_rng(0), **batch())[0] == loss(None)


def test_the_dropout_rate_is_the_recipes() -> None:
    """At 0.999 next to nothing is left of the low level: its embedding is the bias of its linear layer."""
    recipe = small_data.recipe("network.dropout=0.999")
    params = model.init(recipe, K)
    few = batch()
    _, _, embeddings, _ = computed(recipe, params, np.random.default_rng(0), **few)
    bias = params["network"]["low"]["linear"]["b"]
    assert np.any(np.all(np.isclose(embeddings["low"], bias), axis=1))


@pytest.mark.parametrize("name", ["msp_src", *(name for name in SYSTEMS if name != "crf_parts")])
def test_the_derivative_of_a_whole_step(name: str) -> None:
    """Loss to parameters, through heads and network, in float64, along a few random directions.

    Not of crf_parts, in which a gradient stops on its way.
    """
    flow = f"clips.flow={'true' if name == 'src' else 'false'}"
    plain = ("network.dropout=0.0", flow)
    recipe = system(name, *plain) if name in SYSTEMS else small_data.recipe(*plain, name=name)
    inputs = batch(channels=5 if name == "src" else 3, dtype=np.float64)
    params = model.init(recipe, K, dtype=np.float64)
    start = dict(leaves(params))
    rng = np.random.default_rng(1)
    directions = [{n: 0.001 * rng.normal(size=a.shape) for n, a in start.items()} for _ in range(3)]

    def forward(steps: np.ndarray) -> tuple[Any, Any]:
        moved = {n: a + sum(s * d[n] for s, d in zip(steps, directions)) for n, a in start.items()}
        loss, _, _, grads = computed(recipe, from_leaves(moved), None, **inputs)
        return np.float64(loss), dict(leaves(grads))

    def backward(dloss: Any, grads: dict[str, np.ndarray]) -> np.ndarray:
        return dloss * np.array([sum(np.sum(grads[n] * d[n]) for n in start) for d in directions])

    report = check(forward, backward, np.zeros(3), seed=0)
    assert report.ok, str(report)

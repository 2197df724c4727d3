import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.losses import joint, similarity
from minireid.training import optimisers
from tests.judges import assert_complex_step, assert_manners

CONFIG = {
    "labels": [3, 0, 6, 3, 5],
    "pairs": np.array([[0, 1], [2, 1], [3, 4], [0, 3], [2, 3], [3, 0]]),
    "same": np.array([False, False, False, True, False, True]),
}
WEIGHTS = np.array([0.3, 0.7, 0.0, 0.2, 1.1, 0.4])


def draw(rng: np.random.Generator) -> tuple:
    """Embeddings at two levels of different sizes, and a head for each."""
    embeddings = {"low": rng.normal(size=(5, 2)), "high": rng.normal(size=(5, 3))}
    heads = {level: {"v": rng.normal(size=e.shape[1]), "c": np.array(rng.normal())} for level, e in embeddings.items()}
    return embeddings, heads


def one_pair(a: list[float], b: list[float], v: list[float], c: float, same: bool) -> tuple:
    embeddings, heads = {"clip": np.array([a, b])}, {"clip": {"v": np.array(v), "c": np.array(c)}}
    loss, cache = similarity.forward(embeddings, heads, labels=[0, 1], pairs=[[0, 1]], same=[same])
    return loss, *similarity.backward(1.0, cache)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["mean", "weighted"])
def test_derivatives(weights, rng):
    assert_gradients(similarity.forward, similarity.backward, *draw(rng), **CONFIG, weights=weights)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["mean", "weighted"])
def test_against_pytorch(weights, rng, judge):
    judge.assert_same(similarity.forward, similarity.backward, judge.similarity, *draw(rng), **CONFIG, weights=weights)


@pytest.mark.parametrize("same", [True, False])
def test_by_hand(same):
    """u = 2 x 3 x 1/2 - 1 x 4 x 1 - (-3) = 2; with s = sigmoid(2), the loss is -ln s or -ln(1 - s)."""
    loss, dembeddings, grads = one_pair([2, 1], [3, 4], [0.5, -1], -3, same)
    s = 1 / (1 + math.exp(-2))
    np.testing.assert_allclose(loss, -math.log(s if same else 1 - s), rtol=1e-14)
    du = s - same
    np.testing.assert_allclose(dembeddings["clip"], du * np.array([[1.5, -4], [1, -1]]), rtol=1e-14)
    np.testing.assert_allclose(grads["clip"]["v"], [6 * du, 4 * du], rtol=1e-14)
    np.testing.assert_allclose(grads["clip"]["c"], -du, rtol=1e-14)


def test_without_any_likeness_the_loss_is_ln_2_at_every_level():
    embeddings = {"low": np.zeros((3, 2)), "high": np.zeros((3, 4))}
    heads = {level: similarity.init(np.random.default_rng(0), e.shape[1], 9) for level, e in embeddings.items()}
    loss, cache = similarity.forward(embeddings, heads, labels=[0] * 3, pairs=[[0, 1], [1, 2]], same=[True, False])
    np.testing.assert_allclose(loss, 2 * math.log(2), rtol=1e-15)
    assert list(cache.parts) == ["low verification", "high verification"]
    np.testing.assert_allclose(list(cache.parts.values()), math.log(2), rtol=1e-15)


def test_the_loss_is_the_sum_of_its_parts_and_they_of_the_weighted_pairs(rng):
    embeddings, heads = draw(rng)
    loss, cache = similarity.forward(embeddings, heads, **CONFIG, weights=WEIGHTS)
    np.testing.assert_allclose(loss, sum(cache.parts.values()), rtol=1e-14)
    for level in embeddings:
        losses = []
        for pair, same in zip(CONFIG["pairs"], CONFIG["same"]):
            one = {"labels": [], "pairs": [pair], "same": [same]}
            losses.append(similarity.forward({level: embeddings[level]}, heads, **one)[0])
        np.testing.assert_allclose(cache.parts[f"{level} verification"], WEIGHTS @ losses, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("u", [1e4, -1e4])
def test_similarities_of_1e4_do_not_overflow_and_the_gradient_lives_on_where_it_is_wrong(u, same, dtype):
    embeddings = {"clip": np.array([[1], [u]], dtype)}
    heads = {"clip": {"v": np.ones(1, dtype), "c": np.zeros((), dtype)}}
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, cache = similarity.forward(embeddings, heads, labels=[], pairs=[[0, 1]], same=[same])
        _, grads = similarity.backward(1.0, cache)
    wrong = same != (u > 0)
    assert loss == (1e4 if wrong else 0) and grads["clip"]["c"] == (np.sign(-u) if wrong else 0)


def test_a_tiny_loss_is_not_rounded_away():
    loss, _, _ = one_pair([1.0], [40.0], [1.0], 0.0, True)
    np.testing.assert_allclose(loss, math.exp(-40), rtol=1e-14)


def test_score_is_u_of_every_probe_with_every_gallery_entry(rng):
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    head = {"v": rng.normal(size=4), "c": np.array(0.7)}
    found = similarity.score(a, b, {"clip": head})
    assert found.shape == (3, 5)
    for i in range(3):
        for j in range(5):
            np.testing.assert_allclose(found[i, j], sum(head["v"] * a[i] * b[j]) - 0.7, rtol=1e-13)
            config = {"labels": [], "pairs": [[0, 1]], "same": [True]}
            loss, _ = similarity.forward({"clip": np.stack([a[i], b[j]])}, {"clip": head}, **config)
            np.testing.assert_allclose(loss, math.log1p(math.exp(-found[i, j])), rtol=1e-13)  # larger is more alike
    np.testing.assert_allclose(similarity.score(b, a, {"clip": head}), found.T, rtol=1e-13)


@pytest.mark.parametrize("levels", [(), ("low", "high")])
def test_a_score_needs_one_level(levels, rng):
    heads = {level: similarity.init(rng, 4, 2) for level in levels}
    with pytest.raises(ValueError, match="similarity: expected the head of one level, got"):
        similarity.score(np.zeros((1, 4)), np.zeros((1, 4)), heads)


def test_it_takes_what_the_joint_loss_takes(rng):
    """The training swaps the one for the other: margin and the rest are told, and not used."""
    arrays = draw(rng)
    others = {"margin": 7.0, "verification": joint, "verification_weight": 3.0, "identification_weight": 3.0}
    assert similarity.forward(*arrays, **CONFIG, **others)[0] == similarity.forward(*arrays, **CONFIG)[0]


def test_the_start_is_a_scaled_inner_product_and_draws_nothing():
    rng = np.random.default_rng(0)
    p = similarity.init(rng, 16, 7)
    assert p["v"].shape == (16,) and (p["v"] == 0.25).all() and p["c"].shape == () and p["c"] == 0
    assert (
        p["v"].dtype == p["c"].dtype == np.float32 and similarity.init(rng, 3, 7, dtype=np.float64)["c"].dtype == "f8"
    )
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("rule", [optimisers.adam, optimisers.rmsprop])
def test_the_offset_without_axes_can_be_clipped_and_updated(rule, rng):
    embeddings, _ = draw(rng)
    heads = {level: similarity.init(rng, e.shape[1], 7, dtype=np.float64) for level, e in embeddings.items()}
    states: dict = {}
    losses = []
    for _ in range(30):
        loss, cache = similarity.forward(embeddings, heads, **CONFIG)
        _, grads = similarity.backward(1.0, cache)
        optimisers.clip_elements(grads, 5.0)
        optimisers.update(rule, heads, grads, states, learning_rate=0.02)
        losses.append(loss)
    assert losses[-1] < losses[0] and all(heads[level]["c"] != 0 for level in heads)


def test_manners(rng):
    config = {name: (lambda value=value: value) for name, value in {**CONFIG, "weights": WEIGHTS}.items()}
    assert_manners(similarity.forward, similarity.backward, *draw(rng), **config)


def test_complex_step(rng):
    assert_complex_step(similarity.forward, similarity.backward, *draw(rng), **CONFIG, weights=WEIGHTS)

import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import linear
from minireid.losses import (
    contrastive_crf,
    contrastive_linear,
    contrastive_squared,
    joint,
    softmax,
    softmax_smoothed,
    triplet_hard,
)
from tests.judges import assert_complex_step, assert_manners

CONFIG = {
    "labels": [3, 0, 6, 3, 5],
    "pairs": np.array([[0, 1], [2, 1], [3, 4], [0, 3], [2, 3]]),
    "same": np.array([False, False, False, True, False]),
    "weights": np.array([0.3, 0.7, 0.0, 0.2, 1.1]),
    "margin": 2.5,
}


def draw(rng: np.random.Generator) -> tuple:
    """Embeddings at two levels of different sizes, and a classifier for each."""
    embeddings = {"low": rng.normal(size=(5, 2)), "high": rng.normal(size=(5, 3))}
    return embeddings, {level: linear.init(rng, e.shape[1], 7, dtype=np.float64) for level, e in embeddings.items()}


@pytest.mark.parametrize("verification", [contrastive_squared, contrastive_linear, contrastive_crf, triplet_hard])
def test_derivatives(verification, rng):
    weights = {"verification_weight": 0.7, "identification_weight": 1.3}
    assert_gradients(joint.forward, joint.backward, *draw(rng), **CONFIG, **weights, verification=verification)


@pytest.mark.parametrize("parts", [(0.7, 1.3), (1.0, 1.0), (0.0, 2.0), (3.0, 0.0)])
def test_against_pytorch(parts, rng, judge):
    def forward(embeddings, classifiers):
        named = dict(zip(("verification_weight", "identification_weight"), parts))
        return joint.forward(embeddings, classifiers, **CONFIG, **named)

    def theirs(embeddings, classifiers):
        return judge.joint(embeddings, classifiers, **CONFIG, parts=parts)

    judge.assert_same(forward, joint.backward, theirs, *draw(rng))


def test_identification_with_smoothed_labels(rng, judge):
    arrays, smoothed = draw(rng), {"identification": softmax_smoothed, "identification_weight": 1.3}
    assert_gradients(joint.forward, joint.backward, *arrays, **CONFIG, **smoothed)

    def forward(embeddings, classifiers):
        return joint.forward(embeddings, classifiers, **CONFIG, **smoothed)

    def theirs(embeddings, classifiers):
        config = CONFIG | {"parts": (1.0, 1.3), "identification": judge.softmax_smoothed}
        return judge.joint(embeddings, classifiers, **config)

    judge.assert_same(forward, joint.backward, theirs, *arrays)


def test_the_identification_is_plain_by_default(rng):
    arrays = draw(rng)
    loss, _ = joint.forward(*arrays, **CONFIG)
    assert loss == joint.forward(*arrays, **CONFIG, identification=softmax)[0]
    assert loss != joint.forward(*arrays, **CONFIG, identification=softmax_smoothed)[0]


def test_init_is_a_classifier_for_one_level():
    p = joint.init(np.random.default_rng(3), 5, 7, dtype=np.float64)
    expected = linear.init(np.random.default_rng(3), 5, 7, dtype=np.float64)
    assert list(p) == list(expected) == ["W", "b"]
    for key in p:
        np.testing.assert_array_equal(p[key], expected[key])
    assert joint.init(np.random.default_rng(3), 5, 7)["W"].dtype == np.float32


def test_the_loss_is_the_weighted_sum_of_its_named_parts(rng):
    weights = {"verification_weight": 0.7, "identification_weight": 1.3}
    loss, cache = joint.forward(*draw(rng), **CONFIG, **weights)
    parts = cache.parts
    assert list(parts) == ["low verification", "low identification", "high verification", "high identification"]
    expected = sum((0.7 if "verification" in name else 1.3) * part for name, part in parts.items())
    np.testing.assert_allclose(loss, expected, rtol=1e-14)


def test_the_default_margin_is_2(rng):
    arrays, config = draw(rng), {name: value for name, value in CONFIG.items() if name != "margin"}
    V = joint.forward(*arrays, **config)[1].parts["low verification"]
    assert V == joint.forward(*arrays, **config, margin=2.0)[1].parts["low verification"] > 0


def test_weights_are_1_by_default_and_the_form_is_the_squared_one(rng):
    embeddings, classifiers = draw(rng)
    loss, cache = joint.forward(embeddings, classifiers, **CONFIG)
    np.testing.assert_allclose(loss, sum(cache.parts.values()), rtol=1e-14)
    squared = {name: value for name, value in CONFIG.items() if name != "labels"}
    V, _ = contrastive_squared.forward(embeddings["low"], **squared)
    assert cache.parts["low verification"] == V


def test_at_zero_embeddings_it_is_what_chance_predicts():
    """One pair of each kind: V = margin^2 / 4 at d = 0, I = ln K at equal logits."""
    embeddings = {"clip": np.zeros((3, 2))}
    classifiers = {"clip": {"W": np.ones((2, 11)), "b": np.zeros(11)}}
    config = {"labels": [0, 0, 1], "pairs": [[0, 1], [0, 2]], "same": [True, False], "margin": 2.0}
    loss, _ = joint.forward(embeddings, classifiers, **config)
    np.testing.assert_allclose(loss, 1 + math.log(11), rtol=1e-15)


def test_manners(rng):
    config = {name: (lambda value=value: value) for name, value in CONFIG.items()}
    assert_manners(joint.forward, joint.backward, *draw(rng), **config)


def test_complex_step(rng):
    assert_complex_step(joint.forward, joint.backward, *draw(rng), **CONFIG)

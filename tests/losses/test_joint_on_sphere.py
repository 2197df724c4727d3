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
    joint_on_sphere,
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
    assert_gradients(
        joint_on_sphere.forward, joint_on_sphere.backward, *draw(rng), **CONFIG, **weights, verification=verification
    )


@pytest.mark.parametrize("lengths", [(2.0, 16.0), (1.0, 3.0)])
@pytest.mark.parametrize("parts", [(0.7, 1.3), (0.0, 2.0), (3.0, 0.0)])
def test_against_pytorch(parts, lengths, rng, judge):
    names = ("verification_weight", "identification_weight", "verification_length", "identification_length")

    def forward(embeddings, classifiers):
        return joint_on_sphere.forward(embeddings, classifiers, **CONFIG, **dict(zip(names, parts + lengths)))

    def theirs(embeddings, classifiers):
        return judge.joint(embeddings, classifiers, **CONFIG, parts=parts, on_sphere=lengths)

    judge.assert_same(forward, joint_on_sphere.backward, theirs, *draw(rng))


def test_identification_with_smoothed_labels(rng, judge):
    arrays, smoothed = draw(rng), {"identification": softmax_smoothed, "identification_weight": 1.3}
    assert_gradients(joint_on_sphere.forward, joint_on_sphere.backward, *arrays, **CONFIG, **smoothed)

    def forward(embeddings, classifiers):
        return joint_on_sphere.forward(embeddings, classifiers, **CONFIG, **smoothed)

    def theirs(embeddings, classifiers):
        config = CONFIG | {"parts": (1.0, 1.3), "identification": judge.softmax_smoothed}
        return judge.joint(embeddings, classifiers, **config, on_sphere=(2.0, 16.0))

    judge.assert_same(forward, joint_on_sphere.backward, theirs, *arrays)


def test_the_identification_is_plain_by_default(rng):
    arrays = draw(rng)
    loss, _ = joint_on_sphere.forward(*arrays, **CONFIG)
    assert loss == joint_on_sphere.forward(*arrays, **CONFIG, identification=softmax)[0]
    assert loss != joint_on_sphere.forward(*arrays, **CONFIG, identification=softmax_smoothed)[0]


def test_init_is_a_classifier_for_one_level():
    p = joint_on_sphere.init(np.random.default_rng(3), 5, 7, dtype=np.float64)
    expected = linear.init(np.random.default_rng(3), 5, 7, dtype=np.float64)
    assert list(p) == list(expected) == ["W", "b"]
    for key in p:
        np.testing.assert_array_equal(p[key], expected[key])
    assert joint_on_sphere.init(np.random.default_rng(3), 5, 7)["W"].dtype == np.float32


def test_the_loss_is_the_weighted_sum_of_its_named_parts(rng):
    weights = {"verification_weight": 0.7, "identification_weight": 1.3}
    loss, cache = joint_on_sphere.forward(*draw(rng), **CONFIG, **weights)
    parts = cache.parts
    assert list(parts) == ["low verification", "low identification", "high verification", "high identification"]
    expected = sum((0.7 if "verification" in name else 1.3) * part for name, part in parts.items())
    np.testing.assert_allclose(loss, expected, rtol=1e-14)


def test_the_length_of_an_embedding_changes_nothing_and_gets_no_gradient(rng):
    embeddings, classifiers = draw(rng)
    loss, cache = joint_on_sphere.forward(embeddings, classifiers, **CONFIG)
    longer, _ = joint_on_sphere.forward({level: 3 * e for level, e in embeddings.items()}, classifiers, **CONFIG)
    np.testing.assert_allclose(longer, loss, rtol=1e-13)
    dembeddings, _ = joint_on_sphere.backward(1.0, cache)
    for level, e in embeddings.items():
        np.testing.assert_allclose((dembeddings[level] * e).sum(axis=1), 0, atol=1e-14)


@pytest.mark.parametrize("lengths", [{}, {"verification_length": 3.0, "identification_length": 5.0}], ids=str)
def test_its_parts_are_those_of_the_plain_loss_on_scaled_directions(lengths, rng):
    embeddings, classifiers = draw(rng)
    loss, cache = joint_on_sphere.forward(embeddings, classifiers, **CONFIG, **lengths)
    parts = cache.parts
    np.testing.assert_allclose(loss, sum(parts.values()), rtol=1e-14)  # weights are 1 by default
    for level, e in embeddings.items():
        u = e / np.linalg.norm(e, axis=1, keepdims=True)
        for part, length in (("verification", 2.0), ("identification", 16.0)):
            scaled = {level: lengths.get(f"{part}_length", length) * u}
            _, plain = joint.forward(scaled, {level: classifiers[level]}, **CONFIG)
            np.testing.assert_allclose(parts[f"{level} {part}"], plain.parts[f"{level} {part}"], rtol=1e-12)


def test_the_default_margin_is_2(rng):
    arrays, config = draw(rng), {name: value for name, value in CONFIG.items() if name != "margin"}
    V = joint_on_sphere.forward(*arrays, **config)[1].parts["low verification"]
    assert V == joint_on_sphere.forward(*arrays, **config, margin=2.0)[1].parts["low verification"] > 0


def test_by_hand_with_the_default_lengths():
    """Right angles at length 2: a distance of 2.83, beyond the margin of 2. Logits of length 16 along one axis."""
    embeddings = {"clip": np.array([[5.0, 0.0], [0.0, 0.1]])}
    classifiers = {"clip": {"W": np.eye(2), "b": np.zeros(2)}}
    config = {"labels": [0, 1], "pairs": [[0, 1]], "margin": 2.0}
    _, cache = joint_on_sphere.forward(embeddings, classifiers, **config, same=[False])
    assert cache.parts["clip verification"] == 0
    np.testing.assert_allclose(cache.parts["clip identification"], math.log1p(math.exp(-16)), rtol=1e-6)
    _, cache = joint_on_sphere.forward(embeddings, classifiers, **config, same=[True])
    np.testing.assert_allclose(cache.parts["clip verification"], 4, rtol=1e-14)  # 1/2 d^2 with d^2 = 8


def test_manners(rng):
    config = {name: (lambda value=value: value) for name, value in CONFIG.items()}
    assert_manners(joint_on_sphere.forward, joint_on_sphere.backward, *draw(rng), **config)


def test_complex_step(rng):
    assert_complex_step(joint_on_sphere.forward, joint_on_sphere.backward, *draw(rng), **CONFIG)

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.losses import contrastive_squared, triplet_hard
from tests.judges import assert_complex_step, assert_manners

PAIRS = np.array([[0, 1], [2, 1], [3, 4], [0, 4], [2, 3], [1, 3], [4, 0]])
SAME = np.array([True, False, True, False, False, True, True])
CONFIG = {"pairs": PAIRS, "same": SAME}
# Rows 0 to 3 of two persons, two clips each, in all six pairs.
ALL = {"pairs": [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]], "same": [True, False, False, False, False, True]}


def draw(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(5, 7)) / 2


def on_a_line(*places: float) -> np.ndarray:
    return np.array(places)[:, None] * [[0.6, 0.8]]


@pytest.mark.parametrize("margin", [0.3, 1.0, 50.0])
def test_derivatives(margin, rng):
    assert_gradients(triplet_hard.forward, triplet_hard.backward, draw(rng), **CONFIG, margin=margin)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("margin", [0.0, 0.3, 50.0])
def test_against_pytorch(margin, seed, judge):
    x = draw(np.random.default_rng(seed))
    judge.assert_same(triplet_hard.forward, triplet_hard.backward, judge.triplet_hard, x, **CONFIG, margin=margin)


def test_by_hand():
    """Clips at 0, 1 (one person) and 3, 5 (the other) on a line, margin 1.5:

    clip 0: positive 1, negative 3: 1.5 + 1 - 3 = -0.5, far enough        clip 1: 1.5 + 1 - 2 = 0.5
    clip 3: positive 2, negative 2: 1.5 + 2 - 2 = 1.5                     clip 5: 1.5 + 2 - 4 = -0.5, far enough
    """
    loss, cache = triplet_hard.forward(on_a_line(0, 1, 3, 5), **ALL, margin=1.5)
    np.testing.assert_allclose(loss, (0.5 + 1.5) / 4, rtol=1e-14)
    along = triplet_hard.backward(4.0, cache) @ [0.6, 0.8]
    # clip 1: pulls 0 and 1 together (-1, +1), pushes 1 and 3 apart (+1, -1); clip 3: 3 and 5 together, 1 and 3 apart
    np.testing.assert_allclose(along, [-1, 1 + 1 + 1, -1 - 1 - 1, 1], rtol=1e-13)


def test_the_hardest_is_the_furthest_of_ones_own_and_the_nearest_of_the_others():
    pairs = {"pairs": [[0, 1], [2, 0], [0, 3], [4, 0]], "same": [True, True, False, False]}
    loss, cache = triplet_hard.forward(on_a_line(0, 1, -2, 3, 2.5), **pairs, margin=1.0)
    np.testing.assert_allclose(loss, 1 + 2 - 2.5, rtol=1e-14)  # row 0 is the one anchor
    along = triplet_hard.backward(1.0, cache) @ [0.6, 0.8]
    np.testing.assert_allclose(along, [1 + 1, 0, -1, 0, -1], rtol=1e-13)  # rows 1 and 3 are not the hardest


def test_rows_without_a_pair_of_either_kind_are_no_anchors():
    x = on_a_line(0, 1, 3, 5)
    alone, _ = triplet_hard.forward(x, pairs=[[0, 1], [1, 2]], same=[True, False], margin=1.5)
    np.testing.assert_allclose(alone, 0.5, rtol=1e-14)  # row 1 alone has both kinds


@pytest.mark.parametrize("same", [[True, True], [False, False], [True, False]])
def test_without_an_anchor_the_loss_is_0_and_so_is_its_gradient(same):
    x = on_a_line(0, 1, 3, 5).astype(np.float32)
    loss, cache = triplet_hard.forward(x, pairs=[[0, 1], [2, 3]], same=same)
    dx = triplet_hard.backward(1.0, cache)
    assert loss == 0 and loss.dtype == np.float32 and dx.shape == x.shape and dx.dtype == np.float32 and not dx.any()


def test_collapsed_embeddings_cost_the_margin_and_have_a_finite_gradient_of_0():
    with np.errstate(all="raise"):
        loss, cache = triplet_hard.forward(np.ones((4, 3)), **ALL, margin=0.7)
        np.testing.assert_allclose(loss, 0.7, rtol=1e-15)
        assert not triplet_hard.backward(1.0, cache).any()


def test_of_equally_hard_pairs_the_first_gets_the_gradient():
    pairs = {"pairs": [[0, 1], [0, 2], [0, 3]], "same": [True, True, False]}
    _, cache = triplet_hard.forward(on_a_line(0, 1, -1, 5), **pairs, margin=9.0)
    along = triplet_hard.backward(1.0, cache) @ [0.6, 0.8]
    np.testing.assert_allclose(along, [-1 + 1, 1, 0, -1], atol=1e-14)


def test_just_at_the_margin_nothing_pulls():
    _, cache = triplet_hard.forward(on_a_line(0, 1, 3), pairs=[[0, 1], [1, 2]], same=[True, False], margin=1.0)
    assert not triplet_hard.backward(1.0, cache).any()


def test_a_lost_embedding_is_seen_in_the_loss():
    x = on_a_line(0, 1, 3, 5)
    x[2] = np.nan
    assert np.isnan(triplet_hard.forward(x, **ALL)[0])


def test_weights_are_not_used_and_the_default_margin_is_03(rng):
    x = draw(rng)
    loss, _ = triplet_hard.forward(x, **CONFIG)
    assert loss == triplet_hard.forward(x, **CONFIG, weights=np.arange(7.0), margin=0.3)[0] > 0


def test_the_interface_is_that_of_the_contrastive_losses(rng):
    config = {**CONFIG, "weights": np.ones(7), "margin": 1.0}
    for loss in (triplet_hard, contrastive_squared):
        value, cache = loss.forward(draw(rng), **config)
        assert np.ndim(value) == 0 and loss.backward(1.0, cache).shape == (5, 7)


def test_manners(rng):
    config = {"pairs": lambda: PAIRS, "same": lambda: SAME, "margin": lambda: 1.0}
    assert_manners(triplet_hard.forward, triplet_hard.backward, draw(rng), **config)


def test_complex_step(rng):
    assert_complex_step(triplet_hard.forward, triplet_hard.backward, draw(rng), **CONFIG, margin=1.0)

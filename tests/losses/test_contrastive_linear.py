import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.losses import contrastive_linear
from tests.judges import assert_complex_step, assert_manners

PAIRS = np.array([[0, 1], [2, 1], [3, 4], [0, 4], [2, 3], [1, 3], [4, 0]])
WEIGHTS = np.array([0.3, 0.7, 0.0, 0.2, 1.1, 0.5, 0.4])
SAME = np.array([True, False, True, False, False, True, True])
MARGIN = 2.5  # some of the different pairs below are within it, some beyond


@pytest.mark.parametrize("chosen", [slice(None), slice(1), slice(1, 2)], ids=["all pairs", "one same", "one different"])
def test_derivatives(chosen, rng):
    config = {"pairs": PAIRS[chosen], "same": SAME[chosen], "margin": MARGIN}
    assert_gradients(contrastive_linear.forward, contrastive_linear.backward, draw(rng), **config)


def test_derivatives_with_weights(rng):
    config = {"pairs": PAIRS, "same": SAME, "weights": WEIGHTS, "margin": MARGIN}
    assert_gradients(contrastive_linear.forward, contrastive_linear.backward, draw(rng), **config)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["mean", "weighted"])
@pytest.mark.parametrize("margin", [0.1, MARGIN, 50.0])
def test_against_pytorch(margin, weights, rng, judge):
    config = {"pairs": PAIRS, "same": SAME, "weights": weights, "margin": margin}
    theirs = judge.contrastive_linear
    judge.assert_same(contrastive_linear.forward, contrastive_linear.backward, theirs, draw(rng), **config)


def draw(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(5, 7)) / 2


def at_distance(d: float, *, same: bool, margin: float = 2.0) -> tuple[float, float]:
    """The loss of one pair at distance d, and its slope along d (the gradient of the second clip)."""
    x = np.array([[0.0, 0.0], [0.6 * d, 0.8 * d]])
    loss, cache = contrastive_linear.forward(x, pairs=[[0, 1]], same=[same], margin=margin)
    dx = contrastive_linear.backward(1.0, cache)
    np.testing.assert_array_equal(dx[0], -dx[1])  # what one clip is pulled, the other is pulled back
    return loss, float(dx[1] @ [0.6, 0.8])


def test_by_hand():
    """same=True pulls with d, same=False pushes with margin - d: always with strength 1, and there is no 1/2."""
    np.testing.assert_allclose(at_distance(1.5, same=True), (1.5, 1.0), rtol=1e-14)
    np.testing.assert_allclose(at_distance(3.0, same=True), (3.0, 1.0), rtol=1e-14)
    np.testing.assert_allclose(at_distance(0.5, same=False), (1.5, -1.0), rtol=1e-14)
    np.testing.assert_allclose(at_distance(1.9, same=False), (0.1, -1.0), rtol=1e-12)
    np.testing.assert_allclose(at_distance(1.9, same=False, margin=2.9), (1.0, -1.0), rtol=1e-14)


def test_beyond_the_margin_nothing_pushes():
    assert at_distance(2.1, same=False) == (0, 0)
    assert at_distance(1.2, same=False, margin=1.0) == (0, 0)


def test_the_default_margin_is_2():
    loss, _ = contrastive_linear.forward(np.zeros((2, 3)), pairs=[[0, 1]], same=[False])
    assert loss == 2


def test_collapsed_embeddings_have_a_finite_gradient_of_0():
    with np.errstate(all="raise"):
        loss, cache = contrastive_linear.forward(np.ones((5, 3)), pairs=PAIRS[:2], same=SAME[:2])
        assert loss == 1  # margin / 2, half of the pairs being the same
        assert not contrastive_linear.backward(1.0, cache).any()


def test_the_loss_is_the_mean_over_pairs_or_the_weighted_sum(rng):
    x = draw(rng)
    losses = [
        contrastive_linear.forward(x, pairs=PAIRS[k : k + 1], same=SAME[k : k + 1], margin=MARGIN)[0] for k in range(7)
    ]
    mean, _ = contrastive_linear.forward(x, pairs=PAIRS, same=SAME, margin=MARGIN)
    np.testing.assert_allclose(mean, np.mean(losses), rtol=1e-14)
    weighted, _ = contrastive_linear.forward(x, pairs=PAIRS, same=SAME, weights=WEIGHTS, margin=MARGIN)
    np.testing.assert_allclose(weighted, WEIGHTS @ losses, rtol=1e-14)


def test_manners(rng):
    config = {"pairs": lambda: PAIRS, "same": lambda: SAME, "weights": lambda: WEIGHTS, "margin": lambda: MARGIN}
    assert_manners(contrastive_linear.forward, contrastive_linear.backward, draw(rng), **config)


def test_complex_step(rng):
    config = {"pairs": PAIRS, "same": SAME, "weights": WEIGHTS, "margin": MARGIN}
    assert_complex_step(contrastive_linear.forward, contrastive_linear.backward, draw(rng), **config)

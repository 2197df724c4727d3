import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import elman_unsquashed
from tests.judges import SEQUENCES, assert_complex_step, assert_draws, assert_manners


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, _, S = shape
    return rng.normal(size=(N, T, S)), elman_unsquashed.init(rng, S, dtype=np.float64)


@pytest.mark.parametrize("rate", [0.0, 0.5])
@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_derivatives(shape, rate, rng):
    config = {"rate": rate, "rng": np.random.default_rng(1)}
    assert_gradients(elman_unsquashed.forward, elman_unsquashed.backward, *draw(rng, shape), **config)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_against_pytorch(shape, rng, judge):
    judge.assert_same(elman_unsquashed.forward, elman_unsquashed.backward, judge.elman_unsquashed, *draw(rng, shape))


def test_two_frames_by_hand():
    """o1 = e1 + s, o2 = e2 + tanh(o1) w + b: s only in the first frame, b only after it, and no tanh on the outputs."""
    e1, e2, s, w, b = 0.5, -0.3, 0.4, -1.1, 0.2
    p = {"s": np.array([s]), "U": np.array([[w]]), "b": np.array([b])}
    o, cache = elman_unsquashed.forward(np.array([[[e1], [e2]]]), p)
    r1 = math.tanh(e1 + s)
    np.testing.assert_allclose(o.ravel(), [e1 + s, e2 + r1 * w + b], rtol=1e-15)
    de, grads = elman_unsquashed.backward(np.array([[[10.0], [1.0]]]), cache)
    do1 = 10 + w * (1 - r1**2)
    np.testing.assert_allclose(de.ravel(), [do1, 1], rtol=1e-14)
    np.testing.assert_allclose([grads["s"][0], grads["U"][0, 0], grads["b"][0]], [do1, r1, 1], rtol=1e-14)


def test_one_frame_knows_neither_weights_nor_bias(rng):
    e, p = draw(rng, (3, 1, 0, 4))
    o, cache = elman_unsquashed.forward(e, p)
    np.testing.assert_array_equal(o[:, 0], e[:, 0] + p["s"])
    do = rng.normal(size=o.shape)
    de, grads = elman_unsquashed.backward(do, cache)
    np.testing.assert_array_equal(de, do)
    np.testing.assert_allclose(grads["s"], do.sum(axis=(0, 1)))
    assert not grads["U"].any() and not grads["b"].any()


def test_dropout_is_on_what_is_carried_over_with_a_mask_for_every_frame():
    S, T = 50, 4
    p = {"s": np.zeros(S), "U": np.eye(S), "b": np.zeros(S)}
    e = np.zeros((1, T, S))
    e[0, :, :] = 100  # tanh is 1 after every frame: what is carried over is the mask
    o, _ = elman_unsquashed.forward(e, p, rate=0.5, rng=np.random.default_rng(0))
    masks = o[0, 1:] - 100
    assert (o[0, 0] == 100).all() and set(np.unique(masks)) == {0, 2}
    assert (masks[0] != masks[1]).any() and (masks[1] != masks[2]).any()
    evaluated, _ = elman_unsquashed.forward(e, p, rate=0.5)
    assert (evaluated[0, 1:] == 101).all()


def test_padding_reaches_no_earlier_output_and_gets_no_gradient(rng):
    e, p = draw(rng, (3, 5, 0, 4))
    o, cache = elman_unsquashed.forward(e, p)
    do = rng.normal(size=o.shape)
    do[:, 3:] = 0
    de, grads = elman_unsquashed.backward(do, cache)
    e[:, 3:] = 1e6
    padded_o, padded_cache = elman_unsquashed.forward(e, p)
    padded_de, padded_grads = elman_unsquashed.backward(do, padded_cache)
    assert padded_o[:, :3].tobytes() == o[:, :3].tobytes()
    assert padded_de.tobytes() == de.tobytes() and not padded_de[:, 3:].any()
    for name in grads:
        assert padded_grads[name].tobytes() == grads[name].tobytes()


def test_manners(rng):
    config = {"rate": lambda: 0.3, "rng": lambda: np.random.default_rng(1)}
    assert_manners(elman_unsquashed.forward, elman_unsquashed.backward, *draw(rng, (3, 4, 0, 5)), **config)


def test_complex_step(rng):
    assert_complex_step(elman_unsquashed.forward, elman_unsquashed.backward, *draw(rng, (3, 4, 0, 5)))


def test_init_is_uniform_within_one_over_the_root_of_the_state(rng):
    p = elman_unsquashed.init(rng, 100)
    assert {name: value.shape for name, value in p.items()} == {"s": (100,), "U": (100, 100), "b": (100,)}
    for values in p.values():
        assert values.dtype == np.float32
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    assert_draws(elman_unsquashed.init, 4, bound=1 / 2, shapes={"s": (4,), "U": (4, 4), "b": (4,)})

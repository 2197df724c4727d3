import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import gru, gru_reset_after
from tests.judges import SEQUENCES, assert_complex_step, assert_draws, assert_manners


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), gru_reset_after.init(rng, D, S, dtype=np.float64)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(gru_reset_after.forward, gru_reset_after.backward, *draw(rng, shape))


def test_derivatives_of_the_step(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    step = gru_reset_after.step_forward, gru_reset_after.step_backward
    assert_gradients(*step, x[:, 0], rng.normal(size=(3, 5)), p)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_against_pytorch(shape, rng, judge):
    """torch.nn.GRU, with the sign of Wz, Uz and bz changed as the layer's docstring says."""
    judge.assert_same(gru_reset_after.forward, gru_reset_after.backward, judge.gru_reset_after, *draw(rng, shape))


def test_two_frames_by_hand():
    x, p = np.array([[[0.5], [-0.9]]]), {}
    numbers = {"Wz": 0.8, "Uz": -0.6, "bz": 0.1, "Wr": -0.7, "Ur": 0.9, "br": 0.3, "Wc": 1.2, "Uc": -1.1, "bc": -0.2}
    for name, value in {**numbers, "vc": 0.7}.items():
        p[name] = np.full((1, 1) if name[0] in "WU" else 1, value)
    h, cache = gru_reset_after.forward(x, p)
    state, expected = 0.0, []
    for frame in (0.5, -0.9):
        z = 1 / (1 + math.exp(-(frame * 0.8 - state * 0.6 + 0.1)))
        r = 1 / (1 + math.exp(-(-frame * 0.7 + state * 0.9 + 0.3)))
        c = math.tanh(frame * 1.2 - 0.2 + r * (-state * 1.1 + 0.7))
        state = (1 - z) * state + z * c
        expected.append((z, r, c, state))
    np.testing.assert_allclose(h.ravel(), [expected[0][3], expected[1][3]], rtol=1e-15)
    z, r, c, _ = expected[1]
    named = {name: value.item() for name, value in cache[1]._asdict().items() if name != "p"}
    h1 = expected[0][3]
    assert named == pytest.approx(
        {"x": -0.9, "h_prev": h1, "z": z, "r": r, "q": -h1 * 1.1 + 0.7, "c": c}, rel=1e-14
    )  # the gates are there to look at
    _, grads = gru_reset_after.backward(np.array([[[1.0], [0.0]]]), cache)  # loss on the first frame: h = z c
    z, r, c, _ = expected[0]
    np.testing.assert_allclose(grads["vc"], [z * (1 - c * c) * r], rtol=1e-14)
    np.testing.assert_allclose(grads["br"], [z * (1 - c * c) * 0.7 * r * (1 - r)], rtol=1e-14)
    assert not grads["Uz"].any() and not grads["Ur"].any() and not grads["Uc"].any()


def test_with_an_open_reset_gate_both_variants_are_the_same(rng):
    x, p = draw(rng, (3, 5, 2, 4))
    p["br"], p["vc"] = np.full(4, 1000.0), np.zeros(4)
    after, _ = gru_reset_after.forward(x, p)
    before, _ = gru.forward(x, {name: value for name, value in p.items() if name != "vc"})
    np.testing.assert_allclose(after, before, rtol=1e-13)


def test_loss_on_the_last_frame_goes_back_step_by_step(rng):
    x, p = draw(rng, (3, 4, 2, 5))
    h, cache = gru_reset_after.forward(x, p)
    dh = np.zeros_like(h)
    dh[:, -1] = rng.normal(size=(3, 5))
    dx, grads = gru_reset_after.backward(dh, cache)
    states = [np.zeros((3, 5)), *h.swapaxes(0, 1)]
    carried, total = dh[:, -1], 0
    for t in (3, 2, 1, 0):
        _, step = gru_reset_after.step_forward(x[:, t], states[t], p)
        step_dx, carried, step_grads = gru_reset_after.step_backward(carried, step)
        np.testing.assert_allclose(dx[:, t], step_dx, rtol=1e-13, atol=1e-16)
        total = total + step_grads["Uc"]
    np.testing.assert_allclose(grads["Uc"], total, rtol=1e-13)


def test_one_frame_is_the_step_from_a_state_of_zero(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    h, _ = gru_reset_after.forward(x, p)
    step, _ = gru_reset_after.step_forward(x[:, 0], np.zeros((3, 5)), p)
    np.testing.assert_array_equal(h[:, 0], step)


def test_padding_reaches_no_earlier_state_and_gets_no_gradient(rng):
    x, p = draw(rng, (3, 5, 2, 4))
    h, cache = gru_reset_after.forward(x, p)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dx, grads = gru_reset_after.backward(dh, cache)
    x[:, 3:] = 1e6
    padded_h, padded_cache = gru_reset_after.forward(x, p)
    padded_dx, padded_grads = gru_reset_after.backward(dh, padded_cache)
    assert padded_h[:, :3].tobytes() == h[:, :3].tobytes()
    assert padded_dx.tobytes() == dx.tobytes() and not padded_dx[:, 3:].any()
    for name in grads:
        assert padded_grads[name].tobytes() == grads[name].tobytes()


def test_manners(rng):
    assert_manners(gru_reset_after.forward, gru_reset_after.backward, *draw(rng, (3, 4, 2, 5)))
    x, p = draw(rng, (3, 1, 2, 5))
    step = gru_reset_after.step_forward, gru_reset_after.step_backward
    assert_manners(*step, x[:, 0], rng.normal(size=(3, 5)), p)


def test_complex_step(rng):
    assert_complex_step(gru_reset_after.forward, gru_reset_after.backward, *draw(rng, (3, 4, 2, 5)))


def test_init_is_uniform_within_one_over_the_root_of_the_state(rng):
    p = gru_reset_after.init(rng, 200, 100)
    shapes = {"W": (200, 100), "U": (100, 100), "b": (100,), "v": (100,)}
    assert len(p) == 10
    for name, values in p.items():
        assert values.shape == shapes[name[0]] and values.dtype == np.float32
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    shapes = {name + gate: shape for gate in "zrc" for name, shape in (("W", (2, 4)), ("U", (4, 4)), ("b", (4,)))}
    assert_draws(gru_reset_after.init, 2, 4, bound=1 / 2, shapes={**shapes, "vc": (4,)})

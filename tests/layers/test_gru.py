import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import gru
from tests.judges import SEQUENCES, assert_complex_step, assert_draws, assert_manners

ONE = {"Wz": 0.8, "Uz": -0.6, "bz": 0.1, "Wr": -0.7, "Ur": 0.9, "br": 0.3, "Wc": 1.2, "Uc": -1.1, "bc": -0.2}


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), gru.init(rng, D, S, dtype=np.float64)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def by_hand(x: float, h: float) -> tuple[float, ...]:
    """Wu et al. 2016, eq. 1 in scalars, with the parameters of ONE: z, r, c and the new state."""
    z = logistic(x * ONE["Wz"] + h * ONE["Uz"] + ONE["bz"])
    r = logistic(x * ONE["Wr"] + h * ONE["Ur"] + ONE["br"])
    c = math.tanh(x * ONE["Wc"] + r * h * ONE["Uc"] + ONE["bc"])
    return z, r, c, (1 - z) * h + z * c


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(gru.forward, gru.backward, *draw(rng, shape))


def test_derivatives_of_the_step(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    assert_gradients(gru.step_forward, gru.step_backward, x[:, 0], rng.normal(size=(3, 5)), p)


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_against_pytorch(shape, rng, judge):
    judge.assert_same(gru.forward, gru.backward, judge.gru, *draw(rng, shape))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7, 8])
def test_truncated_bptt_against_pytorch_with_detached_states(k, rng, judge):
    def truncated(dh, cache):
        return gru.backward(dh, cache, truncate=k)

    judge.assert_same(gru.forward, truncated, lambda x, p: judge.gru(x, p, truncate=k), *draw(rng, (2, 7, 3, 5)))


def test_truncation_stops_at_the_cut_and_nowhere_else(rng):
    """Six frames in pieces of two, loss on the last frame only: frames 5 and 6 hear of it, frames 1 to 4 do not."""
    h, cache = gru.forward(*draw(rng, (3, 6, 2, 5)))
    dh = np.zeros_like(h)
    dh[:, -1] = rng.normal(size=(3, 5))
    full, _ = gru.backward(dh, cache)
    dx, _ = gru.backward(dh, cache, truncate=2)
    assert full.all() and not dx[:, :4].any()
    np.testing.assert_array_equal(dx[:, 4:], full[:, 4:])
    whole, _ = gru.backward(dh, cache, truncate=6)
    np.testing.assert_array_equal(whole, full)


def test_in_pieces_of_one_frame_nothing_comes_back_from_the_next(rng):
    h, cache = gru.forward(*draw(rng, (3, 4, 2, 5)))
    dh = rng.normal(size=h.shape)
    dx, grads = gru.backward(dh, cache, truncate=1)
    steps = [gru.step_backward(dh[:, t], step) for t, step in enumerate(cache)]
    np.testing.assert_array_equal(dx, np.stack([step_dx for step_dx, _, _ in steps], axis=1))
    np.testing.assert_allclose(grads["Wc"], sum(step_grads["Wc"] for _, _, step_grads in steps), rtol=1e-13)


@pytest.mark.parametrize("k", [0, -1])
def test_pieces_without_a_frame_are_refused(k, rng):
    h, cache = gru.forward(*draw(rng, (1, 2, 1, 1)))
    with pytest.raises(ValueError, match="truncate"):
        gru.backward(h, cache, truncate=k)


def test_one_frame_by_hand():
    """From h' = 0: h = z c, so the reset gate and all three U have no part in it and no gradient."""
    x = 0.5
    h, cache = gru.forward(*scalars(x))
    z, _, c, h1 = by_hand(x, 0)
    assert h1 == z * c
    np.testing.assert_allclose(h.ravel(), [h1], rtol=1e-15)
    dx, grads = gru.backward(np.array([[[3.0]]]), cache)
    daz, dac = 3 * c * z * (1 - z), 3 * z * (1 - c * c)
    np.testing.assert_allclose(dx.ravel(), [daz * ONE["Wz"] + dac * ONE["Wc"]], rtol=1e-14)
    expected = dict.fromkeys(ONE, 0.0) | {"Wz": x * daz, "bz": daz, "Wc": x * dac, "bc": dac}
    for name, value in expected.items():
        np.testing.assert_allclose(grads[name].item(), value, rtol=1e-14, err_msg=name)


def test_two_frames_by_hand_with_the_loss_on_the_last():
    x1, x2 = 0.5, -0.9
    h, cache = gru.forward(*scalars(x1, x2))
    z1, _, c1, h1 = by_hand(x1, 0)
    z2, r2, c2, h2 = by_hand(x2, h1)
    np.testing.assert_allclose(h.ravel(), [h1, h2], rtol=1e-15)
    dx, grads = gru.backward(np.array([[[0.0], [1.0]]]), cache)
    daz2, dac2 = (c2 - h1) * z2 * (1 - z2), z2 * (1 - c2**2)
    dar2 = dac2 * ONE["Uc"] * h1 * r2 * (1 - r2)
    dh1 = (1 - z2) + dac2 * ONE["Uc"] * r2 + dar2 * ONE["Ur"] + daz2 * ONE["Uz"]  # the four ways back
    daz1, dac1 = dh1 * c1 * z1 * (1 - z1), dh1 * z1 * (1 - c1**2)
    expected = {
        "Wz": x1 * daz1 + x2 * daz2, "Uz": h1 * daz2, "bz": daz1 + daz2,
        "Wr": x2 * dar2, "Ur": h1 * dar2, "br": dar2,
        "Wc": x1 * dac1 + x2 * dac2, "Uc": r2 * h1 * dac2, "bc": dac1 + dac2,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(grads[name].item(), value, rtol=1e-13, err_msg=name)
    np.testing.assert_allclose(
        dx.ravel(),
        [daz1 * ONE["Wz"] + dac1 * ONE["Wc"], daz2 * ONE["Wz"] + dar2 * ONE["Wr"] + dac2 * ONE["Wc"]],
        rtol=1e-13,
    )


def test_the_cache_names_what_a_step_went_through():
    _, cache = gru.forward(*scalars(0.5, -0.9))
    _, _, _, h1 = by_hand(0.5, 0)
    z, r, c, _ = by_hand(-0.9, h1)
    named = {name: value.item() for name, value in cache[1]._asdict().items() if name != "p"}
    assert named == pytest.approx({"x": -0.9, "h_prev": h1, "z": z, "r": r, "q": r * h1, "c": c}, rel=1e-14)


def scalars(*x: float) -> tuple:
    """A clip of one feature, and ONE as parameters for one value of state."""
    p = {name: np.full(1 if name[0] == "b" else (1, 1), value) for name, value in ONE.items()}
    return np.array(x).reshape(1, -1, 1), p


def test_one_frame_is_the_step_from_a_state_of_zero(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    h, cache = gru.forward(x, p)
    step, step_cache = gru.step_forward(x[:, 0], np.zeros((3, 5)), p)
    np.testing.assert_array_equal(h[:, 0], step)
    dh = rng.normal(size=h.shape)
    dx, grads = gru.backward(dh, cache)
    step_dx, _, step_grads = gru.step_backward(dh[:, 0], step_cache)
    np.testing.assert_array_equal(dx[:, 0], step_dx)
    for name in grads:
        np.testing.assert_array_equal(grads[name], step_grads[name])


def test_a_closed_update_gate_keeps_the_state_and_an_open_one_replaces_it(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    h_prev = rng.normal(size=(3, 5))
    kept, _ = gru.step_forward(x[:, 0], h_prev, {**p, "bz": np.full(5, -1000.0)})
    np.testing.assert_array_equal(kept, h_prev)
    replaced, cache = gru.step_forward(x[:, 0], h_prev, {**p, "bz": np.full(5, 1000.0)})
    np.testing.assert_array_equal(replaced, cache.c)


def test_padding_reaches_no_earlier_state_and_gets_no_gradient(rng):
    x, p = draw(rng, (3, 5, 2, 4))
    h, cache = gru.forward(x, p)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dx, grads = gru.backward(dh, cache)
    x[:, 3:] = 1e6
    padded_h, padded_cache = gru.forward(x, p)
    padded_dx, padded_grads = gru.backward(dh, padded_cache)
    assert padded_h[:, :3].tobytes() == h[:, :3].tobytes()
    assert padded_dx.tobytes() == dx.tobytes() and not padded_dx[:, 3:].any()
    for name in grads:
        assert padded_grads[name].tobytes() == grads[name].tobytes()


def test_the_order_of_the_frames_matters(rng):
    x, p = draw(rng, (1, 4, 3, 5))
    forwards, backwards = gru.forward(x, p)[0], gru.forward(x[:, ::-1], p)[0]
    assert np.abs(forwards.mean(axis=1) - backwards.mean(axis=1)).max() > 1e-3


def test_manners(rng):
    assert_manners(gru.forward, gru.backward, *draw(rng, (3, 4, 2, 5)))
    x, p = draw(rng, (3, 1, 2, 5))
    assert_manners(gru.step_forward, gru.step_backward, x[:, 0], rng.normal(size=(3, 5)), p)


def test_complex_step(rng):
    assert_complex_step(gru.forward, gru.backward, *draw(rng, (3, 4, 2, 5)))


def test_init_is_uniform_within_one_over_the_root_of_the_state(rng):
    p = gru.init(rng, 200, 100)
    assert {name: value.shape for name, value in p.items()} == {
        name: {"W": (200, 100), "U": (100, 100), "b": (100,)}[name[0]] for name in ONE
    }
    for values in p.values():
        assert values.dtype == np.float32
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    shapes = {name + gate: shape for gate in "zrc" for name, shape in (("W", (2, 4)), ("U", (4, 4)), ("b", (4,)))}
    assert_draws(gru.init, 2, 4, bound=1 / 2, shapes=shapes)

import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import lstm
from tests.judges import SEQUENCES, assert_complex_step, assert_draws, assert_manners

ONE = {
    "Wi": 0.8, "Ui": -0.6, "bi": 0.1,
    "Wf": -0.7, "Uf": 0.9, "bf": 0.3,
    "Wc": 1.2, "Uc": -1.1, "bc": -0.2,
    "Wo": 0.5, "Uo": 0.4, "bo": -0.3,
}  # fmt: skip


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), lstm.init(rng, D, S, dtype=np.float64)


def draw_step(rng: np.random.Generator) -> tuple:
    x, p = draw(rng, (3, 1, 2, 5))
    return x[:, 0], rng.normal(size=(3, 5)), rng.normal(size=(3, 5)), p


def step_forward(x, h_prev, c_prev, p):
    """Both results of a step as one, as the gradient check and the judges want it."""
    h, c, cache = lstm.step_forward(x, h_prev, c_prev, p)
    return {"h": h, "c": c}, cache


def step_backward(dy, cache):
    return lstm.step_backward(dy["h"], dy["c"], cache)


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def by_hand(x: float, h: float, c: float) -> tuple[float, ...]:
    """The six equations in scalars, with the parameters of ONE: i, f, candidate, o, the new cell and the new state."""
    i, f, o = (logistic(x * ONE["W" + gate] + h * ONE["U" + gate] + ONE["b" + gate]) for gate in "ifo")
    candidate = math.tanh(x * ONE["Wc"] + h * ONE["Uc"] + ONE["bc"])
    cell = f * c + i * candidate
    return i, f, candidate, o, cell, o * math.tanh(cell)


def scalars(*x: float) -> tuple:
    """A clip of one feature, and ONE as parameters for one value of state."""
    p = {name: np.full(1 if name[0] == "b" else (1, 1), value) for name, value in ONE.items()}
    return np.array(x).reshape(1, -1, 1), p


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_derivatives(shape, rng):
    assert_gradients(lstm.forward, lstm.backward, *draw(rng, shape))


def test_derivatives_of_the_step(rng):
    assert_gradients(step_forward, step_backward, *draw_step(rng))


@pytest.mark.parametrize("shape", SEQUENCES, ids=str)
def test_against_pytorch(shape, rng, judge):
    judge.assert_same(lstm.forward, lstm.backward, judge.lstm, *draw(rng, shape))


def test_the_step_against_pytorch(rng, judge):
    judge.assert_same(step_forward, step_backward, judge.lstm_step, *draw_step(rng))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7, 8])
def test_truncated_bptt_against_pytorch_with_detached_states_and_cells(k, rng, judge):
    def truncated(dh, cache):
        return lstm.backward(dh, cache, truncate=k)

    judge.assert_same(lstm.forward, truncated, lambda x, p: judge.lstm(x, p, truncate=k), *draw(rng, (2, 7, 3, 5)))


def test_truncation_stops_at_the_cut_and_nowhere_else(rng):
    """Six frames in pieces of two, loss on the last frame only: frames 5 and 6 hear of it, frames 1 to 4 do not."""
    h, cache = lstm.forward(*draw(rng, (3, 6, 2, 5)))
    dh = np.zeros_like(h)
    dh[:, -1] = rng.normal(size=(3, 5))
    full, _ = lstm.backward(dh, cache)
    dx, _ = lstm.backward(dh, cache, truncate=2)
    assert full.all() and not dx[:, :4].any()
    np.testing.assert_array_equal(dx[:, 4:], full[:, 4:])
    whole, _ = lstm.backward(dh, cache, truncate=6)
    np.testing.assert_array_equal(whole, full)


@pytest.mark.parametrize("k", [0, -1])
def test_pieces_without_a_frame_are_refused(k, rng):
    h, cache = lstm.forward(*draw(rng, (1, 2, 1, 1)))
    with pytest.raises(ValueError, match="lstm: truncate"):
        lstm.backward(h, cache, truncate=k)


def test_one_frame_by_hand():
    """From h' = c' = 0: c = i candidate, so the forget gate and all four U have no part in it and no gradient."""
    x = 0.5
    h, cache = lstm.forward(*scalars(x))
    i, _, candidate, o, c, h1 = by_hand(x, 0, 0)
    assert c == i * candidate
    np.testing.assert_allclose(h.ravel(), [h1], rtol=1e-15)
    dx, grads = lstm.backward(np.array([[[3.0]]]), cache)
    dc = 3 * o * (1 - math.tanh(c) ** 2)
    dao, dai, dac = 3 * math.tanh(c) * o * (1 - o), dc * candidate * i * (1 - i), dc * i * (1 - candidate**2)
    np.testing.assert_allclose(dx.ravel(), [dao * ONE["Wo"] + dai * ONE["Wi"] + dac * ONE["Wc"]], rtol=1e-14)
    expected = {"Wi": x * dai, "bi": dai, "Wc": x * dac, "bc": dac, "Wo": x * dao, "bo": dao}
    for name, value in (dict.fromkeys(ONE, 0.0) | expected).items():
        np.testing.assert_allclose(grads[name].item(), value, rtol=1e-14, err_msg=name)


def test_two_frames_by_hand_with_the_loss_on_the_last():
    x1, x2 = 0.5, -0.9
    h, cache = lstm.forward(*scalars(x1, x2))
    i1, _, k1, o1, c1, h1 = by_hand(x1, 0, 0)
    i2, f2, k2, o2, c2, h2 = by_hand(x2, h1, c1)
    np.testing.assert_allclose(h.ravel(), [h1, h2], rtol=1e-15)
    _, grads = lstm.backward(np.array([[[0.0], [1.0]]]), cache)
    dc2 = o2 * (1 - math.tanh(c2) ** 2)
    dao2, dai2 = math.tanh(c2) * o2 * (1 - o2), dc2 * k2 * i2 * (1 - i2)
    daf2, dac2 = dc2 * c1 * f2 * (1 - f2), dc2 * i2 * (1 - k2**2)
    dh1 = dao2 * ONE["Uo"] + dai2 * ONE["Ui"] + daf2 * ONE["Uf"] + dac2 * ONE["Uc"]  # the four ways back by the state
    dc1 = dc2 * f2 + dh1 * o1 * (1 - math.tanh(c1) ** 2)  # and the fifth, by the cell
    dao1, dai1, dac1 = dh1 * math.tanh(c1) * o1 * (1 - o1), dc1 * k1 * i1 * (1 - i1), dc1 * i1 * (1 - k1**2)
    expected = {
        "Wi": x1 * dai1 + x2 * dai2, "Ui": h1 * dai2, "bi": dai1 + dai2,
        "Wf": x2 * daf2, "Uf": h1 * daf2, "bf": daf2,
        "Wc": x1 * dac1 + x2 * dac2, "Uc": h1 * dac2, "bc": dac1 + dac2,
        "Wo": x1 * dao1 + x2 * dao2, "Uo": h1 * dao2, "bo": dao1 + dao2,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(grads[name].item(), value, rtol=1e-13, err_msg=name)


def test_the_cache_names_what_a_step_went_through():
    _, cache = lstm.forward(*scalars(0.5, -0.9))
    *_, c1, h1 = by_hand(0.5, 0, 0)
    i, f, candidate, o, c, _ = by_hand(-0.9, h1, c1)
    named = {name: value.item() for name, value in cache[1]._asdict().items() if name != "p"}
    expected = {"x": -0.9, "h_prev": h1, "c_prev": c1, "i": i, "f": f, "candidate": candidate, "o": o}
    assert named == pytest.approx({**expected, "squashed": math.tanh(c)}, rel=1e-14)


def test_one_frame_is_the_step_from_a_state_and_a_cell_of_zero(rng):
    x, p = draw(rng, (3, 1, 2, 5))
    h, cache = lstm.forward(x, p)
    step, _, step_cache = lstm.step_forward(x[:, 0], np.zeros((3, 5)), np.zeros((3, 5)), p)
    np.testing.assert_array_equal(h[:, 0], step)
    dh = rng.normal(size=h.shape)
    dx, grads = lstm.backward(dh, cache)
    step_dx, _, _, step_grads = lstm.step_backward(dh[:, 0], np.zeros((3, 5)), step_cache)
    np.testing.assert_array_equal(dx[:, 0], step_dx)
    for name in grads:
        np.testing.assert_array_equal(grads[name], step_grads[name])


def test_gates_that_are_shut_and_open(rng):
    x, h_prev, c_prev, p = draw_step(rng)
    shut, wide = np.full(5, -1000.0), np.full(5, 1000.0)
    h, c, _ = lstm.step_forward(x, h_prev, c_prev, {**p, "bi": shut, "bf": wide, "bo": shut})
    np.testing.assert_array_equal(c, c_prev)  # nothing written, nothing forgotten
    assert not h.any()  # nothing shown
    _, c, cache = lstm.step_forward(x, h_prev, c_prev, {**p, "bi": wide, "bf": shut})
    np.testing.assert_array_equal(c, cache.candidate)  # all new


def test_an_open_forget_gate_carries_the_gradient_over_thirty_frames_undiminished(rng):
    x, p = draw(rng, (1, 31, 2, 3))
    p = {name: 0 * value for name, value in p.items()} | {"bf": np.full(3, 1000.0), "Wc": p["Wc"]}
    h, cache = lstm.forward(x, p)
    dh = np.zeros_like(h)
    dh[:, -1] = rng.normal(size=3)
    dx, _ = lstm.backward(dh, cache)
    slopes = 1 - np.stack([step.candidate for step in cache], axis=1) ** 2
    of_the_cell = dh[:, -1] * 0.5 * (1 - cache[-1].squashed ** 2)  # o = i = 1/2
    np.testing.assert_allclose(dx, (0.5 * of_the_cell[:, None] * slopes) @ p["Wc"].T, rtol=1e-12)


def test_padding_reaches_no_earlier_state_and_gets_no_gradient(rng):
    x, p = draw(rng, (3, 5, 2, 4))
    h, cache = lstm.forward(x, p)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dx, grads = lstm.backward(dh, cache)
    x[:, 3:] = 1e6
    padded_h, padded_cache = lstm.forward(x, p)
    padded_dx, padded_grads = lstm.backward(dh, padded_cache)
    assert padded_h[:, :3].tobytes() == h[:, :3].tobytes()
    assert padded_dx.tobytes() == dx.tobytes() and not padded_dx[:, 3:].any()
    for name in grads:
        assert padded_grads[name].tobytes() == grads[name].tobytes()


def test_manners(rng):
    assert_manners(lstm.forward, lstm.backward, *draw(rng, (3, 4, 2, 5)))
    assert_manners(step_forward, step_backward, *draw_step(rng))


def test_complex_step(rng):
    assert_complex_step(lstm.forward, lstm.backward, *draw(rng, (3, 4, 2, 5)))
    assert_complex_step(step_forward, step_backward, *draw_step(rng))


def test_init_is_uniform_within_one_over_the_root_of_the_state_the_forget_bias_too(rng):
    p = lstm.init(rng, 200, 100)
    assert {name: value.shape for name, value in p.items()} == {
        name: {"W": (200, 100), "U": (100, 100), "b": (100,)}[name[0]] for name in ONE
    }
    for values in p.values():
        assert values.dtype == np.float32
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    shapes = {name + gate: shape for gate in "ifco" for name, shape in (("W", (2, 4)), ("U", (4, 4)), ("b", (4,)))}
    assert_draws(lstm.init, 2, 4, bound=1 / 2, shapes=shapes)

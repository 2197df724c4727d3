import math

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import attentive_rnn, elman
from tests.judges import SEQUENCES, assert_complex_step, assert_draws, assert_manners

OPTIONS = [
    {"attention": "softmax"},
    {"attention": "raw"},
    {"attention": "softmax", "top_k": 2},
    {"attention": "raw", "top_k": 2},
    {"attention": "raw", "top_k": 1},
]
ONE = {"W": 0.7, "U": -0.6, "Wa": 1.3, "b": 0.2}
OF_STATES, OF_PROVISIONAL = 0.9, -0.4  # the two halves of w, for one value of state


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), attentive_rnn.init(rng, D, S, dtype=np.float64)


def scalars(*v: float) -> tuple:
    """A clip of one feature, and ONE as parameters for one value of state."""
    p = {name: np.full(1 if name == "b" else (1, 1), value) for name, value in ONE.items()}
    return np.array(v).reshape(1, -1, 1), {**p, "w": np.array([OF_STATES, OF_PROVISIONAL])}


@pytest.mark.parametrize("config", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", [*SEQUENCES, (2, 7, 3, 4)], ids=str)
def test_derivatives(shape, config, rng):
    assert_gradients(attentive_rnn.forward, attentive_rnn.backward, *draw(rng, shape), **config)


@pytest.mark.parametrize("config", [{}, {"top_k": 1}, {"top_k": 6}, {"top_k": 99}, *OPTIONS], ids=str)
@pytest.mark.parametrize("shape", [*SEQUENCES, (2, 7, 3, 4)], ids=str)
def test_against_pytorch(shape, config, rng, judge):
    arrays = draw(rng, shape)
    judge.assert_same(attentive_rnn.forward, attentive_rnn.backward, judge.attentive_rnn, *arrays, **config)


def test_one_frame_attends_to_nothing_and_is_an_elman_unit(rng):
    v, p = draw(rng, (3, 1, 2, 5))
    h, cache = attentive_rnn.forward(v, p)
    alone = {"W": p["W"], "U": p["U"], "b": p["b"]}
    np.testing.assert_allclose(h, elman.forward(v, alone)[0], rtol=1e-15)
    dv, grads = attentive_rnn.backward(rng.normal(size=h.shape), cache)
    assert dv.all() and not grads["Wa"].any() and not grads["w"].any() and not grads["U"].any()


@pytest.mark.parametrize("attention", ["softmax", "raw"])
def test_without_the_way_in_for_attention_it_is_an_elman_unit(attention, rng):
    v, p = draw(rng, (3, 6, 2, 5))
    p["Wa"][:] = 0
    h, _ = attentive_rnn.forward(v, p, attention=attention)
    np.testing.assert_allclose(h, elman.forward(v, {"W": p["W"], "U": p["U"], "b": p["b"]})[0], rtol=1e-13)


@pytest.mark.parametrize("attention", ["softmax", "raw"])
def test_two_frames_by_hand_with_the_loss_on_the_last(attention):
    """With one earlier state the softmax is 1, whatever the score; the raw weight is the score."""
    v1, v2 = 0.5, -0.9
    h, cache = attentive_rnn.forward(*scalars(v1, v2), attention=attention)
    h1 = math.tanh(v1 * ONE["W"] + ONE["b"])
    ag = v2 * ONE["W"] + h1 * ONE["U"] + ONE["b"]
    g = math.tanh(ag)
    raw = attention == "raw"
    alpha = OF_STATES * h1 + OF_PROVISIONAL * g if raw else 1.0
    h2 = math.tanh(ag + alpha * h1 * ONE["Wa"])
    np.testing.assert_allclose(h.ravel(), [h1, h2], rtol=1e-14)
    np.testing.assert_allclose(attentive_rnn.attention_weights(cache), [[[0, 0], [alpha, 0]]], rtol=1e-15)
    dv, grads = attentive_rnn.backward(np.array([[[0.0], [1.0]]]), cache)
    dah = 1 - h2**2
    dm = dah * ONE["Wa"]
    ds = dm * h1 if raw else 0.0
    dag = dah + ds * OF_PROVISIONAL * (1 - g**2)
    dag1 = (dm * alpha + ds * OF_STATES + dag * ONE["U"]) * (1 - h1**2)  # sum, score, and the state before
    expected = {"W": v1 * dag1 + v2 * dag, "U": h1 * dag, "Wa": alpha * h1 * dah, "b": dag1 + dag}
    for name, value in expected.items():
        np.testing.assert_allclose(grads[name].item(), value, rtol=1e-14, err_msg=name)
    np.testing.assert_allclose(grads["w"], [ds * h1, ds * g], rtol=1e-14)
    np.testing.assert_allclose(dv.ravel(), [dag1 * ONE["W"], dag * ONE["W"]], rtol=1e-14)


def test_weights_of_the_softmax_sum_to_one_over_earlier_states_only(rng):
    v, p = draw(rng, (3, 6, 2, 5))
    alpha = attentive_rnn.attention_weights(attentive_rnn.forward(v, p)[1])
    assert alpha.shape == (3, 6, 6) and not np.triu(alpha).any()
    np.testing.assert_allclose(alpha.sum(axis=2), [[0, 1, 1, 1, 1, 1]] * 3, rtol=1e-14)


def test_the_half_of_w_that_meets_the_provisional_state_cancels_in_the_softmax_and_counts_raw(rng):
    v, p = draw(rng, (3, 6, 2, 5))
    other = {**p, "w": np.concatenate([p["w"][:5], rng.normal(size=5)])}
    h, cache = attentive_rnn.forward(v, p)
    np.testing.assert_allclose(attentive_rnn.forward(v, other)[0], h, rtol=1e-13)
    _, grads = attentive_rnn.backward(rng.normal(size=h.shape), cache)
    np.testing.assert_allclose(grads["w"][5:], 0, atol=1e-15)
    assert np.abs(grads["w"][:5]).min() > 1e-4
    raw, cache = attentive_rnn.forward(v, p, attention="raw")
    assert np.abs(attentive_rnn.forward(v, other, attention="raw")[0] - raw).max() > 0.01
    _, grads = attentive_rnn.backward(rng.normal(size=h.shape), cache)
    assert np.abs(grads["w"][5:]).min() > 1e-4


@pytest.mark.parametrize("attention", ["softmax", "raw"])
def test_top_k_keeps_the_largest_scores_and_as_many_as_there_are(attention, rng):
    v, p = draw(rng, (3, 6, 2, 5))
    _, cache = attentive_rnn.forward(v, p, attention=attention, top_k=2)
    alpha = attentive_rnn.attention_weights(cache)
    for n in range(3):
        for t in range(1, 6):
            best = np.argsort(cache.s[n, t, :t])[-2:]
            assert set(np.flatnonzero(alpha[n, t])) == set(best)
    if attention == "raw":
        np.testing.assert_array_equal(alpha[alpha != 0], cache.s[alpha != 0])
    everything, _ = attentive_rnn.forward(v, p, attention=attention)
    np.testing.assert_array_equal(attentive_rnn.forward(v, p, attention=attention, top_k=5)[0], everything)


def test_of_equal_scores_the_earlier_states_are_kept(rng):
    v, p = draw(rng, (1, 5, 2, 3))
    p["w"][:3] = 0
    _, cache = attentive_rnn.forward(v, p, top_k=2)
    assert attentive_rnn.attention_weights(cache)[0, 4].tolist() == [0.5, 0.5, 0, 0, 0]


def test_a_state_that_is_not_attended_to_gets_no_gradient_and_one_that_is_gets_it_in_one_step(rng):
    """Without U attention alone reaches back: five frames at once to the one state that was kept."""
    v, p = draw(rng, (1, 6, 2, 4))
    p["U"][:] = 0
    h, cache = attentive_rnn.forward(v, p, top_k=1)
    dh = np.zeros_like(h)
    dh[:, -1] = rng.normal(size=4)
    dv, _ = attentive_rnn.backward(dh, cache)
    reached, t = set(), 5
    while t:  # the chain of kept states, back from the last
        reached.add(t)
        t = int(np.flatnonzero(attentive_rnn.attention_weights(cache)[0, t])[0])
    reached.add(0)
    assert set(np.flatnonzero(dv[0].any(axis=1))) == reached and len(reached) < 6


def test_scores_of_1e4_do_not_overflow(rng):
    v, p = draw(rng, (2, 5, 2, 3))
    p["w"] = 1e4 * p["w"]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        h, cache = attentive_rnn.forward(v, p)
        dv, _ = attentive_rnn.backward(rng.normal(size=h.shape), cache)
    assert np.isfinite(h).all() and np.isfinite(dv).all()


@pytest.mark.parametrize("config", OPTIONS, ids=str)
def test_padding_reaches_no_earlier_state_and_gets_no_gradient(config, rng):
    v, p = draw(rng, (3, 5, 2, 4))
    h, cache = attentive_rnn.forward(v, p, **config)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dv, grads = attentive_rnn.backward(dh, cache)
    v[:, 3:] = 1e6
    padded_h, padded_cache = attentive_rnn.forward(v, p, **config)
    padded_dv, padded_grads = attentive_rnn.backward(dh, padded_cache)
    np.testing.assert_array_equal(padded_h[:, :3], h[:, :3])
    np.testing.assert_array_equal(padded_dv, dv)
    assert not padded_dv[:, 3:].any()
    for name in grads:
        np.testing.assert_allclose(padded_grads[name], grads[name], rtol=1e-13, atol=1e-15, err_msg=name)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"attention": "sparse"}, 'attention must be "softmax" or "raw", got \'sparse\''),
        ({"top_k": -1}, "top_k must be 1 or more states, or 0 for all of them, got -1"),
    ],
)
def test_options_that_are_none_are_refused(config, words, rng):
    with pytest.raises(ValueError, match=words):
        attentive_rnn.forward(*draw(rng, (1, 2, 1, 1)), **config)


def test_the_pictures_weights_are_a_copy(rng):
    _, cache = attentive_rnn.forward(*draw(rng, (1, 3, 2, 2)))
    attentive_rnn.attention_weights(cache)[:] = 7
    assert attentive_rnn.attention_weights(cache).max() <= 1


@pytest.mark.parametrize("config", OPTIONS, ids=str)
def test_manners(config, rng):
    options = {name: (lambda value=value: value) for name, value in config.items()}
    assert_manners(attentive_rnn.forward, attentive_rnn.backward, *draw(rng, (3, 4, 2, 5)), **options)


@pytest.mark.parametrize("config", OPTIONS, ids=str)
def test_complex_step(config, rng):
    assert_complex_step(attentive_rnn.forward, attentive_rnn.backward, *draw(rng, (3, 4, 2, 5)), **config)


def test_init_is_uniform_within_one_over_the_root_of_the_state(rng):
    p = attentive_rnn.init(rng, 200, 100)
    for values in p.values():
        assert values.dtype == np.float32
        assert 0.09 < values.max() <= 0.1 and -0.1 <= values.min() < -0.09
    shapes = {"W": (2, 4), "U": (4, 4), "Wa": (4, 4), "w": (8,), "b": (4,)}
    assert_draws(attentive_rnn.init, 2, 4, bound=1 / 2, shapes=shapes)

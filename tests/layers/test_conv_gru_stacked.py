import re

import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import conv_gru, conv_gru_stacked
from tests.judges import assert_complex_step, assert_manners, counted

# N, T, H, W, C, L, S, kernel_input, kernel_state
SHAPES = [
    (2, 3, 4, 5, 2, 1, 3, 3, 3),
    (1, 1, 3, 4, 2, 3, 2, 3, 3),
    (3, 2, 2, 3, 1, 2, 2, 5, 3),
    (2, 4, 3, 2, 3, 2, 1, 3, 1),
    (2, 3, 1, 1, 1, 3, 2, 1, 5),
]
READINGS = pytest.mark.parametrize("lower_in_candidate", [False, True], ids=["as printed", "in the candidate too"])


def draw(rng: np.random.Generator, shape: tuple[int, ...], lower_in_candidate: bool = False) -> tuple:
    N, T, H, W, C, L, S, k, l = shape
    p = conv_gru_stacked.init(
        rng, C, L, S, kernel_input=k, kernel_state=l, lower_in_candidate=lower_in_candidate, dtype=np.float64
    )
    return rng.normal(size=(N, T, H, W, C)), rng.normal(size=(N, T, H, W, L)), p


@READINGS
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape, lower_in_candidate, rng):
    arrays = draw(rng, shape, lower_in_candidate)
    assert_gradients(conv_gru_stacked.forward, conv_gru_stacked.backward, *arrays, kernel=im2col)


@READINGS
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_pytorch(shape, lower_in_candidate, rng, judge):
    arrays = draw(rng, shape, lower_in_candidate)
    for config in ({}, {"kernel": im2col}):
        judge.assert_same(
            conv_gru_stacked.forward, conv_gru_stacked.backward, judge.conv_gru_stacked, *arrays, **config
        )


def test_a_lower_level_of_zeros_leaves_the_plain_unit(rng):
    x, lower, p = draw(rng, SHAPES[0], True)
    h, _ = conv_gru_stacked.forward(x, np.zeros_like(lower), p)
    np.testing.assert_array_equal(h, conv_gru.forward(x, p)[0])


def test_as_printed_the_lower_level_moves_the_gates_and_not_the_candidate(rng):
    """From h' = 0 the first state is z c: with another lower level z is another, and h / z the same c."""
    x, lower, p = draw(rng, (2, 1, 3, 4, 2, 2, 3, 3, 3), True)
    printed = {name: value for name, value in p.items() if name != "Lc"}
    constant = {"Wc": 0 * p["Wc"], "bc": np.ones_like(p["bc"])}  # a candidate of tanh(1) everywhere

    def gate_and_candidate(lower):
        z = conv_gru_stacked.forward(x, lower, printed | constant)[0] / np.tanh(1)
        return z, conv_gru_stacked.forward(x, lower, printed)[0] / z

    (z, c), (other_z, other_c) = gate_and_candidate(lower), gate_and_candidate(-lower)
    np.testing.assert_allclose(c, other_c, rtol=1e-12)
    assert np.abs(z - other_z).max() > 0.01
    h, h_printed = conv_gru_stacked.forward(x, lower, p)[0], conv_gru_stacked.forward(x, lower, printed)[0]
    assert np.abs(h - h_printed).max() > 0.01


def test_the_lower_level_of_a_frame_reaches_that_frame_and_later_ones(rng):
    x, lower, p = draw(rng, SHAPES[0])
    h, _ = conv_gru_stacked.forward(x, lower, p)
    lower[:, 1] += 1
    moved = (conv_gru_stacked.forward(x, lower, p)[0] != h).any(axis=(0, 2, 3, 4))
    assert moved.tolist() == [False, True, True]


def test_two_levels_learn_together(rng, judge):
    """The lower unit's states are the upper one's `lower`: its gradient comes from dlower."""
    x, _, upper = draw(rng, (2, 3, 3, 4, 2, 2, 3, 3, 3))
    below = conv_gru.init(rng, 2, 2, kernel_input=3, kernel_state=3, dtype=np.float64)

    def forward(x, p):
        lower, lower_cache = conv_gru.forward(x, p["below"])
        h, cache = conv_gru_stacked.forward(x, lower, p["upper"])
        return h, (lower_cache, cache)

    def backward(dh, caches):
        dx, dlower, upper_grads = conv_gru_stacked.backward(dh, caches[1])
        dx_below, below_grads = conv_gru.backward(dlower, caches[0])
        return dx + dx_below, {"below": below_grads, "upper": upper_grads}

    def theirs(x, p):
        return judge.conv_gru_stacked(x, judge.conv_gru(x, p["below"]), p["upper"])

    judge.assert_same(forward, backward, theirs, x, {"below": below, "upper": upper})


def test_the_loop_has_no_more_convolutions_than_the_plain_unit(rng):
    kernel, calls = counted(im2col)
    h, cache = conv_gru_stacked.forward(*draw(rng, SHAPES[0]), kernel=kernel)
    assert calls == {"forward": 2 + 2 * 3}
    calls.clear()
    conv_gru_stacked.backward(h, cache)
    assert calls == {"backward_input": 2 + 2 * 3, "backward_weights": 4}


@READINGS
def test_padding_reaches_no_earlier_state_and_gets_no_gradient(lower_in_candidate, rng):
    x, lower, p = draw(rng, (2, 5, 3, 4, 2, 1, 3, 3, 3), lower_in_candidate)
    h, cache = conv_gru_stacked.forward(x, lower, p)
    dh = rng.normal(size=h.shape)
    dh[:, 3:] = 0
    dx, dlower, _ = conv_gru_stacked.backward(dh, cache)
    assert dx[:, :3].all() and dlower[:, :3].all() and not dx[:, 3:].any() and not dlower[:, 3:].any()
    x[:, 3:] = lower[:, 3:] = 1e6
    padded_h, padded_cache = conv_gru_stacked.forward(x, lower, p)
    padded_dx, padded_dlower, _ = conv_gru_stacked.backward(dh, padded_cache)
    np.testing.assert_array_equal(padded_h[:, :3], h[:, :3])
    np.testing.assert_array_equal(padded_dx, dx)
    np.testing.assert_array_equal(padded_dlower, dlower)


@READINGS
def test_manners(lower_in_candidate, rng):
    arrays = draw(rng, SHAPES[0], lower_in_candidate)
    assert_manners(conv_gru_stacked.forward, conv_gru_stacked.backward, *arrays)
    assert_manners(conv_gru_stacked.forward, conv_gru_stacked.backward, *arrays, kernel=lambda: im2col)


@READINGS
def test_complex_step(lower_in_candidate, rng):
    arrays = draw(rng, SHAPES[0], lower_in_candidate)
    assert_complex_step(conv_gru_stacked.forward, conv_gru_stacked.backward, *arrays, kernel=im2col)


def test_maps_of_another_size_and_even_kernels_are_refused(rng):
    x, lower, p = draw(rng, SHAPES[0])
    words = re.escape("with (N, T, H, W) = (2, 3, 4, 5) as in x, got (2, 3, 4, 4, 1); resize lower first")
    with pytest.raises(ValueError, match=words):
        conv_gru_stacked.forward(x, lower[:, :, :, 1:], p)
    with pytest.raises(ValueError, match="kernels must be odd"):
        conv_gru_stacked.forward(x, lower, p | {"Lz": p["Lz"][:2]})
    with pytest.raises(ValueError, match="kernels must be odd"):
        conv_gru_stacked.init(rng, 2, 1, 3, kernel_input=4)


def test_init_is_that_of_the_plain_unit_and_then_the_kernels_for_the_lower_level():
    for lower_in_candidate, gates in ((False, "zr"), (True, "zrc")):
        drawn = np.random.default_rng(3)
        p = conv_gru_stacked.init(
            np.random.default_rng(3), 8, 6, 12, kernel_state=3, lower_in_candidate=lower_in_candidate
        )
        plain = conv_gru.init(drawn, 8, 12, kernel_state=3)
        assert list(p) == [*plain, *("L" + gate for gate in gates)]
        for name in plain:
            np.testing.assert_array_equal(p[name], plain[name])
        bound = 1 / np.sqrt(25 * 6)
        for gate in gates:
            expected = drawn.uniform(-bound, bound, (5, 5, 6, 12)).astype(np.float32)
            np.testing.assert_array_equal(p["L" + gate], expected)

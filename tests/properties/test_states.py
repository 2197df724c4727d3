"""Gates that are closed keep the state: bit for bit, over any number of frames."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from minireid.base.trees import leaves
from minireid.layers import (
    conv_gru,
    conv_gru_stacked,
    elman,
    elman_relu,
    elman_unsquashed,
    gru,
    gru_projected,
    gru_reset_after,
    lstm,
)
from tests.properties.drawn import bounded, clips

CLOSED, OPEN = -2000.0, 4000.0  # the sigmoid is exactly 0 at CLOSED, and exactly 1 at CLOSED + OPEN


def opened_at_first(h: np.ndarray) -> np.ndarray:
    """One more feature, which is 1 in the first frame and 0 in all others."""
    first = np.zeros((*h.shape[:-1], 1))
    first[:, 0] = 1
    return np.concatenate([first, h], axis=-1)


def gate(p: Any, letter: str, shut: float, opened: float) -> None:
    """The gate is `shut` everywhere, but where the first feature is 1."""
    p["W" + letter][:], p["U" + letter][:], p["b" + letter][:] = 0, 0, shut
    middle = tuple(k // 2 for k in p["W" + letter].shape[:-2])
    p["W" + letter][(*middle, 0)] = opened


def assert_copied(h: np.ndarray) -> None:
    """All states of a clip are its first state, which is not 0."""
    assert np.abs(h[:, :1]).min() > 0
    assert h.tobytes() == np.ascontiguousarray(np.broadcast_to(h[:, :1], h.shape)).tobytes()


def assert_only_the_first_frame_learns(dx: np.ndarray) -> None:
    assert not dx[:, 1:, ..., 1:].any()


@pytest.mark.parametrize("unit", [gru, gru_projected, gru_reset_after])
@bounded
@given(drawn=clips())
def test_gru(unit: ModuleType, drawn: tuple) -> None:
    x, _, rng = drawn
    x = opened_at_first(x)
    p = (gru if unit is gru_projected else unit).init(rng, x.shape[2], 4, dtype=np.float64)
    gate(p, "z", CLOSED, OPEN)
    h, cache = unit.forward(x, p)
    assert_copied(h)
    dx, _ = unit.backward(rng.normal(size=h.shape), cache)
    assert_only_the_first_frame_learns(dx)


@bounded
@given(drawn=clips())
def test_lstm(drawn: tuple) -> None:
    """The input gate opens once; the forget gate keeps the cell, the output gate shows it."""
    x, _, rng = drawn
    x = opened_at_first(x)
    p = lstm.init(rng, x.shape[2], 4, dtype=np.float64)
    gate(p, "i", CLOSED, OPEN)
    for letter in "fo":
        gate(p, letter, -CLOSED, 0)
    h, cache = lstm.forward(x, p)
    assert_copied(h)
    dx, _ = lstm.backward(rng.normal(size=h.shape), cache)
    assert_only_the_first_frame_learns(dx)


@pytest.mark.parametrize("stacked", [False, True])
@bounded
@given(drawn=clips())
def test_conv_gru(stacked: bool, drawn: tuple) -> None:
    """Every pixel keeps its state, whatever its neighbours have."""
    x, _, rng = drawn
    N, T, D = x.shape
    maps = opened_at_first(rng.normal(size=(N, T, 3, 4, D)))
    sizes: dict[str, Any] = {"kernel_input": 3, "kernel_state": 3, "dtype": np.float64}
    if stacked:
        p = conv_gru_stacked.init(rng, D + 1, 2, 3, **sizes)
        p["Lz"][:] = 0
    else:
        p = conv_gru.init(rng, D + 1, 3, **sizes)
    gate(p, "z", CLOSED, OPEN)
    unit, lower = (conv_gru_stacked, [rng.normal(size=(N, T, 3, 4, 2))]) if stacked else (conv_gru, [])
    h, cache = unit.forward(maps, *lower, p)
    assert_copied(h)
    dx, *_ = unit.backward(rng.normal(size=h.shape), cache)
    assert_only_the_first_frame_learns(dx)


@bounded
@given(drawn=clips())
def test_elman_relu_copies_with_the_unit_matrix(drawn: tuple) -> None:
    """It has no gates: with U the unit matrix and nothing new to read, ReLU keeps what is positive."""
    f, _, _ = drawn
    f = np.abs(f) + 1
    f[:, 1:] = 0
    D = f.shape[2]
    h, _ = elman_relu.forward(f, {"W": np.eye(D), "U": np.eye(D)})
    assert_copied(h)


@bounded
@given(drawn=clips())
def test_elman_without_its_matrix_has_no_memory(drawn: tuple) -> None:
    """tanh cannot copy. With U = 0 each state is of its own frame alone, in any order of the frames."""
    x, _, rng = drawn
    order = rng.permutation(x.shape[1])
    p = elman.init(rng, x.shape[2], 4, dtype=np.float64)
    p["U"][:] = 0
    np.testing.assert_allclose(elman.forward(x[:, order], p)[0], elman.forward(x, p)[0][:, order], rtol=1e-13)
    dx, grads = elman.backward(np.ones((*x.shape[:2], 4)), elman.forward(x, p)[1])
    assert dx.any() and all(np.isfinite(g).all() for _, g in leaves(grads))


@bounded
@given(drawn=clips())
def test_the_baselines_recurrence_without_its_matrix_passes_its_input_on(drawn: tuple) -> None:
    """o_t = e_t + b, and e_1 + s at first: nothing is squashed."""
    e, _, rng = drawn
    p = elman_unsquashed.init(rng, e.shape[2], dtype=np.float64)
    p["U"][:] = 0
    o, _ = elman_unsquashed.forward(e, p)
    np.testing.assert_allclose(o[:, 0], e[:, 0] + p["s"], rtol=1e-13)
    np.testing.assert_allclose(o[:, 1:], e[:, 1:] + p["b"], rtol=1e-13)

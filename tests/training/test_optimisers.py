"""Optimisers: worked by hand, and against PyTorch's."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.training import optimisers

# By hand: one number, p = 1, gradients 2 and then -4, learning rate 0.1.


def two_steps(rule: Callable[..., optimisers.State], **settings: float) -> list[float]:
    p, state, found = np.array([1.0]), {}, []
    for g in (2.0, -4.0):
        state = rule(p, np.array([g]), state, learning_rate=0.1, **settings)
        found.append(float(p[0]))
    return found


def test_sgd_by_hand() -> None:
    """v = 2, then 0.5 * 2 - 4 = -3."""
    assert two_steps(optimisers.sgd, momentum=0.5, dampening=0.0) == pytest.approx([0.8, 1.1])


def test_sgd_with_torch7s_dampening_by_hand() -> None:
    """The first step is not damped: v = 2, then 0.5 * 2 + 0.5 * -4 = -1."""
    assert two_steps(optimisers.sgd, momentum=0.5, dampening=0.5) == pytest.approx([0.8, 0.9])


def test_sgd_without_momentum_by_hand() -> None:
    assert two_steps(optimisers.sgd, momentum=0.0, dampening=0.0) == pytest.approx([0.8, 1.2])


def test_rmsprop_by_hand() -> None:
    """s = 0.5 * 4 = 2, then 0.5 * 2 + 0.5 * 16 = 9."""
    first = 1 - 0.1 * 2 / math.sqrt(2)
    assert two_steps(optimisers.rmsprop, decay=0.5) == pytest.approx([first, first + 0.1 * 4 / 3], abs=1e-8)


def test_adam_by_hand() -> None:
    """m = 1 and s = 2, which corrected are 2 and 4; then m = -1.5 and s = 9, corrected (by 3/4) -2 and 12."""
    expected = [0.9, 0.9 + 0.1 * 2 / math.sqrt(12)]
    assert two_steps(optimisers.adam, beta1=0.5, beta2=0.5) == pytest.approx(expected, abs=1e-8)


# Against PyTorch.


def gradients(steps: int = 20) -> np.ndarray:
    """(steps, 3, 2) of very different sizes, the last of them zero at first."""
    rng = np.random.default_rng(0)
    g = rng.normal(size=(steps, 3, 2)) * 10.0 ** rng.integers(-4, 3, size=(3, 2))
    g[:3, 2, 1] = 0
    return g


@pytest.mark.parametrize(
    "rule, settings, theirs, their_settings",
    [
        (optimisers.sgd, {"momentum": 0.0, "dampening": 0.0}, "SGD", {}),
        (optimisers.sgd, {"momentum": 0.9, "dampening": 0.0}, "SGD", {"momentum": 0.9}),
        (optimisers.sgd, {"momentum": 0.9, "dampening": 0.9}, "SGD", {"momentum": 0.9, "dampening": 0.9}),
        (optimisers.rmsprop, {}, "RMSprop", {"alpha": 0.9}),
        (optimisers.rmsprop, {"decay": 0.99}, "RMSprop", {"alpha": 0.99}),
        (optimisers.adam, {}, "Adam", {}),
        (optimisers.adam, {"beta1": 0.5, "beta2": 0.9}, "Adam", {"betas": (0.5, 0.9)}),
    ],
)
def test_against_pytorch(
    rule: Callable[..., optimisers.State], settings: dict[str, Any], theirs: str, their_settings: dict[str, Any]
) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install -e '.[torch]'")
    p = np.random.default_rng(1).normal(size=(3, 2))
    parameter = torch.nn.Parameter(torch.tensor(p))
    optimiser = getattr(torch.optim, theirs)([parameter], lr=0.01, **their_settings)
    state: optimisers.State = {}
    for g in gradients():
        parameter.grad = torch.tensor(g)
        optimiser.step()
        state = rule(p, g.copy(), state, learning_rate=0.01, **settings)
        np.testing.assert_allclose(p, parameter.detach().numpy(), rtol=1e-10, atol=1e-10)


# What all of them keep to.

RULES = pytest.mark.parametrize(
    "rule, settings",
    [(optimisers.sgd, {"momentum": 0.9, "dampening": 0.9}), (optimisers.rmsprop, {}), (optimisers.adam, {})],
)


@RULES
def test_float32_stays_and_gradients_are_not_changed(rule: Any, settings: dict[str, float]) -> None:
    p, g = np.ones((2, 3), np.float32), np.full((2, 3), 0.5, np.float32)
    state: optimisers.State = {}
    for _ in range(3):
        state = rule(p, g, state, learning_rate=0.1, **settings)
        g_before = g.copy()
        assert all(array.dtype == np.float32 for array in state.values() if array.ndim)
        np.testing.assert_array_equal(g, g_before)
        g *= 2  # the next gradient in the same memory: the state must not share it
    again, fresh = np.ones((2, 3), np.float32), {}
    for size in (0.5, 1.0, 2.0):
        fresh = rule(again, np.full((2, 3), size, np.float32), fresh, learning_rate=0.1, **settings)
    assert p.dtype == np.float32
    np.testing.assert_array_equal(p, again)


@RULES
def test_update_gives_every_array_its_own_gradient_and_state(rule: Any, settings: dict[str, float]) -> None:
    rng = np.random.default_rng(0)
    params = {"a": {"W": rng.normal(size=(2, 2)), "b": rng.normal(size=2)}, "c": rng.normal(size=3)}
    alone = {name: p.copy() for name, p in leaves(params)}
    states: dict[str, optimisers.State] = {}
    own: dict[str, optimisers.State] = {name: {} for name in alone}
    for _ in range(3):
        # in another order than the parameters
        grads = {"c": rng.normal(size=3), "a": {"b": rng.normal(size=2), "W": rng.normal(size=(2, 2))}}
        optimisers.update(rule, params, grads, states, learning_rate=0.1, **settings)
        for name, g in leaves(grads):
            own[name] = rule(alone[name], g, own[name], learning_rate=0.1, **settings)
    for name, p in leaves(params):
        np.testing.assert_array_equal(p, alone[name])
        for key, array in states[name].items():
            np.testing.assert_array_equal(array, own[name][key])


def test_clipping_is_element_by_element_and_in_place() -> None:
    g = np.array([[-7.0, 5.0], [4.9, 1e9]])
    b = np.array([-5.5, 0.0])
    optimisers.clip_elements({"layer": {"W": g, "b": b}}, 5.0)
    assert g.tolist() == [[-5, 5], [4.9, 5]] and b.tolist() == [-5, 0]


def test_decay_pulls_matrices_but_not_biases() -> None:
    params = {"W": np.full((2, 2), 2.0, np.float32), "b": np.full(2, 2.0, np.float32), "kernel": np.ones((1, 1, 2, 2))}
    optimisers.decay_weights(params, 0.5)
    assert params["W"].tolist() == [[1, 1], [1, 1]] and params["b"].tolist() == [2, 2]
    assert params["W"].dtype == np.float32 and np.all(params["kernel"] == 0.5)


def test_schedules() -> None:
    assert [optimisers.constant(step, 4) for step in range(4)] == [1, 1, 1, 1]
    assert [optimisers.cosine(step, 4) for step in range(5)] == pytest.approx(
        [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]
    )


def test_a_scheduled_step_stays_in_float32() -> None:
    """A factor of type float64 would carry a float32 step to float64 and back."""
    p, g = np.array([1.0], np.float32), np.array([1 / 3], np.float32)
    state = optimisers.sgd(p, g, {}, learning_rate=0.1 * optimisers.cosine(1, 3), momentum=0.9, dampening=0.0)
    assert state["v"].dtype == p.dtype
    assert type(optimisers.cosine(1, 3)) is float

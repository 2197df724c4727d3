"""What every layer and loss has to keep to, whatever it computes. Each function raises AssertionError."""

import warnings
from collections import Counter
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.layers import conv_block

Function = Callable[..., Any]

# N, H, W, C_in, KH, KW, C_out, stride, padding: kernels and maps of one pixel, odd and non-square ones, padding 0 and
# more than half the kernel, strides that leave rows over, strides larger than the kernel.
CONVOLUTIONS = [
    (3, 5, 7, 2, 1, 1, 3, 1, 0),
    (1, 5, 4, 3, 3, 2, 5, 1, 0),
    (2, 7, 5, 1, 3, 3, 2, 2, 1),
    (1, 4, 3, 2, 3, 3, 2, 1, 3),
    (2, 5, 6, 1, 5, 4, 2, 3, 2),
    (1, 3, 3, 2, 3, 3, 1, 1, 0),
    (1, 1, 1, 2, 1, 1, 2, 2, 1),
    (3, 6, 5, 2, 2, 1, 3, 3, 0),
    (1, 2, 7, 1, 1, 5, 2, 2, 4),
]
KERNEL = ("forward", "backward_input", "backward_weights")
# N, T, D, S of sequences: one clip, one frame, two frames, one feature, one value of state.
SEQUENCES = [(3, 5, 2, 4), (1, 1, 2, 3), (3, 1, 5, 2), (3, 2, 2, 5), (1, 5, 3, 1), (2, 3, 1, 3)]


def upstream(rng: np.random.Generator, y: Any) -> Any:
    """A random gradient of the form of y."""
    return map_leaves(lambda leaf: np.asarray(rng.normal(size=np.shape(leaf)), np.asarray(leaf).dtype)[()], y)


def assert_manners(forward: Function, backward: Function, *arrays: Any, **config: Callable[[], Any]) -> None:
    """Arguments, upstream gradient and cache stay as they are; the result is linear in the upstream gradient, so that a
    zero one gives zero; gradients have the keys, shapes and dtype of their arrays; float32 stays float32.

    config: functions that make the value, so that each call gets a new generator.
    """
    for dtype in (np.float64, np.float32):
        inputs = [map_leaves(lambda a: np.array(a, dtype), tree) for tree in arrays]  # noqa: B023 used at once
        before = map_leaves(np.copy, dict(enumerate(inputs)))
        y, cache = forward(*inputs, **{name: make() for name, make in config.items()})
        dy = upstream(np.random.default_rng(3), y)
        dy_before = map_leaves(np.copy, dy)
        first = gradients_of(backward, dy, cache, inputs)
        assert_same_bits(dy, dy_before, "backward changed the upstream gradient")
        assert_same_bits(dict(enumerate(inputs)), before, "an argument was changed")
        second = gradients_of(backward, map_leaves(lambda a: a * 2, dy), cache, inputs)
        assert_same_bits(second, map_leaves(lambda a: a * 2, first), "twice the upstream, not twice the gradient")
        zero = gradients_of(backward, map_leaves(lambda a: a * 0, dy), cache, inputs)
        assert all(not np.any(g) for _, g in leaves(zero)), "zero upstream gradient, but a gradient came out"
        for name, array in [*leaves({"y": y}), *leaves(first)]:
            assert np.asarray(array).dtype == dtype, f"{name}: {np.asarray(array).dtype} from {np.dtype(dtype)}"


def gradients_of(backward: Function, dy: Any, cache: Any, inputs: list[Any]) -> dict[int, Any]:
    """{number of the argument: its gradient}, in the order of the arguments' keys, held to those keys and shapes."""
    returned = backward(dy, cache)
    gradients = {str(k): tree for k, tree in enumerate(returned if len(inputs) > 1 else (returned,))}
    arguments = {str(k): tree for k, tree in enumerate(inputs)}
    assert dict(leaves(gradients)).keys() == dict(leaves(arguments)).keys()
    assert map_leaves(np.shape, gradients) == map_leaves(np.shape, arguments)
    return {int(k): map_leaves(lambda _, g: np.copy(g), tree, gradients[k]) for k, tree in arguments.items()}


def assert_same_bits(a: Any, b: Any, message: str) -> None:
    for (name, left), (_, right) in zip(leaves(map_leaves(np.asarray, a)), leaves(b), strict=True):
        assert left.tobytes() == np.asarray(right).tobytes(), f"{message} ({name})"


def assert_complex_step(forward: Function, backward: Function, *arrays: Any, **config: Any) -> None:
    """complex128 flows through, and the derivative that its imaginary part carries is the backward's, to 13 digits.

    F(v + i h u) = F(v) + i h F'(v) u: no difference is taken, so nothing is lost to rounding.
    """
    rng = np.random.default_rng(5)
    directions = [map_leaves(lambda a: rng.normal(size=a.shape), tree) for tree in arrays]
    moved = [map_leaves(lambda a, u: a + 1e-30j * u, tree, u) for tree, u in zip(arrays, directions)]
    y, cache = forward(*arrays, **config)
    dy = upstream(rng, y)
    gradients = gradients_of(backward, dy, cache, list(arrays))
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        flowing, complex_cache = forward(*moved, **config)
        complex_gradients = gradients_of(backward, map_leaves(lambda d: d + 0j, dy), complex_cache, moved)
    assert all(np.asarray(leaf).dtype == np.complex128 for _, leaf in leaves({"y": flowing, **complex_gradients}))
    by_step = sum(np.sum(d * v.imag) / 1e-30 for (_, d), (_, v) in zip(leaves(dy), leaves(flowing)))
    by_backward = sum(
        np.sum(g * u) for (_, g), (_, u) in zip(leaves(gradients), leaves(dict(enumerate(directions))), strict=True)
    )
    np.testing.assert_allclose(by_step, by_backward, rtol=1e-12)
    turned = gradients_of(backward, map_leaves(lambda d: 1j * d, dy), cache, list(arrays))  # complex upstream alone
    for (name, one), (_, other) in zip(leaves(turned), leaves(gradients)):
        np.testing.assert_allclose(one, 1j * other, rtol=1e-12, atol=1e-14, err_msg=name)


def assert_draws(init: Function, *sizes: int, bound: float, shapes: dict[str, tuple[int, ...]]) -> None:
    """The parameters are the generator's numbers, one after another in this order: a seed is a start for ever."""
    drawn, p = np.random.default_rng(3), init(np.random.default_rng(3), *sizes)
    assert {name: value.shape for name, value in p.items()} == shapes
    for name, shape in shapes.items():
        np.testing.assert_array_equal(p[name], drawn.uniform(-bound, bound, shape).astype(np.float32), err_msg=name)


def counted(kernel: ModuleType) -> tuple[Any, Counter[str]]:
    """The kernel under another name, and how often each of its functions was called."""
    calls: Counter[str] = Counter()

    def counting(name: str) -> Function:
        def call(*arrays: Any, **config: Any) -> Any:
            calls[name] += 1
            return getattr(kernel, name)(*arrays, **config)

        return call

    return SimpleNamespace(**{name: counting(name) for name in KERNEL}), calls


def counted_block() -> tuple[Any, Counter[str]]:
    """The networks' block under another name, and how often its functions were called."""
    calls: Counter[str] = Counter()

    def forward(*arrays: Any, **config: Any) -> Any:
        calls["forward"] += 1
        return conv_block.forward(*arrays, **config)

    def backward(*arrays: Any, **config: Any) -> Any:
        calls["backward"] += 1
        return conv_block.backward(*arrays, **config)

    return SimpleNamespace(forward=forward, backward=backward), calls


def assert_does_without_dx(network: ModuleType, x: Any, p: Any) -> None:
    """Training needs no gradient of the images: need_dx=False leaves dx out, and changes no other gradient."""
    y, cache = network.forward(x, p)
    dx, grads = network.backward(y, cache, need_dx=False)
    assert dx is None
    for (name, one), (_, other) in zip(leaves(grads), leaves(network.backward(y, cache)[1]), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)

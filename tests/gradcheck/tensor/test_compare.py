"""One tensor against the numerical derivative: what is looked at, what is seen all the same, and what is said of it."""

import itertools

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.check import ENTRIES
from minireid.gradcheck.check import SAMPLE as SAMPLES
from minireid.gradcheck.tensor.compare import DIRECTIONS, chosen, explained
from minireid.layers import gru, linear, temporal_mean

SAMPLE = SAMPLES[True]  # with the complex step


def large(rng, D=70, S=60):
    return rng.normal(size=(2, D)), rng.normal(size=(2, S)), gru.init(rng, D, S, dtype=np.float64)


def spoiled(name, index, by):
    def backward(dh, cache):
        dx, dh_prev, grads = gru.step_backward(dh, cache)
        grads[name][index] += by
        return dx, dh_prev, grads

    return backward


def test_a_small_tensor_is_looked_at_entry_by_entry():
    assert chosen((3, 5), 15, 0) == list(np.ndindex(3, 5))
    assert chosen((), 5, 0) == [()]


@pytest.mark.parametrize("shape", [(10_000,), (60, 40), (20, 30, 7), (3, 3, 8, 90)])
def test_of_a_large_tensor_ends_corners_and_others(shape):
    indices = chosen(shape, 200, 3)
    assert len(indices) == len(set(indices)) == 200
    assert all(0 <= i < size for index in indices for i, size in zip(index, shape))
    assert set(itertools.product(*((0, size - 1) for size in shape))) <= set(indices)
    grid = set(itertools.product(*((0, size // 2, size - 1) for size in shape)))
    assert len(set(indices) - grid) >= 100
    for axis, size in enumerate(shape):
        assert len({index[axis] for index in indices}) > min(size, 20) / 2, "spread over every axis"
    assert chosen(shape, 200, 3) == indices != chosen(shape, 200, 4)


def test_every_gate_is_sampled_and_it_is_said_how_much_was_looked_at(rng):
    report = check(gru.step_forward, gru.step_backward, *large(rng), diagnosis=False)
    assert report.ok
    by_name = {tensor.name: tensor for tensor in report.tensors}
    assert {f"p.{kind}{gate}" for kind in "WUb" for gate in "zrc"} <= by_name.keys()
    for name in ("p.Wz", "p.Wr", "p.Wc", "p.Uc"):
        tensor = by_name[name]
        assert tensor.looked_at == (SAMPLE, DIRECTIONS)
        assert f"{SAMPLE} of {np.prod(tensor.shape)} entries and {DIRECTIONS} directions" in str(tensor)
    small = check(gru.step_forward, gru.step_backward, *large(rng, 3, 5), diagnosis=False)
    assert all(t.looked_at == (np.prod(t.shape), 0) and "entries and" not in str(t) for t in small.tensors)


def test_a_mistake_in_one_entry_that_was_not_sampled_is_seen_in_the_directions(rng):
    arrays = large(rng)
    sampled = chosen((70, 60), SAMPLE, 0)
    hidden = next(index for index in np.ndindex(70, 60) if index not in sampled)
    for gate in "zrc":
        report = check(gru.step_forward, spoiled("W" + gate, hidden, 0.5), *arrays, diagnosis=False)
        (wrong,) = [tensor for tensor in report.tensors if not tensor.ok]
        assert wrong.name == "p.W" + gate and wrong.index == () and wrong.wrong == 1
        assert "along a random direction: backward says" in wrong.verdict
    seen = check(gru.step_forward, spoiled("Wz", sampled[5], 0.5), *arrays, diagnosis=False)
    assert [tensor.index for tensor in seen.tensors if not tensor.ok] == [sampled[5]]


def test_the_sampled_verdict_holds_with_differences_too(rng):
    x, W = rng.normal(size=(2, 160)), {"W": rng.normal(size=(160, 130)), "b": rng.normal(size=130)}
    good = check(linear.forward, linear.backward, x, W, method="central", diagnosis=False)
    assert good.ok and good.method == "central differences"
    assert {t.name: t.looked_at for t in good.tensors}["p.W"] == (
        SAMPLES[False],
        DIRECTIONS,
    ) and 160 * 130 > 10 * ENTRIES

    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        grads["W"][77, 55] += 0.5
        return dx, grads

    assert [
        t.name for t in check(linear.forward, backward, x, W, method="central", diagnosis=False).tensors if not t.ok
    ] == ["p.W"]


def test_how_many_entries_are_wrong_is_counted(rng):
    def backward(dy, cache):
        dx, grads = linear.backward(dy, cache)
        grads["W"][1:3, 2] *= 2
        return dx, grads

    x, p = rng.normal(size=(3, 5)), linear.init(rng, 5, 7, dtype=np.float64)
    assert [t.wrong for t in check(linear.forward, backward, x, p, diagnosis=False).tensors] == [0, 2, 0]


def test_a_tensor_without_entries_is_right(rng):
    report = check(
        lambda x, e: (x * x, x), lambda dy, x: (2 * dy * x, np.zeros((0, 3))), rng.normal(size=(2, 3)), np.zeros((0, 3))
    )
    assert report.ok and report.tensors[1].shape == (0, 3)


def test_a_small_mistake_beside_zeros_is_not_excused(rng):
    h, lengths = rng.normal(size=(3, 5, 2)), np.array([5, 1, 3])

    def backward(dy, cache):
        dh = temporal_mean.backward(dy, cache)
        dh[1, 4, 0] += 1e-8
        return dh

    assert not check(temporal_mean.forward, backward, h, lengths=lengths, diagnosis=False).ok


@pytest.mark.parametrize(
    ("got", "expected", "said"),
    [
        ((7, 5), (5, 7), "transposed"),
        ((3, 7, 5), (3, 5, 7), "the same axes in another order"),
        ((35,), (5, 7), "the number of values is right, reshape it to (5, 7)"),
        ((3, 7), (7,), "the input was broadcast in the forward, so its gradient must be summed to the shape (7,)"),
        ((3, 7), (1, 7), "the input was broadcast in the forward"),
        ((7,), (5, 7), "summed over one axis too many"),
        ((), (7,), "summed over one axis too many"),
    ],
)
def test_a_wrong_shape_is_explained(got, expected, said):
    assert said in explained(got, expected)


def test_a_shape_that_nothing_explains_is_not_explained():
    assert explained((4, 2), (5, 7)) == ""

"""What is checked: names of arguments, the upstream gradient, copies, the loss."""

from dataclasses import replace

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.tensor.problem import Problem, complex_arrays, fresh, weighted_sum
from minireid.layers import dropout, gru


def problem(rng, **settings) -> Problem:
    arrays = (rng.normal(size=(2, 3)), rng.normal(size=(2, 5)), gru.init(rng, 3, 5, dtype=np.float64))
    return Problem(gru.step_forward, gru.step_backward, arrays, settings, 3)


def test_arguments_are_named_as_the_forward_names_them(rng):
    assert problem(rng).names() == ["x", "h_prev", "p"]
    many = Problem(lambda x, *more: (x, None), lambda dy, cache: dy, (1.0, 2.0, 3.0), {}, 0)
    assert many.names() == ["x", "argument 1", "argument 2"]


def test_the_upstream_is_random_of_ys_shape_and_decided_by_the_seed(rng):
    one = problem(rng)
    assert one.drawn().upstream.shape == (2, 5) and np.unique(one.drawn().upstream).size == 10
    assert one.drawn().upstream.tobytes() == one.drawn().upstream.tobytes()
    assert not np.any(one.drawn().upstream == one.with_other_upstream().upstream)


def test_the_upstream_of_a_dict_is_a_dict_and_of_a_scalar_a_scalar(rng):
    forward = lambda x: ({"loss": (x * x).sum(), "parts": {"y": x}}, x)  # noqa: E731
    drawn = Problem(forward, lambda dy, x: dy, (rng.normal(size=3),), {}, 0).drawn().upstream
    assert np.ndim(drawn["loss"]) == 0 and drawn["parts"]["y"].shape == (3,)


def test_copies_share_nothing(rng):
    one = replace(problem(rng).drawn(), config={"pairs": np.arange(4)})
    two = one.copied()
    for (name, a), (_, b) in zip(leaves(one.inputs()), leaves(two.inputs())):
        assert not np.shares_memory(a, b) and np.array_equal(a, b), name
    assert not np.shares_memory(one.upstream, two.upstream) and not np.shares_memory(
        one.config["pairs"], two.config["pairs"]
    )


def test_a_backward_that_changes_what_it_is_given_spoils_nothing(rng):
    def backward(dh, cache):
        gradients = gru.step_backward(dh, cache)
        dh += 1
        cache.x[:] += 1
        cache.p["Wz"] *= 2
        return gradients

    one = problem(rng).drawn()
    before = {name: array.tobytes() for name, array in leaves({**one.inputs(), "upstream": one.upstream})}
    first, second = one.gradients(backward), one.gradients(backward)
    assert {name: array.tobytes() for name, array in leaves({**one.inputs(), "upstream": one.upstream})} == before
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(first), leaves(second)))


def test_other_numbers_of_the_same_shapes(rng):
    one = problem(rng).drawn()
    other = one.redrawn(4)
    for (_, a), (_, b) in zip(leaves(one.inputs()), leaves(other.inputs())):
        assert a.shape == b.shape and not np.any(a == b) and 0.2 < b.std() / a.std() < 5
    assert other.upstream.shape == one.upstream.shape and not np.any(other.upstream == one.upstream)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(other.inputs()), leaves(one.redrawn(4).inputs())))


def test_other_numbers_stay_where_the_function_is_defined():
    p = {"a": np.array(1.7), "rates": np.array([0.2, 0.5, 0.9]), "none": np.zeros(()), "b": np.full(1, -3.0)}
    other = Problem(lambda p: (p["a"], None), lambda dy, cache: dy, (p,), {}, 0).drawn().redrawn(4).arrays[0]
    assert all(isinstance(array, np.ndarray) for array in other.values())
    assert 0 < other["a"] != 1.7 and other["none"] != 0 and other["b"] < 0
    assert np.all((other["rates"] > 0.2) & (other["rates"] < 0.9))


def test_gradients_by_name(rng):
    gradients = problem(rng).drawn().gradients()
    assert list(gradients) == ["x", "h_prev", "p"] and gradients["p"]["Uz"].shape == (5, 5)
    single = Problem(
        dropout.forward, dropout.backward, (rng.normal(size=(2, 3)),), {"rate": 0.5, "rng": rng}, 0
    ).drawn()
    assert list(single.gradients()) == ["x"]
    assert list(single.gradients(lambda dy, cache: (dy,))) == ["x"]


def test_generators_are_copied_and_the_rest_is_shared(rng):
    pairs = np.arange(3)
    config = fresh({"rng": rng, "pairs": pairs})
    state = rng.bit_generator.state
    config["rng"].normal()
    assert rng.bit_generator.state == state and config["pairs"] is pairs


def test_the_loss_is_the_sum_over_all_outputs_and_keeps_the_imaginary_part():
    assert weighted_sum({"a": np.array([1.0, 2]), "b": 3.0}, {"a": np.array([1.0, 10]), "b": 100.0}) == 321
    assert weighted_sum(np.array([2.0]), np.array([1 + 3j])).imag == 6
    (x, p) = complex_arrays((np.ones(2), {"W": np.ones(3)}))
    assert x.dtype == p["W"].dtype == np.complex128

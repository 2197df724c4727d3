"""The checker's random numbers are its own: never a user's, never twice the same."""

import itertools

import numpy as np
import pytest

from minireid.gradcheck import check
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.problem import Problem


def unit_rows(x):
    r = np.sqrt((x * x).sum(axis=1, keepdims=True))
    return x / r, (x / r, r)


def without_the_division(dy, cache):
    y, _ = cache
    return dy - y * (dy * y).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_mistake_that_an_upstream_equal_to_x_would_hide_is_seen(seed):
    """With dy = x both gradients are 0, right or wrong."""
    x = np.random.default_rng(seed).normal(size=(4, 3))
    _, cache = unit_rows(x)
    np.testing.assert_allclose(without_the_division(x, cache), 0, atol=1e-12)
    assert not check(unit_rows, without_the_division, x, seed=seed, diagnosis=False).ok
    assert not check(unit_rows, without_the_division, x, diagnosis=False).ok


def test_no_two_arrays_and_no_two_uses_get_the_same_numbers():
    words = itertools.product((0, 1, 5), ("upstream", "sample"), ("", 0, 1, 10, "p.W"))
    drawn = [stream(*w).normal(size=3).tobytes() for w in words]
    assert len(set(drawn)) == len(drawn)
    assert stream(3, "upstream", 1).normal() == stream(3, "upstream", 1).normal()


def test_a_users_streams_are_other_streams():
    mine = {float(stream(seed, "upstream", n).normal()) for seed in range(20) for n in range(3)}
    theirs = {float(np.random.default_rng(seed).normal()) for seed in range(200)}
    theirs |= {float(np.random.default_rng([a, b]).normal()) for a in range(20) for b in range(20)}
    assert not mine & theirs


def test_every_output_gets_an_upstream_of_its_own(rng):
    x = rng.normal(size=(2, 3))
    problem = Problem(lambda x: ({"a": x, "b": 2 * x}, None), lambda dy, cache: dy["a"] + 2 * dy["b"], (x,), {}, 0)
    dy = problem.drawn().upstream
    assert not np.any(dy["a"] == dy["b"])


def test_other_numbers_are_not_those_of_the_upstream():
    problem = Problem(lambda a, b: (a * b, (a, b)), lambda dy, c: dy, (np.zeros((2, 3)), np.zeros((2, 3))), {}, 0)
    other = problem.redrawn(4)
    a, b = other.arrays
    assert not np.any(a == b) and not np.any(a == other.upstream) and not np.any(b == other.upstream)

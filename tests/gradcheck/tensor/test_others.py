"""Other inputs for a problem: the same shapes, and what is meant to be positive stays so."""

import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck.tensor.others import SIGNS, one_sided_masks, others
from minireid.gradcheck.tensor.problem import Problem

X = np.random.default_rng(0).normal(size=(3, 5))
P = {"W": np.abs(X) + 0.1, "b": np.array(2.0)}
ALL_TRUE, SOME_TRUE = np.ones((3, 5), bool), X > 0


def problem(**config):
    return Problem(lambda x, p, given, **config: (x, None), lambda dy, c: dy, (X, P, ALL_TRUE), config, 0)


def test_shapes_and_dtypes_stay_and_no_two_are_alike():
    drawn = [dict(leaves(other.inputs())) for _, other in others(problem(), [], False)]
    for arrays in drawn:
        assert {name: (a.shape, a.dtype) for name, a in arrays.items()} == {
            name: (a.shape, a.dtype) for name, a in leaves(problem().inputs())
        }
    assert len({arrays["x"].tobytes() for arrays in drawn}) == len(drawn)
    assert len({str(change) for change, _ in others(problem(), [], False)}) == len(drawn)


def test_the_first_has_the_same_numbers_in_another_order():
    _, first = next(others(problem(), [], False))
    assert not np.array_equal(first.arrays[0], X)
    np.testing.assert_array_equal(np.sort(first.arrays[0].ravel()), np.sort(X.ravel()))


@pytest.mark.parametrize("drawn", [False, True])
def test_signs_change_only_where_they_may(drawn):
    for change, other in others(problem(), [], drawn):
        (x, p) = other.arrays
        assert (x > 0).any() and (x < 0).any()
        changes = change.endswith(SIGNS) and not drawn
        assert (p["W"] < 0).any() == changes


def test_masks_with_one_side_are_found_and_turned_and_nothing_else():
    config = {"mask": np.zeros((4, 1)), "some": SOME_TRUE, "off": np.zeros(7, bool), "ones": np.ones(3)}
    mine = problem(**config)
    assert one_sided_masks(mine) == ["given", "mask", "off"]
    change, other = next(others(mine, ["given", "mask", "off"], False))
    assert "given, mask, off" in change
    new = {**other.config, "given": other.whole.arguments(other.arrays)[2]}
    for name, old in (("given", ALL_TRUE), ("mask", config["mask"]), ("off", config["off"])):
        assert new[name].shape == old.shape and new[name].dtype == old.dtype
        assert 0 < (new[name] != old).sum() < old.size
    assert new["given"][:, 0].all()  # something of each row is left
    assert new["some"] is SOME_TRUE and new["ones"] is config["ones"]
    np.testing.assert_array_equal(other.arrays[0], X)
    assert ALL_TRUE.all() and not config["off"].any()

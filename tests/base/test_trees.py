import numpy as np
import pytest

from minireid.base.trees import from_leaves, leaves, map_leaves

TREE = {"gru": {"Wz": np.ones(2), "Uz": np.zeros(3)}, "b": np.full(1, 5.0), "a": {"deep": {"er": np.arange(4)}}}


def test_leaves_are_named_by_their_path_and_keep_their_order():
    assert [name for name, _ in leaves(TREE)] == ["gru.Wz", "gru.Uz", "b", "a.deep.er"]
    assert all(array is given for (_, array), given in zip(leaves(TREE), [*TREE["gru"].values(), TREE["b"]]))


def test_a_lone_array_is_a_tree():
    array = np.ones(3)
    assert list(leaves(array)) == [("", array)]
    assert map_leaves(lambda a: a, array) is array


def test_map_leaves_keeps_the_form():
    doubled = map_leaves(lambda a: 2 * a, TREE)
    assert [name for name, _ in leaves(doubled)] == [name for name, _ in leaves(TREE)]
    assert doubled["gru"]["Wz"].tolist() == [2, 2] and TREE["gru"]["Wz"].tolist() == [1, 1]


def test_map_leaves_pairs_by_name_and_not_by_order():
    one, other = {"x": np.array(10), "y": np.array(20)}, {"y": np.array(2), "x": np.array(1)}
    difference = map_leaves(lambda a, b: int(a - b), one, other)
    assert difference == {"x": 9, "y": 18}


def test_a_missing_branch_is_an_error():
    with pytest.raises(KeyError):
        map_leaves(np.add, {"x": np.ones(1), "y": np.ones(1)}, {"x": np.ones(1)})


def test_from_leaves_is_the_way_back():
    back = from_leaves(dict(leaves(TREE)))
    assert list(back) == ["gru", "b", "a"]
    assert all(a is b for (_, a), (_, b) in zip(leaves(back), leaves(TREE), strict=True))
    assert dict(leaves(back)).keys() == dict(leaves(TREE)).keys()

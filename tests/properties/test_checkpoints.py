"""A checkpoint gives back any tree of arrays, bit for bit, with the optimiser's arrays and the facts."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minireid.base.trees import leaves, map_leaves
from minireid.training import checkpoint
from minireid.training.checkpoint import Checkpoint, Facts
from tests.properties.drawn import bounded

names = st.sampled_from(["W", "b1", "conv", "linear_2", "Wz"])
shapes = arrays.array_shapes(min_dims=0, max_dims=4, max_side=3)
numbers = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: arrays.arrays(dtype, shapes, elements={"allow_nan": False, "allow_infinity": False})
)
trees: st.SearchStrategy[Any] = st.recursive(
    numbers, lambda branch: st.dictionaries(names, branch, min_size=1, max_size=3), max_leaves=6
).filter(lambda tree: isinstance(tree, dict))


def bits(tree: Any) -> list[tuple[str, str, tuple[int, ...], bytes]]:
    return sorted((name, str(array.dtype), array.shape, array.tobytes()) for name, array in leaves(tree))


@bounded
@given(tree=trees, step=st.integers(0, 10**6), best=st.floats(-1, 1))
def test_any_tree(tree: Any, step: int, best: float) -> None:
    state = {name: {"m": -array, "k": np.array(step)} for name, array in leaves(tree)}
    facts = Facts(best=best, loss=abs(best), run={"recipe": "ä"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        checkpoint.save(path, Checkpoint(step, tree, state, facts))
        found = checkpoint.load(path, map_leaves(np.zeros_like, tree))
    assert bits(found.params) == bits(tree)
    assert found.optimiser.keys() == state.keys()
    assert all(bits(found.optimiser[name]) == bits(state[name]) for name in state)
    assert (found.step, found.facts) == (step, facts)

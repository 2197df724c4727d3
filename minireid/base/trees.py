"""Nested dicts of arrays: parameters, gradients, outputs of a network. A leaf's name is its path, such as `gru.Wz`."""

from collections.abc import Callable
from typing import Any

import numpy as np

Tree = Any  # an array, or a dict of trees


def leaves(tree: Tree, prefix: str = "") -> list[tuple[str, np.ndarray]]:
    """(name, array) for every array in the tree, in its order.

    Gradients may have another order than parameters: pair them by name or with map_leaves, never with zip.
    """
    if not isinstance(tree, dict):
        return [(prefix, tree)]
    return [leaf for key, branch in tree.items() for leaf in leaves(branch, f"{prefix}.{key}" if prefix else key)]


def map_leaves(function: Callable[..., Any], *trees: Tree) -> Tree:
    """A tree of the same form whose leaves are function(leaf of the first tree, leaf of the second, …)."""
    first = trees[0]
    if isinstance(first, dict):
        return {key: map_leaves(function, *(tree[key] for tree in trees)) for key in first}
    return function(*trees)


def from_leaves(named: dict[str, np.ndarray]) -> Tree:
    """The tree that `leaves` was called on, from its names and arrays."""
    tree: Tree = {}
    for name, array in named.items():
        put(tree, name, array)
    return tree


def put(tree: Tree, name: str, branch: Tree) -> None:
    """Set the branch of this name, such as "high.linear", in place. Missing dicts on the way to it are made."""
    *branches, last = name.split(".")
    for part in branches:
        tree = tree.setdefault(part, {})
    tree[last] = branch

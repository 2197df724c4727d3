"""The names that the examples of the rules use (minireid/gradcheck/cause/rules.py), with values."""

import ast

import numpy as np

from minireid.gradcheck.cause.scope import Scope
from minireid.gradcheck.line.bench import replaced


def f(a, b=None, c=None, flag=False):
    return a


def g(a, b=None, c=None, flag=False):
    return -a


def scope(*gradients):
    """A new scope. gradients: the names of gradients, by default those with a d in front."""
    rng = np.random.default_rng(0)
    names = {name: rng.normal(size=(3, 4)) for name in ("x", "y", "z", "dx")}
    names |= {"dy": rng.normal(size=(3, 5)), "W": rng.normal(size=(4, 5)), "U": rng.normal(size=(4, 4))}
    names |= {
        "b": rng.normal(size=4),
        "h": rng.normal(size=(3, 6, 4)),
        "dh": rng.normal(size=(3, 6, 4)),
        "k": rng.normal(size=(3, 3, 2, 4)),
    }
    names |= {"i": np.array([0, 2, 1]), "mask": rng.normal(size=(3, 4)) > 0, "scale": 0.5}
    names |= {"p": {"W": names["W"] + 0, "V": names["W"] + 1}}
    names |= {"t": 2, "N": 3, "T": 6, "stride": 2}
    found = Scope(names, {"np": np, "f": f, "g": g}, set(gradients) or {"dx", "dy", "dh"})
    found.carried = ["z"]
    return found


def parsed(text, where="value"):
    """A side of an example as a tree: an expression, or an index."""
    if where == "index":
        return ast.parse(f"x[{text}]", mode="eval").body.slice
    return ast.parse(text, mode="eval").body


def text_of(tree, old=None, new=None):
    """The normal text of a tree, with `old` replaced by `new`."""
    inside = ast.Subscript(ast.Name("x", ast.Load()), replaced(tree, old, new), ast.Load())
    return ast.unparse(ast.fix_missing_locations(inside))[2:-1]  # slices stand in brackets only

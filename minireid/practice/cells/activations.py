"""Smooth activations, as expressions in `a` with a number `k`: each student has other functions and other numbers.

All are analytic: the complex step is exact. A gate lies between 0 and 1, a squash between two bounds. `k` is never 1.
"""

from minireid.practice.cells.expression import Expression, put_in

KA: Expression = ("*", "k", "a")
NUMBERS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9)

GATES: dict[str, Expression] = {
    "sigmoid": ("sigmoid", KA),
    "arctan": ("+", 0.5, ("/", ("arctan", KA), "pi")),
    "root": ("+", 0.5, ("/", ("*", 0.5, "a"), ("sqrt", ("+", "k", ("**", "a", 2))))),
    "sine": ("+", 0.5, ("*", 0.5, ("sin", KA))),
    "power": ("**", ("sigmoid", "a"), "k"),
    "slow": ("sigmoid", ("arcsinh", KA)),
    "softplus": ("-", 1, ("/", 1, ("+", 1, ("log", ("+", 1, ("exp", KA)))))),
}

SQUASHES: dict[str, Expression] = {
    "tanh": ("tanh", KA),
    "arctan": ("arctan", KA),
    "root": ("/", "a", ("sqrt", ("+", "k", ("**", "a", 2)))),
    "sine": ("sin", KA),
    "bump": ("*", "a", ("exp", ("negative", ("*", "k", ("**", "a", 2))))),
    "quotient": ("/", "a", ("+", "k", ("**", "a", 2))),
    "twice": ("sin", ("tanh", KA)),
}

# What a bounded cell may be shown through. These two are not bounded themselves.
SHOWN = SQUASHES | {
    "arcsinh": ("arcsinh", KA),
    "softplus": ("-", ("log", ("+", 1, ("exp", KA))), ("log", 2)),
}


def with_number(function: Expression, k: float) -> Expression:
    """The function with its number, still in `a`."""
    return put_in(function, {"k": k})

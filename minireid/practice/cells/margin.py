"""A margin loss of one's own on pairs of embeddings: which distance, what pulls, what pushes up to where, what weights.

    v    the difference of the two embeddings of a pair, perhaps after a matrix or weighted by feature
    d    their distance
    pull what a pair of the same person costs; push: what a pair of two persons costs
    l    the cost of a pair, with a weight for pairs of the same person
    loss one number of all pairs

d is a mean over the features, so a margin means the same for any number of them. Powers of hinges are above 1: the
derivative does not jump there.
"""

from minireid.practice.cells.definition import Definition, Equation
from minireid.practice.cells.expression import Expression, put_in
from minireid.practice.cells.identity import Choices

NUMBERS = tuple(n / 20 for n in range(10, 31) if n != 20)  # 0.5 to 1.5 without 1
SHARPER = tuple(n / 10 for n in range(10, 31) if n != 20)
TENTHS = tuple(n / 20 for n in range(1, 19))
HUNDREDTHS = tuple(n / 200 for n in range(1, 11))  # they round a corner off and hardly move the distance
THOUSANDTHS = tuple(n / 2000 for n in range(1, 9))
POWERS = (1.5, 2.5, 3)
FAR = tuple(n / 20 for n in range(12, 30) if n != 20)  # margins of distances without an upper bound
NEAR = tuple(n / 20 for n in range(6, 15))  # of those that stay below 1


def row_mean(inner: Expression) -> Expression:
    return ("mean of each row", inner)


SQUARE: Expression = ("**", "v", 2)
SCALED: Expression = ("*", "k", "v")
# name: (the distance in v, with a number k, its numbers, its margins)
DISTANCES: dict[str, tuple[Expression, tuple[float, ...], tuple[float, ...]]] = {
    "Euclidean": (("sqrt", ("+", row_mean(SQUARE), "k")), HUNDREDTHS, FAR),
    "squared": (("*", "k", row_mean(SQUARE)), NUMBERS, FAR),
    "smooth L1": (row_mean(("-", ("sqrt", ("+", SQUARE, "k")), ("sqrt", "k"))), TENTHS, FAR),
    "p-norm": (("**", row_mean(("**", ("+", SQUARE, 0.1), "k")), 0.5), POWERS, FAR),
    "4-norm": (("**", ("+", row_mean(("**", "v", 4)), "k"), 0.25), THOUSANDTHS, FAR),
    "log-cosh": (row_mean(("log", ("cosh", SCALED))), NUMBERS, FAR),
    "Lorentz": (row_mean(("log", ("+", 1, ("*", "k", SQUARE)))), NUMBERS, FAR),
    "saturating": (("-", 1, ("exp", ("negative", ("*", "k", row_mean(SQUARE))))), NUMBERS, NEAR),
}
RELATIVE: Expression = row_mean(("/", ("**", ("-", "a", "b"), 2), ("+", ("+", "k", ("**", "a", 2)), ("**", "b", 2))))
# distances in both embeddings, a and b
DIRECT: dict[str, tuple[Expression, tuple[float, ...], tuple[float, ...]]] = {
    "cosine": (("-", 1, ("/", row_mean(("*", "a", "b")), ("sqrt", ("*", "p", "q")))), (0,), NEAR),
    "relative": (RELATIVE, TENTHS, NEAR),
}
D: Expression = "d"
GAP: Expression = ("positive part", ("-", "margin", D))
BEYOND: Expression = ("positive part", ("-", D, "inner"))
PULLS: dict[str, tuple[Expression, tuple[float, ...]]] = {
    "power": (("**", D, "k"), (*POWERS, 2)),
    "log": (("log", ("+", 1, ("*", "k", D))), NUMBERS),
    "margin of its own": (("**", BEYOND, "k"), (*POWERS, 2)),
    "log-cosh": (("log", ("cosh", ("*", "k", D))), NUMBERS),
    "saturating": (("-", 1, ("exp", ("negative", ("*", "k", D)))), NUMBERS),
    "root": (("-", ("sqrt", ("+", 1, ("*", "k", D))), 1), NUMBERS),
}
PUSHES: dict[str, tuple[Expression, tuple[float, ...]]] = {
    "hinge": (("**", GAP, "k"), (*POWERS, 2)),
    "logarithm of a hinge": (("log", ("+", 1, ("*", "k", ("**", GAP, 2)))), NUMBERS),
    "softplus": (("log", ("+", 1, ("exp", ("*", "k", ("-", "margin", D))))), SHARPER),
    "exponential": (("exp", ("*", "k", ("-", "margin", D))), NUMBERS),
    "sigmoid": (("sigmoid", ("*", "k", ("-", "margin", D))), SHARPER),
}
SAME_SHARE: Expression = ("/", ("sum", ("*", "same", "l")), ("sum", "same"))
OTHER: Expression = ("-", 1, "same")
OTHER_SHARE: Expression = ("/", ("sum", ("*", OTHER, "l")), ("sum", OTHER))
# how the pairs are weighted
LOSSES: dict[str, tuple[Expression, tuple[float, ...]]] = {
    "mean": (("mean", "l"), (1,)),
    "hard pairs count more": (("/", ("log", ("mean", ("exp", ("*", "k", "l")))), "k"), NUMBERS),
    "root of the mean square": (("sqrt", ("+", ("mean", ("**", "l", 2)), "k")), TENTHS),
    "each kind by its share": (("+", SAME_SHARE, OTHER_SHARE), (1,)),
    "weights by cost": (("/", ("sum", ("**", "l", 2)), ("+", ("sum", "l"), "k")), TENTHS),
}
WEIGHTS = tuple(n / 20 for n in range(6, 36) if n != 20)
VIEWS = ("matrix", "feature weights")  # what is done to the embeddings first; both have parameters


def draw(student: str, course: str) -> Definition:
    """The loss of this student. Both words are tidied before (identity.tidy)."""
    choices = Choices("margin loss, edition 1", course, student)
    view = choices.pick(VIEWS)
    name = choices.pick([*DISTANCES, *DIRECT])
    distance, numbers, margins = (DISTANCES | DIRECT)[name]
    margin = choices.pick(margins)
    first, params = embeddings(view, name in DIRECT)

    def number(kind: tuple[Expression, tuple[float, ...]]) -> Expression:
        return put_in(kind[0], {"k": choices.pick(kind[1]), "margin": margin, "inner": round(margin / 2, 2)})

    pulling, pushing, weighting = (choices.pick([*kind]) for kind in (PULLS, PUSHES, LOSSES))
    cost: Expression = ("+", ("*", ("*", choices.pick(WEIGHTS), "same"), "pull"), ("*", OTHER, "push"))
    if name == "cosine":
        first += squared_lengths(choices.pick(TENTHS))
    equations = (
        *first,
        Equation("d", number((distance, numbers)), f"distance: {name}"),
        Equation("pull", number(PULLS[pulling]), "for the same person"),
        Equation("push", number(PUSHES[pushing]), f"for two persons; the margin is {margin}"),
        Equation("l", cost, "cost of each pair"),
        Equation("loss", number(LOSSES[weighting]), weighting),
    )
    letters = {"N": "embeddings", "D": "features", "P": "pairs"} | ({"E": "features after M"} if "M" in params else {})
    given: dict[str, tuple[str, ...]] = {"i": ("P",), "j": ("P",), "same": ("P",)}
    title = f"{name} distance, {view}, {pulling} pulls, {pushing} pushes"
    return Definition("loss", title, {"x": ("N", "D")}, given, params, equations, ("loss",), letters)


def embeddings(view: str, direct: bool) -> tuple[list[Equation], dict[str, tuple[str, ...]]]:
    """(equations of a and b, or of v; the parameters)."""
    i, j = ("rows", "x", "i"), ("rows", "x", "j")
    if view == "matrix":
        equations = [Equation("y", ("@", "x", "M"), "the embeddings in other axes")]
        params: dict[str, tuple[str, ...]] = {"M": ("D", "E")}
        i, j = ("rows", "y", "i"), ("rows", "y", "j")
    elif direct:
        equations = [Equation("y", ("*", "x", "w"), "the features, weighted")]
        params = {"w": ("D",)}
        i, j = ("rows", "y", "i"), ("rows", "y", "j")
    else:
        pair: Expression = ("*", ("-", i, j), "w")
        return [Equation("v", pair, "difference, weighted by feature")], {"w": ("D",)}
    if direct:
        return [*equations, Equation("a", i, "first of each pair"), Equation("b", j, "second of each pair")], params
    return [*equations, Equation("v", ("-", i, j), "difference of each pair")], params


def squared_lengths(k: float) -> list[Equation]:
    """Of the embeddings of a pair, for the cosine; k rounds it off where an embedding is 0."""
    return [
        Equation(name, ("+", row_mean(("**", of, 2)), k), f"mean square of {of}, and a little more")
        for name, of in (("p", "a"), ("q", "b"))
    ]


def count() -> int:
    """How many losses there are."""
    distances = sum(len(numbers) * len(margins) for _, numbers, margins in (DISTANCES | DIRECT).values())
    distances += (len(TENTHS) - 1) * len(NEAR)  # the cosine's number stands in its lengths
    costs = [sum(len(numbers) for _, numbers in kind.values()) for kind in (PULLS, PUSHES, LOSSES)]
    return len(VIEWS) * distances * costs[0] * costs[1] * costs[2] * len(WEIGHTS)

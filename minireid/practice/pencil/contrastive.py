"""Contrastive losses for pencil and paper: three embeddings of size 2 whose distances are fractions (3-4-5 triangles).

The lines are those of minireid/losses/pair_distance.py and of the three contrastive losses. Pair (0, 1) is the same
person. Pair (0, 2) is two persons within the margin, pair (1, 2) two persons beyond it. d02 is d of pair (0, 2).
"""

from fractions import Fraction as F
from itertools import product
from math import hypot

import numpy as np

from minireid.practice.pencil.problem import Line, Mistake, Problem, pick, shown

# For each loss: l of the same person and of two persons; the gap and dd of pair (0, 2); dd of pair (0, 1).
FORMS = {
    "contrastive_squared": ("1/2 d^2", "1/2 max(0, margin - d)^2", "margin - d02", "-gap02 / P", "d01 / P"),
    "contrastive_linear": ("d", "max(0, margin - d)", "margin - d02", "-(gap02 > 0) / P", "1 / P"),
    "contrastive_crf": (
        "1/2 d^2", "1/2 max(0, margin - d^2)^2", "margin - d02 * d02", "-2 * gap02 * d02 / P", "d01 / P",
    ),
}  # fmt: skip
ALL, DIFFERENT = ("01", "02", "12"), ("02", "12")
VECTORS = {v for v in product(range(-24, 25), repeat=2) if any(v) and hypot(*v).is_integer()}
TRIANGLES = [  # v01, v02, v12: lengths are integers, v02 is shorter than v12, no two are parallel
    ((a, b), (c, d), (c - a, d - b))
    for (a, b), (c, d) in product(sorted(VECTORS), repeat=2)
    if a * b * c * d and a * d != b * c and (c - a, d - b) in VECTORS and hypot(c, d) < hypot(c - a, d - b)
]


def rules(name: str, text: str, pairs: tuple[str, ...] = ALL) -> dict[str, str]:
    """`text` is the rule for pair (0, 2). Returns the same rule for each of `pairs`."""
    return {name + pair: text.replace("02", pair) for pair in pairs}


def lines(form: str) -> dict[str, Line]:
    _, _, gap, push, pull = FORMS[form]
    by_equation = [
        ("F2", {"P": "3"}),
        ("pair F1", {"v01": "x0 - x1", "v02": "x0 - x2", "v12": "x1 - x2"}),
        ("pair F2", rules("d", "norm(v02)")),
        ("F1", rules("gap", f"max({gap}, 0)", DIFFERENT)),
        ("F1, F2", {"dd01": pull, **rules("dd", push, DIFFERENT)}),
        ("pair F2", rules("dv", "v02 * dd02 / d02")),
        ("pair F1", {"dx0": "dv01 + dv02", "dx1": "-dv01 + dv12", "dx2": "-dv02 - dv12"}),
    ]
    return {name: Line(text, equation) for equation, several in by_equation for name, text in several.items()}


UNIT = "dv is dd times the unit vector v / d"
TWO_PAIRS = "embedding 0 is in two pairs and gets their sum"
TWIN = "the second embedding of a pair is not a constant: it gets -dv"

MISTAKES = [
    Mistake("constant factor", "the loss is a mean, and 1/P is left out", {"P": "1"}),
    Mistake("constant factor", "the mean is over all 3 pairs, the one beyond the margin included", {"P": "2"}),
    Mistake("sign", "v01 is x[0] - x[1] (or the minus for x[1] is missing)", {"dv01": "-v01 * dd01 / d01"}),
    Mistake("factor missing", f"{UNIT}; 1 / d is left out", rules("dv", "v02 * dd02")),
    Mistake("factor too many", f"{UNIT}; v . v is d^2: the root was not taken", rules("dv", "v02 * dd02 / d02**2")),
    Mistake("= for +=", f"{TWO_PAIRS}; the later one has replaced the first", {"dx0": "dv02"}),
    Mistake("term missing", f"{TWO_PAIRS}; pair (0, 2) is left out", {"dx0": "dv01"}),
    Mistake("one twin lost", TWIN, {"dx1": "0 * dv01"}),
    Mistake("one twin lost", TWIN, {"dx2": "0 * dv02"}),
    Mistake("wrong index", "this is the other coordinate", {"dx0": "(dv01 + dv02)[::-1]"}),
    Mistake("wrong index", "this is the other coordinate", {"dx1": "(-dv01 + dv12)[::-1]"}),
    Mistake("wrong index", "this is the other coordinate", {"dx2": "(-dv02 - dv12)[::-1]"}),
]


def mistakes_of(form: str) -> list[Mistake]:
    """The mistakes of every contrastive loss, then those of this one."""
    _, _, gap, push, pull = FORMS[form]
    beyond = "a pair beyond the margin is not pushed: max(0, ...) is left out"
    found = [*MISTAKES, Mistake("sign", "the gap shrinks when d grows: dd02 has a minus", {"dd02": push[1:]})]
    if form == "contrastive_linear":
        return [
            *found,
            Mistake("wrong mask", beyond, {"dd12": "-1 / P"}),
            Mistake("constant factor", "this form has no 1/2", {"dd01": f"{pull} / 2", "dd02": f"{push} / 2"}),
            Mistake("factor too many", "l is d, not 1/2 d^2: so dd02 has no factor gap", {"dd02": "-gap02 / P"}),
        ]
    swapped = {"dd01": push.replace("gap02", f"max({gap}, 0)").replace("02", "01"), **rules("dd", "d02 / P", DIFFERENT)}
    doubled = {"dd01": f"{pull} * 2", "dd02": f"{push} * 2"}
    found += [
        Mistake("wrong mask", beyond, {"gap12": gap.replace("02", "12")}),
        Mistake("wrong mask", "pairs of one person are pulled together, others pushed apart", swapped),
        Mistake("constant factor", "the 1/2 in front of the square cancels the 2 of its derivative", doubled),
    ]
    if form == "contrastive_squared":
        return [
            *found,
            Mistake("factor missing", "the derivative of 1/2 gap^2 has the factor gap", {"dd02": "-1 / P"}),
            Mistake("wrong variable", "two persons are pushed by the gap, not by d", {"dd02": "-d02 / P"}),
        ]
    inner = "gap is margin - d^2, and d^2 has the derivative 2 d"
    return [
        *found,
        Mistake("factor missing", f"{inner}; it is left out", {"dd02": "-gap02 / P"}),
        Mistake("constant factor", f"{inner}; the 2 is left out", {"dd02": "-gap02 * d02 / P"}),
        Mistake("forward differs", "in this form the margin is on d^2, not on d", {"gap02": "max(margin - d02, 0)"}),
    ]


def draw(rng: np.random.Generator, form: str) -> Problem:
    v01, v02, v12 = pick(rng, TRIANGLES)
    scale = pick(rng, [F(1), F(1, 2), F(1, 3), F(1, 4), F(1, 5)])
    x0 = np.array([pick(rng, [F(n) for n in range(-3, 4)]) for _ in range(2)])
    x1, x2 = x0 - scale * np.array(v01), x0 - scale * np.array(v02)
    power = 2 if form == "contrastive_crf" else 1
    near, far = (F(int(hypot(*v))) ** power * scale**power for v in (v02, v12))
    margin = near + (far - near) * pick(rng, [F(1, 3), F(1, 2), F(2, 3)])
    given = {"x0": x0, "x1": x1, "x2": x2, "margin": margin}
    k = int(rng.integers(2))
    asks = {"dd01": (), "dd02": (), **dict.fromkeys(("dv01", "dv02", "dx0", "dx1", "dx2"), (k,))}
    return Problem(form, given, lines(form), mistakes_of(form), asks)


def page(problem: Problem) -> str:
    """The problem as text: equations and given numbers."""
    given = problem.given
    same, different, *_ = FORMS[problem.kind]
    return f"""\
The loss of minireid/losses/{problem.kind}.py on three embeddings, indices from 0:

    pair F1  v = x[i] - x[j]                 for pair (i, j)
    pair F2  d = sqrt(v . v)
    F1       l = {same:<28}same person: pair (0, 1)
             l = {different:<28}two persons: pairs (0, 2) and (1, 2)
    F2       loss = mean of l over the P = 3 pairs

    x[0] = {shown(given["x0"])}, x[1] = {shown(given["x1"])}, x[2] = {shown(given["x2"])}, margin = {given["margin"]}

dX is the derivative of the loss with respect to X. v02 and d02 belong to pair (0, 2), dx0 to x[0]."""

"""GRU steps for pencil and paper. The lines are those of minireid/layers/gru.py, equations F1 to F5.

The pre-activations are logarithms, so that the gates are fractions: sigmoid(ln 3) = 3/4, tanh(ln 2) = 3/5. In problem
`gru` everything has size 1. In `gru_vectors` the state has size 2, and the questions are those that involve matrices.
"""

from fractions import Fraction as F

import numpy as np

from minireid.practice.pencil.problem import Line, Mistake, Problem, names, pick, shown

EQUATIONS = """\
    F1  z = sigmoid(az),  az = x Wz + h' Uz + bz
    F2  r = sigmoid(ar),  ar = x Wr + h' Ur + br
    F3  q = r h'
    F4  c = tanh(ac),     ac = x Wc + q Uc + bc
    F5  h = (1 - z) h' + z c            h' is h_prev in the code"""

LINES = {
    "q": Line("r * h_prev", "F3"),
    "h": Line("(1 - z) * h_prev + z * c", "F5"),
    "dz": Line("dh * (c - h_prev)", "F5"),
    "dc": Line("dh * z", "F5"),
    "dac": Line("dc * (1 - c * c)", "F4"),
    "dq": Line("dac @ Uc.T", "F4"),
    "dr": Line("dq * h_prev", "F3"),
    "dar": Line("dr * r * (1 - r)", "F2"),
    "daz": Line("dz * z * (1 - z)", "F1"),
    "dh_prev": Line("dh * (1 - z) + dq * r + dar @ Ur.T + daz @ Uz.T", "F5, F3, F2, F1"),
    "dx": Line("dac @ Wc.T + dar @ Wr.T + daz @ Wz.T", "F4, F2, F1"),
    "dWz": Line("x.T @ daz", "F1"),
    "dUz": Line("h_prev.T @ daz", "F1"),
    "dWr": Line("x.T @ dar", "F2"),
    "dUr": Line("h_prev.T @ dar", "F2"),
    "dWc": Line("x.T @ dac", "F4"),
    "dUc": Line("q.T @ dac", "F4"),
}


SIGMOID = "a sigmoid y has the derivative y (1 - y)"
TANH = "tanh has the derivative 1 - c^2"
FOUR = "h' is used in F5, F3, F2 and F1; dh_prev is the sum over them"
THREE = "x is used in F4, F2 and F1; dx is the sum over them"

# For each line: the cause, one sentence, the wrong line.
MISTAKES = {
    "dz": [
        ("sign", "a larger z brings in more c and less h', so dz has c - h', not h' - c", "dh * (h_prev - c)"),
        ("term missing", "z stands twice in F5: in z c, and in (1 - z) h', which is left out", "dh * c"),
    ],
    "dc": [
        ("wrong variable", "in F5 c is multiplied by z; 1 - z belongs to h'", "dh * (1 - z)"),
        ("factor missing", "in F5 c is multiplied by z, so dc has that factor too", "dh"),
    ],
    "dac": [
        ("activation left out", f"{TANH}; from dc to dac it is left out", "dc"),
        ("wrong activation", f"{TANH}; c (1 - c) belongs to a sigmoid", "dc * c * (1 - c)"),
        ("factor missing", f"{TANH}; the square is missing", "dc * (1 - c)"),
    ],
    "dq": [
        ("factor missing", "q goes into ac through Uc, so dq has that factor too", "dac"),
        ("wrong variable", "q goes into ac through Uc; Ur belongs to the reset gate", "dac @ Ur.T"),
    ],
    "dr": [
        ("factor missing", "in F3 r is multiplied by h', so dr has that factor too", "dq"),
        ("wrong variable", "in F3 r is multiplied by h', not by q, which is their product", "dq * q"),
    ],
    "dar": [
        ("activation left out", f"{SIGMOID}; from dr to dar it is left out", "dr"),
        ("wrong activation", f"{SIGMOID}; 1 - r^2 belongs to tanh", "dr * (1 - r * r)"),
        ("factor missing", f"{SIGMOID}; the factor r is missing", "dr * (1 - r)"),
        ("wrong variable", "r comes from ar, z from az: z (1 - z) belongs to daz", "dr * z * (1 - z)"),
    ],
    "daz": [
        ("activation left out", f"{SIGMOID}; from dz to daz it is left out", "dz"),
        ("wrong activation", f"{SIGMOID}; 1 - z^2 belongs to tanh", "dz * (1 - z * z)"),
        ("factor missing", f"{SIGMOID}; the factor z is missing", "dz * (1 - z)"),
        ("wrong variable", "z comes from az, r from ar: r (1 - r) belongs to dar", "dz * r * (1 - r)"),
    ],
    "dh_prev": [
        ("term missing", f"{FOUR}. The term of F5 is missing", "dq * r + dar @ Ur.T + daz @ Uz.T"),
        ("term missing", f"{FOUR}. The term of F3 is missing", "dh * (1 - z) + dar @ Ur.T + daz @ Uz.T"),
        ("term missing", f"{FOUR}. The term of F2 is missing", "dh * (1 - z) + dq * r + daz @ Uz.T"),
        ("term missing", f"{FOUR}. The term of F1 is missing", "dh * (1 - z) + dq * r + dar @ Ur.T"),
        ("term missing", f"{FOUR}. The terms of the gates, F2 and F1, are missing", "dh * (1 - z) + dq * r"),
        ("term missing", f"{FOUR}. Only the term of F5 is there", "dh * (1 - z)"),
        ("= for +=", f"{FOUR}. Only the term of F1 is there", "daz @ Uz.T"),
        ("wrong variable", "in F5 h' is multiplied by 1 - z, not z", "dh * z + dq * r + dar @ Ur.T + daz @ Uz.T"),
        ("factor missing", "in F5 h' is multiplied by 1 - z", "dh + dq * r + dar @ Ur.T + daz @ Uz.T"),
        ("factor missing", "in F3 h' is multiplied by r", "dh * (1 - z) + dq + dar @ Ur.T + daz @ Uz.T"),
        ("wrong variable", "az has Uz, ar has Ur", "dh * (1 - z) + dq * r + dar @ Uz.T + daz @ Ur.T"),
    ],
    "dx": [
        ("term missing", f"{THREE}. The term of F4 is missing", "dar @ Wr.T + daz @ Wz.T"),
        ("term missing", f"{THREE}. The term of F2 is missing", "dac @ Wc.T + daz @ Wz.T"),
        ("term missing", f"{THREE}. The term of F1 is missing", "dac @ Wc.T + dar @ Wr.T"),
        ("term missing", f"{THREE}. The terms of the gates, F2 and F1, are missing", "dac @ Wc.T"),
        ("= for +=", f"{THREE}. Only the term of F1 is there", "daz @ Wz.T"),
        ("wrong variable", "az has Wz, ar has Wr", "dac @ Wc.T + dar @ Wz.T + daz @ Wr.T"),
        ("wrong variable", "x is multiplied by W; U belongs to h'", "dac @ Uc.T + dar @ Ur.T + daz @ Uz.T"),
    ],
    "dWz": [
        ("wrong variable", "az has x Wz, not h' Wz", "h_prev.T @ daz"),
        ("wrong variable", "Wz stands in az, not in ar", "x.T @ dar"),
    ],
    "dUz": [
        ("wrong variable", "az has h' Uz, not x Uz", "x.T @ daz"),
        ("wrong variable", "Uz stands in az, not in ar", "h_prev.T @ dar"),
        ("wrong step", "az has h' Uz with the old state h', not the new h", "h.T @ daz"),
    ],
    "dWr": [
        ("wrong variable", "ar has x Wr, not h' Wr", "h_prev.T @ dar"),
        ("wrong variable", "Wr stands in ar, not in az", "x.T @ daz"),
    ],
    "dUr": [
        ("wrong variable", "ar has h' Ur, not x Ur", "x.T @ dar"),
        ("wrong variable", "Ur stands in ar, not in az", "h_prev.T @ daz"),
        ("wrong step", "ar has h' Ur with the old state h', not the new h", "h.T @ dar"),
    ],
    "dWc": [
        ("wrong variable", "ac has x Wc, not q Wc", "q.T @ dac"),
        ("wrong variable", "Wc stands in ac, not in az", "x.T @ daz"),
    ],
    "dUc": [
        ("wrong variable", "ac has q Uc, not h' Uc", "h_prev.T @ dac"),
        ("wrong variable", "ac has q Uc, not x Uc", "x.T @ dac"),
        ("wrong variable", "Uc stands in ac, not in az", "q.T @ daz"),
    ],
}

# Mistakes that only matrices can show.
MATRIX_MISTAKES = {
    "dq": [("transposed", "ac = q Uc, so dq = dac Uc^T, with Uc transposed", "dac @ Uc")],
    "dUz": [("transposed", "row i, column j of dUz is h'[i] daz[j]", "daz.T @ h_prev")],
    "dUc": [("transposed", "row i, column j of dUc is q[i] dac[j]", "dac.T @ q")],
}

SIGMOIDS = {F(1, 5): "-ln 4", F(1, 4): "-ln 3", F(1, 3): "-ln 2", F(2, 3): "ln 2", F(3, 4): "ln 3", F(4, 5): "ln 4"}
TANHS = {F(1, 3): "(ln 2)/2", F(3, 5): "ln 2", F(4, 5): "ln 3"}
TANHS |= {-c: "-" + logarithm for c, logarithm in TANHS.items()}
STATES = [sign * F(n, d) for sign in (1, -1) for n, d in ((1, 2), (2, 3), (1, 4), (3, 4))]
WEIGHTS = [sign * F(n, d) for sign in (1, -1) for n, d in ((2, 1), (3, 1), (4, 1), (5, 1), (1, 2), (3, 2), (5, 2))]


def of_numbers(text: str) -> str:
    """The line where everything has size 1: no matrix products, and nothing to transpose."""
    return text.replace(".T", "").replace("@", "*")


NUMBER_LINES = {name: Line(of_numbers(text), equation) for name, (text, equation) in LINES.items()}
NUMBER_MISTAKES = tuple(
    Mistake(cause, why, {name: of_numbers(text)}) for name, several in MISTAKES.items() for cause, why, text in several
)

# gru_vectors has no x and no W: the mistakes with U show the same.
VECTORS_GIVEN = {"dh": (1, WEIGHTS), "Ur": (2, WEIGHTS), "Uc": (2, WEIGHTS), "h_prev": (1, STATES)}
VECTORS_GIVEN |= {"z": (1, [*SIGMOIDS]), "r": (1, [*SIGMOIDS]), "c": (1, [*TANHS])}
VECTOR_LINES = {name: LINES[name] for name in ("q", "h", "dz", "dc", "dac", "dq", "dr", "daz", "dUz", "dUc")}
VECTOR_MISTAKES = tuple(
    Mistake(cause, why, {name: text})
    for kind in (MISTAKES, MATRIX_MISTAKES)
    for name, several in kind.items()
    for cause, why, text in several
    if {name, *names(text)} <= {*VECTORS_GIVEN, *VECTOR_LINES}
)


def draw(rng: np.random.Generator) -> Problem:
    given = {name: pick(rng, WEIGHTS) for name in ("x", "Wz", "Uz", "Wr", "Ur", "Wc", "Uc", "dh")}
    given |= {
        "h_prev": pick(rng, STATES),
        "z": pick(rng, [*SIGMOIDS]),
        "r": pick(rng, [*SIGMOIDS]),
        "c": pick(rng, [*TANHS]),
    }
    asks = dict.fromkeys([name for name in NUMBER_LINES if name.startswith("d")], ())
    return Problem("gru", given, NUMBER_LINES, NUMBER_MISTAKES, asks)


def draw_vectors(rng: np.random.Generator) -> Problem:
    given = {
        name: np.array([[pick(rng, options) for _ in range(2)] for _ in range(rows)])
        for name, (rows, options) in VECTORS_GIVEN.items()
    }
    i = int(rng.integers(2))
    asks = {name: (i, 1 - i) if "U" in name else (0, i) for name in ("dq", "dr", "dUz", "dUc")}
    return Problem("gru_vectors", given, VECTOR_LINES, VECTOR_MISTAKES, asks)


def page(problem: Problem) -> str:
    """The problem as text: equations and given numbers."""
    given = problem.given
    inputs = [f"{name} = {shown(given[name])}" for name in ("x", "h_prev", "dh") if name in given]
    weights = [f"{name} = {shown(given[name])}" for name in ("Wz", "Uz", "Wr", "Ur", "Wc", "Uc") if name in given]
    gates = []
    for name, logarithms in (("z", SIGMOIDS), ("r", SIGMOIDS), ("c", TANHS)):
        entries = [logarithms[y] for y in np.ravel(given[name])]
        a = entries[0] if len(entries) == 1 else f"[{', '.join(entries)}]"
        gates.append(f"a{name} = {a}, so {name} = {shown(given[name])}")
    sizes = "everything has size 1" if "x" in given else "a state of size 2, indices from 0, * entry by entry"
    return f"""\
One step of a GRU (minireid/layers/gru.py); {sizes}.

{EQUATIONS}

    {", ".join(inputs)}
    {", ".join(weights)}
    {"; ".join(gates)}

dX is the derivative of the loss with respect to X. The biases are chosen so that az, ar and ac are as above."""

"""`minireid paper`: draws a problem, takes the answer worked out by hand, and names the mistake that leads to it."""

import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np

from minireid.base.errors import InputError
from minireid.practice.pencil import contrastive, gru
from minireid.practice.pencil.problem import Problem, names, pick

KINDS: dict[str, tuple[Callable[[np.random.Generator], Problem], Callable[[Problem], str]]] = {
    "gru": (gru.draw, gru.page),
    "gru_vectors": (gru.draw_vectors, gru.page),
    **{form: (partial(contrastive.draw, form=form), contrastive.page) for form in contrastive.FORMS},
}


def draw(kind: str, seed: int, ask: str | None = None) -> tuple[Problem, str]:
    """The problem of this seed, and the derivative that is asked for: `ask`, or one that the seed chooses.

    kind: one of KINDS, or "contrastive": the seed chooses one of its forms. InputError for a bad `ask` or seed.
    """
    problem, drawn = draw_problem(kind, seed)
    ask = ask or drawn
    if ask not in problem.asks:
        raise InputError(f"expected --ask with one of {', '.join(problem.asks)} for {problem.kind}, got {ask!r}")
    return problem, ask


def question(problem: Problem, ask: str) -> str:
    """The page of the problem, with what is asked."""
    others = f"Others may be asked with --ask: {', '.join(problem.asks)}."
    return f"{KINDS[problem.kind][1](problem)}\n\nAsked: {problem.name(ask)}, as a fraction. {others}\n"


def draw_problem(kind: str, seed: int) -> tuple[Problem, str]:
    if seed < 0:
        raise InputError(f"expected --seed of 0 or more, got {seed}")
    if kind == "contrastive":
        kind = [*contrastive.FORMS][seed % len(contrastive.FORMS)]
    rng = np.random.default_rng(seed)
    for _ in range(10_000):  # about 130 draws are enough for a GRU, 20 for a loss
        problem = KINDS[kind][0](rng)
        if problem.fits():
            return problem, pick(rng, [ask for ask in problem.asks if len(problem.needed(ask)) > 1])
    raise RuntimeError(f"no problem fits for {kind}, seed {seed}: do two mistakes always lead to the same answer?")


def read(text: str) -> Fraction:
    """3/20, -2, 0.15. Raises InputError for anything else."""
    number = text.strip().replace("−", "-")  # the minus of typeset text
    if len(number) > 40 or not re.fullmatch(r"[-+]?(\d+(\s*/\s*0*[1-9]\d*)?|\d*\.\d+)", number, re.ASCII):
        raise InputError(f"expected a fraction such as 3/20, -2 or 0.15, got {text[:40]!r}")
    return Fraction(re.sub(r"\s", "", number))


def grade(problem: Problem, ask: str, answer: Fraction) -> tuple[bool, str]:
    """Whether the answer is right, and a text: it names the mistake, or gives a hint."""
    name = problem.name(ask)
    if answer == problem.answer(ask):
        return True, f"right: {name} = {answer}"
    for mistake, end in problem.outcomes(ask):
        if answer == end:
            wrong = [line for line in problem.needed(ask) if line in mistake.lines]
            as_if = "; ".join(f"{line} = {mistake.lines[line]}" for line in wrong)
            equation = problem.lines[wrong[0]].equation
            verdict = f"{name} is not {answer}, but this mistake leads to it:"
            return False, f"{verdict}\n    {mistake.cause} ({equation}): {mistake.why}\n    as if {as_if}"
    return False, f"{name} is not {answer}: no known mistake leads to {answer}\n    {hint(problem, ask, answer)}"


def hint(problem: Problem, ask: str, answer: Fraction) -> str:
    """Where to look when the mistake is unknown."""
    values, right = problem.values(), problem.answer(ask)
    for factor in (Fraction(-1), Fraction(2), Fraction(1, 2)):
        if answer == factor * right:
            return f"all is right but for a factor {factor}"
    if abs(answer - right) < abs(right) / 100:
        return "it is close: do not round, give the exact fraction"
    for name in problem.needed(ask):
        if name.startswith("d") and answer in np.ravel(values[name]):
            place = f"another entry of {name}" if name == ask else f"{name}, a step on the way: go on from there"
            return f"this is {place}"
    parts = [name for name in names(problem.lines[ask].text) if name in problem.asks]
    if parts:
        return f"check {' and '.join(parts)} first, alone (--ask {parts[0]})"
    return f"only {problem.lines[ask].equation} is needed here: go through it factor by factor"

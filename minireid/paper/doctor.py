"""`minireid paper`: draws a problem, takes the answer worked out by hand, and names the mistake that leads to it."""

import re
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np

from minireid.errors import InputError
from minireid.paper import contrastive, gru
from minireid.paper.problem import Problem, names, pick

KINDS: dict[str, tuple[Callable[[np.random.Generator], Problem], Callable[[Problem], str]]] = {
    "gru": (gru.draw, gru.page),
    "gru_vectors": (gru.draw_vectors, gru.page),
    **{form: (partial(contrastive.draw, form=form), contrastive.page) for form in contrastive.FORMS},
}


def paper(
    kind: str = "gru", *, seed: int = 0, ask: str | None = None, answer: str | None = None, solve: bool = False
) -> int:
    """kind: one of KINDS, or "contrastive": one of its forms, by the seed. 1 after a wrong answer, else 0."""
    problem, drawn = draw(kind, seed)
    ask = ask or drawn
    if ask not in problem.asks:
        raise InputError(f"expected --ask with one of {', '.join(problem.asks)} for {problem.kind}, got {ask!r}")
    command = f"minireid paper {problem.kind} --seed {seed} --ask {ask}"
    right = True
    if answer is None:
        print(KINDS[problem.kind][1](problem))
        print(
            f"\nAsked: {problem.name(ask)}, as a fraction. Others may be asked with --ask: {', '.join(problem.asks)}.\n"
        )
    else:
        right, verdict = judge(problem, ask, read(answer))
        print(verdict)
    if solve:
        print(problem.solution(ask))
    elif answer is None and sys.stdin.isatty():
        right = talk(problem, ask)
        print(f"the next: minireid paper {kind} --seed {seed + 1}" if right else f"\nthe solution: {command} --solve")
    elif answer is None:
        print(f"answer it:     {command} --answer FRACTION\nsee it solved: {command} --solve")
    return 0 if right else 1


def draw(kind: str, seed: int) -> tuple[Problem, str]:
    """The problem of this seed, and what is asked where nobody chooses."""
    if seed < 0:
        raise InputError(f"expected --seed of 0 or more, got {seed}")
    if kind == "contrastive":
        kind = [*contrastive.FORMS][seed % len(contrastive.FORMS)]
    rng = np.random.default_rng(seed)
    for _ in range(10_000):  # some 130 are enough for a GRU, 20 for a loss
        problem = KINDS[kind][0](rng)
        if problem.fits():
            return problem, pick(rng, [ask for ask in problem.asks if len(problem.needed(ask)) > 1])
    raise RuntimeError(f"no problem fits for {kind}, seed {seed}: do two of its mistakes always lead to the same?")


def read(text: str) -> Fraction:
    """3/20, -2, 0.15. Raises InputError for anything else."""
    number = text.strip().replace("−", "-")  # the minus of typeset text
    if len(number) > 40 or not re.fullmatch(r"[-+]?(\d+(\s*/\s*0*[1-9]\d*)?|\d*\.\d+)", number, re.ASCII):
        raise InputError(f"expected a fraction such as 3/20, -2 or 0.15, got {text[:40]!r}")
    return Fraction(re.sub(r"\s", "", number))


def talk(problem: Problem, ask: str) -> bool:
    """Asks until the answer is right (True) or the input ends (False)."""
    while True:
        try:
            right, verdict = judge(problem, ask, read(input(f"{problem.name(ask)} = ")))
        except InputError as fault:
            right, verdict = False, str(fault)
        except EOFError:
            return False
        print(verdict)
        if right:
            return True


def judge(problem: Problem, ask: str, answer: Fraction) -> tuple[bool, str]:
    """Is it right? And what there is to say."""
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

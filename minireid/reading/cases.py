"""What the reading room runs: a small input for each page, so that most values fit on a screen as numbers.

The sequences of the recurrent layers have a cut after two frames: from there another scene. The loss looks at the last
frame alone. So the gradient has to come all the way back, and the reader sees where it is lost.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck.cases.page_case import accepted, base, cases_of
from minireid.gradcheck.cases.pages import Case, Sizes
from minireid.gradcheck.tensor.problem import Problem

SMALL = Sizes(N=2, T=6, D=3, S=4, H=6, W=5, C=2, O=3, KH=3, KW=3, K=4, rows=4, stride=1, padding=1,
              pairs=((0, 1), (2, 1), (2, 3), (0, 3), (1, 3)))  # fmt: skip
GATED = {"gru": "Wz", "gru_reset_after": "Wz", "gru_projected": "Wz"}  # the gate that closes the way back
CUT = 3  # the frame at which the scene changes, from 0


def case_of(name: str) -> Case:
    """The case of a page: the one of the page's own name, else its first. KeyError if nothing is run for this page."""
    cases = cases_of(name, 0, SMALL)
    if not cases:
        raise KeyError(name)
    return next((c for c in cases if c.name == base(c.name)), cases[0])


def problem_of(name: str) -> Problem:
    """The problem of a page, with its upstream gradient. KeyError if nothing is run for this page."""
    case = case_of(name)
    problem = Problem(case.forward, case.backward, arrays_of(case), case.config, 0)
    problem = problem if problem.upstream is not None else problem.drawn()
    return last_frame(problem) if name in GATED else problem


def arrays_of(case: Case) -> tuple[Any, ...]:
    """The case's arrays; for a gated unit with the cut: an input that opens the update gates, so all is replaced."""
    gate = GATED.get(base(case.name))
    if gate is None:
        return tuple(case.arrays)
    x, p = np.array(case.arrays[0]) / 2, dict(case.arrays[1])
    p[gate] = np.abs(p[gate]) + 0.2
    x[:, CUT] = 8.0
    return x, p


def last_frame(problem: Problem) -> Problem:
    """The same, but the loss depends on the state after the last frame alone."""
    upstream = np.zeros_like(problem.upstream)
    upstream[:, -1] = problem.upstream[:, -1]
    return replace(problem, upstream=upstream)


def problem_like(case: Case, functions: Any, right: Problem) -> Problem:
    """The page's small problem with other functions."""
    forward, backward = functions
    config, _ = accepted(forward, case)
    arrays = right.whole.arguments(right.arrays)
    problem = Problem(forward, backward, tuple(arrays), {**config}, right.seed, upstream=right.upstream)
    y = problem.call(problem.forward)[0]
    if np.shape(y) != np.shape(right.upstream) and not isinstance(y, dict):
        raise InputError(f"{forward.__name__} returns shape {np.shape(y)}, the page {np.shape(right.upstream)}")
    return problem

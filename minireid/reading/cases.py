"""What the reading room runs: a small input for each page, so that most values fit on a screen as numbers.

The loss of a recurrent layer looks at the last frame alone. So the gradient has to come all the way back, and one sees
where it is lost. In the sequence of a gated unit one frame is large: there the old state is replaced.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from minireid.gradcheck.cases.page_case import accepted, base, cases_of
from minireid.gradcheck.cases.pages import Case, Sizes
from minireid.gradcheck.tensor.problem import Problem

SMALL = Sizes(N=2, T=6, D=3, S=4, H=6, W=5, C=2, O=3, KH=3, KW=3, K=4, rows=4, stride=1, padding=1,
              pairs=((0, 1), (2, 1), (2, 3), (0, 3), (1, 3)))  # fmt: skip
GATED = {"gru": "Wz", "gru_reset_after": "Wz", "gru_projected": "Wz"}  # the gate that closes the way back
LAST = (*GATED, "lstm", "elman", "elman_relu", "elman_unsquashed", "attentive_rnn")  # the loss looks at the last frame
LARGE, HIGH = 3, 8.0  # the large frame, from 0, and its input


def cases_to_read(name: str) -> list[Case]:
    """The cases of a page, or the one of a part such as gru/step: first the one of the page's own name. Maybe none."""
    return sorted(cases_of(name, 0, SMALL), key=lambda case: case.name != base(case.name))


def problem_of(name: str) -> Problem:
    """What is run for a page. IndexError if nothing is."""
    return problem_of_case(cases_to_read(name)[0])


def problem_of_case(case: Case) -> Problem:
    """The problem of a case as a page shows it, with its upstream gradient."""
    problem = drawn_problem(case._replace(arrays=arrays_of(case)))
    return last_frame(problem) if case.name in LAST else problem


def drawn_problem(case: Case) -> Problem:
    """The problem of a case as it is, with a random upstream gradient for every output."""
    problem = Problem(case.forward, case.backward, tuple(case.arrays), case.config, 0)
    return problem if problem.upstream is not None else problem.drawn()


def about(problem: Problem) -> str:
    """What the loss of a run is, and what is particular about its input, in sentences."""
    upstream, x = problem.upstream, problem.arrays[0]
    if not isinstance(upstream, dict) and np.ndim(upstream) == 0:
        return "The loss is the output."
    said = "The loss is the sum of all outputs times fixed random numbers."
    if isinstance(upstream, np.ndarray) and upstream.ndim == 3 and not np.any(upstream[:, :-1]):
        t = upstream.shape[1] - 1
        said = f"The loss is the sum of all outputs times fixed numbers: random ones at t = {t}, 0 before."
    if isinstance(x, np.ndarray) and x.ndim == 3 and x.shape[1] > LARGE and np.all(x[:, LARGE] == HIGH):
        said += f" At t = {LARGE} x is large on purpose: z is nearly 1 there, so the old state is replaced."
    return said


def arrays_of(case: Case) -> tuple[Any, ...]:
    """The case's arrays; for a gated unit with a large frame, at which the update gate is nearly 1."""
    gate = GATED.get(case.name)
    if gate is None or np.shape(case.arrays[0])[1:2] != (SMALL.T,):
        return tuple(case.arrays)
    x, p = np.array(case.arrays[0]) / 2, dict(case.arrays[1])
    p[gate] = np.abs(p[gate]) + 0.2
    x[:, LARGE] = HIGH
    return x, p


def last_frame(problem: Problem) -> Problem:
    """The same, but the loss depends on the state after the last frame alone."""
    upstream = np.zeros_like(problem.upstream)
    upstream[:, -1] = problem.upstream[:, -1]
    return replace(problem, upstream=upstream)


def problem_like(case: Case, functions: Any, right: Problem) -> Problem:
    """The page's small problem with other functions. Another upstream gradient if they return another shape."""
    forward, backward = functions
    config, _ = accepted(forward, case)
    arrays = right.whole.arguments(right.arrays)
    problem = Problem(forward, backward, tuple(arrays), {**config}, right.seed, upstream=right.upstream)
    y = problem.call(problem.forward)[0]
    fits = isinstance(y, dict) or np.shape(y) == np.shape(right.upstream)
    return problem if fits else replace(problem, upstream=None).drawn()

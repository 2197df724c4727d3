"""Inputs for functions that look like a page of minireid, by their name or by the names of their arguments.

gru_forward(x, p) is checked with the arrays of the GRU, forward(x, *, window, stride) with those of the max pooling.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from minireid.gradcheck.cases.page_case import accepted, cases_of, pages
from minireid.gradcheck.cases.pages import Case, Sizes
from minireid.gradcheck.front.functions import Found
from minireid.gradcheck.tensor.problem import Problem, fresh

Inputs = list[tuple[tuple[Any, ...], dict[str, Any]]]


def known_inputs(seed: int) -> Callable[[Found], Inputs]:
    """A function that gives [(arrays, configuration)] for what is recognised: several where the page has several."""
    names = functools.cache(pages)

    def known(found: Found) -> Inputs:
        if found.kind != "pair":
            return []
        page = found.name.removesuffix("_step")
        title = f"{page}/step" if found.name.endswith("_step") else page
        named = cases_of(title, seed, Sizes()) if page in names() else []
        cases = [case for case in named if same_arguments(found.forward, case)]
        if not cases:
            every = (case for name in names() for case in cases_of(name, seed, Sizes()))
            cases = [case for case in every if same_keywords(found.forward, case)]
            cases = [case for case in cases if case.forward is cases[0].forward]
        return [(c.arrays, accepted(found.forward, c)[0]) for c in cases if runs(found, c)]

    return known


def same_arguments(forward: Any, case: Case) -> bool:
    return positional(forward) == positional(case.forward)


def same_keywords(forward: Any, case: Case) -> bool:
    """Whether all names are the page's, at least one of them a keyword: (x, p) alone would fit too many pages."""
    mine, others = keywords(forward), keywords(case.forward)
    return bool(mine) and mine == others - {"kernel"} and same_arguments(forward, case)


def positional(forward: Any) -> list[str]:
    parameters = inspect.signature(forward).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind != p.KEYWORD_ONLY]


def keywords(forward: Any) -> set[str]:
    return {p.name for p in inspect.signature(forward).parameters.values()} - set(positional(forward))


def runs(found: Found, case: Case) -> bool:
    try:
        problem = Problem(found.forward, found.backward, case.arrays, fresh(accepted(found.forward, case)[0]), 0)
        problem.call(found.forward)
        return True
    except Exception:  # whatever it needs, it is something else
        return False

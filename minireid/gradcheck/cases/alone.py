"""Inputs for functions that look like a page of minireid: gru_forward(x, p) is checked with the arrays of the GRU."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from minireid.gradcheck.cases.page_case import accepted, cases_of, pages
from minireid.gradcheck.cases.pages import Case, Sizes
from minireid.gradcheck.front.functions import Found
from minireid.gradcheck.tensor.problem import Problem, fresh


def known_inputs(seed: int) -> Callable[[Found], tuple[tuple[Any, ...], dict[str, Any]] | None]:
    """A function that gives (arrays, configuration) for what is recognised, else None."""
    names = functools.cache(pages)

    def known(found: Found) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        page = found.name.removesuffix("_step")
        if found.kind != "pair" or page not in names():
            return None
        title = f"{page}/step" if found.name.endswith("_step") else page
        for case in cases_of(title, seed, Sizes()):
            if same_arguments(found.forward, case) and runs(found, case):
                return case.arrays, accepted(found.forward, case)[0]
        return None

    return known


def same_arguments(forward: Any, case: Case) -> bool:
    mine, others = (
        [p.name for p in inspect.signature(f).parameters.values() if p.default is p.empty and p.kind != p.KEYWORD_ONLY]
        for f in (forward, case.forward)
    )
    return mine == others


def runs(found: Found, case: Case) -> bool:
    try:
        problem = Problem(found.forward, found.backward, case.arrays, fresh(accepted(found.forward, case)[0]), 0)
        problem.call(found.forward)
        return True
    except Exception:  # whatever it needs, it is something else
        return False

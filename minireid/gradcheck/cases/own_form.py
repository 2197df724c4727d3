"""Functions that are right in a form of their own: a step with other arguments, a layer for two axes only."""

import contextlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.cases.page_case import accepted, base, cases_of, functions_for
from minireid.gradcheck.cases.pages import Case, Sizes
from minireid.gradcheck.tensor.problem import fresh


def own_step(module: ModuleType, case: Case, step: Callable[..., Any], seed: int) -> bool:
    """Whether a step is the user's own: unlike the page's, while the loop that uses it gives what the page's gives."""
    whole = next((c for c in cases_of(base(case.name), seed, Sizes()) if c.name == base(case.name)), None)
    loop = functions_for(module, whole) if whole and whole.name != case.name else None
    if loop is None and not fits(step, case):
        raise InputError(
            f"{step.__name__} takes {inspect.signature(step)}, the page {case.name} {inspect.signature(case.forward)}: "
            "to check it with arrays of its own, leave out --like"
        )
    if whole is None or loop is None or agrees(step, case):
        return False
    return agrees(loop[0], whole) or not same_form(step, case)


def agrees(forward: Callable[..., Any], case: Case) -> bool:
    """Whether a forward returns what the page's returns, in each of its results."""
    try:
        with np.errstate(all="ignore"):
            config, _ = accepted(forward, case)
            mine, expected = (f(*fresh_arrays(case), **fresh(config)) for f in (forward, case.forward))
        if not isinstance(mine, (tuple, list)) or len(mine) != len(expected):
            return False
        pairs = [pair for y, true in zip(mine[:-1], expected[:-1]) for pair in zip(leaves(y), leaves(true))]
        return all(np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-8) for (_, a), (_, b) in pairs)
    except Exception:  # whatever it is, it is not the same function
        return False


def same_form(step: Callable[..., Any], case: Case) -> bool:
    """Whether a step takes as many arguments as the page's."""
    count = lambda f: sum(p.default is p.empty for p in inspect.signature(f).parameters.values())  # noqa: E731
    return count(step) == count(case.forward)


def fits(forward: Callable[..., Any], case: Case) -> bool:
    """Whether it can be called with the page's arguments."""
    try:
        inspect.signature(forward).bind(*case.arrays, **accepted(forward, case)[0])
        return True
    except TypeError:
        return False


def fresh_arrays(case: Case) -> tuple[Any, ...]:
    return tuple(map_leaves(np.array, array) for array in case.arrays)


def flat(case: Case) -> Case:
    """The same with the first frame alone: x (N, D) in place of (N, T, D)."""
    return case._replace(arrays=(case.arrays[0][:, 0], *case.arrays[1:]))


def is_flat(forward: Callable[..., Any], case: Case) -> bool:
    """Whether a forward is right for x (N, D) but not for x (N, T, D), where the page takes both."""
    x = case.arrays[0]
    if not isinstance(x, np.ndarray) or x.ndim != 3 or "lengths" in case.config:
        return False
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        config, _ = accepted(forward, case)
        mine, expected = (f(*fresh_arrays(case), **fresh(config))[0] for f in (forward, case.forward))
        if np.shape(mine) == np.shape(expected):
            return False
    return agrees(forward, flat(case))

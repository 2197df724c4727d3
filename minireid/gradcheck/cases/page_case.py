"""The cases of a page of minireid, and which functions of a user's file belong to them."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.gradcheck.cases.pages import COMPILED, Case, Sizes, page_cases
from minireid.kernels import im2col


def pages() -> list[str]:
    """The names that --like accepts."""
    cases = page_cases(np.random.default_rng(0), Sizes())
    return list(dict.fromkeys(base(case.name) for case in cases if case.name not in COMPILED))


def base(name: str) -> str:
    return name.partition("/")[0]


def cases_of(like: str, seed: int, sizes: Sizes) -> list[Case]:
    """The cases of a page, without the compiled ones: users write layers, not kernels."""
    named = [c for c in page_cases(np.random.default_rng(seed), sizes) if like in (c.name, base(c.name))]
    return [c for c in named if c.config.get("kernel", im2col) is im2col and c.name not in COMPILED]


def functions_for(module: ModuleType, case: Case) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The file's functions for a case: named like the page's, or with the page's name in front (gru_forward)."""
    page = base(case.name)
    for prefix in ("", f"{page}_"):
        pair = tuple(getattr(module, prefix + f.__name__, None) for f in (case.forward, case.backward))
        if all(callable(f) for f in pair):
            return pair  # type: ignore[return-value]
    return None


def accepted(forward: Callable[..., Any], case: Case) -> tuple[dict[str, Any], list[str]]:
    """(configuration, notes): the case's configuration without arguments that `forward` does not have.

    Raises InputError if the page's own forward has no default for such an argument.
    """
    parameters = inspect.signature(forward).parameters.values()
    if any(p.kind == p.VAR_KEYWORD for p in parameters):
        return dict(case.config), []
    names = {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    left_out = [k for k in case.config if k not in names]
    expected = inspect.signature(case.forward)
    needed = [k for k in left_out if expected.parameters[k].default is inspect.Parameter.empty]
    if needed:
        raise InputError(f"{case.name}: forward takes no argument {', '.join(needed)}; expected {expected}")
    reported = [k for k in left_out if k != "kernel"]
    notes = [f"forward takes no argument {', '.join(reported)}: checked without it"] if reported else []
    return {k: v for k, v in case.config.items() if k in names}, notes

"""The command that shows how the functions of a user's file run, line by line: `minireid read FILE.py --like gru`."""

import shlex
from pathlib import Path
from types import ModuleType

import numpy as np

from minireid.gradcheck.cases.page_case import accepted, cases_of, functions_for
from minireid.gradcheck.cases.pages import Sizes
from minireid.gradcheck.tensor.problem import Problem


def alive(path: Path, module: ModuleType, page: str) -> str:
    """The command; "" where the file lacks the functions that the page is read by, or they do not run to their end."""
    cases = cases_of(page, 0, Sizes())
    case = next((case for case in cases if case.name == page), cases[0])
    functions = functions_for(module, case)
    if functions is None:
        return ""
    try:
        right = Problem(case.forward, case.backward, case.arrays, dict(case.config), 0).drawn()
        own = Problem(*functions, case.arrays, accepted(functions[0], case)[0], 0).drawn()
        own.gradients()
    except Exception:  # somebody's file can raise anything
        return ""
    same = np.shape(own.upstream) == np.shape(right.upstream)
    return f"minireid read {shlex.quote(str(path))} --like {page}" if same else ""

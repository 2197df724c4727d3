"""What NumPy warns of while a function runs. It is copied beside child.py: it needs the standard library alone."""

import warnings
from collections.abc import Callable
from typing import Any


def listened(function: Callable[..., Any], *arguments: Any, **config: Any) -> tuple[Any, str]:
    """(what the function returns, NumPy's first warning, such as an overflow, or "")"""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        results = function(*arguments, **config)
    return results, next((str(w.message)[:100] for w in heard if issubclass(w.category, RuntimeWarning)), "")

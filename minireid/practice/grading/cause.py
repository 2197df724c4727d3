"""The known mistake that leads to a student's numbers."""

import warnings
from typing import Any

import numpy as np

from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.exercises.known import Wrong, wrong_versions
from minireid.practice.grading.found import Found
from minireid.practice.grading.results import named_gradients, named_results, plain_results, revived
from minireid.practice.grading.tensors import equal


def cause_of(exercise: Exercise, asked: Asked, draws: list[Inputs], upstreams: list[Any], found: list[Found]) -> str:
    """The known mistake that leads to exactly these wrong numbers, for every draw; "" if there is none."""
    if any(one.failure for one in found) or all(c.ok for one in found for c in one.tensors.values()):
        return ""
    for wrong in wrong_versions(exercise, asked):
        if all(leads_to(wrong, asked, *one) for one in zip(draws, upstreams, found)):
            return wrong.said
    return ""


def leads_to(wrong: Wrong, asked: Asked, draw: Inputs, upstream: Any, found: Found) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            values = wrong_values(wrong, asked, draw, upstream)
    except Exception:  # whatever a wrong page raises
        return False
    return all(name in values and equal(found.came.get(name), values[name]) for name in found.tensors)


def wrong_values(wrong: Wrong, asked: Asked, draw: Inputs, upstream: Any) -> dict[str, Any]:
    """Of forward, or of backward where there is an upstream gradient."""
    if not asked.backward:
        return plain_results(asked, wrong.function, draw)
    arrays, config = revived(draw)
    *values, cache = wrong.function(*arrays, **config)
    if upstream is None:
        return named_results(asked, values)
    assert wrong.backward
    return named_gradients(asked, arrays, wrong.backward(*upstream, cache, **draw.backward_config))

"""What is known of one function of a student's file."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from minireid.practice.grading.process import Failure
from minireid.practice.grading.results import leaves_of
from minireid.practice.grading.tensors import Comparison


class Found(NamedTuple):
    """What is known of one function: a comparison for each tensor, or why it gave no answer."""

    tensors: dict[str, Comparison]
    failure: Failure | None = None
    extra: str = ""  # a sentence: the variant, numerical differences
    came: dict[str, Any] = {}  # noqa: RUF012 the student's arrays


def merged(found: list[Found]) -> Found:
    """Several draws: a tensor's worst comparison, with a word if it is right for some of them."""
    failure = next((one.failure for one in found if one.failure), None)
    extra = next((one.extra for one in found if one.extra), "")
    tensors = {}
    for name in found[0].tensors:
        each = [one.tensors[name] for one in found]
        worst = next((c for c in each if not c.ok), max(each, key=lambda c: c.error))
        right = sum(c.ok for c in each)
        if right and not worst.ok:
            worst = worst._replace(said=f"{worst.said}; right for {right} of {len(each)} draws")
        tensors[name] = worst
    return Found(tensors, failure, extra)


def nothing(true: Mapping[str, Any], failure: Failure) -> Found:
    said = "not written" if failure.kind in ("NotImplementedError", "absent") else "no answer"
    return Found({name: Comparison(False, said) for name in leaves_of(dict(true))}, failure)

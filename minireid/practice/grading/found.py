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
    note: str = ""  # accepted, but somebody should look at it


def merged(found: list[Found], settings: list[str]) -> Found:
    """Several draws: a tensor's worst comparison; if it is right for some, for which it is not.

    settings: what the function was called with at each draw, in words.
    """
    failure = next((one.failure for one in found if one.failure), None)
    extra = next((one.extra for one in found if one.extra), "")
    tensors = {}
    for name in found[0].tensors:
        each = [one.tensors[name] for one in found]
        worst = next((c for c in each if not c.ok), max(each, key=lambda c: c.error))
        right = sum(c.ok for c in each)
        if right and not worst.ok:
            setting = next(said for said, c in zip(settings, each) if not c.ok)
            for_which = f", not for {setting}" if setting else ""
            worst = worst._replace(said=f"{worst.said}; right for {right} of {len(each)} draws{for_which}")
        tensors[name] = worst
    return Found(tensors, failure, extra, note=next((one.note for one in found if one.note), ""))


def nothing(true: Mapping[str, Any], failure: Failure) -> Found:
    said = "not written" if failure.kind in ("NotImplementedError", "absent") else "no answer"
    return Found({name: Comparison(False, said) for name in leaves_of(dict(true))}, failure)

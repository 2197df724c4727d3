"""walkers.json, the description of drawn people: its format, and the groups of twins that are read from it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from data_tools.raw import Fault
from minireid.base import records
from minireid.base.errors import InputError

FORMAT = "minireid-walkers"
VERSION = 1


@dataclass(frozen=True)
class Walker:
    """What is read of a person. group: a number that twins share."""

    group: records.Count | UnsetType = UNSET


@dataclass(frozen=True)
class Description:
    """What is read of walkers.json. people: by their numbers."""

    people: dict[Annotated[str, Meta(pattern="^[0-9]{1,9}$")], Walker]


def read(raw: Path) -> Description:
    """RAW/walkers.json. InputError if it is missing, damaged or newer."""
    what, remedy = "the walkers' description", "write the walkers again"
    file = raw / "walkers.json"
    return records.read_ours(file, Description, format=FORMAT, versions=(VERSION,), what=what, remedy=remedy)


def groups(raw: Path) -> dict[int, int]:
    """{person: group} from RAW/walkers.json, or {} without that file. InputError if it is damaged or newer."""
    if not os.path.lexists(raw / "walkers.json"):
        return {}
    people = read(raw).people
    return {int(person): walker.group for person, walker in people.items() if isinstance(walker.group, int)}


def faults(raw: Path, persons: set[int], distractors: bool) -> list[Fault]:
    """Does RAW/walkers.json describe these persons? distractors: it may describe more, who have no number there."""
    file = raw / "walkers.json"
    try:
        described = {int(person) for person in read(raw).people}
    except InputError as fault:
        return [Fault("no description", file, str(fault))]
    others = persons - described if distractors else persons ^ described
    if not others:
        return []
    return [Fault("other people", file, f"does not fit the images, first at person {min(others)}: write them again")]

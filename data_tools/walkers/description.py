"""walkers.json, the description of drawn people: its format, and the groups of twins that are read from it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from minireid.base import records

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


def groups(raw: Path) -> dict[int, int]:
    """{person: group} from RAW/walkers.json, or {} without that file. InputError if it is damaged or newer."""
    file = raw / "walkers.json"
    if not os.path.lexists(file):
        return {}
    what, remedy = "the walkers' description", "write the walkers again"
    found = records.read_ours(file, Description, format=FORMAT, versions=(VERSION,), what=what, remedy=remedy)
    return {int(person): walker.group for person, walker in found.people.items() if isinstance(walker.group, int)}

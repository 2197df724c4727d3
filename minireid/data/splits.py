"""Who is trained on and who is tested on: each dataset's protocol by a seeded rule, or a file of splits.

    200     PRID-2011: the persons whom both cameras saw (1 to 200), half to train and half to test; no minimum length
            (McLaughlin et al. 2016). Also for the walkers, with any number of persons
    178     PRID-2011: the persons whose tracks are longer than 21 frames in both cameras (178 persons), half and half
            (later work). Also for the walkers
    halves  the persons whom two or more cameras saw, half and half; any number of cameras and tracks. For iLIDS-VID
            (150 / 150) and videos of your own
    mars    MARS: the data itself says which tracks are for training, which are queries and which the gallery; one split

Results of different protocols are not comparable. All protocols except mars have ten splits. The persons of split k are
the same on every machine: NumPy's generator permutes them, with the seed [200, k], [178, k] or (for halves) [150, k].

A split file is JSON: a list of records {"train": [...], "test": [...]}. Their entries are folder names (person_0001) or
numbers (1). The public list of ten splits has this form.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.records import Count
from minireid.base.records import read as read_json
from minireid.data.prepared import DISTRACTORS, JUNK, Prepared, Track

SPLITS = 10
SHARED = 200  # persons 1 to 200 of PRID-2011 have the same number in both cameras
LONGER_THAN = 21  # frames, in both cameras, for protocol 178
SEED = {"200": 200, "178": 178, "halves": 150}
ANOTHER = "evaluation.protocol=halves (or another that fits)"
OF_PRID = ("prid2011", "walkers")  # datasets that the protocols 200 and 178 are for


@dataclass(frozen=True)
class Split:
    """Persons (sorted numbers) of one split. protocol: its name, or the file's; number: from 0."""

    protocol: str
    number: int
    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """One split in a split file."""

    train: tuple[str | Count, ...]
    test: tuple[str | Count, ...]


Records = Annotated[tuple[Record, ...], Meta(min_length=1)]


def count(protocol: str) -> int:
    """How many splits a protocol has."""
    return 1 if protocol == "mars" else SPLITS


def seeded(prepared: Prepared, protocol: str, number: int) -> Split:
    """Split `number` (0 to 9; mars: 0) of a protocol. Raises InputError if it does not fit the data."""
    if protocol == "mars":
        return by_roles(prepared, number)
    check_number(number, SPLITS, f"protocol {protocol}")
    persons = eligible(prepared, protocol)
    if len(persons) < 4:
        raise InputError(
            f"expected at least 4 persons whom protocol {protocol} admits in {prepared.path}, got {len(persons)}: "
            "prepare a folder in which more persons were seen by two cameras"
        )
    together = groups_of(prepared, persons)
    if len(together) < 2:
        raise InputError(f"expected at least two groups of twins in {prepared.path}, got one: it cannot be divided")
    order = np.random.default_rng([SEED[protocol], number]).permutation(len(together)).tolist()
    half = len(order) // 2
    train, test = ([person for k in part for person in together[k]] for part in (order[:half], order[half:]))
    return Split(protocol, number, tuple(sorted(train)), tuple(sorted(test)))


def groups_of(prepared: Prepared, persons: list[int]) -> list[list[int]]:
    """The persons in groups that stay on one side of the split: twins (walkers) together, all others alone."""
    group = {track.person: track.group for track in prepared.tracks}
    together: dict[int, list[int]] = {}
    for person in persons:
        g = group[person]
        together.setdefault(-person if g is None else g, []).append(person)
    return list(together.values())


def by_roles(prepared: Prepared, number: int) -> Split:
    """The split that comes with the data: the persons of role train; the persons of the queries and the gallery."""
    if not prepared.has_roles:
        raise InputError(f"protocol mars is not for {prepared.path}, whose tracks have no roles: --set {ANOTHER}")
    check_number(number, 1, "protocol mars")
    persons = [{t.person for t in prepared.tracks if (t.role == "train") == training} for training in (True, False)]
    train, test = (tuple(sorted(p for p in part if p not in (JUNK, DISTRACTORS))) for part in persons)
    if not any(track.role == "query" for track in prepared.tracks):
        raise InputError(f"expected tracks of role query in {prepared.path}, found none: prepare it again")
    return checked(Split("mars", number, train, test))


def eligible(prepared: Prepared, protocol: str) -> list[int]:
    """The persons whom a protocol admits, sorted."""
    if protocol not in SEED:
        names = '"halves", "mars", "200" or "178"'
        raise InputError(f'expected protocol {names}, got "{protocol}": change evaluation.protocol')
    if prepared.has_roles:
        raise InputError(f"the tracks of {prepared.path} have roles: --set evaluation.protocol=mars")
    if prepared.index.dataset == "prid2011":  # from 201 on, a number means two different persons, one in each camera
        tracks = [track for track in prepared.tracks if track.person <= SHARED]
    else:
        tracks = list(prepared.tracks)
    if protocol == "halves":
        seen_by = cameras_of(tracks)
        return sorted(person for person, cameras in seen_by.items() if len(cameras) > 1)
    if prepared.index.dataset not in OF_PRID:
        raise InputError(
            f"protocol {protocol} is PRID-2011's, but {prepared.path} is {prepared.index.dataset}: --set {ANOTHER}"
        )
    cameras = prepared.cameras
    if len(cameras) != 2:
        raise InputError(
            f"expected two cameras in {prepared.path}, got {', '.join(cameras)}: protocol {protocol} compares two"
        )
    longer_than = LONGER_THAN if protocol == "178" else 0
    seen = [{t.person for t in tracks if t.camera == camera and t.length > longer_than} for camera in cameras]
    return sorted(seen[0] & seen[1])


def cameras_of(tracks: Iterable[Track]) -> dict[int, set[str]]:
    """{person: the cameras that saw them}."""
    seen: dict[int, set[str]] = {}
    for track in tracks:
        seen.setdefault(track.person, set()).add(track.camera)
    return seen


def from_file(path: Path, prepared: Prepared, number: int) -> Split:
    """Split `number` (from 0) of a split file. Raises InputError for a file, entry or person that does not fit."""
    records = read(path)
    check_number(number, len(records), str(path))
    train, test = (person_numbers(names, path) for names in (records[number].train, records[number].test))
    seen_by = cameras_of(prepared.tracks)
    missing = sorted(person for person in {*train, *test} if len(seen_by.get(person, ())) < 2)
    if missing:
        two = "both" if len(prepared.cameras) == 2 else "two"
        raise InputError(
            f"person {missing[0]} of {path} is not in {two} cameras of {prepared.path}: use its own splits"
        )
    return checked(Split(path.name, number, train, test))


def count_in(path: Path) -> int:
    """How many splits a split file has."""
    return len(read(path))


def read(path: Path) -> tuple[Record, ...]:
    """The records of a split file. Raises InputError if it is missing, damaged or not a split file."""
    remedy = 'expected JSON: [{"train": ["person_0001", ...], "test": [...]}, ...]'
    return read_json(path, Records, what="a split file", remedy=remedy)


def check_number(number: int, count: int, where: str) -> None:
    if not 0 <= number < count:
        raise InputError(f"expected a split number from 0 to {count - 1} for {where}, got {number}: change --split")


def person_numbers(names: Iterable[str | int], path: Path) -> tuple[int, ...]:
    """["person_0001", 2] -> (1, 2)."""
    numbers = []
    for name in names:
        match = re.fullmatch(r"(?:person_?)?([0-9]{1,9})", str(name))
        if not match:
            raise InputError(f"expected persons such as person_0001 in {path}, got {name!r:.50}: correct the file")
        numbers.append(int(match[1]))
    return tuple(sorted(numbers))


def checked(split: Split) -> Split:
    """The same split. Raises InputError for a person who is in it twice, and for fewer than two persons on a side."""
    both = set(split.train) & set(split.test)
    if both:
        raise InputError(f"person {min(both)} is in train and in test of split {split.number} of {split.protocol}")
    for name, persons in (("train", split.train), ("test", split.test)):
        if len(persons) < 2 or len(set(persons)) < len(persons):
            raise InputError(
                f"split {split.number} of {split.protocol}: {name} has fewer than two persons, or one twice"
            )
    return split


def hold_out(split: Split, prepared: Prepared, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(persons to train on, validation persons). At least `count` of split.train are held out, whole groups of twins.

    Raises InputError if fewer than two persons are left to train on.
    """
    if not 0 <= count <= len(split.train) - 2:
        raise InputError(
            f"expected to hold out 0 to {len(split.train) - 2} of {len(split.train)} training persons, got {count}: "
            "change validation.persons"
        )
    together = groups_of(prepared, list(split.train))
    held: set[int] = set()
    for k in np.random.default_rng([178, split.number, 1]).permutation(len(together)).tolist():
        if len(held) < count:
            held.update(together[k])
    if len(split.train) - len(held) < 2:
        raise InputError(
            f"holding out {count} of {len(split.train)} training persons in whole groups leaves fewer than two: "
            "change validation.persons"
        )
    return tuple(p for p in split.train if p not in held), tuple(sorted(held))

"""Splits: the seeded rule of both protocols, split files, and whom validation holds out."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.data.prepared import Prepared, Track
from minireid.data.splits import Split, from_file, hold_out, seeded
from tests import small_data

NOT_IN_178 = {6, 19, 31, 52, 57, 62, 71, 94, 106, 120, 136, 138, 139, 142, 145, 158, 159, 166, 183, 190, 199, 200}


def folder(
    persons: Iterable[int] = range(1, 11),
    *,
    length: Callable[[int, str], int] = lambda person, camera: 30,
    dataset: str = "walkers",
    group: Callable[[int], int | None] = lambda person: None,
    cameras: str = "ab",
) -> Prepared:
    """A prepared folder without its frames, which splits never read. length 0: not in that camera."""
    persons = list(persons)
    tracks = [Track(p, c, 0, length(p, c), group(p)) for c in cameras for p in persons if length(p, c)]
    return Prepared(Path("prepared"), np.zeros((1, 2, 2, 3), np.uint8), tuple(tracks), small_data.index(dataset))


@pytest.mark.parametrize("protocol", ["200", "178"])
def test_ten_splits_half_and_half_the_same_on_every_call(protocol: str) -> None:
    prepared = folder(range(1, 21))
    splits = [seeded(prepared, protocol, number) for number in range(10)]
    for number, split in enumerate(splits):
        assert (split.protocol, split.number) == (protocol, number)
        assert len(split.train) == len(split.test) == 10
        assert sorted(split.train + split.test) == list(range(1, 21))
        assert list(split.train) == sorted(split.train) and list(split.test) == sorted(split.test)
        assert seeded(folder(range(1, 21)), protocol, number) == split
    assert len({split.train for split in splits}) == 10


def test_the_rule_that_makes_them_the_same_on_every_machine() -> None:
    for protocol in ("200", "178"):
        order = np.random.default_rng([int(protocol), 3]).permutation(10)
        assert seeded(folder(), protocol, 3).train == tuple(sorted((order[:5] + 1).tolist()))
    assert seeded(folder(), "200", 0) == Split("200", 0, (3, 4, 7, 8, 9), (1, 2, 5, 6, 10))


def test_the_two_protocols_are_drawn_apart() -> None:
    assert seeded(folder(range(1, 21)), "200", 0).train != seeded(folder(range(1, 21)), "178", 0).train


def test_an_odd_person_goes_to_the_test() -> None:
    split = seeded(folder(range(1, 8)), "200", 0)
    assert (len(split.train), len(split.test)) == (3, 4)


def test_protocol_178_wants_more_than_21_frames_in_both_cameras() -> None:
    lengths = {(1, "a"): 21, (2, "b"): 21, (3, "a"): 22, (3, "b"): 22}
    prepared = folder(length=lambda person, camera: lengths.get((person, camera), 30))
    split = seeded(prepared, "178", 0)
    assert {*split.train, *split.test} == {3, 4, 5, 6, 7, 8, 9, 10}
    split = seeded(prepared, "200", 0)
    assert {*split.train, *split.test} == set(range(1, 11))


def test_persons_of_one_camera_are_left_out() -> None:
    prepared = folder(length=lambda person, camera: 0 if (person, camera) in {(2, "a"), (5, "b")} else 30)
    split = seeded(prepared, "200", 0)
    assert {*split.train, *split.test} == {1, 3, 4, 6, 7, 8, 9, 10}


def test_prid_2011_shares_only_the_numbers_up_to_200() -> None:
    """From 201 on, one number is one person in camera A and another one in camera B."""
    split = seeded(folder(range(191, 211), dataset="prid2011"), "200", 0)
    assert {*split.train, *split.test} == set(range(191, 201))
    split = seeded(folder(range(191, 211), dataset="walkers"), "200", 0)
    assert {*split.train, *split.test} == set(range(191, 211))


def test_twins_are_never_torn_apart() -> None:
    prepared = folder(range(1, 25), group=lambda person: person % 6)
    for number in range(10):
        split = seeded(prepared, "200", number)
        assert len(split.train) == len(split.test) == 12
        assert not {p % 6 for p in split.train} & {p % 6 for p in split.test}


@pytest.mark.parametrize(
    "prepared, protocol, number, says",
    [
        (folder(), "200", 10, "from 0 to 9 .*got 10"),
        (folder(), "178", -1, "from 0 to 9 .*got -1"),
        (folder(), "100", 0, '"200" or "178", got "100"'),
        (folder(range(1, 4)), "200", 0, "at least 4 persons .*got 3"),
        (folder(length=lambda person, camera: 21), "178", 0, "at least 4 persons .*got 0"),
        (folder(cameras="abc"), "200", 0, "two cameras .*a, b, c"),
        (folder(cameras="a"), "200", 0, "two cameras .*got a"),
    ],
)
def test_no_such_split(prepared: Prepared, protocol: str, number: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        seeded(prepared, protocol, number)


@pytest.mark.parametrize("dataset", ["ilids_vid", "own", "walkers"])
def test_halves_are_drawn_by_their_own_seed_from_any_number_of_cameras(dataset: str) -> None:
    for cameras in ("ab", "abc"):
        prepared = folder(dataset=dataset, cameras=cameras)
        order = np.random.default_rng([150, 3]).permutation(10)
        split = seeded(prepared, "halves", 3)
        assert split.train == tuple(sorted((order[:5] + 1).tolist())) and split.protocol == "halves"
        assert sorted(split.train + split.test) == list(range(1, 11))


def test_halves_want_two_cameras_of_a_person() -> None:
    only = {(1, "b"), (1, "c"), (2, "a"), (3, "b")}
    prepared = folder(length=lambda p, c: 0 if (p, c) in only else 1, dataset="own", cameras="abc")
    split = seeded(prepared, "halves", 0)
    assert sorted(split.train + split.test) == list(range(2, 11))


def test_halves_of_prid_2011_know_that_numbers_above_200_are_two_people() -> None:
    split = seeded(folder(range(191, 211), dataset="prid2011"), "halves", 0)
    assert sorted(split.train + split.test) == list(range(191, 201))


def roles(*roles_of: tuple[int, str, str]) -> Prepared:
    tracks = [Track(person, camera, 0, 9, role=role) for person, camera, role in roles_of]
    return Prepared(Path("prepared"), np.zeros((1, 2, 2, 3), np.uint8), tuple(tracks), small_data.index("mars"))


MARS = (
    *((5, "1", "train"), (5, "2", "train"), (5, "2", "train"), (3, "6", "train")),
    *((-1, "1", "gallery"), (0, "1", "gallery"), (8, "1", "query"), (8, "2", "gallery"), (2, "2", "gallery")),
)


def test_mars_says_itself_who_is_tested_on() -> None:
    assert seeded(roles(*MARS), "mars", 0) == Split("mars", 0, (3, 5), (2, 8))


@pytest.mark.parametrize(
    "prepared, protocol, number, says",
    [
        (roles(*MARS), "mars", 1, "from 0 to 0 for protocol mars, got 1"),
        (roles(*MARS), "halves", 0, "evaluation.protocol=mars"),
        (roles(*MARS), "200", 0, "evaluation.protocol=mars"),
        (roles(*MARS[:6], (8, "2", "gallery"), (2, "2", "gallery")), "mars", 0, "role query .*found none"),
        (roles(*MARS, (5, "1", "gallery")), "mars", 0, "person 5 is in train and in test"),
        (roles(*MARS[4:]), "mars", 0, "train has fewer than two persons"),
        (folder(), "mars", 0, "mars is not for prepared, whose tracks have no roles"),
        (folder(dataset="ilids_vid"), "200", 0, "200 is PRID-2011's, but prepared is ilids_vid: .*protocol=halves"),
        (folder(dataset="own"), "178", 0, "178 is PRID-2011's, but prepared is own"),
    ],
)
def test_a_protocol_that_does_not_fit_the_data(prepared: Prepared, protocol: str, number: int, says: str) -> None:
    with pytest.raises(InputError, match=says) as fault:
        seeded(prepared, protocol, number)
    assert "\n" not in str(fault.value)


def test_a_split_file_for_more_than_two_cameras(tmp_path: Path) -> None:
    prepared = folder(length=lambda p, c: 0 if (p, c) in {(3, "a"), (4, "a"), (4, "b")} else 9, cameras="abc")
    file = write(tmp_path / "own.json", [{"train": [1, 2], "test": [3, 5]}, {"train": [1, 2], "test": [4, 5]}])
    assert from_file(file, prepared, 0).test == (3, 5)
    with pytest.raises(InputError, match=r"person 4 .*not in two cameras"):
        from_file(file, prepared, 1)


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_split_file_in_the_public_form(tmp_path: Path) -> None:
    records = [
        {"train": ["person_0004", "person_0001"], "test": ["person_0002", "person_0010"]},
        {"test": ["person_0001", "person_0002"], "train": ["person_0005", "person_0003"]},
    ]
    file = write(tmp_path / "public.json", records)
    assert from_file(file, folder(), 0) == Split("public.json", 0, (1, 4), (2, 10))
    assert from_file(file, folder(), 1) == Split("public.json", 1, (3, 5), (1, 2))


def test_a_split_file_with_numbers(tmp_path: Path) -> None:
    file = write(tmp_path / "own.json", [{"train": [7, "3"], "test": ["person2", "0010"], "note": "mine"}])
    assert from_file(file, folder(), 0) == Split("own.json", 0, (3, 7), (2, 10))


GOOD = {"train": [1, 2], "test": [3, 4]}


@pytest.mark.parametrize(
    "content, number, says",
    [
        (json.dumps([GOOD])[:-9], 0, "is damaged"),
        ("", 0, "is damaged"),
        (GOOD, 0, "is damaged"),
        ([{"train": [1, 2]}], 0, "is damaged"),
        ([[1, 2], [3, 4]], 0, "is damaged"),
        ([GOOD], 1, "from 0 to 0 .*got 1"),
        ([GOOD] * 10, 99, "from 0 to 9 .*got 99"),
        ([GOOD | {"train": [1, "Anna"]}], 0, "persons such as person_0001 .*'Anna'"),
        ([GOOD | {"train": [1, -2]}], 0, "expected int >= 0 in"),
        ([GOOD | {"train": [1, None]}], 0, "expected int | str, got null"),
        ([GOOD | {"test": [3, 11]}], 0, "person 11 .*not in both cameras"),
        ([GOOD | {"test": [3, 5]}], 0, "person 5 .*not in both cameras"),
        ([GOOD | {"test": [3, 2]}], 0, "person 2 is in train and in test"),
        ([GOOD | {"train": [1, 1]}], 0, "train has fewer than two persons, or one twice"),
        ([GOOD | {"test": [3]}], 0, "test has fewer than two"),
        ([GOOD | {"train": []}], 0, "train has fewer than two"),
    ],
)
def test_faulty_split_files(tmp_path: Path, content: Any, number: int, says: str) -> None:
    prepared = folder(length=lambda person, camera: 0 if (person, camera) == (5, "b") else 30)
    with pytest.raises(InputError, match=says) as fault:
        from_file(write(tmp_path / "splits.json", content), prepared, number)
    assert "splits.json" in str(fault.value) and "\n" not in str(fault.value)


def test_no_split_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none"):
        from_file(tmp_path / "splits.json", folder(), 0)
    with pytest.raises(InputError, match="found a folder"):
        from_file(tmp_path, folder(), 0)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is damaged"):
        from_file(tmp_path / "binary.json", folder(), 0)


def test_the_public_splits_of_prid_2011() -> None:
    real = os.environ.get("MINIREID_REAL_FRAMES", "")
    file = Path(real) / "splits_prid2011.json"
    if not real or not file.is_file():
        pytest.skip("MINIREID_REAL_FRAMES names no folder with splits_prid2011.json")
    prepared = folder(range(1, 201), dataset="prid2011")
    for number in range(10):
        split = from_file(file, prepared, number)
        assert len(split.train) == len(split.test) == 89
        assert {*split.train, *split.test} == set(range(1, 201)) - NOT_IN_178


def test_validation_persons_are_drawn_from_the_training_persons() -> None:
    prepared, split = folder(range(1, 13)), Split("200", 3, tuple(range(1, 11)), (11, 12))
    train, held = hold_out(split, prepared, 4)
    assert len(held) == 4 and sorted(train + held) == list(range(1, 11))
    assert list(train) == sorted(train) and list(held) == sorted(held)
    assert hold_out(split, prepared, 4) == (train, held)
    assert hold_out(Split("200", 4, split.train, split.test), prepared, 4)[1] != held
    assert hold_out(split, prepared, 0) == (split.train, ())


@pytest.mark.parametrize("count, held_out", [(0, 0), (1, 4), (4, 4), (5, 8), (8, 8)])
def test_twins_are_held_out_together(count: int, held_out: int) -> None:
    """Four to a group: a part of one would leave the validation persons nobody like themselves to be told from."""
    prepared = folder(range(1, 49), group=lambda person: person % 12)
    for number in range(10):
        split = seeded(prepared, "200", number)
        train, held = hold_out(split, prepared, count)
        assert len(held) == held_out and sorted(train + held) == list(split.train)
        assert not {p % 12 for p in train} & {p % 12 for p in held}


@pytest.mark.parametrize("count", [9, 10, 11, -1])
def test_validation_leaves_two_persons_to_train_on(count: int) -> None:
    with pytest.raises(InputError, match=r"hold out 0 to 8 of 10 .*validation\.persons"):
        hold_out(Split("200", 0, tuple(range(1, 11)), (11, 12)), folder(range(1, 13)), count)


@pytest.mark.parametrize("count", [5, 6])
def test_validation_that_takes_all_groups_of_twins(count: int) -> None:
    """Two groups of four: 6 persons may be held out by their number, but whole groups leave nobody to train on."""
    prepared = folder(range(1, 17), group=lambda person: person % 4)
    with pytest.raises(InputError, match=r"validation\.persons"):
        hold_out(seeded(prepared, "200", 0), prepared, count)

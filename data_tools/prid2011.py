"""PRID-2011 on disk: where the tracks are, and what the published dataset holds.

M. Hirzer, C. Beleznai, P. M. Roth, H. Bischof, Person re-identification by descriptive and discriminative
classification, SCIA 2011. The folder, as published, 128 x 64 images:

    RAW/multi_shot/cam_a/person_0001/0001.png, 0002.png, ...      385 persons
    RAW/multi_shot/cam_b/person_0001/0001.png, ...                749 persons
    RAW/single_shot/...                                           one image per person: not a video, not used here

Only persons 1 to 200 are in both cameras. From 201 on, each camera counts its own: person 201 of camera A and person
201 of camera B are two people. The walkers are written in the same layout; there, one number is one person.

The protocols *200* (persons 1-200) and *178* (those of them with more than 21 frames in both views) are not comparable.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from minireid.errors import InputError

CAMERAS = ("a", "b")
SHARED = 200  # persons 1 to 200 are in both cameras
PUBLISHED = {
    "persons in camera A": 385,
    "persons in camera B": 749,
    "persons in both cameras": 200,
    "persons in one camera only": 734,
    "tracks": 1134,
}
PUBLISHED_LENGTHS = "5 to 675, mean about 100"
THRESHOLD_178 = 21  # both tracks are longer than this
EXCLUDED_178 = (6, 19, 31, 52, 57, 62, 71, 94, 106, 120, 136, 138, 139, 142, 145, 158, 159, 166, 183, 190, 199, 200)
PERSONS_178 = tuple(person for person in range(1, SHARED + 1) if person not in EXCLUDED_178)

PERSON = re.compile(r"person_(\d+)", re.IGNORECASE)
FRAME = re.compile(r"(\d+)\.(?:png|jpg|jpeg)", re.IGNORECASE)


class RawTrack(NamedTuple):
    """One person in one camera: its frames in numerical order."""

    person: int
    camera: str
    frames: list[Path]


def number(path: Path) -> int:
    """The number in a name that `listing` has let through: 17 for .../person_0017 and for .../0017.png."""
    return int(re.sub(r"\D", "", path.stem))


def listing(folder: Path, pattern: re.Pattern[str]) -> tuple[list[Path], list[Path]]:
    """What is in a folder: (names that match, in numerical order; the others). Hidden files do not count."""
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name != "Thumbs.db"]
    except OSError as fault:
        raise InputError(f"expected a readable folder, but {folder} is not ({fault.strerror}): check it") from None
    matches = {entry: pattern.fullmatch(entry.name) for entry in entries}
    expected = sorted((int(match[1]), entry.name, entry) for entry, match in matches.items() if match)
    return [entry for _, _, entry in expected], sorted(entry for entry, match in matches.items() if not match)


def camera_folder(raw: Path, camera: str) -> Path:
    """RAW/multi_shot/cam_a or cam_b."""
    return raw / "multi_shot" / f"cam_{camera}"


def wrong_folder(raw: Path) -> str | None:
    """What is wrong with `raw` and where to point instead, unless `raw` holds multi_shot/cam_a and multi_shot/cam_b."""
    missing = [f"multi_shot/cam_{camera}" for camera in CAMERAS if not camera_folder(raw, camera).is_dir()]
    if not missing:
        return None
    full = raw.resolve()
    for root in full.parents[:3]:
        if camera_folder(root, "a").is_dir():
            if "single_shot" in full.parts:
                return f"holds one image per person, not videos: point to {root}, whose multi_shot is used"
            return f"is a part of the dataset: point to {root}, the folder that holds multi_shot"
    if "single_shot" in full.parts:
        return "holds one image per person, not videos: get multi_shot as well, and point to the folder that holds it"
    if (raw / "single_shot").is_dir() and not (raw / "multi_shot").is_dir():
        return "holds single_shot, one image per person, but no multi_shot: get the multi_shot part as well"
    inside = sorted(path.parent.parent for path in raw.glob("*/multi_shot/cam_a"))
    if inside:
        return f"has no multi_shot, but {inside[0]} has: point to that"
    return f"has no {' and no '.join(missing)}: point to the folder that holds them, PRID-2011's layout"


def find_tracks(raw: Path) -> list[RawTrack]:
    """Every track of a raw folder, camera A first, then by person. Frames are sorted by their numbers.

    Raises InputError if the folder is not laid out like PRID-2011, a person stands there twice, a number stands for two
    frames of a track, or a track is empty. `verify` looks closer: gaps, unexpected files, the images themselves.
    """
    if not raw.is_dir():
        raise InputError(f"expected a dataset folder, found none at {raw}: check the path")
    fault = wrong_folder(raw)
    if fault:
        raise InputError(f"{raw} {fault}")
    tracks = []
    for camera in CAMERAS:
        folders = [folder for folder in listing(camera_folder(raw, camera), PERSON)[0] if folder.is_dir()]
        persons = [number(folder) for folder in folders]
        for person, folder in zip(persons, folders):
            frames = listing(folder, FRAME)[0]
            if not frames or persons.count(person) > 1 or len(set(map(number, frames))) < len(frames):
                reason = "has no frames, or its number or a frame's number is there twice"
                raise InputError(f"{folder} {reason}: python -m data_tools.verify names every fault in {raw}")
            tracks.append(RawTrack(person, camera, frames))
    if not tracks:
        raise InputError(
            f"expected folders such as person_0001 in {camera_folder(raw, 'a')}, found none: check the path"
        )
    return tracks


def protocol_178(tracks: Iterable[RawTrack]) -> list[int]:
    """Persons 1 to 200 with more than 21 frames in both cameras: PERSONS_178, if the data is as published."""
    lengths = {(track.person, track.camera): len(track.frames) for track in tracks}
    return [
        person
        for person in range(1, SHARED + 1)
        if min(lengths.get((person, camera), 0) for camera in CAMERAS) > THRESHOLD_178
    ]

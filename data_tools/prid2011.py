"""PRID-2011 on disk: where the tracks are, and what the published dataset holds.

M. Hirzer, C. Beleznai, P. M. Roth, H. Bischof, Person re-identification by descriptive and discriminative
classification, SCIA 2011. The folder as published, with images of 128 x 64:

    RAW/multi_shot/cam_a/person_0001/0001.png, 0002.png, ...      385 persons
    RAW/multi_shot/cam_b/person_0001/0001.png, ...                749 persons
    RAW/single_shot/...                                           one image per person: not a video, not used here

Only persons 1 to 200 are in both cameras. From 201 on, each camera has its own numbers: person 201 of camera A and
person 201 of camera B are two people. Walkers can have the same layout; there, one number is one person.

The protocols *200* (persons 1-200) and *178* (those of them with more than 21 frames in both views) are not comparable.
"""

import os
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from data_tools.raw import (
    FRAME,
    Fault,
    Findings,
    RawTrack,
    Sizes,
    add_differences,
    entries,
    frame_facts,
    holding,
    number,
    ranges,
    runs_in_words,
    survey_camera,
    unexpected,
)

CAMERAS = ("a", "b")
SHARED = 200  # persons 1 to 200 are in both cameras
PUBLISHED_AS = "PRID-2011 as published"
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

PERSON = re.compile(r"person_([0-9]{1,9})", re.IGNORECASE)


def camera_folder(raw: Path, camera: str) -> Path:
    """RAW/multi_shot/cam_a or cam_b."""
    return raw / "multi_shot" / f"cam_{camera}"


def wrong_folder(raw: Path) -> str | None:
    """What is wrong with `raw` and where to point instead, unless `raw` holds multi_shot/cam_a and multi_shot/cam_b."""
    missing = [f"multi_shot/cam_{camera}" for camera in CAMERAS if not os.path.isdir(camera_folder(raw, camera))]
    if not missing:
        return None
    full = raw.resolve()
    for root in full.parents[:3]:
        if os.path.isdir(camera_folder(root, "a")):
            if "single_shot" in full.parts:
                return f"holds one image per person, not videos: point to {root}, whose multi_shot is used"
            return f"is a part of the dataset: point to {root}, the folder that holds multi_shot"
    if "single_shot" in full.parts:
        return "holds one image per person, not videos: get multi_shot as well, and point to the folder that holds it"
    if os.path.isdir(raw / "single_shot") and not os.path.isdir(raw / "multi_shot"):
        return "holds single_shot, one image per person, but no multi_shot: get the multi_shot part as well"
    inside = holding(raw, "multi_shot/cam_a")
    if inside:
        return f"has no multi_shot, but {inside[0]} has: point to that"
    return f"has no {' and no '.join(missing)}: point to the folder that holds them, PRID-2011's layout"


def survey(raw: Path, faults: list[Fault]) -> list[RawTrack]:
    """Every track that has frames; faults of folders, names and numbers are added to `faults`."""
    cameras = [camera_folder(raw, camera) for camera in CAMERAS]
    others = [entry for entry in entries(raw / "multi_shot") if entry not in cameras]
    faults += [unexpected(entry, "expected only cam_a and cam_b here") for entry in others]
    tracks: list[RawTrack] = []
    for camera in CAMERAS:
        examples = ("person_0001", "0001.png")
        tracks += survey_camera(camera_folder(raw, camera), camera, (PERSON, FRAME), examples, faults)
    for track in tracks:
        faults += _numbering(track)
    return tracks


def _numbering(track: RawTrack) -> list[Fault]:
    """Frames must be numbered 1, 2, 3, ... without a gap."""
    folder, numbers = track.frames[0].parent, sorted(map(number, track.frames))
    missing = [(a + 1, b - 1) for a, b in pairwise([0, *numbers]) if b > a + 1]
    text = f"of frames 1 to {numbers[-1]}, missing: {runs_in_words(missing)}"
    faults = [Fault("gap", folder, text)] if missing else []
    return faults + ([Fault("gap", folder, "the first frame is 0, expected 1")] if 0 in numbers else [])


def compare(dataset: str, raw: Path, tracks: list[RawTrack], sizes: Sizes, published: bool, findings: Findings) -> None:
    """Adds to `findings`: counts beside the published ones, notes and faults."""
    in_a, in_b = ({track.person for track in tracks if track.camera == camera} for camera in CAMERAS)
    both = in_a & in_b
    if dataset == "prid2011" and max(both, default=0) > SHARED:
        beyond = sum(person > SHARED for person in both)
        why = f"from {SHARED + 1} on, PRID-2011 numbers persons per camera, so each is taken as two people"
        findings.notes.append(f"{beyond:,} numbers above {SHARED} are in both cameras; {why}")
        both = {person for person in both if person <= SHARED}
    only_a, only_b = len(in_a) - len(both), len(in_b) - len(both)
    if only_a + only_b:
        ways = f"{only_a:,} in A, {only_b:,} in B"
        findings.notes.append(f"persons in one camera only: {only_a + only_b:,} ({ways}); no pairs can be made of them")
    long_enough = protocol_178(tracks)
    counts = (len(in_a), len(in_b), len(both), only_a + only_b, len(tracks))
    here = dict(zip(PUBLISHED, counts))
    findings.facts += [
        *((what, f"{here[what]:,}", f"{PUBLISHED[what]:,}") for what in PUBLISHED),
        (f"persons 1-{SHARED}, > {THRESHOLD_178} frames in both", f"{len(long_enough):,}", f"{len(PERSONS_178):,}"),
        *frame_facts(tracks, sizes, PUBLISHED_LENGTHS, "128 x 64"),
    ]
    differ = [f"{what}: {here[what]:,}, expected {count:,}" for what, count in PUBLISHED.items() if here[what] != count]
    short = sorted(set(PERSONS_178) - set(long_enough))
    if short:
        differ.append(f"of the 178, but not over {THRESHOLD_178} frames in both cameras: persons {ranges(short)}")
    extra = sorted(set(long_enough) - set(PERSONS_178))
    if extra and dataset == "prid2011":
        findings.notes.append(
            f"over {THRESHOLD_178} frames in both cameras, but not of the 178: persons {ranges(extra)}"
        )
    add_differences(differ, raw, published, findings)


def protocol_178(tracks: Iterable[RawTrack]) -> list[int]:
    """Persons 1 to 200 with more than 21 frames in both cameras: PERSONS_178, if the data is as published."""
    lengths = {(track.person, track.camera): len(track.frames) for track in tracks}
    return [
        person
        for person in range(1, SHARED + 1)
        if min(lengths.get((person, camera), 0) for camera in CAMERAS) > THRESHOLD_178
    ]

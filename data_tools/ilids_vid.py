"""iLIDS-VID on disk: where the tracks are, and what the published dataset holds.

T. Wang, S. Gong, X. Zhu, S. Wang, Person re-identification by video ranking, ECCV 2014. The folder as published, with
images of 128 x 64:

    RAW/sequences/cam1/person001/cam1_person001_00317.png, ..._00318.png, ...      300 persons, numbered up to 319
    RAW/sequences/cam2/person001/cam2_person001_00001.png, ...                     the same 300
    RAW/images/cam1/person001/...                                 one image per person: not a video, not used here

RAW is the folder i-LIDS-VID. The last number of a name is the frame's number in the camera's video, so tracks can start
at any number. Cameras become "a" (cam1) and "b" (cam2). Protocol: 150 persons to train and 150 to test.
"""

import os
import re
from pathlib import Path

from data_tools.raw import (
    Fault,
    Findings,
    RawTrack,
    Sizes,
    add_differences,
    entries,
    frame_facts,
    has_gap,
    holding,
    survey_camera,
    unexpected,
)

CAMERAS = {"a": "cam1", "b": "cam2"}
PUBLISHED_AS = "iLIDS-VID as published"
PUBLISHED = {"persons in camera 1": 300, "persons in camera 2": 300, "persons in both cameras": 300, "tracks": 600}
PUBLISHED_LENGTHS = "23 to 192, mean 73"

PERSON = re.compile(r"person([0-9]{1,9})", re.IGNORECASE)
FRAMES = {
    camera: re.compile(rf"{name}_person[0-9]{{1,9}}_([0-9]{{1,18}})\.(?:png|jpg|jpeg)", re.IGNORECASE)
    for camera, name in CAMERAS.items()
}


def camera_folder(raw: Path, camera: str) -> Path:
    """RAW/sequences/cam1 or cam2."""
    return raw / "sequences" / CAMERAS[camera]


def wrong_folder(raw: Path) -> str | None:
    """What is wrong with `raw` and where to point instead, unless `raw` holds sequences/cam1 and sequences/cam2."""
    missing = [f"sequences/{name}" for camera, name in CAMERAS.items() if not os.path.isdir(camera_folder(raw, camera))]
    if not missing:
        return None
    full = raw.resolve()
    for root in full.parents[:3]:
        if os.path.isdir(camera_folder(root, "a")):
            if "images" in full.relative_to(root).parts:
                return f"holds one image per person, not videos: point to {root}, whose sequences are used"
            return f"is a part of the dataset: point to {root}, the folder that holds sequences"
    if (full.name == "images" or os.path.isdir(raw / "images")) and not os.path.isdir(raw / "sequences"):
        return "holds one image per person, but no sequences: get the sequences as well, and point to their folder"
    inside = holding(raw, "sequences/cam1")
    if inside:
        return f"has no sequences, but {inside[0]} has: point to that"
    return f"has no {' and no '.join(missing)}: point to the folder that holds them, iLIDS-VID's layout"


def survey(raw: Path, faults: list[Fault]) -> list[RawTrack]:
    """Every track that has frames; faults of folders, names and numbers are added to `faults`."""
    cameras = [camera_folder(raw, camera) for camera in CAMERAS]
    others = [entry for entry in entries(raw / "sequences") if entry not in cameras]
    faults += [unexpected(entry, "expected only cam1 and cam2 here") for entry in others]
    tracks: list[RawTrack] = []
    for camera, name in CAMERAS.items():
        examples = ("person001", f"{name}_person001_00001.png")
        tracks += survey_camera(camera_folder(raw, camera), camera, (PERSON, FRAMES[camera]), examples, faults)
    for track in tracks:
        strangers = [frame for frame in track.frames if int(re.findall("[0-9]+", frame.stem)[-2]) != track.person]
        faults += [Fault("another person's", frame, f"in the folder {frame.parent.name}") for frame in strangers]
    return tracks


def compare(dataset: str, raw: Path, tracks: list[RawTrack], sizes: Sizes, published: bool, findings: Findings) -> None:
    """Adds to `findings`: counts beside the published ones, notes and faults."""
    seen = [{track.person for track in tracks if track.camera == camera} for camera in CAMERAS]
    counts = (len(seen[0]), len(seen[1]), len(seen[0] & seen[1]), len(tracks))
    here = dict(zip(PUBLISHED, counts))
    if seen[0] ^ seen[1]:
        findings.notes.append(f"persons in one camera only: {len(seen[0] ^ seen[1]):,}; no pairs can be made of them")
    gaps = [track.frames[0].parent for track in tracks if has_gap(track)]
    if gaps:
        findings.notes.append(f"{len(gaps):,} tracks have gaps in their numbers, such as {gaps[0]}; flow jumps there")
    findings.facts += [
        *((what, f"{here[what]:,}", f"{PUBLISHED[what]:,}") for what in PUBLISHED),
        *frame_facts(tracks, sizes, PUBLISHED_LENGTHS, "128 x 64"),
    ]
    differ = [f"{what}: {here[what]:,}, expected {count:,}" for what, count in PUBLISHED.items() if here[what] != count]
    add_differences(differ, raw, published, findings)

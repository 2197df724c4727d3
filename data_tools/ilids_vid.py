"""iLIDS-VID on disk: where the tracks are, and what the published dataset holds.

T. Wang, S. Gong, X. Zhu, S. Wang, Person re-identification by video ranking, ECCV 2014. The folder as published, with
images of 128 x 64:

    RAW/sequences/cam1/person001/cam1_person001_00317.png, ..._00318.png, ...      300 persons, numbered up to 319
    RAW/sequences/cam2/person001/cam2_person001_00001.png, ...                     the same 300
    RAW/images/cam1/person001/...                                 one image per person: not a video, not used here

RAW is the folder i-LIDS-VID. The last number of a name is the frame's number in the camera's video, so tracks can start
at any number. Cameras become "a" (cam1) and "b" (cam2). Protocol: 150 persons to train and 150 to test.
"""

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
    survey_camera,
    tracks_of_camera,
)
from minireid.base.errors import InputError

CAMERAS = {"a": "cam1", "b": "cam2"}
PUBLISHED_AS = "iLIDS-VID as published"
PUBLISHED = {"persons in camera 1": 300, "persons in camera 2": 300, "persons in both cameras": 300, "tracks": 600}
PUBLISHED_LENGTHS = "23 to 192, mean 73"

PERSON = re.compile(r"person(\d+)", re.IGNORECASE)
FRAMES = {
    camera: re.compile(rf"{name}_person\d+_(\d+)\.(?:png|jpg|jpeg)", re.IGNORECASE) for camera, name in CAMERAS.items()
}


def camera_folder(raw: Path, camera: str) -> Path:
    """RAW/sequences/cam1 or cam2."""
    return raw / "sequences" / CAMERAS[camera]


def wrong_folder(raw: Path) -> str | None:
    """What is wrong with `raw` and where to point instead, unless `raw` holds sequences/cam1 and sequences/cam2."""
    missing = [f"sequences/{name}" for camera, name in CAMERAS.items() if not camera_folder(raw, camera).is_dir()]
    if not missing:
        return None
    full = raw.resolve()
    for root in full.parents[:3]:
        if camera_folder(root, "a").is_dir():
            if "images" in full.relative_to(root).parts:
                return f"holds one image per person, not videos: point to {root}, whose sequences are used"
            return f"is a part of the dataset: point to {root}, the folder that holds sequences"
    if (full.name == "images" or (raw / "images").is_dir()) and not (raw / "sequences").is_dir():
        return "holds one image per person, but no sequences: get the sequences as well, and point to their folder"
    inside = sorted(path.parent.parent for path in raw.glob("*/sequences/cam1"))
    if inside:
        return f"has no sequences, but {inside[0]} has: point to that"
    return f"has no {' and no '.join(missing)}: point to the folder that holds them, iLIDS-VID's layout"


def find_tracks(raw: Path) -> list[RawTrack]:
    """Every track of a raw folder, camera 1 first, then by person. Frames are sorted by the last number in their name.

    Raises InputError if the folder is not laid out like iLIDS-VID, a person has two folders, two frames of a track have
    the same number, or a track is empty. `verify` checks more: gaps, unexpected files, the images themselves.
    """
    if not raw.is_dir():
        raise InputError(f"expected a dataset folder, found none at {raw}: check the path")
    fault = wrong_folder(raw)
    if fault:
        raise InputError(f"{raw} {fault}")
    tracks: list[RawTrack] = []
    for camera in CAMERAS:
        tracks += tracks_of_camera(raw, camera_folder(raw, camera), camera, PERSON, FRAMES[camera])
    if not tracks:
        raise InputError(f"expected folders such as person001 in {camera_folder(raw, 'a')}, found none: check the path")
    return tracks


def survey(raw: Path, faults: list[Fault]) -> list[RawTrack]:
    """Every track that has frames; faults of folders, names and numbers are added to `faults`."""
    for entry in entries(raw / "sequences"):
        if entry not in [camera_folder(raw, camera) for camera in CAMERAS]:
            faults.append(Fault("unexpected", entry, "expected only cam1 and cam2 here"))
    tracks: list[RawTrack] = []
    for camera, name in CAMERAS.items():
        examples = ("person001", f"{name}_person001_00001.png")
        tracks += survey_camera(camera_folder(raw, camera), camera, (PERSON, FRAMES[camera]), examples, faults)
    for track in tracks:
        folder = track.frames[0].parent
        misplaced = [
            f for f in track.frames if int(f.stem.split("_")[1].lower().removeprefix("person")) != track.person
        ]
        faults += [Fault("another person's", frame, f"in the folder {folder.name}") for frame in misplaced]
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

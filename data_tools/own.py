"""Your own videos: a folder for each person, in it one for each camera, in it one for each track, in it the frames.

    RAW/anna/entrance/monday/0001.jpg, 0002.jpg, ...      any names; .jpg, .jpeg or .png

A track is one person seen by one camera without a break, cut out of the video: the person fills the frame, head to
feet. Names are sorted by their numbers (2 before 10). Persons are numbered in that order from 1; the index of the
prepared folder keeps the three names ("anna/entrance/monday") beside the number. Cameras keep their names.

ffmpeg writes such frames. This example takes every frame of a video from second 12 to second 16, and cuts out a box of
height 420 and width 180. The upper left corner of the box is at column 600 and row 90. (A detector or a tracker writes
such crops as well.)

    mkdir -p RAW/anna/entrance/monday
    ffmpeg -ss 12 -to 16 -i entrance.mp4 -vf "crop=180:420:600:90" RAW/anna/entrance/monday/%04d.png

Two cameras with a track each behave like PRID-2011: `minireid train PREPARED --set evaluation.protocol=halves` trains
on half of the persons whom both cameras saw. Other numbers of cameras or tracks work too. Then every track of a test
person is compared with all tracks, except those of the same person in the same camera, as in MARS.
"""

import os
import re
from collections import Counter
from pathlib import Path

from data_tools.raw import Fault, Findings, RawTrack, Sizes, entries, folders, frame_facts, unexpected

PUBLISHED_AS = ""
IMAGE = re.compile(r".+\.(?:png|jpg|jpeg)", re.IGNORECASE)
PART = re.compile(
    "train|training|test|testing|val|valid|validation|query|queries|probe|probes|gallery|"
    "bounding_box_train|bounding_box_test|bbox_train|bbox_test|gt_bbox|gt_query|"
    "multi_shot|single_shot|sequences|images|info",
    re.IGNORECASE,
)
CAMERA = re.compile(r"cam(?:era)?(?:[ _-]?[0-9]+|[ _-][a-z])", re.IGNORECASE)
LAYOUT = "person/camera/track/0001.jpg"


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key: 2 before 10, numbers before words."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdecimal() else (1 << 62, part.casefold()) for part in parts], path.name


def images(folder: Path) -> list[Path]:
    found = [entry for entry in entries(folder) if IMAGE.fullmatch(entry.name) and os.path.isfile(entry)]
    return sorted(found, key=natural)


def wrong_folder(raw: Path) -> str | None:
    """What is wrong with `raw`, or None if it has images three folders deep, like RAW/person/camera/track/0001.jpg."""
    level, depths = [raw], []
    for _ in range(5):
        depths.append(any(IMAGE.fullmatch(entry.name) for folder in level for entry in entries(folder)))
        level = [inner for folder in level for inner in folders(folder)]
    parts = [folder.name for folder in folders(raw) if PART.fullmatch(folder.name)]
    if parts and any(depths):
        return (
            f"has folders that are parts of a dataset, not persons: {', '.join(parts[:4])}. Expected {LAYOUT}: "
            "put the persons of all parts into one folder; minireid itself splits them"
        )
    cameras = [folder.name for folder in folders(raw) if CAMERA.fullmatch(folder.name)]
    if cameras and len(cameras) == len(folders(raw)) and any(depths):
        return f"has cameras outside, {', '.join(cameras[:4])}, and persons inside: expected {LAYOUT}; move them"
    if depths[3]:
        return None
    if depths[2]:
        return f"has images in person/camera: expected one more folder, for tracks ({LAYOUT}), such as .../1/0001.jpg"
    if depths[1]:
        return f"has images in the folders of persons: expected two more folders, of cameras and of tracks ({LAYOUT})"
    if depths[4]:
        return f"has images one folder too deep: point to the folder of persons inside it ({LAYOUT})"
    if depths[0]:
        return f"has images, but no folders: sort them into {LAYOUT}"
    return f"has no images such as {LAYOUT}: sort them into such folders, or check the path"


def survey(raw: Path, faults: list[Fault]) -> list[RawTrack]:
    """Every track that has frames: by person, camera, track. Empty folders and files in the wrong place are added to
    `faults`."""
    tracks: list[RawTrack] = []
    for n, person in enumerate(_folders("persons", raw, faults), start=1):
        for camera in _folders("cameras", person, faults):
            for track in _folders("tracks", camera, faults):
                frames = images(track)
                others = sorted(set(entries(track)) - set(frames))
                faults += [unexpected(entry, "expected only .jpg, .jpeg and .png images here") for entry in others]
                if frames:
                    name = f"{person.name}/{camera.name}/{track.name}"
                    tracks.append(RawTrack(n, camera.name, frames, name=name))
                else:
                    faults.append(Fault("empty track", track, "no images"))
    return tracks


def _folders(what: str, folder: Path, faults: list[Fault]) -> list[Path]:
    """The folders in a folder, in their order. That there are none, and files, is added to `faults`."""
    found = sorted(folders(folder), key=natural)
    others = sorted(set(entries(folder)) - set(found))
    faults += [unexpected(entry, f"expected only folders here ({LAYOUT})") for entry in others]
    if not found:
        faults.append(Fault("empty folder", folder, f"no folders of {what}"))
    return found


def compare(dataset: str, raw: Path, tracks: list[RawTrack], sizes: Sizes, published: bool, findings: Findings) -> None:
    """Adds to `findings`: counts, and notes on persons in one camera only and on sizes of images."""
    cameras: dict[int, set[str]] = {}
    for track in tracks:
        cameras.setdefault(track.person, set()).add(track.camera)
    alone = sum(len(seen) == 1 for seen in cameras.values())
    if alone:
        findings.notes.append(f"persons in one camera only: {alone:,}; protocol halves leaves them out")
    if len(set(sizes.values())) > 1:
        findings.notes.append(
            f"{len(set(sizes.values())):,} sizes of images: all are resized to one, whatever their shape"
        )
    several = Counter((track.person, track.camera) for track in tracks).most_common(1)
    findings.facts += [
        ("persons", f"{len(cameras):,}", ""),
        ("cameras", f"{len({track.camera for track in tracks}):,}", ""),
        ("persons in two cameras or more", f"{len(cameras) - alone:,}", ""),
        ("tracks", f"{len(tracks):,}", ""),
        ("most tracks of a person in a camera", f"{several[0][1] if several else 0:,}", ""),
        *frame_facts(tracks, sizes, "", ""),
    ]

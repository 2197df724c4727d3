"""MARS on disk: where the tracks are, who is a query, and what the published dataset holds.

L. Zheng, Z. Bie, Y. Sun, J. Wang, C. Su, S. Wang, Q. Tian, MARS: a video benchmark for large-scale person
re-identification, ECCV 2016. The folder as published, with images of 256 x 128:

    RAW/bbox_train/0001/0001C1T0001F001.jpg      person, camera (1 to 6), track, frame
    RAW/bbox_test/0002/0002C1T0001F001.jpg       other persons
    RAW/bbox_test/0000/..., 00-1/...             distractors (other people, person 0) and junk (bad boxes, person -1)
    RAW/info/train_name.txt, test_name.txt       all names of images, one per line
    RAW/info/tracks_train_info.mat               (tracks, 4): first, last, person, camera
    RAW/info/tracks_test_info.mat                the same
    RAW/info/query_IDX.mat                       rows of tracks_test_info, from 1: the queries

"first" and "last" are line numbers in the list of names, counted from 1. Both lines belong to the track. A person has
several tracks in a camera. The gallery is all test tracks, including the queries. A query is not compared with junk,
nor with tracks of the same person in the same camera (so not with itself). Some code takes the queries out of the
gallery. Then a few queries have no true match. Here they stay in the gallery, as in the authors' own test.

The .mat files are read by SciPy: pip install 'minireid[mars]'.
"""

import os
import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

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
)
from minireid.base.errors import InputError
from minireid.base.files import names_in, read_bytes
from minireid.data.prepared import DISTRACTORS, JUNK

PUBLISHED_AS = "MARS as published"
PUBLISHED = {
    "training persons": 625,
    "training tracks": 8298,
    "test persons": 634,  # from 1 on; the authors count 636, with distractors (person 0) and junk (person -1)
    "test tracks": 12180,
    "queries": 1980,
}
PARTS = {"train": "bbox_train", "test": "bbox_test"}
INFO = ("train_name.txt", "test_name.txt", "tracks_train_info.mat", "tracks_test_info.mat", "query_IDX.mat")
CAMERAS = range(1, 7)
NAME = re.compile(r"([0-9]{4}|00-1)C([0-9])T([0-9]{4})F([0-9]{3,18})\.jpg")
LARGEST_MAT = 4 * 2**20  # bytes: ten times as much as the published ones; inside, they are compressed
REMEDY = "get the dataset's info folder again"


def wrong_folder(raw: Path) -> str | None:
    """What is wrong with `raw` and where to point instead, unless it holds bbox_train, bbox_test and info."""
    missing = [name for name in (*PARTS.values(), "info") if not os.path.isdir(raw / name)]
    if not missing:
        return None
    full = raw.resolve()
    for root in full.parents[:2]:
        if os.path.isdir(root / "bbox_train"):
            return f"is a part of the dataset: point to {root}, the folder that holds bbox_train"
    inside = holding(raw, "bbox_train")
    if inside:
        return f"has no bbox_train, but {inside[0]} has: point to that"
    return f"has no {' and no '.join(missing)}: point to the folder that holds them, MARS's layout"


def survey(raw: Path, faults: list[Fault]) -> list[RawTrack]:
    """Every track whose images are there: training tracks, then test tracks, in the order of the lists.

    Faults of lists, line numbers and names, and files that are in no list, are added to `faults`. InputError if a file
    of info is missing or unreadable: nothing can be checked without it.
    """
    missing = [name for name in INFO if not os.path.isfile(raw / "info" / name)]
    if missing:
        raise InputError(f"expected {raw / 'info' / missing[0]}, found none: {REMEDY}")
    tracks = _tracks_of(raw, "train", faults)
    test = _tracks_of(raw, "test", faults)
    for row in _queries(raw, faults):
        if row in test:
            test[row] = test[row]._replace(role="query")
    faults += _unanswerable(raw, list(test.values()))
    return [*tracks.values(), *test.values()]


def _tracks_of(raw: Path, part: str, faults: list[Fault]) -> dict[int, RawTrack]:
    """{row, from 1: its track} of train or test, without the rows that have a fault."""
    file = raw / "info" / f"tracks_{part}_info.mat"
    names, rows = _names(raw, part), read_mat(file)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise InputError(f"expected rows of first, last, person, camera in {file}, got {rows.shape}: {REMEDY}")
    images = Images(raw / PARTS[part])
    listed: Counter[str] = Counter()
    tracks = {}
    for k, (first, last, person, camera) in enumerate(rows.tolist(), start=1):
        fault = _fault_of_row(names, first, last, person, camera, part)
        chosen = [] if fault else names[first - 1 : last]
        fault = fault or images.fault(chosen, person, camera)
        if fault:
            faults.append(Fault("track", file, f"row {k}: {fault}"))
        listed.update(chosen)
        if not fault:
            frames = [images.path(name) for name in chosen]
            tracks[k] = RawTrack(person, str(camera), frames, "train" if part == "train" else "gallery")
    faults += [Fault("twice", images.path(name), "is in two tracks") for name, count in listed.items() if count > 1]
    faults += [Fault("unlisted", path, "is in no track") for path in images.others(set(listed))]
    return tracks


def _fault_of_row(names: list[str], first: int, last: int, person: int, camera: int, part: str) -> str | None:
    """What is wrong with one row's numbers, or None."""
    if not 1 <= first <= len(names) or not 1 <= last <= len(names):
        return f"lines {first} to {last} are outside the list of {len(names):,} names"
    if last < first:
        return f"the track is empty: its last line, {last}, is before its first, {first}"
    if camera not in CAMERAS:
        return f"expected a camera from 1 to 6, got {camera}"
    if person < (1 if part == "train" else JUNK):
        return f"person {person} cannot be in {part}"
    return None


class Images:
    """The images of bbox_train or bbox_test; each person's folder is listed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.there: dict[str, set[str]] = {}

    def path(self, name: str) -> Path:
        return self.folder / name[:4] / name

    def fault(self, names: list[str], person: int, camera: int) -> str | None:
        """Why these names are not the images of one track of that person and camera, or None."""
        for name in names:
            match = NAME.fullmatch(name)
            if not match:
                return f"expected a name such as 0001C1T0001F001.jpg, got {name!r}"
            who = JUNK if match[1] == "00-1" else int(match[1])
            if (who, int(match[2])) != (person, camera):
                return f"is person {person} in camera {camera}, but {name} is not"
            if name not in self.listing(name[:4]):
                return f"{self.path(name)} is listed, but not there"
        return None

    def listing(self, person: str) -> set[str]:
        if person not in self.there:
            self.there[person] = names_in(self.folder / person)
        return self.there[person]

    def others(self, listed: set[str]) -> list[Path]:
        """Files and folders that no list names."""
        found = []
        for person in entries(self.folder):
            if os.path.isdir(person):
                found += [entry for entry in entries(person) if entry.name not in listed]
            else:
                found.append(person)
        return found


def _names(raw: Path, part: str) -> list[str]:
    file = raw / "info" / f"{part}_name.txt"
    content = read_bytes(file, "a list of names")
    try:
        return content.decode("ascii").split()
    except UnicodeDecodeError as fault:
        raise InputError(f"expected a list of names in {file}, but it is damaged ({fault}): {REMEDY}") from None


def _queries(raw: Path, faults: list[Fault]) -> list[int]:
    """The rows of tracks_test_info that are queries."""
    file = raw / "info" / "query_IDX.mat"
    rows, count = read_mat(file).ravel().tolist(), len(read_mat(raw / "info" / "tracks_test_info.mat"))
    beyond = [row for row in rows if not 1 <= row <= count]
    repeated = [row for row, times in Counter(rows).items() if times > 1]
    if beyond:
        faults.append(Fault("query", file, f"expected rows from 1 to {count:,}, got {beyond[0]}"))
    if repeated:
        faults.append(Fault("query", file, f"row {repeated[0]} is there twice"))
    return rows


def _unanswerable(raw: Path, test: list[RawTrack]) -> list[Fault]:
    """Faults: queries that are junk or distractors, or have no track of the same person in another camera."""
    cameras: dict[int, set[str]] = {}
    for track in test:
        cameras.setdefault(track.person, set()).add(track.camera)
    faults = []
    for track in (track for track in test if track.role == "query"):
        if track.person in (JUNK, DISTRACTORS):
            text = f"the query {track.frames[0].name} is junk or a distractor"
        elif len(cameras[track.person]) < 2:
            text = f"the query {track.frames[0].name} has no true match in another camera"
        else:
            continue
        faults.append(Fault("query", raw / "info" / "query_IDX.mat", text))
    return faults


def read_mat(file: Path) -> np.ndarray:
    """The only variable of a .mat file, as int64. InputError if the file is damaged or SciPy is not installed."""
    try:
        from scipy.io import loadmat
    except ImportError:
        raise InputError("MARS's .mat files are read by SciPy: pip install 'minireid[mars]'") from None
    content = read_bytes(file, "a .mat file", largest=LARGEST_MAT)
    try:
        found: dict[str, Any] = loadmat(BytesIO(content))
    except Exception as fault:  # SciPy raises errors of many types for a damaged file
        words = " ".join(str(fault).split()) or type(fault).__name__
        raise InputError(f"expected a .mat file at {file}, but it is damaged ({words}): {REMEDY}") from None
    variables = [value for name, value in found.items() if not name.startswith("__")]
    numbers = variables[0] if len(variables) == 1 else None
    if not isinstance(numbers, np.ndarray) or numbers.dtype.kind not in "iuf" or not numbers.size:
        raise InputError(f"expected one matrix of numbers in {file}, got {', '.join(found) or 'nothing'}: {REMEDY}")
    if not np.all(np.abs(numbers.astype(np.float64)) < 2**53) or np.any(numbers != np.rint(numbers)):
        raise InputError(f"expected whole numbers in {file}, got others: {REMEDY}")
    return numbers.astype(np.int64)


def compare(dataset: str, raw: Path, tracks: list[RawTrack], sizes: Sizes, published: bool, findings: Findings) -> None:
    """Adds to `findings`: counts beside the published ones, notes and faults."""
    train = [track for track in tracks if track.role == "train"]
    test = [track for track in tracks if track.role != "train"]
    known = {track.person for track in test} - {JUNK, DISTRACTORS}
    queries = sum(track.role == "query" for track in test)
    counts = (len({track.person for track in train}), len(train), len(known), len(test), queries)
    here = dict(zip(PUBLISHED, counts))
    both = sorted({track.person for track in train} & known)
    findings.faults += [Fault("both", raw, f"person {person} is in train and in test") for person in both]
    kinds = {kind: sum(t.person == who for t in test) for kind, who in (("distractors", DISTRACTORS), ("junk", JUNK))}
    gaps = [track.frames[0] for track in tracks if has_gap(track)]
    if gaps:
        findings.notes.append(f"{len(gaps):,} tracks have gaps in their numbers, such as {gaps[0]}; flow jumps there")
    findings.facts += [
        *((what, f"{here[what]:,}", f"{PUBLISHED[what]:,}") for what in PUBLISHED),
        *((f"of the test tracks, {kind}", f"{count:,}", "") for kind, count in kinds.items()),
        ("cameras", f"{len({track.camera for track in tracks})}", "6"),
        *frame_facts(tracks, sizes, "2 to 920, mean about 59", "256 x 128"),
    ]
    differ = [f"{what}: {here[what]:,}, expected {count:,}" for what, count in PUBLISHED.items() if here[what] != count]
    add_differences(differ, raw, published, findings)

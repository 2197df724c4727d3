"""What the layouts of raw datasets have in common: tracks, listings of folders in the order of their numbers, faults.

A layout is a module (prid2011, ilids_vid, mars, own) with these functions:

    wrong_folder(raw)              what is wrong with the folder as a whole and where to point instead, or None
    find_tracks(raw)               every track, in order; InputError if one cannot be read: for `prepare`
    survey(raw, faults)            every track that has frames, and every fault of names and numbers: for `verify`
    compare(dataset, raw, tracks, sizes, published, findings)
                                   adds to `findings`: counts beside those of the published dataset, notes, faults

The constant PUBLISHED_AS is the heading of the published counts.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minireid.base.errors import InputError

FRAME = re.compile(r"(\d+)\.(?:png|jpg|jpeg)", re.IGNORECASE)
Sizes = dict[Path, tuple[int, int]]  # path of an image: height, width


class RawTrack(NamedTuple):
    """One person in one camera, frames in order. role: train, query or gallery (MARS). name: from your own folders."""

    person: int
    camera: str
    frames: list[Path]
    role: str | None = None
    name: str | None = None


class Fault(NamedTuple):
    """One thing that is wrong. Faults of one kind are printed together."""

    kind: str
    path: Path
    text: str


@dataclass
class Findings:
    """facts: rows of a table (what, here, published). notes: remarks. faults: what has to be repaired."""

    facts: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def number(path: Path) -> int:
    """The last number in a name: 17 for .../person_0017, for .../0017.png and for .../cam1_person001_00017.png."""
    return int(re.findall(r"\d+", path.stem)[-1])


def entries(folder: Path) -> list[Path]:
    """The entries of a folder, sorted by name, without hidden files. InputError if it cannot be read."""
    try:
        return sorted(e for e in folder.iterdir() if not e.name.startswith(".") and e.name != "Thumbs.db")
    except OSError as fault:
        raise InputError(f"expected a readable folder, but {folder} is not ({fault.strerror}): check it") from None


def listing(folder: Path, pattern: re.Pattern[str]) -> tuple[list[Path], list[Path]]:
    """A folder's entries: (those that match, sorted by the number in the pattern's group 1; the others, by name)."""
    matches = {entry: pattern.fullmatch(entry.name) for entry in entries(folder)}
    expected = sorted((int(match[1]), entry.name, entry) for entry, match in matches.items() if match)
    return [entry for _, _, entry in expected], [entry for entry, match in matches.items() if not match]


def tracks_of_camera(raw: Path, folder: Path, camera: str, person: re.Pattern[str], frame: re.Pattern[str]):
    """Every track of one camera's folder, for find_tracks: one folder per person, one file per frame.

    InputError if a person has two folders, two frames of a track have the same number, or a track is empty.
    """
    tracks = []
    folders = [entry for entry in listing(folder, person)[0] if entry.is_dir()]
    persons = [number(entry) for entry in folders]
    for who, entry in zip(persons, folders):
        frames = listing(entry, frame)[0]
        if not frames or persons.count(who) > 1 or len(set(map(number, frames))) < len(frames):
            reason = "has no frames, or its number or a frame's number is there twice"
            raise InputError(f"{entry} {reason}: python -m data_tools.verify names every fault in {raw}")
        tracks.append(RawTrack(who, camera, frames))
    return tracks


def survey_camera(
    folder: Path, camera: str, patterns: tuple[re.Pattern[str], re.Pattern[str]], examples: tuple[str, str], faults
) -> list[RawTrack]:
    """As tracks_of_camera, for survey: every track that has frames. Faults are added to `faults`.

    patterns: of the names of persons' folders and of frames. examples: one such name each, for the messages.
    """
    tracks = []
    folders, others = listing(folder, patterns[0])
    others += [entry for entry in folders if not entry.is_dir()]
    faults += [Fault("unexpected", entry, f"expected only folders such as {examples[0]} here") for entry in others]
    folders = [entry for entry in folders if entry.is_dir()]
    if not folders:
        faults.append(Fault("empty folder", folder, f"no folder such as {examples[0]}"))
    for before, entry in pairwise(folders):
        if number(before) == number(entry):
            faults.append(Fault("twice", entry, f"person {number(entry)} has another folder, {before.name}"))
    for entry in folders:
        frames, others = listing(entry, patterns[1])
        faults += [Fault("unexpected", odd, f"expected only images such as {examples[1]} here") for odd in others]
        for before, frame in pairwise(frames):
            if number(before) == number(frame):
                faults.append(Fault("twice", frame, f"frame {number(frame)} has another file, {before.name}"))
        if frames:
            tracks.append(RawTrack(number(entry), camera, frames))
        else:
            faults.append(Fault("empty track", entry, f"no images such as {examples[1]}"))
    return tracks


def has_gap(track: RawTrack) -> bool:
    """Is a number missing between the first and the last frame?"""
    return number(track.frames[-1]) - number(track.frames[0]) + 1 != len(track.frames)


def ranges(numbers: list[int]) -> str:
    """[4, 7, 8, 9] -> "4, 7-9". Long lists are cut short."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return ", ".join(texts[:8]) + (f", ... ({len(numbers)} in all)" if len(texts) > 8 else "")


def frame_facts(tracks: list[RawTrack], sizes: Sizes, lengths: str, size: str) -> list[tuple[str, str, str]]:
    """Frames per track, frames, and the most frequent height x width. lengths, size: the published values."""
    counts = [len(track.frames) for track in tracks] or [0]
    common = Counter(sizes.values()).most_common(1)
    return [
        ("frames per track", f"{min(counts)} to {max(counts)}, mean {np.mean(counts):.0f}", lengths),
        ("frames", f"{sum(counts):,}", ""),
        ("height x width", f"{common[0][0][0]} x {common[0][0][1]}" if common else "", size),
    ]


def add_differences(differ: list[str], raw: Path, published: bool, findings: Findings) -> None:
    """Differences from the published dataset: faults if `published`, else one note."""
    if published:
        findings.faults += [Fault("not as published", raw, line) for line in differ]
    elif differ:
        findings.notes.append("counts differ from the published ones, see the table; --published makes that a fault")

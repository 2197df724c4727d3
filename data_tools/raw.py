"""What the layouts of raw datasets have in common: tracks, listings of folders in the order of their numbers, faults.

A layout is a module (prid2011, ilids_vid, mars, own) with these functions:

    wrong_folder(raw)              what is wrong with the folder as a whole and where to point instead, or None
    survey(raw, faults)            every track that has frames, in order; adds to `faults` what is wrong with names
    compare(dataset, raw, tracks, sizes, published, findings)
                                   adds to `findings`: counts beside those of the published dataset, notes, faults

The constant PUBLISHED_AS is the heading of the published counts. `prepare` and `verify` both read a folder by its
survey (layouts.py), so what the one takes is what the other looks at.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_tools.formats import foreign
from minireid.base.errors import InputError
from minireid.base.files import names_in

FRAME = re.compile(r"([0-9]{1,18})\.(?:png|jpg|jpeg)", re.IGNORECASE)
LITTER = {"thumbs.db", "desktop.ini", "@eadir", "__macosx"}  # of file managers, network drives and archives
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # the last are bytes that are not UTF-8
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
    return int(re.findall(r"[0-9]+", path.stem)[-1])


def entries(folder: Path) -> list[Path]:
    """The entries of a folder, sorted by name, without litter and hidden files.

    InputError if it cannot be listed, or if a name could not stand in the index.
    """
    names = sorted(name for name in names_in(folder) if not (name.startswith(".") or name.lower() in LITTER))
    for name in filter(UNWRITABLE.search, names):
        raise InputError(f"expected names in UTF-8 without control characters in {folder}, got {name!r}: rename it")
    return [folder / name for name in names]


def folders(folder: Path) -> list[Path]:
    """The folders among the entries of a folder."""
    return [entry for entry in entries(folder) if os.path.isdir(entry)]


def holding(raw: Path, place: str) -> list[Path]:
    """The folders one or two levels below `raw` that hold the folder `place`, those nearest to it first."""
    inside = folders(raw)
    inside += [inner for folder in inside for inner in folders(folder)]
    return [folder for folder in inside if os.path.isdir(folder / place)]


def unexpected(path: Path, expected: str) -> Fault:
    """The fault of an entry that does not belong there. Another format, as WebP or a video, is named."""
    return Fault("unexpected", path, foreign(path) or expected)


def listing(folder: Path, pattern: re.Pattern[str]) -> tuple[list[Path], list[Path]]:
    """A folder's entries: (those that match, sorted by the number in the pattern's group 1; the others, by name)."""
    matches = {entry: pattern.fullmatch(entry.name) for entry in entries(folder)}
    expected = sorted((int(match[1]), entry.name, entry) for entry, match in matches.items() if match)
    return [entry for _, _, entry in expected], [entry for entry, match in matches.items() if not match]


def survey_camera(
    folder: Path, camera: str, patterns: tuple[re.Pattern[str], re.Pattern[str]], examples: tuple[str, str], faults
) -> list[RawTrack]:
    """Every track of one camera's folder: a folder for each person, in it a file for each frame.

    Faults are added to `faults`.
    patterns: of the names of persons' folders and of frames. examples: one such name each, for the messages.
    """
    tracks = []
    named, others = listing(folder, patterns[0])
    others += [entry for entry in named if not os.path.isdir(entry)]
    faults += [unexpected(entry, f"expected only folders such as {examples[0]} here") for entry in others]
    persons = [entry for entry in named if os.path.isdir(entry)]
    if not persons:
        faults.append(Fault("empty folder", folder, f"no folder such as {examples[0]}"))
    for before, entry in pairwise(persons):
        if number(before) == number(entry):
            faults.append(Fault("twice", entry, f"person {number(entry)} has another folder, {before.name}"))
    for entry in persons:
        frames, others = listing(entry, patterns[1])
        faults += [unexpected(odd, f"expected only images such as {examples[1]} here") for odd in others]
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
    return runs_in_words([(run[0], run[-1]) for run in runs])


def runs_in_words(runs: list[tuple[int, int]]) -> str:
    """[(4, 4), (7, 9)] -> "4, 7-9". Long lists are cut short."""
    texts = [f"{first}-{last}" if last > first else f"{first}" for first, last in runs]
    count = sum(last - first + 1 for first, last in runs)
    return ", ".join(texts[:8]) + (f", ... ({count} in all)" if len(texts) > 8 else "")


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

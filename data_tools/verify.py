"""What is in a raw dataset folder, against what the published dataset holds; and every fault in it, with its path.

    python -m data_tools.verify prid2011 RAW

Decodes every image. Exit code 0: usable (there may be notes); 1: faults; 2: nothing to look at. Persons seen by one
camera only, and counts that differ from the published ones, are notes: PRID-2011 itself has 734 such persons, and the
walkers differ on purpose. With --published, counts that differ are faults.
"""

import argparse
import hashlib
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_tools.prepare import LAYOUTS, UNREADABLE, decode, in_order
from data_tools.prid2011 import (
    CAMERAS,
    FRAME,
    PERSON,
    PERSONS_178,
    PUBLISHED,
    PUBLISHED_LENGTHS,
    SHARED,
    THRESHOLD_178,
    RawTrack,
    camera_folder,
    listing,
    number,
    protocol_178,
    wrong_folder,
)
from minireid.errors import InputError
from minireid.progress import bar

SHOWN = 5  # faults of one kind that are printed


class Fault(NamedTuple):
    """One thing that is wrong. Faults of one kind are printed together."""

    kind: str
    path: Path
    text: str


@dataclass
class Findings:
    """facts: (what, here, published); notes: lines that are no reason to stop; faults: what has to be mended."""

    facts: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Seen(NamedTuple):
    """What decoding one track has shown: its faults, and the size (height, width) of each sound image."""

    faults: list[Fault]
    sizes: dict[Path, tuple[int, int]]


def verify(dataset: str, raw: str | Path, *, published: bool = False, progress: bool = True) -> Findings:
    """Look at every folder and decode every image below `raw`. InputError if there is no such folder or dataset."""
    raw = Path(raw)
    if dataset not in LAYOUTS:
        raise InputError(f"expected a dataset out of {', '.join(LAYOUTS)}, got {dataset!r}: choose one of them")
    if not raw.is_dir():
        raise InputError(f"expected a dataset folder, found none at {raw}: check the path")
    findings = Findings()
    wrong = wrong_folder(raw)
    if wrong:
        findings.faults.append(Fault("wrong folder", raw, wrong))
        return findings
    tracks = _walk(raw, findings.faults)
    seen = []
    with bar(total=sum(len(track.frames) for track in tracks), unit="image", shown=progress) as counter:
        for track, images in zip(tracks, in_order(_look_at, tracks, os.cpu_count() or 1)):
            seen.append(images)
            counter.update(len(track.frames))
    findings.faults += [fault for images in seen for fault in images.faults]
    sizes = {path: size for images in seen for path, size in images.sizes.items()}
    findings.faults += _mixed_sizes(sizes)
    _compare(dataset, raw, tracks, sizes, published, findings)
    return findings


def _walk(raw: Path, faults: list[Fault]) -> list[RawTrack]:
    """Every track that has frames; faults of folders, names and numbers are added to `faults`."""
    tracks = []
    for entry in listing(raw / "multi_shot", PERSON)[1]:
        if entry not in [camera_folder(raw, camera) for camera in CAMERAS]:
            faults.append(Fault("unexpected", entry, "expected only cam_a and cam_b here"))
    for camera in CAMERAS:
        folders, others = listing(camera_folder(raw, camera), PERSON)
        others += [entry for entry in folders if not entry.is_dir()]
        faults += [Fault("unexpected", entry, "expected only folders such as person_0001 here") for entry in others]
        folders = [folder for folder in folders if folder.is_dir()]
        if not folders:
            faults.append(Fault("empty folder", camera_folder(raw, camera), "no folder such as person_0001"))
        for before, folder in pairwise(folders):
            if number(before) == number(folder):
                faults.append(Fault("twice", folder, f"person {number(folder)} has another folder, {before.name}"))
        for folder in folders:
            frames, others = listing(folder, FRAME)
            faults += [Fault("unexpected", entry, "expected only images such as 0001.png here") for entry in others]
            if frames:
                faults += _numbering(folder, frames)
                tracks.append(RawTrack(number(folder), camera, frames))
            else:
                faults.append(Fault("empty track", folder, "no images such as 0001.png"))
    return tracks


def _numbering(folder: Path, frames: list[Path]) -> list[Fault]:
    """Frames must be numbered 1, 2, 3, ... without a gap, each number once."""
    faults = []
    counts = Counter(map(number, frames))
    for before, frame in pairwise(frames):
        if number(before) == number(frame):
            faults.append(Fault("twice", frame, f"frame {number(frame)} has another file, {before.name}"))
    missing = sorted(set(range(1, max(counts) + 1)) - set(counts))
    if missing:
        faults.append(Fault("gap", folder, f"of frames 1 to {max(counts)}, missing: {_ranges(missing)}"))
    if 0 in counts:
        faults.append(Fault("gap", folder, "the first frame is 0, expected 1"))
    return faults


def _ranges(numbers: list[int]) -> str:
    """[4, 7, 8, 9] -> "4, 7-9". Long lists are cut short."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return ", ".join(texts[:8]) + (f", ... ({len(numbers)} in all)" if len(texts) > 8 else "")


def _look_at(track: RawTrack) -> Seen:
    """Read and decode one track."""
    seen = Seen([], {})
    first_with: dict[bytes, Path] = {}
    for path in track.frames:
        try:
            content = path.read_bytes()
            if not content:
                seen.faults.append(Fault("zero bytes", path, "the file is empty"))
                continue
            image = decode(path, content)
        except UNREADABLE as fault:
            seen.faults.append(Fault("damaged image", path, str(fault).replace("\n", " ")))
            continue
        seen.sizes[path] = (image.height, image.width)
        first = first_with.setdefault(hashlib.sha256(content).digest(), path)
        if first is not path:
            seen.faults.append(Fault("duplicate image", path, f"same bytes as {first.name}"))
    return seen


def _mixed_sizes(sizes: dict[Path, tuple[int, int]]) -> list[Fault]:
    """Images that are not of the most frequent size."""
    if not sizes:
        return []
    (common, count), *_ = Counter(sizes.values()).most_common()
    usual = f"{count:,} of {len(sizes):,} images are {common[0]} x {common[1]}"
    odd = [(path, size) for path, size in sizes.items() if size != common]
    return [Fault("mixed sizes", path, f"{height} x {width}, but {usual}") for path, (height, width) in odd]


def _compare(
    dataset: str,
    raw: Path,
    tracks: list[RawTrack],
    sizes: dict[Path, tuple[int, int]],
    published: bool,
    findings: Findings,
) -> None:
    """Facts beside those of the published dataset, and what follows from them."""
    in_a, in_b = ({track.person for track in tracks if track.camera == camera} for camera in CAMERAS)
    both = in_a & in_b
    if dataset == "prid2011" and max(both, default=0) > SHARED:
        beyond = sum(person > SHARED for person in both)
        why = f"PRID-2011 counts them per camera from {SHARED + 1} on, so each is taken as two people"
        findings.notes.append(f"{beyond:,} numbers above {SHARED} are in both cameras; {why}")
        both = {person for person in both if person <= SHARED}
    only_a, only_b = len(in_a) - len(both), len(in_b) - len(both)
    if only_a + only_b:
        ways = f"{only_a:,} in A, {only_b:,} in B"
        findings.notes.append(
            f"{only_a + only_b:,} persons are in one camera only ({ways}): no pairs can be made of them"
        )
    long_enough = protocol_178(tracks)
    counts = (len(in_a), len(in_b), len(both), only_a + only_b, len(tracks))
    here = dict(zip(PUBLISHED, counts))
    lengths = [len(track.frames) for track in tracks] or [0]
    common = Counter(sizes.values()).most_common(1)
    findings.facts += [
        *((what, f"{here[what]:,}", f"{PUBLISHED[what]:,}") for what in PUBLISHED),
        (f"persons 1-{SHARED}, > {THRESHOLD_178} frames in both", f"{len(long_enough):,}", f"{len(PERSONS_178):,}"),
        ("frames per track", f"{min(lengths)} to {max(lengths)}, mean {np.mean(lengths):.0f}", PUBLISHED_LENGTHS),
        ("frames", f"{sum(lengths):,}", ""),
        ("height x width", f"{common[0][0][0]} x {common[0][0][1]}" if common else "", "128 x 64"),
    ]
    differ = [
        f"{what}: {here[what]:,}, expected {PUBLISHED[what]:,}" for what in PUBLISHED if here[what] != PUBLISHED[what]
    ]
    short = sorted(set(PERSONS_178) - set(long_enough))
    if short:
        differ.append(f"not over {THRESHOLD_178} frames in both cameras, though of the 178: persons {_ranges(short)}")
    extra = sorted(set(long_enough) - set(PERSONS_178))
    if extra and dataset == "prid2011":
        findings.notes.append(
            f"over {THRESHOLD_178} frames in both cameras, but not of the 178: persons {_ranges(extra)}"
        )
    if published:
        findings.faults += [Fault("not as published", raw, line) for line in differ]
    elif differ:
        findings.notes.append("counts differ from the published ones, see the table; --published makes that a fault")


def report(dataset: str, findings: Findings) -> str:
    """Findings as text: a table, notes, faults; at most SHOWN faults of one kind."""
    lines = []
    if findings.facts:
        rows = [(dataset, "here", "PRID-2011 as published"), *findings.facts]
        left, middle, right = (max(len(row[column]) for row in rows) for column in range(3))
        lines += [f"{what:<{left}}  {here:>{middle}}  {there:>{right}}".rstrip() for what, here, there in rows]
        lines.insert(1, "-" * (left + middle + right + 4))
        lines.append("")
    lines += [f"note: {note}" for note in findings.notes]
    for kind in dict.fromkeys(fault.kind for fault in findings.faults):
        same = [fault for fault in findings.faults if fault.kind == kind]
        lines += [f"FAULT {kind}: {fault.path}: {fault.text}" for fault in same[:SHOWN]]
        if len(same) > SHOWN:
            lines.append(f"FAULT {kind}: and {len(same) - SHOWN:,} more")
    count = len(findings.faults)
    lines.append("no faults" if not count else "1 fault" if count == 1 else f"{count:,} faults")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m data_tools.verify", description="what is in a raw dataset folder")
    parser.add_argument("dataset", choices=sorted(LAYOUTS))
    parser.add_argument("raw", type=Path, help="the folder that holds multi_shot")
    parser.add_argument(
        "--published", action="store_true", help="counts that differ from the published ones are faults"
    )
    chosen = parser.parse_args(arguments)
    try:
        findings = verify(chosen.dataset, chosen.raw, published=chosen.published)
    except InputError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    print(report(chosen.dataset, findings))
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""Compares a raw dataset folder with the published dataset, and names every fault in it, with its path.

    python -m data_tools.verify prid2011 RAW          (or ilids_vid, mars, own, walkers)

Decodes every image. Exit code 0: usable (there may be notes); 1: faults; 2: nothing to look at. Persons seen by one
camera only, and counts that differ from the published ones, are notes: PRID-2011 itself has 734 such persons, and the
walkers differ on purpose. With --published, counts that differ are faults. Each dataset's own file (prid2011.py, ...)
says what is checked in its folders and names.
"""

import hashlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from data_tools import images, layouts, prid2011
from data_tools.layouts import survey
from data_tools.raw import Fault, Findings, RawTrack, Sizes
from data_tools.workers import in_order, workers_or_all
from minireid.base.errors import InputError
from minireid.base.progress import bar

SHOWN = 5  # faults of one kind that are printed
# In these a track may hold the same image twice: boxes found by a tracker (mars), videos that stand still (own).
STILLS = ("mars", "own")


class Seen(NamedTuple):
    """One decoded track: its faults, and the size (height, width) of each undamaged image."""

    faults: list[Fault]
    sizes: Sizes


def verify(dataset: str, raw: str | Path, *, published: bool = False, progress: bool = True) -> Findings:
    """Look at every folder and decode every image below `raw`. InputError if there is no such folder or dataset.

    published: counts that differ from the published ones are faults, not notes. progress: show a bar.
    """
    raw, findings = Path(raw), Findings()
    _, layout, tracks, findings.faults = survey(dataset, raw)
    if [fault.kind for fault in findings.faults] == ["wrong folder"]:
        return findings
    seen = []
    with bar(total=sum(len(track.frames) for track in tracks), unit="image", shown=progress) as counter:
        for track, looked in zip(tracks, in_order(_look_at, tracks, workers_or_all(None))):
            seen.append(looked)
            counter.update(len(track.frames))
    found = [fault for looked in seen for fault in looked.faults]
    repeated = [fault for fault in found if fault.kind == "duplicate image"] if dataset in STILLS else []
    if repeated:
        findings.notes.append(f"{len(repeated):,} images repeat one of their track, such as {repeated[0].path}")
    findings.faults += [fault for fault in found if not repeated or fault.kind != "duplicate image"]
    sizes = {path: size for looked in seen for path, size in looked.sizes.items()}
    if dataset not in layouts.FREE_SIZES:
        findings.faults += _mixed_sizes(sizes)
    layout.compare(dataset, raw, tracks, sizes, published, findings)
    return findings


def _look_at(track: RawTrack) -> Seen:
    """Read and decode one track."""
    seen = Seen([], {})
    first_with: dict[bytes, Path] = {}
    for path in track.frames:
        try:
            content = images.read(path)
        except InputError as fault:
            seen.faults.append(Fault("unreadable", path, str(fault)))
            continue
        image = images.decode(path, content)
        if isinstance(image, Fault):
            seen.faults.append(image)
            continue
        seen.sizes[path] = (image.height, image.width)
        first = first_with.setdefault(hashlib.sha256(content).digest(), path)
        if first is not path:
            seen.faults.append(Fault("duplicate image", path, f"same bytes as {first.name}"))
    return seen


def _mixed_sizes(sizes: Sizes) -> list[Fault]:
    """Images that are not of the most frequent size."""
    if not sizes:
        return []
    (common, count), *_ = Counter(sizes.values()).most_common()
    usual = f"{count:,} of {len(sizes):,} images are {common[0]} x {common[1]}"
    odd = [(path, size) for path, size in sizes.items() if size != common]
    return [Fault("mixed sizes", path, f"{height} x {width}, but {usual}") for path, (height, width) in odd]


def report(dataset: str, findings: Findings, published_as: str = prid2011.PUBLISHED_AS) -> str:
    """Findings as text: a table, notes, faults; at most SHOWN faults of one kind. published_as: its last column."""
    lines = []
    if findings.facts:
        rows = [(dataset, "here", published_as), *findings.facts]
        left, middle, right = (max(len(row[column]) for row in rows) for column in range(3))
        lines += [f"{what:<{left}}  {here:>{middle}}  {there:>{right}}".rstrip() for what, here, there in rows]
        lines.insert(1, "-" * (left + middle + (right + 4 if right else 2)))
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

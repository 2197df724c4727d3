"""Draws synthetic walking people as image files in PRID-2011's layout: `python -m data_tools.walkers OUT`.

OUT/multi_shot/cam_a/person_0001/0001.png …, 128 x 64. walkers.json describes all persons, contact_sheet.png shows some
of them. The first N people are seen by both cameras; a tenth more follow, seen by one camera only. --layout ilids_vid
or mars writes the layout of these datasets: see layouts.py.

Each track has a generator of its own, default_rng([seed, person, 1 + camera]). So the files do not depend on how many
processes write them. Tracks share no random numbers, except those of twins (see twins.py).
"""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from data_tools.walkers import layouts as layouts
from data_tools.walkers.cameras import CAMERA_C, CAMERAS, draw_track, film
from data_tools.walkers.description import FORMAT, VERSION
from data_tools.walkers.gait import metres_per_cycle
from data_tools.walkers.people import Person, describe, draw_person
from data_tools.walkers.twins import (
    GROUP,
    LENGTHS,
    POSES,
    pose_indices,
    twin_look,
    twin_steps,
    twin_track,
)
from data_tools.whole_folder import refuse_others, target_of, whole_or_nothing
from data_tools.workers import workers_or_all
from minireid.base.errors import InputError
from minireid.base.files import names_in, write_text
from minireid.base.processes import end_with_parent, undisturbed
from minireid.base.progress import bar

PROGRAM = "data_tools.walkers"
FRAMES = {"prid2011": (20, 50), "ilids_vid": (20, 50), "mars": (40, 100)}  # a walk; in mars it is cut into tracks
FILES = {"multi_shot", "sequences", "bbox_train", "bbox_test", "info", "walkers.json", "contact_sheet.png"}


@dataclass(frozen=True)
class Walk:
    """One person to be written: where they are seen, and how they move."""

    person: int  # from 1
    cameras: str  # "ab", "a" or "b"; in MARS's layout any of "abc"
    group: int | None = None
    step: int | None = None


def cast(people: int, seed: int, twins: bool, layout: str = "prid2011") -> list[Walk]:
    """All persons of the dataset, in the order of their numbers."""
    if twins:
        groups = range(people // GROUP)
        return [Walk(1 + g * GROUP + i, "ab", g, k) for g in groups for i, k in enumerate(twin_steps(seed, g))]
    single = -(-people // 10)
    if layout == "mars":
        choices = np.random.default_rng([seed, 8]).choice(["ab", "ac", "bc", "abc"], size=people).tolist()
        seen = [Walk(p, cameras) for p, cameras in enumerate(choices, start=1)]
        return seen + [Walk(people + 1 + i, "abc"[i % 3]) for i in range(single)]
    shared = [Walk(p, "ab") for p in range(1, people + 1)]
    if layout == "ilids_vid":
        return shared
    return shared + [Walk(people + 1 + i, "a" if i < single - single // 2 else "b") for i in range(single)]


def _look(walk: Walk, seed: int) -> Person:
    if walk.group is not None:
        return twin_look(seed, walk.group)
    return draw_person(np.random.default_rng([seed, walk.person, 0]))


def _track_frames(
    walk: Walk, camera: str, seed: int, frames: tuple[int, int]
) -> tuple[Iterator[np.ndarray], list[int]]:
    """The frames of one track, and the pose of each frame for twins (empty for ordinary walkers)."""
    index = layouts.NAMES.index(camera)
    rng = np.random.default_rng([seed, walk.person, 1 + index])
    person = _look(walk, seed)
    if walk.group is not None and walk.step is not None:
        track = twin_track(rng, seed, walk.group, index, frames)
        poses = pose_indices(int(rng.integers(POSES)), walk.step, len(track.scale))
        return film(person, track, 2 * np.pi * poses / POSES, seed), poses.tolist()
    length = int(rng.integers(frames[0], frames[1] + 1))
    start, pace = rng.random(), float(np.exp(rng.normal(0, 0.03)))
    cycles = person.frequency * pace
    track = draw_track(rng, (*CAMERAS, CAMERA_C)[index], length, person.height, cycles * metres_per_cycle(person))
    return film(person, track, 2 * np.pi * (start + cycles * np.arange(length)), seed), []


def _write_person(
    walk: Walk, out: Path, seed: int, frames: tuple[int, int], layout: str
) -> tuple[Walk, dict[str, list[int]]]:
    """Write all tracks of one person; return the poses of each, for twins."""
    poses = {}
    alone = layout == "mars" and len(walk.cameras) == 1
    files = layouts.mars_distractor if alone else layouts.LAYOUTS[layout]
    for camera in walk.cameras:
        pictures, poses[f"cam_{camera}/person_{walk.person:04d}"] = _track_frames(walk, camera, seed, frames)
        for name, picture in files(pictures, walk.person, camera, seed):
            layouts.save(out / name, picture)
    return walk, poses


def contact_sheet(out: Path, rows: Sequence[int], layout: str = "prid2011", columns: int = 5) -> Image.Image:
    """People as rows, their numbers at the left; `columns` consecutive frames of camera a, then of camera b."""
    wide, high, left, gap = 48, 96, 26, 8
    sheet = Image.new("RGB", (left + 2 * columns * wide + gap, high * len(rows)), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for row, person in enumerate(rows):
        draw.text((3, high * row + high // 2 - 6), str(person), fill=(0, 0, 0))
        for c, camera in enumerate("ab"):
            shown = layouts.first_frames(out, layout, person, camera)[:columns]  # a track can be shorter than the row
            for i, path in enumerate(shown):
                with Image.open(path) as frame:
                    small = frame.resize((wide, high), Image.Resampling.LANCZOS)
                sheet.paste(small, (left + (c * columns + i) * wide + c * gap, high * row))
    return sheet.quantize(96, dither=Image.Dither.NONE)  # 96 colours keep the file small


def _description(walks: Sequence[Walk], poses: dict[str, list[int]], seed: int, twins: bool, layout: str) -> str:
    """The text of walkers.json, one person and one track per line."""
    people: dict[str, Any] = {}
    for walk in walks:
        fields: dict[str, Any] = {"cameras": walk.cameras}
        if twins:
            fields |= {"group": walk.group, "step": walk.step}
        people[str(walk.person)] = fields | describe(_look(walk, seed))
    head: dict[str, Any] = {"format": FORMAT, "version": VERSION, "seed": seed, "twins": twins}
    if layout != "prid2011":
        head["layout"] = layout
    blocks = {"people": people} | ({"poses": poses} if twins else {})
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
    for name, block in blocks.items():
        inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in block.items())
        lines.append(f" {json.dumps(name)}: {{\n{inner}\n }}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _check(people: int, seed: int, frames: tuple[int, int], twins: bool, layout: str) -> None:
    if people < 1 or people > 9000:
        raise InputError(f"expected 1 to 9000 people, got {people}: choose another --people")
    if twins and people % GROUP:
        raise InputError(f"expected a number of people that {GROUP} divides (twins come in fours), got {people}")
    if seed < 0:
        raise InputError(f"expected a seed of 0 or more, got {seed}: choose another --seed")
    if not 1 <= frames[0] <= frames[1] <= 9999:
        raise InputError(f"expected 1 <= MIN <= MAX <= 9999 frames, got {frames[0]} and {frames[1]}: change --frames")
    if twins and frames[0] < POSES:
        raise InputError(f"expected at least {POSES} frames for twins (one cycle), got {frames[0]}: change --frames")
    if layout not in layouts.LAYOUTS:
        raise InputError(f"expected --layout {', '.join(layouts.LAYOUTS)}, got {layout!r}: choose one of them")
    if layout == "mars":
        layouts.check_mars(people, frames[1], twins)


def _new_or_empty(target: Path) -> None:
    if os.path.isfile(target) or names_in(target):
        raise InputError(f"expected a new or empty folder, but {target} is not: name another one or delete it")


def _write_all(
    partial_out: Path,
    walks: list[Walk],
    seed: int,
    frames: tuple[int, int],
    layout: str,
    workers: int,
    progress: bool,
) -> dict[str, list[int]]:
    """Write every person, in `workers` processes; return the poses of all tracks, in the order of the people."""
    job = partial(_write_person, out=partial_out, seed=seed, frames=frames, layout=layout)
    poses: dict[str, list[int]] = {}
    with bar(total=len(walks), desc="walkers", unit="person", shown=progress) as counter:
        if workers == 1:
            for _, found in map(job, walks):
                poses |= found
                counter.update()
            return poses
        others = set(active_children())
        with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
            try:
                with undisturbed():  # the processes start
                    futures = [pool.submit(job, walk) for walk in walks]
                for future in futures:
                    poses |= future.result()[1]
                    counter.update()
            except BrokenProcessPool:
                raise InputError(
                    "a process that draws was ended from outside, or had no memory: run it again"
                ) from None
            except BaseException:  # Ctrl-C: nobody waits until the persons in work are drawn
                for process in set(active_children()) - others:
                    process.terminate()
                raise
    return poses


def write_walkers(
    out: Path,
    *,
    people: int,
    seed: int,
    frames: tuple[int, int] | None = None,
    twins: bool = False,
    layout: str = "prid2011",
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Write a dataset of synthetic walkers into the new or empty folder `out`.

    people: how many are seen by both cameras; a tenth more are seen by one camera only. With twins: all people, four to
    a group. frames: shortest and longest walk; by default 20 to 50, for twins 31 to 40, for mars 40 to 100. layout:
    prid2011, ilids_vid or mars (see layouts.py). workers: processes; by default one per core. The same arguments give
    the same bytes for any number of workers.
    Raises InputError on bad arguments, before anything is written. `out` is written completely or not at all.
    """
    out = Path(out)
    frames = frames or (LENGTHS if twins else FRAMES.get(layout, (1, 1)))
    workers = workers_or_all(workers)
    _check(people, seed, frames, twins, layout)
    target = target_of(out)
    _new_or_empty(target)
    refuse_others(target, FILES, PROGRAM)
    walks = cast(people, seed, twins, layout)
    with whole_or_nothing(target, PROGRAM) as folder:
        _new_or_empty(target)  # another process may have made it meanwhile
        poses = _write_all(folder, walks, seed, frames, layout, workers, progress)
        if layout == "mars":
            layouts.write_mars_info(folder, seed)
        description = _description(walks, poses, seed, twins, layout)
        write_text(folder / "walkers.json", description)
        rows = [walk.person for walk in walks if len(walk.cameras) > 1][:8]
        contact_sheet(folder, rows, layout).save(folder / "contact_sheet.png", optimize=True)

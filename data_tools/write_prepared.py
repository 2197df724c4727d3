"""From a raw dataset folder to a prepared folder: smaller frames, optical flow, one array, one index.

    python -m data_tools.prepare prid2011 RAW OUT          (or ilids_vid, mars, own, walkers)

RAW is the dataset's folder as its own file describes it (data_tools/prid2011.py, ilids_vid.py, mars.py, own.py), or the
folder around it. The prepared folder is described in minireid/data/prepared.py, which reads it. The same input and
options give the same bytes, for any number of workers. OUT is written whole or not at all (whole_folder.py). So a run
may be interrupted at any time and started again.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data_tools import images, layouts, optical_flow
from data_tools.raw import Fault, RawTrack, has_gap
from data_tools.walkers.description import groups
from data_tools.whole_folder import refuse_others, target_of, tidy, whole_or_nothing
from data_tools.workers import in_order, workers_or_all
from minireid.base.errors import InputError
from minireid.base.files import names_in, read_bytes
from minireid.base.progress import bar
from minireid.data.prepared import COLOURS, FLOW, FORMAT, VERSION, check_hash, index_sha256, open_prepared

FILES = {"frames.npy", "index.json", ".checked", ".checked.partial"}
PROGRAM = "data_tools.prepare"


def prepare(
    dataset: str,
    raw: str | Path,
    out: str | Path,
    *,
    size: tuple[int, int] = (64, 32),
    flow: bool = True,
    flow_scale: int = 16,
    workers: int | None = None,
    force: bool = False,
    progress: bool = True,
) -> Path:
    """Write the prepared folder `out` from the raw folder `raw`, and return its path.

    size: height, width. flow: also write the optical flow, as 127 + flow_scale * pixels of movement. workers: threads,
    by default one per processor. force: replace a folder that was prepared from other input or with other options.
    progress: print what happens, with a bar.
    Raises InputError, and leaves nothing new at `out`, if input or options are unusable or the disk is too small.
    """
    raw, out = Path(raw), Path(out)
    options = _options(dataset, size, flow, flow_scale)
    workers = workers_or_all(workers)
    raw, _, tracks, faults = layouts.usable(dataset, raw)
    twins = groups(raw)
    usual = None if dataset in layouts.FREE_SIZES else _size_of(tracks[0].frames[0])
    target = target_of(out)
    refuse_others(target, FILES, PROGRAM)
    tidy(target, PROGRAM)
    say: Callable[[str], None] = print if progress else lambda line: None
    if names_in(target) and not force:
        _same_or_refuse(out, raw, tracks, options)
        say(f"{out} is already prepared from the same input, unchanged")
        return out
    shape = (sum(len(track.frames) for track in tracks), *size, len(options["channels"]))
    say(_announce(dataset, tracks, faults, shape, target))
    with whole_or_nothing(target, PROGRAM) as folder, bar(total=shape[0], unit="frame", shown=progress) as counter:
        if names_in(target) and not force:
            raise InputError(f"another {PROGRAM} has made {out} meanwhile: run it again to see whether it is the same")
        sha256, digests = hashlib.sha256(), []
        with (folder / "frames.npy").open("wb") as stream:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
            stream.write(header.getvalue())
            sha256.update(header.getvalue())
            for digest, frames in in_order(lambda track: _prepare_track(raw, track, options, usual), tracks, workers):
                stream.write(frames)
                sha256.update(frames)
                digests.append(digest)
                counter.update(len(frames))
            stream.flush()
            os.fsync(stream.fileno())  # otherwise a power cut could leave frames that are not those of the index
        sums = {"frames": shape[0], "sha256": sha256.hexdigest(), "source_sha256": _source_sha256(raw, tracks, digests)}
        _write_index(folder / "index.json", {**options, **sums}, tracks, twins)
    say(f"{out} is ready")
    return out


def _prepare_track(
    raw: Path, track: RawTrack, options: dict[str, Any], usual: tuple[int, int] | None
) -> tuple[bytes, np.ndarray]:
    """One track: (digest of its source files, uint8 (T, H, W, C)). usual: the (width, height) of all images.

    Frames are resized with Pillow's bilinear filter, like the baseline's. The filter is as wide as the factor needs, so
    there is no aliasing. Unlike a box filter, it is smooth where the factor is not a whole number.
    """
    size = (options["width"], options["height"])
    digest = hashlib.sha256()
    frames = np.empty((len(track.frames), options["height"], options["width"], len(options["channels"])), np.uint8)
    for t, path in enumerate(track.frames):
        content = images.read(path)
        _add(digest, raw, path, content)
        image = images.decode(path, content)
        if isinstance(image, Fault):
            raise InputError(f"{path}: {image.text} ({layouts.NAMES_EVERY_FAULT})")
        if usual not in (None, image.size):
            width, height = image.size
            raise InputError(
                f"{path}: {height} x {width}, but the first image is {usual[1]} x {usual[0]} "
                f"({layouts.NAMES_EVERY_FAULT})"
            )
        frames[t, ..., :3] = image.resize(size, Image.Resampling.BILINEAR)
    if options["flow_scale"] is not None:
        frames[..., 3:] = optical_flow.track_flow(frames[..., :3], options["flow_scale"])
    return digest.digest(), frames


def _size_of(path: Path) -> tuple[int, int] | None:
    """(width, height) of an image; None for a damaged one, which is told when its track is prepared."""
    image = images.decode(path, images.read(path))
    return None if isinstance(image, Fault) else image.size


def _add(digest: Any, raw: Path, path: Path, content: bytes) -> None:
    """The SHA-256 of a track goes over the names and bytes of its files."""
    digest.update(f"{path.relative_to(raw).as_posix()}\0{len(content)}\0".encode())
    digest.update(content)


def _digest(raw: Path, track: RawTrack) -> bytes:
    digest = hashlib.sha256()
    for path in track.frames:
        _add(digest, raw, path, images.read(path))
    return digest.digest()


def _source_sha256(raw: Path, tracks: list[RawTrack], digests: list[bytes]) -> str:
    """SHA-256 over the digests of all tracks in order, walkers.json (source of the groups) and the roles."""
    walkers = raw / "walkers.json"
    roles = "".join(f"{k} {track.role}\n" for k, track in enumerate(tracks) if track.role)
    described = read_bytes(walkers, "the walkers' description") if os.path.isfile(walkers) else b""
    return hashlib.sha256(b"".join(digests) + described + roles.encode()).hexdigest()


def _options(dataset: str, size: tuple[int, int], flow: bool, flow_scale: int) -> dict[str, Any]:
    """The first entries of the index: everything that the user chooses. InputError for bad values."""
    layouts.check_dataset(dataset)
    if min(size) < 2 or max(size) > 4096:
        raise InputError(
            f"expected a size (height x width) of 2 to 4096 pixels, got {size[0]}x{size[1]}: choose another"
        )
    if flow and not 1 <= flow_scale <= optical_flow.ZERO:
        raise InputError(f"expected a flow scale of 1 to {optical_flow.ZERO}, got {flow_scale}: choose another")
    return {
        "format": FORMAT,
        "version": VERSION,
        "dataset": dataset,
        "height": size[0],
        "width": size[1],
        "channels": [*COLOURS, *FLOW] if flow else [*COLOURS],
        "flow_scale": flow_scale if flow else None,
    }


def _same_or_refuse(out: Path, raw: Path, tracks: list[RawTrack], options: dict[str, Any]) -> None:
    """InputError unless `out` is complete, and comes from the same files with the same options."""
    try:
        prepared = open_prepared(out)
        check_hash(out / "frames.npy", prepared.index.sha256)
    except InputError:
        raise InputError(f"{out} exists, but is damaged or of another version: add --force to replace it") from None
    for key, value in options.items():
        if getattr(prepared.index, key) != value:
            was = f"{out} was prepared with {key} {getattr(prepared.index, key)}, not {value}"
            raise InputError(f"{was}: add --force to replace it, or choose another folder")
    digests = [_digest(raw, track) for track in tracks]
    if prepared.index.source_sha256 != _source_sha256(raw, tracks, digests):
        raise InputError(
            f"{out} was prepared from other images than {raw}: add --force to replace it, or choose another folder"
        )


def _announce(dataset: str, tracks: list[RawTrack], faults: list[Fault], shape: tuple[int, ...], target: Path) -> str:
    """What will be written, and the harmless faults; InputError if the disk is too small for it."""
    needed = int(np.prod(shape)) + 4096 + 100 * len(tracks)
    there = next(folder for folder in target.parents if os.path.exists(folder))
    free = shutil.disk_usage(there).free
    if free < needed:
        needs = f"{target} needs {needed / 1e6:,.1f} MB, but only {free / 1e6:,.1f} MB are free"
        raise InputError(f"{needs}: make room, choose another folder, or a smaller --size")
    what = (
        f"{dataset}: {len(tracks):,} tracks, {shape[0]:,} frames -> {shape[1]} x {shape[2]} pixels, {shape[3]} channels"
    )
    lines = [f"{what}; needs {needed / 1e6:,.1f} MB on disk, {free / 1e6:,.0f} MB are free"]
    numbered = [] if dataset == "own" else tracks  # your own frames may have any names
    gaps = sorted({track.frames[0].parent for track in numbered if has_gap(track)} | _places("gap", faults))
    if gaps:
        lines.append(f"note: {len(gaps):,} tracks have gaps, such as {gaps[0]}; flow and clips jump there")
    unlisted = sorted(_places("unlisted", faults))
    if unlisted:
        lines.append(f"note: {len(unlisted):,} files are in no track and are not used, such as {unlisted[0]}")
    return "\n".join(lines)


def _places(kind: str, faults: list[Fault]) -> set[Path]:
    return {fault.path for fault in faults if fault.kind == kind}


def _write_index(file: Path, head: dict[str, Any], tracks: list[RawTrack], twins: dict[int, int]) -> None:
    """The index as JSON, one track per line."""
    records: list[dict[str, Any]] = []
    start = 0
    for track in tracks:
        record = {"person": track.person, "camera": track.camera, "start": start, "length": len(track.frames)}
        optional = {"group": twins.get(track.person), "role": track.role, "name": track.name}
        record |= {key: value for key, value in optional.items() if value is not None}
        records.append(record)
        start += len(track.frames)
    head = {**head, "index_sha256": index_sha256({**head, "tracks": records})}
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    entries = [f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
    text = "{\n" + "".join(entries) + ' "tracks": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())

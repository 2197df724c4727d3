"""From a raw dataset folder to a prepared folder: smaller frames, optical flow, one array, one index.

    python -m data_tools.prepare prid2011 RAW OUT          (or ilids_vid, mars, own, walkers)

RAW is the dataset's folder as its own file describes it (data_tools/prid2011.py, ilids_vid.py, mars.py, own.py), or the
folder around it. The prepared folder is described in minireid/data/prepared.py, which reads it. The same input and
options give the same bytes, for any number of workers. Everything is written to OUT.partial, which is renamed to OUT
when it is complete. So a run may be interrupted at any time and started again.
"""

import hashlib
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from data_tools import ilids_vid, mars, optical_flow, own, prid2011
from data_tools.raw import RawTrack, entries, has_gap
from minireid.base.errors import InputError
from minireid.base.progress import bar
from minireid.data.prepared import COLOURS, FLOW, FORMAT, VERSION, check_hash, index_sha256, open_prepared

# The module that reads a dataset's layout. Walkers have one of three layouts (see layout_of).
LAYOUTS: dict[str, ModuleType] = {
    "prid2011": prid2011,
    "walkers": prid2011,
    "ilids_vid": ilids_vid,
    "mars": mars,
    "own": own,
}
FILES = {"frames.npy", "index.json", ".checked"}
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises for damaged files


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
    workers = (os.cpu_count() or 1) if workers is None else workers
    if workers < 1:
        raise InputError(f"expected 1 or more workers, got {workers}: choose another number")
    layout = layout_of(dataset, raw)
    raw = _root(layout, raw)
    tracks = layout.find_tracks(raw)
    groups = _groups(raw)
    say: Callable[[str], None] = print if progress else lambda line: None
    if _prepared_before(out) and not force:
        _same_or_refuse(out, raw, tracks, options)
        say(f"{out} is already prepared from the same input, unchanged")
        return out
    shape = (sum(len(track.frames) for track in tracks), *size, len(options["channels"]))
    say(_announce(dataset, tracks, shape, out))
    with _whole_or_nothing(out) as folder, bar(total=shape[0], unit="frame", shown=progress) as counter:
        sha256, digests = hashlib.sha256(), []
        with (folder / "frames.npy").open("wb") as stream:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
            stream.write(header.getvalue())
            sha256.update(header.getvalue())
            for digest, frames in in_order(lambda track: _prepare_track(raw, track, options), tracks, workers):
                stream.write(frames)
                sha256.update(frames)
                digests.append(digest)
                counter.update(len(frames))
        sums = {"frames": shape[0], "sha256": sha256.hexdigest(), "source_sha256": _source_sha256(raw, tracks, digests)}
        _write_index(folder / "index.json", {**options, **sums}, tracks, groups)
    say(f"{out} is ready")
    return out


def layout_of(dataset: str, raw: Path) -> ModuleType:
    """The module that reads the layout of `raw`. For walkers, the layout is recognised by the folders in `raw`."""
    if dataset == "walkers":
        fitting = [layout for layout in (ilids_vid, mars) if layout.wrong_folder(_root(layout, raw)) is None]
        return fitting[0] if fitting else prid2011
    return LAYOUTS[dataset]


def _root(layout: ModuleType, raw: Path) -> Path:
    """RAW, or the only folder in it with the layout of the dataset: an archive unpacks into a folder of its own."""
    if raw.is_dir() and layout.wrong_folder(raw) is not None:
        inside = [folder for folder in entries(raw) if folder.is_dir() and layout.wrong_folder(folder) is None]
        if len(inside) == 1:
            return inside[0]
    return raw


def decode(path: Path, content: bytes) -> Image.Image:
    """The whole image, decoded now, as red, green, blue. Raises one of UNREADABLE if the file is damaged."""
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
        image.verify()  # all checksums of a PNG; decoding would stop after the last pixel
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
        return image.convert("RGB")


def _prepare_track(raw: Path, track: RawTrack, options: dict[str, Any]) -> tuple[bytes, np.ndarray]:
    """One track: (digest of its source files, uint8 (T, H, W, C)).

    Frames are resized with Pillow's bilinear filter, like the baseline's. The filter is as wide as the factor needs, so
    there is no aliasing. Unlike a box filter, it is smooth where the factor is not a whole number.
    """
    size = (options["width"], options["height"])
    contents = [_read(path) for path in track.frames]
    frames = np.empty((len(contents), options["height"], options["width"], len(options["channels"])), np.uint8)
    for t, (path, content) in enumerate(zip(track.frames, contents)):
        try:
            frames[t, ..., :3] = decode(path, content).resize(size, Image.Resampling.BILINEAR)
        except UNREADABLE as fault:
            raise InputError(f"expected an image, but {path} is damaged ({fault}): {_look_closer(raw)}") from None
    if options["flow_scale"] is not None:
        frames[..., 3:] = optical_flow.track_flow(frames[..., :3], options["flow_scale"])
    return _digest(raw, track, contents), frames


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"expected a readable image, but {path} is not ({fault.strerror}): check it") from None


def _look_closer(raw: Path) -> str:
    return f"python -m data_tools.verify names every fault in {raw}"


def _digest(raw: Path, track: RawTrack, contents: list[bytes]) -> bytes:
    """SHA-256 over the names and bytes of a track's files."""
    digest = hashlib.sha256()
    for path, content in zip(track.frames, contents):
        digest.update(f"{path.relative_to(raw).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.digest()


def _source_sha256(raw: Path, tracks: list[RawTrack], digests: list[bytes]) -> str:
    """SHA-256 over the digests of all tracks in order, walkers.json (source of the groups) and the roles."""
    walkers = raw / "walkers.json"
    roles = "".join(f"{k} {track.role}\n" for k, track in enumerate(tracks) if track.role)
    described = _read(walkers) if walkers.is_file() else b""
    return hashlib.sha256(b"".join(digests) + described + roles.encode()).hexdigest()


def in_order(work: Callable[[RawTrack], Any], tracks: list[RawTrack], workers: int) -> Iterator[Any]:
    """Yield work(track) for each track, in order. At most 2 * workers + 1 tracks are in work or waiting.

    Threads are enough: Pillow, hashlib and NumPy release Python's lock while they work.
    """
    ahead: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for track in tracks:
            ahead.append(pool.submit(work, track))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _options(dataset: str, size: tuple[int, int], flow: bool, flow_scale: int) -> dict[str, Any]:
    """The first entries of the index: everything that the user chooses. InputError for bad values."""
    if dataset not in LAYOUTS:
        raise InputError(f"expected a dataset out of {', '.join(LAYOUTS)}, got {dataset!r}: choose one of them")
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


def _groups(raw: Path) -> dict[int, int]:
    """{person: group} from RAW/walkers.json, or {} without that file. Only twins have groups."""
    file = raw / "walkers.json"
    if not file.is_file():
        return {}
    try:
        people = json.loads(file.read_text(encoding="utf-8"))["people"]
        return {int(person): int(fields["group"]) for person, fields in people.items() if "group" in fields}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise InputError(
            f"expected the walkers' description in {file}, but it is damaged ({fault!r}): write it again"
        ) from None


def _prepared_before(out: Path) -> bool:
    """Is there a prepared folder at `out`? InputError if other files are there, which must not be replaced."""
    for folder in (out, _beside(out, ".partial"), _beside(out, ".replaced")):
        if folder.exists() and not (folder.is_dir() and {entry.name for entry in folder.iterdir()} <= FILES):
            raise InputError(
                f"expected a new or a prepared folder, got {folder}, which holds something else: choose another"
            )
    return out.exists() and any(out.iterdir())


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
    digests = [_digest(raw, track, [_read(path) for path in track.frames]) for track in tracks]
    if prepared.index.source_sha256 != _source_sha256(raw, tracks, digests):
        raise InputError(
            f"{out} was prepared from other images than {raw}: add --force to replace it, or choose another folder"
        )


def _announce(dataset: str, tracks: list[RawTrack], shape: tuple[int, ...], out: Path) -> str:
    """What will be written; InputError if the disk is too small for it."""
    numbered = dataset != "own"  # your own frames may have any names
    gaps = [track.frames[0].parent for track in tracks if numbered and has_gap(track)]
    needed = int(np.prod(shape)) + 4096 + 100 * len(tracks)
    there = next(folder for folder in out.resolve().parents if folder.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        needs = f"{out} needs {needed / 1e6:,.0f} MB, but only {free / 1e6:,.0f} MB are free"
        raise InputError(f"{needs}: make room, choose another folder, or a smaller --size")
    what = (
        f"{dataset}: {len(tracks):,} tracks, {shape[0]:,} frames -> {shape[1]} x {shape[2]} pixels, {shape[3]} channels"
    )
    jumps = f"\nnote: {len(gaps):,} tracks have gaps, such as {gaps[0]}; flow and clips jump there" if gaps else ""
    return f"{what}; needs {needed / 1e6:,.1f} MB on disk, {free / 1e6:,.0f} MB are free{jumps}"


def _beside(out: Path, suffix: str) -> Path:
    full = out.resolve()
    return full.parent / (full.name + suffix)


@contextmanager
def _whole_or_nothing(out: Path) -> Iterator[Path]:
    """A new folder beside `out`. After the block it is renamed to `out`. If the block fails, it is deleted."""
    partial, replaced = _beside(out, ".partial"), _beside(out, ".replaced")
    try:
        for leftover in (partial, replaced):  # of a run that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if out.exists():
            os.replace(out.resolve(), replaced)
        os.replace(partial, out.resolve())
        shutil.rmtree(replaced, ignore_errors=True)
    except OSError as fault:
        raise InputError(f"{out} cannot be written ({fault.strerror}): check the folder and the disk") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_index(file: Path, head: dict[str, Any], tracks: list[RawTrack], groups: dict[int, int]) -> None:
    """The index as JSON, one track per line."""
    records: list[dict[str, Any]] = []
    start = 0
    for track in tracks:
        record = {"person": track.person, "camera": track.camera, "start": start, "length": len(track.frames)}
        optional = {"group": groups.get(track.person), "role": track.role, "name": track.name}
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

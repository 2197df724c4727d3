"""The prepared folder: all frames of a dataset in one memory-mapped array, and a readable index.

    PREPARED/frames.npy    uint8 (F, H, W, C); C = 3: red, green, blue; C = 5: also horizontal, vertical optical flow
    PREPARED/index.json    format, version, dataset, sizes, checksums, and one line per track:
                           {"person": 1, "camera": "a", "start": 0, "length": 100}: frames[0:100]
    PREPARED/.checked      size and dates of frames.npy when its checksum was last found right; may be deleted

A track may also have
    "group"   a number that twins share
    "role"    train, query or gallery, if the data itself says who is trained on and who is compared (MARS). Then
              person 0 stands for distractors, and person -1 for junk
    "name"    a text, for videos of your own
Of the tracks without role and name, a person has at most one in a camera.

Flow bytes are 127 + round(flow * flow_scale), clipped to 0 ... 254. Flow is in pixels per frame step, from frame t - 1
to t. The first frame of a track has 127. `python -m data_tools.prepare` writes such a folder; this file reads it.

Nothing in it can change without notice. index_sha256 in the index is the checksum of all its other entries, and one of
these, sha256, is that of frames.npy. All frames are read once for each copy of the folder (about a second per GB).
After that, only the file's size and dates are compared.
"""

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from minireid.base.errors import InputError
from minireid.base.files import read_bytes, reason, write_text
from minireid.base.npz import header_of
from minireid.base.records import Count, Head, parse, parse_ours

FORMAT = "minireid-prepared"
VERSION = 2  # 1: without index_sha256
COLOURS = ("red", "green", "blue")
FLOW = ("flow_x", "flow_y")
DISTRACTORS, JUNK = 0, -1  # in place of a person's number where tracks have roles
Size = Annotated[int, Meta(ge=1, le=2**40)]
REMEDY = "run python -m data_tools.prepare again"


@dataclass(frozen=True)
class Track:
    """One person in one camera: frames[start : start + length].

    group: a number that twins (walkers) share. role: None if a protocol decides. name: of person,
    camera and track.
    """

    person: Annotated[int, Meta(ge=JUNK, le=2**31)]
    camera: Annotated[str, Meta(min_length=1)]
    start: Count
    length: Size
    group: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    role: Literal["train", "query", "gallery"] | None = None
    name: str | None = None


class Index(Head, forbid_unknown_fields=True, kw_only=True):
    """index.json."""

    dataset: str
    height: Size
    width: Size
    channels: list[str]
    flow_scale: Size | None
    frames: Size
    sha256: str
    source_sha256: str
    index_sha256: str | None = None
    tracks: Annotated[tuple[Track, ...], Meta(min_length=1)]


@dataclass(frozen=True)
class Prepared:
    """An open prepared folder. frames: uint8 (F, H, W, C), read-only and memory-mapped. sha256: of the index, and so of
    all that is in the folder."""

    path: Path
    frames: np.ndarray
    tracks: tuple[Track, ...]
    index: Index
    sha256: str = ""

    @property
    def height(self) -> int:
        return self.frames.shape[1]

    @property
    def width(self) -> int:
        return self.frames.shape[2]

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(self.index.channels)

    @property
    def cameras(self) -> list[str]:
        return sorted({track.camera for track in self.tracks})

    @property
    def has_roles(self) -> bool:
        return any(track.role for track in self.tracks)

    @property
    def one_to_one(self) -> bool:
        """Two cameras, and each person has at most one track in each (PRID-2011, iLIDS-VID).

        False for several tracks of a person in a camera, for another number of cameras, and for roles.
        """
        places = {(track.camera, track.person) for track in self.tracks}
        return len(self.cameras) == 2 and len(places) == len(self.tracks) and not self.has_roles

    @property
    def has_flow(self) -> bool:
        return self.channels == COLOURS + FLOW


def open_prepared(path: str | Path) -> Prepared:
    """Open a prepared folder and check that index and frames belong together, and are as they were written.

    Raises InputError for a folder that is missing, is a raw dataset, is incomplete or was changed; for an index that is
    not JSON, is of another format or version, or has tracks beyond the frames; for frames that are cut short, or of
    another type or shape than the index says.
    """
    path = Path(path)
    content = _read_index(path)
    index, sha256 = _parse_index(path / "index.json", content)
    frames = _open_frames(path / "frames.npy", index)
    _check_once(path, index.sha256)
    return Prepared(path, frames, index.tracks, index, sha256)


def check_hash(file: Path, expected: str) -> None:
    """Read all frames; InputError if their SHA-256 is not the one in the index."""
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise InputError(f"expected SHA-256 {expected[:12]}... of {file}, got {found[:12]}...: {REMEDY}")


def index_sha256(entries: dict[str, Any]) -> str:
    """The checksum of an index: of all its entries but this one, in any order."""
    rest = {key: value for key, value in entries.items() if key != "index_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _read_index(path: Path) -> bytes:
    if not path.is_dir():
        raise InputError(f"expected a prepared folder, found none at {path}: check the path")
    if any((path / name).is_dir() for name in ("multi_shot", "single_shot", "sequences", "bbox_train")):
        raise InputError(
            f"{path} looks like a raw dataset folder: run python -m data_tools.prepare DATASET {path} OUT first"
        )
    if not (path / "index.json").exists():
        raise InputError(f"expected a prepared folder, but {path / 'index.json'} is missing: {REMEDY}")
    return read_bytes(path / "index.json", "the index of a prepared folder")


def _parse_index(file: Path, content: bytes) -> tuple[Index, str]:
    """The index, every entry checked; and its checksum."""
    index = parse_ours(content, Index, FORMAT, (1, VERSION), where=str(file), remedy=REMEDY)
    sha256 = index_sha256(parse(content, dict, where=str(file), remedy=REMEDY))
    if index.index_sha256 != (sha256 if index.version == VERSION else None):
        raise InputError(f"{file} was changed after it was written: {REMEDY}")
    if index.channels not in ([*COLOURS], [*COLOURS, *FLOW]):
        raise InputError(
            f"expected channels {', '.join(COLOURS)} (and {', '.join(FLOW)}), got {index.channels} in {file}: {REMEDY}"
        )
    if len(index.channels) == 5 and index.flow_scale is None:
        raise InputError(f"expected flow_scale as a positive whole number in {file}: {REMEDY}")
    for track in index.tracks:
        if track.start + track.length > index.frames:
            raise InputError(f"expected tracks within {index.frames} frames in {file}, got {track}: {REMEDY}")
    plain = [(track.camera, track.person) for track in index.tracks if not (track.role or track.name)]
    if len(set(plain)) < len(plain):
        raise InputError(f"a person is twice in one camera in {file}: {REMEDY}")
    return index, sha256


def _open_frames(file: Path, index: Index) -> np.ndarray:
    """The frames, memory-mapped. InputError if the file is not the array that the index promises."""
    shape = (index.frames, index.height, index.width, len(index.channels))
    if not file.exists():
        raise InputError(f"expected the frames of a prepared folder, but {file} is missing: {REMEDY}")
    if not file.is_file():
        raise InputError(f"expected the frames of a prepared folder at {file}, found no ordinary file: {REMEDY}")
    try:
        with file.open("rb") as stream:
            found, fortran, dtype = header_of(stream)
            offset = stream.tell()
    except (OSError, ValueError, EOFError) as fault:  # cut short, or no .npy file at all
        raise InputError(f"expected a NumPy array in {file}, but it is damaged ({reason(fault)}): {REMEDY}") from None
    if dtype != np.uint8 or found != shape:
        raise InputError(f"expected uint8 {shape} in {file}, as its index says, got {dtype} {found}: {REMEDY}")
    if fortran:
        raise InputError(f"expected C order in {file}, got Fortran order: {REMEDY}")
    size = offset + math.prod(shape)
    if file.stat().st_size != size:
        raise InputError(f"expected {size} bytes in {file}, got {file.stat().st_size}: {REMEDY}")
    return np.memmap(file, np.uint8, "r", offset, shape)


def _check_once(path: Path, sha256: str) -> None:
    """Read all frames and compare their checksum, unless this was done for this very file, unchanged since."""
    file, note = path / "frames.npy", path / ".checked"
    found = file.stat()
    state = f"{sha256} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}\n"
    with suppress(InputError):
        if read_bytes(note, "a note", largest=1000) == state.encode():
            return
    check_hash(file, sha256)
    with suppress(InputError):  # a folder that cannot be written to is read again next time
        write_text(note, state)

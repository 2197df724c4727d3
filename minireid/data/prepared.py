"""The prepared folder: all frames of a dataset in one memory-mapped array, and a readable index.

    PREPARED/frames.npy    uint8 (F, H, W, C); C = 3: red, green, blue; C = 5: also horizontal, vertical optical flow
    PREPARED/index.json    format, version, dataset, sizes, checksums, and one line per track:
                           {"person": 1, "camera": "a", "start": 0, "length": 100}: frames[0:100]

A track may also have
    "group"   a number that twins share
    "role"    train, query or gallery, if the data itself says who is trained on and who is compared (MARS). Then
              person 0 stands for distractors, and person -1 for junk
    "name"    a text, for videos of your own
Of the tracks without role and name, a person has at most one in a camera.

Flow bytes are 127 + round(flow * flow_scale), clipped to 0 ... 254. Flow is in pixels per frame step, from frame t - 1
to t. The first frame of a track has 127. `python -m data_tools.prepare` writes such a folder; this file reads it.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minireid.base.errors import InputError

FORMAT = "minireid-prepared"
VERSION = 1
COLOURS = ("red", "green", "blue")
FLOW = ("flow_x", "flow_y")
ROLES = ("train", "query", "gallery")
DISTRACTORS, JUNK = 0, -1  # in place of a person's number where tracks have roles
REMEDY = "run python -m data_tools.prepare again"


@dataclass(frozen=True)
class Track:
    """One person in one camera: frames[start : start + length].

    group: a number that twins (walkers) share. role: one of ROLES, or None if a protocol decides. name: of person,
    camera and track.
    """

    person: int
    camera: str
    start: int
    length: int
    group: int | None = None
    role: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Prepared:
    """An open prepared folder. frames: uint8 (F, H, W, C), read-only and memory-mapped."""

    path: Path
    frames: np.ndarray
    tracks: tuple[Track, ...]
    index: dict[str, Any]

    @property
    def height(self) -> int:
        return self.frames.shape[1]

    @property
    def width(self) -> int:
        return self.frames.shape[2]

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(self.index["channels"])

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
    """Open a prepared folder and check that index and frames belong together. Cheap: does not read the frames.

    Raises InputError for a folder that is missing, is a raw dataset, or is incomplete; for an index that is not JSON,
    is of another format or version, or has tracks beyond the frames; for frames that are cut short, or of another type
    or shape than the index says.
    """
    path = Path(path)
    index = _read_index(path)
    tracks = _read_tracks(path / "index.json", index)
    frames = _open_frames(path / "frames.npy", index)
    return Prepared(path, frames, tracks, index)


def check_hash(prepared: Prepared) -> None:
    """Read all frames; InputError if their SHA-256 is not the one in the index."""
    file = prepared.path / "frames.npy"
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != prepared.index["sha256"]:
        raise InputError(
            f"expected SHA-256 {prepared.index['sha256'][:12]}... of {file}, got {found[:12]}...: {REMEDY}"
        )


def _read_index(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise InputError(f"expected a prepared folder, found none at {path}: check the path")
    file = path / "index.json"
    if any((path / name).is_dir() for name in ("multi_shot", "single_shot", "sequences", "bbox_train")):
        raise InputError(
            f"{path} looks like a raw dataset folder: run python -m data_tools.prepare DATASET {path} OUT first"
        )
    if not file.is_file():
        raise InputError(f"expected a prepared folder, but {file} is missing: {REMEDY}")
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise InputError(f"expected JSON in {file}, but it is damaged ({fault}): {REMEDY}") from None
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise InputError(f"expected the index of a prepared folder in {file}, got something else: check the path")
    if index.get("version") != VERSION:
        raise InputError(
            f"expected version {VERSION} in {file}, got {index.get('version')!r}: {REMEDY} with this minireid"
        )
    return index


def _read_tracks(file: Path, index: dict[str, Any]) -> tuple[Track, ...]:
    """The tracks, after every entry of the index has been checked."""
    whole = ("height", "width", "frames")
    if any(type(index.get(key)) is not int or index[key] < 1 for key in whole):
        raise InputError(f"expected {', '.join(whole)} as positive whole numbers in {file}: {REMEDY}")
    channels = index.get("channels")
    if channels not in ([*COLOURS], [*COLOURS, *FLOW]):
        raise InputError(
            f"expected channels {', '.join(COLOURS)} (and {', '.join(FLOW)}), got {channels} in {file}: {REMEDY}"
        )
    scale = index.get("flow_scale")
    if len(channels) == 5 and (type(scale) is not int or scale < 1):
        raise InputError(f"expected flow_scale as a positive whole number, got {scale!r} in {file}: {REMEDY}")
    if not all(isinstance(index.get(key), str) for key in ("dataset", "sha256", "source_sha256")):
        raise InputError(f"expected dataset, sha256 and source_sha256 as text in {file}: {REMEDY}")
    records = index.get("tracks")
    if not isinstance(records, list) or not records:
        raise InputError(f"expected a list of tracks in {file}, got {type(records).__name__}: {REMEDY}")
    tracks = tuple(_read_track(file, record, index["frames"]) for record in records)
    plain = [(track.camera, track.person) for track in tracks if not (track.role or track.name)]
    if len(set(plain)) < len(plain):
        raise InputError(f"a person is twice in one camera in {file}: {REMEDY}")
    return tracks


def _read_track(file: Path, record: Any, frames: int) -> Track:
    try:
        track = Track(**record)
    except TypeError:
        raise InputError(
            f"expected a track with person, camera, start, length, got {record} in {file}: {REMEDY}"
        ) from None
    numbers = [track.person, track.start, track.length] + ([] if track.group is None else [track.group])
    if any(type(number) is not int for number in numbers) or not isinstance(track.camera, str):
        raise InputError(f"expected whole numbers and a camera's name, got {record} in {file}: {REMEDY}")
    if track.role not in (None, *ROLES) or not isinstance(track.name, str | None):
        raise InputError(f"expected a role of {', '.join(ROLES)}, and a name as text, got {record} in {file}: {REMEDY}")
    if track.start < 0 or track.length < 1 or track.start + track.length > frames:
        raise InputError(f"expected a track within {frames} frames, got {record} in {file}: {REMEDY}")
    return track


def _open_frames(file: Path, index: dict[str, Any]) -> np.ndarray:
    try:
        frames = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"expected the frames of a prepared folder, but {file} is missing: {REMEDY}") from None
    except (OSError, ValueError, EOFError) as fault:  # cut short, or no .npy file at all
        raise InputError(f"expected a NumPy array in {file}, but it is damaged ({fault}): {REMEDY}") from None
    shape = (index["frames"], index["height"], index["width"], len(index["channels"]))
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8 or frames.shape != shape:
        found = f"{frames.dtype} {frames.shape}" if isinstance(frames, np.ndarray) else "an archive"
        raise InputError(f"expected uint8 {shape} in {file}, as its index says, got {found}: {REMEDY}")
    if not frames.flags.c_contiguous:
        raise InputError(f"expected C order in {file}, got Fortran order: {REMEDY}")
    size = frames.offset + frames.nbytes  # type: ignore[attr-defined]
    if file.stat().st_size != size:
        raise InputError(f"expected {size} bytes in {file}, got {file.stat().st_size}: {REMEDY}")
    return frames

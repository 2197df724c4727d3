"""The reader of a prepared folder: what is written comes back, and every fault is one clear line."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.data.prepared import Track, check_hash, index_sha256, open_prepared


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "prepared"
    path.mkdir()
    np.save(path / "frames.npy", np.random.default_rng(0).integers(0, 255, (7, 6, 4, 5), dtype=np.uint8))
    entries = {
        "format": "minireid-prepared",
        "version": 2,
        "dataset": "prid2011",
        "height": 6,
        "width": 4,
        "channels": ["red", "green", "blue", "flow_x", "flow_y"],
        "flow_scale": 16,
        "frames": 7,
        "sha256": "",
        "source_sha256": "",
        "tracks": [
            {"person": 3, "camera": "a", "start": 0, "length": 5},
            {"person": 3, "camera": "b", "start": 5, "length": 2, "group": 1},
        ],
    }
    (path / "index.json").write_text(json.dumps(entries))
    change(path)
    return path


def change(folder: Path, **entries: Any) -> None:
    """Another index for the frames that are there, with right checksums."""
    frames = hashlib.sha256((folder / "frames.npy").read_bytes()).hexdigest()
    index = json.loads((folder / "index.json").read_text()) | {"sha256": frames} | entries
    (folder / "index.json").write_text(json.dumps(index | {"index_sha256": index_sha256(index)}))


def test_what_is_written_comes_back(folder: Path) -> None:
    prepared = open_prepared(str(folder))
    assert prepared.tracks == (Track(3, "a", 0, 5), Track(3, "b", 5, 2, group=1))
    assert (prepared.height, prepared.width, prepared.has_flow) == (6, 4, True)
    assert prepared.channels == ("red", "green", "blue", "flow_x", "flow_y")
    assert isinstance(prepared.frames, np.memmap) and not prepared.frames.flags.writeable
    np.testing.assert_array_equal(prepared.frames, np.load(folder / "frames.npy"))


def test_colours_only(folder: Path) -> None:
    np.save(folder / "frames.npy", np.zeros((7, 6, 4, 3), np.uint8))
    (folder / ".checked").unlink(missing_ok=True)
    change(folder, channels=["red", "green", "blue"], flow_scale=None)
    assert not open_prepared(folder).has_flow


def track(**entries: Any) -> dict[str, Any]:
    return {"person": 3, "camera": "a", "start": 0, "length": 5} | entries


@pytest.mark.parametrize(
    "entries, says",
    [
        ({"format": "zip"}, "expected minireid-prepared in .*got zip"),
        ({"version": 3}, "version 2 of minireid-prepared .*got 3"),
        ({"version": None}, "version 2 .*got None"),
        ({"height": 5}, r"uint8 \(7, 5, 4, 5\)"),
        ({"frames": 6, "tracks": [track()]}, r"uint8 \(6, 6, 4, 5\)"),
        ({"frames": "7"}, "expected int, got str in frames"),
        ({"width": 0}, "expected int >= 1 in width"),
        ({"channels": ["red"]}, "channels"),
        ({"channels": ["red", "green", "blue"]}, r"uint8 \(7, 6, 4, 3\)"),
        ({"flow_scale": 0}, "flow_scale"),
        ({"flow_scale": None}, "flow_scale"),
        ({"sha256": 5}, "sha256"),
        ({"tracks": []}, "length >= 1 in tracks"),
        ({"tracks": {"person": 1}}, "expected array, got object in tracks"),
        ({"tracks": [track(length=8)]}, "within 7 frames"),
        ({"tracks": [track(start=-1)]}, r"expected int >= 0 in tracks\[0\]\.start"),
        ({"tracks": [track(length=0)]}, r"expected int >= 1 in tracks\[0\]\.length"),
        ({"tracks": [track(person="x")]}, "expected int, got str"),
        ({"tracks": [track(camera=1)]}, "expected str, got int"),
        ({"tracks": [track(group=1.5)]}, "got float"),
        ({"tracks": [track(start=2**70)]}, "start"),
        ({"colour": "red"}, "unknown field"),
        ({"tracks": [track(colour="red"), track(start=5, length=3)]}, "within 7 frames"),
        ({"tracks": [{"person": 1}]}, "missing required field camera"),
        ({"tracks": [7]}, "expected object, got int"),
        ({"tracks": [track(), track(start=5, length=2)]}, "twice"),
        ({"tracks": [track(), track(start=5, length=2), track(role="train")]}, "twice"),
        ({"tracks": [track(role="test")]}, "invalid enum value 'test'"),
        ({"tracks": [track(role=1)]}, "role"),
        ({"tracks": [track(name=3)]}, "name"),
    ],
)
def test_faulty_index(folder: Path, entries: dict[str, Any], says: str) -> None:
    open_prepared(folder)
    change(folder, **entries)
    with pytest.raises(InputError, match=says) as caught:
        open_prepared(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


@pytest.mark.parametrize("entries", [{"role": "gallery"}, {"name": "anna/door/1"}])
def test_several_tracks_of_a_person_and_camera(folder: Path, entries: dict[str, str]) -> None:
    """Where tracks have roles, or come from one's own folders with names."""
    change(folder, tracks=[track(**entries), track(start=5, length=2, **entries)])
    prepared = open_prepared(folder)
    assert prepared.tracks == (Track(3, "a", 0, 5, **entries), Track(3, "a", 5, 2, **entries))  # type: ignore[arg-type]
    assert not prepared.one_to_one and prepared.has_roles == ("role" in entries)


def test_one_to_one(folder: Path) -> None:
    assert open_prepared(folder).one_to_one and open_prepared(folder).cameras == ["a", "b"]
    for tracks in (
        [track(), track(camera="b"), track(camera="c")],
        [track()],
        [track(role="train"), track(camera="b", role="train")],
        [track(name="x"), track(name="y"), track(camera="b", name="z")],
    ):
        change(folder, tracks=tracks)
        assert not open_prepared(folder).one_to_one


def cut(name: str, size: int) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def more_of_a_track(entry: bytes) -> Callable[[Path], Any]:
    """A track with an entry that no schema has."""

    def damage(folder: Path) -> None:
        content = (folder / "index.json").read_bytes()
        (folder / "index.json").write_bytes(content.replace(b'"camera"', entry + b', "camera"', 1))

    return damage


def lengthen(folder: Path) -> None:
    (folder / "frames.npy").write_bytes((folder / "frames.npy").read_bytes() + b"more")


@pytest.mark.parametrize(
    "damage, says",
    [
        (cut("index.json", 100), r"index\.json is damaged"),
        (cut("index.json", 0), r"index\.json is damaged"),
        (lambda folder: (folder / "index.json").write_bytes(b"\xff\xfe{"), r"index\.json is damaged"),
        (lambda folder: (folder / "index.json").write_text("[1, 2]"), r"index\.json is damaged"),
        (lambda folder: (folder / "index.json").write_text("[" * 100_000), r"index\.json is damaged"),
        (lambda folder: (folder / "index.json").write_text("1" * 5000), r"index\.json is damaged"),
        (more_of_a_track(b'"\xff": 0'), r"index\.json is damaged"),
        (more_of_a_track(b'"more": ' + b"1" * 5000), r"index\.json (is damaged|was changed)"),
        (more_of_a_track(b'"more": ' + b"[" * 100_000), r"index\.json is damaged"),
        (lambda folder: (folder / "index.json").unlink(), r"index\.json is missing"),
        (lambda folder: (folder / "frames.npy").unlink(), r"frames\.npy is missing"),
        (cut("frames.npy", -1), r"expected 968 bytes in .*frames\.npy, got 967"),
        (cut("frames.npy", 500), r"bytes in .*frames\.npy, got 500"),
        (cut("frames.npy", 50), r"frames\.npy.* is damaged"),
        (cut("frames.npy", 0), r"frames\.npy.* is damaged"),
        (lambda folder: (folder / "frames.npy").write_bytes(b"hello" * 100), r"frames\.npy.* is damaged"),
        (lengthen, "bytes in .*frames"),
        (lambda folder: np.save(folder / "frames.npy", np.zeros((7, 6, 4, 5), np.int8)), "got int8"),
        (lambda folder: np.save(folder / "frames.npy", np.zeros((7, 6, 5, 4), np.uint8)), r"\(7, 6, 5, 4\)"),
        (lambda folder: np.save(folder / "frames.npy", np.zeros((7, 6, 4, 5), np.uint8, order="F")), "Fortran"),
        (lambda folder: np.save(folder / "frames.npy", np.array([{}])), "got object"),
    ],
)
def test_damaged_files(folder: Path, damage: Callable[[Path], Any], says: str) -> None:
    damage(folder)
    with pytest.raises(InputError, match=says) as caught:
        open_prepared(folder)
    assert "\n" not in str(caught.value)


def test_wrong_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none at"):
        open_prepared(tmp_path / "nothing")
    (tmp_path / "raw" / "multi_shot").mkdir(parents=True)
    with pytest.raises(InputError, match=r"raw dataset folder: run python -m data_tools\.prepare"):
        open_prepared(tmp_path / "raw")
    for name in ("sequences", "bbox_train"):
        (tmp_path / name / name).mkdir(parents=True)
        with pytest.raises(InputError, match="raw dataset folder"):
            open_prepared(tmp_path / name)


# Nothing changes without notice.


def flip(file: Path, place: int = -1) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_a_changed_frame_is_noticed(folder: Path) -> None:
    """Before the folder was ever opened, and after."""
    check_hash(folder / "frames.npy", open_prepared(folder).index.sha256)
    flip(folder / "frames.npy")
    with pytest.raises(InputError, match="SHA-256"):
        open_prepared(folder)
    flip(folder / "frames.npy")
    open_prepared(folder)


def test_a_copy_is_read_once_more(folder: Path, tmp_path: Path) -> None:
    """The note of the check is copied with the frames, but does not hold for another file."""
    open_prepared(folder)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert (copy / ".checked").is_file()
    times = (folder / "frames.npy").stat()
    flip(copy / "frames.npy")
    os.utime(copy / "frames.npy", ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(InputError, match="SHA-256"):
        open_prepared(copy)


def test_the_frames_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_prepared(folder)
    monkeypatch.setattr("minireid.data.prepared.check_hash", None)  # would be called
    open_prepared(folder)


@pytest.mark.parametrize("entry", ["dataset", "source_sha256"])
def test_a_changed_index_is_noticed(folder: Path, entry: str) -> None:
    entries = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(entries, indent=3))
    open_prepared(folder)  # the form does not matter
    (folder / "index.json").write_text(json.dumps(entries | {entry: "walkers"}))
    with pytest.raises(InputError, match="was changed after it was written"):
        open_prepared(folder)


def test_a_folder_of_version_1_is_read(folder: Path) -> None:
    """Of 0.1: its index has no checksum of itself."""
    entries = json.loads((folder / "index.json").read_text())
    del entries["index_sha256"]
    (folder / "index.json").write_text(json.dumps(entries | {"version": 1}))
    assert open_prepared(folder).tracks == (Track(3, "a", 0, 5), Track(3, "b", 5, 2, group=1))
    flip(folder / "frames.npy")
    with pytest.raises(InputError, match="SHA-256"):
        open_prepared(folder)


@pytest.mark.parametrize("name", ["index.json", "frames.npy"])
def test_pipes_do_not_hang(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(InputError, match=name):
        open_prepared(folder)

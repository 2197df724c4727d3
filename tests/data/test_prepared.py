"""The reader of a prepared folder: what is written comes back, and every fault is one clear line."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.data.prepared import Track, check_hash, open_prepared

SHA256 = "5d8a1b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "prepared"
    path.mkdir()
    np.save(path / "frames.npy", np.random.default_rng(0).integers(0, 255, (7, 6, 4, 5), dtype=np.uint8))
    index = {
        "format": "minireid-prepared",
        "version": 1,
        "dataset": "prid2011",
        "height": 6,
        "width": 4,
        "channels": ["red", "green", "blue", "flow_x", "flow_y"],
        "flow_scale": 16,
        "frames": 7,
        "sha256": SHA256,
        "source_sha256": "",
        "tracks": [
            {"person": 3, "camera": "a", "start": 0, "length": 5},
            {"person": 3, "camera": "b", "start": 5, "length": 2, "group": 1},
        ],
    }
    (path / "index.json").write_text(json.dumps(index))
    return path


def change(folder: Path, **entries: Any) -> None:
    index = json.loads((folder / "index.json").read_text()) | entries
    (folder / "index.json").write_text(json.dumps(index))


def test_what_is_written_comes_back(folder: Path) -> None:
    prepared = open_prepared(str(folder))
    assert prepared.tracks == (Track(3, "a", 0, 5), Track(3, "b", 5, 2, group=1))
    assert (prepared.height, prepared.width, prepared.has_flow) == (6, 4, True)
    assert prepared.channels == ("red", "green", "blue", "flow_x", "flow_y")
    assert isinstance(prepared.frames, np.memmap) and not prepared.frames.flags.writeable
    np.testing.assert_array_equal(prepared.frames, np.load(folder / "frames.npy"))


def test_colours_only(folder: Path) -> None:
    np.save(folder / "frames.npy", np.zeros((7, 6, 4, 3), np.uint8))
    change(folder, channels=["red", "green", "blue"], flow_scale=None)
    assert not open_prepared(folder).has_flow


def track(**entries: Any) -> dict[str, Any]:
    return {"person": 3, "camera": "a", "start": 0, "length": 5} | entries


@pytest.mark.parametrize(
    "entries, says",
    [
        ({"format": "zip"}, "something else"),
        ({"version": 2}, "version 1"),
        ({"version": None}, "version 1"),
        ({"height": 5}, r"uint8 \(7, 5, 4, 5\)"),
        ({"frames": 6, "tracks": [track()]}, r"uint8 \(6, 6, 4, 5\)"),
        ({"frames": "7"}, "positive whole numbers"),
        ({"width": 0}, "positive whole numbers"),
        ({"channels": ["red"]}, "channels"),
        ({"channels": ["red", "green", "blue"]}, r"uint8 \(7, 6, 4, 3\)"),
        ({"flow_scale": 0}, "flow_scale"),
        ({"sha256": 5}, "sha256"),
        ({"tracks": []}, "list of tracks"),
        ({"tracks": {"person": 1}}, "list of tracks"),
        ({"tracks": [track(length=8)]}, "within 7 frames"),
        ({"tracks": [track(start=-1)]}, "within 7 frames"),
        ({"tracks": [track(length=0)]}, "within 7 frames"),
        ({"tracks": [track(person="x")]}, "whole numbers"),
        ({"tracks": [track(camera=1)]}, "whole numbers"),
        ({"tracks": [track(group=1.5)]}, "whole numbers"),
        ({"tracks": [track(colour="red")]}, "a track with person"),
        ({"tracks": [{"person": 1}]}, "a track with person"),
        ({"tracks": [7]}, "a track with person"),
        ({"tracks": [track(), track(start=5, length=2)]}, "twice"),
        ({"tracks": [track(), track(start=5, length=2), track(role="train")]}, "twice"),
        ({"tracks": [track(role="test")]}, "a role of train, query, gallery"),
        ({"tracks": [track(role=1)]}, "a role of train, query, gallery"),
        ({"tracks": [track(name=3)]}, "a name as text"),
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


def lengthen(folder: Path) -> None:
    (folder / "frames.npy").write_bytes((folder / "frames.npy").read_bytes() + b"more")


@pytest.mark.parametrize(
    "damage, says",
    [
        (cut("index.json", 100), r"JSON in .*index\.json"),
        (cut("index.json", 0), r"JSON in .*index\.json"),
        (lambda folder: (folder / "index.json").write_bytes(b"\xff\xfe{"), r"JSON in .*index\.json"),
        (lambda folder: (folder / "index.json").write_text("[1, 2]"), "something else"),
        (lambda folder: (folder / "index.json").unlink(), r"index\.json is missing"),
        (lambda folder: (folder / "frames.npy").unlink(), r"frames\.npy is missing"),
        (cut("frames.npy", -1), r"frames\.npy.* is damaged"),
        (cut("frames.npy", 500), r"frames\.npy.* is damaged"),
        (cut("frames.npy", 50), r"frames\.npy.* is damaged"),
        (cut("frames.npy", 0), r"frames\.npy.* is damaged"),
        (lambda folder: (folder / "frames.npy").write_bytes(b"hello" * 100), r"frames\.npy.* is damaged"),
        (lengthen, "bytes in .*frames"),
        (lambda folder: np.save(folder / "frames.npy", np.zeros((7, 6, 4, 5), np.int8)), "got int8"),
        (lambda folder: np.save(folder / "frames.npy", np.zeros((7, 6, 5, 4), np.uint8)), r"\(7, 6, 5, 4\)"),
        (lambda folder: np.save(folder / "frames.npy", np.zeros((7, 6, 4, 5), np.uint8, order="F")), "Fortran"),
        (lambda folder: np.save(folder / "frames.npy", np.array([{}])), r"frames\.npy.* is damaged"),
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


def test_check_hash(folder: Path) -> None:
    change(folder, sha256=hashlib.sha256((folder / "frames.npy").read_bytes()).hexdigest())
    check_hash(open_prepared(folder))
    content = bytearray((folder / "frames.npy").read_bytes())
    content[-1] ^= 1
    (folder / "frames.npy").write_bytes(content)
    with pytest.raises(InputError, match="SHA-256"):
        check_hash(open_prepared(folder))

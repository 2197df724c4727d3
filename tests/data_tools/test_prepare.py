"""Raw folder -> prepared folder: right frames in the right places, same bytes each time, all or nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_tools import write_prepared as module
from data_tools.commands.prepare import main
from data_tools.layouts import usable
from data_tools.optical_flow import track_flow
from data_tools.prid2011 import EXCLUDED_178, PERSONS_178, protocol_178
from data_tools.raw import RawTrack
from data_tools.write_prepared import prepare
from minireid.base.errors import InputError
from minireid.data.prepared import check_hash, open_prepared

MakeRaw = Callable[..., Path]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != ".checked"}


def beside(out: Path) -> list[str]:
    """Names in the folder of `out`, the raw dataset left out."""
    return sorted(entry.name for entry in out.parent.iterdir() if entry.name != "raw")


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG"])
def test_frames_and_flow_of_every_track(make_raw: MakeRaw, tmp_path: Path, suffix: str) -> None:
    raw = make_raw(suffix=suffix)
    prepared = open_prepared(prepare("prid2011", raw, tmp_path / "out", size=(16, 8), progress=False))
    check_hash(prepared.path / "frames.npy", prepared.index.sha256)
    assert prepared.frames.shape == (26, 16, 8, 5)
    assert [(t.camera, t.person, t.length) for t in prepared.tracks] == [
        *(("a", 1, 4), ("a", 2, 3), ("a", 3, 2)),
        *(("b", 1, 5), ("b", 2, 12)),
    ]
    for track in prepared.tracks:
        frames = prepared.frames[track.start : track.start + track.length]
        folder = raw / "multi_shot" / f"cam_{track.camera}" / f"person_{track.person:04d}"
        for t, frame in enumerate(frames):
            image = Image.open(folder / f"{t + 1:04d}.{suffix}").convert("RGB")
            np.testing.assert_array_equal(frame[..., :3], image.resize((8, 16), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(frames[..., 3:], track_flow(np.ascontiguousarray(frames[..., :3]), 16))
        assert np.all(frames[0, ..., 3:] == 127) and np.any(frames[1:, ..., 3:] != 127)


def test_frames_are_sorted_by_number_not_by_name(make_raw: MakeRaw) -> None:
    raw = make_raw({("a", 1): 12, ("b", 1): 1, ("b", 10): 1, ("b", 2): 1})
    folder = raw / "multi_shot/cam_a/person_0001"
    for file in list(folder.iterdir()):
        file.rename(folder / f"{int(file.stem)}.png")  # 1, 10, 11, 12, 2, ... as text
    (raw / "multi_shot/cam_b/person_0010").rename(raw / "multi_shot/cam_b/person_10")
    tracks = usable("prid2011", raw).tracks
    assert [int(path.stem) for path in tracks[0].frames] == list(range(1, 13))
    assert [(track.camera, track.person) for track in tracks] == [("a", 1), ("b", 1), ("b", 2), ("b", 10)]


def test_index_is_readable_one_track_per_line(make_raw: MakeRaw, tmp_path: Path) -> None:
    out = prepare("prid2011", make_raw(), tmp_path / "out", flow_scale=8, progress=False)
    text = (out / "index.json").read_text()
    assert '\n  {"person": 2, "camera": "a", "start": 4, "length": 3},\n' in text
    index = json.loads(text)
    assert index["flow_scale"] == 8 and index["height"] == 64 and index["width"] == 32
    assert index["channels"] == ["red", "green", "blue", "flow_x", "flow_y"]


def test_no_flow_has_three_channels(make_raw: MakeRaw, tmp_path: Path) -> None:
    prepared = open_prepared(prepare("prid2011", make_raw(), tmp_path / "out", flow=False, progress=False))
    assert prepared.frames.shape[3] == 3 and not prepared.has_flow and prepared.index.flow_scale is None


def test_same_bytes_twice_and_for_any_number_of_workers(make_raw: MakeRaw, tmp_path: Path) -> None:
    """The second folder has the same files, created in another order."""
    raw = make_raw()
    copy = tmp_path / "copy"
    for file in sorted(raw.rglob("*.png"), reverse=True):
        target = copy / file.relative_to(raw)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    once = contents(prepare("prid2011", raw, tmp_path / "once", workers=1, progress=False))
    for name, source, workers in [("again", raw, 1), ("two", raw, 2), ("seven", copy, 7)]:
        assert contents(prepare("prid2011", source, tmp_path / name, workers=workers, progress=False)) == once


def test_groups_of_the_walkers_are_copied(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw()
    head = {"format": "minireid-walkers", "version": 1}
    (raw / "walkers.json").write_text(json.dumps({**head, "people": {"1": {"group": 4}, "2": {"group": 5}, "3": {}}}))
    prepared = open_prepared(prepare("walkers", raw, tmp_path / "out", progress=False))
    assert [track.group for track in prepared.tracks] == [4, 5, None, 4, 5]


@pytest.mark.parametrize(
    "text, says",
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "expected minireid-walkers"),
        ('{"format": "minireid-walkers", "version": 2, "people": {}}', "use the minireid that wrote it"),
        ('{"format": "minireid-walkers", "version": 1}', "people"),
        ('{"format": "minireid-walkers", "version": 1, "people": []}', "expected object, got array in people"),
        ('{"format": "minireid-walkers", "version": 1, "people": {"anna": {}}}', "is damaged"),
        (
            '{"format": "minireid-walkers", "version": 1, "people": {"1": {"group": "a"}}}',
            "expected int, got str",
        ),
        ('{"format": "minireid-walkers", "version": 1, "people": {"1": {"group": -1}}}', "is damaged"),
        ('{"format": "minireid-walkers", "version": 1, "people": {"1": {"group": ' + "9" * 5000 + "}}}", "is damaged"),
        ("[" * 100_000, "is damaged"),
    ],
)
def test_a_description_of_walkers_that_is_none(make_raw: MakeRaw, tmp_path: Path, text: str, says: str) -> None:
    raw = make_raw()
    (raw / "walkers.json").write_text(text)
    with pytest.raises(InputError, match=says) as fault:
        prepare("walkers", raw, tmp_path / "out", progress=False)
    assert "walkers.json" in str(fault.value) and "\n" not in str(fault.value) and beside(tmp_path / "out") == []


def test_unchanged_input_is_left_alone_and_changed_input_needs_force(
    make_raw: MakeRaw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, out = make_raw(), tmp_path / "out"
    arguments = ["prid2011", str(raw), str(out), "--size", "16x8"]
    assert main(arguments) == 0
    before, written = contents(out), (out / "frames.npy").stat().st_mtime_ns
    assert main(arguments) == 0
    assert "unchanged" in capsys.readouterr().out
    assert (out / "frames.npy").stat().st_mtime_ns == written
    assert main([*arguments, "--no-flow"]) == 2
    assert "--force" in capsys.readouterr().err
    frame = raw / "multi_shot/cam_a/person_0001/0001.png"
    picture = frame.read_bytes()
    for ending in (b"a", b"b"):  # the same length, other bytes
        frame.write_bytes(picture + ending)
        assert main(arguments) == 2
        assert "--force" in capsys.readouterr().err and contents(out) == before
        assert main([*arguments, "--force"]) == 0
        assert contents(out) != before
        before = contents(out)
    assert beside(out) == ["out"]
    frames = bytearray(before["frames.npy"])
    frames[-1] ^= 1
    (out / "frames.npy").write_bytes(frames)
    assert main(arguments) == 2
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_is_not_ours_is_never_replaced(make_raw: MakeRaw, tmp_path: Path, force: bool) -> None:
    raw, out = make_raw(), tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    for target in (out, raw, out / "thesis.txt"):
        with pytest.raises(InputError, match="holds something else"):
            prepare("prid2011", raw, target, force=force, progress=False)
    assert (out / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("damage", [b"", b"no image", None])
def test_damaged_image_leaves_nothing(
    make_raw: MakeRaw, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: bytes | None
) -> None:
    raw, out = make_raw(), tmp_path / "out"
    bad = raw / "multi_shot/cam_b/person_0002/0007.png"
    bad.write_bytes(bad.read_bytes()[:-20] if damage is None else damage)
    assert main(["prid2011", str(raw), str(out)]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("error: ") and str(bad) in line and "data_tools.verify" in line
    assert beside(out) == []


def test_an_image_of_another_size_stops_it(make_raw: MakeRaw, tmp_path: Path) -> None:
    """As `verify` has it: a frame of a track that is not one. Crops for `own` have any size."""
    raw = make_raw()
    odd = sorted((raw / "multi_shot" / "cam_b").glob("*/*.png"))[-1]
    Image.new("RGB", (1, 1)).save(odd)
    with pytest.raises(InputError, match=rf"{odd.name}: 1 x 1, but the first image is \d+ x \d+ \(python -m"):
        prepare("prid2011", raw, tmp_path / "out", progress=False)
    assert beside(tmp_path / "out") == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_interrupted_in_the_middle_leaves_nothing_and_runs_again(
    make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    raw, out = make_raw(), tmp_path / "out"
    work = module._prepare_track

    def interrupted(raw: Path, track: RawTrack, *others: Any) -> tuple[bytes, np.ndarray]:
        if track.camera == "b":
            raise stop
        return work(raw, track, *others)

    monkeypatch.setattr(module, "_prepare_track", interrupted)
    expected = InputError if isinstance(stop, OSError) else stop
    with pytest.raises(expected):  # type: ignore[call-overload]
        prepare("prid2011", raw, out, progress=False)
    assert beside(out) == []
    monkeypatch.undo()
    prepared = open_prepared(prepare("prid2011", raw, out, progress=False))
    check_hash(out / "frames.npy", prepared.index.sha256)


def test_killed_run_leaves_nothing_that_looks_whole(make_raw: MakeRaw, tmp_path: Path) -> None:
    """A real process, stopped without a chance to clean up; the next run clears what it left."""
    raw, out = make_raw({("a", 1): 80, ("b", 1): 80, ("b", 2): 80}), tmp_path / "out"
    command = [sys.executable, "-m", "data_tools.prepare", "prid2011", str(raw), str(out), "--size", "256x128"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "out.partial").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert beside(out) == ["out.partial"]
    with pytest.raises(InputError):
        open_prepared(tmp_path / "out.partial")
    prepared = open_prepared(prepare("prid2011", raw, out, progress=False))
    check_hash(out / "frames.npy", prepared.index.sha256)
    assert beside(out) == ["out"]


def test_disk_too_small(make_raw: MakeRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="are free"):
        prepare("prid2011", make_raw(), tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_says_what_it_needs_before_it_starts(make_raw: MakeRaw, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    raw = make_raw()
    (raw / "multi_shot/cam_a/person_0001/0002.png").unlink()
    assert main(["prid2011", str(raw), str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "5 tracks, 25 frames -> 64 x 32 pixels, 5 channels; needs 0.3 MB" in out
    assert "1 tracks have gaps" in out and "person_0001" in out


@pytest.mark.parametrize("size", ["64", "x", "64x", "axb", "0x5", "-4x8", "9999x9999"])
def test_bad_size(make_raw: MakeRaw, tmp_path: Path, size: str) -> None:
    command = ["prid2011", str(make_raw()), str(tmp_path / "out"), f"--size={size}"]
    try:
        assert main(command) == 2
    except SystemExit as stop:
        assert stop.code == 2
    assert not (tmp_path / "out").exists()


def test_bad_options(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw()
    with pytest.raises(InputError, match="flow scale"):
        prepare("prid2011", raw, tmp_path / "out", flow_scale=0, progress=False)
    with pytest.raises(InputError, match="workers"):
        prepare("prid2011", raw, tmp_path / "out", workers=0, progress=False)
    with pytest.raises(InputError, match="prid2011, walkers"):
        prepare("viper", raw, tmp_path / "out", progress=False)
    with pytest.raises(InputError, match="point to"):
        prepare("prid2011", raw / "multi_shot", tmp_path / "out", progress=False)


def test_the_folder_around_the_dataset_is_as_good(make_raw: MakeRaw, tmp_path: Path) -> None:
    """An archive unpacks into a folder of its own: the one that holds multi_shot, or the one around it."""
    raw = make_raw(name="around/prid_2011")
    (raw.parent / "papers").mkdir()
    one, two = (tmp_path / "out" / name for name in ("one", "two"))
    for source, out in ((raw, one), (raw.parent, two)):
        assert main(["prid2011", str(source), str(out)]) == 0
    assert contents(one) == contents(two)
    shutil.copytree(raw, raw.parent / "copy")
    with pytest.raises(InputError, match=r"has no multi_shot, but .*copy has: point to that"):
        prepare("prid2011", raw.parent, tmp_path / "three", progress=False)


def test_the_178() -> None:
    assert len(PERSONS_178) == 178 and not set(PERSONS_178) & set(EXCLUDED_178)
    frames = [Path(f"{t:04d}.png") for t in range(1, 23)]
    tracks = [RawTrack(person, camera, frames) for person in range(1, 386) for camera in "ab"]
    tracks = [t._replace(frames=frames[:21]) if t.person in EXCLUDED_178 and t.camera == "b" else t for t in tracks]
    assert tuple(protocol_178(tracks)) == PERSONS_178
    assert 7 not in protocol_178([track for track in tracks if (track.person, track.camera) != (7, "a")])


def test_real_frames(tmp_path: Path) -> None:
    root = os.environ.get("MINIREID_REAL_FRAMES")
    if not root:
        pytest.skip("MINIREID_REAL_FRAMES names no folder")
    prepared = open_prepared(
        prepare("prid2011", Path(root) / "cuhk03_300", tmp_path / "out", flow=False, progress=False)
    )
    assert prepared.frames.shape == (3000, 64, 32, 3) and len(prepared.tracks) == 600
    check_hash(prepared.path / "frames.npy", prepared.index.sha256)

"""What people's folders look like: litter is passed over, other layouts are told what to do, in one line."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_tools.commands import prepare as prepare_command
from data_tools.commands import verify as verify_command
from data_tools.find_faults import verify
from data_tools.layouts import usable
from data_tools.walkers.write import write_walkers
from data_tools.write_prepared import prepare
from minireid.base.errors import InputError
from tests.data_tools.conftest import draw

Capture = pytest.CaptureFixture[str]
MakeRaw = Callable[..., Path]


def made(raw: Path, files: list[str]) -> Path:
    rng = np.random.default_rng(7)
    raw.mkdir(exist_ok=True)
    for file in files:
        (raw / file).parent.mkdir(parents=True, exist_ok=True)
        draw(raw / file, rng) if file.endswith((".png", ".jpg")) else (raw / file).touch()
    return raw


def said(command: list[str], capsys: Capture) -> str:
    """The one line of an error."""
    assert prepare_command.main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) <= 400 + len(command[1]), line
    return line


MARKET = ["bounding_box_train/0001_c1s1_000151_01.jpg", "bounding_box_test/-1_c1s1_000401_03.jpg"]
DUKE = ["bounding_box_train/0001_c2_f0046182.jpg", "query/0005_c2_f0046985.jpg"]
PARTS = [f"{part}/anna/door/1/0001.png" for part in ("train", "query", "gallery")]


@pytest.mark.parametrize(
    "dataset, files, says",
    [
        ("own", MARKET, "person/camera/track (0001/c1/1/0001_c1s1_000151_01.jpg), say own and --no-flow"),
        ("mars", MARKET, "single pictures as in Market-1501"),
        ("prid2011", DUKE, "(0005/c2/1/0005_c2_f0046985.jpg)"),
        ("own", ["0001_c1s1_000151_01.jpg"], "single pictures as in Market-1501"),
        ("own", PARTS, "has folders that are parts of a dataset, not persons: gallery, query, train"),
        ("own", ["train/anna/door/1.png", "gallery/anna/door/1.png"], "not persons: gallery, train"),
        ("own", [*PARTS[:1], "anna/door/1/1.png"], "not persons: train"),
        ("own", ["cam_a/anna/1/1.png", "cam_b/anna/1/1.png"], "has cameras outside, cam_a, cam_b, and persons inside"),
        ("own", ["multi_shot/cam_a/person_0001/0001.png", "multi_shot/cam_b/person_0001/0001.png"], "say prid2011"),
        ("prid2011", ["sequences/cam1/person001/a.png", "sequences/cam2/person001/a.png"], "say ilids_vid"),
        ("own", ["anna/1.png", "bert/1.png"], "has images in the folders of persons: expected two more folders"),
        ("own", ["1.png"], "has images, but no folders: sort them into person/camera/track/0001.jpg"),
        ("own", ["anna/door/monday.mp4"], "monday.mp4 is a video: make frames of it, as with ffmpeg -i monday.mp4"),
        ("own", ["a b.MOV"], "a b.MOV is a video: make frames of it, as with ffmpeg -i 'a b.MOV' person/camera/track/"),
        ("prid2011", ["cam_a/0001.avi"], "0001.avi is a video: make frames of it"),
        ("prid2011", ["x/y/multi_shot/cam_a/person_0001/0001.png"], "has no multi_shot, but {raw}/x/y has: point to"),
    ],
)
def test_other_layouts_are_told_what_to_do(
    dataset: str, files: list[str], says: str, tmp_path: Path, capsys: Capture
) -> None:
    raw = made(tmp_path / "raw", files)
    assert says.format(raw=raw) in said([dataset, str(raw), str(tmp_path / "out")], capsys)
    assert verify_command.main([dataset, str(raw)]) == 1
    assert says.format(raw=raw) in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_webp_frames_are_told_to_be_converted(tmp_path: Path, capsys: Capture) -> None:
    raw = made(tmp_path / "raw", ["anna/door/1/1.webp"])
    (raw / "anna/door/1/1.webp").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    assert "1.webp is a WebP image: convert it to PNG or JPEG" in said(["own", str(raw), str(tmp_path / "out")], capsys)
    made(raw, ["anna/door/2/1.png"])  # now the layout is right, and the track of WebP is not left out in silence
    assert "1.webp: is a WebP image: convert it" in said(["own", str(raw), str(tmp_path / "out")], capsys)


def test_a_file_in_place_of_a_folder(tmp_path: Path, capsys: Capture) -> None:
    for name, head, says in (
        ("clip.mp4", b"\0\0\0\x20ftypisom", "is an MP4 video: make frames of it"),
        ("raw.zip", b"PK\x03\x04", "is an archive: unpack it"),
        ("raw.txt", b"hello", "found none"),
    ):
        (tmp_path / name).write_bytes(head)
        assert says in said(["own", str(tmp_path / name), str(tmp_path / "out")], capsys)


def test_prid_2011_is_read_from_the_folder_around_it(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw(name="data/prid_2011")
    made(tmp_path / "data", ["__MACOSX/multi_shot/cam_a/x", "readme.txt"])
    assert usable("prid2011", tmp_path / "data").raw == raw


def test_one_part_of_several_is_not_the_dataset(tmp_path: Path, capsys: Capture) -> None:
    """Only train has the right depth; gallery must not be left out for that."""
    raw = made(tmp_path / "raw", ["train/anna/door/1/1.png", "gallery/anna/1.png"])
    assert "not persons: gallery, train" in said(["own", str(raw), str(tmp_path / "out")], capsys)


LITTER = [".DS_Store", "._0001.png", "Thumbs.db", "desktop.ini", "Desktop.ini", "@eaDir/x.png", "__MACOSX/y.png"]


def test_litter_is_passed_over_everywhere(make_raw: MakeRaw, tmp_path: Path) -> None:
    raw = make_raw()
    once = prepare("prid2011", raw, tmp_path / "once", progress=False)
    for folder in ("", "multi_shot/", "multi_shot/cam_a/", "multi_shot/cam_a/person_0001/"):
        made(raw, [folder + name for name in LITTER])
    assert verify("prid2011", raw, progress=False).faults == []
    again = prepare("prid2011", raw, tmp_path / "again", progress=False)
    assert (once / "index.json").read_bytes() == (again / "index.json").read_bytes()
    mine = made(tmp_path / "mine", ["anna/door/1/1.png"])
    for folder in ("", "anna/", "anna/door/", "anna/door/1/"):
        made(mine, [folder + name for name in LITTER])
    assert verify("own", mine, progress=False).faults == []


@pytest.mark.parametrize(
    "entry, says",
    [
        ("multi_shot/cam_a/person_x/0001.png", "person_x: expected only folders such as person_0001 here"),
        ("multi_shot/cam_a/anna/0001.png", "anna: expected only folders such as person_0001 here"),
        ("multi_shot/cam_a/person_0001/frame5.png", "frame5.png: expected only images such as 0001.png here"),
        ("multi_shot/cam_a/person_0001/notes.txt", "notes.txt: expected only images such as 0001.png here"),
        ("multi_shot/cam_a/person_0001/clip.avi", "clip.avi: is a video: make frames of it"),
        ("multi_shot/cam_c/person_0001/0001.png", "cam_c: expected only cam_a and cam_b here"),
        ("multi_shot/cam_a/person_1/0001.png", "person_1: person 1 has another folder, person_0001"),
        ("multi_shot/cam_a/person_0001/01.png", "frame 1 has another file, 0001.png"),
        ("multi_shot/cam_a/person_99999999999/0001.png", "expected only folders such as person_0001"),
        ("multi_shot/cam_a/person_٣/0001.png", "expected only folders such as person_0001"),
    ],
)
def test_prepare_stops_where_verify_finds_a_fault(
    make_raw: MakeRaw, tmp_path: Path, capsys: Capture, entry: str, says: str
) -> None:
    raw = made(make_raw(), [entry])
    line = said(["prid2011", str(raw), str(tmp_path / "out")], capsys)
    assert says in line and "python -m data_tools.verify names every fault" in line
    assert not (tmp_path / "out").exists()
    assert any(says in f"{fault.path}: {fault.text}" for fault in verify("prid2011", raw, progress=False).faults)


@pytest.mark.parametrize(
    "damage, says",
    [
        (lambda file, others: file.unlink(), "found none"),
        (lambda file, others: file.write_text("{}"), "expected minireid-walkers"),
        (lambda file, others: shutil.copyfile(others, file), "does not fit the images, first at person 5"),
    ],
)
def test_walkers_are_read_with_their_own_description(
    tmp_path: Path, damage: Callable[[Path, Path], Any], says: str, capsys: Capture
) -> None:
    """It says who are twins: they must not be separated."""
    write_walkers(tmp_path / "raw", people=4, seed=0, frames=(31, 31), twins=True, workers=1, progress=False)
    write_walkers(tmp_path / "others", people=8, seed=0, frames=(31, 31), twins=True, workers=1, progress=False)
    damage(tmp_path / "raw" / "walkers.json", tmp_path / "others" / "walkers.json")
    with pytest.raises(InputError, match=says):
        usable("walkers", tmp_path / "raw")
    assert verify_command.main(["walkers", str(tmp_path / "raw")]) == 1
    assert says in capsys.readouterr().out


def test_a_frame_with_a_huge_number_is_a_gap_and_no_wait(make_raw: MakeRaw) -> None:
    raw = make_raw({("a", 1): 2, ("b", 1): 2})
    folder = raw / "multi_shot/cam_a/person_0001"
    (folder / "0002.png").rename(folder / "999999999999999.png")
    (fault,) = verify("prid2011", raw, progress=False).faults
    assert fault.text == "of frames 1 to 999999999999999, missing: 2-999999999999998"


def test_names_that_cannot_stand_in_the_index_are_refused(tmp_path: Path) -> None:
    for name in (b"J\xf6rg", b"a\nb"):
        raw = made(tmp_path / f"raw{len(name)}", ["anna/door/1/1.png"])
        (raw / "anna").rename(raw / Path(os.fsdecode(name)))
        with pytest.raises(InputError, match="names in UTF-8 without control characters") as fault:
            prepare("own", raw, tmp_path / "out", progress=False)
        assert "\n" not in str(fault.value) and str(fault.value).isprintable()


def test_the_work_grows_with_the_frames_not_with_their_square(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated frames, which once took 94 s for 16,000. Counted: how often paths are hashed or compared."""
    counted = {"times": 0}
    hashed, equal = Path.__hash__, Path.__eq__

    def count_hash(path: Path) -> int:
        counted["times"] += 1
        return hashed(path)

    def count_equal(path: Path, other: object) -> bool:
        counted["times"] += 1
        return equal(path, other)

    times = []
    for frames in (50, 100):
        raw = made(tmp_path / str(frames), ["anna/door/1/000.png"])
        content = (raw / "anna/door/1/000.png").read_bytes()
        for number in range(1, frames):
            (raw / f"anna/door/1/{number:03d}.png").write_bytes(content)
        with monkeypatch.context() as patched:
            for kind in {Path, type(raw)}:
                patched.setattr(kind, "__hash__", count_hash)
                patched.setattr(kind, "__eq__", count_equal)
            counted["times"] = 0
            notes = verify("own", raw, progress=False).notes
        assert f"{frames - 1} images repeat one of their track" in notes[0]
        times.append(counted["times"])
    assert times[1] < 2.5 * times[0]

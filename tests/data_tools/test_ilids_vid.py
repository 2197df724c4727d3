"""iLIDS-VID's layout: what prepare takes from it, and what verify says of it. Made-up folders, files in any order."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from data_tools import find_faults, write_prepared
from data_tools.commands import prepare as prepare_command
from data_tools.commands import verify as verify_command
from data_tools.layouts import usable
from data_tools.raw import Fault
from minireid.base.errors import InputError
from minireid.data.prepared import open_prepared
from tests.data_tools.conftest import draw

Capture = pytest.CaptureFixture[str]


def name(camera: int, person: int, frame: int) -> str:
    return f"sequences/cam{camera}/person{person:03d}/cam{camera}_person{person:03d}_{frame:05d}.png"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Persons 1, 2 and 319 in both cameras, 3 to 5 frames each from 98 (camera 1) or 7 (camera 2) on."""
    rng = np.random.default_rng(7)
    files = [
        name(camera, person, first + t)
        for camera, first in ((1, 98), (2, 7))
        for n, person in enumerate((1, 2, 319))
        for t in range(3 + n)
    ]
    for file in rng.permutation(files):
        draw(tmp_path / "i-LIDS-VID" / file, rng)
    return tmp_path / "i-LIDS-VID"


def faults(raw: Path) -> list[Fault]:
    return find_faults.verify("ilids_vid", raw, progress=False).faults


def test_tracks_in_the_order_of_the_frames_numbers(raw: Path) -> None:
    tracks = usable("ilids_vid", raw).tracks
    places = [(person, camera) for camera in "ab" for person in (1, 2, 319)]
    assert [(track.person, track.camera) for track in tracks] == places
    assert [path.name for path in tracks[0].frames] == [f"cam1_person001_{n:05d}.png" for n in (98, 99, 100)]
    folder = raw / "sequences/cam1/person319"
    for file in list(folder.iterdir()):  # unpadded: 100, 101, 102, 98, 99 as text
        file.rename(folder / f"cam1_person319_{int(file.stem[-5:])}.png")
    assert [path.stem[15:] for path in usable("ilids_vid", raw).tracks[2].frames] == ["98", "99", "100", "101", "102"]


def test_prepared(raw: Path, tmp_path: Path, capsys: Capture) -> None:
    assert prepare_command.main(["ilids_vid", str(raw), str(tmp_path / "out"), "--size", "16x8"]) == 0
    assert "gaps" not in capsys.readouterr().out, "tracks start anywhere"
    prepared = open_prepared(tmp_path / "out")
    assert prepared.one_to_one and prepared.index.dataset == "ilids_vid"
    assert [(t.person, t.camera, t.length) for t in prepared.tracks][:3] == [(1, "a", 3), (2, "a", 4), (319, "a", 5)]


def test_the_folder_around_it_is_as_good(raw: Path, tmp_path: Path) -> None:
    for target, source in (("one", raw), ("two", raw.parent)):
        write_prepared.prepare("ilids_vid", source, tmp_path / "out" / target, progress=False)
    one, two = ((tmp_path / "out" / target / "index.json").read_bytes() for target in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "place, advice",
    [
        ("sequences", "point to {raw}, the folder that holds sequences"),
        ("sequences/cam2/person001", "point to {raw}, the folder that holds sequences"),
        ("images", "one image per person, not videos: point to {raw}, whose sequences are used"),
        ("images/cam1/person001", "one image per person, not videos: point to {raw}, whose sequences are used"),
        ("../half", "get the sequences as well"),
        ("../half/images", "get the sequences as well"),
        ("../empty", "has no sequences/cam1 and no sequences/cam2"),
        ("../none", "found none"),
    ],
)
def test_wrong_folder_says_where_to_point(raw: Path, tmp_path: Path, capsys: Capture, place: str, advice: str) -> None:
    for folder in ("images/cam1/person001", "../half/images/cam1", "../empty"):
        (raw / folder).mkdir(parents=True)
    assert prepare_command.main(["ilids_vid", str((raw / place).resolve()), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert advice.format(raw=raw) in line and not (tmp_path / "out").exists()


def test_verify_of_a_sound_folder(raw: Path, capsys: Capture) -> None:
    assert verify_command.main(["ilids_vid", str(raw)]) == 0
    said = capsys.readouterr().out
    assert "iLIDS-VID as published" in said and said.endswith("no faults\n") and "gaps" not in said
    facts = {what: (here, there) for what, here, there in find_faults.verify("ilids_vid", raw, progress=False).facts}
    assert facts["persons in both cameras"] == ("3", "300") and facts["tracks"] == ("6", "600")
    assert facts["frames per track"] == ("3 to 5, mean 4", "23 to 192, mean 73")
    assert verify_command.main(["ilids_vid", str(raw), "--published"]) == 1


def test_verify_names_every_fault(raw: Path) -> None:
    shutil.copy(raw / name(1, 1, 98), raw / "sequences/cam1/person001/CAM1_person001_98.PNG")
    shutil.move(raw / name(1, 2, 98), raw / "sequences/cam1/person001/cam1_person002_00105.png")
    shutil.move(raw / name(2, 2, 7), raw / "sequences/cam2/person002/0007.png")
    (raw / "sequences/cam1/person050").mkdir()
    (raw / "sequences/cam3").mkdir()
    shutil.copytree(raw / "sequences/cam2/person002", raw / "sequences/cam2/person2")
    (raw / name(1, 319, 99)).write_bytes(b"")
    found = {(fault.kind, fault.path.name) for fault in faults(raw)}
    assert found == {
        ("twice", "cam1_person001_00098.png"),
        ("duplicate image", "cam1_person001_00098.png"),
        ("another person's", "cam1_person002_00105.png"),
        ("unexpected", "0007.png"),
        ("empty track", "person050"),
        ("unexpected", "cam3"),
        ("twice", "person2"),
        ("zero bytes", "cam1_person319_00099.png"),
    }


def test_gaps_are_noted(raw: Path, tmp_path: Path, capsys: Capture) -> None:
    (raw / name(1, 319, 100)).unlink()
    findings = find_faults.verify("ilids_vid", raw, progress=False)
    assert findings.faults == [] and "1 tracks have gaps" in findings.notes[0] and "person319" in findings.notes[0]
    assert prepare_command.main(["ilids_vid", str(raw), str(tmp_path / "out")]) == 0
    assert "1 tracks have gaps" in capsys.readouterr().out


@pytest.mark.parametrize(
    "damage, says",
    [
        (lambda raw: [file.unlink() for file in (raw / "sequences/cam2/person002").iterdir()], "no images such as"),
        (
            lambda raw: shutil.copytree(raw / "sequences/cam2/person002", raw / "sequences/cam2/person2"),
            "person 2 has another folder, person002",
        ),
        (
            lambda raw: shutil.copy(raw / name(1, 1, 98), raw / "sequences/cam1/person001/cam1_person001_98.png"),
            r"frame 98 has another file, .*98\.png",
        ),
        (lambda raw: shutil.move(raw / name(1, 2, 101), raw / "sequences/cam1/person001"), "in the folder person001"),
        (lambda raw: shutil.move(raw / name(2, 1, 7), raw / "sequences/cam1/person001"), "expected only images such"),
        (lambda raw: (raw / "sequences/cam1/person_x").mkdir(), "expected only folders such as person001"),
        (lambda raw: (raw / "sequences/cam1/person001/notes.txt").touch(), "expected only images such as"),
        (lambda raw: (raw / "sequences/cam3").mkdir(), "expected only cam1 and cam2"),
    ],
)
def test_what_prepare_refuses(raw: Path, tmp_path: Path, damage, says: str) -> None:
    """A fault that verify names is never passed over: nobody is left out, no stranger is taken in."""
    damage(raw)
    with pytest.raises(InputError, match=says + r".*data_tools\.verify names every fault") as fault:
        write_prepared.prepare("ilids_vid", raw, tmp_path / "out", progress=False)
    assert "\n" not in str(fault.value) and not (tmp_path / "out").exists()

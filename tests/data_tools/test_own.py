"""One's own videos: any names of persons, cameras and tracks, in the order in which people count."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from data_tools import find_faults, write_prepared
from data_tools.commands import prepare as prepare_command
from data_tools.commands import verify as verify_command
from data_tools.layouts import usable
from minireid.base.errors import InputError
from minireid.data.prepared import Track, open_prepared
from minireid.evaluation.search import name
from tests.data_tools.conftest import draw

Capture = pytest.CaptureFixture[str]
FILES = [
    *("2/door/1/frame9.png", "2/door/1/frame10.png", "2/door/1/frame100.PNG"),
    *("10/door/monday/a.jpg", "10/yard 2/x/img_1.jpg", "10/yard 2/x/img_01.jpg", "10/yard 10/x/7.jpeg"),
    *("Anna/door/1/1.png", "bert/door/2/1.png", "bert/door/10/1.png", "bert/yard 2/1/1.png", "chloé/yard 2/1/1.png"),
]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    for n, file in enumerate(rng.permutation(FILES)):
        draw(tmp_path / "raw" / file, rng, height=32 + 4 * (n % 3))
    return tmp_path / "raw"


def test_the_order_in_which_people_count(raw: Path) -> None:
    tracks = usable("own", raw).tracks
    assert [(track.person, track.camera, track.name) for track in tracks] == [
        (1, "door", "2/door/1"),
        (2, "door", "10/door/monday"),
        (2, "yard 2", "10/yard 2/x"),
        (2, "yard 10", "10/yard 10/x"),
        (3, "door", "Anna/door/1"),
        (4, "door", "bert/door/2"),
        (4, "door", "bert/door/10"),
        (4, "yard 2", "bert/yard 2/1"),
        (5, "yard 2", "chloé/yard 2/1"),
    ]
    assert [path.name for path in tracks[0].frames] == ["frame9.png", "frame10.png", "frame100.PNG"]
    assert [path.name for path in tracks[2].frames] == ["img_01.jpg", "img_1.jpg"]


def test_prepared_and_the_names_kept(raw: Path, tmp_path: Path, capsys: Capture) -> None:
    assert prepare_command.main(["own", str(raw), str(tmp_path / "out"), "--size", "16x8"]) == 0
    assert "gaps" not in capsys.readouterr().out
    prepared = open_prepared(tmp_path / "out")
    assert prepared.tracks[0] == Track(1, "door", 0, 3, name="2/door/1")
    assert not prepared.one_to_one and not prepared.has_roles
    assert name(prepared.tracks[-1]) == "chloé/yard 2/1"
    assert "chloé" in (tmp_path / "out/index.json").read_text(encoding="utf-8"), "readable"


def test_two_cameras_with_a_track_each_are_like_any_dataset_of_pairs(raw: Path, tmp_path: Path) -> None:
    for folder in ("10/yard 10", "bert/door/2"):
        shutil.rmtree(raw / folder)
    assert open_prepared(write_prepared.prepare("own", raw, tmp_path / "out", progress=False)).one_to_one


def test_verify_of_a_sound_folder(raw: Path, capsys: Capture) -> None:
    shutil.copy(raw / "2/door/1/frame9.png", raw / "2/door/1/frame11.png")  # a video may stand still
    assert verify_command.main(["own", str(raw)]) == 0
    said = capsys.readouterr().out
    assert "published" not in said and said.endswith("no faults\n")
    assert "persons in one camera only: 3;" in said and "3 sizes of images" in said and "1 images repeat" in said
    facts = {what: here for what, here, _ in find_faults.verify("own", raw, progress=False).facts}
    assert (facts["persons"], facts["cameras"], facts["tracks"]) == ("5", "3", "9")
    assert facts["persons in two cameras or more"] == "2" and facts["most tracks of a person in a camera"] == "2"


def test_verify_names_every_fault(raw: Path) -> None:
    for folder in ("Anna/door/2", "bert/attic", "dora"):
        (raw / folder).mkdir()
    for file in ("readme.txt", "bert/x.png", "bert/door/1.png", "Anna/door/1/1.mp4"):
        (raw / file).touch()
    (raw / "10/yard 10/x/7.jpeg").write_bytes(b"no image")
    found = {
        (fault.kind, str(fault.path.relative_to(raw)))
        for fault in find_faults.verify("own", raw, progress=False).faults
    }
    assert found == {
        ("empty track", "Anna/door/2"),
        ("empty folder", "bert/attic"),
        ("empty folder", "dora"),
        *(("unexpected", file) for file in ("readme.txt", "bert/x.png", "bert/door/1.png", "Anna/door/1/1.mp4")),
        ("damaged image", "10/yard 10/x/7.jpeg"),
    }


@pytest.mark.parametrize(
    "folder, says",
    [("Anna/door/2", "no images"), ("bert/attic", "no folders of tracks"), ("d", "no folders of cameras")],
)
def test_empty_folders_are_refused(raw: Path, tmp_path: Path, folder: str, says: str) -> None:
    (raw / folder).mkdir()
    with pytest.raises(InputError, match=f"{folder}: {says} .*verify names every fault"):
        write_prepared.prepare("own", raw, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "files, says",
    [
        (["anna/door/1.png"], "expected one more folder, for tracks"),
        (["anna/1.png"], "expected two more folders, of cameras and of tracks"),
        (["here/there/anna/door/1/1.png"], "no images such as person/camera/track/0001.jpg"),
        (["anna/door/1/clip.mp4"], "no images such as person/camera/track/0001.jpg"),
        ([], "no images such as"),
    ],
)
def test_another_layout(tmp_path: Path, capsys: Capture, files: list[str], says: str) -> None:
    (tmp_path / "raw").mkdir()
    for file in files:
        (tmp_path / "raw" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / file).touch()
    assert prepare_command.main(["own", str(tmp_path / "raw"), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line and str(tmp_path / "raw") in line and not (tmp_path / "out").exists()


def test_the_folder_around_it(raw: Path, tmp_path: Path) -> None:
    shutil.move(raw, tmp_path / "around" / "raw")
    out = write_prepared.prepare("own", tmp_path / "around", tmp_path / "out", progress=False)
    assert open_prepared(out).tracks[0].name == "2/door/1"

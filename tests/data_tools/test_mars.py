"""MARS's layout: tracks from lists and matrices, every fault one line. The folder is made up, by hand."""

import builtins
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_tools import find_faults, mars, write_prepared
from data_tools.commands import prepare as prepare_command
from data_tools.commands import verify as verify_command
from data_tools.layouts import usable
from data_tools.raw import Findings, RawTrack
from minireid.base.errors import InputError
from minireid.data.prepared import Track, open_prepared
from tests.data_tools.conftest import draw

io = pytest.importorskip("scipy.io", reason="needs SciPy for .mat files: pip install -e '.[mars]'")
Capture = pytest.CaptureFixture[str]

# (person, camera, track, frames): rows in this order.
TRAIN = [("0001", 1, 1, 3), ("0001", 1, 2, 2), ("0001", 6, 1, 4), ("0003", 2, 1, 2), ("0003", 5, 1, 2)]
TEST = [
    *(("00-1", 3, 7, 2), ("0000", 1, 9, 3), ("0002", 1, 1, 2), ("0002", 1, 2, 3), ("0002", 4, 1, 2)),
    *(("0004", 2, 1, 2), ("0004", 3, 1, 3)),
]
QUERIES = [3, 5, 7]


def names(tracks: list[tuple[str, int, int, int]]) -> list[str]:
    return [f"{who}C{camera}T{track:04d}F{t:03d}.jpg" for who, camera, track, n in tracks for t in range(1, n + 1)]


def rows(tracks: list[tuple[str, int, int, int]]) -> np.ndarray:
    last = np.cumsum([n for *_, n in tracks])
    person = [-1 if who == "00-1" else int(who) for who, *_ in tracks]
    return np.stack([last - [n for *_, n in tracks] + 1, last, person, [camera for _, camera, *_ in tracks]], axis=1)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Created in a shuffled order; a matrix of doubles for tracks, a row of uint16 for queries."""
    rng, folder = np.random.default_rng(7), tmp_path / "MARS"
    for part, tracks in (("train", TRAIN), ("test", TEST)):
        for file in rng.permutation(names(tracks)):
            draw(folder / f"bbox_{part}" / file[:4] / file, rng)
    (folder / "info").mkdir()
    for part, tracks in (("train", TRAIN), ("test", TEST)):
        (folder / f"info/{part}_name.txt").write_text("\n".join(names(tracks)) + "\n")
        io.savemat(folder / f"info/tracks_{part}_info.mat", {f"track_{part}_info": rows(tracks).astype(float)})
    io.savemat(folder / "info/query_IDX.mat", {"query_IDX": np.array([QUERIES], np.uint16)})
    return folder


def change(raw: Path, part: str, row: int, column: int, value: float) -> None:
    """One number of tracks_{part}_info.mat; row from 1."""
    matrix = rows(TRAIN if part == "train" else TEST).astype(float)
    matrix[row - 1, column] = value
    io.savemat(raw / f"info/tracks_{part}_info.mat", {f"track_{part}_info": matrix})


def test_tracks_with_their_roles(raw: Path) -> None:
    tracks = usable("mars", raw).tracks
    assert [t.role for t in tracks] == ["train"] * 5 + [
        "query" if k in QUERIES else "gallery" for k in range(1, len(TEST) + 1)
    ]
    assert [(t.person, t.camera, len(t.frames)) for t in tracks] == [
        (-1 if who == "00-1" else int(who), str(camera), n) for who, camera, _, n in TRAIN + TEST
    ]
    assert tracks[1].frames == [raw / f"bbox_train/0001/0001C1T0002F{t:03d}.jpg" for t in (1, 2)]
    assert tracks[5].frames == [raw / f"bbox_test/00-1/00-1C3T0007F{t:03d}.jpg" for t in (1, 2)]


def test_prepared(raw: Path, tmp_path: Path) -> None:
    out = write_prepared.prepare("mars", raw, tmp_path / "out", size=(16, 8), flow=False, progress=False)
    prepared = open_prepared(out)
    assert prepared.tracks[0] == Track(1, "1", 0, 3, role="train")
    assert prepared.tracks[5] == Track(-1, "3", 13, 2, role="gallery")
    assert prepared.tracks[7] == Track(2, "1", 18, 2, role="query")
    assert len(prepared.frames) == 30 and prepared.has_roles
    around = write_prepared.prepare(
        "mars", raw.parent, tmp_path / "other" / "out", size=(16, 8), flow=False, progress=False
    )
    assert (around / "index.json").read_bytes() == (out / "index.json").read_bytes()


def test_other_queries_are_other_data(raw: Path, tmp_path: Path) -> None:
    """The images are the same; who is a query is not."""
    out = write_prepared.prepare("mars", raw, tmp_path / "out", progress=False)
    assert write_prepared.prepare("mars", raw, out, progress=False) == out
    io.savemat(raw / "info/query_IDX.mat", {"query_IDX": np.array([[4, 5, 7]])})
    with pytest.raises(InputError, match="--force"):
        write_prepared.prepare("mars", raw, out, progress=False)


def test_verify_of_a_sound_folder(raw: Path, capsys: Capture) -> None:
    assert verify_command.main(["mars", str(raw)]) == 0
    said = capsys.readouterr().out
    assert "MARS as published" in said and said.endswith("no faults\n")
    facts = {what: (here, there) for what, here, there in find_faults.verify("mars", raw, progress=False).facts}
    assert facts["training persons"] == ("2", "625") and facts["training tracks"] == ("5", "8,298")
    assert facts["test persons"] == ("2", "634") and facts["test tracks"] == ("7", "12,180")
    assert facts["queries"] == ("3", "1,980") and facts["cameras"] == ("6", "6")
    assert facts["of the test tracks, junk"][0] == facts["of the test tracks, distractors"][0] == "1"
    assert verify_command.main(["mars", str(raw), "--published"]) == 1


def cut(name: str, size: int) -> Callable[[Path], Any]:
    return lambda raw: (raw / "info" / name).write_bytes((raw / "info" / name).read_bytes()[:size])


def flipped(raw: Path) -> None:
    """The matrix's type tag, so that SciPy reads on into nonsense."""
    file = raw / "info/tracks_train_info.mat"
    content = bytearray(file.read_bytes())
    content[130:150] = b"\xff" * 20
    file.write_bytes(content)


def mat(name: str, **variables: Any) -> Callable[[Path], Any]:
    return lambda raw: io.savemat(raw / "info" / name, variables)


TRACKS = "tracks_test_info.mat"


@pytest.mark.parametrize(
    "damage, says",
    [
        (lambda raw: (raw / "info/test_name.txt").unlink(), r"expected .*test_name\.txt, found none"),
        (lambda raw: (raw / "info/query_IDX.mat").unlink(), r"expected .*query_IDX\.mat, found none"),
        (cut(TRACKS, 0), r"tracks_test_info\.mat, but it is damaged"),
        (cut(TRACKS, 100), r"tracks_test_info\.mat, but it is damaged"),
        (cut(TRACKS, 250), r"tracks_test_info\.mat, but it is damaged"),
        (lambda raw: (raw / f"info/{TRACKS}").write_bytes(b"404 not found " * 50), "but it is damaged"),
        (flipped, r"tracks_train_info\.mat"),
        (lambda raw: (raw / "info/test_name.txt").write_bytes(b"\xff\xfe"), r"test_name\.txt, but it is damaged"),
        (mat(TRACKS, a=np.eye(4), b=np.eye(4)), "expected one matrix of numbers"),
        (mat(TRACKS, words="tracks"), "expected one matrix of numbers"),
        (mat(TRACKS, empty=np.zeros((0, 4))), "expected one matrix of numbers"),
        (mat(TRACKS, other=np.ones((3, 5))), r"rows of first, last, person, camera .*got \(3, 5\)"),
        (mat(TRACKS, half=np.full((3, 4), 1.5)), "whole numbers"),
        (mat(TRACKS, none=np.full((3, 4), np.nan)), "whole numbers"),
        (lambda raw: change(raw, "test", 7, 1, 18), "row 7: lines 15 to 18 are outside the list of 17 names"),
        (lambda raw: change(raw, "test", 1, 0, 0), "row 1: lines 0 to 2 are outside"),
        (lambda raw: change(raw, "train", 2, 1, 3), "row 2: the track is empty: its last line, 3, is before its first"),
        (lambda raw: change(raw, "train", 1, 2, 3), "row 1: is person 3 in camera 1, but 0001C1T0001F001.jpg is not"),
        (lambda raw: change(raw, "test", 1, 2, 0), "row 1: is person 0 in camera 3, but 00-1C3T0007F001.jpg is not"),
        (lambda raw: change(raw, "train", 1, 3, 2), "row 1: is person 1 in camera 2, but 0001C1T0001F001.jpg is not"),
        (lambda raw: change(raw, "train", 1, 3, 7), "row 1: expected a camera from 1 to 6, got 7"),
        (lambda raw: change(raw, "train", 1, 2, 0), "row 1: person 0 cannot be"),
        (lambda raw: change(raw, "test", 1, 2, -2), "row 1: person -2 cannot be"),
        (lambda raw: change(raw, "test", 4, 1, 11), "row 4: is person 2 in camera 1, but 0002C4T0001F001.jpg is not"),
        (lambda raw: change(raw, "test", 4, 0, 7), r"0002C1T0001F002\.jpg: is in two tracks"),
        (mat("query_IDX.mat", query_IDX=[[3, 8]]), r"query_IDX\.mat: expected rows from 1 to 7, got 8"),
        (mat("query_IDX.mat", query_IDX=[[0, 3]]), r"query_IDX\.mat: expected rows from 1 to 7, got 0"),
        (mat("query_IDX.mat", query_IDX=[[3, 3]]), "row 3 is there twice"),
        (mat("query_IDX.mat", query_IDX=[[1]]), "00-1C3T0007F001.jpg is junk or a distractor"),
        (mat("query_IDX.mat", query_IDX=[[2]]), "0000C1T0009F001.jpg is junk or a distractor"),
        (lambda raw: (raw / "bbox_test/0002/0002C4T0001F002.jpg").unlink(), r"0002C4T0001F002\.jpg is listed, but not"),
        (lambda raw: shutil.rmtree(raw / "bbox_test/0004"), r"F001\.jpg is listed, but not there \(.*1 more"),
        (lambda raw: (raw / "info/test_name.txt").write_text("../x.jpg\n" * 17), r"0001C1T0001F001\.jpg, got '../x"),
    ],
)
def test_what_prepare_refuses(raw: Path, tmp_path: Path, capsys: Capture, damage: Any, says: str) -> None:
    damage(raw)
    with pytest.raises(InputError, match=says):
        usable("mars", raw)
    assert prepare_command.main(["mars", str(raw), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and str(raw) in line
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["MARS"]


@pytest.mark.parametrize("seed", range(40))
def test_a_mat_file_with_random_damage(raw: Path, seed: int) -> None:
    """Either it is still readable, or it is one line."""
    rng, file = np.random.default_rng(seed), raw / f"info/{TRACKS}"
    content = bytearray(file.read_bytes())
    for place in rng.integers(len(content), size=8):
        content[place] = rng.integers(256)
    file.write_bytes(content)
    try:
        usable("mars", raw)
    except InputError as fault:
        assert "\n" not in str(fault)


def test_a_query_without_another_camera(raw: Path) -> None:
    """Row 7 is person 4 in camera 3; without row 6 there is nothing to find."""
    last = [k for k in range(len(TEST)) if k != 5]
    io.savemat(raw / f"info/{TRACKS}", {"track_test_info": rows(TEST)[last].astype(float)})
    io.savemat(raw / "info/query_IDX.mat", {"query_IDX": [[6]]})
    with pytest.raises(InputError, match=r"0004C3T0001F001\.jpg has no true match in another camera"):
        usable("mars", raw)


def test_verify_names_every_fault(raw: Path, capsys: Capture) -> None:
    (raw / "bbox_test/0002/0002C4T0001F002.jpg").unlink()
    change(raw, "train", 5, 1, 99)
    (raw / "bbox_train/0001/notes.txt").touch()
    (raw / "bbox_train/0003/0003C2T0001F001.jpg").write_bytes(b"")
    assert verify_command.main(["mars", str(raw)]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAULT")]
    assert sum("row 5: lines 12 to 99 are outside" in line for line in lines) == 1
    assert sum("0002C4T0001F002.jpg is listed, but not there" in line for line in lines) == 1
    assert sum("notes.txt: is in no track" in line for line in lines) == 1
    assert sum(line.startswith("FAULT zero bytes") for line in lines) == 1
    (raw / "info/train_name.txt").unlink()
    assert verify_command.main(["mars", str(raw)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "train_name.txt, found none" in line


def test_the_same_image_twice_is_noted(raw: Path) -> None:
    shutil.copy(raw / "bbox_train/0001/0001C1T0001F001.jpg", raw / "bbox_train/0001/0001C1T0001F003.jpg")
    findings = find_faults.verify("mars", raw, progress=False)
    assert findings.faults == [] and any("1 images repeat one of their track" in note for note in findings.notes)


def test_the_published_lists_are_as_published() -> None:
    """What is known of them: 626 persons have 1,980 queries, 8 others of the test have none; 14 have queries alone.

    636 in the test, as its authors say, are these 634, distractors (0) and junk (-1).
    """
    frame = [Path("0001C1T0001F001.jpg")]
    train = [RawTrack(1 + 2 * (k % 625), "1", frame, "train") for k in range(8298)]
    persons = list(range(2, 2 + 2 * 634, 2))
    queries = [persons[k % 626] for k in range(1980)]
    gallery = [*(persons[14:] * 16)[: 9330 - 3248], *[0] * 3248, *[-1] * 870]
    test = [
        RawTrack(person, "2", frame, role) for who, role in ((queries, "query"), (gallery, "gallery")) for person in who
    ]
    findings = Findings()
    mars.compare("mars", Path("MARS"), train + test, {}, True, findings)
    assert findings.faults == [] and ("test persons", "634", "634") in findings.facts
    lacking = [track for track in train + test if track.person != persons[20]]
    mars.compare("mars", Path("MARS"), lacking, {}, True, findings)
    assert "test persons: 633, expected 634" in [fault.text for fault in findings.faults]


def test_files_in_no_track_are_noted_by_prepare(raw: Path, tmp_path: Path, capsys: Capture) -> None:
    """They are a fault to verify; prepare takes what the lists say, so nothing wrong comes in."""
    shutil.copy(raw / "bbox_train/0001/0001C1T0001F001.jpg", raw / "bbox_train/0001/0001C1T0001F009.jpg")
    assert prepare_command.main(["mars", str(raw), str(tmp_path / "out"), "--size", "16x8"]) == 0
    assert "note: 1 files are in no track and are not used, such as " in capsys.readouterr().out
    (fault,) = find_faults.verify("mars", raw, progress=False).faults
    assert fault.kind == "unlisted" and fault.path.name == "0001C1T0001F009.jpg"


def test_pipes_and_huge_numbers_in_the_lists(raw: Path) -> None:
    (raw / "info/query_IDX.mat").unlink()
    os.mkfifo(raw / "info/query_IDX.mat")
    with pytest.raises(InputError, match=r"query_IDX\.mat, found none"):
        usable("mars", raw)
    (raw / "info/query_IDX.mat").unlink()
    for value in (1e300, -1e300, 2.0**53):
        io.savemat(raw / "info/query_IDX.mat", {"query_IDX": np.array([[3, value]])})
        with pytest.raises(InputError, match="expected whole numbers"):
            usable("mars", raw)
    (raw / "info/query_IDX.mat").write_bytes(bytes(5 * 2**20))
    with pytest.raises(InputError, match=r"query_IDX\.mat, got 5 MB, more than 4 MB"):
        usable("mars", raw)


@pytest.mark.parametrize(
    "place, advice",
    [
        ("info", "point to {raw}, the folder that holds bbox_train"),
        ("bbox_test/0002", "point to {raw}, the folder that holds bbox_train"),
        ("../other", "has no bbox_train and no bbox_test and no info"),
        ("../none", "found none"),
    ],
)
def test_wrong_folder_says_where_to_point(raw: Path, tmp_path: Path, capsys: Capture, place: str, advice: str) -> None:
    (tmp_path / "other").mkdir()
    assert prepare_command.main(["mars", str((raw / place).resolve()), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert advice.format(raw=raw) in line and not (tmp_path / "out").exists()


def test_without_scipy(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("scipy"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert prepare_command.main(["mars", str(raw), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: MARS's .mat files are read by SciPy: pip install 'minireid[mars]'\n"

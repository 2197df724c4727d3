"""Every fault that is planted is found, named with its path, and told from a note."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.verify import main
from data_tools.find_faults import report, verify
from data_tools.prid2011 import EXCLUDED_178
from data_tools.raw import Fault, Findings
from minireid.base.errors import InputError

MakeRaw = Callable[..., Path]
TRACK = "multi_shot/cam_a/person_0001"


def faults(raw: Path) -> list[Fault]:
    return verify("prid2011", raw, progress=False).faults


def only_fault(raw: Path) -> Fault:
    (fault,) = faults(raw)
    return fault


@pytest.mark.parametrize("suffix", ["png", "PNG", "jpg", "jpeg", "JPG"])
def test_sound_folder_has_notes_but_no_faults(
    make_raw: MakeRaw, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = make_raw(suffix=suffix)
    (raw / TRACK / ".DS_Store").touch()
    findings = verify("prid2011", raw, progress=False)
    assert findings.faults == []
    facts = {what: (here, published) for what, here, published in findings.facts}
    assert facts["persons in camera A"] == ("3", "385")
    assert facts["persons in camera B"] == ("2", "749")
    assert facts["persons in both cameras"] == ("2", "200")
    assert facts["persons in one camera only"] == ("1", "734")
    assert facts["tracks"] == ("5", "1,134")
    assert facts["frames per track"] == ("2 to 12, mean 5", "5 to 675, mean about 100")
    assert facts["height x width"] == ("32 x 16", "128 x 64")
    assert facts["persons 1-200, > 21 frames in both"] == ("0", "178")
    assert any("persons in one camera only: 1 (1 in A, 0 in B)" in note for note in findings.notes)
    assert main(["prid2011", str(raw)]) == 0
    assert capsys.readouterr().out.endswith("no faults\n")
    assert main(["prid2011", str(raw), "--published"]) == 1
    assert "not as published" in capsys.readouterr().out


def test_numbers_above_200_are_two_people_in_prid_and_one_in_walkers(make_raw: MakeRaw) -> None:
    raw = make_raw({("a", 1): 2, ("b", 1): 2, ("a", 201): 2, ("b", 201): 2})
    both = [dict((f[0], f[1]) for f in verify(name, raw, progress=False).facts) for name in ("prid2011", "walkers")]
    assert [facts["persons in both cameras"] for facts in both] == ["1", "2"]
    assert [facts["persons in one camera only"] for facts in both] == ["2", "0"]


def test_gap(make_raw: MakeRaw) -> None:
    raw = make_raw()
    folder = raw / "multi_shot/cam_b/person_0002"
    for number in (1, 4, 7, 8, 9):
        (folder / f"{number:04d}.png").unlink()
    assert only_fault(raw) == Fault("gap", folder, "of frames 1 to 12, missing: 1, 4, 7-9")


def test_numbering_from_zero(make_raw: MakeRaw) -> None:
    raw = make_raw()
    (raw / TRACK / "0004.png").rename(raw / TRACK / "0000.png")
    assert only_fault(raw) == Fault("gap", raw / TRACK, "the first frame is 0, expected 1")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_truncated(make_raw: MakeRaw, suffix: str) -> None:
    raw = make_raw(suffix=suffix)
    path = raw / TRACK / f"0002.{suffix}"
    path.write_bytes(path.read_bytes()[:-30])
    assert only_fault(raw)[:2] == ("damaged image", path)


def test_flipped_bits_and_other_files_under_an_images_name(make_raw: MakeRaw) -> None:
    raw = make_raw()
    flipped, text, gif = (raw / TRACK / f"000{number}.png" for number in (1, 2, 3))
    data = bytearray(flipped.read_bytes())
    data[-20] ^= 1
    flipped.write_bytes(data)
    text.write_text("404 not found")
    Image.new("RGB", (16, 32)).save(gif, format="GIF")
    kinds = ("damaged image", "damaged image", "another format")
    found = faults(raw)
    assert [fault[:2] for fault in found] == list(zip(kinds, (flipped, text, gif)))
    assert found[1].text == "is neither a PNG nor a JPEG image"
    assert found[2].text == "is a GIF image named .png: convert it to PNG or JPEG"


def test_zero_bytes(make_raw: MakeRaw) -> None:
    raw = make_raw()
    path = raw / TRACK / "0003.png"
    path.write_bytes(b"")
    assert only_fault(raw)[:2] == ("zero bytes", path)


def test_duplicate_within_a_track_names_both(make_raw: MakeRaw) -> None:
    raw = make_raw()
    shutil.copy(raw / TRACK / "0002.png", raw / TRACK / "0004.png")
    shutil.copy(raw / TRACK / "0002.png", raw / "multi_shot/cam_b/person_0001/0001.png")  # another track: allowed
    assert only_fault(raw) == Fault("duplicate image", raw / TRACK / "0004.png", "same bytes as 0002.png")


def test_mixed_sizes(make_raw: MakeRaw) -> None:
    raw = make_raw()
    path = raw / TRACK / "0001.png"
    Image.new("RGB", (20, 40)).save(path)
    assert only_fault(raw) == Fault("mixed sizes", path, "40 x 20, but 25 of 26 images are 32 x 16")


def test_unexpected_files_and_empty_tracks(make_raw: MakeRaw) -> None:
    raw = make_raw()
    places = [
        raw / "multi_shot/cam_c",
        raw / "multi_shot/cam_a/readme.txt",
        raw / TRACK / "0005.bmp",
        raw / TRACK / "old",
    ]
    for place in places:
        place.touch() if place.suffix else place.mkdir()
    (raw / "multi_shot/cam_b/person_0009").mkdir()
    (raw / "multi_shot/cam_b/person_0008").touch()
    found = {(fault.kind, fault.path) for fault in faults(raw)}
    assert found == {("unexpected", place) for place in [*places, raw / "multi_shot/cam_b/person_0008"]} | {
        ("empty track", raw / "multi_shot/cam_b/person_0009")
    }


def test_same_number_twice(make_raw: MakeRaw) -> None:
    raw = make_raw()
    Image.open(raw / TRACK / "0001.png").save(raw / TRACK / "1.jpg")
    shutil.copytree(raw / TRACK, raw / "multi_shot/cam_a/person_3")
    (raw / "multi_shot/cam_a/person_3/1.jpg").unlink()
    assert {(fault.kind, fault.path.name) for fault in faults(raw)} == {("twice", "1.jpg"), ("twice", "person_3")}


@pytest.mark.parametrize(
    "place, advice",
    [
        ("raw/multi_shot", "point to {raw}"),
        ("raw/multi_shot/cam_a", "point to {raw}"),
        ("raw/multi_shot/cam_b/person_0001", "point to {raw}"),
        ("raw/single_shot", "one image per person, not videos: point to {raw}"),
        ("raw/single_shot/cam_a", "one image per person, not videos: point to {raw}"),
        (".", "but raw has: point to that"),
        ("half", "one image per person, but no multi_shot"),
        ("half/single_shot", "one image per person"),
        ("b_only", "has no multi_shot/cam_a:"),
        ("empty", "has no multi_shot/cam_a and no multi_shot/cam_b"),
    ],
)
def test_wrong_folder_says_where_to_point(
    make_raw: MakeRaw, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, advice: str
) -> None:
    raw = make_raw()
    for folder in ("raw/single_shot/cam_a", "half/single_shot/cam_a", "b_only/multi_shot/cam_b", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    fault = only_fault(Path(place))
    assert fault.kind == "wrong folder" and advice.format(raw=raw) in fault.text
    assert main(["prid2011", place]) == 1


def test_no_such_folder_or_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prid2011", str(tmp_path / "none")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and str(tmp_path / "none") in line
    with pytest.raises(InputError, match="prid2011, walkers"):
        verify("viper", tmp_path, progress=False)


def test_many_faults_of_one_kind_are_cut_short(make_raw: MakeRaw) -> None:
    raw = make_raw()
    for path in (raw / "multi_shot/cam_b/person_0002").iterdir():
        path.write_bytes(b"")
    lines = report("prid2011", verify("prid2011", raw, progress=False)).splitlines()
    assert sum(line.startswith("FAULT zero bytes") for line in lines) == 6
    assert "FAULT zero bytes: and 7 more" in lines and lines[-1] == "12 faults"


def test_table_is_aligned(make_raw: MakeRaw) -> None:
    lines = report("prid2011", verify("prid2011", make_raw(), progress=False)).splitlines()
    table = lines[: lines.index("")]
    column = table[0].index("here") + len("here")
    assert all(line[column - 1] != " " and line[column : column + 2] in ("  ", "", "--") for line in table)
    assert report("prid2011", Findings()) == "no faults"


def test_as_published(tmp_path: Path) -> None:
    """All 1,134 tracks, a frame each, 22 in those of the 178: nothing to say with --published."""
    rng, pictures = np.random.default_rng(0), []
    for _ in range(22):
        path = tmp_path / f"{len(pictures)}.png"
        Image.fromarray(rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)).save(path)
        pictures.append(path)
    for camera, persons in (("a", 385), ("b", 749)):
        for person in range(1, persons + 1):
            folder = tmp_path / f"raw/multi_shot/cam_{camera}/person_{person:04d}"
            folder.mkdir(parents=True)
            long = person <= 200 and person not in EXCLUDED_178
            for t in range(22 if long else 1):
                (folder / f"{t + 1:04d}.png").hardlink_to(pictures[t])
    findings = verify("prid2011", tmp_path / "raw", published=True, progress=False)
    assert findings.faults == []
    (tmp_path / "raw/multi_shot/cam_b/person_0007/0022.png").unlink()
    (fault,) = verify("prid2011", tmp_path / "raw", published=True, progress=False).faults
    assert fault.kind == "not as published" and fault.text.endswith("persons 7")

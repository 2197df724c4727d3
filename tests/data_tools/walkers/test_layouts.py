"""The walkers as iLIDS-VID and MARS are laid out: exactly what the readers of those datasets take, without a fault."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools import find_faults, write_prepared
from data_tools.commands.walkers import main
from data_tools.layouts import usable
from data_tools.walkers import write as walkers
from data_tools.walkers.write import cast, write_walkers
from minireid.data.prepared import open_prepared


def digest(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def write(out: Path, layout: str, workers: int = 1) -> Path:
    if layout == "mars":
        pytest.importorskip("scipy.io", reason="needs SciPy for .mat files: pip install -e '.[mars]'")
    write_walkers(out, people=8, seed=3, frames=(3, 7), layout=layout, workers=workers, progress=False)
    return out


@pytest.mark.parametrize("layout", ["ilids_vid", "mars"])
def test_same_bytes_for_any_number_of_workers_and_no_faults(tmp_path: Path, layout: str) -> None:
    """The .mat files as well, in which SciPy would write the time."""
    one, two = write(tmp_path / "one", layout), write(tmp_path / "two", layout, workers=2)
    assert digest(one) == digest(two)
    for dataset in (layout, "walkers"):
        findings = find_faults.verify(dataset, one, progress=False)
        assert findings.faults == [] and dict(f[:2] for f in findings.facts)["height x width"] == "128 x 64"
    assert json.loads((one / "walkers.json").read_text())["layout"] == layout
    with Image.open(one / "contact_sheet.png") as sheet:
        assert sheet.height == 8 * 96 and len(np.unique(np.asarray(sheet))) > 20


def test_ilids_vid(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", "ilids_vid")
    assert sorted(path.name for path in (raw / "sequences").iterdir()) == ["cam1", "cam2"]
    for camera in ("cam1", "cam2"):
        persons = sorted(path.name for path in (raw / "sequences" / camera).iterdir())
        assert persons == [f"person{n:03d}" for n in range(1, 9)], "everybody is in both cameras"
    frames = sorted(path.name for path in (raw / "sequences/cam2/person005").iterdir())
    assert frames[0] == "cam2_person005_00186.png" and 3 <= len(frames) <= 7
    prepared = open_prepared(write_prepared.prepare("walkers", raw, tmp_path / "out", progress=False))
    assert prepared.one_to_one and prepared.index.dataset == "walkers" and len(prepared.tracks) == 16


def test_the_pictures_are_those_of_the_usual_layout(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", "ilids_vid")
    write_walkers(tmp_path / "prid", people=8, seed=3, frames=(3, 7), workers=1, progress=False)
    for camera, name in (("a", "cam1"), ("b", "cam2")):
        ours = sorted((raw / f"sequences/{name}/person002").iterdir())
        usual = sorted((tmp_path / f"prid/multi_shot/cam_{camera}/person_0002").iterdir())
        assert [path.read_bytes() for path in ours] == [path.read_bytes() for path in usual]


def test_mars(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", "mars")
    tracks = usable("mars", raw).tracks
    by_role = {role: [t for t in tracks if t.role == role] for role in ("train", "query", "gallery")}
    assert {t.person for t in by_role["train"]} == {1, 3, 5, 7} and {t.person for t in by_role["query"]} == {2, 4, 6, 8}
    assert {t.person for t in by_role["gallery"]} >= {0, -1}
    places = [(t.person, t.camera) for t in by_role["query"]]
    everywhere = {(t.person, t.camera) for t in tracks if t.role != "train" and t.person > 0}
    assert len(set(places)) == len(places) and set(places) == everywhere, "a query for each test person and camera"
    assert {t.camera for t in tracks} == {"1", "2", "3"}
    assert len(tracks) > len({(t.person, t.camera) for t in tracks}), "some have several tracks"
    assert tracks[0].frames[0].name == "0001C1T0001F001.jpg"
    prepared = open_prepared(write_prepared.prepare("walkers", raw, tmp_path / "out", size=(16, 8), progress=False))
    assert prepared.has_roles and len(prepared.tracks) == len(tracks) and prepared.index.dataset == "walkers"


def test_everybody_in_mars_is_seen_by_two_cameras_or_is_a_distractor() -> None:
    walks = cast(40, 0, False, "mars")
    assert {walk.cameras for walk in walks[:40]} == {"ab", "ac", "bc", "abc"}
    assert [walk.cameras for walk in walks[40:]] == ["a", "b", "c", "a"]


@pytest.mark.parametrize(
    "words",
    [
        ["--layout", "viper"],
        ["--layout", "mars", "--people", "3"],
        ["--layout", "mars", "--people", "4", "--twins"],
        ["--layout", "mars", "--frames", "5", "1000"],
    ],
)
def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main([str(tmp_path / "raw"), *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and list(tmp_path.iterdir()) == []


def test_twins_in_the_layout_of_ilids_vid(tmp_path: Path) -> None:
    write_walkers(tmp_path / "raw", people=4, seed=0, twins=True, layout="ilids_vid", workers=1, progress=False)
    prepared = open_prepared(
        write_prepared.prepare("walkers", tmp_path / "raw", tmp_path / "out", flow=False, progress=False)
    )
    assert [track.group for track in prepared.tracks] == [0] * 8


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(walkers, "contact_sheet", interrupt)
    words = ["--layout", "ilids_vid", "--people", "1", "--frames", "1", "2", "--workers", "1"]
    assert main([str(tmp_path / "raw"), *words]) == 130
    assert list(tmp_path.iterdir()) == []

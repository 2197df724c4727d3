"""No name or path in a data file leads outside of the folder that it belongs to."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from data_tools import mars
from data_tools.layouts import usable
from data_tools.write_prepared import prepare
from minireid.base.errors import InputError
from minireid.cli import main
from minireid.data.prepared import index_sha256, open_prepared
from minireid.experiments.rows import Row, unique
from tests import small_data

UP = "../../../up"
RECIPE = small_data.recipe()
LEADING_OUT = [
    "../../secret.jpg",
    "../0001C1T0001F001.jpg",
    "/etc/passwd",
    "0001C1T0001F001.jpg/../../../secret.jpg",
    "0001/../../../secret.jpg",
    "..\\..\\secret.jpg",
    "0001C1T0001F001.jpg\0",
    "~/0001C1T0001F001.jpg",
    "file:///0001C1T0001F001.jpg",
]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder in MARS's layout: persons 1 (to train) and 2, a frame in each of two cameras."""
    scipy_io = pytest.importorskip("scipy.io", reason="needs SciPy for .mat files: pip install -e '.[mars]'")
    raw = tmp_path / "a" / "b" / "mars"
    (raw / "info").mkdir(parents=True)
    for part, person in (("train", 1), ("test", 2)):
        names = [f"{person:04d}C{camera}T0001F001.jpg" for camera in (1, 2)]
        for name in names:
            image = raw / f"bbox_{part}" / name[:4] / name
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 32), (90, 120, 150)).save(image)
        (raw / "info" / f"{part}_name.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        rows = np.array([[1, 1, person, 1], [2, 2, person, 2]], float)
        scipy_io.savemat(raw / "info" / f"tracks_{part}_info.mat", {f"track_{part}_info": rows})
    scipy_io.savemat(raw / "info" / "query_IDX.mat", {"query_IDX": np.array([[1.0]])})
    Image.new("RGB", (16, 32)).save(tmp_path / "a" / "b" / "secret.jpg")
    return raw


def test_the_folder_itself_is_right(published: Path) -> None:
    assert len(usable("mars", published).tracks) == 4


@pytest.mark.parametrize("name", LEADING_OUT)
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_list_of_mars_names_only_files_of_its_folder(published: Path, part: str, name: str) -> None:
    listed = published / "info" / f"{part}_name.txt"
    _, second = listed.read_text(encoding="utf-8").splitlines()
    listed.write_bytes(f"{name}\n{second}\n".encode())
    with pytest.raises(InputError, match="expected a name such as"):
        usable("mars", published)
    found: list[mars.Fault] = []
    frames = [frame for track in mars.survey(published, found) for frame in track.frames]
    assert len(frames) == 3 and all(frame.parent.parent.parent == published for frame in frames)


def test_numbers_of_persons_in_walkers_json_are_no_paths(tmp_path: Path) -> None:
    for camera in "ab":
        folder = tmp_path / "raw" / "multi_shot" / f"cam_{camera}" / "person_0001"
        folder.mkdir(parents=True)
        Image.new("RGB", (16, 32)).save(folder / "0001.png")
    for person in (UP, "/etc/passwd", "1/../2"):
        people = {"people": {person: {"group": 1}}}
        (tmp_path / "raw" / "walkers.json").write_text(json.dumps(people), encoding="utf-8")
        with pytest.raises(InputError):
            prepare("walkers", tmp_path / "raw", tmp_path / "out", size=(16, 8), flow=False, progress=False)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["raw"]


def test_names_in_an_index_are_shown_and_never_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cameras and tracks that are called like paths: what evaluate, embed and search write stays where it belongs."""
    home = tmp_path / "x" / "y" / "z"
    home.mkdir(parents=True)
    path = small_data.write_prepared(home / "prepared").path
    index = json.loads((path / "index.json").read_text(encoding="utf-8"))
    index["dataset"] = "own"
    for k, track in enumerate(index["tracks"]):
        track.update(camera={"a": UP, "b": "/tmp/b"}[track["camera"]], name=f"{UP}/{k}")
    index["index_sha256"] = index_sha256(index)
    (path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    run = small_data.trained(home / "run", open_prepared(path), "evaluation.protocol=halves")
    before = small_data.listing(tmp_path)
    out = home / "out"
    for words in (
        ["evaluate", str(run.path), "--out", str(out)],
        ["embed", str(run.path), str(path), "--out", str(home / "all.npz")],
    ):
        assert main([*words, "--threads", "1"]) == 0, capsys.readouterr()
    after = small_data.listing(tmp_path)
    new = {Path(name) for name in after.keys() - before.keys()}
    assert new and all(name.parent in (out, out / "pictures", home) for name in new), new
    assert {name: after[name] for name in before} == before


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1) | st.text(alphabet="./\\~:a", min_size=1))
@example(UP)
@example("/etc")
@example("..")
@example("a/../../b")
@example("C:\\x")
@example("a\0b")
def test_a_row_of_a_sweep_is_a_folder_of_the_sweep(name: str) -> None:
    row = Row(name, "", RECIPE, {})
    try:
        (found,) = unique([row], "a test")
    except InputError:
        return
    assert found.folder not in ("", ".", "..") and not set(found.folder) & set("/\\:\0~")

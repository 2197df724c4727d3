"""A trained network on a whole prepared folder, and the .npz file that holds its embeddings."""

import dataclasses
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.data.clips import first_clip
from minireid.data.prepared import Prepared
from minireid.evaluation import embedding
from minireid.evaluation.folder import embed_folder, save_embeddings
from minireid.training.run import Run
from tests import small_data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("run")
    return small_data.trained(path / "run", small_data.write_prepared(path / "prepared"), "validation.persons=2")


@pytest.fixture
def new(tmp_path: Path) -> Prepared:
    """People whom the run never saw."""
    return small_data.write_prepared(tmp_path / "new", persons=(31, 57, 32))


def test_whole_tracks_by_the_best_parameters(run: Run, new: Prepared) -> None:
    found = embed_folder(run, new, progress=False)
    assert found.shape == (4, 6, 256)
    clips = [first_clip(track, None) for track in new.tracks]
    best, last = (
        embedding.embed_clips(run.recipe, run.load(name).params, new, clips) for name in ("best.npz", "checkpoint.npz")
    )
    np.testing.assert_array_equal(found, best)
    if run.load("best.npz").step < run.load().step:
        assert not np.array_equal(found, last)


def test_the_file_and_its_index(tmp_path: Path, run: Run, new: Prepared) -> None:
    embeddings = embed_folder(run, new, progress=False)
    save_embeddings(tmp_path / "new.npz", embeddings, new)
    with np.load(tmp_path / "new.npz", allow_pickle=False) as file:
        assert set(file.files) == {"embeddings", "person", "camera", "start", "length"}
        np.testing.assert_array_equal(file["embeddings"], embeddings)
        assert file["person"].tolist() == [31, 57, 32, 31, 57, 32]
        assert file["camera"].tolist() == ["a", "a", "a", "b", "b", "b"]
        assert file["start"].tolist() == [track.start for track in new.tracks]
        assert file["length"].tolist() == [track.length for track in new.tracks]
    assert sorted(os.listdir(tmp_path)) == ["new", "new.npz"]


def test_a_file_of_another_kind(tmp_path: Path, new: Prepared) -> None:
    with pytest.raises(InputError, match=r"end in \.npz, got .*new\.csv"):
        save_embeddings(tmp_path / "new.csv", np.zeros((1, 6, 2)), new)
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("size, flow", [((48, 32), False), ((small_data.HEIGHT + 1, small_data.WIDTH), False)])
def test_frames_of_another_size_than_in_training(tmp_path: Path, run: Run, size: tuple[int, int], flow: bool) -> None:
    """The crop fits into them, but shows another part of the person. Optical flow that is not read may differ."""
    other = small_data.write_prepared(tmp_path / "other", size=size, flow=flow)
    with pytest.raises(
        InputError, match=rf"as in training \(24x16 pixels\) in .*other, got {size[0]}x{size[1]} pixels"
    ):
        embed_folder(run, other, progress=False)


def test_flow_that_is_not_read_may_differ(tmp_path: Path, run: Run) -> None:
    plain, flow = (small_data.write_prepared(tmp_path / f"{f}", persons=(1, 2), flow=f) for f in (False, True))
    assert embed_folder(run, flow, progress=False).shape == embed_folder(run, plain, progress=False).shape


def test_flow_of_another_scale(tmp_path: Path) -> None:
    trained = small_data.write_prepared(tmp_path / "trained", flow=True)
    run = small_data.trained(tmp_path / "run", trained, "clips.flow=true")
    other = dataclasses.replace(trained, index=msgspec.structs.replace(trained.index, flow_scale=8))
    with pytest.raises(InputError, match=r"flow scale 16\) in .*, got 24x16 pixels and flow scale 8"):
        embed_folder(run, other, progress=False)


def test_a_folder_that_does_not_fit(tmp_path: Path, run: Run) -> None:
    small = small_data.write_prepared(tmp_path / "small", size=(12, 8))
    with pytest.raises(InputError, match=r"at least 16 x 8 .*got 12 x 8"):
        embed_folder(run, small, progress=False)

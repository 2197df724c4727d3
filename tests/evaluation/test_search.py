"""`minireid search`: the table is in the order of the distances, and says them."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minireid.cli import main
from minireid.evaluation import embedding
from minireid.evaluation.folder import embed_folder
from minireid.training.run import Run
from tests import small_data

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("run")
    return small_data.trained(path / "run", small_data.write_prepared(path / "prepared"), "training.epochs=1")


def table(said: str) -> dict[str, list[tuple[str, float]]]:
    """{probe: [(gallery entry, distance), ...]}"""
    lines = [line.partition(" -> ") for line in said.splitlines() if " -> " in line]
    return {
        probe.strip(): [(name, float(d)) for name, d in re.findall(r"([ab]/\d+) \(([\d.]+)\)", ranked)]
        for probe, _, ranked in lines
    }


def test_ranked_by_distance(tmp_path: Path, run: Run, capsys: Capture) -> None:
    probe = small_data.write_prepared(tmp_path / "probe", persons=(31, 57, 32))
    gallery = small_data.write_prepared(tmp_path / "gallery", persons=range(1, 9), lengths=(5,))
    words = ["search", str(run.path), str(probe.path), str(gallery.path), "--out", str(tmp_path / "found.png")]
    assert main([*words, "--top", "12", "--threads", "1"]) == 0
    found = table(capsys.readouterr().out)
    score = embedding.score(
        run.recipe,
        run.best().params,
        embed_folder(run, probe, progress=False),
        embed_folder(run, gallery, progress=False),
    )
    assert list(found) == [f"{track.camera}/{track.person}" for track in probe.tracks]
    names = [f"{track.camera}/{track.person}" for track in gallery.tracks]
    for line, ranked in zip(score, found.values()):
        best = np.argsort(-line, kind="stable")[:12]
        assert [name for name, _ in ranked] == [names[g] for g in best]
        np.testing.assert_allclose([d for _, d in ranked], -line[best], atol=0.006)
    assert Image.open(tmp_path / "found.png").format == "PNG"


def test_a_track_finds_itself_first(tmp_path: Path, run: Run, capsys: Capture) -> None:
    folder = small_data.write_prepared(tmp_path / "folder", persons=(31, 57))
    words = ["search", str(run.path), str(folder.path), str(folder.path), "--top", "2", "--threads", "1"]
    for name in ("one.png", "two.png"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
        found = table(capsys.readouterr().out)
        assert all(ranked[0] == (probe, 0.0) and len(ranked) == 2 for probe, ranked in found.items())


def test_fewer_in_the_gallery_than_asked_for(tmp_path: Path, run: Run, capsys: Capture) -> None:
    one = small_data.write_prepared(tmp_path / "one", persons=(31,))
    words = ["search", str(run.path), str(one.path), str(one.path), "--out", str(tmp_path / "found.png")]
    assert main([*words, "--threads", "1"]) == 0
    assert {len(ranked) for ranked in table(capsys.readouterr().out).values()} == {2}

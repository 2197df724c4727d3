"""Fisher vectors of tracks: the sets of descriptors by hand, what the encoder is fitted to, and the rows they give."""

import json
from pathlib import Path

import numpy as np
import pytest

from minireid.base.threads import threads
from minireid.cli import main
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared
from minireid.evaluation import compare_metrics, embedding, fisher, ranking
from minireid.metric import fisher_vector, gmm, pca
from minireid.networks import deep_rcn, msp_src
from minireid.training.run import Run
from tests import small_data

SETTINGS = (*small_data.DEEP_RCN, "training.epochs=1")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return small_data.write_prepared(tmp_path_factory.mktemp("data") / "prepared")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Run:
    return small_data.trained(tmp_path_factory.mktemp("runs") / "run", prepared, *SETTINGS, name="deep_rcn")


def whole(prepared: Prepared, persons: tuple[int, ...]) -> list[Clip]:
    return [Clip(t.start, t.length) for t in prepared.tracks if t.person in persons]


def test_a_set_is_every_frame_in_every_view_as_the_clip_that_ends_there_would_be_embedded(run, prepared) -> None:
    clip = Clip(13, 4)
    with threads(1):
        (found,) = fisher.describe(run.recipe, run.best().params, prepared, [clip])
        views = embedding.embed_clips(run.recipe, run.best().params, prepared, [Clip(13, t) for t in (1, 2, 3, 4)])
    expected = views.reshape(-1, views.shape[-1])
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_a_frame_that_nothing_is_seen_in_stays_zero(run, prepared, monkeypatch) -> None:
    monkeypatch.setattr(deep_rcn, "describe", lambda x, p, **how: np.zeros((*x.shape[:2], 5), np.float32))
    (found,) = fisher.describe(run.recipe, run.best().params, prepared, [Clip(0, 3)])
    np.testing.assert_array_equal(found, np.zeros((4 * 3, 5)))


def test_pca_then_the_mixture_then_the_vector(rng) -> None:
    sets = [rng.normal(size=(n, 40)) for n in (30, 21, 50)]
    encoder = fisher.fit(sets, [1, 1, 2], ["a", "b", "a"])
    assert encoder.reduced["projection"].shape == (40, 32) and encoder.mixture["means"].shape == (8, 32)
    x = np.concatenate(sets)
    reduced = pca.fit(x, np.repeat([1, 2], [51, 50]), np.repeat(["a", "b", "a"], [30, 21, 50]), dimensions=32)
    mixture = gmm.fit(pca.project(x, reduced), 8, np.random.default_rng(0))
    found = fisher.encode(sets, encoder)
    assert found.shape == (3, 2 * 8 * 32)
    for vector, one in zip(found, sets):
        np.testing.assert_allclose(vector, fisher_vector.encode(pca.project(one, reduced), mixture), rtol=1e-12)


@pytest.mark.parametrize("frames, taken", [(60, 60), (61, 31), (121, 41)])
def test_of_too_many_frames_every_second_or_third_is_taken(frames: int, taken: int, monkeypatch, rng) -> None:
    monkeypatch.setattr(fisher, "FITTED_TO", 60)
    seen = []
    plain = pca.fit
    monkeypatch.setattr(pca, "fit", lambda x, *who, **how: seen.append((x, *who)) or plain(x, *who, **how))
    sets = [rng.normal(size=(frames - 20, 3)), rng.normal(size=(20, 3))]
    fisher.fit(sets, [7, 9], ["a", "b"])
    ((x, persons, cameras),) = seen
    assert len(x) == len(persons) == len(cameras) == taken
    np.testing.assert_array_equal(x, np.concatenate(sets)[:: -(-frames // taken)])
    assert {*zip(persons.tolist(), cameras.tolist())} == {(7, "a"), (9, "b")}


def test_the_command_fits_to_everybody_but_the_test_persons(run, prepared, tmp_path, monkeypatch) -> None:
    seen: list[tuple[int, ...]] = []
    plain = fisher.fit
    monkeypatch.setattr(
        fisher, "fit", lambda sets, persons, cameras: seen.append(persons) or plain(sets, persons, cameras)
    )
    assert main(["metric", str(run.path), "--out", str(tmp_path / "out"), "--threads", "1"]) == 0
    assert [set(persons) for persons in seen] == [set(run.train)]
    rows = {row["method"]: row for row in json.loads((tmp_path / "out" / "results.json").read_text())["rows"]}
    assert list(rows)[:6] == [
        "Euclidean",
        *(f"{m}, training persons" for m in ("PCA", "LFDA", "KISSME", "XQDA", "Fisher vectors")),
    ]
    with threads(1):
        read = (run.recipe, run.best().params, prepared)
        encoder = fisher.fit_to(*read, run.train)
        sides = ([c for c, t in zip(whole(prepared, run.test), tracks_of(prepared, run.test)) if t == s] for s in "ab")
        probe, gallery = (fisher.encode(fisher.describe(*read, clips), encoder) for clips in sides)
    score = -np.linalg.norm(probe[:, None] - gallery, axis=2)
    expected = ranking.mean_average_precision(score, np.array(run.test), np.array(run.test))
    assert rows["Fisher vectors, training persons"]["mAP"] == pytest.approx(expected)


def tracks_of(prepared: Prepared, persons: tuple[int, ...]) -> list[str]:
    return [t.camera for t in prepared.tracks if t.person in persons]


def test_withheld_persons_have_a_row_of_their_own(prepared, tmp_path: Path) -> None:
    run = small_data.trained(tmp_path / "run", prepared, *SETTINGS, "validation.persons=2", name="deep_rcn")
    with threads(1):
        one = compare_metrics.embed(run)
    assert list(one.fisher) == ["training persons", "withheld persons"]
    assert not np.allclose(one.fisher["training persons"], one.fisher["withheld persons"])


def test_networks_without_descriptors_have_no_such_row(prepared, tmp_path: Path) -> None:
    assert fisher.can_describe(deep_rcn) and not fisher.can_describe(msp_src)
    with threads(1):
        one = compare_metrics.embed(small_data.trained(tmp_path / "run", prepared, "training.epochs=1"))
    assert one.fisher == {}

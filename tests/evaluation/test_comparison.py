"""Which clips are compared with which, and the numbers that validation persons are judged by."""

from pathlib import Path

import numpy as np
import pytest

from minireid.data.clips import Clip
from minireid.data.prepared import Prepared, Track
from minireid.errors import InputError
from minireid.evaluation import comparison as module
from minireid.evaluation import embedding
from minireid.evaluation.comparison import comparison, judge, network_scores
from minireid.training import model
from minireid.trees import map_leaves
from tests import small_data


def folder(groups: bool = False) -> Prepared:
    """Persons 1 to 4: tracks of 5 frames from camera a, of 6 from camera b; 1 and 3 are twins, and 2 and 4."""
    tracks = [Track(p, "a", 5 * (p - 1), 5, p % 2 if groups else None) for p in (1, 2, 3, 4)]
    tracks += [Track(p, "b", 20 + 6 * (p - 1), 6, p % 2 if groups else None) for p in (1, 2, 3, 4)]
    return Prepared(Path("prepared"), np.zeros((44, 24, 16, 3), np.uint8), tuple(tracks), {"dataset": "walkers"})


def test_whole_tracks_in_the_order_of_the_persons() -> None:
    compared = comparison(small_data.recipe("evaluation.within_groups=false"), folder(), (4, 1))
    assert compared.probe_persons.tolist() == compared.gallery_persons.tolist() == [4, 1]
    assert compared.probe == [Clip(15, 5), Clip(0, 5)]
    assert compared.gallery == [Clip(38, 6), Clip(20, 6)]
    assert compared.allowed is None


def test_first_frames_against_last_frames() -> None:
    compared = comparison(small_data.recipe("evaluation.frames=2"), folder(), (1, 2))
    assert compared.probe == [Clip(0, 2), Clip(5, 2)]
    assert compared.gallery == [Clip(24, 2), Clip(30, 2)]
    longer = comparison(small_data.recipe("evaluation.frames=128"), folder(), (1, 2))
    assert longer.probe == [Clip(0, 5), Clip(5, 5)] and longer.gallery == [Clip(20, 6), Clip(26, 6)]


def test_within_groups() -> None:
    compared = comparison(small_data.recipe("evaluation.within_groups=true"), folder(groups=True), (1, 2, 3, 4))
    assert compared.allowed is not None
    assert compared.allowed.tolist() == [[(p - g) % 2 == 0 for g in range(4)] for p in range(4)]


def test_a_person_without_a_track() -> None:
    with pytest.raises(InputError, match="person 7 has no track in camera a of prepared"):
        comparison(small_data.recipe(), folder(), (1, 7))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return small_data.write_prepared(tmp_path_factory.mktemp("data") / "prepared", groups=2)


def test_scores_are_those_of_the_embeddings(prepared: Prepared) -> None:
    recipe = small_data.recipe()
    params = model.init(recipe, 2)
    compared = comparison(recipe, prepared, (3, 1, 2))
    score = network_scores(recipe, params, prepared, compared)
    probe, gallery = (embedding.embed_clips(recipe, params, prepared, c) for c in (compared.probe, compared.gallery))
    assert score.shape == (3, 3)
    for p in range(3):
        for g in range(3):
            assert score[p, g] == pytest.approx(-np.mean(np.linalg.norm(probe[:, p] - gallery[:, g], axis=1)), rel=1e-5)


def test_the_judge_counts_as_the_ranking_does(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """With scores that are right about as often as not."""
    persons = tuple(range(1, 11))
    score = np.random.default_rng(0).normal(size=(10, 10)) + 2 * np.eye(10)
    monkeypatch.setattr(module, "network_scores", lambda *arguments: score)
    own = score.diagonal()[:, None]
    rank = (score >= own).sum(axis=1)
    twin = np.arange(10)[:, None] // 2 == np.arange(10) // 2
    rank_inside = ((score >= own) & twin).sum(axis=1)
    assert 0 < np.mean(rank == 1) < np.mean(rank_inside == 1) < 1
    for word, ranks in (("false", rank), ("true", rank_inside)):
        judged = judge(small_data.recipe(f"evaluation.within_groups={word}"), prepared, {}, persons)
        assert judged == pytest.approx({"rank-1": np.mean(ranks == 1), "mAP": np.mean(1 / ranks)})


def test_a_network_that_says_nothing_is_never_right(prepared: Prepared) -> None:
    recipe = small_data.recipe()
    params = model.init(recipe, 2)
    for value in (0.0, np.nan):
        mute = map_leaves(lambda array, value=value: np.full_like(array, value), params)
        assert judge(recipe, prepared, mute, (1, 2, 3, 4))["rank-1"] == 0

"""Which clips are compared with which, and the numbers that validation persons are measured by."""

from pathlib import Path

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.base.trees import map_leaves
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared, Track
from minireid.evaluation import comparison as module
from minireid.evaluation import embedding, ranking
from minireid.evaluation.comparison import comparison, network_scores, validate
from minireid.training import model
from tests import small_data


def folder(groups: bool = False) -> Prepared:
    """Persons 1 to 4: tracks of 5 frames from camera a, of 6 from camera b; 1 and 3 are twins, and 2 and 4."""
    tracks = [Track(p, "a", 5 * (p - 1), 5, p % 2 if groups else None) for p in (1, 2, 3, 4)]
    tracks += [Track(p, "b", 20 + 6 * (p - 1), 6, p % 2 if groups else None) for p in (1, 2, 3, 4)]
    return Prepared(Path("prepared"), np.zeros((44, 24, 16, 3), np.uint8), tuple(tracks), small_data.index())


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


def test_within_groups_is_for_twins() -> None:
    with pytest.raises(InputError, match=r"evaluation\.within_groups is for twins"):
        comparison(small_data.recipe("evaluation.within_groups=true"), folder(), (4, 1))


def test_within_groups() -> None:
    compared = comparison(small_data.recipe("evaluation.within_groups=true"), folder(groups=True), (1, 2, 3, 4))
    assert compared.allowed is not None
    assert compared.allowed.tolist() == [[(p - g) % 2 == 0 for g in range(4)] for p in range(4)]


def test_a_person_without_a_track() -> None:
    with pytest.raises(InputError, match="person 7 has no track in camera a of prepared"):
        comparison(small_data.recipe(), folder(), (1, 7))


def mars() -> Prepared:
    """The example of the page, and training tracks that have nothing to do with it; each track has 5 frames."""
    rows = [
        (9, "c1", "train"), (1, "c1", "query"), (1, "c1", "gallery"), (1, "c2", "gallery"), (2, "c1", "query"),
        (2, "c2", "gallery"), (0, "c1", "gallery"), (-1, "c2", "gallery"), (9, "c2", "train"), (8, "c3", "train"),
    ]  # fmt: skip
    tracks = [Track(person, camera, 5 * k, 5, role=role) for k, (person, camera, role) in enumerate(rows)]
    return Prepared(Path("prepared"), np.zeros((50, 24, 16, 3), np.uint8), tuple(tracks), small_data.index("mars"))


def test_the_example_worked_by_hand() -> None:
    compared = comparison(small_data.recipe(), mars(), (1, 2))
    assert compared.probe_persons.tolist() == [1, 2]
    assert compared.gallery_persons.tolist() == [1, 1, 1, 2, 2, 0]
    assert compared.probe == [Clip(5, 5), Clip(20, 5)]
    assert compared.gallery == [Clip(start, 5) for start in (5, 10, 15, 20, 25, 30)]
    assert compared.allowed is not None
    assert compared.allowed.astype(int).tolist() == [[0, 0, 1, 1, 1, 1], [1, 1, 1, 0, 1, 1]]


def test_its_numbers_worked_by_hand() -> None:
    """Junk is not in the matrix at all.

    Query 1: itself (1.0) and its camera (0.9) do not count; its match (0.7) comes after 2 in c1 (0.8): rank 2.
    Query 2: its match (0.6) comes after 1 in c1 twice (0.9, 0.8) and the distractor (0.7): rank 4.
    """
    compared = comparison(small_data.recipe(), mars(), (1, 2))
    score = np.array([[1.0, 0.9, 0.7, 0.8, 0.2, 0.1], [0.9, 0.8, 0.5, 1.0, 0.6, 0.7]])
    who = (score, compared.probe_persons, compared.gallery_persons)
    assert ranking.rank_of_match(*who, allowed=compared.allowed).tolist() == [2, 4]
    assert ranking.cmc(*who, ranks=(1, 2, 3, 4), allowed=compared.allowed).tolist() == [0, 0.5, 0.5, 1]
    assert ranking.mean_average_precision(*who, allowed=compared.allowed) == (1 / 2 + 1 / 4) / 2


@pytest.mark.parametrize("seed", range(10))
def test_against_a_count_in_plain_python(seed: int) -> None:
    """Down the sorted list of all test tracks; junk and the query's own person in its own camera are skipped."""
    rng = np.random.default_rng(seed)
    tracks, queries = [], []
    for person in (-1, 0, 0, *range(1, 6), *range(1, 6)):
        for camera in rng.choice(list("1234"), size=3, replace=False).tolist():
            role = "query" if person > 0 and rng.random() < 0.4 else "gallery"
            tracks.append(Track(person, camera, 5 * len(tracks), 5, role=role))
    queries = [track for track in tracks if track.role == "query"]
    prepared = Prepared(
        Path("prepared"), np.zeros((5 * len(tracks), 24, 16, 3), np.uint8), tuple(tracks), small_data.index()
    )
    scores = {(q.start, t.start): float(rng.normal()) for q in queries for t in tracks}
    ranks, precisions = [], []
    for query in queries:
        place, hits, found = 0, [], 0
        for track in sorted(tracks, key=lambda t, query=query: -scores[query.start, t.start]):  # type: ignore[misc]
            if track.person == -1 or (track.person == query.person and track.camera == query.camera):
                continue
            place += 1
            if track.person == query.person:
                found += 1
                hits.append((place, found / place))
        ranks.append(hits[0][0])
        precisions.append(np.mean([precision for _, precision in hits]))
    compared = comparison(small_data.recipe(), prepared, (1, 2, 3, 4, 5))
    score = np.array([[scores[p.start, g.start] for g in compared.gallery] for p in compared.probe])
    who = (score, compared.probe_persons, compared.gallery_persons)
    assert ranking.rank_of_match(*who, allowed=compared.allowed).tolist() == ranks
    assert ranking.mean_average_precision(*who, allowed=compared.allowed) == pytest.approx(np.mean(precisions))


def test_persons_without_queries_look_for_each_of_their_tracks() -> None:
    """Validation persons of MARS, test persons of one's own videos: 9 in both its cameras; 8 has one camera only."""
    compared = comparison(small_data.recipe("evaluation.frames=2"), mars(), (9, 8))
    assert compared.probe_persons.tolist() == [9, 9] and compared.gallery_persons.tolist() == [9, 9, 8]
    assert compared.probe == [Clip(0, 2), Clip(40, 2)]
    assert compared.gallery == [Clip(3, 2), Clip(43, 2), Clip(48, 2)]
    assert compared.allowed is not None
    assert compared.allowed.astype(int).tolist() == [[0, 1, 1], [1, 0, 1]]
    with pytest.raises(InputError, match="none of the persons was seen by two cameras of prepared"):
        comparison(small_data.recipe(), mars(), (8,))


def test_a_query_without_a_true_match_is_said() -> None:
    broken = mars()
    tracks = tuple(track for track in broken.tracks if (track.person, track.camera) != (2, "c2"))
    compared = comparison(small_data.recipe(), Prepared(broken.path, broken.frames, tracks, broken.index), (1, 2))
    score = np.zeros((2, len(compared.gallery)))
    with pytest.raises(InputError, match="1 of 2 are not, first person 2"):
        ranking.cmc(score, compared.probe_persons, compared.gallery_persons, allowed=compared.allowed)


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
        judged = validate(small_data.recipe(f"evaluation.within_groups={word}"), prepared, {}, persons)
        assert judged == pytest.approx({"rank-1": np.mean(ranks == 1), "mAP": np.mean(1 / ranks)})


def test_a_network_that_says_nothing_is_never_right(prepared: Prepared) -> None:
    recipe = small_data.recipe()
    params = model.init(recipe, 2)
    for value in (0.0, np.nan):
        mute = map_leaves(lambda array, value=value: np.full_like(array, value), params)
        assert validate(recipe, prepared, mute, (1, 2, 3, 4))["rank-1"] == 0

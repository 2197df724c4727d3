"""Who is in a batch, and which of its clips are compared."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minireid.data import sampling
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared, Track

K, LENGTH, T = 6, 9, 4


def folder(lengths: dict[tuple[int, str], int] | None = None, groups: int = 0) -> Prepared:
    """K persons, numbered from 11, in two cameras; lengths: of other tracks than the usual ones, 0 for none."""
    tracks, start = [], 0
    for camera in "ab":
        for person in range(11, 11 + K):
            length = (lengths or {}).get((person, camera), LENGTH)
            if length:
                tracks.append(Track(person, camera, start, length, person % groups if groups else None))
                start += length
    return Prepared(Path("prepared"), np.zeros((1, 2, 2, 3), np.uint8), tuple(tracks), {})


def crowd(**options: int) -> sampling.People:
    return sampling.people(folder(**options), tuple(range(11, 11 + K)), at_least=T)  # type: ignore[arg-type]


def where(clip: Clip, people: sampling.People) -> tuple[int, int]:
    """(person, camera) of a clip; it lies inside that track."""
    for k, tracks in enumerate(people.tracks):
        for camera, track in enumerate(tracks):
            if track.start <= clip.start and clip.start + clip.length <= track.start + track.length:
                return k, camera
    raise AssertionError(f"{clip} is in no track")


Sampler = Callable[..., sampling.Batch]
SAMPLERS = pytest.mark.parametrize("sampler", [sampling.alternating, sampling.shared, sampling.every])


def batches(sampler: Sampler, people: sampling.People, same_camera: bool, count: int = 100) -> list[sampling.Batch]:
    anchors = np.array([4, 0, 3])
    return [sampler(np.random.default_rng(s), people, anchors, T, same_camera=same_camera) for s in range(count)]


# People.


def test_persons_without_a_whole_clip_in_both_cameras_are_left_out() -> None:
    prepared = folder({(12, "a"): T - 1, (13, "b"): T, (14, "b"): 0, (15, "a"): T - 1, (15, "b"): T - 1})
    found = sampling.people(prepared, (16, 11, 12, 13, 14, 15), at_least=T)
    assert found.persons == (16, 11, 13)
    assert [[track.person for track in tracks] for tracks in found.tracks] == [[16, 16], [11, 11], [13, 13]]
    assert [[track.camera for track in tracks] for tracks in found.tracks] == [["a", "b"]] * 3


def test_only_the_persons_asked_for() -> None:
    assert sampling.people(folder(), (12, 15), at_least=T).persons == (12, 15)


# Epochs.


def test_an_epoch_visits_everybody_in_an_order_of_its_own() -> None:
    people = crowd()
    orders = [tuple(sampling.epoch_order(0, epoch, people).tolist()) for epoch in range(20)]
    assert all(sorted(order) == list(range(K)) for order in orders)
    assert len(set(orders)) > 15
    assert tuple(sampling.epoch_order(0, 7, people).tolist()) == orders[7]
    assert tuple(sampling.epoch_order(1, 7, people).tolist()) != orders[7]


def test_groups_are_visited_together() -> None:
    people = crowd(groups=3)
    firsts = set()
    for epoch in range(30):
        order = sampling.epoch_order(0, epoch, people)
        assert sorted(order.tolist()) == list(range(K))
        groups = people.group[order]
        assert np.count_nonzero(np.diff(groups)) == 2, groups
        firsts.add(tuple(order[:2].tolist()))
    assert len(firsts) == 6, "three groups, each with both of its persons first"


# All samplers.


@SAMPLERS
@pytest.mark.parametrize("same_camera", [False, True])
def test_labels_belong_to_the_clips_and_same_to_the_labels(sampler: Sampler, same_camera: bool) -> None:
    people = crowd()
    for batch in batches(sampler, people, same_camera):
        assert len(batch.labels) == len(batch.clips) and batch.pairs.shape == (len(batch.same), 2)
        assert {clip.length for clip in batch.clips} == {T}
        assert [where(clip, people)[0] for clip in batch.clips] == batch.labels.tolist()
        i, j = batch.pairs.T
        assert not np.any(i == j)
        np.testing.assert_array_equal(batch.labels[i] == batch.labels[j], batch.same)
        assert {4, 0, 3} <= set(batch.labels.tolist())


@SAMPLERS
@pytest.mark.parametrize("same_camera", [False, True])
def test_positive_pairs_are_across_cameras(sampler: Sampler, same_camera: bool) -> None:
    people = crowd()
    for batch in batches(sampler, people, same_camera):
        positive = [(where(batch.clips[i], people), where(batch.clips[j], people)) for i, j in batch.pairs[batch.same]]
        assert sorted(first[0] for first, _ in positive) == [0, 3, 4], "one positive pair for each anchor"
        assert all((first[1], second[1]) == (0, 1) for first, second in positive)


def cameras_of_negatives(sampler: Sampler, same_camera: bool) -> np.ndarray:
    people = crowd()
    return np.array(
        [
            (where(batch.clips[i], people)[1], where(batch.clips[j], people)[1])
            for batch in batches(sampler, people, same_camera)
            for i, j in batch.pairs[~batch.same]
        ]
    )


@SAMPLERS
def test_negative_pairs_across_cameras(sampler: Sampler) -> None:
    cameras = cameras_of_negatives(sampler, False)
    assert np.all(cameras[:, 0] != cameras[:, 1])


@pytest.mark.parametrize("sampler", [sampling.alternating, sampling.shared])
def test_half_of_the_negative_pairs_in_one_camera(sampler: Sampler) -> None:
    cameras = cameras_of_negatives(sampler, True)
    for both in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert 0.18 < np.mean(np.all(cameras == both, axis=1)) < 0.32, both


@SAMPLERS
def test_the_same_draws_give_the_same_batch(sampler: Sampler) -> None:
    people = crowd()
    first, again = (batches(sampler, people, True, 2) for _ in range(2))
    for a, b in zip(first, again):
        assert a.clips == b.clips
        for left, right in zip(a[1:], b[1:]):
            np.testing.assert_array_equal(left, right)
    assert first[0].clips != first[1].clips


@SAMPLERS
def test_clips_start_anywhere(sampler: Sampler) -> None:
    people = crowd()
    starts = {
        clip.start for batch in batches(sampler, people, False) for clip in batch.clips if where(clip, people) == (4, 0)
    }
    first = people.tracks[4][0].start
    assert starts == set(range(first, first + LENGTH - T + 1))


# One by one.


def test_alternating_takes_a_positive_and_a_negative_pair_in_turn() -> None:
    for batch in batches(sampling.alternating, crowd(), True, 10):
        assert batch.same.tolist() == [True, False] * 3
        assert batch.pairs.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]], (
            "every pair has its own clips"
        )
        assert batch.labels[[0, 2, 4, 6, 8, 10]].tolist() == [4, 4, 0, 0, 3, 3], "the anchor is in both of its pairs"


def test_alternating_meets_everybody_else() -> None:
    others = {batch.labels[3] for batch in batches(sampling.alternating, crowd(), False)}
    assert others == {0, 1, 2, 3, 5}


def test_alternating_stays_within_a_group() -> None:
    others = {batch.labels[3] for batch in batches(sampling.alternating, crowd(groups=2), False)}
    assert others == {0, 2}, "anchor 4 is of the even group"


def test_shared_has_two_clips_a_person_and_as_many_pairs_of_each_kind() -> None:
    for batch in batches(sampling.shared, crowd(), False):
        assert batch.labels.tolist() == [4, 4, 0, 0, 3, 3]
        assert batch.same.sum() == (~batch.same).sum() == 3
        assert batch.labels[batch.pairs[~batch.same][:, 0]].tolist() == [4, 0, 3], "every anchor has a negative pair"
    partners = {batch.labels[batch.pairs[~batch.same][0, 1]] for batch in batches(sampling.shared, crowd(), False)}
    assert partners == {0, 3}


@pytest.mark.parametrize("same_camera, pairs", [(False, 9), (True, 15)])
def test_every_pair_of_two_clips_a_person(same_camera: bool, pairs: int) -> None:
    """Three persons, six clips: 3 x 3 pairs across cameras, 3 of them positive; 6 more within a camera."""
    for batch in batches(sampling.every, crowd(), same_camera, 10):
        assert batch.labels.tolist() == [4, 4, 0, 0, 3, 3]
        assert len({frozenset(pair) for pair in batch.pairs.tolist()}) == len(batch.pairs) == pairs
        assert batch.same.sum() == 3


def test_every_leaves_out_pairs_across_groups() -> None:
    people = crowd(groups=2)  # 4 and 0 are of one group, 3 of the other
    for batch in batches(sampling.every, people, False, 10):
        labels = batch.labels[batch.pairs]
        assert {frozenset(pair) for pair in labels.tolist()} == {frozenset(p) for p in [(4,), (0,), (3,), (0, 4)]}

"""Who is in a batch, and which of its clips are compared."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minireid.data import sampling
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared, Track
from tests import small_data

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
    return Prepared(Path("prepared"), np.zeros((1, 2, 2, 3), np.uint8), tuple(tracks), small_data.index())


def some_people(**options: int) -> sampling.People:
    return sampling.people(folder(**options), tuple(range(11, 11 + K)), at_least=T)  # type: ignore[arg-type]


def where(clip: Clip, people: sampling.People) -> tuple[int, int]:
    """(person, camera) of a clip; it lies inside that track."""
    for k, tracks in enumerate(people.tracks):
        for camera, track in enumerate(tracks):
            if track.start <= clip.start and clip.start + clip.length <= track.start + track.length:
                return k, camera
    raise AssertionError(f"{clip} is in no track")


Sampler = Callable[..., sampling.Drawn]
SAMPLERS = pytest.mark.parametrize("sampler", [sampling.alternating, sampling.shared, sampling.every])


def batches(sampler: Sampler, people: sampling.People, same_camera: bool, count: int = 100) -> list[sampling.Drawn]:
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
    people = some_people()
    orders = [tuple(sampling.epoch_order(0, epoch, people).tolist()) for epoch in range(20)]
    assert all(sorted(order) == list(range(K)) for order in orders)
    assert len(set(orders)) > 15
    assert tuple(sampling.epoch_order(0, 7, people).tolist()) == orders[7]
    assert tuple(sampling.epoch_order(1, 7, people).tolist()) != orders[7]


def test_groups_are_visited_together() -> None:
    people = some_people(groups=3)
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
    people = some_people()
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
    people = some_people()
    for batch in batches(sampler, people, same_camera):
        positive = [(where(batch.clips[i], people), where(batch.clips[j], people)) for i, j in batch.pairs[batch.same]]
        assert sorted(first[0] for first, _ in positive) == [0, 3, 4], "one positive pair for each anchor"
        assert all((first[1], second[1]) == (0, 1) for first, second in positive)


def cameras_of_negatives(sampler: Sampler, same_camera: bool) -> np.ndarray:
    people = some_people()
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
    people = some_people()
    first, again = (batches(sampler, people, True, 2) for _ in range(2))
    for a, b in zip(first, again):
        assert a.clips == b.clips
        for left, right in zip(a[1:], b[1:]):
            np.testing.assert_array_equal(left, right)
    assert first[0].clips != first[1].clips


@SAMPLERS
def test_clips_start_anywhere(sampler: Sampler) -> None:
    people = some_people()
    starts = {
        clip.start for batch in batches(sampler, people, False) for clip in batch.clips if where(clip, people) == (4, 0)
    }
    first = people.tracks[4][0].start
    assert starts == set(range(first, first + LENGTH - T + 1))


# One by one.


def test_alternating_takes_a_positive_and_a_negative_pair_in_turn() -> None:
    for batch in batches(sampling.alternating, some_people(), True, 10):
        assert batch.same.tolist() == [True, False] * 3
        assert batch.pairs.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]], (
            "every pair has its own clips"
        )
        assert batch.labels[[0, 2, 4, 6, 8, 10]].tolist() == [4, 4, 0, 0, 3, 3], "the anchor is in both of its pairs"


def test_alternating_meets_everybody_else() -> None:
    others = {batch.labels[3] for batch in batches(sampling.alternating, some_people(), False)}
    assert others == {0, 1, 2, 3, 5}


def test_alternating_stays_within_a_group() -> None:
    others = {batch.labels[3] for batch in batches(sampling.alternating, some_people(groups=2), False)}
    assert others == {0, 2}, "anchor 4 is of the even group"


def test_shared_has_two_clips_a_person_and_as_many_pairs_of_each_kind() -> None:
    for batch in batches(sampling.shared, some_people(), False):
        assert batch.labels.tolist() == [4, 4, 0, 0, 3, 3]
        assert batch.same.sum() == (~batch.same).sum() == 3
        assert batch.labels[batch.pairs[~batch.same][:, 0]].tolist() == [4, 0, 3], "every anchor has a negative pair"
    partners = {
        batch.labels[batch.pairs[~batch.same][0, 1]] for batch in batches(sampling.shared, some_people(), False)
    }
    assert partners == {0, 3}


@pytest.mark.parametrize("same_camera, pairs", [(False, 9), (True, 15)])
def test_every_pair_of_two_clips_a_person(same_camera: bool, pairs: int) -> None:
    """Three persons, six clips: 3 x 3 pairs across cameras, 3 of them positive; 6 more within a camera."""
    for batch in batches(sampling.every, some_people(), same_camera, 10):
        assert batch.labels.tolist() == [4, 4, 0, 0, 3, 3]
        assert len({frozenset(pair) for pair in batch.pairs.tolist()}) == len(batch.pairs) == pairs
        assert batch.same.sum() == 3


def test_every_leaves_out_pairs_across_groups() -> None:
    people = some_people(groups=2)  # 4 and 0 are of one group, 3 of the other
    for batch in batches(sampling.every, people, False, 10):
        labels = batch.labels[batch.pairs]
        assert {frozenset(pair) for pair in labels.tolist()} == {frozenset(p) for p in [(4,), (0,), (3,), (0, 4)]}


@pytest.mark.parametrize(
    "sampler, fingerprint",
    [
        (sampling.alternating, "7d5fc9781b761033"),
        (sampling.shared, "cd1b033f49a1a585"),
        (sampling.every, "17bd5600c10a5289"),
    ],
)
def test_the_draws_of_two_cameras_stay_what_they_were(sampler: Sampler, fingerprint: str) -> None:
    """A run that was started by an older minireid goes on with the same batches."""
    found = hashlib.sha256()
    for groups in (0, 2):
        for same_camera in (False, True):
            for batch in batches(sampler, some_people(groups=groups), same_camera, 20):
                facts = (batch.clips, batch.labels.tolist(), batch.pairs.tolist(), batch.same.tolist())
                found.update(repr(facts).encode())
    assert found.hexdigest()[:16] == fingerprint


# Several cameras and tracks.


def several() -> sampling.People:
    """Persons 0 to 4 in two to four cameras with one to three tracks each; 5 has three tracks in camera 2 only."""
    places = {
        0: "1122",
        1: "1233",
        2: "123444",
        3: "24",
        4: "1124",
        5: "222",
    }
    tracks, start = [], 0
    for person, cameras in places.items():
        for camera in cameras:
            tracks.append(Track(person, camera, start, LENGTH, role="train"))
            start += LENGTH
    prepared = Prepared(Path("prepared"), np.zeros((1, 2, 2, 3), np.uint8), tuple(tracks), small_data.index())
    return sampling.people(prepared, tuple(places), at_least=T)


def track_of(clip: Clip, people: sampling.People) -> Track:
    (found,) = [t for tracks in people.tracks for t in tracks if t.start <= clip.start < t.start + t.length]
    assert clip.start + clip.length <= found.start + found.length
    return found


def pairs_of(sampler: Sampler, same_camera: bool) -> list[tuple[Track, Track, bool]]:
    people, found = several(), []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        anchors = rng.permutation(6)[:3]
        batch = sampler(rng, people, anchors, T, same_camera=same_camera)
        tracks = [track_of(clip, people) for clip in batch.clips]
        assert [track.person for track in tracks] == batch.labels.tolist()
        found += [(tracks[i], tracks[j], bool(s)) for (i, j), s in zip(batch.pairs.tolist(), batch.same)]
    return found


@SAMPLERS
@pytest.mark.parametrize("same_camera", [False, True])
def test_positive_pairs_of_several_cameras(sampler: Sampler, same_camera: bool) -> None:
    """Always two cameras where the person has two, each of them in its turn, and never a track against itself."""
    positive = [(a, b) for a, b, same in pairs_of(sampler, same_camera) if same]
    assert all(a.person == b.person and a.start != b.start for a, b in positive)
    assert all((a.camera != b.camera) == (a.person != 5) for a, b in positive)
    seen = {(a.camera, b.camera) for a, b in positive if a.person == 2}
    assert seen == {(c, d) for c in "1234" for d in "1234" if c != d}
    for person in (0, 1, 2, 4, 5):  # 3 has but two tracks: always in the same order
        every_track = {track.start for track in several().tracks[person]}
        for place in (0, 1):
            assert {pair[place].start for pair in positive if pair[place].person == person} == every_track


@SAMPLERS
def test_negative_pairs_of_several_cameras(sampler: Sampler) -> None:
    """Two cameras, unless one of the persons was drawn from a single one."""
    negative = [(a, b) for a, b, same in pairs_of(sampler, False) if not same]
    assert negative and all(a.person != b.person for a, b in negative)
    assert all(a.camera != b.camera for a, b in negative if 5 not in (a.person, b.person))
    assert any(a.camera == b.camera for a, b, same in pairs_of(sampler, True) if not same)


def test_a_camera_is_drawn_before_its_tracks() -> None:
    """Person 2 has three tracks in camera 4, which is no more frequent for it."""
    rng, tracks = np.random.default_rng(0), several().tracks[2]
    drawn = [track.camera for _ in range(2000) for track in sampling.two_tracks(rng, tracks)]
    assert all(0.22 < drawn.count(camera) / len(drawn) < 0.28 for camera in "1234")


def test_people_need_two_tracks_that_are_long_enough() -> None:
    tracks = [
        Track(p, c, 0, n, role="train") for p, c, n in ((1, "1", 9), (1, "2", 3), (2, "1", 9), (2, "1", 4), (3, "1", 9))
    ]
    prepared = Prepared(Path("prepared"), np.zeros((1, 2, 2, 3), np.uint8), tuple(tracks), small_data.index())
    assert sampling.people(prepared, (1, 2, 3), at_least=T).persons == (2,)

"""Which clips and which pairs of clips a training step sees.

Every epoch visits the persons in a new random order. All draws of step k in epoch e come from generators seeded with
[seed, e] and [seed, e, k]. So a run that was stopped continues with the same draws, and no generator state is stored.
"""

from typing import NamedTuple

import numpy as np

from minireid.data.clips import Clip, random_clip
from minireid.data.prepared import Prepared, Track


class Drawn(NamedTuple):
    """clips: N clips; labels (N,): their persons, from 0; pairs (P, 2): clip numbers; same (P,): positive or not."""

    clips: list[Clip]
    labels: np.ndarray
    pairs: np.ndarray
    same: np.ndarray


class People(NamedTuple):
    """The training persons. tracks[k]: two or more tracks of person k; group (K,): a number that twins share."""

    persons: tuple[int, ...]
    tracks: tuple[tuple[Track, ...], ...]
    group: np.ndarray


def people(prepared: Prepared, persons: tuple[int, ...], *, at_least: int) -> People:
    """The persons with two or more tracks of at least `at_least` frames. A shorter track gives no whole clip.

    If each person has one track in each camera, these are the persons with a whole clip in both cameras.
    """
    found: dict[int, list[Track]] = {person: [] for person in persons}
    for track in prepared.tracks:
        if track.person in found and track.length >= at_least:
            found[track.person].append(track)
    kept = [person for person in persons if len(found[person]) >= 2]
    groups = [found[person][0].group for person in kept]
    return People(
        tuple(kept),
        tuple(tuple(found[person]) for person in kept),
        np.array([0 if group is None else group for group in groups]),
    )


def epoch_order(seed: int, epoch: int, people: People) -> np.ndarray:
    """(K,): the persons 0 to K - 1 in the order of this epoch. The members of a group follow one another."""
    order = np.random.default_rng([seed, epoch]).permutation(len(people.persons))
    group = people.group[order]
    if len(np.unique(group)) == 1:
        return order
    first_seen = {g: place for place, g in reversed(list(enumerate(group.tolist())))}
    return order[np.argsort([first_seen[g] for g in group.tolist()], kind="stable")]


def alternating(rng: np.random.Generator, people: People, anchors: np.ndarray, T: int, *, same_camera: bool) -> Drawn:
    """The baseline's pairs: for each anchor one positive and one negative pair. Each pair has its own two clips.

    A positive pair is camera a against camera b (for more cameras or tracks: see two_tracks). A negative pair is the
    anchor against another person. With same_camera=True both its cameras are drawn at random, so half of the negative
    pairs come from one camera (McLaughlin's code). Otherwise it is camera a against camera b.
    """
    clips, labels, same = [], [], []
    for anchor in anchors.tolist():
        other = another_person(rng, people, anchor)
        mine, theirs = two_tracks(rng, people.tracks[anchor]), two_tracks(rng, people.tracks[other])
        i, j = rng.integers(2, size=2).tolist() if same_camera else (0, in_another_camera(mine[0].camera, theirs))
        for person, track in ((anchor, mine[0]), (anchor, mine[1]), (anchor, mine[i]), (other, theirs[j])):
            clips.append(random_clip(rng, track, T))
            labels.append(person)
        same += [True, False]
    return Drawn(clips, np.array(labels), np.arange(len(clips)).reshape(-1, 2), np.array(same))


def shared(rng: np.random.Generator, people: People, anchors: np.ndarray, T: int, *, same_camera: bool) -> Drawn:
    """Two clips of each person, from two cameras, used in several pairs: P positive and P negative ones.

    This needs half the clips of `alternating` for the same number of pairs: each embedding is computed once and
    compared several times. same_camera: as in `alternating`.
    """
    P = len(anchors)
    tracks, clips, labels = both_cameras(rng, people, anchors, T)  # clips 2 k and 2 k + 1 are of anchor k
    other = (np.arange(P) + rng.integers(1, P, size=P)) % P
    if same_camera:
        rows = rng.integers(2, size=(P, 2))
    else:
        rows = np.array([(0, in_another_camera(tracks[k][0].camera, tracks[o])) for k, o in enumerate(other.tolist())])
    first = 2 * np.arange(P)
    positive = np.stack([first, first + 1], axis=1)
    negative = np.stack([first + rows[:, 0], 2 * other + rows[:, 1]], axis=1)
    return Drawn(clips, labels, np.concatenate([positive, negative]), np.arange(2 * P) < P)


def every(rng: np.random.Generator, people: People, anchors: np.ndarray, T: int, *, same_camera: bool) -> Drawn:
    """Two clips of each person, from two cameras, and all their pairs: P positive ones, all others negative.

    same_camera=False leaves out the negative pairs from one camera. If the data has groups of persons who look alike,
    pairs across groups are left out too: they are easy, and the groups are there to teach the hard differences.
    """
    tracks, clips, labels = both_cameras(rng, people, anchors, T)
    camera = np.array([track.camera for two in tracks for track in two])
    i, j = np.triu_indices(len(clips), k=1)
    kept = same_camera | (camera[i] != camera[j]) | (labels[i] == labels[j])
    kept &= people.group[labels[i]] == people.group[labels[j]]
    pairs = np.stack([i, j], axis=1)[kept]
    return Drawn(clips, labels, pairs, labels[pairs[:, 0]] == labels[pairs[:, 1]])


def both_cameras(
    rng: np.random.Generator, people: People, anchors: np.ndarray, T: int
) -> tuple[list[tuple[Track, Track]], list[Clip], np.ndarray]:
    """For every anchor two tracks, a random clip of each, and their labels."""
    tracks = [two_tracks(rng, people.tracks[anchor]) for anchor in anchors.tolist()]
    clips = [random_clip(rng, track, T) for two in tracks for track in two]
    return tracks, clips, np.repeat(anchors, 2)


def two_tracks(rng: np.random.Generator, tracks: tuple[Track, ...]) -> tuple[Track, Track]:
    """Two random cameras of a person, and a random track from each. If there is only one camera: two random tracks.

    If there are only two tracks, nothing is drawn from the generator.
    """
    if len(tracks) == 2:
        return tracks[0], tracks[1]
    by_camera: dict[str, list[Track]] = {}
    for track in tracks:
        by_camera.setdefault(track.camera, []).append(track)
    if len(by_camera) == 1:
        i, j = rng.choice(len(tracks), size=2, replace=False).tolist()
        return tracks[i], tracks[j]
    cameras = sorted(by_camera)
    i, j = rng.choice(len(cameras), size=2, replace=False).tolist()
    one, other = by_camera[cameras[i]], by_camera[cameras[j]]
    return one[rng.integers(len(one))], other[rng.integers(len(other))]


def in_another_camera(camera: str, two: tuple[Track, Track]) -> int:
    """Which of a person's two tracks, 0 or 1, is from another camera than `camera`; 1 if both are or none is."""
    return 0 if two[1].camera == camera and two[0].camera != camera else 1


def another_person(rng: np.random.Generator, people: People, anchor: int) -> int:
    """Another person than the anchor, from the anchor's group if the data has groups of persons who look alike."""
    group = np.flatnonzero(people.group == people.group[anchor])
    others = group[group != anchor]
    if not len(others):  # alone in the group, because its other members have no whole clip
        others = np.delete(np.arange(len(people.persons)), anchor)
    return int(rng.choice(others))


SAMPLERS = {"alternating": alternating, "shared": shared, "every": every}

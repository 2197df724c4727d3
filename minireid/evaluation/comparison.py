"""Which clips of a run's persons are compared with which, and the network's scores of them.

Two cameras with one track of each person (PRID-2011, iLIDS-VID): the probes are camera a, the gallery is camera b.

Several tracks or cameras (MARS, videos of your own):
- Probes: the tracks of role query. If there are none: all tracks of persons whom another camera saw too.
- Gallery: all tracks of the persons. If there are queries: also the distractors (person 0), but never junk (person -1).
- A probe is not compared with tracks of its own person in its own camera.

An example: person and camera of each track, * marks queries. A row shows what a query is compared with (x: impostor):

                     gallery   1 in c1*   1 in c1   1 in c2   2 in c1*   2 in c2   0 in c1   -1 in c2
        1 in c1*                  -          -        match       x          x         x          -
        2 in c1*                  x          x          x         -        match       x          -

A probe is the first `evaluation.frames` frames of its track, a gallery entry the last ones (as in the baseline's code).
If `evaluation.frames` is 0, both are whole tracks.
"""

from dataclasses import dataclass

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import Tree
from minireid.data.clips import Clip, first_clip, last_clip
from minireid.data.prepared import DISTRACTORS, Prepared, Track
from minireid.data.splits import cameras_of
from minireid.evaluation import embedding, ranking
from minireid.recipes.schema import Recipe


@dataclass(frozen=True)
class Comparison:
    """The clips that are compared, and their persons (P,), (G,).

    allowed (P, G): which gallery entries a probe is compared with, None for all.
    """

    probe_persons: np.ndarray
    gallery_persons: np.ndarray
    probe: list[Clip]
    gallery: list[Clip]
    allowed: np.ndarray | None


def comparison(recipe: Recipe, prepared: Prepared, persons: tuple[int, ...]) -> Comparison:
    """Probe and gallery clips of these persons. Raises InputError if they were not seen by two cameras."""
    if prepared.one_to_one:
        probe, gallery = (track_of(prepared, camera, persons) for camera in prepared.cameras)
        allowed = None
    else:
        probe, gallery = probes_and_gallery(prepared, set(persons))
        allowed = ~(alike(probe, gallery, "person") & alike(probe, gallery, "camera"))
    if recipe.evaluation.within_groups:
        if any(track.group is None for track in (*probe, *gallery)):
            raise InputError(f"evaluation.within_groups is for twins, but {prepared.path} has persons without a group")
        together = alike(probe, gallery, "group")
        allowed = together if allowed is None else allowed & together
    T = recipe.evaluation.frames or None
    return Comparison(
        np.array([track.person for track in probe]),
        np.array([track.person for track in gallery]),
        [first_clip(track, T) for track in probe],
        [last_clip(track, T) for track in gallery],
        allowed,
    )


def probes_and_gallery(prepared: Prepared, persons: set[int]) -> tuple[list[Track], list[Track]]:
    """The probe tracks and the gallery tracks of these persons, in the folder's order."""
    own = [track for track in prepared.tracks if track.person in persons]
    probe = [track for track in own if track.role == "query"]
    if probe:
        return probe, [t for t in prepared.tracks if t.person in persons or (t.person == DISTRACTORS and t.role)]
    seen_by = cameras_of(own)
    probe = [track for track in own if len(seen_by[track.person]) > 1]
    if not probe:
        raise InputError(f"none of the persons was seen by two cameras of {prepared.path}: use another split")
    return probe, own


def alike(probe: list[Track], gallery: list[Track], what: str) -> np.ndarray:
    """(P, G): do the two tracks have the same person, camera or group?"""
    numbers: dict[object, int] = {}
    rows, columns = (
        np.array([numbers.setdefault(getattr(track, what), len(numbers)) for track in tracks])
        for tracks in (probe, gallery)
    )
    return rows[:, None] == columns


def track_of(prepared: Prepared, camera: str, persons: tuple[int, ...]) -> list[Track]:
    found = {track.person: track for track in prepared.tracks if track.camera == camera}
    missing = sorted(set(persons) - set(found))
    if missing:
        raise InputError(f"person {missing[0]} has no track in camera {camera} of {prepared.path}: use another split")
    return [found[person] for person in persons]


def network_scores(
    recipe: Recipe, params: Tree, prepared: Prepared, compared: Comparison, *, progress: bool = False
) -> np.ndarray:
    """(P, G), larger = more alike, averaged over the recipe's views."""
    clips = compared.probe + compared.gallery
    embeddings = embedding.embed_clips(recipe, params, prepared, clips, progress=progress)
    P = len(compared.probe)
    return embedding.score(recipe, params, embeddings[:, :P], embeddings[:, P:])


def validate(recipe: Recipe, prepared: Prepared, params: Tree, persons: tuple[int, ...]) -> dict[str, float]:
    """rank-1 and mAP of these persons, shares from 0 to 1: a training run chooses its best checkpoint by them."""
    compared = comparison(recipe, prepared, persons)
    score = network_scores(recipe, params, prepared, compared)
    who = (score, compared.probe_persons, compared.gallery_persons)
    return {
        "rank-1": float(ranking.cmc(*who, ranks=(1,), allowed=compared.allowed)[0]),
        "mAP": ranking.mean_average_precision(*who, allowed=compared.allowed),
    }

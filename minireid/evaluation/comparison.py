"""Evaluation of a run: embeddings of the test persons in both cameras, their ranking, and the baselines beside it.

Probe: camera a; gallery: camera b, of the same persons. The probe is the first `evaluation.frames` frames of its track
and the gallery entry the last (as in the baseline's code), or both are whole tracks.
"""

from dataclasses import dataclass

import numpy as np

from minireid.data.clips import Clip, first_clip, last_clip
from minireid.data.prepared import Prepared, Track
from minireid.errors import InputError
from minireid.evaluation import embedding, ranking
from minireid.recipe import Recipe
from minireid.trees import Tree


@dataclass(frozen=True)
class Comparison:
    """The clips that are compared. allowed (P, G): whom a probe may be ranked against, None for everybody."""

    persons: np.ndarray
    probe: list[Clip]
    gallery: list[Clip]
    allowed: np.ndarray | None


def comparison(recipe: Recipe, prepared: Prepared, persons: tuple[int, ...]) -> Comparison:
    """Probe and gallery clips of these persons. Raises InputError for one whom only one camera saw."""
    cameras = sorted({track.camera for track in prepared.tracks})
    tracks = [track_of(prepared, camera, persons) for camera in cameras[:2]]
    T = recipe.evaluation.frames or None
    group = np.array([-1 if track.group is None else track.group for track in tracks[0]])
    return Comparison(
        np.array(persons),
        [first_clip(track, T) for track in tracks[0]],
        [last_clip(track, T) for track in tracks[1]],
        group[:, None] == group if recipe.evaluation.within_groups else None,
    )


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


def judge(recipe: Recipe, prepared: Prepared, params: Tree, persons: tuple[int, ...]) -> dict[str, float]:
    """rank-1 and mAP of these persons, shares from 0 to 1: what a training run chooses its best checkpoint by."""
    compared = comparison(recipe, prepared, persons)
    score = network_scores(recipe, params, prepared, compared)
    who = (score, compared.persons, compared.persons)
    return {
        "rank-1": float(ranking.cmc(*who, ranks=(1,), allowed=compared.allowed)[0]),
        "mAP": ranking.mean_average_precision(*who, allowed=compared.allowed),
    }

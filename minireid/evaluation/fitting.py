"""The metrics of minireid.metric, fitted to a run's embeddings: of which persons, from which clips, in which steps.

A sample is the embedding of a clip, averaged over the recipe's views (and before that of length 1, where the recipe's
evaluation.normalise says so). Tracks are cut into several clips, so that a person has more than one sample a camera:

    track   |---------------------------------|       T = clips.length frames a clip
    clips   |-----|  |-----|  |-----|  |-----|        as many as fit side by side, at most CLIPS; spread evenly

CLIPS is 4: with two cameras everybody has at most 8 samples, and the 7th neighbour, which is LFDA's scale, is the
farthest of them and in the other camera. With more, LFDA would hold tracks together, not persons (lfda.py).

PCA to DIMENSIONS comes before LFDA and KISSME (Wu et al. 2016); XQDA finds its own subspace.
"""

from typing import NamedTuple

import numpy as np

from minireid.base.trees import Tree
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared, Track
from minireid.evaluation import embedding
from minireid.metric import kissme, lfda, pca, xqda
from minireid.recipes.schema import Recipe

CLIPS = 4
DIMENSIONS = 128


class Samples(NamedTuple):
    """x (N, D) float64, persons (N,) numbers, cameras (N,) names."""

    x: np.ndarray
    persons: np.ndarray
    cameras: np.ndarray


def embed(recipe: Recipe, params: Tree, prepared: Prepared, clips: list[Clip], *, progress: bool = False) -> np.ndarray:
    """Clips of any lengths -> (N, D) float64, the mean over the views. params: of the whole model."""
    views = embedding.embed_clips(recipe, params, prepared, clips, progress=progress)
    return views.mean(axis=0, dtype=np.float64)


def pieces(track: Track, T: int) -> list[Clip]:
    """As many clips of T frames as the track has room for side by side, at most CLIPS; the whole track if shorter."""
    T = min(T, track.length)
    count = min(CLIPS, track.length // T)
    starts = np.linspace(0, track.length - T, count).round().astype(int).tolist()
    return [Clip(track.start + start, T) for start in starts]


def samples_of(
    recipe: Recipe, params: Tree, prepared: Prepared, persons: tuple[int, ...], *, progress: bool = False
) -> Samples:
    """The clips of all tracks of these persons, embedded."""
    wanted = set(persons)
    cut = [
        (track, clip)
        for track in prepared.tracks
        if track.person in wanted
        for clip in pieces(track, recipe.clips.length)
    ]
    x = embed(recipe, params, prepared, [clip for _, clip in cut], progress=progress)
    return Samples(x, np.array([t.person for t, _ in cut]), np.array([t.camera for t, _ in cut]))


def fit_all(samples: Samples) -> dict[str, pca.Metric]:
    """{name: metric} of PCA, LFDA, KISSME and XQDA; pca.score compares by any of them.

    Raises InputError for samples that a metric cannot be fitted to (see minireid/metric).
    """
    x, persons, cameras = samples
    reduced = pca.fit(x, persons, cameras, dimensions=DIMENSIONS)
    z = pca.project(x, reduced)
    return {
        "PCA": reduced,
        "LFDA": behind(reduced, lfda.fit(z, persons, cameras)),
        "KISSME": behind(reduced, kissme.fit(z, persons, cameras)),
        "XQDA": xqda.fit(x, persons, cameras),
    }


def behind(reduced: pca.Metric, metric: pca.Metric) -> pca.Metric:
    """First PCA, then a metric of its space: one linear map. A distance does not ask where the mean is."""
    return {"mean": reduced["mean"], "projection": reduced["projection"] @ metric["projection"]}

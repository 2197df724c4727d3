"""Fit the metrics of minireid.metric to the embeddings of a run.

A sample is the embedding of a clip, averaged over the recipe's views. With the recipe's evaluation.normalise, each view
is scaled to length 1 first. Tracks are cut into several clips, so that a person has several samples in each camera:

    track   |---------------------------------|       clips of T = clips.length frames
    clips   |-----|  |-----|  |-----|  |-----|        as many as fit side by side, at most CLIPS; spread evenly

Why is CLIPS 4? With two cameras a person has at most 8 samples. LFDA's scale is the distance to the 7th neighbour: the
farthest sample, usually in the other camera. With more clips, LFDA would keep tracks together, not persons (lfda.py).

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
    """As many clips of T frames as fit side by side into the track, at most CLIPS; the whole track if it is shorter."""
    T = min(T, track.length)
    count = min(CLIPS, track.length // T)
    starts = np.linspace(0, track.length - T, count).round().astype(int).tolist()
    return [Clip(track.start + start, T) for start in starts]


def samples_of(
    recipe: Recipe, params: Tree, prepared: Prepared, persons: tuple[int, ...], *, progress: bool = False
) -> Samples:
    """The clips of all tracks of these persons, embedded."""
    included = set(persons)
    cut = [
        (track, clip)
        for track in prepared.tracks
        if track.person in included
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
    """PCA, then a metric of its space, as one linear map. The metric's mean is not needed: distances do not change."""
    return {"mean": reduced["mean"], "projection": reduced["projection"] @ metric["projection"]}

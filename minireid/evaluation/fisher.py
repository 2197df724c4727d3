"""Tracks compared by the Fisher vectors of their frames (Wu et al. 2016, table 3).

The Fisher vector is a temporal pool that is fitted after the training. The other pools (last state, mean and maximum)
are part of the training. For networks that `describe` every frame: deep_rcn and deep_rcn_independent.

    describe   a track in V views (crops, mirrored or not) -> one set of descriptors, of every frame in every view,
               each scaled to length 1 (section 5.4.2)
    fit        the sets of some persons -> PCA to DIMENSIONS -> a mixture of COMPONENTS Gaussians (gmm.py)
    encode     a set -> a vector: by the means and the variances of every component (fisher_vector.py)

Fisher vectors have length 1 and are compared by the Euclidean distance. The paper gives neither DIMENSIONS nor
COMPONENTS. Its other experiments use the mean over time, because the Fisher vector's parameters were costly to update.
Here they are fitted once, after the training.
"""

from functools import partial
from types import ModuleType
from typing import NamedTuple

import numpy as np

from minireid.base.progress import bar
from minireid.base.trees import Tree
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared
from minireid.evaluation import embedding
from minireid.metric import fisher_vector, gmm, pca
from minireid.recipes.schema import Recipe
from minireid.training.model import model_of
from minireid.training.ways import fast

DIMENSIONS = 32
COMPONENTS = 8
FITTED_TO = 5000  # descriptors at most, evenly spaced: their SVD takes a second or two


class Encoder(NamedTuple):
    """A projection of descriptors, and the mixture fitted to the projected ones."""

    reduced: pca.Metric
    mixture: gmm.Mixture


def can_describe(network: ModuleType) -> bool:
    """Does the network give a descriptor of every frame?"""
    return hasattr(network, "describe")


def describe(
    recipe: Recipe, params: Tree, prepared: Prepared, clips: list[Clip], *, progress: bool = False
) -> list[np.ndarray]:
    """Clips of any lengths T -> for each a set (V T, D) of descriptors of length 1, from V views."""
    model = model_of(recipe, fast())
    way = {"block": model.settings["block"], "kernel": model.settings["kernel"]}
    read = partial(model.network.describe, p=params["network"], **way)
    views = embedding.views_of(recipe, prepared)
    with bar(clips, unit="track", shown=progress) as shown:
        found = [np.concatenate(embedding.read_views(recipe, prepared, clip, views, read)) for clip in shown]
    return [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(x.dtype).tiny) for x in found]


def fit(sets: list[np.ndarray], persons: list[int], cameras: list[str]) -> Encoder:
    """sets: (V T, D) for each track; persons and cameras of the tracks are only checked, by PCA.

    Raises InputError for fewer different descriptors than COMPONENTS.
    """
    sizes = [len(one) for one in sets]
    some = slice(None, None, -(-sum(sizes) // FITTED_TO))
    x = np.concatenate(sets)[some]
    reduced = pca.fit(x, np.repeat(persons, sizes)[some], np.repeat(cameras, sizes)[some], dimensions=DIMENSIONS)
    return Encoder(reduced, gmm.fit(pca.project(x, reduced), COMPONENTS, np.random.default_rng(0)))


def fit_to(
    recipe: Recipe, params: Tree, prepared: Prepared, persons: tuple[int, ...], *, progress: bool = False
) -> Encoder:
    """Fitted to all tracks of these persons."""
    tracks = [track for track in prepared.tracks if track.person in set(persons)]
    whole = [Clip(track.start, track.length) for track in tracks]
    sets = describe(recipe, params, prepared, whole, progress=progress)
    return fit(sets, [track.person for track in tracks], [track.camera for track in tracks])


def encode(sets: list[np.ndarray], encoder: Encoder) -> np.ndarray:
    """Sets (V T, D) -> their Fisher vectors (N, 2 COMPONENTS DIMENSIONS)."""
    reduced, mixture = encoder
    return np.stack([fisher_vector.encode(pca.project(x, reduced), mixture) for x in sets])

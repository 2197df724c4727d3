"""Embeddings of whole tracks, in every view that the recipe averages over."""

from collections.abc import Callable
from functools import partial

import numpy as np

from minireid import networks
from minireid.base.progress import bar
from minireid.base.trees import Tree
from minireid.data import clips, images
from minireid.data.prepared import Prepared
from minireid.networks import embedding
from minireid.recipes.schema import Recipe
from minireid.training.model import model_of
from minireid.training.ways import fast

FRAMES_AT_ONCE = 256  # limits the memory: about 100 MiB for frames of 64 x 32


def views_of(recipe: Recipe, prepared: Prepared) -> list[tuple[int, int, bool]]:
    """The views that the recipe averages over: (row, column, mirrored)."""
    evaluation = recipe.evaluation
    return images.diagonal_views(
        prepared.height,
        prepared.width,
        recipe.clips.crop,
        crops=evaluation.crops,
        mirrored=evaluation.mirrored,
        shift=evaluation.shift,
    )


def embed_clips(
    recipe: Recipe, params: Tree, prepared: Prepared, requested: list[clips.Clip], *, progress: bool = False
) -> np.ndarray:
    """Clips of any lengths -> (V, N, D) float32, V views of each (crops, mirrored or not). params: of the whole model.

    A clip that is both a probe and a gallery entry is embedded once.
    """
    model = model_of(recipe, fast())
    settings = {**model.settings, "unit_length": recipe.evaluation.normalise}
    embed = partial(embedding.embed, model.network, p=params["network"], **settings)
    views = views_of(recipe, prepared)
    in_groups = partial(embed_groups, group=recipe.evaluation.group, embed=embed)
    with bar(dict.fromkeys(requested), unit="track", shown=progress) as shown:
        rows = {clip: read_views(recipe, prepared, clip, views, in_groups) for clip in shown}
    return np.stack([rows[clip] for clip in requested], axis=1)


def read_views(
    recipe: Recipe,
    prepared: Prepared,
    clip: clips.Clip,
    views: list[tuple[int, int, bool]],
    read: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """One clip -> (V, ...): `read` applied to its V views. `read` maps (V, T, H, W, C) to (V, ...).

    `read` gets as many views at once as FRAMES_AT_ONCE allows. The frames are normalised once for all views.
    """
    frames, _ = clips.read(prepared, [clip])
    if recipe.evaluation.shuffle:  # seeded by the clip, so that it does not depend on the other clips
        frames = frames[:, np.random.default_rng([clip.start, clip.length]).permutation(clip.length)]
    pair = np.concatenate([frames, frames])
    images.mirror(pair, np.array([False, True]), negate_flow=recipe.augment.negate_flow)
    pair = images.normalise(pair if recipe.clips.flow else pair[..., :3], square_root=recipe.clips.square_root)
    rows = np.array([int(mirrored) for _, _, mirrored in views])
    places = np.array([(i, j) for i, j, _ in views])
    at_once = max(1, FRAMES_AT_ONCE // clip.length)
    found = []
    for v in range(0, len(views), at_once):
        some = slice(v, v + at_once)
        found.append(
            read(images.crop(pair[rows[some]], places[some], recipe.clips.crop, recentre=recipe.clips.recentre))
        )
    return np.concatenate(found)


def embed_groups(x: np.ndarray, group: int, embed: Callable[..., np.ndarray]) -> np.ndarray:
    """x (V, T, H, W, C) -> (V, D): the mean over groups of `group` frames (the last may be shorter); 0: one group."""
    V, T = x.shape[:2]
    if not 0 < group < T:
        return embed(x)
    groups = T // group
    whole = groups * group
    parts = embed(x[:, :whole].reshape(V * groups, group, *x.shape[2:])).reshape(V, groups, -1)
    rest = [embed(x[:, whole:])[:, None]] if whole < T else []
    return np.concatenate([parts, *rest], axis=1).mean(axis=1)


def score(recipe: Recipe, params: Tree, probe: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """probe (V, P, D), gallery (V, G, D) -> (P, G): the network's score, averaged over the views."""
    network = networks.page(recipe.network.name)
    total = network.score(probe[0], gallery[0], params["heads"])
    for a, b in zip(probe[1:], gallery[1:]):
        # in place, so only two matrices are in memory: the sum, and the scores of this view
        total += network.score(a, b, params["heads"])
    total /= len(probe)
    return total

"""The batches of a run: clips read from the prepared folder, augmented, as arrays that a network takes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minireid.base.errors import InputError
from minireid.data import clips, images, sampling
from minireid.data.prepared import Prepared
from minireid.recipes.schema import Recipe
from minireid.training.experiment import Experiment


class Batch(NamedTuple):
    """What a step computes on: x (N, T, H, W, C) float32, lengths (N,), labels (N,), pairs (P, 2), same and weights
    (P,)."""

    x: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    pairs: np.ndarray
    same: np.ndarray
    weights: np.ndarray


def draw(experiment: Experiment, step: int) -> tuple[Batch, np.random.Generator]:
    """The batch of step `step` (counted from 0), and the generator for the other random draws of the step (dropout)."""
    recipe, people = experiment.recipe, experiment.people
    epoch, k = divmod(step, experiment.steps_per_epoch)
    rng = np.random.default_rng([recipe.training.seed, epoch, k])
    order = sampling.epoch_order(recipe.training.seed, epoch, people)
    anchors = order[k * recipe.pairs.persons : (k + 1) * recipe.pairs.persons]
    sampler = sampling.SAMPLERS[recipe.pairs.sampler]
    drawn = sampler(rng, people, anchors, recipe.clips.length, same_camera=recipe.pairs.same_camera)
    frames, lengths = clips.read(experiment.prepared, drawn.clips)
    x = augment(rng, frames if recipe.clips.flow else frames[..., :3], lengths, recipe, experiment.way.windows)
    return Batch(x, lengths, drawn.labels, drawn.pairs, drawn.same, balanced(drawn.same)), rng


def balanced(same: np.ndarray) -> np.ndarray:
    """(P,) weights: 0.5 shared by the positive pairs and 0.5 shared by the negative pairs."""
    return np.where(same, 0.5 / max(1, same.sum()), 0.5 / max(1, (~same).sum()))


def augment(
    rng: np.random.Generator,
    frames: np.ndarray,
    lengths: np.ndarray,
    recipe: Recipe,
    windows: Callable[..., np.ndarray] = images.normalised_windows,
) -> np.ndarray:
    """frames uint8 (N, T, H, W, C) -> float32 (N, T, *crop, C): mirrored, zoomed and cropped at random, and
    normalised. windows: images.normalised_windows or its fast twin."""
    how = recipe.augment
    N, T, H, W, C = frames.shape
    if how.shuffle:
        for clip, length in zip(frames, lengths.tolist()):
            clip[:length] = clip[rng.permutation(length)]
    if how.repeat:
        for clip, length in zip(frames, lengths.tolist()):
            clip[:length] = clip[rng.integers(length, size=length)]
    if how.per_frame:  # treat every frame as a separate clip
        frames = frames.reshape(N * T, 1, H, W, C)
    clips = len(frames)
    mirrored = rng.random(clips) < 0.5 if how.mirror else np.zeros(clips, bool)
    low = how.first_offset - how.shift
    height, width = recipe.clips.crop
    high = np.array([H - height, W - width]) + how.shift
    offsets = rng.integers(low, high, size=(clips, 2), endpoint=True)
    zoom = (1 + how.scale) ** rng.uniform(-1, 1, size=clips) if how.scale else np.ones(clips)
    x = windows(
        frames,
        mirrored,
        offsets,
        zoom,
        recipe.clips.crop,
        negate_flow=how.negate_flow,
        square_root=recipe.clips.square_root,
    )
    if recipe.clips.recentre:
        x -= x.mean(axis=(2, 3), keepdims=True)
    return x.reshape(N, T, *x.shape[2:])


def check_fits(recipe: Recipe, prepared: Prepared) -> None:
    """Raises InputError if the recipe contradicts itself or does not fit the prepared folder."""
    height, width = recipe.clips.crop
    space = min(prepared.height - height, prepared.width - width)
    if space + 2 * recipe.augment.shift < 0 or space < 0:
        raise InputError(
            f"expected frames of at least {height} x {width} (clips.crop), got {prepared.height} x {prepared.width} in "
            f"{prepared.path}: prepare larger ones, or change clips.crop"
        )
    if space < recipe.augment.first_offset - recipe.augment.shift:
        raise InputError(
            f"augment.first_offset {recipe.augment.first_offset} leaves no room for the crop in the frames of "
            f"{prepared.path}"
        )
    if recipe.augment.shift >= min(height, width) or recipe.evaluation.shift >= min(height, width):
        raise InputError(f"expected augment.shift and evaluation.shift to be less than clips.crop, {height} x {width}")
    if recipe.pairs.sampler != "alternating" and recipe.pairs.persons < 2:
        raise InputError(f"expected pairs.persons of 2 or more for the sampler {recipe.pairs.sampler}, got 1")
    if recipe.validation.persons and recipe.validation.every > recipe.training.epochs:
        raise InputError(
            f"expected validation.every of at most training.epochs ({recipe.training.epochs}), "
            f"got {recipe.validation.every}: validation would never run"
        )
    if recipe.clips.flow and not prepared.has_flow:
        raise InputError(
            f"expected optical flow in {prepared.path}, got colours only: prepare it without --no-flow, "
            "or set clips.flow=false"
        )

"""The batches of a run: clips as bytes from the prepared folder, augmented, as the arrays that a network reads."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minireid.data import clips, images, sampling
from minireid.data.prepared import Prepared
from minireid.errors import InputError
from minireid.kernels import fastest
from minireid.recipe import Recipe


class Inputs(NamedTuple):
    """x (N, T, H, W, C) float32, lengths (N,), labels (N,), pairs (P, 2), same and weights (P,): a step's arguments."""

    x: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    pairs: np.ndarray
    same: np.ndarray
    weights: np.ndarray


def steps_per_epoch(recipe: Recipe, crowd: sampling.People) -> int:
    return max(1, len(crowd.persons) // recipe.pairs.persons)


def draw(recipe: Recipe, prepared: Prepared, crowd: sampling.People, step: int) -> tuple[Inputs, np.random.Generator]:
    """Batch number `step` of a run (from 0), and the generator for the rest of that step's draws (dropout)."""
    epoch, k = divmod(step, steps_per_epoch(recipe, crowd))
    rng = np.random.default_rng([recipe.training.seed, epoch, k])
    order = sampling.epoch_order(recipe.training.seed, epoch, crowd)
    anchors = order[k * recipe.pairs.persons : (k + 1) * recipe.pairs.persons]
    sampler = {"alternating": sampling.alternating, "shared": sampling.shared, "every": sampling.every}
    batch = sampler[recipe.pairs.sampler](
        rng, crowd, anchors, recipe.clips.length, same_camera=recipe.pairs.same_camera
    )
    frames, lengths = clips.read(prepared, batch.clips)
    x = augment(rng, frames if recipe.clips.flow else frames[..., :3], lengths, recipe)
    return Inputs(x, lengths, batch.labels, batch.pairs, batch.same, balanced(batch.same)), rng


def balanced(same: np.ndarray) -> np.ndarray:
    """(P,) weights that add up to 1, half of it on the positive pairs and half on the negative ones."""
    return np.where(same, 0.5 / max(1, same.sum()), 0.5 / max(1, (~same).sum()))


def augment(rng: np.random.Generator, frames: np.ndarray, lengths: np.ndarray, recipe: Recipe) -> np.ndarray:
    """frames uint8 (N, T, H, W, C) -> float32 (N, T, *crop, C): mirrored, normalised, zoomed and cut at random."""
    wanted = recipe.augment
    N, T, H, W, C = frames.shape
    if wanted.shuffle:
        for clip, length in zip(frames, lengths.tolist()):
            clip[:length] = clip[rng.permutation(length)]
    if wanted.repeat:
        for clip, length in zip(frames, lengths.tolist()):
            clip[:length] = clip[rng.integers(length, size=length)]
    if wanted.per_frame:  # every frame is a clip of its own
        frames = frames.reshape(N * T, 1, H, W, C)
    clips = len(frames)
    mirrored = rng.random(clips) < 0.5 if wanted.mirror else np.zeros(clips, bool)
    low = wanted.first_offset - wanted.shift
    height, width = recipe.clips.crop
    high = np.array([H - height, W - width]) + wanted.shift
    offsets = rng.integers(low, high, size=(clips, 2), endpoint=True)
    zoom = (1 + wanted.scale) ** rng.uniform(-1, 1, size=clips) if wanted.scale else np.ones(clips)
    x = quickest_view()(
        frames,
        mirrored,
        offsets,
        zoom,
        recipe.clips.crop,
        negate_flow=wanted.negate_flow,
        square_root=recipe.clips.square_root,
    )
    if recipe.clips.recentre:
        x -= x.mean(axis=(2, 3), keepdims=True)
    return x.reshape(N, T, *x.shape[2:])


def quickest_view() -> Callable[..., np.ndarray]:
    """data/one_pass.view where numba is installed, else its definition."""
    if fastest().__name__.endswith("im2col"):
        return images.view
    from minireid.data import one_pass

    return one_pass.view


def check_fits(recipe: Recipe, prepared: Prepared) -> None:
    """InputError where the recipe asks for more than the prepared folder holds."""
    height, width = recipe.clips.crop
    space = min(prepared.height - height, prepared.width - width)
    if space + 2 * recipe.augment.shift < 0 or space < 0:
        raise InputError(
            f"expected frames of at least {height} x {width} (clips.crop), got {prepared.height} x {prepared.width} in "
            f"{prepared.path}: prepare larger ones, or change clips.crop"
        )
    if space < recipe.augment.first_offset - recipe.augment.shift:
        raise InputError(f"augment.first_offset {recipe.augment.first_offset} leaves no room in {prepared.path}")
    if recipe.augment.shift >= min(height, width) or recipe.evaluation.shift >= min(height, width):
        raise InputError(f"expected augment.shift and evaluation.shift to be less than clips.crop, {height} x {width}")
    if recipe.pairs.sampler != "alternating" and recipe.pairs.persons < 2:
        raise InputError(f"expected pairs.persons of 2 or more for the sampler {recipe.pairs.sampler}, got 1")
    if recipe.validation.persons and recipe.validation.every > recipe.training.epochs:
        raise InputError(
            f"expected validation.every of at most training.epochs ({recipe.training.epochs}), "
            f"got {recipe.validation.every}: nothing would be validated"
        )
    if recipe.clips.flow and not prepared.has_flow:
        raise InputError(
            f"expected optical flow in {prepared.path}, got colours only: prepare it without --no-flow, "
            "or set clips.flow=false"
        )

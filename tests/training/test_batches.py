"""Batches: steps of an epoch, augmentation as the recipe says, and recipes that do not fit the data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.errors import InputError
from minireid.data import images
from minireid.data.prepared import Prepared
from minireid.recipes.schema import Recipe
from minireid.training import batches
from minireid.training.experiment import Experiment, experiment_of
from minireid.training.ways import DEFINITION
from tests import small_data


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return small_data.write_prepared(tmp_path_factory.mktemp("data") / "prepared", flow=True)


def of_all(wanted: Recipe, prepared: Prepared) -> Experiment:
    """Trained on all ten persons, read by the definition."""
    return experiment_of(wanted, prepared, tuple(range(1, 11)), DEFINITION)


def recipe(*changes: str) -> Recipe:
    """No augmentation but the place of the crop."""
    return small_data.recipe("augment.mirror=false", *changes)


# Which persons, and when.


def test_steps_of_an_epoch(prepared: Prepared) -> None:
    for persons, steps in ((2, 5), (3, 3), (5, 2), (10, 1)):
        found = of_all(recipe(f"pairs.persons={persons}", "training.epochs=7"), prepared)
        assert (found.steps_per_epoch, found.steps) == (steps, 7 * steps)
    alone = recipe("pairs.persons=1", "pairs.sampler=alternating")
    assert of_all(alone, prepared).steps_per_epoch == 10


def test_an_epoch_visits_every_person_once(prepared: Prepared) -> None:
    experiment = of_all(recipe("pairs.persons=2"), prepared)
    epochs = []
    for epoch in range(2):
        labels = [batches.draw(experiment, 5 * epoch + k)[0].labels for k in range(5)]
        assert sorted(np.concatenate(labels)[::2].tolist()) == list(range(10))
        epochs.append(np.concatenate(labels).tolist())
    assert epochs[0] != epochs[1]


def test_a_step_depends_on_its_number_and_the_seed_alone(prepared: Prepared) -> None:
    experiment = of_all(recipe("augment.mirror=true"), prepared)
    batches.draw(experiment, 3)
    for step in (3, 7):
        (a, rng), (b, again) = (batches.draw(experiment, step) for _ in range(2))
        for left, right in zip(a, b):
            np.testing.assert_array_equal(left, right)
        assert rng.random() == again.random(), "dropout goes on with the same generator"
    same_k = [batches.draw(experiment, 3 + 5 * epoch)[1].random() for epoch in range(3)]
    assert len(set(same_k)) == 3, "every epoch draws anew"
    first, _ = batches.draw(experiment, 3)
    other, _ = batches.draw(of_all(recipe("augment.mirror=true", "training.seed=1"), prepared), 3)
    assert not np.array_equal(first.x, other.x) and not np.array_equal(first.x, a.x)


@pytest.mark.parametrize("sampler, clips, pairs", [("alternating", 12, 6), ("shared", 6, 6), ("every", 6, 9)])
def test_the_recipe_names_the_sampler(prepared: Prepared, sampler: str, clips: int, pairs: int) -> None:
    wanted = recipe(f"pairs.sampler={sampler}", "pairs.persons=3", "pairs.same_camera=false")
    inputs, _ = batches.draw(of_all(wanted, prepared), 0)
    assert inputs.x.shape == (clips, 3, 16, 8, 3) and inputs.x.dtype == np.float32
    assert inputs.lengths.tolist() == [3] * clips and inputs.labels.shape == (clips,)
    assert inputs.pairs.shape == (pairs, 2) and inputs.same.shape == inputs.weights.shape == (pairs,)


def test_positive_and_negative_pairs_weigh_the_same(prepared: Prepared) -> None:
    same = np.array([False, True, False, False, True])
    np.testing.assert_allclose(batches.balanced(same), [1 / 6, 1 / 4, 1 / 6, 1 / 6, 1 / 4])
    inputs, _ = batches.draw(of_all(recipe("pairs.sampler=every", "pairs.persons=4"), prepared), 0)
    np.testing.assert_array_equal(inputs.weights, batches.balanced(inputs.same))


def test_flow_only_where_the_recipe_wants_it(prepared: Prepared) -> None:
    for flow, channels in (("true", 5), ("false", 3)):
        inputs, _ = batches.draw(of_all(recipe(f"clips.flow={flow}"), prepared), 0)
        assert inputs.x.shape[-1] == channels


# Augmentation.


def noise(N: int, T: int, channels: int = 5) -> tuple[np.ndarray, np.ndarray]:
    frames = np.random.default_rng(0).integers(255, size=(N, T, 20, 11, channels), dtype=np.uint8)
    return frames, np.full(N, T)


def augment(frames: np.ndarray, lengths: np.ndarray, *changes: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return batches.augment(rng, frames.copy(), lengths, recipe("clips.flow=true", *changes))


def places(x: np.ndarray, frames: np.ndarray, **how: Any) -> list[tuple[int, int]]:
    """Where in the frames each clip was cut: the only offsets that give it back."""
    whole, found = images.normalise(frames, **how), []
    H, W = frames.shape[2:4]
    for n in range(len(x)):
        fits = [
            (i, j)
            for i in range(H - 16 + 1)
            for j in range(W - 8 + 1)
            if np.allclose(x[n], whole[n, :, i : i + 16, j : j + 8], atol=1e-5)
        ]
        assert len(fits) == 1, f"clip {n} is cut nowhere"
        found += fits
    return found


def test_crops_start_anywhere_once_a_clip() -> None:
    frames, lengths = noise(100, 2)
    found = places(augment(frames, lengths), frames)
    assert set(found) == {(i, j) for i in range(5) for j in range(4)}


def test_the_baselines_crops_never_start_at_the_edge() -> None:
    frames, lengths = noise(100, 1)
    found = places(augment(frames, lengths, "augment.first_offset=1"), frames)
    assert set(found) == {(i, j) for i in range(1, 5) for j in range(1, 4)}


def test_crops_may_reach_over_the_edge() -> None:
    frames, lengths = noise(700, 1)
    x = augment(frames, lengths, "augment.shift=2")
    wide = np.pad(images.normalise(frames)[:, 0, ..., 0], [(0, 0), (2, 2), (2, 2)])
    cuts = np.lib.stride_tricks.sliding_window_view(wide, (16, 8), axis=(1, 2))  # (700, 9, 8, 16, 8)
    fits = np.isclose(cuts, x[:, 0, None, None, ..., 0], atol=1e-5).all(axis=(3, 4))
    assert np.all(fits.sum(axis=(1, 2)) == 1)
    assert {(i - 2, j - 2) for _, i, j in np.argwhere(fits)} == {(i, j) for i in range(-2, 7) for j in range(-2, 6)}


@pytest.mark.parametrize("negate", ["true", "false"])
def test_half_of_the_clips_are_mirrored(negate: str) -> None:
    frames, lengths = noise(100, 2)
    mirrored = frames[:, :, :, ::-1].copy()
    if negate == "true":
        mirrored[..., 3] = 254 - mirrored[..., 3]
    x = augment(frames, lengths, "augment.mirror=true", f"augment.negate_flow={negate}")
    both = np.concatenate([frames, mirrored])
    share = []
    for n in range(len(x)):
        whole = images.normalise(both[[n, n + 100]])
        cuts = [
            [np.allclose(x[n], view[:, i : i + 16, j : j + 8], atol=1e-5) for i in range(5) for j in range(4)]
            for view in whole
        ]
        assert np.sum(cuts) == 1, "every frame of a clip is mirrored, or none is"
        share.append(any(cuts[1]))
    assert 0.35 < np.mean(share) < 0.65


def test_square_root_and_recentring() -> None:
    frames, lengths = noise(3, 2)
    assert len(places(augment(frames, lengths, "clips.square_root=true"), frames, square_root=True)) == 3
    plain, recentred = (augment(frames, lengths, f"clips.recentre={word}") for word in ("false", "true"))
    np.testing.assert_allclose(recentred, plain - plain.mean(axis=(2, 3), keepdims=True), atol=1e-5)


def test_shuffled_clips_hold_the_same_frames_before_their_end() -> None:
    frames, lengths = noise(6, 5)
    lengths[1:] = [5, 4, 3, 2, 1]
    for n, length in enumerate(lengths.tolist()):
        frames[n, length:] = 0
    plain, shuffled = augment(frames, lengths), augment(frames, lengths, "augment.shuffle=true")
    # the crops differ, but a frame is known by its first channel's order of brightness: compare whole frames instead
    whole = recipe("clips.flow=true", "augment.shuffle=true", "clips.crop=[20, 11]")
    everything = batches.augment(np.random.default_rng(0), frames.copy(), lengths, whole)
    expected = images.normalise(frames)
    moved = 0
    for n, length in enumerate(lengths.tolist()):
        order = [int(np.argmin(np.abs(expected[n] - frame).sum(axis=(1, 2, 3)))) for frame in everything[n, :length]]
        assert sorted(order) == list(range(length))
        moved += order != list(range(length))
        np.testing.assert_allclose(everything[n, :length], expected[n, order], atol=1e-5)
    assert moved >= 2 and plain.shape == shuffled.shape


def test_repeated_frames_are_drawn_from_before_the_clips_end() -> None:
    frames, lengths = noise(6, 5, channels=3)
    lengths[1:] = [5, 4, 3, 2, 1]
    for n, length in enumerate(lengths.tolist()):
        frames[n, length:] = 0
    whole = recipe("augment.repeat=true", "clips.crop=[20, 11]")
    x = batches.augment(np.random.default_rng(0), frames.copy(), lengths, whole)
    expected, repeated = images.normalise(frames), 0
    for n, length in enumerate(lengths.tolist()):
        order = [int(np.argmin(np.abs(expected[n, :length] - f).sum(axis=(1, 2, 3)))) for f in x[n, :length]]
        np.testing.assert_allclose(x[n, :length], expected[n, order], atol=1e-5)
        assert not x[n, length:].any()
        repeated += len(set(order)) < length
    assert repeated >= 2


def test_per_frame_draws_differ_within_a_clip() -> None:
    """Every frame of these clips is the same picture: what differs afterwards was drawn."""
    frames, lengths = noise(2, 1)
    still = np.repeat(frames, 10, axis=1)
    lengths[:] = 10
    once, each = augment(still, lengths), augment(still, lengths, "augment.per_frame=true")
    assert once.shape == each.shape == (2, 10, 16, 8, 5)
    np.testing.assert_array_equal(once, np.repeat(once[:, :1], 10, axis=1))
    places(each.reshape(20, 1, 16, 8, 5), still.reshape(20, 1, 20, 11, 5))
    assert len({frame.tobytes() for frame in each[0]}) > 4


def test_zoom_stays_within_its_limits() -> None:
    """A ramp from top to bottom: its slope in a crop tells the zoom of that clip."""
    ramp = np.arange(0, 200, 10, dtype=np.uint8)[None, None, :, None, None]
    frames = np.broadcast_to(ramp, (300, 1, 20, 11, 3)).copy()
    wanted = recipe("augment.scale=0.25", "clips.crop=[8, 8]")
    x = batches.augment(np.random.default_rng(0), frames, np.ones(300, int), wanted)
    step = np.diff(images.normalise(frames)[0, 0, :, 5, 0])[0]
    zoom = step / np.diff(x[:, 0, :, 4, 0], axis=1)[:, 3]
    assert 1 / 1.25 - 1e-3 <= zoom.min() < 0.83 and 1.2 < zoom.max() <= 1.25 + 1e-3
    assert 0.4 < np.mean(zoom > 1) < 0.6


# Recipes that do not fit.


@pytest.mark.parametrize(
    "changes, says",
    [
        (["clips.crop=[25, 8]"], r"at least 25 x 8 \(clips.crop\), got 24 x 16"),
        (["clips.crop=[16, 17]"], r"at least 16 x 17 \(clips.crop\), got 24 x 16"),
        (["clips.crop=[25, 8]", "augment.shift=2"], r"at least 25 x 8 \(clips.crop\), got 24 x 16"),
        (["augment.first_offset=9"], "first_offset 9"),
    ],
)
def test_frames_too_small(prepared: Prepared, changes: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says) as fault:
        batches.check_fits(recipe(*changes), prepared)
    assert str(prepared.path) in str(fault.value) and "\n" not in str(fault.value)


def test_frames_just_large_enough(prepared: Prepared) -> None:
    batches.check_fits(recipe("clips.crop=[24, 16]"), prepared)
    batches.check_fits(recipe("augment.first_offset=8"), prepared)


def test_flow_wanted_but_not_there(tmp_path: Path) -> None:
    colours = small_data.write_prepared(tmp_path / "colours")
    with pytest.raises(InputError, match="expected optical flow"):
        batches.check_fits(recipe("clips.flow=true"), colours)
    batches.check_fits(recipe("clips.flow=false"), colours)


@pytest.mark.parametrize("section", ["augment", "evaluation"])
def test_a_shift_further_than_the_crop_is_wide_is_refused(prepared: Prepared, section: str) -> None:
    """There would be nothing left to see; and a crop that begins behind its own end."""
    for shift in (8, 100):
        with pytest.raises(InputError, match=r"shift .*less than clips\.crop, 16 x 8"):
            batches.check_fits(recipe(f"{section}.shift={shift}"), prepared)
    batches.check_fits(recipe(f"{section}.shift=7"), prepared)


def test_one_person_a_step_has_nobody_to_be_compared_with(prepared: Prepared) -> None:
    """But for `alternating`, which draws the other person beside the step's own."""
    for sampler in ("shared", "every"):
        with pytest.raises(InputError, match=rf"pairs\.persons of 2 or more for the sampler {sampler}, got 1"):
            batches.check_fits(recipe(f"pairs.sampler={sampler}", "pairs.persons=1"), prepared)
    batches.check_fits(recipe("pairs.sampler=alternating", "pairs.persons=1"), prepared)


def test_validation_less_often_than_there_are_epochs(prepared: Prepared) -> None:
    """Whoever holds persons out gets a best checkpoint, or is told that there would be none."""
    few = ("training.epochs=4", "validation.every=5")
    with pytest.raises(InputError, match=r"validation\.every of at most training\.epochs \(4\), got 5"):
        batches.check_fits(recipe("validation.persons=2", *few), prepared)
    batches.check_fits(recipe("validation.persons=0", *few), prepared)
    batches.check_fits(recipe("validation.persons=2", "training.epochs=5", "validation.every=5"), prepared)

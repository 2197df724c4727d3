"""Embeddings of whole tracks: every view by hand, clips of any length, and the score averaged over the views."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minireid.base.trees import Tree
from minireid.data import images
from minireid.data.clips import Clip
from minireid.data.prepared import Prepared
from minireid.evaluation import embedding
from minireid.networks.embedding import embed
from minireid.recipes.schema import Recipe
from minireid.training import model
from minireid.training.ways import fast
from tests import small_data

CLIPS = [Clip(0, 6), Clip(10, 1), Clip(20, 9)]
FLOW = ("clips.flow=true", "evaluation.crops=3")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return small_data.write_prepared(tmp_path_factory.mktemp("data") / "prepared", flow=True)


def params_of(recipe: Recipe) -> Tree:
    return model.init(recipe, 2)


def by_hand(recipe: Recipe, prepared: Prepared, clip: Clip, view: tuple[int, int, bool]) -> np.ndarray:
    """One view of one clip, alone: mirror the bytes, normalise, cut, embed."""
    frames = np.array(prepared.frames[clip.start : clip.start + clip.length])[None]
    if not recipe.clips.flow:
        frames = frames[..., :3]
    i, j, mirrored = view
    if mirrored:
        frames = frames[:, :, :, ::-1].copy()
        if recipe.clips.flow and recipe.augment.negate_flow:
            frames[..., 3] = 254 - frames[..., 3]
    x = images.normalise(frames, square_root=recipe.clips.square_root)[:, :, i : i + 16, j : j + 8]
    if recipe.clips.recentre:
        x = x - x.mean(axis=(2, 3), keepdims=True)
    found = model.model_of(recipe, fast())
    return embed(found.network, np.ascontiguousarray(x), params_of(recipe)["network"], **found.settings)[0]


@pytest.mark.parametrize(
    "changes, name",
    [
        (FLOW, "msp_src"),
        ((*FLOW, "augment.negate_flow=false", "clips.recentre=true", "clips.square_root=true"), "msp_src"),
        (("clips.flow=false", "evaluation.crops=3", "evaluation.mirrored=false"), "msp_src"),
        ((*FLOW, "network.pool=temporal_last", "network.unit=elman"), "msp_src_high"),
        (FLOW, "src"),
    ],
)
def test_every_view_of_every_clip_by_hand(prepared: Prepared, changes: tuple[str, ...], name: str) -> None:
    base, named = ("src", ()) if name == "src" else ("msp_src", (f"network.name={name}",))
    recipe = small_data.recipe(*named, *changes, name=base)
    found = embedding.embed_clips(recipe, params_of(recipe), prepared, CLIPS)
    views = [(i, i, m) for i in (0, 4, 8) for m in ((False, True) if recipe.evaluation.mirrored else (False,))]
    assert embedding.views_of(recipe, prepared) == views
    assert found.shape[:2] == (len(views), len(CLIPS)) and found.dtype == np.float32
    for v, view in enumerate(views):
        for n, clip in enumerate(CLIPS):
            np.testing.assert_allclose(found[v, n], by_hand(recipe, prepared, clip, view), atol=1e-5)


def test_views_over_the_edge(prepared: Prepared) -> None:
    recipe = small_data.recipe("evaluation.shift=2", "evaluation.crops=2", "evaluation.mirrored=false")
    assert embedding.views_of(recipe, prepared) == [(-2, -2, False), (10, 10, False)]
    assert embedding.embed_clips(recipe, params_of(recipe), prepared, CLIPS).shape[:2] == (2, 3)


def test_a_clip_does_not_depend_on_its_company_nor_on_how_many_views_fit_at_once(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_data.recipe()
    params = params_of(recipe)
    found = embedding.embed_clips(recipe, params, prepared, CLIPS)
    np.testing.assert_array_equal(found[:, 1:2], embedding.embed_clips(recipe, params, prepared, CLIPS[1:2]))
    np.testing.assert_array_equal(found[:, ::-1], embedding.embed_clips(recipe, params, prepared, CLIPS[::-1]))
    monkeypatch.setattr(embedding, "FRAMES_AT_ONCE", 13)
    np.testing.assert_allclose(embedding.embed_clips(recipe, params, prepared, CLIPS), found, atol=1e-6)


def test_no_dropout_and_no_drawing(prepared: Prepared) -> None:
    recipe = small_data.recipe("network.dropout=0.9", "augment.shift=3", "augment.scale=0.3")
    params = params_of(recipe)
    first, again = (embedding.embed_clips(recipe, params, prepared, CLIPS) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_shuffled_frames_change_what_is_read_in_order_and_only_that(prepared: Prepared) -> None:
    clip = [Clip(20, 9)]
    for name, changes in (("msp_src_high", True), ("msp_src_low", False)):
        found = []
        for shuffle in ("false", "true", "true"):
            recipe = small_data.recipe(f"network.name={name}", f"evaluation.shuffle={shuffle}")
            found.append(embedding.embed_clips(recipe, params_of(recipe), prepared, clip))
        np.testing.assert_array_equal(found[1], found[2])
        assert (np.abs(found[0] - found[1]).max() > 1e-4) == changes


def test_normalised_embeddings_have_length_one_at_every_level(prepared: Prepared) -> None:
    recipe = small_data.recipe("evaluation.normalise=true")
    found = embedding.embed_clips(recipe, params_of(recipe), prepared, CLIPS)
    np.testing.assert_allclose(np.linalg.norm(found[..., :128], axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found[..., 128:], axis=-1), 1, atol=1e-5)


def test_scores_are_distances_averaged_over_the_views() -> None:
    rng = np.random.default_rng(0)
    probe, gallery = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 2, 5))
    found = embedding.score(small_data.recipe(), {"heads": {}}, probe, gallery)
    for p in range(4):
        for g in range(2):
            expected = -np.mean([np.linalg.norm(probe[v, p] - gallery[v, g]) for v in range(3)])
            assert found[p, g] == pytest.approx(expected)


def test_paths_are_not_needed(prepared: Prepared) -> None:
    """Frames may be in memory as well: nothing but the array is read."""
    loaded = Prepared(Path("nowhere"), np.array(prepared.frames), prepared.tracks, prepared.index)
    recipe = small_data.recipe()
    a, b = (embedding.embed_clips(recipe, params_of(recipe), p, CLIPS) for p in (prepared, loaded))
    np.testing.assert_array_equal(a, b)


def test_a_clip_that_is_there_twice_is_embedded_once(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = small_data.recipe()
    twice = [CLIPS[0], CLIPS[1], CLIPS[0], CLIPS[2], CLIPS[1]]
    apart = [embedding.embed_clips(recipe, params_of(recipe), prepared, [clip])[:, 0] for clip in twice]
    real, embedded = embedding.read_views, []

    def counting(*arguments):
        embedded.append(arguments[2])
        return real(*arguments)

    monkeypatch.setattr(embedding, "read_views", counting)
    np.testing.assert_array_equal(embedding.embed_clips(recipe, params_of(recipe), prepared, twice), np.stack(apart, 1))
    assert embedded == CLIPS


# Groups of frames.


def in_groups_by_hand(x: np.ndarray, group: int, embed: Any) -> np.ndarray:
    """View by view and group by group."""
    found = []
    for view in x:
        parts = [embed(view[None, t : t + group])[0] for t in range(0, len(view), group or len(view))]
        found.append(sum(parts) / len(parts))
    return np.stack(found)


def weighted_sum(x: np.ndarray) -> np.ndarray:
    """(N, T, H, W, C) -> (N, 3), and no two frames of a clip may change places."""
    weights = 1 + np.arange(x.shape[1])
    per_frame = x.reshape(*x.shape[:2], -1)[..., :3]
    return np.tanh(np.einsum("ntd,t->nd", per_frame, weights))


@pytest.mark.parametrize("group", [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 100])
@pytest.mark.parametrize("T", [1, 2, 8, 9])
def test_groups_are_averaged(T: int, group: int) -> None:
    """Tracks that are a multiple of the group, and a few frames longer, and shorter than it."""
    x = np.random.default_rng(T).normal(size=(3, T, 2, 2, 1))
    if group == 0:
        expected = weighted_sum(x)
    else:
        expected = in_groups_by_hand(x, group, weighted_sum)
    np.testing.assert_allclose(embedding.embed_groups(x, group, weighted_sum), expected, rtol=1e-12)


def test_the_last_shorter_group_counts_as_much_as_the_others() -> None:
    """7 frames by threes: groups of 3, 3 and 1, a third each. Worked by hand with the mean of the frames' numbers."""
    x = np.arange(1.0, 8.0).reshape(1, 7, 1, 1, 1)
    found = embedding.embed_groups(x, 3, lambda clip: clip.mean(axis=1).reshape(len(clip), 1))
    np.testing.assert_allclose(found, [[(2 + 5 + 7) / 3]])


def test_tracks_no_longer_than_a_group_are_read_as_they_are() -> None:
    x, seen = np.zeros((2, 4, 1, 1, 1)), []
    for group in (0, 4, 5, 16):
        embedding.embed_groups(x, group, lambda clip: seen.append(clip) or clip.reshape(2, 4))
    assert len(seen) == 4 and all(clip is x for clip in seen)


def test_the_recipes_group_is_what_tracks_are_read_by(prepared: Prepared) -> None:
    """9 frames by fours, then averaged over three clips' embeddings; and what fits in one group stays as it was."""
    whole, grouped = (small_data.recipe(f"evaluation.group={group}") for group in (0, 4))
    params = params_of(whole)
    found = embedding.embed_clips(grouped, params, prepared, CLIPS)
    parts = [[Clip(20, 4)], [Clip(24, 4)], [Clip(28, 1)]]
    alone = [embedding.embed_clips(whole, params, prepared, part)[:, 0] for part in parts]
    np.testing.assert_allclose(found[:, 2], sum(alone) / 3, atol=1e-5)
    np.testing.assert_array_equal(found[:, 1:2], embedding.embed_clips(whole, params, prepared, CLIPS[1:2]))
    unlike = np.abs(found[:, 2:] - embedding.embed_clips(whole, params, prepared, CLIPS[2:])).max()
    assert unlike > 1e-4


def test_embeddings_of_groups_are_scaled_before_they_are_averaged(prepared: Prepared) -> None:
    """evaluation.normalise gives every group's embedding length 1; their mean is shorter."""
    recipe = small_data.recipe("evaluation.normalise=true", "evaluation.group=4", name="crf")
    found = embedding.embed_clips(recipe, params_of(recipe), prepared, CLIPS)
    lengths = np.linalg.norm(found, axis=-1)
    np.testing.assert_allclose(lengths[:, 1], 1, atol=1e-5)
    assert (lengths[:, 2] < 1 - 1e-4).all()


def test_a_learned_similarity_is_averaged_over_the_views(prepared: Prepared) -> None:
    recipe = small_data.recipe(*small_data.DEEP_RCN, name="deep_rcn")
    params = params_of(recipe)
    rng = np.random.default_rng(0)
    head = params["heads"]["clip"]
    head["v"][:], head["c"][()] = rng.normal(size=len(head["v"])), 0.25
    found = embedding.embed_clips(recipe, params, prepared, CLIPS)
    assert found.shape == (4, 3, len(head["v"]))
    expected = np.einsum("vpd,vgd,d->pg", found, found, head["v"]) / 4 - 0.25
    np.testing.assert_allclose(embedding.score(recipe, params, found, found), expected, rtol=1e-4, atol=1e-5)

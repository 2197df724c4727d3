import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.networks import crf, crf_parts, euclidean
from minireid.networks.embedding import embed
from tests.judges import assert_complex_step, assert_does_without_dx, assert_manners, counted_block, upstream

SIZES = {"height": 16, "width": 9, "channels": 1, "filters": (2, 3, 2), "features": 5, "dtype": np.float64}
CLIPS = [((1, 1), None), ((3, 2), None), ((2, 3), [3, 1])]  # one clip of one frame, two frames, one clip shorter
PARTS = ("whole", "upper", "lower")


def draw(rng: np.random.Generator, N: int, T: int) -> tuple:
    """Weights three times as wide as init's, so that the ReLUs are not shut, and a fusion that is not the identity."""
    x, p = rng.normal(size=(N, T, 16, 9, 1)), map_leaves(lambda a: 3 * a, crf_parts.init(rng, **SIZES))
    return x, {**p, "fusion": {part: rng.normal(size=(5, 5)) for part in PARTS}}


def test_derivatives_of_the_parts(rng):
    """Of the whole they would not be those of a function: the fused gradient stops on its way."""
    x = rng.normal(size=(2, 2, 16, 8, 1))
    sizes = {"height": 16, "width": 8, "channels": 1, "filters": (1, 2, 1), "features": 3, "dtype": np.float64}
    p = map_leaves(lambda a: 3 * a, crf_parts.init(rng, **sizes))
    config = {"lengths": [2, 1], "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    del p["fusion"]
    assert_gradients(crf_parts.parts_forward, crf_parts.parts_backward, x, p, **config)


def test_derivatives_of_the_fusion(rng):
    embeddings, weights = ({part: rng.normal(size=(n, 5)) for part in PARTS} for n in (3, 5))
    assert_gradients(crf_parts.fuse_forward, crf_parts.fuse_backward, embeddings, weights)


@pytest.mark.parametrize(("clips", "lengths"), CLIPS, ids=str)
def test_against_pytorch(clips, lengths, rng, judge):
    judge.assert_same(crf_parts.forward, crf_parts.backward, judge.crf_parts, *draw(rng, *clips), lengths=lengths)


def test_the_fused_gradient_teaches_the_fusion_and_nothing_before_it(rng):
    x, p = draw(rng, 3, 2)
    _, cache = crf_parts.forward(x, p)
    dy = {part: np.zeros((3, 5)) for part in PARTS}
    dx, grads = crf_parts.backward({**dy, "fused": rng.normal(size=(3, 5))}, cache)
    fusion = grads.pop("fusion")
    assert all(fusion[part].all() for part in PARTS)
    assert not dx.any() and not any(gradient.any() for _, gradient in leaves(grads))


def test_a_part_is_taught_by_its_own_loss_alone(rng):
    x, p = draw(rng, 3, 2)
    _, cache = crf_parts.forward(x, p)
    for part in PARTS:
        dy = {other: np.zeros((3, 5)) for other in (*PARTS, "fused")}
        _, grads = crf_parts.backward({**dy, part: rng.normal(size=(3, 5))}, cache)
        assert {name for name in grads if any(g.any() for _, g in leaves(grads[name]))} == {part}


def test_before_training_the_fused_embedding_is_the_sum(rng):
    x, p = rng.normal(size=(3, 2, 16, 9, 1)), crf_parts.init(rng, **SIZES)
    y, _ = crf_parts.forward(x, p)
    np.testing.assert_allclose(y["fused"], y["whole"] + y["upper"] + y["lower"], rtol=1e-12)


def test_each_half_sees_its_half(rng):
    x, p = draw(rng, 2, 3)
    y, _ = crf_parts.forward(x, p)
    for first, changed, untouched in ((0, "upper", "lower"), (8, "lower", "upper")):
        other = x.copy()
        other[:, :, first : first + 8] += rng.normal(size=(2, 3, 8, 9, 1))
        found, _ = crf_parts.forward(other, p)
        np.testing.assert_array_equal(found[untouched], y[untouched])
        for part in (changed, "whole", "fused"):
            assert np.abs(found[part] - y[part]).max() > 1e-3, part
    for rows, part in ((slice(0, 8), "upper"), (slice(8, 16), "lower"), (slice(0, 16), "whole")):
        np.testing.assert_array_equal(embed(crf, x[:, :, rows], p[part]), y[part])


@pytest.mark.parametrize("height", [15, 17])
def test_an_odd_height_has_no_halves(height, rng):
    with pytest.raises(
        ValueError, match=rf"crf_parts: expected an even height \(frames are cut into two halves\), got {height}"
    ):
        crf_parts.init(rng, **{**SIZES, "height": height})


def test_parameters_counted_by_hand(rng):
    """64 x 32 pixels with flow: 8 x 4 places at last for the whole body, 4 x 4 for a half of it."""
    p = crf_parts.init(rng, height=64, width=32, channels=5)
    convolutions, recurrence = 25 * (5 * 16 + 16 * 32 + 32 * 32) + 16 + 32 + 32, 2 * 128 * 128
    counts = {name: sum(a.size for _, a in leaves(tree)) for name, tree in p.items()}
    assert counts == {
        "whole": convolutions + 8 * 4 * 32 * 128 + 128 + recurrence,
        "upper": convolutions + 4 * 4 * 32 * 128 + 128 + recurrence,
        "lower": convolutions + 4 * 4 * 32 * 128 + 128 + recurrence,
        "fusion": 3 * 128 * 128,
    }
    assert all(a.dtype == np.float32 for _, a in leaves(p))


def test_three_networks_of_their_own(rng):
    p = crf_parts.init(rng, **SIZES)
    kernels = [p[part]["conv1"]["W"] for part in PARTS]
    assert not any(np.allclose(kernels[i], kernels[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_a_padded_clip_embeds_as_it_does_alone(rng):
    x, p = draw(rng, 2, 4)
    x[1, 2:] = 1e6
    y, cache = crf_parts.forward(x, p, lengths=[4, 2])
    alone, alone_cache = crf_parts.forward(x[1:, :2], p)
    dy = {part: np.concatenate([np.zeros((1, 5)), rng.normal(size=(1, 5))]) for part in y}
    for part in y:
        np.testing.assert_allclose(y[part][1:], alone[part], rtol=1e-12)
    dx, grads = crf_parts.backward(dy, cache)
    alone_dx, alone_grads = crf_parts.backward({part: d[1:] for part, d in dy.items()}, alone_cache)
    assert not dx[1, 2:].any() and not dx[0].any()
    np.testing.assert_allclose(dx[1:, :2], alone_dx, rtol=1e-11, atol=1e-14)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(alone_grads), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


def test_without_a_generator_nothing_is_dropped(rng):
    x, p = draw(rng, 2, 3)
    plain, _ = crf_parts.forward(x, p)
    kept, _ = crf_parts.forward(x, p, dropout_rate=0.0, rng=rng)
    dropped, _ = crf_parts.forward(x, p, rng=np.random.default_rng(1))
    for part in plain:
        np.testing.assert_array_equal(kept[part], plain[part])
        assert np.abs(dropped[part] - plain[part]).max() > 0.01


def test_embed_is_the_fused_embedding_and_score_the_euclidean_one(rng):
    x, p = draw(rng, 3, 4)
    y, _ = crf_parts.forward(x, p, lengths=[4, 1, 3])
    np.testing.assert_array_equal(embed(crf_parts, x, p, lengths=[4, 1, 3]), y["fused"])
    unit = embed(crf_parts, x, p, lengths=[4, 1, 3], unit_length=True)
    np.testing.assert_allclose(unit, y["fused"] / np.linalg.norm(y["fused"], axis=1, keepdims=True), rtol=1e-10)
    assert crf_parts.score is euclidean.score


def test_watch_is_shown_every_result_and_its_gradient(rng):
    x, p = draw(rng, 2, 3)
    results, gradients = {}, {}
    y, cache = crf_parts.forward(x, p, watch=results.__setitem__)
    crf_parts.backward(upstream(rng, y), cache, watch=gradients.__setitem__)
    layers = ["conv1", "conv2", "conv3", "linear", "spatial", "recurrence", "temporal", "clip"]
    assert list(results) == [*(f"{part}.{layer}" for part in PARTS for layer in layers), "fusion"]
    assert set(gradients) == {"d" + name for name in results}
    assert all(gradients["d" + name].shape == array.shape for name, array in results.items())
    assert results["fusion"] is y["fused"] and results["upper.clip"] is y["upper"]


def test_training_can_do_without_dx(rng):
    assert_does_without_dx(crf_parts, *draw(rng, 2, 3))


def test_every_block_is_the_one_that_was_asked_for(rng):
    block, calls = counted_block()
    y, cache = crf_parts.forward(*draw(rng, 2, 3), block=block)
    crf_parts.backward(y, cache, need_dx=False)
    assert calls == {"forward": 9, "backward": 9}


def test_manners(rng):
    config = {"rng": lambda: np.random.default_rng(1), "lengths": lambda: np.array([3, 2])}
    assert_manners(crf_parts.forward, crf_parts.backward, *draw(rng, 2, 3), **config)


def test_complex_step_through_the_parts(rng):
    x, p = draw(rng, 2, 3)
    del p["fusion"]
    assert_complex_step(crf_parts.parts_forward, crf_parts.parts_backward, x, p, kernel=im2col)

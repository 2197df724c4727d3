import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import conv_block, dropout, elman_unsquashed, linear
from minireid.losses import joint
from minireid.networks import euclidean, src
from minireid.networks.embedding import embed
from tests.judges import assert_complex_step, assert_does_without_dx, assert_manners, counted_block

SIZES = {"height": 8, "width": 9, "channels": 2, "filters": (1, 3, 2), "features": 5, "dtype": np.float64}
CLIPS = [((1, 1), None), ((3, 2), None), ((2, 3), [3, 1])]  # one clip of one frame, two frames, one clip shorter
CHECKED = [CLIPS[0], pytest.param(*CLIPS[1], marks=pytest.mark.slow), CLIPS[2]]  # by differences: seconds each


def draw(rng: np.random.Generator, N: int, T: int) -> tuple:
    return rng.normal(size=(N, T, 8, 9, 2)), src.init(rng, **SIZES)


@pytest.mark.parametrize(("clips", "lengths"), CHECKED, ids=str)
def test_derivatives(clips, lengths, rng):
    config = {"lengths": lengths, "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    assert_gradients(src.forward, src.backward, *draw(rng, *clips), **config)


@pytest.mark.parametrize(("clips", "lengths"), CLIPS, ids=str)
def test_against_pytorch(clips, lengths, rng, judge):
    judge.assert_same(src.forward, src.backward, judge.src, *draw(rng, *clips), lengths=lengths)


def test_the_whole_loss_against_pytorch(rng, judge):
    """Network, classifier, verification and identification: the loss and every gradient."""
    how = {"labels": [0, 3, 0], "pairs": [[0, 2], [0, 1], [1, 2]], "same": [True, False, False], "margin": 2.0}
    lengths = [3, 1, 2]

    def forward(x, p, classifiers):
        embeddings, cache = src.forward(x, p, lengths=lengths)
        loss, loss_cache = joint.forward(embeddings, classifiers, **how, identification_weight=2.0)
        return loss, (cache, loss_cache)

    def backward(dloss, cache):
        dembeddings, grads = joint.backward(dloss, cache[1])
        return *src.backward(dembeddings, cache[0]), grads

    def theirs(x, p, classifiers):
        return judge.joint(judge.src(x, p, lengths=lengths), classifiers, **how, parts=(1.0, 2.0))

    x, p = draw(rng, 3, 3)
    judge.assert_same(forward, backward, theirs, x, p, {"clip": linear.init(rng, 5, 4, dtype=np.float64)})


def test_the_baseline_has_397_828_parameters(rng):
    p = src.init(rng, height=56, width=40, channels=5)
    sizes = {name: sum(a.size for _, a in leaves(branch)) for name, branch in p.items()}
    assert sizes["conv1"] + sizes["conv2"] + sizes["conv3"] == 40_480
    assert sizes["linear"] == 327_808
    assert sizes["recurrence"] == 16_512 + 128
    classifier = linear.init(rng, 128, 100)
    assert sum(sizes.values()) + sum(a.size for a in classifier.values()) == 397_828


def test_the_outputs_are_not_squashed(rng):
    x, p = draw(rng, 1, 1)
    p["recurrence"]["s"] += 10
    y, _ = src.forward(x, p)
    assert (y["clip"] > 5).all()  # o_1 = e_1 + s


def test_a_padded_clip_embeds_as_it_does_alone(rng):
    x, p = draw(rng, 2, 4)
    x[1, 2:] = 1e6
    y, cache = src.forward(x, p, lengths=[4, 2])
    alone, alone_cache = src.forward(x[1:, :2], p)
    np.testing.assert_allclose(y["clip"][1:], alone["clip"], rtol=1e-12)
    dy = rng.normal(size=(2, 5))
    dy[0] = 0  # so that all gradients come from the padded clip
    dx, grads = src.backward({"clip": dy}, cache)
    alone_dx, alone_grads = src.backward({"clip": dy[1:]}, alone_cache)
    assert not dx[1, 2:].any() and not dx[0].any()
    np.testing.assert_allclose(dx[1:, :2], alone_dx, rtol=1e-11, atol=1e-14)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(alone_grads), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


def test_the_twins_are_two_rows_and_their_gradients_add_up(rng):
    x, p = draw(rng, 2, 3)
    together, cache = src.forward(x, p)
    dy = rng.normal(size=(2, 5))
    dx, grads = src.backward({"clip": dy}, cache)
    total = map_leaves(np.zeros_like, grads)
    for n in range(2):
        y, own_cache = src.forward(x[n : n + 1], p)
        np.testing.assert_allclose(y["clip"][0], together["clip"][n], rtol=1e-12)
        own_dx, own_grads = src.backward({"clip": dy[n : n + 1]}, own_cache)
        np.testing.assert_allclose(own_dx[0], dx[n], rtol=1e-11, atol=1e-14)
        total = map_leaves(np.add, total, own_grads)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(total), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


def test_dropout_stands_before_the_linear_layer_and_in_the_recurrence(rng):
    x, p = draw(rng, 2, 3)
    y, _ = src.forward(x, p, rng=np.random.default_rng(5), dropout_rate=0.5)
    draws, m = np.random.default_rng(5), x.reshape(6, 8, 9, 2)
    for name in ("conv1", "conv2", "conv3"):
        m, _ = conv_block.forward(m, p[name], padding=4)
    f, _ = dropout.forward(m.reshape(2, 3, -1), rate=0.5, rng=draws)
    e, _ = linear.forward(f, p["linear"])
    o, _ = elman_unsquashed.forward(e, p["recurrence"], rate=0.5, rng=draws)
    np.testing.assert_allclose(y["clip"], o.mean(axis=1), rtol=1e-12)


def test_without_a_generator_nothing_is_dropped(rng):
    x, p = draw(rng, 2, 3)
    plain, _ = src.forward(x, p)
    np.testing.assert_array_equal(src.forward(x, p, dropout_rate=0.0, rng=rng)[0]["clip"], plain["clip"])
    dropped, _ = src.forward(x, p, rng=np.random.default_rng(1))
    assert np.abs(dropped["clip"] - plain["clip"]).max() > 0.01


def test_embed_is_the_forward_pass_and_score_the_euclidean_one(rng):
    x, p = draw(rng, 3, 4)
    y, _ = src.forward(x, p, lengths=[4, 1, 3])
    np.testing.assert_array_equal(embed(src, x, p, lengths=[4, 1, 3]), y["clip"])
    unit = embed(src, x, p, lengths=[4, 1, 3], unit_length=True)
    np.testing.assert_allclose(unit, y["clip"] / np.linalg.norm(y["clip"], axis=1, keepdims=True), rtol=1e-10)
    assert src.score is euclidean.score


def test_watch_is_shown_every_result_and_its_gradient(rng):
    x, p = draw(rng, 2, 3)
    results, gradients = {}, {}
    y, cache = src.forward(x, p, watch=results.__setitem__)
    src.backward({"clip": rng.normal(size=y["clip"].shape)}, cache, watch=gradients.__setitem__)
    assert list(results) == ["conv1", "conv2", "conv3", "linear", "recurrence", "clip"]
    assert list(gradients) == ["d" + name for name in reversed(results)]
    assert all(gradients["d" + name].shape == array.shape for name, array in results.items())
    assert results["clip"] is y["clip"]


def test_training_can_do_without_dx(rng):
    assert_does_without_dx(src, *draw(rng, 2, 3))


def test_every_block_is_the_one_that_was_asked_for(rng):
    block, calls = counted_block()
    y, cache = src.forward(*draw(rng, 2, 3), block=block)
    src.backward(y, cache, need_dx=False)
    assert calls == {"forward": 3, "backward": 3}


def test_manners(rng):
    config = {"rng": lambda: np.random.default_rng(1), "lengths": lambda: np.array([3, 2])}
    assert_manners(src.forward, src.backward, *draw(rng, 2, 3), **config)


def test_complex_step(rng):
    assert_complex_step(src.forward, src.backward, *draw(rng, 2, 3), kernel=im2col)

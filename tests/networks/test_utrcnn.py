import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import attentive_rnn, conv_block, dropout, linear
from minireid.losses import contrastive_linear, joint
from minireid.networks import euclidean, utrcnn
from minireid.networks.embedding import embed
from tests.judges import assert_complex_step, assert_does_without_dx, assert_manners, counted_block

SIZES = {"height": 8, "width": 9, "channels": 2, "filters": (1, 3, 2), "features": 5, "dtype": np.float64}
CLIPS = [((1, 1), None), ((3, 2), None), ((2, 4), [4, 1])]  # one clip of one frame, two frames, one clip shorter
OPTIONS = [{"attention": a, "top_k": k} for a in ("softmax", "raw") for k in (0, 2)]


def few(rng: np.random.Generator, N: int, T: int) -> tuple:
    """Smaller still: every number of them is moved."""
    sizes = {"height": 4, "width": 5, "channels": 1, "filters": (1, 2, 1), "features": 3, "dtype": np.float64}
    return rng.normal(size=(N, T, 4, 5, 1)), utrcnn.init(rng, **sizes)


def draw(rng: np.random.Generator, N: int, T: int) -> tuple:
    return rng.normal(size=(N, T, 8, 9, 2)), utrcnn.init(rng, **SIZES)


@pytest.mark.parametrize(("clips", "lengths"), CLIPS, ids=str)
def test_derivatives(clips, lengths, rng):
    config = {"lengths": lengths, "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    assert_gradients(utrcnn.forward, utrcnn.backward, *few(rng, *clips), **config)


@pytest.mark.parametrize("options", OPTIONS[1:], ids=str)
def test_derivatives_with_other_weights(options, rng):
    assert_gradients(utrcnn.forward, utrcnn.backward, *few(rng, 2, 4), **options, lengths=[4, 3])


@pytest.mark.parametrize("options", [{}, *OPTIONS], ids=str)
@pytest.mark.parametrize(("clips", "lengths"), [*CLIPS, ((3, 6), [2, 6, 5])], ids=str)
def test_against_pytorch(clips, lengths, options, rng, judge):
    arrays = draw(rng, *clips)
    judge.assert_same(utrcnn.forward, utrcnn.backward, judge.utrcnn, *arrays, lengths=lengths, **options)


def test_the_whole_loss_against_pytorch(rng, judge):
    """Eq. 3 to 5, of one pair of either kind."""
    labels, lengths = [0, 3, 0], [3, 1, 2]
    how = {"pairs": [[0, 2], [0, 1]], "same": [True, False], "margin": 2.0}

    def forward(x, p, classifiers):
        embeddings, cache = utrcnn.forward(x, p, lengths=lengths)
        loss, loss_cache = joint.forward(
            embeddings, classifiers, labels=labels, verification=contrastive_linear, identification_weight=2.0, **how
        )
        return loss, (cache, loss_cache)

    def backward(dloss, cache):
        dembeddings, grads = joint.backward(dloss, cache[1])
        return *utrcnn.backward(dembeddings, cache[0]), grads

    def theirs(x, p, classifiers):
        e = judge.utrcnn(x, p, lengths=lengths)["clip"]
        identification = judge.softmax(judge.linear(e, classifiers["clip"]), labels=labels)
        return judge.contrastive_linear(e, **how) + 2 * identification

    x, p = draw(rng, 3, 3)
    judge.assert_same(forward, backward, theirs, x, p, {"clip": linear.init(rng, 5, 4, dtype=np.float64)})


def test_the_last_state_is_the_clips_feature(rng):
    x, p = draw(rng, 3, 4)
    seen = {}
    y, _ = utrcnn.forward(x, p, lengths=[4, 1, 3], watch=seen.__setitem__)
    np.testing.assert_array_equal(y["clip"], seen["recurrence"][[0, 1, 2], [3, 0, 2]])
    h, _ = attentive_rnn.forward(seen["linear"], p["recurrence"])
    np.testing.assert_array_equal(seen["recurrence"], h)


def test_the_gradient_of_the_last_state_reaches_the_first_frame_in_one_step(rng):
    """Through the attended states: without a way from state to state it still arrives, and without attention not."""
    x, p = draw(rng, 1, 6)
    p["recurrence"]["U"][:] = 0
    y, cache = utrcnn.forward(x, p)
    assert np.abs(utrcnn.backward(y, cache)[0][0, 0]).max() > 1e-6
    p["recurrence"]["Wa"][:] = 0
    y, cache = utrcnn.forward(x, p)
    dx, _ = utrcnn.backward(y, cache)
    assert not dx[0, :5].any() and dx[0, 5].any()


def test_attention_and_top_k_make_a_difference_and_reach_embed(rng):
    x, p = draw(rng, 2, 6)
    found = [embed(utrcnn, x, p, **options) for options in OPTIONS]
    for options, e in zip(OPTIONS, found):
        np.testing.assert_array_equal(e, utrcnn.forward(x, p, **options)[0]["clip"])
    for i in range(4):
        assert all(np.abs(found[i] - found[j]).max() > 1e-6 for j in range(i))
    np.testing.assert_array_equal(embed(utrcnn, x, p), found[0])


def test_parameters_counted_by_hand(rng):
    """64 x 32 pixels with flow: maps of 34 x 18, 19 x 11, 11 x 7 places, for padding 4 enlarges before each pool."""
    p = utrcnn.init(rng, height=64, width=32, channels=5)
    counts = {name: sum(a.size for _, a in leaves(layer)) for name, layer in p.items()}
    convolutions = {"conv1": 25 * 5 * 16 + 16, "conv2": 25 * 16 * 32 + 32, "conv3": 25 * 32 * 32 + 32}
    recurrence = 3 * 128 * 128 + 2 * 128 + 128  # Wv, Wh, Wa, w, b
    assert counts == {**convolutions, "linear": 11 * 7 * 32 * 128 + 128, "recurrence": recurrence}
    assert all(a.dtype == np.float32 for _, a in leaves(p))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_padded_clip_embeds_as_it_does_alone(options, rng):
    x, p = draw(rng, 2, 4)
    x[1, 2:] = 1e6
    y, cache = utrcnn.forward(x, p, lengths=[4, 2], **options)
    alone, alone_cache = utrcnn.forward(x[1:, :2], p, **options)
    np.testing.assert_allclose(y["clip"][1:], alone["clip"], rtol=1e-12)
    dy = rng.normal(size=(2, 5))
    dy[0] = 0  # so that all gradients come from the padded clip
    dx, grads = utrcnn.backward({"clip": dy}, cache)
    alone_dx, alone_grads = utrcnn.backward({"clip": dy[1:]}, alone_cache)
    assert not dx[1, 2:].any() and not dx[0].any()
    np.testing.assert_allclose(dx[1:, :2], alone_dx, rtol=1e-11, atol=1e-14)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(alone_grads), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


def test_dropout_stands_before_the_linear_layer_and_nowhere_else(rng):
    x, p = draw(rng, 2, 3)
    y, _ = utrcnn.forward(x, p, rng=np.random.default_rng(5), dropout_rate=0.5)
    m = x.reshape(6, 8, 9, 2)
    for name in ("conv1", "conv2", "conv3"):
        m, _ = conv_block.forward(m, p[name], padding=4)
    d, _ = dropout.forward(m.reshape(2, 3, -1), rate=0.5, rng=np.random.default_rng(5))
    h, _ = attentive_rnn.forward(linear.forward(d, p["linear"])[0], p["recurrence"])
    np.testing.assert_allclose(y["clip"], h[:, -1], rtol=1e-12)


def test_without_a_generator_nothing_is_dropped(rng):
    x, p = draw(rng, 2, 3)
    plain, _ = utrcnn.forward(x, p)
    np.testing.assert_array_equal(utrcnn.forward(x, p, dropout_rate=0.0, rng=rng)[0]["clip"], plain["clip"])
    dropped, _ = utrcnn.forward(x, p, rng=np.random.default_rng(1))
    assert np.abs(dropped["clip"] - plain["clip"]).max() > 0.01


def test_embed_is_the_forward_pass_and_score_the_euclidean_one(rng):
    x, p = draw(rng, 3, 4)
    y, _ = utrcnn.forward(x, p, lengths=[4, 1, 3])
    np.testing.assert_array_equal(embed(utrcnn, x, p, lengths=[4, 1, 3]), y["clip"])
    unit = embed(utrcnn, x, p, lengths=[4, 1, 3], unit_length=True)
    np.testing.assert_allclose(unit, y["clip"] / np.linalg.norm(y["clip"], axis=1, keepdims=True), rtol=1e-10)
    assert utrcnn.score is euclidean.score


def test_watch_is_shown_every_result_and_its_gradient(rng):
    x, p = draw(rng, 2, 3)
    results, gradients = {}, {}
    y, cache = utrcnn.forward(x, p, watch=results.__setitem__)
    utrcnn.backward({"clip": rng.normal(size=(2, 5))}, cache, watch=gradients.__setitem__)
    assert list(results) == ["conv1", "conv2", "conv3", "linear", "recurrence", "clip"]
    assert list(gradients) == ["d" + name for name in reversed(results)]
    assert all(gradients["d" + name].shape == array.shape for name, array in results.items())
    assert results["clip"] is y["clip"]


def test_training_can_do_without_dx(rng):
    assert_does_without_dx(utrcnn, *draw(rng, 2, 3))


def test_every_block_is_the_one_that_was_asked_for(rng):
    block, calls = counted_block()
    y, cache = utrcnn.forward(*draw(rng, 2, 3), block=block)
    utrcnn.backward(y, cache, need_dx=False)
    assert calls == {"forward": 3, "backward": 3}


def test_manners(rng):
    config = {"rng": lambda: np.random.default_rng(1), "lengths": lambda: np.array([3, 2])}
    assert_manners(utrcnn.forward, utrcnn.backward, *draw(rng, 2, 3), **config)


def test_complex_step(rng):
    assert_complex_step(utrcnn.forward, utrcnn.backward, *draw(rng, 2, 3), kernel=im2col)

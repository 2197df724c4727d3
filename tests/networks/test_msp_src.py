"""msp_src, its ablations msp_src_low and msp_src_high, and msp_src_motion."""

import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import (
    elman,
    gru,
    gru_reset_after,
    linear,
    temporal_last,
    temporal_max,
    temporal_mean,
)
from minireid.losses import joint
from minireid.networks import euclidean, msp_src, msp_src_high, msp_src_low, msp_src_motion
from minireid.networks.embedding import embed
from tests.judges import assert_complex_step, assert_does_without_dx, assert_manners, counted_block

SIZES = {"height": 8, "width": 17, "channels": 2, "filters": (1, 3, 2), "features": 5, "dtype": np.float64}
CLIPS = [((1, 1), None), ((3, 2), None), ((2, 3), [3, 1])]  # one clip of one frame, two frames, one clip shorter
CHECKED = [CLIPS[0], pytest.param(*CLIPS[1], marks=pytest.mark.slow), CLIPS[2]]  # by differences: seconds each
PARTS = [
    (gru, 1, temporal_mean),
    (elman, 2, temporal_max),
    (gru_reset_after, 1, temporal_last),
    (gru, 0, temporal_mean),
]
NETWORKS = [msp_src, msp_src_low, msp_src_high, msp_src_motion]


def name_of(module) -> str:
    return module.__name__.rpartition(".")[2]


def draw(rng: np.random.Generator, N: int, T: int, network=msp_src, **parts) -> tuple:
    return rng.normal(size=(N, T, 8, 17, 2)), network.init(rng, **SIZES, **parts)


@pytest.mark.parametrize(("clips", "lengths"), CHECKED, ids=str)
def test_derivatives(clips, lengths, rng):
    config = {"lengths": lengths, "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    assert_gradients(msp_src.forward, msp_src.backward, *draw(rng, *clips), **config)


@pytest.mark.parametrize(("clips", "lengths"), CLIPS, ids=str)
@pytest.mark.parametrize(("unit", "depth", "pool"), PARTS, ids=lambda part: getattr(part, "__name__", part))
def test_against_pytorch(unit, depth, pool, clips, lengths, rng, judge):
    def theirs(x, p, *, lengths, unit, pool):
        return judge.msp_src(
            x, p, lengths=lengths, unit=getattr(judge, name_of(unit)), pool=getattr(judge, name_of(pool))
        )

    x, p = draw(rng, *clips, unit=unit, depth=depth)
    assert list(p["high"]) == ["conv3", "linear", *(f"unit{d}" for d in range(1, depth + 1))]
    judge.assert_same(msp_src.forward, msp_src.backward, theirs, x, p, lengths=lengths, unit=unit, pool=pool)


@pytest.mark.parametrize("network", [msp_src_low, msp_src_high], ids=name_of)
def test_ablations_against_pytorch(network, rng, judge):
    x, p = draw(rng, 3, 2, network)
    judge.assert_same(network.forward, network.backward, judge.msp_src, x, p, lengths=[2, 1, 2])


@pytest.mark.parametrize("lengths", [[2, 1, 2], None], ids=str)
def test_motion_against_pytorch(lengths, rng, judge):
    def theirs(x, p, *, lengths):
        return judge.msp_src(x, p, lengths=lengths, centred=True)

    x, p = draw(rng, 3, 2, msp_src_motion)
    judge.assert_same(msp_src_motion.forward, msp_src_motion.backward, theirs, x, p, lengths=lengths)


def test_motion_does_not_see_features_that_stand_still_and_hears_the_order(rng):
    x, p = draw(rng, 2, 5, msp_src_motion)
    still = embed(msp_src_motion, np.broadcast_to(x[:, :1], x.shape), p)
    nothing = embed(msp_src_motion, x[:, :1].repeat(5, axis=1)[::-1], p)
    np.testing.assert_allclose(still, nothing, rtol=1e-10, atol=1e-12)
    moving = embed(msp_src_motion, x, p)
    assert np.abs(moving[0] - moving[1]).max() > 1e-4
    assert np.abs(embed(msp_src_motion, x[:, [2, 0, 4, 1, 3]], p) - moving).max() > 1e-4


def test_the_whole_loss_against_pytorch(rng, judge):
    """Network, two classifiers, verification and identification at both levels: the loss and every gradient."""
    how = {"labels": [0, 3, 0], "pairs": [[0, 2], [0, 1], [1, 2]], "same": [True, False, False], "margin": 2.0}
    lengths = [3, 1, 2]

    def forward(x, p, classifiers):
        embeddings, cache = msp_src.forward(x, p, lengths=lengths)
        loss, loss_cache = joint.forward(embeddings, classifiers, **how, identification_weight=2.0)
        return loss, (cache, loss_cache)

    def backward(dloss, cache):
        dembeddings, grads = joint.backward(dloss, cache[1])
        return *msp_src.backward(dembeddings, cache[0]), grads

    def theirs(x, p, classifiers):
        return judge.joint(judge.msp_src(x, p, lengths=lengths), classifiers, **how, parts=(1.0, 2.0))

    x, p = draw(rng, 3, 3)
    classifiers = {level: linear.init(rng, 5, 4, dtype=np.float64) for level in ("low", "high")}
    judge.assert_same(forward, backward, theirs, x, p, classifiers)


def test_the_main_network_has_1_213_800_parameters(rng):
    network = msp_src.init(rng, height=128, width=64, channels=5)
    classifiers = {level: linear.init(rng, 128, 100) for level in ("low", "high")}
    assert sum(a.size for _, a in leaves({"network": network, "heads": classifiers})) == 1_213_800
    assert network["low"]["linear"]["W"].shape == network["high"]["linear"]["W"].shape == (16 * 8 * 32, 128)


def test_a_padded_clip_embeds_as_it_does_alone_in_motion_too(rng):
    test_a_padded_clip_embeds_as_it_does_alone(gru, 1, temporal_mean, rng, network=msp_src_motion)


@pytest.mark.parametrize(("unit", "depth", "pool"), PARTS, ids=lambda part: getattr(part, "__name__", part))
def test_a_padded_clip_embeds_as_it_does_alone(unit, depth, pool, rng, network=msp_src):
    parts = {"unit": unit, "pool": pool}
    x, p = draw(rng, 2, 4, network, unit=unit, depth=depth)
    x[1, 2:] = 1e6
    y, cache = network.forward(x, p, lengths=[4, 2], **parts)
    alone, alone_cache = network.forward(x[1:, :2], p, **parts)
    dy = {level: rng.normal(size=(2, 5)) for level in y}
    for level in y:
        np.testing.assert_allclose(y[level][1:], alone[level], rtol=1e-12)
        dy[level][0] = 0  # so that all gradients come from the padded clip
    dx, grads = network.backward(dy, cache)
    alone_dx, alone_grads = network.backward({level: d[1:] for level, d in dy.items()}, alone_cache)
    assert not dx[1, 2:].any() and not dx[0].any()
    np.testing.assert_allclose(dx[1:, :2], alone_dx, rtol=1e-11, atol=1e-14)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(alone_grads), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


def test_the_twins_are_two_rows_and_their_gradients_add_up(rng):
    x, p = draw(rng, 2, 3)
    together, cache = msp_src.forward(x, p)
    dy = {level: rng.normal(size=(2, 5)) for level in together}
    dx, grads = msp_src.backward(dy, cache)
    total = map_leaves(np.zeros_like, grads)
    for n in range(2):
        y, own_cache = msp_src.forward(x[n : n + 1], p)
        np.testing.assert_allclose(y["high"][0], together["high"][n], rtol=1e-12)
        own_dx, own_grads = msp_src.backward({level: d[n : n + 1] for level, d in dy.items()}, own_cache)
        np.testing.assert_allclose(own_dx[0], dx[n], rtol=1e-11, atol=1e-14)
        total = map_leaves(np.add, total, own_grads)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(total), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


def test_mean_pooling_does_not_see_the_order_of_the_frames_and_a_gru_does(rng):
    order = np.array([2, 0, 4, 1, 3])
    x, p = draw(rng, 2, 5, msp_src_high, depth=0)
    np.testing.assert_allclose(embed(msp_src_high, x[:, order], p), embed(msp_src_high, x, p), rtol=1e-12)
    x, p = draw(rng, 2, 5, msp_src_low)
    np.testing.assert_allclose(embed(msp_src_low, x[:, order], p), embed(msp_src_low, x, p), rtol=1e-12)
    x, p = draw(rng, 2, 5, msp_src_high)
    assert np.abs(embed(msp_src_high, x[:, order], p) - embed(msp_src_high, x, p)).max() > 1e-4


@pytest.mark.parametrize("pool", [temporal_mean, temporal_max, temporal_last], ids=name_of)
def test_the_levels_alone_are_the_levels_of_the_whole(pool, rng):
    x, p = draw(rng, 3, 2)
    shared = {"conv1": p["conv1"], "conv2": p["conv2"]}
    both, _ = msp_src.forward(x, p, lengths=[2, 1, 2], pool=pool)
    low, _ = msp_src_low.forward(x, {**shared, "low": p["low"]}, lengths=[2, 1, 2], pool=pool)
    high, _ = msp_src_high.forward(x, {**shared, "high": p["high"]}, lengths=[2, 1, 2], pool=pool)
    assert list(low) == ["low"] and list(high) == ["high"] and list(both) == ["low", "high"]
    np.testing.assert_array_equal(low["low"], both["low"])
    np.testing.assert_array_equal(high["high"], both["high"])


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_without_a_generator_nothing_is_dropped(network, rng):
    x, p = draw(rng, 2, 3, network)
    plain, _ = network.forward(x, p)
    kept, _ = network.forward(x, p, dropout_rate=0.0, rng=rng)
    dropped, _ = network.forward(x, p, rng=np.random.default_rng(1))
    for level in plain:
        np.testing.assert_array_equal(kept[level], plain[level])
        assert np.abs(dropped[level] - plain[level]).max() > 1e-4


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_embed_is_the_forward_pass_and_score_the_euclidean_one(network, rng):
    unit = {} if network is msp_src_low else {"unit": elman}
    x, p = draw(rng, 3, 4, network, **unit)
    config = {"lengths": [4, 1, 3], "pool": temporal_max, **unit}
    y, _ = network.forward(x, p, **config)
    np.testing.assert_array_equal(embed(network, x, p, **config), np.concatenate(list(y.values()), axis=1))
    scaled = np.concatenate([e / np.linalg.norm(e, axis=1, keepdims=True) for e in y.values()], axis=1)
    np.testing.assert_allclose(embed(network, x, p, **config, unit_length=True), scaled, rtol=1e-10)
    assert network.score is euclidean.score


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_watch_is_shown_every_result_and_its_gradient(network, rng):
    x, p = draw(rng, 2, 3, network)
    results, gradients = {}, {}
    y, cache = network.forward(x, p, watch=results.__setitem__)
    network.backward(y, cache, watch=gradients.__setitem__)
    low, high = ["low.mean", "low.pool", "low.linear"], ["high.conv3", "high.linear", "high.unit1", "high.pool"]
    motion = ["high.conv3", "high.linear", "high.centre", "high.unit1", "high.pool"]
    expected = {msp_src: low + high, msp_src_low: low, msp_src_high: high, msp_src_motion: motion}[network]
    assert list(results) == ["conv1", "conv2", *expected]
    assert set(gradients) == {"d" + name for name in results}
    assert all(gradients["d" + name].shape == array.shape for name, array in results.items())


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_training_can_do_without_dx(network, rng):
    assert_does_without_dx(network, *draw(rng, 2, 3, network))


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_every_block_is_the_one_that_was_asked_for(network, rng):
    block, calls = counted_block()
    y, cache = network.forward(*draw(rng, 2, 3, network), block=block)
    network.backward(y, cache, need_dx=False)
    blocks = 2 if network is msp_src_low else 3
    assert calls == {"forward": blocks, "backward": blocks}


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_manners(network, rng):
    config = {"rng": lambda: np.random.default_rng(1), "lengths": lambda: np.array([3, 2])}
    assert_manners(network.forward, network.backward, *draw(rng, 2, 3, network), **config)


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_complex_step(network, rng):
    assert_complex_step(network.forward, network.backward, *draw(rng, 2, 3, network), kernel=im2col)

"""deep_rcn, and its ablation deep_rcn_independent."""

import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.layers import dropout, temporal_last, temporal_max, temporal_mean
from minireid.losses import similarity
from minireid.networks import deep_rcn, deep_rcn_independent
from minireid.networks.embedding import embed
from tests.judges import assert_complex_step, assert_does_without_dx, assert_manners, counted

SIZES = {"height": 8, "width": 16, "channels": 2, "filters": (2, 3, 1, 2), "kernels": (3, 3), "dtype": np.float64}
CLIPS = [((1, 1), None), ((3, 2), None), ((2, 3), [3, 1])]  # one clip of one frame, two frames, one clip shorter
NETWORKS = [deep_rcn, deep_rcn_independent]
FEATURES = 1 * 2 * (3 + 1 + 2)  # places of the smallest grid, times the states of the three levels
POOLS = [temporal_last, temporal_mean, temporal_max]


def name_of(module) -> str | None:
    return getattr(module, "__name__", "").rpartition(".")[2] or None


def draw(rng: np.random.Generator, N: int, T: int, network=deep_rcn, **changes) -> tuple:
    """Weights three times as wide as init's, so that few ReLUs are shut and gates differ."""
    sizes = {**SIZES, **changes}
    p = map_leaves(lambda a: 3 * a, network.init(rng, **sizes))
    return rng.normal(size=(N, T, sizes["height"], sizes["width"], sizes["channels"])), p


def few(rng: np.random.Generator, N: int, T: int, network=deep_rcn, **changes) -> tuple:
    """Smaller still: every number of them is moved."""
    return draw(rng, N, T, network, width=8, channels=1, filters=(2, 1, 2, 1), **changes)


def test_the_numbers_drawn_here_leave_no_layer_shut(rng):
    """A network that is dead passes every gradient check."""
    for make in (draw, few):
        x, p = make(rng, 2, 3)
        seen = {}
        y, cache = deep_rcn.forward(x, p, watch=seen.__setitem__)
        _, grads = deep_rcn.backward({"clip": rng.normal(size=y["clip"].shape)}, cache)
        assert all(0.1 < (seen[f"conv{k}"] > 0).mean() < 0.9 for k in range(4))
        assert all(gradient.any() for _, gradient in leaves(grads))


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
@pytest.mark.parametrize(("clips", "lengths"), CLIPS, ids=str)
def test_derivatives(network, clips, lengths, rng):
    config = {"lengths": lengths, "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    assert_gradients(network.forward, network.backward, *few(rng, *clips, network, kernels=(3, 1)), **config)


@pytest.mark.parametrize("pool", POOLS[1:], ids=name_of)
def test_derivatives_with_the_lower_states_in_the_candidate_and_other_pools(pool, rng):
    arrays = few(rng, 2, 2, lower_in_candidate=True, kernels=(1, 3))
    assert_gradients(deep_rcn.forward, deep_rcn.backward, *arrays, pool=pool, lengths=[1, 2])


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
@pytest.mark.parametrize("pool", POOLS, ids=name_of)
@pytest.mark.parametrize(("clips", "lengths"), [*CLIPS, ((3, 5), [2, 5, 1])], ids=str)
def test_against_pytorch(network, pool, clips, lengths, rng, judge):
    def theirs(x, p, *, lengths, pool):
        by_name = getattr(judge, name_of(pool))
        return judge.deep_rcn(x, p, lengths=lengths, stacked=network is deep_rcn, pool=by_name)

    arrays = draw(rng, *clips, network)
    judge.assert_same(network.forward, network.backward, theirs, *arrays, lengths=lengths, pool=pool)


@pytest.mark.parametrize("kernels", [(5, 5), (9, 1), (1, 3)], ids=str)
@pytest.mark.parametrize("in_candidate", [False, True])
def test_kernels_and_readings_against_pytorch(kernels, in_candidate, rng, judge):
    """The lower states enter the candidate in PyTorch wherever there is a kernel for that."""
    x, p = draw(rng, 2, 3, kernels=kernels, lower_in_candidate=in_candidate, height=16)
    for level, states in (("level1", 3), ("level2", 1), ("level3", 2)):
        assert p[level]["Wz"].shape == (*kernels[:1] * 2, 2, states)
        assert p[level]["Uz"].shape == (*kernels[1:] * 2, states, states)
        assert ("Lc" in p[level]) == (in_candidate and level != "level1")
    judge.assert_same(deep_rcn.forward, deep_rcn.backward, judge.deep_rcn, x, p, lengths=[3, 2])


def test_the_whole_loss_against_pytorch(rng, judge):
    """Eq. 5 and 6 on top of the network: the loss and every gradient."""
    pairs, same, lengths = [[0, 2], [0, 1], [2, 1]], [True, False, False], [3, 1, 2]

    def forward(x, p, heads):
        embeddings, cache = deep_rcn.forward(x, p, lengths=lengths)
        loss, loss_cache = similarity.forward(embeddings, heads, labels=[0, 3, 0], pairs=pairs, same=same)
        return loss, (cache, loss_cache)

    def backward(dloss, cache):
        dembeddings, grads = similarity.backward(dloss, cache[1])
        return *deep_rcn.backward(dembeddings, cache[0]), grads

    def theirs(x, p, heads):
        e = judge.deep_rcn(x, p, lengths=lengths)["clip"]
        i, j = judge.torch.tensor(pairs).T
        s = judge.torch.sigmoid((e[i] * e[j]) @ heads["clip"]["v"] - heads["clip"]["c"])
        return judge.F.binary_cross_entropy(s, judge.torch.tensor(same, dtype=s.dtype))

    x, p = draw(rng, 3, 3)
    heads = {"clip": {"v": rng.normal(size=FEATURES), "c": np.array(0.3)}}
    judge.assert_same(forward, backward, theirs, x, p, heads)


def test_the_lower_level_speaks_to_the_upper_one_only_where_they_are_stacked(rng):
    """Level 1's states changed: levels 2 and 3 hear of it through their gates; where they are independent, not."""
    for network, heard in ((deep_rcn, True), (deep_rcn_independent, False)):
        x, p = draw(rng, 2, 3, network)
        before, after = {}, {}
        network.forward(x, p, watch=before.__setitem__)
        p["level1"]["bc"] += 1
        network.forward(x, p, watch=after.__setitem__)
        for level, changes in (("level1", True), ("level2", heard), ("level3", heard)):
            assert (np.abs(after[level] - before[level]).max() > 1e-6) == changes, (name_of(network), level)


def test_stacked_without_the_lower_states_is_independent(rng):
    x, p = draw(rng, 2, 3)
    for level in ("level2", "level3"):
        p[level]["Lz"][:] = p[level]["Lr"][:] = 0
    alone = {name: {key: a for key, a in layer.items() if key[0] != "L"} for name, layer in p.items()}
    found, expected = embed(deep_rcn, x, p), embed(deep_rcn_independent, x, alone)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_every_level_is_in_the_embedding_place_by_place(rng):
    """16 x 24 pixels: 2 x 3 places, each the states of level 1 over 4 x 4 places, of level 2 over 2 x 2, of level 3."""
    x, p = draw(rng, 2, 3, height=16, width=24)
    seen = {}
    y, _ = deep_rcn.forward(x, p, watch=seen.__setitem__)
    by_place = y["clip"].reshape(2, 2, 3, 6)
    assert [seen[f"level{k}"].shape for k in (1, 2, 3)] == [(2, 3, 8, 12, 3), (2, 3, 4, 6, 1), (2, 3, 2, 3, 2)]
    for i in range(2):
        for j in range(3):
            summaries = [
                seen[level][:, -1, i * n : (i + 1) * n, j * n : (j + 1) * n].mean(axis=(1, 2))
                for level, n in (("level1", 4), ("level2", 2), ("level3", 1))
            ]
            np.testing.assert_allclose(by_place[:, i, j], np.concatenate(summaries, axis=1), rtol=1e-12)


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
@pytest.mark.parametrize(("height", "width"), [(12, 16), (16, 12), (15, 15), (4, 8)])
def test_frames_that_cannot_be_halved_three_times(network, height, width, rng):
    with pytest.raises(ValueError, match=f"height and width to be multiples of 8, got {height} x {width}"):
        network.init(rng, **{**SIZES, "height": height, "width": width})


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
@pytest.mark.parametrize("kernels", [(4, 3), (3, 2), (9, 0)], ids=str)
def test_kernels_without_a_middle(network, kernels, rng):
    with pytest.raises(ValueError, match="kernels must be odd"):
        network.init(rng, **{**SIZES, "kernels": kernels})


def test_parameters_counted_by_hand(rng):
    """The paper's sizes: 32 channels, 128, 256 and 256 states, kernels of 5 x 5."""
    sizes = {"height": 160, "width": 64, "channels": 3}
    p, alone = deep_rcn.init(rng, **sizes), deep_rcn_independent.init(rng, **sizes)
    counts = {name: sum(a.size for _, a in leaves(layer)) for name, layer in p.items()}
    independent = {
        "conv0": 9 * 3 * 32 + 32,
        **dict.fromkeys(("conv1", "conv2", "conv3"), 9 * 32 * 32 + 32),
        "level1": 3 * (25 * (32 * 128 + 128 * 128) + 128),
        "level2": 3 * (25 * (32 * 256 + 256 * 256) + 256),
        "level3": 3 * (25 * (32 * 256 + 256 * 256) + 256),
    }
    assert {name: sum(a.size for _, a in leaves(layer)) for name, layer in alone.items()} == independent
    gates_of_lower = {"level2": 2 * 25 * 128 * 256, "level3": 2 * 25 * 256 * 256}
    assert counts == {name: n + gates_of_lower.get(name, 0) for name, n in independent.items()}
    assert all(a.dtype == np.float32 for _, a in leaves(p))


@pytest.mark.parametrize("pool", POOLS, ids=name_of)
@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_a_padded_clip_embeds_as_it_does_alone(network, pool, rng):
    x, p = draw(rng, 2, 4, network)
    x[1, 2:] = 1e6
    y, cache = network.forward(x, p, lengths=[4, 2], pool=pool)
    alone, alone_cache = network.forward(x[1:, :2], p, pool=pool)
    np.testing.assert_allclose(y["clip"][1:], alone["clip"], rtol=1e-12)
    dy = rng.normal(size=(2, FEATURES))
    dy[0] = 0  # so that all gradients come from the padded clip
    dx, grads = network.backward({"clip": dy}, cache)
    alone_dx, alone_grads = network.backward({"clip": dy[1:]}, alone_cache)
    assert not dx[1, 2:].any() and not dx[0].any()
    np.testing.assert_allclose(dx[1:, :2], alone_dx, rtol=1e-11, atol=1e-14)
    for (name, mine), (_, other) in zip(leaves(grads), leaves(alone_grads), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_dropout_stands_at_the_end_and_nowhere_else(network, rng):
    x, p = draw(rng, 3, 3, network)
    plain, _ = network.forward(x, p)
    np.testing.assert_array_equal(network.forward(x, p, dropout_rate=0.0, rng=rng)[0]["clip"], plain["clip"])
    dropped, _ = network.forward(x, p, dropout_rate=0.7, rng=np.random.default_rng(5))
    expected, _ = dropout.forward(plain["clip"], rate=0.7, rng=np.random.default_rng(5))
    np.testing.assert_allclose(dropped["clip"], expected, rtol=1e-12)
    assert (dropped["clip"] == 0).any()


@pytest.mark.parametrize("pool", POOLS, ids=name_of)
@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_embed_is_the_forward_pass_and_score_the_learned_one(network, pool, rng):
    x, p = draw(rng, 3, 4, network)
    y, _ = network.forward(x, p, lengths=[4, 1, 3], pool=pool)
    found = embed(network, x, p, lengths=[4, 1, 3], pool=pool)
    np.testing.assert_array_equal(found, y["clip"])
    unit = embed(network, x, p, lengths=[4, 1, 3], pool=pool, unit_length=True)
    np.testing.assert_allclose(unit, y["clip"] / np.linalg.norm(y["clip"], axis=1, keepdims=True), rtol=1e-10)
    if pool is temporal_last:
        np.testing.assert_array_equal(embed(network, x, p, lengths=[4, 1, 3]), found)
    head = {"v": rng.normal(size=FEATURES), "c": np.array(0.3)}
    scores = network.score(found, found[:2], {"clip": head})
    expected = [[(head["v"] * a * b).sum() - 0.3 for b in found[:2]] for a in found]
    np.testing.assert_allclose(scores, expected, rtol=1e-10)


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_every_frame_is_described_as_the_clip_that_ends_there_is_embedded(network, rng):
    x, p = draw(rng, 3, 4, network)
    found = network.describe(x, p)
    assert found.shape == (3, 4, FEATURES)
    for t in range(4):
        np.testing.assert_allclose(found[:, t], embed(network, x[:, : t + 1], p), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_watch_is_shown_every_result_and_its_gradient(network, rng):
    x, p = draw(rng, 2, 3, network)
    results, gradients = {}, {}
    y, cache = network.forward(x, p, watch=results.__setitem__)
    network.backward({"clip": rng.normal(size=(2, FEATURES))}, cache, watch=gradients.__setitem__)
    maps = ["conv0", "pool0", "conv1", "pool1", "conv2", "pool2", "conv3"]
    halved = ["level1 halved", "level2 halved"] if network is deep_rcn else []
    states = [f"level{k}{what}" for k in (1, 2, 3) for what in ("", " pool", " grid")]
    assert sorted(results) == sorted([*maps, *states, *halved, "clip"])
    assert set(gradients) == {"d" + name for name in results}
    assert all(gradients["d" + name].shape == array.shape for name, array in results.items())
    np.testing.assert_array_equal(results["clip"].reshape(2, -1), y["clip"])


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_the_gradients_that_are_watched_are_those_of_the_results(network, rng):
    """A level's states are used twice; moved along a direction, the result follows the sum of both gradients."""
    x, p = draw(rng, 2, 1, network)
    y, cache = network.forward(x, p)
    dy, seen = rng.normal(size=(2, FEATURES)), {}
    network.backward({"clip": dy}, cache, watch=seen.__setitem__)
    states = {}
    network.forward(x, p, watch=states.__setitem__)
    for level in ("level1", "level2"):
        moved, step = map_leaves(np.copy, p), rng.normal(size=len(p[level]["bc"]))
        moved[level]["bc"] += 1e-6 * step
        after = {}
        new, _ = network.forward(x, moved, watch=after.__setitem__)
        slope = ((new["clip"] - y["clip"]) * dy).sum()
        expected = (seen[f"d{level}"] * (after[level] - states[level])).sum()
        assert slope == pytest.approx(expected, rel=1e-4), level


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_training_can_do_without_dx(network, rng):
    assert_does_without_dx(network, *draw(rng, 2, 3, network))


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_every_convolution_runs_on_the_kernel_that_was_asked_for(network, rng):
    kernel, calls = counted(im2col)
    y, cache = network.forward(*draw(rng, 2, 3, network), kernel=kernel)
    network.backward(y, cache, need_dx=False)
    of_inputs = 4 + (5 if network is deep_rcn else 3)  # four layers; a level's maps, and the states below
    in_the_loop = 3 * 3 * 2  # levels, frames, both gates together and the candidate
    assert calls["forward"] == of_inputs + in_the_loop
    assert calls["backward_input"] == of_inputs - 1 + in_the_loop  # none of the clip
    assert calls["backward_weights"] == of_inputs + 3 * 2  # of all frames at once


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_manners(network, rng):
    config = {"rng": lambda: np.random.default_rng(1), "lengths": lambda: np.array([3, 2])}
    assert_manners(network.forward, network.backward, *draw(rng, 2, 3, network), **config)


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_complex_step(network, rng):
    assert_complex_step(network.forward, network.backward, *draw(rng, 2, 3, network), kernel=im2col)

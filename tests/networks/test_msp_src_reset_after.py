import numpy as np
import pytest

from minireid.base.trees import leaves
from minireid.gradcheck import assert_gradients
from minireid.kernels import im2col
from minireid.networks import msp_src_reset_after as network
from minireid.networks.embedding import embed
from tests.judges import assert_complex_step, assert_does_without_dx, assert_manners

SIZES = {"height": 8, "width": 17, "channels": 2, "filters": (1, 3, 2), "features": 5, "dtype": np.float64}
CLIPS = [((1, 1), None), ((3, 2), None), ((2, 3), [3, 1])]  # one clip of one frame, two frames, one clip shorter
CHECKED = [CLIPS[0], pytest.param(*CLIPS[1], marks=pytest.mark.slow), CLIPS[2]]  # by differences: seconds each


def draw(rng: np.random.Generator, N: int, T: int) -> tuple:
    return rng.normal(size=(N, T, 8, 17, 2)), network.init(rng, **SIZES)


@pytest.mark.parametrize(("clips", "lengths"), CHECKED, ids=str)
def test_derivatives(clips, lengths, rng):
    config = {"lengths": lengths, "rng": np.random.default_rng(1), "dropout_rate": 0.3}
    assert_gradients(network.forward, network.backward, *draw(rng, *clips), **config)


@pytest.mark.parametrize(("clips", "lengths"), CLIPS, ids=str)
def test_against_pytorch(clips, lengths, rng, judge):
    def theirs(x, p, *, lengths):
        m2 = judge.conv_block(judge.conv_block(x.flatten(0, 1), p["conv1"], padding=2), p["conv2"], padding=2)
        e = judge.linear(judge.maxpool2d(m2).flatten(1), p["low"]["linear"]).unflatten(0, x.shape[:2])
        h = judge.gru_reset_after(e, p["low"]["unit"])
        high = judge.msp_src(x, p, lengths=lengths, unit=judge.gru_reset_after)["high"]
        return {"low": judge.temporal_mean(h, lengths=lengths), "high": high}

    judge.assert_same(network.forward, network.backward, theirs, *draw(rng, *clips), lengths=lengths)


def test_both_levels_depend_on_the_order_of_the_frames(rng):
    x, p = draw(rng, 2, 5)
    difference = np.abs(embed(network, x, p) - embed(network, x[:, ::-1], p))
    assert difference[:, :5].max() > 1e-4 and difference[:, 5:].max() > 1e-4


def test_parameters(rng):
    """msp_src has 1,213,800 with two classifiers of 12,900 (test_msp_src). Here is one GRU more, and vc in both."""
    count = sum(array.size for _, array in leaves(network.init(rng, height=128, width=64, channels=5)))
    assert count == 1_213_800 - 2 * 12_900 + 3 * (128 * 128 * 2 + 128) + 2 * 128


def test_a_padded_clip_is_the_clip(rng):
    x, p = draw(rng, 2, 4)
    short = embed(network, x[:, :2], p)
    np.testing.assert_allclose(embed(network, x, p, lengths=[2, 2]), short, rtol=1e-12, atol=1e-14)


def test_training_can_do_without_dx(rng):
    assert_does_without_dx(network, *draw(rng, 2, 3))


def test_manners(rng):
    config = {"rng": lambda: np.random.default_rng(1), "lengths": lambda: np.array([3, 2])}
    assert_manners(network.forward, network.backward, *draw(rng, 2, 3), **config)


def test_complex_step(rng):
    assert_complex_step(network.forward, network.backward, *draw(rng, 2, 3), kernel=im2col)

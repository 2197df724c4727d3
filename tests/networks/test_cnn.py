import numpy as np
import pytest

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import assert_gradients
from minireid.layers import conv_block, dropout, linear, relu, tanh
from minireid.networks import cnn
from minireid.networks.running import Backward, Forward


def draw(rng: np.random.Generator, padding: int) -> tuple:
    p = cnn.init(rng, 8, 9, 2, (1, 3, 2), 5, padding=padding, dtype=np.float64)
    return rng.normal(size=(2, 3, 8, 9, 2)), p


def few(rng: np.random.Generator, padding: int) -> tuple:
    """Smaller still: every number of them is moved. Weights twice as wide, so that ReLUs open."""
    p = cnn.init(rng, 8, 9, 1, (1, 2, 1), 3, padding=padding, dtype=np.float64)
    return rng.normal(size=(1, 2, 8, 9, 1)), map_leaves(lambda a: 2 * a, p)


def forward(x, p, *, padding, activation=tanh, rng=None, dropout_rate=0.5):
    run = Forward(p, rng=rng, dropout_rate=dropout_rate)
    return cnn.forward(run, x, padding=padding, activation=activation), run.cache


def backward(df, cache, need_dx=True):
    back = Backward(cache)
    return cnn.backward(back, df, need_dx=need_dx), back.grads


@pytest.mark.parametrize(("activation", "padding"), [(tanh, 4), (relu, 2)], ids=["tanh", "relu"])
def test_derivatives(activation, padding, rng):
    config = {"activation": activation, "padding": padding, "rng": np.random.default_rng(1)}
    assert_gradients(forward, backward, *few(rng, padding), **config)


@pytest.mark.parametrize(("activation", "padding"), [(tanh, 4), (relu, 2)], ids=["tanh", "relu"])
def test_against_pytorch(activation, padding, rng, judge):
    def theirs(x, p, *, activation, padding):
        function = judge.F.relu if activation is relu else judge.torch.tanh
        return judge.baseline_cnn(x, p, padding=padding, activation=function)

    judge.assert_same(forward, backward, theirs, *draw(rng, padding), activation=activation, padding=padding)


@pytest.mark.parametrize(("padding", "places"), [(4, 5 * 5), (2, 2 * 2)])
def test_padding_4_enlarges_and_padding_2_keeps_the_size(padding, places, rng):
    """16 x 16 pixels: 20, 10; 14, 7; 11, 5 places a side with padding 4, and 16, 8; 8, 4; 4, 2 with padding 2."""
    p = cnn.init(rng, 16, 16, 5, (16, 32, 32), 128, padding=padding, dtype=np.float32)
    assert p["linear"]["W"].shape == (places * 32, 128)
    sizes = {name: sum(a.size for _, a in leaves(layer)) for name, layer in p.items()}
    assert sizes == {
        "conv1": 25 * 5 * 16 + 16,
        "conv2": 25 * 16 * 32 + 32,
        "conv3": 25 * 32 * 32 + 32,
        "linear": places * 32 * 128 + 128,
    }


def test_dropout_stands_before_the_linear_layer(rng):
    x, p = draw(rng, 2)
    f, _ = forward(x, p, padding=2, activation=relu, rng=np.random.default_rng(5))
    m = x.reshape(6, 8, 9, 2)
    for name in ("conv1", "conv2", "conv3"):
        m, _ = conv_block.forward(m, p[name], padding=2, activation=relu)
    d, _ = dropout.forward(m.reshape(2, 3, -1), rate=0.5, rng=np.random.default_rng(5))
    np.testing.assert_allclose(f, linear.forward(d, p["linear"])[0], rtol=1e-12)


def test_every_frame_by_itself(rng):
    x, p = draw(rng, 2)
    f, _ = forward(x, p, padding=2)
    for n in range(2):
        for t in range(3):
            alone, _ = forward(x[n : n + 1, t : t + 1], p, padding=2)
            np.testing.assert_allclose(alone[0, 0], f[n, t], rtol=1e-12)

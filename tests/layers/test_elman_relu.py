import numpy as np
import pytest

from minireid.gradcheck import assert_gradients
from minireid.layers import elman_relu
from tests.judges import SEQUENCES, assert_complex_step, assert_manners


def draw(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> tuple:
    N, T, D, S = shape
    return rng.normal(size=(N, T, D)), elman_relu.init(rng, D, S, dtype=np.float64)


@pytest.mark.parametrize("shape", [*SEQUENCES, (2, 7, 3, 5)], ids=str)
def test_derivatives(shape, rng):
    assert_gradients(elman_relu.forward, elman_relu.backward, *draw(rng, shape))


@pytest.mark.parametrize("shape", [*SEQUENCES, (2, 7, 3, 5)], ids=str)
def test_against_pytorch(shape, rng, judge):
    judge.assert_same(elman_relu.forward, elman_relu.backward, judge.elman_relu, *draw(rng, shape))


def test_what_is_carried_over_is_what_pytorchs_relu_unit_puts_out(rng, judge):
    """torch.nn.RNN with nonlinearity="relu" and no bias gives r; o is what stands before its ReLU."""
    f, p = draw(rng, (3, 5, 2, 4))
    o, _ = elman_relu.forward(f, p)
    np.testing.assert_allclose(np.maximum(o, 0), judge.relu_states(f, p), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("o1", "carried"), [(0.6, 0.6), (-0.6, 0.0)], ids=["above zero", "below zero"])
def test_two_frames_by_hand(o1, carried):
    """f1 = 2 o1 through W = 1/2; then o2 = f2 / 2 + ws max(o1, 0). Outputs are not rectified."""
    ws, f2 = -1.5, -0.4
    p = {"W": np.array([[0.5]]), "U": np.array([[ws]])}
    o, cache = elman_relu.forward(np.array([[[2 * o1], [f2]]]), p)
    np.testing.assert_allclose(o.ravel(), [o1, f2 / 2 + ws * carried], rtol=1e-15)
    df, grads = elman_relu.backward(np.array([[[10.0], [1.0]]]), cache)
    do1 = 10 + (ws if carried else 0)
    np.testing.assert_allclose(df.ravel(), [do1 / 2, 0.5], rtol=1e-14)
    np.testing.assert_allclose([grads["W"].item(), grads["U"].item()], [2 * o1 * do1 + f2, carried], rtol=1e-14)


def test_one_frame_is_a_linear_map_and_knows_no_U(rng):
    f, p = draw(rng, (3, 1, 2, 4))
    o, cache = elman_relu.forward(f, p)
    np.testing.assert_allclose(o, f @ p["W"], rtol=1e-14)
    do = rng.normal(size=o.shape)
    df, grads = elman_relu.backward(do, cache)
    np.testing.assert_allclose(df, do @ p["W"].T, rtol=1e-14)
    assert not grads["U"].any() and grads["W"].all()


def test_at_the_kink_the_derivative_is_0():
    p = {"W": np.ones((1, 1)), "U": np.ones((1, 1))}
    _, cache = elman_relu.forward(np.array([[[0.0], [1.0]]]), p)
    df, _ = elman_relu.backward(np.array([[[0.0], [1.0]]]), cache)
    assert df.ravel().tolist() == [0, 1]


def test_padding_reaches_no_earlier_output_and_gets_no_gradient(rng):
    f, p = draw(rng, (3, 5, 2, 4))
    o, cache = elman_relu.forward(f, p)
    do = rng.normal(size=o.shape)
    do[:, 3:] = 0
    df, grads = elman_relu.backward(do, cache)
    f[:, 3:] = 1e6
    padded_o, padded_cache = elman_relu.forward(f, p)
    padded_df, padded_grads = elman_relu.backward(do, padded_cache)
    np.testing.assert_array_equal(padded_o[:, :3], o[:, :3])
    np.testing.assert_array_equal(padded_df, df)
    assert not padded_df[:, 3:].any()
    for name in grads:
        np.testing.assert_allclose(padded_grads[name], grads[name], rtol=1e-13, err_msg=name)


def test_manners(rng):
    assert_manners(elman_relu.forward, elman_relu.backward, *draw(rng, (3, 4, 2, 5)))


def test_complex_step(rng):
    assert_complex_step(elman_relu.forward, elman_relu.backward, *draw(rng, (3, 4, 2, 5)))


def test_init_is_uniform_by_the_fan_in_of_each_matrix():
    p, drawn = elman_relu.init(np.random.default_rng(3), 400, 100), np.random.default_rng(3)
    for name, shape, bound in (("W", (400, 100), 0.05), ("U", (100, 100), 0.1)):
        assert p[name].shape == shape and p[name].dtype == np.float32
        np.testing.assert_array_equal(p[name], drawn.uniform(-bound, bound, shape).astype(np.float32))

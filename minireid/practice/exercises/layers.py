"""Exercises on layers without time."""

from functools import partial

import numpy as np

from minireid.layers import conv2d, linear, maxpool2d, sigmoid, tanh
from minireid.practice.exercises.draws import sizes, uniform
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs


def draw_linear(rng: np.random.Generator, axes: int) -> Inputs:
    *batch, D, O = sizes(rng, axes + 1)
    return Inputs((uniform(rng, *batch, D), {"W": uniform(rng, D, O), "b": uniform(rng, O)}))


def draw_wide(rng: np.random.Generator) -> Inputs:
    """Moderate numbers, and a few that overflow a careless exponential."""
    x = 2 * uniform(rng, *sizes(rng, 2))
    x[0, :2] = -800.0, 800.0
    return Inputs((x,))


def draw_maps(rng: np.random.Generator, stride: int, padding: int) -> Inputs:
    N, C, O = sizes(rng, 3, 2, 4)
    H, W = sizes(rng, 2, 5, 7)
    KH, KW = sizes(rng, 2, 1, 3)
    p = {"W": uniform(rng, KH, KW, C, O), "b": uniform(rng, O)}
    return Inputs((uniform(rng, N, H, W, C), p), {"stride": stride, "padding": padding})


def draw_overlapping(rng: np.random.Generator) -> Inputs:
    """Windows larger than the stride, a map that they do not fill, and two equal numbers that win one window."""
    N, C = sizes(rng, 2, 2, 4)
    H, W = sizes(rng, 2, 6, 9)
    window = tuple(sizes(rng, 2, 2, 4))
    x = uniform(rng, N, H, W, C)
    x[0, 0, 1, 0] = x[0, 1, 0, 0] = 2.0
    return Inputs((x,), {"window": window, "stride": int(rng.integers(1, min(window) + 1))})


LINEAR = (partial(draw_linear, axes=2), partial(draw_linear, axes=3))
MAPS = tuple(partial(draw_maps, stride=s, padding=p) for s, p in ((1, 0), (2, 1), (1, 1)))

EXERCISES = (
    Exercise(
        name="linear",
        title="A linear layer",
        level=1,
        points=5,
        minutes=20,
        asked=(Asked(linear.forward, LINEAR, ("y",), linear.backward),),
        hint="Each entry of W is used once for every row of x; x may have more than two axes.",
        like="linear",
    ),
    Exercise(
        name="tanh_sigmoid",
        title="The hyperbolic tangent and the logistic sigmoid",
        level=1,
        points=5,
        minutes=20,
        asked=(
            Asked(tanh.forward, draw_wide, ("y",), tanh.backward, prefix="tanh_"),
            Asked(sigmoid.forward, draw_wide, ("y",), sigmoid.backward, prefix="sigmoid_"),
        ),
        hint="Both derivatives can be written with the output alone. Try x = -800 and x = 800.",
        like="",
    ),
    Exercise(
        name="conv2d",
        title="A convolution, forward and backward",
        level=2,
        points=12,
        minutes=90,
        asked=(Asked(conv2d.forward, MAPS, ("y",), conv2d.backward, without=("kernel", "need_dx")),),
        hint="Every product x W of F1 adds dy W to one pixel of dx, and dy x to one entry of dW. Windows overlap: add.",
        like="conv2d",
    ),
    Exercise(
        name="maxpool2d",
        title="Max-pooling with windows that overlap",
        level=2,
        points=10,
        minutes=45,
        asked=(Asked(maxpool2d.forward, draw_overlapping, ("y",), maxpool2d.backward),),
        hint="One pixel can be the maximum of several windows. Rows that fill no window get no gradient.",
        like="maxpool2d",
    ),
)

"""Exercises on layers without time."""

import numpy as np

from minireid.layers import linear
from minireid.practice.exercises.draws import sizes, uniform
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs


def draw_linear(rng: np.random.Generator) -> Inputs:
    """x of two or three axes."""
    N, T, D, O = sizes(rng, 4)
    batch = (N, T) if rng.integers(2) else (N,)
    return Inputs((uniform(rng, *batch, D), {"W": uniform(rng, D, O), "b": uniform(rng, O)}))


EXERCISES = (
    Exercise(
        name="linear",
        title="A linear layer",
        level=1,
        points=5,
        minutes=20,
        asked=(Asked(linear.forward, draw_linear, ("y",), linear.backward),),
        hint="Each entry of W is used once for every row of x; x may have more than two axes.",
        like="linear",
    ),
)

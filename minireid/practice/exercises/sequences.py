"""Exercises on recurrent units and on time."""

import numpy as np

from minireid.layers import gru
from minireid.practice.exercises.draws import sizes, uniform
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs


def draw_step(rng: np.random.Generator) -> Inputs:
    N, D, S = sizes(rng, 3)
    p = gru.init(rng, D, S, dtype=np.float64)
    return Inputs((uniform(rng, N, D), uniform(rng, N, S), {name: 2 * value for name, value in p.items()}))


EXERCISES = (
    Exercise(
        name="gru_step",
        title="One step of a GRU",
        level=2,
        points=10,
        minutes=60,
        asked=(Asked(gru.step_forward, draw_step, ("h",), gru.step_backward),),
        hint="Count the uses of h' in F1 to F5: dh_prev is a sum with one term for each.",
        like="gru/step",
    ),
)

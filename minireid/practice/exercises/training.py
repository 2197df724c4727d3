"""Exercises on derivatives from values, optimisers, a step of training and a whole network."""

from functools import partial

import numpy as np

from minireid.practice.exercises.draws import sizes, uniform
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.exercises.pages import complex_step, differences, training_step, two_levels
from minireid.practice.grading.wire import Code
from minireid.training import optimisers

SMOOTH = (
    "lambda x: float(np.sum(np.exp(x) * np.sin(2 * x)) + np.prod(np.cos(x)))",
    "lambda x: float(np.sum(x**4) - np.sum(x) ** 3)",
    "lambda x: float(np.log(np.sum(np.exp(2 * x))))",
)
HUGE = (
    "lambda x: 1e9 + np.sum(np.exp(x) * np.sin(2 * x))",
    "lambda x: np.sum(np.exp(x) / (np.sin(x) ** 3 + 4)) - 3e9",
    "lambda x: 2e9 + np.log(np.sum(np.exp(x)))",
)
LOSSES = (
    'lambda x, p: (float(np.sum((x @ p["W"] + p["b"]) ** 2)), '
    '{"W": 2 * x.T @ (x @ p["W"] + p["b"]), "b": 2 * (x @ p["W"] + p["b"]).sum(axis=0)})',
    'lambda x, p: (float(np.sum(np.sin(x @ p["W"] + p["b"]))), '
    '{"W": x.T @ np.cos(x @ p["W"] + p["b"]), "b": np.cos(x @ p["W"] + p["b"]).sum(axis=0)})',
)


def draw_smooth(rng: np.random.Generator) -> Inputs:
    shape = sizes(rng, int(rng.integers(1, 4)), 2, 4)
    return Inputs((Code(str(rng.choice(SMOOTH))), uniform(rng, *shape), 0.02))


def draw_huge(rng: np.random.Generator) -> Inputs:
    return Inputs((Code(str(rng.choice(HUGE))), uniform(rng, *sizes(rng, int(rng.integers(1, 4)), 2, 4))))


def draw_direction(rng: np.random.Generator) -> Inputs:
    code, x = draw_huge(rng).arrays
    return Inputs((code, x, uniform(rng, *x.shape)))


def draw_update(rng: np.random.Generator, first: bool, dampening: float) -> Inputs:
    """The first step, or a later one."""
    shape = sizes(rng, 2)
    state = {} if first else {"v": uniform(rng, *shape)}
    config = {"learning_rate": 0.3, "momentum": float(rng.uniform(0.5, 0.9)), "dampening": dampening}
    return Inputs((uniform(rng, *shape), uniform(rng, *shape), state), config)


def draw_batch(rng: np.random.Generator, first: bool) -> Inputs:
    """The first step, or a later one. About half of the gradients are clipped."""
    N, D, S = sizes(rng, 3)
    p = {"W": uniform(rng, D, S), "b": uniform(rng, S)}
    velocity = {} if first else {"W": uniform(rng, D, S), "b": uniform(rng, S)}
    config = {"learning_rate": 0.1, "momentum": float(rng.uniform(0.5, 0.9)), "limit": 1.5}
    return Inputs((uniform(rng, N, D), p, velocity, Code(str(rng.choice(LOSSES)))), config)


def draw_clips(rng: np.random.Generator) -> Inputs:
    N, T, D = sizes(rng, 3)
    p = {name: {"g": uniform(rng, D), "b": uniform(rng, D)} for name in ("shared", "last")}
    return Inputs((uniform(rng, N, T, D), p))


UPDATES = tuple(partial(draw_update, first=f, dampening=d) for f, d in ((False, 0.4), (True, 0.4), (False, 0.0)))
BATCHES = (partial(draw_batch, first=False), partial(draw_batch, first=True))

EXERCISES = (
    Exercise(
        name="finite_differences",
        title="Derivatives by differences",
        level=1,
        points=5,
        minutes=25,
        asked=(
            Asked(differences.central, draw_smooth, ("D",), changes=("x",)),
            Asked(differences.richardson, draw_smooth, ("R",), changes=("x",)),
        ),
        hint="Divide by the distance of the two points, which is 2 h. x must be as before after the call.",
    ),
    Exercise(
        name="complex_step",
        title="Derivatives by the complex step",
        level=1,
        points=5,
        minutes=20,
        asked=(
            Asked(complex_step.gradient, draw_huge, ("gradient",), changes=("x",)),
            Asked(complex_step.along, draw_direction, ("derivative",)),
        ),
        hint="A copy of x must be complex before the imaginary step is added. Any h from 1e-20 down works.",
    ),
    Exercise(
        name="sgd",
        title="Gradient descent with momentum",
        level=1,
        points=5,
        minutes=15,
        asked=(Asked(optimisers.sgd, UPDATES, ("state",), changes=("p",)),),
        hint="p -= ... changes the caller's array; p = p - ... makes a new one. At the first step, v is g itself.",
    ),
    Exercise(
        name="training_step",
        title="One step of training",
        level=2,
        points=8,
        minutes=40,
        asked=(Asked(training_step.training_step, BATCHES, ("loss",), changes=("p", "velocity")),),
        hint="The order counts: clip the gradient first, then add the momentum. p and velocity are the caller's.",
    ),
    Exercise(
        name="network",
        title="The backward of a network, read upwards",
        level=3,
        points=15,
        minutes=60,
        asked=(Asked(two_levels.forward, draw_clips, ("low", "high"), two_levels.backward, given=True),),
        given=(
            two_levels.affine_forward,
            two_levels.affine_backward,
            two_levels.relu_forward,
            two_levels.relu_backward,
            two_levels.mean_forward,
            two_levels.mean_backward,
            two_levels.forward,
        ),
        hint="Go from F7 up to F1. r is used in F3 and F4, p['shared'] in F1 and F4.",
    ),
)

"""Exercises on losses."""

from functools import partial

import numpy as np

from minireid.losses import contrastive_squared, softmax, triplet_hard
from minireid.practice.exercises.draws import sizes, uniform
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs


def draw_logits(rng: np.random.Generator) -> Inputs:
    """In one row a careless exponential overflows; in another the right person's probability is rounded to 0."""
    N, K = sizes(rng, 2)
    x, labels = 2 * uniform(rng, N, K), rng.integers(0, K, N)
    x[0] += 900
    x[1, labels[1]] -= 900
    return Inputs((x,), {"labels": labels})


def draw_pairs(rng: np.random.Generator, weighted: bool) -> Inputs:
    """Rows in several pairs; negative pairs on both sides of the margin."""
    D, persons = sizes(rng, 2, 3, 5)
    x = uniform(rng, 2 * persons, D)
    pairs = rng.permutation(np.stack(np.triu_indices(len(x), k=1), axis=1))[: 3 * persons]
    same = pairs[:, 0] % persons == pairs[:, 1] % persons
    same[:2] = True, False
    distances = np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1)[~same]
    config = {"pairs": pairs, "same": same, "margin": float(np.median(distances)) + 0.01}
    if weighted:
        config["weights"] = rng.uniform(0.1, 1, len(pairs))
    return Inputs((x,), config)


def draw_triplets(rng: np.random.Generator) -> Inputs:
    """All pairs of two or three clips of each of several persons; one clip is alone: it is no anchor."""
    D, persons = sizes(rng, 2, 3, 6)
    person = np.append(np.repeat(np.arange(persons), rng.integers(2, 4, persons)), persons)
    x = uniform(rng, len(person), D) + person[:, None] * 0.3
    pairs = rng.permutation(np.stack(np.triu_indices(len(x), k=1), axis=1))
    same = person[pairs[:, 0]] == person[pairs[:, 1]]
    return Inputs((x,), {"pairs": pairs, "same": same, "margin": float(rng.uniform(0.2, 0.6))})


PAIRS = (partial(draw_pairs, weighted=False), partial(draw_pairs, weighted=True))

EXERCISES = (
    Exercise(
        name="softmax",
        title="Softmax and cross-entropy",
        level=1,
        points=8,
        minutes=30,
        asked=(Asked(softmax.forward, draw_logits, ("loss",), softmax.backward),),
        hint="Each row of dx sums to 0. The loss is a mean. Logits may be 900.",
        like="softmax",
    ),
    Exercise(
        name="contrastive",
        title="The contrastive loss of Siamese twins",
        level=2,
        points=10,
        minutes=50,
        asked=(Asked(contrastive_squared.forward, PAIRS, ("loss",), contrastive_squared.backward),),
        hint="A row may be in several pairs: its gradient is a sum, and NumPy's += with an index array keeps one term.",
        like="contrastive_squared",
    ),
    Exercise(
        name="triplet",
        title="The triplet loss with the hardest triplets",
        level=3,
        points=12,
        minutes=75,
        asked=(Asked(triplet_hard.forward, draw_triplets, ("loss",), triplet_hard.backward, without=("weights",)),),
        hint="One pair can be the hardest of several anchors. A row without a positive pair is no anchor.",
        like="triplet_hard",
    ),
)

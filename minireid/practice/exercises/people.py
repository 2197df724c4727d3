"""Exercises on evaluation and on what a batch holds."""

from typing import Any

import numpy as np

from minireid.evaluation import ranking
from minireid.practice.exercises.draws import sizes
from minireid.practice.exercises.exercise import Asked, Exercise, Inputs
from minireid.practice.exercises.pages import pair_sampler
from minireid.practice.grading.wire import Seed

PAIRS = 300  # so many that each clip that fits is drawn, but for a chance of 1e-6


def draw_scores(rng: np.random.Generator) -> Inputs:
    """Ties and NaN, one or several true matches, more entries than probes."""
    P, persons = sizes(rng, 2, 4, 8)
    gallery = rng.permutation(np.concatenate([np.arange(persons), rng.integers(0, persons, persons)]))
    score = rng.integers(0, 6, (P, len(gallery))) / 5
    score[rng.random(score.shape) < 0.08] = np.nan
    return Inputs((score, rng.integers(0, persons, P), gallery))


def draw_ranked(rng: np.random.Generator) -> Inputs:
    return Inputs(draw_scores(rng).arrays, {"ranks": [1, 2, int(rng.integers(3, 6))]})


def draw_clips(rng: np.random.Generator) -> Inputs:
    """Persons with clips of two or three cameras, in any order."""
    persons = int(rng.integers(3, 6))
    clips = [(n, c) for n in range(persons) for c in range(int(rng.integers(2, 4))) for _ in range(rng.integers(1, 3))]
    person, camera = np.array([clips[k] for k in rng.permutation(len(clips))]).T
    return Inputs((Seed(int(rng.integers(2**31))), 10 + person, camera, PAIRS))


def judge_pairs(draws: list[Inputs], came: list[Any]) -> list[tuple[str, bool]]:
    """The last draw is the one before it, again: the generator alone decides."""
    rules: dict[str, list[bool]] = {}
    for draw, results in zip(draws, came):
        for name, ok in facts(draw, results).items():
            rules.setdefault(name, []).append(ok)
    found = [(name, all(each)) for name, each in rules.items()]
    repeated = all(np.array_equal(a, b) for a, b in zip(first(came[-2]), first(came[-1])))
    return [*found, ("random by rng alone", repeated and all(ok for _, ok in found[:1]))]


def first(results: Any) -> tuple[Any, ...]:
    return tuple(results) if isinstance(results, (tuple, list)) else (results,)


def facts(draw: Inputs, results: Any) -> dict[str, bool]:
    _, person, camera, P = draw.arrays
    names = ("shapes", "positive: one person", "positive: two cameras", "negative: two persons", "same",
             "every clip can be drawn", "persons alike")  # fmt: skip
    try:
        pairs, same = (np.asarray(part) for part in results)
        shaped = pairs.shape == (2 * P, 2) and same.shape == (2 * P,) and pairs.dtype.kind in "iu"
        inside = shaped and pairs.min() >= 0 and pairs.max() < len(person)
    except (TypeError, ValueError):
        inside = False
    if not inside:
        return dict.fromkeys(names, False)
    i, j = pairs[:P].T
    k, m = pairs[P:].T
    counts = np.unique(person[i], return_counts=True)[1]
    return dict(
        zip(
            names,
            (
                True,
                bool((person[i] == person[j]).all()),
                bool((camera[i] != camera[j]).all()),
                bool((person[k] != person[m]).all()),
                same.dtype.kind in "biu" and bool((same == (np.arange(2 * P) < P)).all()),
                len(np.unique(pairs[:P])) == len(np.unique(pairs[P:])) == len(person),
                len(counts) == len(np.unique(person)) and bool(np.abs(counts / P - 1 / len(counts)).max() < 0.14),
            ),
        )
    )


EXERCISES = (
    Exercise(
        name="cmc_map",
        title="The CMC curve and mAP",
        level=2,
        points=10,
        minutes=60,
        asked=(
            Asked(ranking.cmc, draw_ranked, ("CMC",), without=("allowed",)),
            Asked(ranking.mean_average_precision, draw_scores, ("mAP",), without=("allowed",)),
        ),
        hint="Work the example of F1 to F4 by hand first. A comparison with NaN is always false.",
    ),
    Exercise(
        name="pair_sampler",
        title="Pairs for a batch",
        level=2,
        points=8,
        minutes=45,
        asked=(Asked(pair_sampler.draw_pairs, draw_clips, ("pairs", "same"), judge=judge_pairs),),
        hint="Draw the person first, then the clips: else persons with many clips are drawn too often.",
    ),
)

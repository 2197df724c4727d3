"""Other inputs of the same shapes: numbers in another order, larger, smaller, negative; masks with turned entries."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minireid.base.trees import map_leaves
from minireid.gradcheck.front.arguments import Constant
from minireid.gradcheck.tensor.draws import stream
from minireid.gradcheck.tensor.problem import Problem

SIGNS = ", with random signs"
By = Callable[[np.random.Generator, tuple[int, ...]], Any]
# What every number is multiplied by, in words and as a function; the mildest first.
FACTORS: tuple[tuple[str, By], ...] = (
    ("", lambda rng, shape: 1.0),
    (", times random factors from 0.1 to 10", lambda rng, shape: 10.0 ** rng.uniform(-1, 1, shape)),
    (", times 10", lambda rng, shape: 10.0),
    (", times 0.1", lambda rng, shape: 0.1),
    (", times 100", lambda rng, shape: 100.0),
)


def others(problem: Problem, masks: list[str], drawn: bool) -> Iterator[tuple[str, Problem]]:
    """(what was changed, in words; the problem at other inputs, without an upstream gradient). The mildest come first.

    masks: the arguments of which entries are turned first. drawn: whether the checker drew the inputs. Then an array of
    positive numbers is meant to be so, and stays positive.
    """
    if masks:
        yield f"some entries of {', '.join(masks)} turned", turned(problem, masks)
    for signs in ("", SIGNS):
        for factor, by in FACTORS:
            change = f"all numbers in another order{factor}{signs}"
            yield change, changed(problem, by, bool(signs), drawn, stream(problem.seed, "other inputs", change))


def changed(problem: Problem, by: By, signs: bool, drawn: bool, rng: np.random.Generator) -> Problem:
    """The problem with the entries of each array in another order, times a factor, with random signs if wished."""

    def one(array: np.ndarray) -> np.ndarray:
        positive = drawn and bool(np.all(array > 0))
        sign = rng.choice([-1.0, 1.0], size=array.shape) if signs and not positive else 1.0
        return np.asarray(rng.permutation(array.ravel()).reshape(array.shape) * by(rng, array.shape) * sign)

    return replace(problem, arrays=tuple(map_leaves(one, a) for a in problem.arrays), upstream=None)


def one_sided_masks(problem: Problem) -> list[str]:
    """The names of the arguments that are masks, all True or all False. Of other dtypes: 1 or 0, and called a mask."""
    frame = problem.whole
    given = {n: s.value for n, s in zip(frame.names, frame.skeletons) if isinstance(s, Constant)} | problem.config
    return [n for n, v in given.items() if isinstance(v, np.ndarray) and (v.dtype == bool or "mask" in n) and alike(v)]


def alike(mask: np.ndarray) -> bool:
    return mask.dtype.kind in "biuf" and mask.size > 1 and bool(np.all(mask == 1) or np.all(mask == 0))


def turned(problem: Problem, masks: list[str]) -> Problem:
    """The same with the last entries of every second row of these masks turned: no row is masked as a whole."""

    def one(name: str, value: Any) -> Any:
        if name not in masks:
            return value
        rows = np.array(value).reshape(-1, next(size for size in reversed(value.shape) if size > 1))
        columns = np.s_[::2, (rows.shape[1] + 1) // 2 :]
        rows[columns] = 1 - rows[columns].astype(int)
        return rows.reshape(value.shape)

    frame = problem.whole
    skeletons = tuple(
        Constant(one(name, s.value)) if isinstance(s, Constant) else s for name, s in zip(frame.names, frame.skeletons)
    )
    config = {name: one(name, value) for name, value in problem.config.items()}
    return replace(problem, frame=replace(frame, skeletons=skeletons), config=config, upstream=None)

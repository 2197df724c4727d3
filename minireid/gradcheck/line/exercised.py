"""Conditions that took one side only in a run: what is wrong on the other side, no gradient check can see.

    mask = gap > 0              True everywhere in this run: a backward that forgets the mask comes out right

So other inputs are drawn until both sides were seen, and the gradients are checked there. Inputs that forward or
backward does not take (an exception, a warning, NaN) are passed over: a right program may be made for positive numbers.
What never took its other side was not looked at, and that is said.
"""

import contextlib
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves
from minireid.gradcheck.line.condition_taps import Condition
from minireid.gradcheck.line.conditions import Recorder, Run
from minireid.gradcheck.tensor.compare import compare
from minireid.gradcheck.tensor.others import SIGNS, one_sided_masks, others
from minireid.gradcheck.tensor.problem import Problem
from minireid.gradcheck.tensor.proof import proof
from minireid.gradcheck.tensor.slopes import Slopes

MOST = 3  # notes
SECONDS = 1.0  # of processor time, after which nothing more is drawn
CLEAR = 1e-3  # relative error: less may be rounding at other inputs
ENTRIES = 200  # of a tensor that are compared


@dataclass
class Elsewhere:
    """other: the problem at inputs where gradients are wrong, without an upstream gradient; None if none were found.

    change: what was done to the inputs; place: the condition that took its other side there, both in words.
    wrong: names of tensors. notes: what was not looked at.
    """

    other: Problem | None = None
    change: str = ""
    place: str = ""
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def elsewhere(problem: Problem, method: str, drawn: bool) -> Elsewhere:
    """What comes of other inputs. problem: of float64 arrays, with an upstream gradient; its gradients are right.

    method: of Slopes. drawn: whether the checker drew the inputs. Then an array of positive numbers is meant to be so.
    """
    masks = one_sided_masks(problem)
    recorder = Recorder(bool(masks))
    with recorder.following(problem.gradients):
        search = Search(recorder, recorder.run(problem.gradients), masks)
        end = time.thread_time() + SECONDS
        for change, other in others(problem, masks, drawn):
            if not search.open() or time.thread_time() > end:
                break
            found = search.look(change, other, method)
            if found is not None:
                return found
    return Elsewhere(notes=search.notes())


class Search:
    """seen: the sides of each condition so far. alive: conditions that other inputs change: they depend on values.

    left: so many more runs are needed to know which: a sum is the same in another order. near: conditions whose numbers
    get near to 0 with the inputs. signs: whether inputs with random signs were taken.
    """

    def __init__(self, recorder: Recorder, first: Run, masks: list[str]) -> None:
        self.recorder, self.first, self.left = recorder, first, 3 if masks else 2
        self.seen = {number: set(sides) for number, sides in first.seen.items()}
        self.alive = {n for n in self.seen if self.condition(n).kind == "mask" and self.condition(n).text in masks}
        self.near: set[int] = set()
        self.signs = False

    def open(self) -> list[int]:
        """Conditions of which a side is lacking, and that may depend on values."""
        found = [n for n in self.seen if self.lacks(n) and not self.condition(n).guard]
        return found if self.left > 0 else [n for n in found if n in self.alive]

    def look(self, change: str, other: Problem, method: str) -> Elsewhere | None:
        """Run with other inputs, and check the gradients if a lacking side occurs. None where they are right."""
        try:
            with strictly():
                other = upstream_of(other)
                run = self.recorder.run(other.gradients)
        except Exception:  # nobody has promised to take such inputs
            return None
        self.alive |= {n for n, print_ in run.prints.items() if print_ != self.first.prints.get(n)}
        new = [n for n, sides in self.seen.items() if run.seen.get(n, set()) - sides]
        if any(self.condition(n).guard for n in new):
            return None
        self.left -= 1
        self.signs |= change.endswith(SIGNS)
        self.near |= {n for n, least in run.nearest.items() if least < 0.5 * self.first.nearest.get(n, 0)}
        wrong = wrong_tensors(other, method) if new else []
        if wrong and not self.of_gradients_only(new, other, method):
            place = self.place(new[0])
            return Elsewhere(replace(other, upstream=None), change, place, wrong)
        if wrong is not None:
            for n in new:
                self.seen[n] |= run.seen[n]
        return None

    def of_gradients_only(self, numbers: list[int], problem: Problem, method: str) -> bool:
        """Whether conditions limit large gradients, and do no more: without them all is right, and y is the same."""
        usual = {n: next(iter(self.seen[n])) for n in numbers}
        y = list(leaves(problem.call(problem.forward)[0]))
        self.recorder.forced = usual
        try:
            same = all(np.array_equal(a, b) for (_, a), (_, b) in zip(y, leaves(problem.call(problem.forward)[0])))
            return same and wrong_tensors(problem, method) == []
        except Exception:  # then they do more
            return False
        finally:
            self.recorder.forced = {}

    def notes(self) -> list[str]:
        """Sentences, one for each place, on what was not looked at. A length that only gets near to 0 needs none."""
        told = {self.first.prints.get(n): self.place(n) for n in self.open() if not (self.signs and n in self.near)}
        return [f"not looked at: {place}" for place in dict.fromkeys(told.values())][:MOST]

    def place(self, number: int) -> str:
        condition = self.condition(number)
        return f"line {condition.line} in {condition.function}, {condition.words(self.lacks(number))}"

    def condition(self, number: int) -> Condition:
        return self.recorder.conditions[number]

    def lacks(self, number: int) -> set[Any]:
        return self.condition(number).lacks(self.seen[number])


def upstream_of(problem: Problem) -> Problem:
    """The problem with an upstream gradient. Raises ValueError where its result contains NaN or infinity."""
    if not all(np.all(np.isfinite(a)) for _, a in leaves(problem.call(problem.forward)[0])):
        raise ValueError("forward has no value there")
    return problem.drawn()


def wrong_tensors(problem: Problem, method: str) -> list[str] | None:
    """The names of the tensors with a wrong gradient; None if it cannot be said."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            slopes = Slopes(problem, method)
            if proof(problem, slopes)(problem.backward):
                return []
            gradients = dict(leaves(problem.gradients()))
            found = [compare(name, gradients.get(name), slopes, ENTRIES) for name in slopes.real]
    except Exception:  # a little beside inputs that it takes there may be others
        return None
    wrong = [t.name for t in found if not (t.ok or t.unchecked or t.fault) and t.error > CLEAR]
    return wrong or (None if any(not t.ok for t in found) else [])


@contextlib.contextmanager
def strictly() -> Iterator[None]:
    """A warning, an overflow, a division by zero or NaN is an exception."""
    with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        yield

"""Values of a large program for a line that is wrong: a few entries are measured.

The line may have been searched for on smaller arrays (tensor/smaller.py). The same lines run in the same order there,
so an event has the same number in both.
"""

import functools
from typing import Any

import numpy as np

from minireid.gradcheck.line.trace import BACKWARD, Event, Tracer, run
from minireid.gradcheck.line.truth import Truth
from minireid.gradcheck.tensor.compare import chosen
from minireid.gradcheck.tensor.problem import Problem

ENTRIES = 24  # of a value that are measured


class Whole:
    """One run of the forward and of the backward of the person's own problem, recorded when it is asked for."""

    def __init__(self, problem: Problem, tracer: Tracer) -> None:
        self.problem, self.tracer = problem, tracer

    @functools.cached_property
    def truth(self) -> Truth:
        return Truth(self.problem, self.tracer)

    def worst(self, event: Event, claim: Event) -> dict[str, Any]:
        """index, computed, true and wrong of a Line, for an event of the backward that everything before is right for.

        event, claim: of the smaller problem. Empty where no entry that was measured is wrong.
        """
        value = self.value(event)
        known = {(e.number, e.leaf): e for e in (*self.truth.events, *self.truth.inputs.values())}
        own = known.get((claim.number, claim.leaf))
        if value is None or own is None or value.shape != own.shape:
            return {}
        indices = chosen(value.shape, ENTRIES, self.problem.seed, event.name)
        true = np.array([self.derivative(own, index) for index in indices])
        computed = np.array([value[index] for index in indices])
        off = np.nan_to_num(np.abs(computed - true), nan=np.inf)
        count, worst = int((off > 1e-7 * np.abs(true).max()).sum()), int(np.argmax(off))
        if not count:
            return {}
        looked_at = f"{count} of {off.size} entries wrong" + f", {off.size} of {value.size} compared" * (
            off.size < value.size
        )
        return {"index": indices[worst], "computed": float(computed[worst]), "true": float(true[worst]),
                "wrong": looked_at}  # fmt: skip

    def derivative(self, event: Event, index: tuple[int, ...]) -> float:
        """dL / dv at one entry."""
        u = np.zeros(event.shape)
        u[index] = 1
        return sum(self.truth.safely_along(use, u) for use in event.uses or (event,))

    def value(self, event: Event) -> np.ndarray | None:
        """The value that the event has in the backward; None if there is none."""
        found: list[np.ndarray] = []

        def keep(own: Event, array: Any) -> Any:
            if (own.number, own.leaf, own.site.number) == (event.number, event.leaf, event.site.number):
                found.append(np.array(array))
            return array

        mine = self.problem.copied()

        def call(cache: Any) -> None:
            if mine.one_call:
                mine.from_one_call(mine.backward)
            else:
                mine.run(mine.backward, mine.upstream, cache)

        run(self.tracer, BACKWARD, call, prepare=mine.cache, mend=keep)
        self.tracer.off()
        return found[-1] if found else None

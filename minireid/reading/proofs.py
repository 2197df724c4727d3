"""Is a value of the backward the true derivative? The checker's claims say by what; its measurements say whether."""

import numpy as np

from minireid.gradcheck.line.judge import Judge
from minireid.gradcheck.line.trace import Event
from minireid.reading.place import TRUE, Place


class Proofs:
    """Proves or refutes the gradients of one run, with what the checker has found out about it."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.truth = judge, judge.truth

    def prove(self, place: Place, key: str, event: Event) -> None:
        """Compare a value of the backward with the true derivative by what it claims to be."""
        judge, claims = self.judge, self.claims_of(event)
        fits = [c for c in claims if c.shape == event.shape and not self.truth.nowhere(c)]
        factor = judge.wanted_factor(event)
        right = [c for c in fits if self.truth.is_right(event, c, factor)]
        if not fits:
            right = [c for c in [judge.recognise(event)] if c is not None]
        if not fits and not right and claims and claims[0].value is not None and not judge.no_gradient(event):
            self.other_shape(place, key, claims[0])
            return
        believed = event.site.number not in judge.ignored or (event.kind == "item" and self.of_this_call(event, fits))
        if judge.no_gradient(event) or not (right or (fits and believed)):
            return
        claim = right[0] if right else fits[min(judge.choices.get(event.site.number, 0), len(fits) - 1)]
        place.claim = (claim.name, claim.frame.function)
        if event.value is None or event.value.size > judge.largest:
            place.errors[key] = relative(event.print, factor * self.truth.print(claim))
            return
        true = factor * self.truth.full(claim)
        place.errors[key] = relative(event.value, true)
        if place.errors[key] > TRUE:
            place.true[key] = true

    def of_this_call(self, event: Event, claims: list[Event]) -> bool:
        """Whether an entry of a dict has the name of what the same call of the forward was given: "Uz" and p["Uz"]."""
        pair = self.judge.claims.pair(event.frame)
        return pair is not None and any(claim.frame.number == pair.number for claim in claims[:1])

    def other_shape(self, place: Place, key: str, claim: Event) -> None:
        """A value that has not the shape of what it claims to be the derivative by."""
        place.claim = (claim.name, claim.frame.function)
        place.errors[key] = float("inf")
        place.true[key] = self.truth.full(claim)

    def claims_of(self, event: Event) -> list[Event]:
        """What the checker takes it for; then the same variable as in the other rounds of the loop."""
        judge = self.judge
        found = list(judge.claimed.get((event.number, event.leaf)) or [])
        for other in judge.plain.events if event.loops else ():
            if other.site is event.site and other.loops != event.loops:
                for claim in (judge.claimed.get((other.number, other.leaf)) or [])[:1]:
                    there = judge.counterpart(claim, other, event)
                    if there is not None and there not in found:
                        found.append(there)
        return found


def relative(value: np.ndarray, true: np.ndarray) -> float:
    """The largest error, relative to the largest true entry; of what should be 0, the error itself."""
    value, true = np.asarray(value, float), np.asarray(true, float)
    scale = np.abs(true).max() if np.abs(true).max() > 1e-12 else 1.0
    return float(np.abs(value - true).max() / scale)

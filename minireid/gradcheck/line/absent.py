"""What a wrong value lacks: the gradient from one use of the variable, or the contribution of an earlier round."""

from dataclasses import dataclass

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.line.judge import Judge, Run
from minireid.gradcheck.line.pieces import Parts
from minireid.gradcheck.line.trace import Event


@dataclass(frozen=True)
class Absent:
    """cause, and the use in the forward whose gradient is missing (or comes twice).

    near: a line of the backward that has the other gradients of the same line of the forward; 0 where there is none.
    """

    cause: Cause
    text: str
    near: int = 0


def absent(judge: Judge, run: Run, parts: Parts, source: str) -> Absent | None:
    """What the difference between the true value and the computed one says; None if it says nothing.

    source: gives the line of the forward at a number.
    """
    if parts.final is None:
        return None
    event, claim = parts.final
    if event.value is None or claim.value is None or claim.value.size > judge.largest or event.shape != claim.shape:
        return None
    name = shown(event)
    if parts.unreached is not None and parts.blamed is not None:
        use, index = parts.unreached
        rounds = ", ".join(f"{k} = {v}" for k, v in use.loops.items())
        text = f"at {rounds}, nothing is added to {name}{list(index)}: the gradient from line {use.line} (forward)"
        text += " is not 0 there"
        return Absent(Cause.TERM_MISSING, text, parts.blamed.line)
    if parts.missing:
        return lost(judge, run, parts, parts.missing, name)
    if parts.twice and not parts.pieces:
        use = parts.twice[0]
        return Absent(Cause.TERM_EXTRA, f"{name} counts the gradient from the use in line {use.line} (forward) twice")
    whole = still(judge, event, claim)
    if whole is not None:
        cause = Cause.ACTIVATION_MISSING if smooth(judge, event, claim) else Cause.FACTOR_MISSING
        text = f"{name} is still the derivative by what line {whole.line} (forward) computes"
        return Absent(cause, f"{text}: the step back through it is missing")
    rest = judge.wanted(event, claim) - event.value
    lacking = recognised(judge, rest, claim)
    if lacking is not None:
        return lost(judge, run, parts, [lacking], name)
    extra = recognised(judge, -rest, claim)
    if extra is not None and event.norm > 0:
        return Absent(Cause.TERM_EXTRA, f"{name} has the gradient from line {extra.line} (forward) once too often")
    return None


def still(judge: Judge, event: Event, claim: Event) -> Event | None:
    """A later value of the forward that this is the derivative by: a step back was left out."""
    found = judge.recognise(event)
    if found is None or found.kind in ("use", "input") or (found.kind == "part" and found.site.name):
        return None
    if found.value is not None and claim.value is not None and np.array_equal(found.value, claim.value):
        return None  # the same variable under another name
    return found if found.number > claim.number and found.loops == claim.loops and found.line != claim.line else None


def smooth(judge: Judge, event: Event, claim: Event) -> bool:
    """Whether the missing factor has many values, like an activation's derivative, and not two, like a mask."""
    with np.errstate(all="ignore"):
        factor = judge.wanted(event, claim) / event.value
    return len(np.unique(np.round(factor[np.isfinite(factor)], 9))) > 2


def lost(judge: Judge, run: Run, parts: Parts, missing: list[Event], name: str) -> Absent:
    (event, claim), use = parts.final, missing[0]  # type: ignore[misc]
    before = [e for e in run.events if e.site is event.site and e.number < event.number]
    for earlier in before:
        found = judge.recognise(earlier)
        plain = event.kind == "assign" or (event.kind == "store" and not event.site.key and event.index is None)
        if found is not None and plain and found.name == use.name and found.kind in ("use", "argument"):
            return Absent(
                Cause.ASSIGNS, f"the line replaces what {name} had from line {use.line} (forward): it has to add"
            )
    later = {k: v for k, v in use.loops.items() if claim.loops.get(k, v) != v}
    if later and not comes_back(judge, missing):
        at = ", ".join(f"{k} = {v}" for k, v in later.items() if " " not in k) or "the next step"
        return Absent(
            Cause.NOT_CARRIED,
            f"{name} lacks the gradient that comes back from the use in line {use.line} (forward) at {at}",
        )
    unused = computed_elsewhere(judge, run, event, use)
    if unused is not None:
        text = (
            f"{unused.name} (line {unused.line}) is the gradient from line {use.line} (forward), and is added nowhere"
        )
        return Absent(Cause.TERM_MISSING, f"{name} lacks a term: {text}", unused.line)
    result = made_later(judge, run, event, use)
    if result is not None:
        where = (
            f"; a line is missing after line {result.line}, where {shown(result)} is: the gradient by that line's value"
        )
        text = f"{name} lacks the gradient from the use in line {use.line} (forward){where}"
        return Absent(Cause.TERM_MISSING, text, result.line)
    near, where = place(judge, run, parts, event, use)
    return Absent(
        Cause.TERM_MISSING, f"{name} lacks the gradient from the use in line {use.line} (forward){where}", near
    )


def made_later(judge: Judge, run: Run, event: Event, use: Event) -> Event | None:
    """The gradient by a value of the statement of a use, if the backward has it only after the incomplete value.

    Then the missing term could not stand in the line of the value: it belongs below this gradient.
    """
    values = [e for e in judge.truth.events if e.kind in ("assign", "store", "part") and e.frame is use.frame
              and e.site.statement == use.site.statement and e.loops == use.loops]  # fmt: skip
    later = [e for e in run.events if e.frame is event.frame and e.execution > event.execution
             and e.kind in ("assign", "add") and e.loops == event.loops]  # fmt: skip
    return next((e for e in reversed(later) if any(judge.truth.is_right(e, v) for v in values)), None)


def place(judge: Judge, run: Run, parts: Parts, event: Event, use: Event) -> tuple[int, str]:
    """(line, words): where the gradient from a use would be added; (0, "") where the line itself should have it."""
    if len({e.site.statement for e in parts.group if e.norm > 0}) > 1:
        near = parts.group[-1].line
        return near, f"; a line is missing near line {near}, where the other terms are added"
    if event.kind in ("add", "store", "return") or event.norm == 0:  # else it is a sum in one line
        near = beside(judge, run, event, use)
        return near, f"; a line is missing near line {near}, where the other gradients of that line are" if near else ""
    return 0, ""


def comes_back(judge: Judge, missing: list[Event]) -> bool:
    """Whether something comes back from the round of a missing use: the same variable has other uses in that round."""
    use = missing[0]
    same = [e for e in judge.claims.in_frame[use.frame.number] if e.kind == use.kind == "use" and e.name == use.name
            and e.loops == use.loops and np.array_equal(e.print, use.print)
            and np.any(np.abs(judge.truth.print(e, 1)) > 1e-13)]  # fmt: skip
    return any(all(e is not m for m in missing) for e in same)


def computed_elsewhere(judge: Judge, run: Run, event: Event, use: Event) -> Event | None:
    """A value of the backward under another name that is the missing gradient."""
    others = [e for e in run.events if e.kind == "assign" and e.shape == use.shape and e.name != event.name]
    return next((e for e in others if judge.truth.is_right(e, use)), None)


def beside(judge: Judge, run: Run, event: Event, use: Event) -> int:
    """The line of the backward, in the same function, that has a gradient by another variable of the use's line."""
    for other in run.events:
        if other.site.function == event.site.function and other.kind in ("assign", "add") and other.name != event.name:
            found = judge.recognise(other)
            if found is not None and found.kind == "use" and found.site.statement == use.site.statement:
                return other.line
            claims = judge.claimed.get((other.number, other.leaf)) or []
            if found is not None and any(used_only_in(judge, c, use) for c in claims):
                return other.line
    return 0


def used_only_in(judge: Judge, claim: Event, use: Event) -> bool:
    """Whether a variable of the forward is used in the statement of the use alone."""
    uses = [e for e in judge.claims.in_frame[claim.frame.number] if e.kind == "use" and e.name == claim.name
            and np.any(np.abs(judge.truth.print(e, 1)) > 1e-13)]  # fmt: skip
    return bool(uses) and all(e.site.statement == use.site.statement for e in uses)


def recognised(judge: Judge, value: np.ndarray, claim: Event) -> Event | None:
    """The use in the forward whose gradient the value is."""
    if not np.any(value):
        return None
    print_, norm = judge.truth.tracer.print_of(value), float(np.linalg.norm(value))
    near = [e for e in judge.truth.by_shape[value.shape] if e is not claim]
    near.sort(key=lambda e: (e.kind not in ("use", "part"), abs(e.number - claim.number)))
    return next((e for e in near if judge.truth.is_by(print_, norm, e)), None)


def shown(event: Event) -> str:
    """The name of a value: dz, ["W"], what is returned first."""
    if event.kind == "return":
        return f"what is returned ({event.name})" if event.leaf else event.site.name
    return f'["{event.site.key}"]' if event.kind == "item" else event.name

"""A value that is no variable's derivative by its name is judged by the sum that it is a term of.

`dh = dout[t] + dh_next` claims to be the derivative by `h`. So what `dh_next` should be is the true `dh` less
`dout[t]`. If the forward has a value whose derivative that is, `dh_next` claims it from now on. The line that computes
`dh_next` is then judged like any other.
"""

from collections.abc import Iterator

import numpy as np

from minireid.gradcheck.line.follow import Program, terms_of
from minireid.gradcheck.line.judge import LARGEST, Fault, Judge, Run
from minireid.gradcheck.line.pieces import Pieces, expression_name
from minireid.gradcheck.line.trace import Event

DEEPEST = 3  # sums of sums


def claim_summands(judge: Judge, program: Program) -> None:
    """Give claims to what wrong sums are made of, as long as some are found."""
    for _ in range(DEEPEST):
        run = judge.mended()
        pieces = Pieces(judge, program, run)
        found = [pair for fault in run.faults.values() for pair in summands(judge, pieces, run, fault)]
        if not found:
            return
        for event, like in found:
            judge.claimed[event.number, event.leaf] = [like]
        others_like(judge, *found[0])
        judge.faults()


def summands(judge: Judge, pieces: Pieces, run: Run, fault: Fault) -> Iterator[tuple[Event, Event]]:
    """(what made a term, the forward's event whose derivative it should be) for the terms without a claim."""
    for event, claim in fault.events:
        if event.value is None or claim.shape != event.shape or event.value.size > LARGEST:
            continue
        lacking = judge.wanted(event, claim) - event.value
        for made, sign, term in terms(pieces, run, event):
            key = (made.number, made.leaf)
            if made.shape != event.shape or judge.claimed.get(key) or key not in judge.final or key in judge.constant:
                continue
            like = judge.like(term + sign * lacking)
            if like is not None:
                yield made, like


def terms(pieces: Pieces, run: Run, event: Event) -> Iterator[tuple[Event, int, np.ndarray]]:
    """(where it was assigned, its sign, its value) for each term of the event's sum that is a name."""
    expression = pieces.expression(event)
    nodes = terms_of(expression) if expression is not None else []
    values = pieces.of_sum(pieces.terms.get((event.execution, event.frame.number), []), event)
    for node, term in zip(nodes, values) if len(nodes) == len(values) > 1 else ():
        name = expression_name(node)
        before = [e for e in run.events if name and e.frame is event.frame and e.name == name
                  and e.execution < event.execution and e.kind in ("assign", "add", "store")]  # fmt: skip
        if before and term.value is not None and np.array_equal(before[-1].print, term.print):
            yield before[-1], -1 if term.site.key == "-" else 1, term.value


def others_like(judge: Judge, example: Event, found: Event) -> None:
    """The same place in the other rounds of its loop claims the same variable there."""
    for event in judge.plain.events:
        key = (event.number, event.leaf)
        if event.site is example.site and judge.is_final(event) and not judge.claimed[key]:
            like = judge.counterpart(found, example, event)
            judge.claimed[key] = [like] if like is not None else []

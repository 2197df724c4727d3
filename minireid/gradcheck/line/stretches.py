"""What to run to test a change: from the changed statement to the wrong expression, or to where its sum is complete."""

import ast
from typing import Any

import numpy as np

from minireid.gradcheck.cause.scope import show
from minireid.gradcheck.line.bench import Instance, Stretch, replaced
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.pieces import Piece
from minireid.gradcheck.line.program import Statement, named
from minireid.gradcheck.line.suspects import Suspect
from minireid.gradcheck.line.trace import Event

INSTANCES = 3  # executions of a wrong expression for which a change is tried


def stretches_of(mender: Mender, fault: Fault, suspect: Suspect) -> list[Stretch]:
    """What a change of the suspect is tried with for a fault: made once, and noted in the suspect."""
    if fault.site not in suspect.stretches:
        pieces = [p for parts in mender.parts[fault.site] for p in parts.pieces]
        suspect.stretches[fault.site] = [
            s for s in (of_pieces(mender, pieces, suspect), of_whole(mender, fault, suspect)) if s
        ]
    return suspect.stretches[fault.site]


def of_expressions(mender: Mender, fault: Fault) -> Stretch | None:
    """The wrong expressions of the fault alone."""
    pieces = [p for parts in mender.parts[fault.site] for p in parts.pieces if not p.whole]
    return of_pieces(mender, pieces, None)


def of_pieces(mender: Mender, pieces: list[Piece], start: Suspect | None) -> Stretch | None:
    """A stretch from the suspect's statement to the piece's expression, for some executions of it."""
    if not pieces:
        return None
    first_piece = pieces[0]
    same = [p for p in pieces if p.statement == first_piece.statement
            and (p.read is first_piece.read or ast.dump(p.read) == ast.dump(first_piece.read))][:INSTANCES]  # fmt: skip
    last = mender.program.statements[first_piece.statement]
    statements, first = [], last
    if start is not None and start.statement.function is last.function:
        common = mender.bench.common(start.statement, last)
        if common is None:
            return carried(mender, same, start)
        if common[0][common[2]] is not last.node:
            return None
        block, i, j = common
        statements = block[i : j + (1 if first_piece.whole else 0)]
        first = (
            mender.program.statements[mender.bench.numbers[id(block[i])]]
            if id(block[i]) in mender.bench.numbers
            else last
        )
    elif first_piece.whole:
        statements = [last.node]
    stretch = Stretch(last.function, statements, same[0].read)
    for piece in same:
        execution = mender.latest(first.number, piece.execution, mender.run.frames[piece.execution])
        if execution is None:
            return None
        mender.look({execution})
        if execution not in mender.moments:
            return None
        names = mender.moments[execution].names
        stretch.instances.append(Instance(names, piece.targets, piece.index, {}, piece.spreads, piece.execution))
    return stretch


def carried(mender: Mender, pieces: list[Piece], start: Suspect) -> Stretch | None:
    """From a statement to a piece above it in the same loop: through the end of a round into the next."""
    last = mender.program.statements[pieces[0].statement]
    common = mender.bench.common(last, start.statement)
    if common is None or not last.loops or common[0] is not last.loops[-1].body:  # type: ignore[attr-defined]
        return None
    block, j, i = common
    if block[j] is not last.node or j == i:
        return None
    names = {n.id for n in ast.walk(getattr(last.loops[-1], "target", last.node)) if isinstance(n, ast.Name)}
    stretch = Stretch(last.function, [*block[i:], *block[: j + pieces[0].whole]], pieces[0].read, turn=len(block) - i)
    for piece in pieces:
        frame = mender.run.frames[piece.execution]
        first = mender.bench.numbers.get(id(block[i]))
        top = mender.bench.numbers.get(id(block[0]))
        if first is None or top is None:
            return None
        execution, begin = mender.latest(first, piece.execution, frame), mender.latest(top, piece.execution, frame)
        if execution is None or begin is None or begin <= execution:
            continue
        mender.look({execution, begin})
        if execution in mender.moments and begin in mender.moments:
            counters = {n: v for n, v in mender.moments[begin].names.items() if n in names}
            before = mender.moments[execution].names
            instance = Instance(before, piece.targets, piece.index, counters, piece.spreads, piece.execution)
            stretch.instances.append(instance)
    return stretch if stretch.instances else None


def of_whole(mender: Mender, fault: Fault, start: Suspect) -> Stretch | None:
    """A stretch from the suspect's statement to where the whole sum of the fault is complete."""
    parts = mender.parts[fault.site][0]
    if parts.final is None or parts.birth is None:
        return None
    event, claim = parts.final
    if claim.value is None or event.kind == "argument" or (event.loops and overwritten(mender, event, claim)):
        return None
    at, born = mender.pieces.place(event), mender.pieces.place(parts.birth)
    if at is None or born is None or mender.run.frames[at[0]] is not event.frame:
        return None
    last = at[1]
    read = mender.pieces.reading(event, last)
    if read is None:
        return None
    own = start.statement.function is last.function
    from_ = start.statement if own else born[1]
    block_of_sum = mender.bench.common(born[1], last) or mender.bench.common(last, last)
    common = mender.bench.common(from_, last)
    if common is None or block_of_sum is None:
        return None
    chain = mender.bench.chain(last.function, from_.node)
    positions = [(b, i) for b, i in chain if b is block_of_sum[0]] or (
        [(common[0], common[1])] if len(mender.bench.chain(last.function, born[1].node)) > len(chain) else []
    )
    if not positions:
        return None
    block, i = positions[0]
    ends = [j for b, j in mender.bench.chain(last.function, last.node) if b is block]
    if not ends or ends[0] < i:
        return None
    number = mender.bench.numbers.get(id(block[i]))
    if number is None:
        return None
    statements, instances = block[i : ends[0] + 1], wholes(mender, fault, last, number)
    loop = isinstance(start.statement.node, (ast.For, ast.While))
    if instances and not loop and event.value is not None and event.shape == claim.shape and event.shape:
        target = instances[0].targets[0]
        worst = np.unravel_index(np.argmax(np.abs(target - event.value)), target.shape)
        statements, index = one_entry(statements, last.node, tuple(int(i) for i in worst))
        if index:
            instances = [Instance(instances[0].names, [target[index]], index)]
    return Stretch(last.function, statements, read, instances) if instances else None


def wholes(mender: Mender, fault: Fault, last: Statement, first: int) -> list[Instance]:
    """The names before statement `first` and the whole sum, for some of the fault's wrong executions."""
    found = []
    for event, claim in [parts.final for parts in mender.parts[fault.site][:INSTANCES] if parts.final]:
        at = mender.pieces.place(event)
        judge = mender.judge
        too_large = judge.large and claim.shape and np.prod(claim.shape) > judge.largest
        if at is None or at[1] is not last or claim.value is None or too_large:
            continue
        execution = mender.latest(first, at[0], event.frame)
        mender.look({execution} if execution is not None else set())
        if execution in mender.moments:
            found.append(Instance(mender.moments[execution].names, [mender.judge.wanted(event, claim)]))
    return found


def overwritten(mender: Mender, event: Event, claim: Event) -> bool:
    """Whether each round of a loop replaces what should be one sum: no stretch of one round can make it right."""
    rounds = [e for e in mender.run.events if e.site is event.site and e.name == event.name and e.frame is event.frame]
    single = event.kind == "assign" or (event.kind == "store" and event.index is None and not event.site.key)
    return single and len(rounds) > 1 and not claim.loops


def one_entry(block: list[ast.stmt], store: Any, entry: tuple[int, ...]) -> tuple[list[ast.stmt], tuple[int, ...]]:
    """Loops that go over the entries of an array, for n: for c: dx[n, c, ...] += ..., with the rounds of one entry.

    (block, that part of the entry which the loops choose). It runs as many times faster as there are such rounds.
    """
    target = getattr(store, "target", None) or getattr(store, "targets", [None])[0]
    if not isinstance(target, ast.Subscript):
        return block, ()
    nodes = [n for statement in block for n in ast.walk(statement)]
    same = [
        n for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and named(n) == named(target)
    ]
    loops = {show(n.target): n.iter for n in nodes if isinstance(n, ast.For) and any(i is store for i in ast.walk(n))}
    index: list[int] = []
    for places in zip(entry, *(n.slice.elts if isinstance(n.slice, ast.Tuple) else [n.slice] for n in same)):
        texts = {show(place) for place in places[1:]}
        counter = loops.get(texts.pop())
        if (
            texts
            or counter is None
            or not (isinstance(counter, ast.Call) and show(counter.func) == "range" and len(counter.args) == 1)
        ):
            break
        index.append(int(places[0]))
        once = ast.copy_location(ast.Tuple([ast.Constant(index[-1])], ast.Load()), counter)
        block = [replaced(statement, counter, ast.fix_missing_locations(once)) for statement in block]
    return block, tuple(index)

"""Is a line wrong because the forward kept the wrong thing for it?

Every variable that a wrong expression reads from the cache is replaced by the values that the forward had. If with one
of them the expression is right, the backward's line is innocent: the forward kept another value, or changed it later.
"""

import ast
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minireid.gradcheck.cause.causes import Cause
from minireid.gradcheck.cause.scope import Scope, numeric, show
from minireid.gradcheck.line.bench import Change, Stretch, replaced
from minireid.gradcheck.line.claims import last
from minireid.gradcheck.line.judge import Fault
from minireid.gradcheck.line.keeping import stored_as_is
from minireid.gradcheck.line.mend import activation_of, is_mask
from minireid.gradcheck.line.mender import Mender
from minireid.gradcheck.line.program import Statement, named
from minireid.gradcheck.line.stretches import of_expressions, of_pieces
from minireid.gradcheck.line.suspects import computes, suspects_of
from minireid.gradcheck.line.trace import Event

READ = (ast.Name, ast.Subscript, ast.Attribute)


@dataclass(frozen=True)
class Kept:
    """What the forward should keep. line: what to change there. sure: the variable of this name holds another value."""

    cause: Cause
    text: str
    line: int
    function: str
    sure: bool = False


def wrongly_kept(mender: Mender, fault: Fault) -> Kept | None:
    """What the forward should have kept for the first wrong expression of the fault; None if that is not it."""
    stretch = of_expressions(mender, fault)
    parts = mender.parts[fault.site][0]
    if stretch is None or not stretch.instances or not parts.pieces or mender.judge.problem.one_call:
        return None  # one function has both passes: nothing is kept
    statement = mender.program.statements[parts.pieces[0].statement]
    space = mender.bench.space(statement)
    scope = Scope(stretch.instances[0].names, space, mender.gradients)
    pair = mender.judge.claims.pair(fault.first.frame)
    for node in variables(stretch.read):
        value = scope.value(node)
        if not is_array(value) or scope.is_gradient(show(node)):
            continue
        kept = replace(stretch, read=kept_instead(stretch.read, node))
        for event in forward_values(mender, pair, np.shape(value)):
            trial = with_values(mender, kept, event)
            if trial is not None and mender.bench.right(trial[0], None, space):
                return explained(mender, show(node), value, trial[1], pair)
    return kept_for_others(mender, fault, pair)


def kept_for_others(mender: Mender, fault: Fault, pair: Any) -> Kept | None:
    """The same for the lines that the wrong value is made of."""
    pieces = [p for parts in mender.parts[fault.site] for p in parts.pieces]
    for suspect in [s for s in suspects_of(mender, fault) if s.distance == 1 and computes(mender, s)][:3]:
        root = getattr(suspect.statement.node, "value", None)
        stretch = of_pieces(mender, pieces, suspect)
        if root is None or stretch is None:
            continue
        mender.look({suspect.execution})
        space = mender.bench.space(suspect.statement)
        scope = Scope(mender.moments[suspect.execution].names, space, mender.gradients)
        for node in variables(root):
            value = scope.value(node)
            if not is_array(value) or scope.is_gradient(show(node)) or np.ndim(value) == 0:
                continue
            change = Change(suspect.statement, root, kept_instead(root, node))
            for event in forward_values(mender, pair, np.shape(value)):
                trial = with_values(mender, stretch, event)
                if trial is not None and mender.bench.right(trial[0], change, space):
                    return explained(mender, show(node), value, trial[1], pair)
    return None


def variables(node: ast.expr) -> list[ast.expr]:
    """The names, and the entries of lists and dicts, that an expression reads; each once."""
    found: dict[str, ast.expr] = {}
    waiting = [node]
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, READ):
            found.setdefault(show(here), here)
        waiting += [c for c in ast.iter_child_nodes(here) if isinstance(c, ast.expr)]
    return list(found.values())


def is_array(value: Any) -> bool:
    """Whether a value can be what the forward kept: numbers, a mask, or an array of indices."""
    return numeric(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.ndim > 0)


def forward_values(mender: Mender, pair: Any, shape: tuple[int, ...]) -> list[Event]:
    """Values of the forward that could have been kept: those of the paired call first, one for each place."""
    found: dict[int, Event] = {}
    events = sorted(mender.judge.forward_events, key=lambda e: pair is None or e.frame.number != pair.number)
    for event in events:
        if event.shape == shape and event.value is not None and event.kind not in ("use",):
            found.setdefault(event.site.number, event)
    return list(found.values())


def kept_instead(node: ast.expr, variable: ast.expr) -> ast.expr:
    """The expression with __kept__ wherever it reads a variable."""
    text = show(variable)
    for inner in [n for n in ast.walk(node) if isinstance(n, READ) and show(n) == text]:
        node = replaced(node, inner, ast.copy_location(ast.Name("__kept__", ast.Load()), inner))
    return node


def with_values(mender: Mender, stretch: Stretch, event: Event) -> tuple[Stretch, Event] | None:
    """The stretch with the values of the event's place as __kept__, in the round of each instance; the first event."""
    alike = [e for e in mender.judge.forward_events if e.site is event.site and e.leaf == event.leaf]
    instances, used = [], []
    for instance in stretch.instances:
        pair = mender.judge.claims.pair(mender.run.frames[instance.execution])
        here = next((e for e in mender.run.events if e.execution == instance.execution), None)
        near = [e for e in alike if pair is not None and e.frame.number == pair.number] or alike
        near = [e for e in near if here is None or mender.judge.claims.same_round(e, here)]
        if not near:
            return None
        used.append(near[-1])
        instances.append(replace(instance, names={**instance.names, "__kept__": near[-1].value}))
    return replace(stretch, instances=instances, plain=None), used[0]


def explained(mender: Mender, name: str, value: Any, right: Event, pair: Any) -> Kept:
    """Where the forward goes wrong: it changes what it kept, or keeps something else."""
    events = mender.judge.forward_events
    a, b = np.asarray(value), np.asarray(right.value)
    if later := changed_later(events, right):
        text = f"{name} was kept, and this line changes it in place afterwards: it needs a new array"
        return Kept(Cause.OLD_VALUE, text, later[0].line, later[0].site.function, True)
    wanted = right.name or f"the value computed in line {right.line}"
    sure = bool(right.name) and last(right.name) == last(name.partition("[")[0])
    made = [e for e in events if e.kind in ("assign", "add", "argument") and equal(e, a)]
    own = [e for e in made if right.name and e.name == right.name]
    if own and (same := of_another_moment(mender, name, own[-1], right)):
        return same
    cause = named_by_values(a, b)
    if made and made[-1].kind != "argument" and never_used(mender, made[-1]):
        text = f"the forward keeps {made[-1].name} for the backward, but it needs {wanted} (line {right.line})"
        return Kept(cause, text, made[-1].line, made[-1].site.function, True)
    line, function = cache_line(mender, right, pair.function if pair is not None else right.site.function)
    kept = made[-1].name if made else f"another {name}"
    return Kept(cause, f"the cache holds {kept} where {wanted} belongs (line {right.line})", line, function, sure)


def changed_later(events: list[Event], right: Event) -> list[Event]:
    """The events in which the array of this one gets other values: `+=`, a store, a call that changes it."""
    array = right.object
    later = [e for e in events if e.number > right.number and isinstance(array, np.ndarray) and array.ndim]
    same = [e for e in later if e.object is array or (e.kind != "assign" and np.may_share_memory(e.object, array))]
    kinds = ("add", "store", "touch", "assign")
    return [e for e in same if e.kind in kinds and not equal(e, right.value)]


def equal(event: Event, value: Any) -> bool:
    return event.value is not None and np.array_equal(event.value, value)


def of_another_moment(mender: Mender, name: str, made: Event, right: Event) -> Kept | None:
    """The kept value is of the right variable, but of another call, of another round, or of a later line."""
    needs = f"{name} holds {made.name}"
    line, function = keeping_line(mender, made), made.site.function
    if made.frame.number != right.frame.number and made.frame.function == right.frame.function:
        text = f"{needs} of another call of {function}: what this call keeps is lost with the next call"
        return Kept(Cause.OLD_VALUE, text, line, function, True)
    if made.site is right.site and made.loops != right.loops:
        return Kept(Cause.STEP, f"{needs} of another round of the loop than it should", line, function, True)
    if made.number > right.number and made.site is not right.site:
        text = f"{made.name} is assigned anew here before it is kept: the backward needs that of line {right.line}"
        return Kept(Cause.OLD_VALUE, text, made.line, function, True)
    return None


def named_by_values(kept: np.ndarray, right: np.ndarray) -> Cause:
    """The name of the mistake to keep one array in the place of another."""
    if activation_of(kept, right) or activation_of(right, kept):
        return Cause.PRE_ACTIVATION
    with np.errstate(all="ignore"):
        ratios = np.unique((right / kept)[kept != 0].round(12))
    if len(ratios) == 1 and not np.any(right[kept == 0]):
        return Cause.CONSTANT
    return Cause.MASK if is_mask(kept) else Cause.VARIABLE


def never_used(mender: Mender, made: Event) -> bool:
    """Whether the result of the forward does not depend on the value: it is computed to be kept."""
    truth = mender.judge.truth
    event = next((e for e in truth.events if (e.number, e.leaf) == (made.number, made.leaf)), None)
    return event is not None and not np.any(np.abs(truth.print(event)) > 1e-13)


def executed(mender: Mender, function: str) -> list[Statement]:
    """The statements of a function that the forward ran."""
    numbers = {e.site.statement for e in mender.judge.forward_events}
    return [s for s in mender.program.statements if s.function.name == function and s.number in numbers]


def keeping_line(mender: Mender, made: Event) -> int:
    """The line that puts a value into the cache: into a tuple, a list, an attribute; else where it is computed."""
    own = [s for s in mender.program.statements if s.function.name == made.site.function and s.line >= made.line]
    keeps = [s.line for s in own if any(named(n) == made.site.name for n in stored_as_is(s.node))]
    return keeps[0] if keeps else made.line


def cache_line(mender: Mender, right: Event, function: str) -> tuple[int, str]:
    """The line that makes the cache: where the name that the forward returns last was assigned, or the return."""
    own = executed(mender, function)
    for statement in reversed(own):
        node = statement.node
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            last = node.value.elts[-1]
            made = [s for s in own if isinstance(s.node, ast.Assign) and isinstance(last, ast.Name)
                    and any(named(t) == last.id for t in s.node.targets)]  # fmt: skip
            return (made[-1] if made else statement).line, function
    return right.line, right.site.function

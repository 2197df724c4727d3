"""Is this forward the right function? It is compared with a reference; if they differ: where, and why."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck import repair
from minireid.gradcheck.inside import record
from minireid.gradcheck.patterns import Cause, patterns
from minireid.gradcheck.report import Line
from minireid.gradcheck.taps import Event, source_of, tapped
from minireid.gradcheck.tensor.problem import Problem, fresh, own
from minireid.gradcheck.tensor.rounding import forward_rounds

SECONDS = repair.SECONDS  # for the search for a cause
Draw = tuple[tuple[Any, ...], dict[str, Any]]  # arrays, configuration
Function = Callable[..., Any]
Variant = tuple[str, Function]


def compare_forwards(
    forward: Function, reference: Function, draws: list[Draw], variants: list[Variant], *, seconds: float = SECONDS
) -> tuple[str, Line | None, list[Cause]] | None:
    """None if both return the same, else (a sentence, the first line that differs, causes).

    draws: (arrays, configuration) to call both functions with.
    variants: (text, function): well-known other functions, to be recognised.
    seconds: the longest time for the search for the cause.
    Raises whatever `forward` raises.
    """
    expected = [run(reference, draw) for draw in draws]
    got = [run(forward, draw) for draw in draws]
    shapes = next(filter(None, map(shape_fault, got, expected)), "")
    if shapes:
        return shapes, None, [Cause("forward differs", shapes)]
    if all(equal(a, b) for a, b in zip(got, expected)) or only_rounds(forward, draws[0], got, expected):
        return None
    line = different_line(forward, reference, draws[0])
    repairs = find_repairs(forward, expected, draws, line, seconds)
    for text, variant in variants:
        if all(equal(a, run(variant, draw)) for a, draw in zip(got, draws)):
            message = f"the forward is another function: {text}"
            return message, repaired_line(forward, repairs) or line, [Cause("forward differs", message)]
    outputs = ((p, q) for one, other in zip(got, expected) for p, q in zip(one, other))
    (name, a), (_, n) = next((p, q) for p, q in outputs if not equal([p], [q]))
    worst = int(np.argmax(np.nan_to_num(np.abs(a - n), nan=np.inf))) if np.size(a) > 1 else 0
    values = f"{np.ravel(a)[worst]:.6g}, expected {np.ravel(n)[worst]:.6g}"
    message = f"the forward differs from the reference: {name or 'y'} is {values} (the worst entry)"
    causes = [Cause(cause, repairs[0].text, repairs[0].after) for cause in repairs[0].causes[:2]] if repairs else []
    causes += patterns(np.asarray(a), np.asarray(n), {}, {})[:1] if not repairs else []
    return message, line or repaired_line(forward, repairs), [*causes, Cause("forward differs", message)][:3]


def repaired_line(forward: Function, repairs: list[repair.Repair]) -> Line | None:
    source = source_of(forward)
    if not repairs or source is None:
        return None
    return Line(repairs[0].function, repairs[0].line, source.lines[repairs[0].line - 1].strip())


def run(function: Function, draw: Draw) -> list[tuple[str, np.ndarray]]:
    arrays, config = draw
    own = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in fresh(config).items()}
    result = function(*(map_leaves(np.array, a) for a in arrays), **own)
    y = result[0] if isinstance(result, (tuple, list)) else result
    return [(name, np.asarray(leaf)) for name, leaf in leaves(y)]


def equal(one: list[tuple[str, np.ndarray]], two: list[tuple[str, np.ndarray]]) -> bool:
    if [n for n, _ in one] != [n for n, _ in two]:
        return False
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-8, atol=1e-10 * (1 + np.abs(b).max(initial=0)))
        for (_, a), (_, b) in zip(one, two)
    )


def only_rounds(forward: Function, draw: Draw, got: list[Any], expected: list[Any]) -> bool:
    """Whether the values differ only because the forward computes in float32 inside: check.py says that it does."""
    near = all(
        np.abs(a - b).max(initial=0) <= 1e-5 * np.abs(b).max(initial=0)
        for one, two in zip(got, expected)
        for (_, a), (_, b) in zip(one, two)
    )
    arrays, config = draw

    def pair(*own_arrays: Any, **own_config: Any) -> tuple[Any, Any]:
        result = forward(*own_arrays, **own_config)
        return (result[0] if isinstance(result, (tuple, list)) else result), None

    return near and forward_rounds(Problem(pair, pair, own(arrays), own(config), 0).drawn())


def shape_fault(got: list[tuple[str, np.ndarray]], expected: list[tuple[str, np.ndarray]]) -> str:
    if [n for n, _ in got] != [n for n, _ in expected]:
        got_names, expected_names = (", ".join(n or "an array" for n, _ in leaves_) for leaves_ in (got, expected))
        return f"forward returns {got_names}; expected {expected_names}"
    for (name, a), (_, b) in zip(got, expected):
        if a.shape != b.shape:
            return f"forward's {name or 'y'} has the shape {a.shape}; expected {b.shape}"
    return ""


def find_repairs(
    forward: Function,
    expected: list[list[tuple[str, np.ndarray]]],
    draws: list[Draw],
    line: Line | None,
    seconds: float,
) -> list[repair.Repair]:
    built = tapped(forward)
    if built is None:
        return []
    function, tracer = built
    record(tracer, lambda: function(*draws[0][0], **fresh(draws[0][1])))

    def right(changed: Function) -> bool:
        return equal(run(changed, draws[0]), expected[0])

    def certain(changed: Function) -> bool:
        return all(equal(run(changed, draw), y) for draw, y in zip(draws[1:], expected[1:]))

    return repair.search(forward, [line.number] if line else [], tracer.scopes, set(), right, certain, seconds=seconds)


def different_line(forward: Function, reference: Function, draw: Draw) -> Line | None:
    """The first assignment whose value differs from the reference's variable of the same name."""
    reference_events = {key: event for key, event in counted(events(reference, draw))}
    source = source_of(forward)
    for key, event in counted(events(forward, draw)):
        other = reference_events.get(key)
        if other is None or other.value.shape != event.value.shape or event.name.startswith("_"):
            continue
        if not np.allclose(event.value, other.value, rtol=1e-8, atol=1e-10):
            text = source.lines[event.site.line - 1].strip() if source else ""
            return Line(event.site.function, event.site.line, text, event.name)
    return None


def counted(found: list[Event]) -> list[tuple[tuple[str, int], Event]]:
    """Every event, with its name and the number of events of that name before it."""
    seen: Counter[str] = Counter()
    keyed = []
    for event in found:
        keyed.append(((event.name, seen[event.name]), event))
        seen[event.name] += 1
    return keyed


def events(function: Function, draw: Draw) -> list[Event]:
    built = tapped(function)
    if built is None:
        return []
    made, tracer = built
    return [e for e in record(tracer, lambda: made(*draw[0], **fresh(draw[1]))) if e.site.kind in ("assign", "store")]

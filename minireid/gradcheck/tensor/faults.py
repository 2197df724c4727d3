"""What can be wrong with a forward or a backward besides its values. Each fault is one sentence."""

import copy
import dis
import inspect
import linecache
import warnings
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.tensor.problem import Problem, is_large
from minireid.gradcheck.tensor.raises import raised

NUMBERS = "biufc"  # dtype.kind of numbers


def forward_faults(problem: Problem) -> list[str]:
    """Faults of the forward. problem has no upstream gradient yet."""
    before = copy.deepcopy(problem.arrays)
    y = problem.call(problem.forward)
    if not isinstance(y, (tuple, list)) or len(y) != 2:
        return [f"forward must return (y, cache), got {described(y)}"]
    first = map_leaves(as_array, y[0])
    if strange := [name for name, one in leaves(first, "y") if one.dtype.kind not in NUMBERS]:
        return [
            f"forward must return an array of float64 (or a dict of them): {', '.join(strange)} contains no numbers"
        ]
    found = [
        f"forward changes its input {name} in place: copy it first"
        for (name, old), (_, new) in zip(named(problem, before), named(problem, problem.arrays))
        if not np.array_equal(old, new, equal_nan=True)
    ]
    put_back(problem, before)
    second = map_leaves(as_array, problem.call(problem.forward)[0])
    put_back(problem, before)
    kinds = [np.dtype(np.float32), np.dtype(np.float64)] if in_float32(problem) else [np.dtype(np.float64)]
    for (name, one), (_, two) in zip(leaves(first, "y"), leaves(second, "y")):
        if np.shape(one) != np.shape(two):
            found.append(
                f"forward is not deterministic: {name} has the shape {np.shape(one)} once and {np.shape(two)} later"
            )
        elif not np.array_equal(one, two, equal_nan=True):
            found.append(
                f"forward is not deterministic: {name} differs from call to call; pass a seeded Generator by keyword"
            )
        if np.asarray(one).dtype not in kinds:
            given = " or ".join(map(str, kinds))
            found.append(
                f"forward returns {np.asarray(one).dtype} for {kinds[0]} inputs: it must return {given} to be checked"
            )
        elif not np.all(np.isfinite(one)):
            found.append(f"forward returns NaN or infinity{blame_input(problem)}")
    return found


def in_float32(problem: Problem) -> bool:
    """Whether every input is an array of float32."""
    kinds = {a.dtype for _, a in leaves(problem.inputs())}
    return kinds == {np.dtype(np.float32)}


def blind_spot(problem: Problem) -> str:
    """A sentence where the upstream gradient cannot show mistakes, or an empty string. problem has its upstream."""
    values = np.concatenate([np.ravel(d) for _, d in leaves(problem.upstream)] or [np.zeros(0)])
    if not values.size:
        return "forward returns an array without entries: nothing depends on the inputs, so no mistake can be seen"
    if not np.any(values):
        return "the upstream gradient is 0: every gradient is 0 then, right or wrong"
    if values.size > 1 and np.all(values == values[0]):
        return "the upstream gradient has the same value everywhere: many mistakes cannot be seen with it"
    return ""


def blame_input(problem: Problem) -> str:
    bad = [name for name, a in leaves(problem.inputs()) if not np.all(np.isfinite(a))]
    return f": its input {', '.join(bad)} already contains it" if bad else ", though every input is finite"


def backward_faults(problem: Problem) -> tuple[list[str], list[str]]:
    """(faults of the backward, notes). problem has its upstream gradient. No faults if only values can be wrong.

    A backward that changes what it is given, or works only once, can still be right: that is a note.
    """
    arrays, upstream = copy.deepcopy(problem.arrays), copy.deepcopy(problem.upstream)
    cache = problem.cache()
    try:
        first = problem.backward(problem.upstream, cache)
    except Exception as error:
        return [raised(error, problem.backward)], []
    first = copied(first)
    found: list[str] = []
    notes: list[str] = []
    if any(not np.array_equal(a, b) for (_, a), (_, b) in zip(leaves(upstream), leaves(problem.upstream))):
        notes.append("backward changes the upstream gradient in place: the caller may still need it")
        restore(problem.upstream, upstream)
    for (name, old), (_, new) in zip(named(problem, arrays), named(problem, problem.arrays)):
        if not np.array_equal(old, new):
            found.append(f"backward changes the forward's input {name} in place")
    put_back(problem, arrays)
    found += structure_faults(problem, first)
    if found:
        return found, notes
    try:
        second = problem.backward(problem.upstream, cache)
    except Exception as error:
        kind = type(error).__name__
        notes.append(f"a second call of backward with the same cache raises {kind}: the first call used it up")
        second = first
    restore(problem.upstream, upstream)
    if not same(first, second):
        notes.append(
            "backward is not repeatable: a second call with the same cache gives another result; it changes the cache"
        )
    return leftover_faults(problem, first) or linearity_faults(problem, first), notes


LEFT_BEHIND = "backward uses something that the last forward left behind, not its cache"


def leftover_faults(problem: Problem, first: Any) -> list[str]:
    """A fault if backward uses what the last forward left behind: a global, an attribute, an array that is used again.

    The forward runs for other numbers, and for more rows, between the forward and the backward. An object with state
    that is (in) the cache is copied before that: it keeps its state, and is right. Arrays, dicts and lists are not
    copied: a forward that writes into the same ones again has overwritten the cache of the call before.
    """
    cache, upstream = problem.cache(), copy.deepcopy(problem.upstream)
    try:
        kept = copy.deepcopy(cache)
        alone = close(first, problem.backward(copy.deepcopy(upstream), copy.deepcopy(cache)), 1e-5)
    except Exception:  # a module or a lock cannot be copied
        kept, alone = cache, False
    for other in forwards_between(problem):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                between = other.cache()
            except Exception:  # nobody has promised that the forward takes such numbers
                continue
        if not alone and share_state(cache, between):
            return []
        if not close(first, result_of(problem, upstream, copy.deepcopy(kept) if alone else cache), 1e-5):
            return [
                f"{LEFT_BEHIND}: after a forward of other numbers it gives another result; put all that it needs into "
                "the cache"
            ]
    if alone and is_plain(cache) and not close(first, result_of(problem, upstream, cache), 1e-5):
        return [
            f"{LEFT_BEHIND}: forward writes into the same array or dict each time, so the next forward overwrites the "
            "cache; make new ones in each call"
        ]
    return []


def result_of(problem: Problem, upstream: Any, cache: Any) -> Any:
    try:
        return problem.backward(copy.deepcopy(upstream), cache)
    except Exception:  # to fail is another result too
        return None


def forwards_between(problem: Problem) -> Iterator[Problem]:
    """The same with other numbers; then with more rows as well, for sizes that were left behind."""
    yield replace(problem, arrays=tuple(map_leaves(other_numbers, a) for a in problem.arrays))
    shapes = [np.shape(array) for _, array in leaves(problem.inputs())]
    if shapes and shapes[0] and not is_large(problem):
        rows = shapes[0][0]
        longer = lambda a: np.concatenate([a, other_numbers(a)]) if a.ndim and len(a) == rows else a  # noqa: E731
        yield replace(problem, arrays=tuple(map_leaves(longer, a) for a in problem.arrays))


def is_plain(cache: Any) -> bool:
    """Whether a cache is made of arrays, numbers and texts, in dicts, lists and tuples: nothing with a state."""
    if isinstance(cache, dict):
        return all(map(is_plain, cache.values()))
    if type(cache) in (list, tuple):
        return all(map(is_plain, cache))
    return cache is None or isinstance(cache, (np.ndarray, np.generic, int, float, complex, str))


def line_left_behind(backward: Any) -> tuple[str, int, str] | None:
    """(function, number, text) of the first line of backward that reads a variable of the file, or of a function."""
    theirs = inspect.unwrap(getattr(backward, "__func__", backward))
    code, around = getattr(theirs, "__code__", None), getattr(theirs, "__globals__", {})
    if code is None:
        return None
    number, before = code.co_firstlineno, None
    for step in dis.get_instructions(code):
        number = step.positions.lineno if step.positions and step.positions.lineno else number
        value = around.get(step.argval) if step.opname == "LOAD_GLOBAL" else None
        of_function = "ATTR" in step.opname and isinstance(before, FunctionType) and step.argval in vars(before)
        if of_function or (value is not None and not callable(value) and not isinstance(value, ModuleType)):
            return code.co_name, number, linecache.getline(code.co_filename, number).strip()
        before = value
    return None


def other_numbers(array: np.ndarray) -> np.ndarray:
    """Other numbers from the same range: the entries in reverse order, and smaller."""
    return (0.75 * array.ravel()[::-1].reshape(array.shape)).astype(array.dtype)


def share_state(one: Any, two: Any) -> bool:
    """Whether two caches contain one and the same object that can keep a state."""
    parts = [c.values() if isinstance(c, dict) else c if isinstance(c, (tuple, list)) else [c] for c in (one, two)]
    stateless = (ModuleType, FunctionType, type)
    stateful = lambda part: isinstance(part, (dict, list, set)) or hasattr(part, "__dict__")  # noqa: E731
    return any(a is b and stateful(a) and not isinstance(a, stateless) for a, b in zip(*parts))


def close(one: Any, two: Any, tolerance: float) -> bool:
    """Whether two results of backward agree, to `tolerance` of the largest entry of each array."""
    pairs = list(zip(arrays_of(one), arrays_of(two), strict=False))
    if len(pairs) != len(arrays_of(one)):
        return False
    return all(
        a.shape == b.shape
        and np.allclose(a, b, rtol=0, atol=tolerance * np.abs(a[np.isfinite(a)]).max(initial=0), equal_nan=True)
        for (_, a), (_, b) in pairs
    )


def linearity_faults(problem: Problem, first: Any) -> list[str]:
    """Faults where backward is not linear in the upstream gradient: zero must give zero, 2 a + b the same sum."""
    other = problem.with_other_upstream()
    results = []
    for upstream in (
        map_leaves(np.zeros_like, problem.upstream),
        other.upstream,
        map_leaves(lambda a, b: 2 * a + b, problem.upstream, other.upstream),
    ):
        try:
            returned = replace(problem, upstream=upstream).backwards(problem.backward)
        except Exception as error:
            return [f"with another upstream gradient {raised(error, problem.backward)}"]
        results.append([a for _, a in arrays_of(returned)])
    mine = [a for _, a in arrays_of(first)]
    of_zero, another, mixed = results
    if mine and all(np.array_equal(a, b) for a, b in zip(mine, another)) and any(np.any(a) for a in mine):
        return ["backward ignores the upstream gradient: another one gives the same result"]
    if any(np.any(np.abs(a) > 1e-12) for a in of_zero if np.all(np.isfinite(a))):
        return ["backward ignores the upstream gradient in part: a zero upstream gradient does not give zero gradients"]
    linear = 1e-2 if in_float32(problem) else 1e-5  # less may be rounding to float32 inside
    for one, two, three in zip(mine, another, mixed):
        if not (np.all(np.isfinite(one)) and np.all(np.isfinite(three))):
            continue  # compare.py reports it for the tensor
        if three.dtype.kind != "f":
            continue  # whole numbers are not linear in anything; compare.py reports the dtype
        off = np.abs(three - (2.0 * one + two)).max(initial=0)
        size = max(np.abs(a).max(initial=0) for a in (one, two, three))
        if off > linear * size + 1e-10:
            return ["backward is not linear in the upstream gradient"]
    return []


def structure_faults(problem: Problem, returned: Any) -> list[str]:
    """Wrong number or names of the gradients that backward returns."""
    count = len(problem.arrays)
    if count > 1 and not isinstance(returned, (tuple, list)):
        return [f"backward must return {count} gradients, for {', '.join(problem.names())}; got {described(returned)}"]
    if count > 1 and len(returned) != count:
        return [f"backward must return {count} gradients, for {', '.join(problem.names())}; it returns {len(returned)}"]
    if count == 1 and isinstance(returned, (tuple, list)) and len(returned) != 1:
        return [f"backward must return one gradient, for {problem.names()[0]}; it returns {len(returned)}"]
    expected = {name for name, _ in leaves(problem.inputs())}
    got = {name for name, _ in leaves(problem.by_name(returned))}
    found = [
        f"backward returns a gradient named {name}, but there is no such input"
        for name in sorted(got - expected)
        if not covers(name, expected)
    ]
    return found + [
        f"backward returns no gradient for {name}" for name in sorted(expected - got) if not covers(name, got)
    ]


def covers(name: str, names: set[str]) -> bool:
    """Whether one of `names` is above or below this one: a dict is where an array belongs. compare.py reports it."""
    return any(other.startswith(f"{name}.") or name.startswith(f"{other}.") for other in names)


def named(problem: Problem, arrays: tuple[Any, ...]) -> list[tuple[str, np.ndarray]]:
    return list(leaves(dict(zip(problem.names(), arrays))))


def arrays_of(returned: Any) -> list[tuple[str, np.ndarray]]:
    tree = dict(enumerate(returned)) if isinstance(returned, (tuple, list)) else {"": returned}
    arrays = [(name, as_array(a)) for name, a in leaves({str(k): v for k, v in tree.items()}) if a is not None]
    return [(name, a) for name, a in arrays if a.dtype.kind in NUMBERS]  # compare.py reports the dtype of the others


def as_array(value: Any) -> np.ndarray:
    """A copy; of dtype object if the value is not an array of numbers."""
    try:
        return np.array(value)
    except ValueError:  # lists of different lengths
        return np.array(None)


def copied(returned: Any) -> Any:
    kind = type(returned) if isinstance(returned, (tuple, list)) else None
    keep = lambda leaf: None if leaf is None else as_array(leaf)  # noqa: E731
    return kind(map_leaves(keep, r) for r in returned) if kind else map_leaves(keep, returned)


def same(one: Any, two: Any) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for (_, a), (_, b) in zip(arrays_of(one), arrays_of(two)))


def put_back(problem: Problem, arrays: tuple[Any, ...]) -> None:
    restore(dict(enumerate(problem.arrays)), dict(enumerate(arrays)))


def restore(changed: Any, original: Any) -> None:
    for (_, a), (_, b) in zip(leaves(changed), leaves(original)):
        if isinstance(a, np.ndarray):
            a[...] = b


def described(value: Any) -> str:
    return f"an array of the shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"

"""Arguments for a function of which only the signature is known: drawn until the function runs with them.

What a person told (--shapes, `shapes = {...}`, defaults) is kept. For the rest the conventions are tried, one after
another: the first with which forward and backward run; else the first with which forward runs.
"""

import ast
import contextlib
import inspect
import io
import itertools
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minireid.base.errors import InputError
from minireid.base.trees import put
from minireid.gradcheck.front.conventions import CONVENTIONS, choices, class_of, setting
from minireid.gradcheck.front.shapes import Wish, drawn, told, tree_of

TRIES = 200  # combinations of one convention
SECONDS = 10.0  # for one function
PARAMETERS = ("p", "params", "param", "parameters", "theta", "weights", "model", "w", "W")  # names of dicts


@dataclass(frozen=True)
class Draw:
    """Arguments that fit. about: what they are, in words."""

    arguments: tuple[Any, ...]
    config: dict[str, Any]
    about: str


def draws(
    function: Callable[..., Any], wishes: dict[str, Wish], source: str, seed: int, *, labels: bool = False
) -> Iterator[Draw]:
    """Draws for a function, the likeliest first. source: the file, in which keys of dicts are looked up.

    labels: they are drawn even if they may be left out, as in loss(X, y=None).

    Raises InputError, one line, if nothing is known about a keyword argument that must be given.
    """
    positional, config = needed(function, wishes, labels)
    title = getattr(function, "__name__", "")
    places = [place for name in positional for place in places_of(name, wishes, source, title)]
    for convention in CONVENTIONS:
        options = [[place[1]] if place[1] is not None else tried(place[0], convention) for place in places]
        for chosen in nearest_first(options):
            trees: dict[str, Any] = {}
            for (path, _), one in zip(places, chosen):
                put(trees, path, one)
            rng = np.random.default_rng([seed, 11])  # not the numbers of the upstream gradient, drawn from the seed
            yield Draw(
                tuple(drawn(trees[name], rng) for name in positional),
                {name: drawn(one, rng) for name, one in config.items()},
                ", ".join(told(name, trees[name]) for name in positional),
            )
        if all(place[1] is not None for place in places):
            return  # nothing is left to try


def needed(function: Callable[..., Any], wishes: dict[str, Wish], labels: bool) -> tuple[list[str], dict[str, Any]]:
    """(positional arguments to draw, {keyword: wish})."""
    positional: list[str] = []
    config: dict[str, Any] = {}
    optional: list[str] = []
    for p in inspect.signature(function).parameters.values():
        wish = tree_of(p.name, wishes)
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            missing = labels and p.default is None and class_of(p.name) == "y" and not optional
            if p.default is p.empty or missing or (wish is not None and not optional and not is_setting(wish)):
                positional.append(p.name)
            elif wish is not None:
                config[p.name] = wish
            else:
                optional.append(p.name)
        elif p.kind == p.KEYWORD_ONLY and wish is not None:
            config[p.name] = wish
        elif p.kind == p.KEYWORD_ONLY and p.default is p.empty:
            known = setting(p.name) or (choices(p.name, "rows") if class_of(p.name) == "y" else [])
            if not known:
                raise InputError(f"no value is known for {p.name}: say it with --shapes {p.name}=VALUE")
            config[p.name] = known[0]
    return positional, config


def is_setting(wish: Any) -> bool:
    return isinstance(wish, Wish) and wish.kind == "value"


def places_of(name: str, wishes: dict[str, Wish], source: str, function: str) -> list[tuple[str, Any]]:
    """[(path, wish or None)] of one argument: several paths for a dict of parameters."""
    wish = tree_of(name, wishes)
    if wish is not None:
        return [(name, wish)]
    keys = keys_of(name, source, function) if name in PARAMETERS else []
    return [(f"{name}.{key}", None) for key in keys] or [(name, None)]


def keys_of(name: str, source: str, function: str) -> list[str]:
    """The keys with which a function, and what it calls in its file, read a dict of this name: p["W"]."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    bodies = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    reached, to_visit = set(), [function]
    while to_visit:
        one = to_visit.pop()
        if one in bodies and one not in reached:
            reached.add(one)
            calls = [n.func for n in ast.walk(bodies[one]) if isinstance(n, ast.Call)]
            to_visit += [f.id for f in calls if isinstance(f, ast.Name)]
    nodes = [node for one in reached for node in ast.walk(bodies[one])]
    found = [(*place(n), key) for n in nodes for key in keys_in(n, name)]
    return list(dict.fromkeys(key for _, _, key in sorted(found) if "." not in key))


def place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def keys_in(node: ast.AST, name: str) -> list[str]:
    """The key of p["W"]; all keys of (p[k] for k in ("W", "b"))."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
        return [node.slice.value] if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else []
    if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        reads = [n for n in ast.walk(node.elt) if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)]
        if any(n.value.id == name for n in reads):  # type: ignore[attr-defined]
            constants = [n for g in node.generators for n in ast.walk(g.iter) if isinstance(n, ast.Constant)]
            return [n.value for n in constants if isinstance(n.value, str)]
    return []


def tried(path: str, convention: str) -> list[Wish]:
    return (setting(path) if "." not in path else []) or choices(path, convention)


def nearest_first(options: list[list[Wish]]) -> Iterator[tuple[Wish, ...]]:
    """Combinations, those with the usual shapes first: at most TRIES."""
    every = itertools.islice(itertools.product(*(range(len(one)) for one in options)), 20 * TRIES)
    for numbers in sorted(every, key=sum)[:TRIES]:
        yield tuple(one[n] for one, n in zip(options, numbers))


def first_that_runs(
    found: Iterator[Draw], forward_runs: Callable[[Draw], bool], backward_runs: Callable[[Draw], bool]
) -> tuple[Draw | None, str]:
    """(the draw to check with, why there is none)."""
    end, second, why = time.monotonic() + SECONDS, None, "no shapes were found with which it runs"
    with quiet():
        for draw in found:
            if time.monotonic() > end:
                break
            try:
                if not forward_runs(draw):
                    continue
            except NotImplementedError:
                return draw, ""
            except Exception as error:
                if "usual" not in why:
                    why = f"{why}; with the usual ones, {type(error).__name__}: {error}"
                continue
            second = second or draw
            with contextlib.suppress(Exception):
                if backward_runs(draw):
                    return draw, ""
    return second, why.splitlines()[0]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without prints and warnings: most of the tries fail."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield

"""What is checked: two plain functions, their arguments, and the upstream gradient, which defines the loss.

L = sum of upstream * forward(*arrays, **config)[0]

A person's functions have many forms. minireid/gradcheck/front knows them. Here everything has one form: `arrays` are
trees of float64 arrays, `call` gives (y, cache), `by_name` gives a tree of gradients for every argument.
"""

import copy
import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minireid.base.trees import leaves, map_leaves
from minireid.gradcheck.front.arguments import Frame, copy_of, framed, names_of
from minireid.gradcheck.front.forms import ONE_CALL, Form, form_of, unused_defaults
from minireid.gradcheck.front.gradients import by_argument
from minireid.gradcheck.tensor.draws import stream

LARGE = 20_000  # entries of all inputs together


@dataclass
class Problem:
    """forward(*arrays, **config) -> (y, cache), backward(dy, cache) -> a gradient for every array.

    forward, backward: the person's own functions; where one call gives both, the same function twice.
    arrays: the positional arguments; afterwards only what is differentiated in them, as trees. frame: how the arguments
    are put together from the trees. form: how the functions are called; found in the first call. alone: whether
    backward takes no upstream gradient.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    arrays: tuple[Any, ...]
    config: dict[str, Any]
    seed: int
    upstream: Any = None
    frame: Frame | None = None
    form: Form | None = None
    alone: bool = False

    def __post_init__(self) -> None:
        if self.frame is None:
            self.frame, self.arrays = framed(tuple(self.arrays), names_of(self.forward, len(self.arrays)))

    @property
    def whole(self) -> Frame:
        assert self.frame is not None  # __post_init__ makes it
        return self.frame

    def call(self, forward: Callable[..., Any], arrays: tuple[Any, ...] | None = None) -> tuple[Any, Any]:
        """(y, cache). Every generator is copied, so each call draws the same numbers.

        If the result has no known form, it is returned as it is: faults.py says what was expected.
        """
        result = forward(*self.whole.arguments(self.arrays if arrays is None else arrays), **fresh(self.config))
        if self.form is None:
            named = self.named()
            self.form = form_of(result, self.backward, named, set(self.config))
        return result if self.form is None else self.form.split(result)

    def named(self) -> dict[str, Any]:
        """Everything that backward may ask for by its name."""
        return {**self.config, **dict(zip(self.whole.names, self.whole.arguments(self.arrays)))}

    def cache(self) -> Any:
        return self.call(self.forward)[1]

    def drawn(self) -> "Problem":
        """The same with a random upstream gradient of y's shapes, from the seed; 1 for a loss that takes none."""
        y = self.call(self.forward)[0]
        if self.is_loss:
            return replace(self, upstream=np.float64(1))
        number = itertools.count()

        def drawn(leaf: Any) -> Any:
            normal = stream(self.seed, "upstream", next(number)).normal(size=np.shape(leaf))
            return (normal.astype(np.float32) if np.asarray(leaf).dtype == np.float32 else normal)[()]

        return replace(self, upstream=map_leaves(drawn, y))

    @property
    def one_call(self) -> bool:
        return self.form is not None and self.form.kind == ONE_CALL

    @property
    def is_loss(self) -> bool:
        """Whether the gradients are those of the loss itself: nothing comes from upstream."""
        return self.alone or self.one_call

    def copied(self) -> "Problem":
        """The same problem with copies of everything that a changed program could overwrite."""
        config = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in self.config.items()}
        return replace(self, arrays=tuple(map_leaves(np.array, a) for a in self.arrays), config=config,
                       upstream=map_leaves(lambda leaf: np.array(leaf)[()], self.upstream))  # fmt: skip

    def in_float64(self) -> "Problem":
        """The same problem with all arrays, and the upstream gradient, converted to float64."""
        (upstream,) = as_float64((self.upstream,)) if self.upstream is not None else (None,)
        return replace(self, arrays=as_float64(self.arrays), upstream=upstream)

    def with_other_upstream(self) -> "Problem":
        return replace(self, seed=self.seed + 1_000_003).drawn()

    def redrawn(self, seed: int) -> "Problem":
        """Other numbers of the same shapes, between the smallest and the largest, and another upstream gradient.

        So what was positive stays so: log and powers take no other numbers.
        """
        number = itertools.count()

        def other(array: np.ndarray) -> np.ndarray:
            if not array.size:
                return array
            low, high = float(array.min()), float(array.max())
            if low == high:
                low, high = sorted((low / 2, 2 * low)) if low else (-1.0, 1.0)
            return np.asarray(stream(seed, "other numbers", next(number)).uniform(low, high, size=array.shape))

        return replace(self, arrays=tuple(map_leaves(other, a) for a in self.arrays), seed=seed).drawn()

    def without(self, names: list[str]) -> "Problem":
        """The same problem with these arguments as configuration: nothing is differentiated by them."""
        frame, arrays = self.whole.without(names, self.arrays)
        return replace(self, frame=frame, arrays=arrays)

    def names(self) -> list[str]:
        """The names of the arguments that are differentiated, as the forward's signature gives them."""
        return self.whole.differentiated

    def inputs(self) -> dict[str, Any]:
        return dict(zip(self.names(), self.arrays))

    def gradients(self, backward: Callable[..., Any] | None = None) -> Any:
        """What backward returns, by the name of the argument."""
        return self.by_name(self.backwards(backward or self.backward))

    def backwards(self, backward: Callable[..., Any]) -> Any:
        """What backward returns. It runs on copies, so a change in place has no effect elsewhere."""
        mine = self.copied()
        if mine.one_call:
            return mine.from_one_call(backward)
        cache = mine.cache()
        return mine.run(backward, mine.upstream, cache)

    def from_one_call(self, loss: Callable[..., Any]) -> Any:
        """The gradients that come with the loss. A changed function that gives another loss is refused."""
        y, gradients = self.call(loss)
        expected = y if loss is self.forward else self.call(self.forward)[0]
        if not np.allclose(y, expected, rtol=1e-9):
            raise ValueError("the loss itself has changed")
        return gradients

    def run(self, backward: Callable[..., Any], upstream: Any, cache: Any) -> Any:
        """backward with its arguments in the order in which it takes them."""
        if self.form is None or (self.form.kind == "pair" and not self.form.cache_first and not self.form.by_name):
            return backward(*(self.form.upstreams(upstream) if self.form else [upstream]), cache)
        return self.form.run(backward, upstream, cache, fresh(self.named()))

    def by_name(self, returned: Any) -> dict[str, Any]:
        found = self.matched(returned)
        if found is not None:
            return {name: None for name in self.names()} | found
        return dict(zip(self.names(), returned if isinstance(returned, (tuple, list)) else (returned,)))

    def matched(self, returned: Any) -> dict[str, Any] | None:
        """The gradients by the name of the argument; None if their number does not fit."""
        optional = unused_defaults(self.forward, len(self.whole.names))
        return by_argument(returned, self.whole, self.arrays, optional)

    def plain(self) -> "Problem":
        """The same for functions of the one form: forward(*trees) -> (y, cache), backward(dy, cache) -> tuple."""
        return plain_problem(self)


def plain_problem(problem: Problem) -> Problem:
    """See Problem.plain. The wrappers carry the names and the code of the person's functions, for messages."""

    def forward(*trees: Any, **config: Any) -> Any:
        mine = replace(problem, config=config, arrays=trees)
        result = mine.call(problem.forward)
        problem.form = mine.form
        return result

    def backward(upstream: Any, cache: Any) -> Any:
        if problem.one_call:
            returned, gradients = cache, problem.matched(cache)
            gradients = gradients and map_leaves(lambda g: scaled(g, upstream), gradients)
        else:
            returned = problem.run(problem.backward, upstream, cache)
            gradients = problem.matched(returned)
        if gradients is None:
            return returned
        ordered = tuple(gradients.get(name) for name in problem.names())
        return ordered[0] if len(ordered) == 1 else ordered

    plain = Frame(tuple(problem.names()), tuple(problem.whole.skeletons[n] for n in problem.whole.kept), plain=True)
    named = Named(forward, problem.forward), Named(backward, problem.backward, name_of(problem.backward))
    return replace(problem, forward=named[0], backward=named[1], frame=plain, form=None, alone=False)


def name_of(backward: Callable[..., Any]) -> str:
    return getattr(backward, "__name__", "backward")


def scaled(gradient: Any, by: Any) -> Any:
    return None if gradient is None else np.asarray(gradient) * by


class Named:
    """A function that goes by the name of a person's function in messages, and keeps its code to find its lines."""

    def __init__(self, run: Callable[..., Any], theirs: Callable[..., Any], name: str = "") -> None:
        self.run, self.theirs = run, theirs
        self.__name__ = name or getattr(theirs, "__name__", "forward")
        self.__module__ = getattr(theirs, "__module__", None) or ""
        inner = inspect.unwrap(getattr(theirs, "__func__", theirs))
        self.__code__ = getattr(inner, "__code__", None)

    def __call__(self, *arguments: Any, **config: Any) -> Any:
        return self.run(*arguments, **config)


def is_large(problem: Problem) -> bool:
    """Whether its inputs have so many entries that only some can be compared, and lines are searched otherwise."""
    return sum(array.size for _, array in leaves(problem.inputs())) > LARGE


def own(given: Any) -> Any:
    """`given` with a writable copy in place of every array: of one array that is given twice, two copies.

    given: an array, or a dict, list or tuple of such. All else is passed on as it is.
    """
    if isinstance(given, np.ndarray):
        return np.array(given)
    if type(given) in (list, tuple):
        return type(given)(own(part) for part in given)
    if isinstance(given, dict):
        copied = copy.copy(given)  # stays a defaultdict, if it is one
        copied.update((key, own(part)) for key, part in given.items())
        return copied
    return given


def as_float64(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map_leaves(lambda a: a.astype(np.float64), a) for a in arrays)


def fresh(config: dict[str, Any]) -> dict[str, Any]:
    """config with every generator copied, so each call draws the same numbers."""
    return {
        k: copy_of(v) if isinstance(v, (np.random.Generator, np.random.RandomState)) else v for k, v in config.items()
    }


def complex_arrays(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map_leaves(lambda a: a.astype(np.complex128), a) for a in arrays)


def weighted_sum(upstream: Any, y: Any) -> complex:
    """L: the sum of upstream * y over all outputs."""
    return complex(sum(np.sum(d * v) for (_, d), (_, v) in zip(leaves(upstream), leaves(y))))

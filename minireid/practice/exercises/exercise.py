"""What an exercise is: functions of a page that the student writes again, and the arrays that they are tried with."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Inputs(NamedTuple):
    """What a function is called with. Configuration goes by name, without a gradient. Backward may have its own."""

    arrays: tuple[Any, ...]
    config: dict[str, Any] = {}  # noqa: RUF012 never changed
    backward_config: dict[str, Any] = {}  # noqa: RUF012


class Asked(NamedTuple):
    """A function of a page, or a pair of forward and backward.

    draw: fresh numbers and sizes from a generator; or several such functions, one for each kind of input.
    results: names of what it returns, without the cache. backward: None for a plain function.
    prefix: of the names in the student's file. given: forward stands in the stub, only backward is asked.
    changes: arguments that are changed in place, or must not be.
    judge: for a function that draws; it looks at what came, for each of the inputs, and returns [(what must be true,
    whether it is)]. without: arguments that the stub leaves out.
    """

    function: Callable[..., Any]
    draw: Callable[[np.random.Generator], Inputs] | tuple[Callable[[np.random.Generator], Inputs], ...]
    results: tuple[str, ...]
    backward: Callable[..., Any] | None = None
    prefix: str = ""
    given: bool = False
    changes: tuple[str, ...] = ()
    judge: Callable[[list[Inputs], list[Any]], list[tuple[str, bool]]] | None = None
    without: tuple[str, ...] = ()

    def draws(self, rng: np.random.Generator, count: int) -> list[Inputs]:
        """Every kind of input, as far as `count` goes."""
        kinds = self.draw if isinstance(self.draw, tuple) else (self.draw,)
        return [kinds[n % len(kinds)](rng) for n in range(count)]

    @property
    def name(self) -> str:
        return self.prefix + self.function.__name__

    @property
    def backward_name(self) -> str:
        return self.prefix + self.backward.__name__ if self.backward else ""

    def arguments(self) -> list[str]:
        """The names of the arrays."""
        kinds = inspect.Parameter
        found = inspect.signature(self.function).parameters.values()
        return [p.name for p in found if p.kind != kinds.KEYWORD_ONLY]


class Exercise(NamedTuple):
    """level: 1 (one rule), 2 (a whole layer), 3 (several uses of a value, or a whole path). minutes: an estimate.

    given: functions and classes of the page that stand in the stub as they are. hint: one sentence, where to look.
    like: what `minireid gradcheck FILE.py --like` compares the file with, for hints; "": the checker finds functions by
    their names; None: they are not for the checker.
    """

    name: str
    title: str
    level: int
    points: int
    minutes: int
    asked: tuple[Asked, ...]
    hint: str
    given: tuple[Any, ...] = ()
    like: str | None = None

"""Functions with a context, as minitorch and PyTorch write them: forward(ctx, a, b) -> y, backward(ctx, dy).

    class Mul(ScalarFunction):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

check(Mul, a, b), or check(Mul.forward, Mul.backward, a, b).
"""

import inspect
from typing import Any

from minireid.gradcheck.front.arguments import framed, names_of
from minireid.gradcheck.front.forms import cache_like
from minireid.gradcheck.front.layer import BACKWARDS, FORWARDS, method_of
from minireid.gradcheck.tensor.problem import Named, Problem


class Context:
    """What forward keeps for backward. Other attributes may be set as well."""

    def __init__(self, count: int) -> None:
        self.saved_values: tuple[Any, ...] = ()
        self.needs_input_grad = (True,) * count

    def save_for_backward(self, *values: Any) -> None:
        self.saved_values = values

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return self.saved_values


def methods(forward: Any, backward: Any) -> tuple[Any, Any] | None:
    """(forward, backward) if both take a context first; None for everything else."""
    if inspect.isclass(forward):
        names = method_of(forward, FORWARDS[:1]), method_of(forward, BACKWARDS[:1])
        if not all(names):
            return None
        forward, backward = (getattr(forward, name) for name in names)
    return (forward, backward) if takes_context(forward) and takes_context(backward) else None


def takes_context(function: Any) -> bool:
    if not inspect.isroutine(function):
        return False
    try:
        first = next(iter(inspect.signature(function).parameters), "")
    except (ValueError, TypeError):
        return False
    return first in ("ctx", "context") and cache_like(first)


def context_problem(forward: Any, backward: Any, arrays: tuple[Any, ...], config: dict[str, Any], seed: int) -> Problem:
    names = names_of(forward, len(arrays) + 1)[1:]
    frame, trees = framed(arrays, names)

    def with_context(*given: Any, **settings: Any) -> Any:
        context = Context(len(given))
        y = forward(context, *given, **settings)
        return y, context

    def back(upstream: Any, context: Context) -> Any:
        return backward(context, upstream)

    title = getattr(forward, "__qualname__", "forward").removesuffix(".forward")
    return Problem(
        Named(with_context, forward, title.rpartition(".")[2]), Named(back, backward), trees, config, seed, frame=frame
    )

"""How numba compiles the kernels: once for each dtype, kept on disk, with one line that says so.

`jit` is for what runs in parallel (prange), `helper` for what those call. error_model="numpy": division by 0 gives
infinity and no check stands in the loops. fastmath={"contract"}: a b + c may become one fused multiply-add, with one
rounding; nothing else may be rearranged, and NaN and infinity pass through as they must.

Compiled code is kept in `__pycache__`, or where NUMBA_CACHE_DIR says. Numba looks at the date of the kernel's own file
alone: whoever edits vectors.py has to delete what was kept for fused.py.
"""

import sys
from collections.abc import Callable
from typing import Any

import numba
from numba.core import event

OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}


class Announcer(event.Listener):
    """Says once on stderr that something is being compiled, when it is."""

    def __init__(self) -> None:
        self.said: set[str] = set()

    def on_start(self, event: event.Event) -> None:
        self.say("minireid: compiling the kernels, once for this machine and dtype (some seconds)")

    def on_end(self, event: event.Event) -> None:
        pass

    def say(self, line: str) -> None:
        if line not in self.said:
            self.said.add(line)
            print(line, file=sys.stderr, flush=True)


announcer = Announcer()
event.register("numba:compile", announcer)


def jit(function: Callable) -> Callable:
    return compiled(function, parallel=True)


def helper(function: Callable) -> Callable:
    return compiled(function)


def compiled(function: Callable, **options: Any) -> Callable:
    try:
        return numba.njit(cache=True, **OPTIONS, **options)(function)
    except RuntimeError:  # numba's word for: no folder that could be written to
        announcer.say(
            "minireid: no folder to keep compiled kernels in, so every start compiles them anew "
            "(set NUMBA_CACHE_DIR to one that can be written to)"
        )
        return numba.njit(**OPTIONS, **options)(function)

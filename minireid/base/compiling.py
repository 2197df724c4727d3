"""How numba compiles the kernels: once for each dtype. The compiled code is kept on disk, and one line announces it.

`jit` compiles functions that run in parallel (prange), `helper` compiles the functions that they call.
error_model="numpy": division by 0 gives infinity, so the loops contain no check. fastmath={"contract"}: a b + c may
become one fused multiply-add, with one rounding. Nothing else may be rearranged, and NaN and infinity stay correct.

Compiled code is kept in `__pycache__`, or in the folder NUMBA_CACHE_DIR. Numba checks only the date of the kernel's own
file. After an edit of vectors.py, delete what is kept for fused.py. What cannot be read is compiled again, what cannot
be kept is not.

With NUMBA_DISABLE_JIT, first aid for debugging, importing this page raises NotCompiled, an ImportError: as without
numba, everything then runs by its definition (training/ways.py).
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import numba
from numba.core import event

from minireid.base.errors import InputError


class NotCompiled(ImportError, InputError):
    """The environment says that nothing is to be compiled."""


if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
    raise NotCompiled("NUMBA_DISABLE_JIT is set")

OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}


class Announcer(event.Listener):
    """Announces on stderr that kernels are being compiled. Each line is printed only once."""

    def __init__(self) -> None:
        self.said: set[str] = set()

    def on_start(self, event: event.Event) -> None:
        self.say("minireid: compiling the kernels, once for this machine and dtype (about a minute)")

    def on_end(self, event: event.Event) -> None:
        pass

    def say(self, line: str) -> None:
        if line not in self.said:
            self.said.add(line)
            print(line, file=sys.stderr, flush=True)


announcer = Announcer()
event.register("numba:compile", announcer)


def jit(function: Callable) -> Callable:
    """Compile a kernel that runs in parallel (prange)."""
    return compiled(function, parallel=True)


def helper(function: Callable) -> Callable:
    """Compile a function that kernels call."""
    return compiled(function)


def compiled(function: Callable, **options: Any) -> Callable:
    """Compile with OPTIONS, and keep the compiled code on disk if there is a folder for it."""
    try:
        dispatcher = numba.njit(cache=True, **OPTIONS, **options)(function)
        dispatcher._cache = Kept(dispatcher._cache)
        return dispatcher
    except RuntimeError:  # numba found no folder that it can write to
        announcer.say(
            "minireid: no folder to keep compiled kernels in, so every start compiles them again "
            "(set NUMBA_CACHE_DIR to a folder that can be written to)"
        )
        return numba.njit(**OPTIONS, **options)(function)


class Kept:
    """numba's own cache of a function. It trusts its files and its disk, this one does not."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """None, so it is compiled, where a file is cut off or of another version."""
        try:
            return self.cache.load_overload(signature, target)
        except Exception:  # numba reads its own pickles: anything can come of a damaged one
            announcer.say(f"minireid: compiled kernels in {self.cache.cache_path} are damaged: compiling them again")
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        try:
            try:
                self.cache.save_overload(signature, compiled)
            except OSError:
                raise
            except Exception:  # the list of files is damaged
                self.cache.flush()
                self.cache.save_overload(signature, compiled)
        except OSError as fault:
            announcer.say(
                f"minireid: compiled kernels cannot be kept in {self.cache.cache_path} ({fault.strerror or fault}), so "
                "every start compiles them again (set NUMBA_CACHE_DIR to another folder)"
            )

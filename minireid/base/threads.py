"""How many threads compute, and why the result does not depend on it.

The convolution kernels use as many threads as they are given and come to the same bits with any number (see
minireid/kernels/fused.py). BLAS does not promise that for its matrix products, so it is held to one thread: they are a
small part of a step, and its threads would only wait for the kernels' ones.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from minireid.base.errors import InputError
from minireid.base.memory import keep_freed_memory


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Inside: `count` threads (None: one a core) for the kernels and one for BLAS."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count is not None and not 1 <= count <= available:
        raise InputError(f"expected --threads from 1 to {available} (this machine's cores), got {count}")
    give_to_kernels(count or available)
    keep_freed_memory()
    with threadpool_limits(1, "blas"):
        yield


def give_to_kernels(count: int) -> None:
    """`count` threads for numba, but no more than it started with; without numba the kernels are NumPy's."""
    try:
        import numba
    except ImportError:
        return
    started: int = vars(numba.config)["NUMBA_NUM_THREADS"]  # set by its import, where no type checker sees it
    numba.set_num_threads(min(count, started))
